//! Subscribers' services and numbers, in calls between the programs: `roved` as home and visited network with their
//! proxies, `rove` as every phone.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rove_tests::programs::{Running, program};
use serde_json::Value;

use crate::programs::{HOME, PATIENCE, Stage, VISITED, free, write};

pub(crate) const T1: &str = "001010000000001";
pub(crate) const NUMBER: &str = "+46700000101";

/// Networks with proxies.
pub(crate) struct Calls {
    pub(crate) stage: Stage,
    proxies: [SocketAddr; 2],
    _alone: MutexGuard<'static, ()>,
}

/// Terminals of all stages have the same addresses, and phones the same port at them.
static ALONE: Mutex<()> = Mutex::new(());

impl Calls {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// The same with more in the home's configuration.
    pub(crate) fn with(more: &str) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let ips = [Ipv4Addr::new(127, 0, 10, 1), Ipv4Addr::new(127, 0, 20, 1)];
        let proxies = ips.map(free);
        let sip = |name: &str, at: SocketAddr, dns: SocketAddr| {
            format!(
                "[sip]\ndomains = [\"{name}.example\"]\nauth = false\ndns_servers = [\"{dns}\"]\n\
                 [sip.listen]\nudp = [\"{at}\"]\n"
            )
        };
        // Numbers stand in a zone of the home's: one is t1's, one a fixed host's, one nobody's.
        let names = free(ips[HOME]);
        let numbers = "[[dns.zone]]\norigin = \"6.4.e164.arpa\"\nnegative_ttl = 1\nrecords = [\n\
             '1.0.1.0.0.0.0.0.7 NAPTR 100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:t1.home.example!\" .',\n\
             '2.0.1.0.0.0.0.0.7 NAPTR 100 10 \"u\" \"E2U+sip\" \"!^\\\\+46(.*)$!sip:\\\\1@fixed.home.example:5060!\" .',\n]\n";
        let stage = Stage::named(
            names,
            &(numbers.to_owned() + &sip("home", proxies[HOME], names) + more),
            &sip("visited", proxies[VISITED], names),
        );
        Self { stage, proxies, _alone: alone }
    }

    pub(crate) fn set(&self, flags: &str) {
        let mut args = vec!["subscriber", "set", T1];
        args.extend(flags.split(' '));
        let (code, said, complaints) = self.stage.roved(&args);
        assert_eq!(code, 0, "{flags}: {said} {complaints}");
    }

    /// A subscriber that has attached, and where it is.
    pub(crate) fn terminal(&self) -> (Running, Ipv4Addr) {
        self.stage.subscribe();
        self.set(&format!("--msisdn {NUMBER}"));
        self.stage.attached()
    }

    fn report(&self, name: &str) -> PathBuf {
        self.stage.path(&format!("{name}.json"))
    }

    /// A phone that waits for calls.
    pub(crate) fn phone(&self, name: &str, flags: &str) -> Running {
        self.phone_at(name, flags).0
    }

    /// The same, and where its signalling listens.
    pub(crate) fn phone_at(&self, name: &str, flags: &str) -> (Running, SocketAddr) {
        let report = self.report(name).display().to_string();
        let mut args: Vec<String> =
            ["answer", "--ready-json", "--calls", "1", "--json", &report].map(str::to_owned).into();
        args.extend(["--dns-server".to_owned(), self.stage.names[HOME].to_string()]);
        args.extend(flags.split(' ').map(str::to_owned));
        let mut phone = Running::start(&program("rove"), args);
        let ready = phone.ready(PATIENCE);
        let at = ready["sip"][0].as_str().unwrap_or_else(|| panic!("{ready}"));
        (phone, at.parse().unwrap())
    }

    /// One that is registered at the home's proxy as `name`.
    fn registered(&self, name: &str) -> Running {
        let proxy = self.proxies[HOME];
        self.phone(
            name,
            &format!("--listen 127.0.10.1:0 --register sip:{name}@home.example --server sip:{proxy}"),
        )
    }

    /// Calls `target` by way of a proxy as `who`, from an address.
    pub(crate) fn call_by(
        &self,
        proxy: usize,
        who: &str,
        from: Ipv4Addr,
        target: &str,
        seconds: &str,
    ) -> Running {
        let settings = self.stage.path(&format!("{}-{proxy}.toml", who.replace('@', "-")));
        let server = self.proxies[proxy];
        write(
            &settings,
            &format!(
                "[[account]]\naddress = \"sip:{who}\"\nregister = false\nproxy = true\nserver = \"sip:{server}\"\n"
            ),
        );
        let settings = settings.display().to_string();
        self.call(target, &["--config", &settings, "--listen", &format!("{from}:0"), "--for", seconds])
    }

    pub(crate) fn call(&self, target: &str, more: &[&str]) -> Running {
        let names = self.stage.names[HOME].to_string();
        let mut args = vec!["call", target, "--dns-server", &names];
        args.extend(more);
        Running::start(&program("rove"), args)
    }

    /// What a phone tells of its only call.
    pub(crate) fn told(&self, name: &str, mut phone: Running) -> Value {
        assert!(
            phone.wait(PATIENCE).is_some_and(|status| status.success()),
            "{name}: {}",
            phone.complaints()
        );
        let report: Value = serde_json::from_slice(&std::fs::read(self.report(name)).unwrap()).unwrap();
        report["calls"][0].clone()
    }

    fn refused(&self, proxy: usize) -> String {
        let config = ["home.toml", "visited.toml"][proxy];
        let config = self.stage.path(config).display().to_string();
        let (_, said, _) =
            Running::start(&program("roved"), ["metrics", "--config", &config]).outcome(PATIENCE);
        said
    }
}

