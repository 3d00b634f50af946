//! Registering with an IRMV server, and asking it.

use core::time::Duration;
use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    net::{SocketAddr, UdpSocket},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Instant,
};

use rove_io::entropy::os_entropy;
use rove_phone::{
    Phone, Transport,
    irmv::{
        ClientConfig, ClientEvent, Contact, Identifier, Irmv, Name, Presence, Record, Status, Uid, UserKey,
        Words, read_number_proof,
    },
};
use zeroize::Zeroizing;

use super::{GLANCE, relayed::Line};
use crate::{
    cli::{Call, PhoneArgs, irmv::IrmvArgs},
    failure::Failure,
    files,
    show::Show,
    stop::Stop,
};

/// A name that stays registered.
pub(crate) struct Registered {
    pub(super) irmv: Irmv,
    key: UserKey,
    pub(super) presence: Presence,
    /// The calls that go by way of the servers.
    pub(super) lines: Vec<Line>,
}

impl Registered {
    /// Registers `name` at the server that the flags name, or `other`, and waits until that stands.
    pub(crate) fn new(
        phone: &Phone,
        args: &IrmvArgs,
        of_phone: &PhoneArgs,
        other: Option<&str>,
        name: &str,
        stop: &Stop,
    ) -> Result<Self, Failure> {
        let wrong = |what: &str, error: &dyn std::fmt::Display| Failure::usage(format!("{what}: {error}"));
        let name: Name = name.parse().map_err(|error| wrong(name, &error))?;
        let config = args.server(other, Some(name.domain()))?;
        let number = args.irmv_number.as_deref().map(str::parse).transpose();
        let presence = Presence {
            number: number.map_err(|error| wrong("--irmv-number", &error))?,
            fixed: args.irmv_fixed,
            contacts: contacts(phone, config.server)?,
            name,
            status: Status::Online,
            listed: args.irmv_listed,
            lifetime: LIFETIME,
        };
        let words = Words::new(&args.irmv_word).map_err(|error| wrong("--irmv-word", &error))?;
        let irmv = start(args, config, of_phone)?;
        let one = Self { irmv, key: key(args)?, presence, lines: Vec::new() };
        if let (Some(path), Some(number)) = (&args.irmv_number_proof, one.presence.number) {
            let proof = read_number_proof(path, one.presence.name.clone(), number);
            one.irmv.prove(proof.map_err(|error| wrong(&path.display().to_string(), &error))?);
        }
        one.irmv.register(one.key.clone(), one.presence.clone());
        hears(&one.irmv, stop, |event| match event {
            ClientEvent::Registered { .. } => Some(Ok(())),
            ClientEvent::NotRegistered { reason } => {
                Some(Err(format!("{} is not registered: {reason}", one.presence.name)))
            }
            _ => None,
        })?;
        admit(&one.irmv, args, stop)?;
        if args.irmv_listed {
            one.irmv.list(words);
            hears(&one.irmv, stop, |event| match event {
                ClientEvent::Listed { result } => Some(result.map_err(|why| format!("--irmv-word: {why}"))),
                _ => None,
            })?;
        }
        Ok(one)
    }

    /// Whose it is.
    pub(crate) fn uid(&self) -> Uid {
        self.key.uid()
    }

    /// Says how the user is from now on, where that is something else.
    pub(crate) fn is(&mut self, status: Status) {
        if self.presence.status != status {
            self.presence.status = status;
            self.irmv.register(self.key.clone(), self.presence.clone());
        }
    }

    /// Takes it back, and waits until that is heard.
    pub(crate) fn leave(self, show: &Show) -> Result<(), Failure> {
        self.irmv.leave();
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if self.irmv.next_event(GLANCE) == Some(ClientEvent::Left) {
                show.keep(&format!("{} leads nowhere any more", self.presence.name));
                return Ok(());
            }
        }
        Err(Failure::environment("the IRMV server does not answer; the name may still stand"))
    }
}

