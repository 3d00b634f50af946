//! `roved` with a configuration that the test changes, and phones over TLS.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, program};
use serde_json::Value;

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const TOKEN: &str = "a-token-of-the-test";
const IP: &str = "127.0.60.1";

pub(crate) struct Stage {
    folder: tempfile::TempDir,
    pub(crate) roved: Running,
    pub(crate) ready: Value,
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The files of a certificate that has signed itself; its fingerprint is another each time.
pub(crate) fn certificate(folder: &Path, name: &str) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["ops.example".to_owned(), IP.to_owned()]).unwrap();
    write(&folder.join(format!("{name}.pem")), &params.self_signed(&key).unwrap().pem());
    write(&folder.join(format!("{name}.key")), &key.serialize_pem());
}

/// A registrar and proxy over UDP and TLS, with these users and more at its end.
pub(crate) fn config(users: &[&str], more: &str) -> String {
    let mut text = format!(
        "[control]\npath = \"control\"\n[http]\nlisten = [\"127.0.0.1:0\"]\ntoken = \"{TOKEN}\"\n\
         [sip]\ndomains = [\"ops.example\"]\n\
         [sip.listen]\nudp = [\"{IP}:0\"]\ntls = [\"{IP}:0\"]\n\
         [sip.tls]\ncertificate = \"shown.pem\"\nkey = \"shown.key\"\n"
    );
    for user in users {
        text += &format!("[[sip.user]]\nname = \"{user}\"\npassword = \"of {user}\"\n");
    }
    text + more
}

impl Stage {
    pub(crate) fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["shown", "phone"] {
            certificate(folder.path(), name);
        }
        // Phones go on believing the first one when another is shown.
        std::fs::copy(folder.path().join("shown.pem"), folder.path().join("first.pem")).unwrap();
        let file = folder.path().join("roved.toml");
        write(&file, text);
        let args =
            ["--config", file.to_str().unwrap(), "--ready-json", "--log", "info", "--log-format", "json"];
        let mut roved = Running::start(&program("roved"), args);
        let ready = roved.ready(PATIENCE);
        Self { folder, roved, ready }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where SIP is spoken in a transport.
    pub(crate) fn sip(&self, transport: &str) -> String {
        let mark = format!(";transport={transport}");
        let all = self.ready["sip"].as_array().unwrap().iter().filter_map(Value::as_str);
        let uri = all.filter_map(|uri| uri.strip_suffix(&mark)).next().unwrap();
        uri.trim_start_matches("sip:").to_owned()
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.ready["http"][0].as_str().unwrap().parse().unwrap()
    }

    /// A phone, over TLS.
    fn rove(&self, args: &[&str]) -> Running {
        let file = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let own = [
            ("--listen", "127.0.60.9:0".to_owned()),
            ("--transport", "tls".to_owned()),
            ("--tls-ca", file("first.pem")),
            ("--tls-cert", file("phone.pem")),
            ("--tls-key", file("phone.key")),
        ];
        let own = own.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
        let args = args.iter().map(|&arg| arg.to_owned());
        Running::start(&program("rove"), args.chain(own))
    }

    /// The file with a user's password.
    fn password(&self, user: &str) -> String {
        let file = self.path(&format!("{user}.password"));
        write(&file, &format!("of {user}\n"));
        file.to_str().unwrap().to_owned()
    }

    fn server(&self) -> String {
        format!("sip:{};transport=tls", self.sip("tls"))
    }

    /// A phone that answers as a user.
    pub(crate) fn answers(&self, user: &str, more: &[&str]) -> Running {
        let (name, password, server) =
            (format!("sip:{user}@ops.example"), self.password(user), self.server());
        let own = [
            "answer",
            "--register",
            &name,
            "--server",
            &server,
            "--ready-json",
            "--password-file",
            &password,
        ];
        let mut phone = self.rove(&[&own[..], more].concat());
        phone.ready(PATIENCE);
        phone
    }

    /// A call of a user to another, through the server.
    pub(crate) fn calls(&self, from: &str, to: &str, more: &[&str]) -> Running {
        let settings = self.path(&format!("{from}.toml"));
        let (password, server) = (self.password(from), self.server());
        write(
            &settings,
            &format!(
                "identity = \"sip:{from}@ops.example\"\n[[account]]\naddress = \"sip:{from}@ops.example\"\n\
                 user = \"{from}\"\npassword_file = \"{password}\"\nserver = \"{server}\"\nproxy = true\n"
            ),
        );
        let target = format!("sip:{to}@ops.example");
        let own = ["--config", settings.to_str().unwrap(), "call", &target];
        self.rove(&[&own[..], more].concat())
    }

    /// A command of the operator: exit code, and all that was said.
    pub(crate) fn operator(&self, args: &[&str]) -> (i32, String) {
        let control = self.path("control").to_str().unwrap().to_owned();
        let args = args.iter().copied().chain(["--control", &control]);
        let (code, said, complaints) = Running::start(&program("roved"), args).outcome(PATIENCE);
        (code, said + &complaints)
    }

    /// A command of the operator, until what is said has `part` in it.
    pub(crate) fn sees(&self, args: &[&str], part: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let (_, said) = self.operator(args);
            if said.contains(part) {
                return said;
            }
            assert!(Instant::now() < until, "{part}: {said}; {}", self.roved.complaints());
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// The configuration is another, and taken over.
    pub(crate) fn change(&self, text: &str) -> (i32, String) {
        write(&self.path("roved.toml"), text);
        self.operator(&["reload"])
    }
}

/// What a page says: its status and all of it.
pub(crate) fn get(at: SocketAddr, path: &str, token: Option<&str>) -> (u16, String) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let shown = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {at}\r\n{shown}\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("{text}")), text)
}
