//! B10: two phones that cannot reach each other call by way of a relay.

use std::path::{Path, PathBuf};

use rove_tests::programs::{Running, peer, program};
use serde_json::Value;

use crate::{
    place::{At, Place, SERVER},
    stage::{PASSWORD, PATIENCE, SECRET, USER, certificate, counted, write},
};

/// Two phones, and a registrar that both reach.
pub(crate) struct Scene {
    /// In what.
    over: &'static str,
    // Ended before their networks are gone.
    pub(crate) roved: Running,
    pub(crate) place: Place,
    folder: tempfile::TempDir,
}

const SIP: u16 = 5_060;
const IRMV: &str = "10.81.0.1:5064";
const TURN: u16 = 3_478;

impl Scene {
    /// `None` where it cannot be.
    pub(crate) fn new(more: &str) -> Option<Self> {
        Self::over("udp", more)
    }

    /// The same where signalling goes over `over`.
    pub(crate) fn over(over: &'static str, more: &str) -> Option<Self> {
        let place = Place::new()?;
        let folder = tempfile::tempdir().unwrap();
        certificate(folder.path(), "blocked", &["blocked.example", SERVER]);
        let text = format!(
            "[control]\npath = \"control\"\n[sip]\ndomains = [\"blocked.example\"]\nauth = false\n\
             [sip.listen]\n{over} = [\"{SERVER}:{SIP}\"]\n{more}"
        );
        let config = folder.path().join("roved.toml");
        write(&config, &text);
        let args = ["--config", config.to_str().unwrap(), "--ready-json"];
        let mut roved = place.start(At::Server, &program("roved"), args);
        roved.ready(PATIENCE);
        Some(Self { over, roved, place, folder })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A phone's command at its place.
    fn rove(&self, at: At, args: &[&str], more: &[&str]) -> Running {
        let listen = format!("{}:0", at.address());
        let args = args.iter().chain(more).copied().chain(["--listen", &listen, "--srtp", "required"]);
        self.place.start(at, &program("rove"), args)
    }

    /// One call of three seconds: how it ended for the caller, and what both say of it.
    fn call(&self, more: &[&str]) -> (i32, Value, Value) {
        self.call_while("3", [&[], &[]], more, || ())
    }

    /// One call of so many seconds, while something is done; the calling and the called phone have flags of their own.
    pub(crate) fn call_while(
        &self,
        seconds: &str,
        [of_alice, of_bob]: [&[&str]; 2],
        more: &[&str],
        done: impl FnOnce(),
    ) -> (i32, Value, Value) {
        let server = format!("sip:{SERVER}:{SIP};transport={}", self.over);
        let [alice, bob] = ["alice.json", "bob.json"].map(|name| self.path(name));
        let settings = self.path("alice.toml");
        write(
            &settings,
            &format!(
                "identity = \"sip:alice@blocked.example\"\n[[account]]\naddress = \"sip:alice@blocked.example\"\n\
                 server = \"{server}\"\nproxy = true\nregister = false\n"
            ),
        );
        let register = ["--register", "sip:bob@blocked.example", "--server", &server];
        let own = ["answer", "--calls", "1", "--ready-json", "--json", bob.to_str().unwrap()];
        let mut answering = self.rove(At::Bob, &[&own[..], &register, of_bob].concat(), more);
        answering.ready(PATIENCE);
        let own = ["--config", settings.to_str().unwrap(), "call", "sip:bob@blocked.example"];
        let own = [&own[..], &["--for", seconds, "--json", alice.to_str().unwrap()], of_alice].concat();
        let calling = self.rove(At::Alice, &own, more);
        done();
        let (code, said, complaints) = calling.outcome(PATIENCE);
        println!("{said}\n{complaints}");
        let (_, said, complaints) = answering.outcome(PATIENCE);
        println!("{said}\n{complaints}");
        (code, report(&alice), report(&bob))
    }

    /// The same between users of the registry, set up by way of it; nobody has a password for the relay.
    fn relayed_call(&self) -> (i32, Value, Value) {
        let path = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let registry = |key: &str| {
            let flags = ["--irmv-server", IRMV, "--irmv-domain", "blocked.example", "--tls-ca"];
            let own = [path("blocked.pem"), "--irmv-key".to_owned(), path(key)];
            flags.iter().map(|&flag| flag.to_owned()).chain(own).collect::<Vec<_>>()
        };
        let (alice, bob) = (registry("alice.key"), registry("bob.key"));
        let (of_alice, of_bob) = (path("alice.json"), path("bob.json"));
        let own = [
            "answer",
            "--register",
            "bob@blocked.example",
            "--calls",
            "1",
            "--ready-json",
            "--json",
            &of_bob,
        ];
        let bob: Vec<&str> = bob.iter().map(String::as_str).collect();
        let mut answering = self.rove(At::Bob, &own, &bob);
        answering.ready(PATIENCE);
        let own = ["call", "bob@blocked.example", "--relayed-setup", "--identity", "alice@blocked.example"];
        let own = [&own[..], &["--for", "3", "--json", &of_alice]].concat();
        let alice: Vec<&str> = alice.iter().map(String::as_str).collect();
        let (code, said, complaints) = self.rove(At::Alice, &own, &alice).outcome(PATIENCE);
        println!("{said}\n{complaints}");
        let (_, said, complaints) = answering.outcome(PATIENCE);
        println!("{said}\n{complaints}");
        (code, report(Path::new(&of_alice)), report(Path::new(&of_bob)))
    }

    /// What the relay has counted under a name.
    pub(crate) fn counted(&self, name: &str) -> u64 {
        counted(&self.path("control"), name)
    }
}

fn report(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["calls"][0].clone()
}

/// Each hears nearly all that the other says, and nobody else can.
pub(crate) fn both_hear(alice: &Value, bob: &Value) {
    for (here, there) in [(alice, bob), (bob, alice)] {
        let number = |of: &Value, key: &str| of[key].as_u64().unwrap_or_else(|| panic!("no {key}: {of}"));
        let (sent, received) = (number(there, "sent"), number(here, "received"));
        assert!(sent > 100 && received * 10 >= sent * 9, "{received} of {sent}: {alice} {bob}");
        assert_eq!(here["media_security"], "dtls", "{here}");
    }
}

/// A relay at the server.
fn relay() -> String {
    format!(
        "[relay]\nlisten = [\"{SERVER}:{TURN}\"]\nrealm = \"blocked.example\"\nallow = [\"10.81.0.0/16\"]\n\
         secret = \"{SECRET}\"\n[[relay.user]]\nname = \"{USER}\"\npassword = \"{PASSWORD}\"\n"
    )
}

/// A registry that gives tickets for that relay out.
fn registry() -> String {
    format!(
        "[journal]\npath = \"journal\"\n[irmv]\nlisten = [\"{IRMV}\"]\ndomain = \"blocked.example\"\n\
         certificate = \"blocked.pem\"\nkey = \"blocked.key\"\nauthorities = \"blocked.pem\"\n\
         signing_key = \"signing\"\nopen = true\nshown_to = \"anybody\"\n\
         [irmv.relay]\nservers = [\"{SERVER}:{TURN}\"]\nsecret = \"{SECRET}\"\n"
    )
}

fn uri() -> String {
    format!("turn:{USER}:{PASSWORD}@{SERVER}:{TURN}")
}

#[test]
fn b10_where_the_direct_path_is_blocked_a_call_goes_by_way_of_the_relay_and_without_one_nothing_is_heard() {
    let Some(scene) = Scene::new(&relay()) else { return };
    let (code, alice, bob) = scene.call(&["--turn", &uri()]);
    assert_eq!(code, 0, "{alice}");
    both_hear(&alice, &bob);
    assert!(scene.counted("rove_relay_packets_in_total{part=\"turn\"}") > 100);
    assert_eq!(scene.counted("rove_relay_allocations"), 0, "what was lent is given back");
    let (_, alice, bob) = scene.call(&[]);
    assert!([&alice, &bob].iter().all(|call| call["received"] == 0), "the path is blocked: {alice} {bob}");
}

#[test]
fn b10_where_the_direct_path_is_blocked_a_call_goes_by_way_of_coturn() {
    let Some(coturn) = peer("turnserver") else { return };
    let Some(mut scene) = Scene::new("") else { return };
    let (users, port) = (scene.path("users"), TURN.to_string());
    let user = format!("{USER}:{PASSWORD}");
    let args =
        ["-n", "--listening-port", &port, "-L", SERVER, "-E", SERVER, "--no-tls", "--no-dtls", "--no-cli"];
    let more = ["-a", "-u", &user, "-r", "blocked.example", "--log-file", "stdout", "--userdb"];
    let args = args.into_iter().chain(more).chain([users.to_str().unwrap()]);
    let mut relay = scene.place.start(At::Server, &coturn, args);
    let (code, alice, bob) = scene.call(&["--turn", &uri()]);
    assert_eq!(code, 0, "{alice}\n{}", relay.complaints());
    both_hear(&alice, &bob);
    assert!(relay.is_alive() && scene.roved.is_alive());
}

#[test]
fn b10_users_of_a_registry_are_told_by_what_its_relay_lends_an_address_and_need_no_password() {
    let Some(scene) = Scene::new(&(relay() + &registry())) else { return };
    let (code, alice, bob) = scene.relayed_call();
    assert_eq!(code, 0, "{alice}");
    both_hear(&alice, &bob);
    assert!(scene.counted("rove_relay_packets_in_total{part=\"turn\"}") > 100);
}
