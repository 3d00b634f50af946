//! A hundred servers in one process.

use std::{
    net::UdpSocket,
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, program};
use serde_json::Value;

use crate::stage::{PATIENCE, get, write};

const TENANTS: usize = 100;
/// What each of them may have.
const QUOTA: usize = 2;

struct House {
    folder: tempfile::TempDir,
    roved: Running,
    ready: Value,
    socket: UdpSocket,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut text = "[control]\npath = \"control\"\n[http]\nlisten = [\"127.0.0.1:0\"]\n".to_owned();
        for number in 0..TENANTS {
            text += &format!(
                "[[tenant]]\ndomain = \"t{number}.example\"\nauth = {}\ntoken = \"{}\"\n\
                 [tenant.listen]\nudp = [\"127.0.0.1:0\"]\n[tenant.quota]\nregistrations = {QUOTA}\ncalls = 1\n\
                 [[tenant.user]]\nname = \"alice\"\npassword = \"of {number}\"\n",
                number % 10 == 9,
                token(number),
            );
        }
        let file = folder.path().join("roved.toml");
        write(&file, &text);
        let args = ["--config", file.to_str().unwrap(), "--ready-json"];
        let mut roved = Running::start(&program("roved"), args);
        let ready = roved.ready(PATIENCE);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        Self { folder, roved, ready, socket }
    }

    /// Sends a request to the server of a tenant, and answers its status.
    fn ask(&self, tenant: usize, method: &str, user: &str, id: &str) -> u16 {
        let uri = self.ready["sip"][tenant].as_str().unwrap();
        let at = uri.trim_start_matches("sip:").split(';').next().unwrap();
        let (own, domain) = (self.socket.local_addr().unwrap(), format!("t{tenant}.example"));
        let target = if method == "REGISTER" { domain.clone() } else { format!("{user}@{domain}") };
        let text = format!(
            "{method} sip:{target} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{id}{method}{tenant}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@{domain}>;tag=a\r\nTo: <sip:{user}@{domain}>\r\n\
             Call-ID: {id}-{tenant}\r\nCSeq: 1 {method}\r\nContact: <sip:{user}-{id}@{own}>\r\nContent-Length: 0\r\n\r\n"
        );
        let (until, mut answer) = (Instant::now() + PATIENCE, [0; 4_096]);
        self.socket.send_to(text.as_bytes(), at).unwrap();
        while Instant::now() < until {
            match self.socket.recv(&mut answer) {
                Ok(len) => {
                    let said = String::from_utf8_lossy(&answer[..len]).into_owned();
                    let ours = said.contains(&format!("Call-ID: {id}-{tenant}\r\n"));
                    let status: Option<u16> =
                        said.strip_prefix("SIP/2.0 ").and_then(|rest| rest[..3].parse().ok());
                    if let Some(status) = status.filter(|status| ours && *status >= 200) {
                        return status;
                    }
                }
                Err(_) => {
                    self.socket.send_to(text.as_bytes(), at).unwrap();
                }
            }
        }
        panic!("{method} at {at} is not answered: {}", self.roved.complaints())
    }

    fn view(&self, token: &str) -> Value {
        let at = self.ready["http"][0].as_str().unwrap().parse().unwrap();
        let (status, said) = get(at, "/view.json", Some(token));
        assert_eq!(status, 200, "{said}");
        serde_json::from_str(said.split("\r\n\r\n").nth(1).unwrap()).unwrap()
    }
}

fn token(tenant: usize) -> String {
    format!("token-of-tenant-{tenant}")
}

#[test]
fn b28_a_hundred_tenants_share_a_process_and_nothing_else() {
    let house = House::new();
    assert_eq!(house.ready["sip"].as_array().unwrap().len(), TENANTS);
    // The same name in each; whose server asks for passwords, does so for its own realm.
    for tenant in 0..TENANTS {
        let expected = if tenant % 10 == 9 { 401 } else { 200 };
        assert_eq!(house.ask(tenant, "REGISTER", "alice", "first"), expected, "{tenant}");
    }
    // Only its own are seen with a tenant's token.
    for tenant in [0, 7, 50] {
        let view = house.view(&token(tenant));
        let names: Vec<_> =
            view["registrations"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        assert_eq!(names, [&Value::from(format!("alice@t{tenant}.example"))]);
        assert_eq!(view["registered"], 1);
    }
    assert_eq!(house.view(&token(9))["registered"], 0);
    // One uses up what it has; nobody else notices.
    assert_eq!(house.ask(3, "REGISTER", "bob", "second"), 200);
    let beyond = house.ask(3, "REGISTER", "carol", "third");
    assert!(beyond >= 500, "{beyond}");
    for tenant in [2, 4] {
        assert_eq!(house.ask(tenant, "REGISTER", "bob", "second"), 200, "{tenant}");
    }
    // A name that is somebody's elsewhere is nobody's here.
    assert_eq!(house.ask(0, "MESSAGE", "bob", "fifth"), 480, "bob is at 2, 3 and 4 alone");
    let folder = house.folder.path().join("control");
    let args = ["metrics", "--control", folder.to_str().unwrap()];
    let (code, said, complaints) = Running::start(&program("roved"), args).outcome(PATIENCE);
    assert_eq!(code, 0, "{complaints}");
    assert!(said.contains("rove_sip_bindings{tenant=\"t3.example\"} 2\n"), "{said}");
    assert!(said.contains("rove_sip_bindings{tenant=\"t5.example\"} 1\n"), "{said}");
}