/// Whom the user admits from now on, and whom it does not any more; waits until the server has kept that.
pub(super) fn admit(irmv: &Irmv, args: &IrmvArgs, stop: &Stop) -> Result<(), Failure> {
    let admitted = args.irmv_admit.iter().map(|whom| (whom, true));
    for (whom, may) in admitted.chain(args.irmv_dismiss.iter().map(|whom| (whom, false))) {
        irmv.admit(whom.clone(), may);
        hears(irmv, stop, |event| match event {
            ClientEvent::Admitted { result, .. } => Some(result.map_err(|why| format!("{whom}: {why}"))),
            _ => None,
        })?;
    }
    Ok(())
}

/// Waits for what `wanted` takes for the answer.
fn hears(
    irmv: &Irmv,
    stop: &Stop,
    wanted: impl Fn(ClientEvent) -> Option<Result<(), String>>,
) -> Result<(), Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        match irmv.next_event(GLANCE).and_then(&wanted) {
            Some(result) => return result.map_err(Failure::environment),
            _ if stop.wanted() => return Err(Failure::call("stopped before the server had answered")),
            _ if Instant::now() > until => {
                return Err(Failure::environment(
                    "the IRMV server does not answer, or shows no certificate of its domain",
                ));
            }
            _ => {}
        }
    }
}

/// A link to the server, as whom the flags name.
pub(super) fn asking(args: &IrmvArgs, of_phone: &PhoneArgs, stop: &Stop) -> Result<Irmv, Failure> {
    let config = args.server(None, args.irmv_as.as_ref().map(Name::domain))?;
    let irmv = start(args, config, of_phone)?;
    if let Some(name) = &args.irmv_as {
        irmv.speak(key(args)?, name.clone());
        hears(&irmv, stop, |event| match event {
            ClientEvent::Known { result } => Some(result.map_err(|why| format!("--irmv-as {name}: {why}"))),
            _ => None,
        })?;
    }
    Ok(irmv)
}

/// As whom a call goes by way of the servers, and to whom.
pub(crate) fn call_by(
    phone: &Phone,
    args: &Call,
    record: Option<&Record>,
    stop: &Stop,
) -> Result<(Registered, Box<Record>), Failure> {
    let nobody = || Failure::call(format!("{}: nobody of that name is there", args.target));
    let record = Box::new(record.ok_or_else(nobody)?.clone());
    let name = args.phone.identity.as_deref().unwrap_or_default();
    Ok((Registered::new(phone, &args.irmv, &args.phone, None, name, stop)?, record))
}

/// Asks who `target` is. `None` when it is nothing that a registry knows, nobody is there, or no server is named.
pub(crate) fn look_up(
    args: &IrmvArgs,
    of_phone: &PhoneArgs,
    target: &str,
    stop: &Stop,
) -> Result<Option<Box<Record>>, Failure> {
    if !args.names_a_server() {
        return Ok(None);
    }
    let Ok(identifier) = target.parse::<Identifier>() else { return Ok(None) };
    let irmv = asking(args, of_phone, stop)?;
    irmv.query(identifier);
    loop {
        match irmv.next_event(GLANCE) {
            Some(ClientEvent::Answer { result: Ok(record), .. }) => return Ok(record),
            Some(ClientEvent::Answer { result: Err(reason), .. }) => {
                return Err(Failure::call(format!("{target}: {reason}")));
            }
            _ if stop.wanted() => return Err(Failure::call("stopped before an answer came")),
            _ => {}
        }
    }
}

/// Where a call to somebody goes: the first contact, as a URI.
pub(crate) fn target(record: &Record) -> Option<String> {
    let Contact { transport, address } = record.claim.contacts.first()?;
    Some(format!("sip:{}@{address};transport={transport}", record.claim.name.user()))
}