const FIXED: Ipv4Addr = Ipv4Addr::new(127, 0, 10, 77);

pub(crate) fn succeeds(what: &str, call: Running) {
    let (code, said, complaints) = call.outcome(PATIENCE);
    assert_eq!(code, 0, "{what}: {said} {complaints}");
}

#[test]
fn a17_calls_are_forwarded_always_when_busy_and_when_nobody_answers() {
    let calls = Calls::new();
    let (_terminal, ip) = calls.terminal();
    for (flags, policy) in [
        ("--forward-always carol@home.example", ""),
        ("--forward-always off --forward-busy sip:carol@home.example", "busy"),
        ("--forward-busy off --forward-no-answer carol@home.example --forward-after 1", "ring"),
    ] {
        calls.set(flags);
        let t1 =
            (!policy.is_empty()).then(|| calls.phone("t1", &format!("--listen {ip}:5060 --policy {policy}")));
        let carol = calls.registered("carol");
        succeeds(flags, calls.call_by(HOME, "alice@home.example", FIXED, "sip:t1@home.example", "0.2"));
        let told = calls.told("carol", carol);
        assert!(told["peer"].as_str().unwrap().contains("alice"), "{told}");
        drop(t1);
    }
}

#[test]
fn a17_a_caller_who_is_not_to_be_shown_is_anonymous_to_the_called_phone() {
    let calls = Calls::new();
    let (_terminal, ip) = calls.terminal();
    for (flags, shown) in [("--hide-caller-id no", true), ("--hide-caller-id yes", false)] {
        calls.set(flags);
        let carol = calls.registered("carol");
        succeeds(flags, calls.call_by(HOME, "t1@home.example", ip, "sip:carol@home.example", "0.2"));
        let told = calls.told("carol", carol).to_string();
        assert_eq!((told.contains("t1@home.example"), told.contains("anonymous")), (shown, !shown), "{told}");
    }
}

#[test]
fn a17_a_third_party_needs_the_service() {
    let calls = Calls::new();
    let (_terminal, ip) = calls.terminal();
    let (carol, dave) = (calls.registered("carol"), calls.registered("dave"));
    calls.set("--three-way no");
    let first = calls.call_by(HOME, "t1@home.example", ip, "sip:carol@home.example", "60");
    calls.stage.wait_for("the first call stands", |_| first.complaints().contains("talking"));
    let second = || calls.call_by(HOME, "t1@home.example", ip, "sip:dave@home.example", "0.2");
    let (code, said, complaints) = second().outcome(PATIENCE);
    assert_eq!(code, 1, "{said}");
    assert!(complaints.contains("no three-way calls"), "{complaints}");
    calls.set("--three-way yes");
    succeeds("with the service", second());
    drop((first, carol, dave));
}

