//! Calls between terminals that are away from home, and of those that are nowhere before they call.

use std::net::{Ipv4Addr, SocketAddr};

use rove_tests::programs::{Running, program};

use crate::{
    calls::{Calls, succeeds},
    programs::{PATIENCE, answers, free, write},
};

const AT: Ipv4Addr = Ipv4Addr::new(127, 0, 40, 1);

/// Another visited network.
struct Second {
    link: SocketAddr,
    names: SocketAddr,
    attach: SocketAddr,
}

impl Second {
    fn place() -> Self {
        Self { link: free(AT), names: free(AT), attach: free(AT) }
    }

    /// What its partner's configuration says of it.
    fn partner(&self) -> String {
        format!(
            "[[partner]]\nname = \"second.example\"\nplmn = \"00103\"\ntitle = \"46700000003\"\n\
             address = \"{}\"\nprefixes = [\"127.0.40.0/24\"]\n",
            self.link
        )
    }

    /// Starts its node, whose home is that of `calls`.
    fn start(&self, calls: &Calls) -> Running {
        let home = std::fs::read_to_string(calls.stage.path("home.toml")).unwrap();
        let listens = home.split("[roaming]").nth(1).unwrap().split("listen = [\"").nth(1).unwrap();
        let link = listens.split('"').next().unwrap();
        let (own, names, attach) = (self.link, self.names, self.attach);
        let text = format!(
            "[journal]\npath = \"second.journal\"\n[roaming]\nnetwork = \"second.example\"\nplmn = \"00103\"\n\
             title = \"46700000003\"\nlisten = [\"{own}\"]\ncertificate = \"second.pem\"\nkey = \"second.key\"\n\
             authorities = [\"ca.pem\"]\n[dns]\nlisten = [\"{names}\"]\n[[dns.zone]]\n\
             origin = \"40.0.127.in-addr.arpa\"\nnegative_ttl = 1\n[visited]\nlisten = [\"{attach}\"]\n\
             [pool]\nranges = [\"127.0.40.100-127.0.40.199\"]\nserver = \"127.0.40.1\"\n[[partner]]\n\
             name = \"home.example\"\nplmn = \"00101\"\ntitle = \"46700000001\"\naddress = \"{link}\"\n"
        );
        let path = calls.stage.path("second.toml");
        write(&path, &text);
        let args = ["--config", path.to_str().unwrap(), "--ready-json", "--log", "info"];
        let mut node = Running::start(&program("roved"), args);
        node.ready(PATIENCE);
        node
    }
}

#[test]
fn a28_terminals_in_two_visited_networks_call_each_other_by_name_both_ways() {
    let second = Second::place();
    let calls = Calls::with(&second.partner());
    let _node = second.start(&calls);
    calls.stage.subscribe();
    calls.stage.subscribe_as("001010000000002", "t2.home.example");
    let sim = std::fs::read_to_string(calls.stage.path("sim.toml")).unwrap();
    write(&calls.stage.path("sim2.toml"), &sim.replace("001010000000001", "001010000000002"));
    let (_one, at_one) = calls.stage.attached();
    let (_two, at_two) = calls.stage.attached_at(second.attach, "sim2.toml");
    assert_eq!(
        (at_one.octets()[2], at_two.octets()[2]),
        (20, 40),
        "each has an address of the network it is in"
    );
    let [a, b, c, d] = at_two.octets();
    let reverse = answers(second.names, &format!("{d}.{c}.{b}.{a}.in-addr.arpa"), 12);
    assert!(reverse[0].starts_with(b"\x02t2\x04home\x07example"), "{reverse:?}");
    for (caller, callee, name) in [(at_one, at_two, "t2"), (at_two, at_one, "t1")] {
        let phone = calls.phone(name, &format!("--listen {callee}:5060"));
        let (listen, target) = (format!("{caller}:0"), format!("sip:{name}.home.example"));
        succeeds(name, calls.call(&target, &["--listen", &listen, "--for", "0.5"]));
        let told = calls.told(name, phone);
        assert_eq!(told["side"], "callee", "{told}");
    }
}

#[test]
fn a29_a_call_of_a_terminal_that_is_nowhere_attaches_it_and_its_end_lets_it_go() {
    let calls = Calls::with("");
    calls.stage.subscribe();
    let (sim, authority) = (calls.stage.path("sim.toml"), calls.stage.path("ca.pem"));
    let (sim, authority) = (sim.display().to_string(), authority.display().to_string());
    let at = calls.stage.attach.to_string();
    let call = |seconds: &str| {
        let attach = ["--attach", &at, "--sim", &sim, "--authority", &authority, "--for", seconds];
        calls.call("sip:fixed.home.example", &attach)
    };
    // Once, so that the nodes have found each other.
    drop(calls.stage.attached());
    calls.stage.wait_for("it is nowhere", |stage| stage.forward().is_empty());
    let fixed = calls.phone("fixed", "--listen 127.0.10.9:5060");
    let running = call("3");
    calls.stage.wait_for("its name is there while it calls", |stage| !stage.forward().is_empty());
    succeeds("the call", running);
    let told = calls.told("fixed", fixed);
    assert!(told["peer"].as_str().unwrap().contains("t1.home.example"), "as whom its home knows: {told}");
    assert!(calls.stage.forward().is_empty(), "and it is nowhere again");
    calls.set("--packet-data no");
    let (code, _, complaints) = call("1").outcome(PATIENCE);
    assert_eq!(code, 1, "{complaints}");
    assert!(complaints.contains("no packet data"), "{complaints}");
    assert!(calls.stage.forward().is_empty());
}