/// What a registry knows of somebody.
pub(crate) fn show(target: &str, json: Option<&Path>, record: &Record) -> Result<(), Failure> {
    let (claim, behind) = (&record.claim, &record.attestation);
    if let Some(path) = json {
        let addresses: Vec<_> = claim
            .contacts
            .iter()
            .map(|one| serde_json::json!({ "address": one.address, "transport": one.transport.to_string(), "name": claim.name.as_str() }))
            .collect();
        let value = serde_json::json!({
            "target": target,
            "addresses": addresses,
            "error": null,
            "steps": [],
            "name": claim.name.as_str(),
            "uid": claim.uid().to_string(),
            "status": claim.status.to_string(),
            "number": claim.number.map(|number| number.to_string()),
            "number_proof": claim.number.map(|_| behind.number.to_string()),
            "fixed": claim.fixed,
            "fixed_proof": claim.fixed.map(|_| behind.fixed.to_string()),
        });
        files::write(path, &format!("{value:#}\n"))?;
    }
    for contact in &claim.contacts {
        println!("{} {} {}", contact.address, contact.transport, claim.name);
    }
    println!("{} is {}, unique id {}", claim.name, claim.status, claim.uid());
    if let Some(number) = claim.number {
        println!("{number}, behind which is {}", behind.number);
    }
    if let Some(fixed) = claim.fixed {
        println!("{fixed}, behind which is {}", behind.fixed);
    }
    Ok(())
}

/// A link to the server.
fn start(args: &IrmvArgs, config: ClientConfig, phone: &PhoneArgs) -> Result<Irmv, Failure> {
    let started = match &args.invite {
        Some(invite) => Irmv::invited(invite),
        None => Irmv::start(config, phone.transport.tls_ca.as_deref()),
    };
    started.map_err(|error| Failure::environment(error.to_string()))
}

/// Where the phone takes calls; where it listens at all addresses, the one that leads to the server.
fn contacts(phone: &Phone, server: SocketAddr) -> Result<Vec<Contact>, Failure> {
    let toward = || -> std::io::Result<std::net::IpAddr> {
        let any: SocketAddr = if server.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
        let socket = UdpSocket::bind(any)?;
        socket.connect(server)?;
        Ok(socket.local_addr()?.ip())
    };
    let ours = toward().map_err(|error| Failure::environment(format!("no way to {server}: {error}")))?;
    let mut contacts = Vec::new();
    for address in phone.sip_addresses() {
        let ip = if address.ip().is_unspecified() { ours } else { address.ip() };
        let contact = Contact { transport: Transport::Udp, address: SocketAddr::new(ip, address.port()) };
        if ip.is_ipv4() == address.is_ipv4() && !contacts.contains(&contact) {
            contacts.push(contact);
        }
    }
    contacts.truncate(MOST_CONTACTS);
    Ok(contacts)
}

/// The key that says who we are.
fn key(args: &IrmvArgs) -> Result<UserKey, Failure> {
    let path = match &args.irmv_key {
        Some(path) => path.clone(),
        None => default_key()?,
    };
    let fail = |what: String| Failure::environment(format!("{}: {what}", path.display()));
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            let mut seed = Zeroizing::new([0; 32]);
            os_entropy().map_err(|error| fail(error.to_string()))?.fill(&mut *seed);
            let text = Zeroizing::new(format!("{}\n", Uid(*seed)));
            file.write_all(text.as_bytes()).map_err(|error| fail(error.to_string()))?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(fail(error.to_string())),
    }
    let mode = std::fs::metadata(&path).map_err(|error| fail(error.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(fail("other users can read this key; allow its owner alone (chmod 600)".into()));
    }
    let text = Zeroizing::new(std::fs::read_to_string(&path).map_err(|error| fail(error.to_string()))?);
    let seed: Uid = text.trim().parse().map_err(|_| fail("holds no key".into()))?;
    Ok(UserKey::from_seed(&seed.0))
}

/// Where the key is when nothing is said (XDG Base Directory Specification).
fn default_key() -> Result<PathBuf, Failure> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
    let folder =
        folder.ok_or_else(|| Failure::usage("no place for the key is known: give --irmv-key FILE"))?;
    let folder = folder.join("rove");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::environment(format!("{}: {error}", folder.display())))?;
    Ok(folder.join("irmv.key"))
}

/// How long a registration lasts without being renewed.
const LIFETIME: Duration = Duration::from_secs(3_600);
/// For the server.
const PATIENCE: Duration = Duration::from_secs(15);
/// As many as a claim has.
const MOST_CONTACTS: usize = 4;