#[test]
fn a17_without_packet_data_there_is_no_address_and_the_refusal_says_why() {
    let calls = Calls::new();
    calls.stage.subscribe();
    calls.set("--packet-data no");
    calls.stage.wait_for("the link stands", |stage| {
        let (code, _, complaints) = stage.attach().outcome(PATIENCE);
        assert_eq!(code, 1, "{complaints}");
        complaints.contains("the subscription has no packet data")
    });
    assert!(calls.stage.forward().is_empty());
    let counted = calls.refused(VISITED);
    let line = "rove_visited_refused_total{reason=\"the subscription has no packet data\"} ";
    assert!(counted.contains(line) && !counted.contains(&format!("{line}0\n")), "{counted}");
    calls.set("--packet-data yes");
    drop(calls.stage.attached());
}

#[test]
fn a26_the_visited_networks_proxy_carries_calls_of_those_alone_who_are_there_on_their_homes_word() {
    let calls = Calls::new();
    let (terminal, ip) = calls.terminal();
    let stranger = Ipv4Addr::new(127, 0, 20, 250);
    let call = |from| calls.call_by(VISITED, "t1@home.example", from, "sip:fixed.home.example", "0.2");
    // The called host's name stands in the home's zone already.
    let fixed = calls.phone("fixed", "--listen 127.0.10.9:5060");
    let (code, _, complaints) = call(stranger).outcome(PATIENCE);
    assert_eq!(code, 1, "who is not there is not carried: {complaints}");
    assert!(complaints.contains("403"), "{complaints}");
    succeeds("who is there", call(ip));
    let told = calls.told("fixed", fixed);
    assert!(told["peer"].as_str().unwrap().contains("t1"), "{told}");
    drop(terminal);
    let config = calls.stage.path("home.toml");
    let (code, ..) = calls.stage.roved(&["subscriber", "remove", T1]);
    assert_eq!(code, 0, "{}", config.display());
    calls.stage.wait_for("it is gone", |stage| stage.forward().is_empty());
    let (code, ..) = call(ip).outcome(PATIENCE);
    assert_eq!(code, 1, "nobody stands behind the call any more");
}

#[test]
fn a18_a_fixed_host_calls_a_terminal_by_its_host_name() {
    let calls = Calls::new();
    let (_terminal, ip) = calls.terminal();
    let t1 = calls.phone("t1", &format!("--listen {ip}:5060"));
    succeeds("by name", calls.call("sip:t1.home.example", &["--listen", "127.0.10.77:0", "--for", "0.2"]));
    let told = calls.told("t1", t1);
    assert_eq!(told["side"], "callee", "{told}");
}

#[test]
fn a26_an_e164_number_is_called_directly_and_by_way_of_the_proxy() {
    let calls = Calls::new();
    let (_terminal, ip) = calls.terminal();
    for (target, proxied) in [(NUMBER, false), ("tel:+46-70-0000101", false), (NUMBER, true)] {
        let t1 = calls.phone("t1", &format!("--listen {ip}:5060"));
        let call = match proxied {
            true => calls.call_by(HOME, "alice@home.example", FIXED, target, "0.2"),
            false => calls.call(target, &["--listen", "127.0.10.77:0", "--for", "0.2"]),
        };
        succeeds(target, call);
        calls.told("t1", t1);
    }
    // A number of no subscriber, which ENUM alone knows; and one that nobody knows.
    let fixed = calls.phone("fixed", "--listen 127.0.10.9:5060");
    succeeds("by ENUM", calls.call_by(HOME, "alice@home.example", FIXED, "+46700000102", "0.2"));
    calls.told("fixed", fixed);
    let nobody = calls.call_by(HOME, "alice@home.example", FIXED, "+46700000103", "0.2");
    let (code, _, complaints) = nobody.outcome(PATIENCE);
    assert_eq!(code, 1, "{complaints}");
    let names = calls.stage.names[HOME].to_string();
    let lookup = |target: &str| {
        let args = ["lookup", "--trace", target, "--dns-server", &names];
        Running::start(&program("rove"), args).outcome(PATIENCE)
    };
    let (code, said, complaints) = lookup(NUMBER);
    assert_eq!(code, 0, "{complaints}");
    assert!(
        said.contains("6.4.e164.arpa") && said.contains("E2U+sip") && said.contains("t1.home.example"),
        "{said}"
    );
    assert!(said.contains(&format!("{ip}:5060")), "{said}");
    let (code, _, complaints) = lookup("+46700000103");
    assert_eq!(code, 1);
    assert!(complaints.contains("nothing says where +46700000103 is called"), "{complaints}");
}
