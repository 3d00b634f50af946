//! A relay, and a peer that echoes.

use std::{
    net::{SocketAddr, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    thread,
    time::Duration,
};

use rove_tests::programs::{Running, program};

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "of-alice";
pub(crate) const SECRET: &str = "north";

/// A running `roved` with `[relay]` alone.
pub(crate) struct Relay {
    folder: tempfile::TempDir,
    process: Running,
    pub(crate) udp: SocketAddr,
    pub(crate) tls: SocketAddr,
}

impl Relay {
    /// One that passes on to this machine, with more in its section.
    pub(crate) fn start(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificate(folder.path(), "relay", &["relay.example", "127.0.0.1"]);
        let config = folder.path().join("relay.toml");
        let text = format!(
            "[control]\npath = \"control\"\n[relay]\nlisten = [\"127.0.0.1:0\"]\ntls = [\"127.0.0.1:0\"]\ncertificate = \"relay.pem\"\n\
             key = \"relay.key\"\nrealm = \"relay.example\"\nsecret = \"{SECRET}\"\ncontrol = \"relay.control\"\n\
             per_user = 10000\n{more}\n[[relay.user]]\nname = \"{USER}\"\npassword = \"{PASSWORD}\"\n"
        );
        write(&config, &text);
        let args = ["--config", config.to_str().unwrap(), "--ready-json"];
        let mut process = Running::start(&program("roved"), args);
        let ready = process.ready(PATIENCE);
        let at = |kind: &str, over: &str| {
            let uris = ready["relay"].as_array().unwrap().iter().filter_map(|uri| uri.as_str());
            let (begin, end) = (format!("{kind}:"), format!("?transport={over}"));
            let found = uris.filter_map(|uri| uri.strip_prefix(&begin)?.strip_suffix(&end)).next();
            found.unwrap().parse().unwrap()
        };
        Self { udp: at("turn", "udp"), tls: at("turns", "tcp"), folder, process }
    }

    /// What the node's operator is told.
    pub(crate) fn operator(&self, command: &[&str]) -> String {
        self.asked("control", command)
    }

    fn asked(&self, control: &str, command: &[&str]) -> String {
        let control = self.folder.path().join(control);
        let args = [command, &["--control", control.to_str().unwrap()]].concat();
        let (code, said, complaints) = Running::start(&program("roved"), args).outcome(PATIENCE);
        assert_eq!(code, 0, "{command:?}: {complaints}");
        said
    }

    /// Changes its configuration.
    pub(crate) fn changes(&self, old: &str, new: &str) {
        let config = self.folder.path().join("relay.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        assert!(text.contains(old), "{text}");
        write(&config, &text.replace(old, new));
    }

    /// What the relay has counted under a name.
    pub(crate) fn counted(&self, name: &str) -> u64 {
        counted(&self.folder.path().join("relay.control"), name)
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.process.is_alive()
    }
}

/// What the server at a control socket has counted under a name.
pub(crate) fn counted(control: &Path, name: &str) -> u64 {
    let args = ["metrics", "--control", control.to_str().unwrap()];
    let (code, said, complaints) = Running::start(&program("roved"), args).outcome(PATIENCE);
    assert_eq!(code, 0, "{complaints}");
    let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {said}")).parse().unwrap()
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The files of a certificate for these names that has signed itself.
pub(crate) fn certificate(folder: &Path, file: &str, names: &[&str]) {
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let params = rcgen::CertificateParams::new(names).unwrap();
    write(&folder.join(format!("{file}.pem")), &params.self_signed(&key).unwrap().pem());
    write(&folder.join(format!("{file}.key")), &key.serialize_pem());
}

/// A peer that sends back what it gets there and at the next port, where the reports of a pair of ports go, until the test
/// ends.
pub(crate) fn echo() -> SocketAddr {
    let pair = || {
        let first = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = first.local_addr().unwrap();
        let second = UdpSocket::bind((address.ip(), address.port().checked_add(1)?)).ok()?;
        Some((address, [first, second]))
    };
    let (address, sockets) = std::iter::repeat_with(pair).take(1_000).flatten().next().unwrap();
    for socket in sockets {
        thread::spawn(move || {
            let mut bytes = [0; 2_048];
            while let Ok((len, from)) = socket.recv_from(&mut bytes) {
                let _ = socket.send_to(bytes.get(..len).unwrap_or_default(), from);
            }
        });
    }
    address
}
