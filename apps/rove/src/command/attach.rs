//! `rove attach`: takes a place in a network under the home's name, until it is ended. `rove detach` ends it.

use std::{
    io::{Read as _, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rove_phone::roaming::{
    Access, AkaKeys, Answer, Attachment, BindClaim, Credential, NetworkName, Proof, Query, SimCredential,
    TerminalConfig, TerminalEvent, TerminalKey, Usim, first_address,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::GLANCE;
use crate::{
    cli::roaming::{Attach, Detach},
    failure::Failure,
    stop::Stop,
};

/// What a file of a SIM holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SimFile {
    imsi: String,
    name: Option<String>,
    k: Option<String>,
    opc: Option<String>,
    /// Of a key pair, for terminals without a SIM.
    seed: Option<String>,
}

/// A terminal's identity and what it proves it with.
pub(crate) struct Sim {
    pub(crate) config: TerminalConfig,
    pub(crate) credential: Box<dyn Credential>,
}

pub(crate) fn run(args: &Attach, stop: &Stop) -> Result<(), Failure> {
    let Sim { config, credential } = read(&args.sim, args.dhcp)?;
    let attachment = Attachment::start(config, credential, args.authority.clone())
        .map_err(|error| Failure::usage(error.to_string()))?;
    let network = args.network.as_ref().map(|name| name.parse::<NetworkName>()).transpose();
    let network = network.map_err(|error| Failure::usage(format!("--network: {error}")))?;
    let ended = Ended::listen(&args.sim)?;
    attachment.attach(Access { address: args.at, network });
    let mut leaving = false;
    loop {
        if !leaving && (stop.wanted() || ended.wanted()) {
            leaving = true;
            attachment.detach();
        }
        let Some(event) = attachment.next_event(GLANCE) else { continue };
        tell(args, &event);
        match event {
            TerminalEvent::Refused(reason) => return Err(Failure::call(format!("refused: {reason}"))),
            TerminalEvent::Ended(reason) => return Err(Failure::call(format!("the stay is over: {reason}"))),
            TerminalEvent::Detached => return Ok(()),
            _ => {}
        }
    }
}

/// `rove detach`: the `rove attach` of the same SIM leaves.
pub(crate) fn detach(args: &Detach) -> Result<(), Failure> {
    let path = socket(&args.sim);
    let fail = |error: std::io::Error| {
        Failure::call(format!("{}: {error}; is a rove attach with this SIM running?", path.display()))
    };
    let mut stream = UnixStream::connect(&path).map_err(fail)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(fail)?;
    // The other side closes when it has left.
    stream.read_to_end(&mut Vec::new()).map_err(fail)?;
    println!("left");
    Ok(())
}

fn tell(args: &Attach, event: &TerminalEvent) {
    if matches!(event, TerminalEvent::Token { .. }) && !args.dhcp {
        // Nobody is to be shown it.
        return;
    }
    if args.json {
        if let Some(value) = as_json(event) {
            println!("{value}");
            let _ = std::io::stdout().flush();
        }
        return;
    }
    match event {
        TerminalEvent::Token { token, addresses } => {
            let token = hex(token.bytes());
            let address = first_address(addresses).map(|ip| ip.to_string()).unwrap_or_default();
            println!("ask DHCP for {address} with client identifier {token}");
        }
        TerminalEvent::Attached { addresses, name, network, .. } => {
            let all: Vec<_> = addresses.iter().map(|ip| ip.to_string()).collect();
            println!("{name} leads here now: {} in {network}; Ctrl-C leaves", all.join(", "));
        }
        TerminalEvent::Detached => println!("left"),
        _ => {}
    }
}

/// What scripts are told; stable keys.
pub(crate) fn as_json(event: &TerminalEvent) -> Option<Value> {
    Some(match event {
        TerminalEvent::Token { token, addresses } => json!({
            "event": "token", "token": hex(token.bytes()),
            "addresses": addresses.iter().map(|ip| ip.to_string()).collect::<Vec<_>>(),
        }),
        TerminalEvent::Attached { addresses, name, network, generation } => json!({
            "event": "attached", "name": name.to_string(), "network": network.to_string(), "stay": generation.0,
            "addresses": addresses.iter().map(|ip| ip.to_string()).collect::<Vec<_>>(),
        }),
        TerminalEvent::Refused(reason) => json!({ "event": "refused", "reason": reason.to_string() }),
        TerminalEvent::Ended(reason) => json!({ "event": "ended", "reason": reason.to_string() }),
        TerminalEvent::Detached => json!({ "event": "detached" }),
        _ => return None,
    })
}

/// Reads a SIM, which its owner alone may read.
pub(crate) fn read(path: &Path, dhcp: bool) -> Result<Sim, Failure> {
    let fail = |what: &str| Failure::usage(format!("--sim {}: {what}", path.display()));
    let mode = std::fs::metadata(path).map_err(|error| fail(&error.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(fail("other users can read this SIM; allow its owner alone (chmod 600)"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| fail(&error.to_string()))?;
    // What is wrong names a key, never a secret.
    let file: SimFile = toml::from_str(&text).map_err(|error| fail(error.message()))?;
    let imsi = file.imsi.parse().map_err(|error| fail(&format!("imsi: {error}")))?;
    let name = file.name.map(|name| name.parse()).transpose();
    let name = name.map_err(|error: rove_phone::roaming::IdentityError| fail(&format!("name: {error}")))?;
    let credential: Box<dyn Credential> = match (&file.k, &file.opc, &file.seed) {
        (Some(k), Some(opc), None) => {
            let digits = "k and opc: 32 hexadecimal digits each are expected";
            let keys =
                AkaKeys::new(bytes(k).ok_or_else(|| fail(digits))?, bytes(opc).ok_or_else(|| fail(digits))?);
            Box::new(Kept::open(path, keys)?)
        }
        (None, None, Some(seed)) => {
            let seed = bytes(seed).ok_or_else(|| fail("seed: 64 hexadecimal digits are expected"))?;
            Box::new(TerminalKey::from_seed(&seed))
        }
        _ => return Err(fail("give either k and opc (of a SIM) or seed (of a key pair)")),
    };
    Ok(Sim { config: TerminalConfig { imsi, name, dhcp }, credential })
}

/// A SIM whose taken sequence numbers are kept beside its file, so that no challenge is answered twice.
struct Kept {
    sim: SimCredential,
    path: PathBuf,
}

impl Kept {
    fn open(sim: &Path, keys: AkaKeys) -> Result<Self, Failure> {
        let path = beside(sim, "taken");
        let taken = match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => [0; 32],
            Err(error) => return Err(Failure::usage(format!("{}: {error}", path.display()))),
        };
        Ok(Self { sim: SimCredential::new(Usim::restored(keys, taken)), path })
    }

    fn keep(&self) -> std::io::Result<()> {
        let Some(taken) = self.sim.taken() else { return Ok(()) };
        let draft = self.path.with_extension("new");
        let mut file = std::fs::File::create(&draft)?;
        file.write_all(serde_json::to_string(&taken).unwrap_or_default().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, &self.path)
    }
}

impl Credential for Kept {
    fn answer(&mut self, query: &Query, network: &NetworkName) -> Answer {
        let answer = self.sim.answer(query, network);
        if answer.is_ok()
            && let Err(error) = self.keep()
        {
            tracing::warn!(target: "rove::terminal", %error, "what the SIM has seen cannot be kept");
        }
        answer
    }

    fn prove(&self, claim: &BindClaim) -> Option<Proof> {
        self.sim.prove(claim)
    }

    fn taken(&self) -> Option<[u64; 32]> {
        self.sim.taken()
    }
}

/// Whether `rove detach` wants this stay to end. Whoever asked hears of it by the end of its stream.
struct Ended {
    wanted: Arc<AtomicBool>,
    path: PathBuf,
}

impl Ended {
    fn listen(sim: &Path) -> Result<Self, Failure> {
        let path = socket(sim);
        let fail = |error: std::io::Error| Failure::environment(format!("{}: {error}", path.display()));
        if UnixStream::connect(&path).is_ok() {
            return Err(Failure::environment("another rove attach with this SIM is running"));
        }
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).map_err(fail)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(fail)?;
        let wanted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&wanted);
        std::thread::spawn(move || {
            // Kept open until this process ends.
            let mut askers = Vec::new();
            for stream in listener.incoming().map_while(Result::ok).take(MOST_ASKERS) {
                askers.push(stream);
                flag.store(true, Ordering::Relaxed);
            }
            std::thread::park();
        });
        Ok(Self { wanted, path })
    }

    fn wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn socket(sim: &Path) -> PathBuf {
    beside(sim, "sock")
}

fn beside(sim: &Path, ending: &str) -> PathBuf {
    let mut name = sim.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let digits = digits.trim();
    if digits.len() != N * 2 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// For the other process to leave.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who ask at once that a stay ends.
const MOST_ASKERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn sim(folder: &Path, text: &str, mode: u32) -> PathBuf {
        let path = folder.join("sim.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_sim_that_cannot_be_used_says_why_and_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let good = "imsi = \"001010000000001\"\nk = \"465b5ce8b199b49faa5f0a2ee238a6bc\"\n\
                    opc = \"cd63cb71954a9f4e48a5994e37a02baf\"\n";
        let long = good.replace("bc\"", "bc00\"");
        let cases = [
            (good.to_owned(), 0o600, None),
            (good.to_owned(), 0o640, Some("chmod 600")),
            (good.replace("k = ", "q = "), 0o600, Some("q")),
            (long, 0o600, Some("32 hexadecimal")),
            ("imsi = \"1\"\n".into(), 0o600, Some("imsi")),
            ("imsi = \"001010000000001\"\n".into(), 0o600, Some("either k and opc")),
        ];
        for (text, mode, says) in cases {
            let read = read(&sim(dir.path(), &text, mode), false).map(drop);
            match (read, says) {
                (Ok(()), None) => {}
                (Err(error), Some(says)) => {
                    let error = error.to_string();
                    assert!(error.contains(says) && !error.contains("465b5c"), "{error}");
                }
                (read, says) => panic!("{read:?} {says:?}"),
            }
        }
    }

    #[test]
    fn what_a_sim_has_seen_is_kept_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sim.toml");
        let kept = Kept::open(&path, AkaKeys::new([1; 16], [2; 16])).unwrap();
        kept.keep().unwrap();
        assert!(dir.path().join("sim.toml.taken").is_file());
        assert!(Kept::open(&path, AkaKeys::new([1; 16], [2; 16])).is_ok());
        std::fs::write(dir.path().join("sim.toml.taken"), "[1]").unwrap();
        assert!(Kept::open(&path, AkaKeys::new([1; 16], [2; 16])).is_err());
    }
}
