//! Whoever says what is not so to running nodes is refused and counted, and changes nothing.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    time::{Duration, SystemTime},
};

use rove_base::UnixTime;
use rove_dns::{
    tsig::{TsigKey, sign},
    wire::Name,
};
use rove_roam::{
    Addresses, BindClaim, CancelReason, Cause, Generation, Imsi, Operation, Proof, Services, VisitedNetwork,
};
use rove_tests::programs::Running;
use zeroize::Zeroizing;

use crate::partner::Partner;
use crate::programs::{HOME, PATIENCE, Stage, VISITED, free, write};

/// Thirty-two bytes of 7.
const SECRET: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// A home with a key for one name of its zone, and a terminal that is attached.
fn attached() -> (Stage, Running, Ipv4Addr) {
    let key = format!(
        "[[dns.key]]\nname = \"update.home.example\"\nsecret = \"{SECRET}\"\nscope = [\"static.home.example\"]\n"
    );
    let there = key.replace("static.home.example", "250.20.0.127.in-addr.arpa");
    let stage = Stage::named(free(Ipv4Addr::new(127, 0, 10, 1)), &key, &there);
    stage.subscribe();
    let (terminal, ip) = stage.attached();
    (stage, terminal, ip)
}

fn key(name: &str, byte: u8) -> TsigKey {
    TsigKey::new(name, Zeroizing::new(vec![byte; 32])).unwrap()
}

fn wall() -> UnixTime {
    UnixTime::from_secs(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
}

/// An update that gives `host` below the home's zone an address.
fn update(id: u16, host: &str, key: Option<&TsigKey>) -> Vec<u8> {
    let name = |text: &str| text.parse::<Name>().unwrap();
    let mut message = [id, 0x2800, 1, 0, 1, 0].map(u16::to_be_bytes).concat();
    message.extend_from_slice(name("home.example").as_wire());
    message.extend_from_slice(&[0, 6, 0, 1]);
    message.extend_from_slice(name(&format!("{host}.home.example")).as_wire());
    message.extend_from_slice(&[0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 127, 6, 6, 6]);
    if let Some(key) = key {
        sign(&mut message, key, wall(), None);
    }
    message
}

/// The RCODE that a message is answered with.
fn said(server: SocketAddr, message: &[u8]) -> u8 {
    said_from(server.ip(), server, message)
}

/// The same to a host with that address.
fn said_from(from: impl Into<IpAddr>, server: SocketAddr, message: &[u8]) -> u8 {
    let socket = UdpSocket::bind((from.into(), 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.send_to(message, server).unwrap();
    let mut buffer = [0; 1_500];
    let count = socket.recv(&mut buffer).unwrap();
    assert!(count > 11);
    buffer[3] & 0x0f
}

/// What a node has counted under `name`, over all causes, or under one.
fn counted(stage: &Stage, name: &str, cause: &str) -> u64 {
    counted_at(stage, HOME, name, cause)
}

/// The same of either node; names without a cause have none.
fn counted_at(stage: &Stage, which: usize, name: &str, cause: &str) -> u64 {
    let (code, text, complaints) = stage.roved_of(which, &["metrics"]);
    assert_eq!(code, 0, "{complaints}");
    let starts = [format!("{name}{{"), format!("{name} ")];
    let is_it = |line: &&str| starts.iter().any(|start| line.starts_with(start)) && line.contains(cause);
    let lines = text.lines().filter(is_it);
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

const NAMES: &str = "rove_names_refused_total";
const PRIVATE: &str = "rove_private_refused_total";
const REFUSED: &str = "rove_home_refused_total";

/// One update that is refused, counted once, and changes nothing.
fn refused(what: &str, message: &[u8]) {
    let (stage, _terminal, ip) = attached();
    let before = counted(&stage, NAMES, "");
    assert_ne!(said(stage.names[HOME], message), 0, "{what}");
    assert_eq!(counted(&stage, NAMES, ""), before + 1, "{what}: counted");
    assert_eq!(stage.forward(), [ip.octets().to_vec()], "{what}: the name is where it was");
}

#[test]
fn a23_an_unsigned_update_is_refused_and_counted() {
    refused("unsigned", &update(1, "static", None));
}

#[test]
fn a23_an_update_under_a_foreign_key_is_refused_and_counted() {
    refused("foreign key", &update(2, "static", Some(&key("update.home.example", 9))));
    refused("unknown key", &update(3, "static", Some(&key("other.example", 7))));
}

#[test]
fn a23_an_update_with_a_truncated_mac_is_refused_and_counted() {
    let mut message = update(4, "static", Some(&key("update.home.example", 7)));
    // The end of a TSIG: 2 bytes of MAC size, 32 of MAC, 6 of the rest; 61 bytes of RDATA in all, their length before.
    let end = message.len();
    message[end - 62] -= 16;
    message[end - 39] = 16;
    message.drain(end - 22..end - 6);
    refused("truncated", &message);
}

#[test]
fn a23_a_replayed_update_is_refused_and_counted() {
    let (stage, _terminal, ip) = attached();
    let message = update(5, "static", Some(&key("update.home.example", 7)));
    assert_eq!(said(stage.names[HOME], &message), 0, "the first time it is as it should be");
    let before = counted(&stage, NAMES, "");
    assert_ne!(said(stage.names[HOME], &message), 0);
    assert_eq!(counted(&stage, NAMES, ""), before + 1);
    assert_eq!(stage.forward(), [ip.octets().to_vec()]);
}

#[test]
fn a23_the_right_key_changes_no_other_name() {
    refused("of a subscriber", &update(6, "t1", Some(&key("update.home.example", 7))));
}

#[test]
fn a1_a23_an_update_from_the_ip_core_moves_no_subscriber() {
    let (stage, _terminal, ip) = attached();
    let key = key("update.home.example", 7);
    let [a, b, c, d] = ip.octets();
    let reverse = format!("{d}.{c}.{b}.{a}.in-addr.arpa");
    // What the private network alone may say is said here by a host of the IP core, at home and where the terminal is:
    // unsigned, and under a good key that may touch another name.
    let cases = [
        ("unsigned, at home", HOME, update(7, "t1", None), "\"not signed\""),
        ("with a key, at home", HOME, update(8, "t1", Some(&key)), "\"name out of scope\""),
        ("unsigned, where it is", VISITED, moving(9, &reverse, None), "\"not signed\""),
        ("with a key, where it is", VISITED, moving(10, &reverse, Some(&key)), "\"name out of scope\""),
    ];
    for (what, which, message, cause) in cases {
        let before = (counted_at(&stage, which, NAMES, cause), counted_at(&stage, which, NAMES, ""));
        assert_ne!(said_from(CORE, stage.names[which], &message), 0, "{what}");
        let after = (counted_at(&stage, which, NAMES, cause), counted_at(&stage, which, NAMES, ""));
        assert_eq!(after, (before.0 + 1, before.1 + 1), "{what}: counted once, under {cause}");
        assert_eq!(stage.forward(), [ip.octets().to_vec()], "{what}");
        assert_eq!(stage.reverse(ip).len(), 1, "{what}");
    }
}

/// A host that is in neither network.
const CORE: Ipv4Addr = Ipv4Addr::new(127, 0, 99, 9);

/// An update that gives an address of the visited network another name.
fn moving(id: u16, reverse: &str, key: Option<&TsigKey>) -> Vec<u8> {
    let name = |text: &str| text.parse::<Name>().unwrap();
    let target = name("eve.home.example");
    let mut message = [id, 0x2800, 1, 0, 1, 0].map(u16::to_be_bytes).concat();
    message.extend_from_slice(name("20.0.127.in-addr.arpa").as_wire());
    message.extend_from_slice(&[0, 6, 0, 1]);
    message.extend_from_slice(name(reverse).as_wire());
    message.extend_from_slice(&[0, 12, 0, 1, 0, 0, 0, 5]);
    message.extend_from_slice(&u16::try_from(target.as_wire().len()).unwrap().to_be_bytes());
    message.extend_from_slice(target.as_wire());
    if let Some(key) = key {
        sign(&mut message, key, wall(), None);
    }
    message
}

/// A stage whose configurations were changed before the nodes started anew.
fn edited(which: usize, from: &str, to: &str) -> Stage {
    let mut stage = Stage::new();
    let path = stage.path(["home.toml", "visited.toml"][which]);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    write(&path, &text.replace(from, to));
    stage.restart(which);
    stage
}

/// An attach that fails for `cause`, as the terminal is told and the home has counted.
fn never_attaches(stage: &Stage, cause: &str) {
    stage.wait_for("the link stands", |stage| {
        let (code, _, complaints) = stage.attach().outcome(PATIENCE);
        assert_eq!(code, 1, "{complaints}");
        complaints.contains(cause)
    });
    assert!(counted(stage, REFUSED, cause) >= 1, "{cause}");
    assert!(stage.forward().is_empty());
}

#[test]
fn a23_an_address_outside_the_partners_prefixes_is_refused_and_counted() {
    let stage = edited(HOME, "127.0.20.0/24", "127.0.30.0/24");
    stage.subscribe();
    never_attaches(&stage, "the address is outside of the partner's networks");
}

#[test]
fn a23_an_update_of_the_location_of_another_homes_subscriber_is_refused_and_counted_by_a_running_home() {
    // The visited network takes the subscribers of 00199 for this home's.
    let stage = edited(VISITED, "plmn = \"00101\"", "plmn = \"00199\"");
    let sim = std::fs::read_to_string(stage.path("sim.toml")).unwrap();
    write(&stage.path("sim.toml"), &sim.replace("001010000000001", "001990000000001"));
    never_attaches(&stage, "the subscriber is not known");
}

#[test]
fn a16_a23_a_network_without_agreement_is_not_heard() {
    // The home knows the visited network no more: its certificate is good, but no partner's.
    let stage = edited(HOME, "name = \"visited.example\"", "name = \"another.example\"");
    stage.subscribe();
    for _ in 0..3 {
        let (code, _, complaints) = stage.attach().outcome(PATIENCE);
        assert_eq!(code, 1, "{complaints}");
    }
    stage.wait_for("its streams are turned away, and counted", |stage| {
        counted(stage, PRIVATE, "\"no agreement\"") >= 1
    });
    assert_eq!(counted(&stage, REFUSED, ""), 0, "and nothing that it says is looked at");
    assert!(stage.forward().is_empty());
}

#[test]
fn a23_nothing_is_bound_for_a_terminal_that_cannot_prove_where_it_is() {
    use rove_phone::roaming::{
        Access, AkaKeys, Attachment, SimCredential, TerminalConfig, TerminalEvent, Usim,
    };
    use rove_roam::{
        BindClaim, NetworkName, Proof,
        attach::{Answer, Credential, Query},
    };

    /// Answers challenges as the SIM does, and proves something else.
    #[derive(Debug)]
    struct Liar(SimCredential);
    impl Credential for Liar {
        fn answer(&mut self, query: &Query, network: &NetworkName) -> Answer {
            self.0.answer(query, network)
        }
        fn prove(&self, claim: &BindClaim) -> Option<Proof> {
            let mut other = claim.clone();
            other.generation.0 += 1;
            self.0.prove(&other)
        }
    }
    let stage = Stage::new();
    stage.subscribe();
    drop(stage.attached());
    stage.wait_for("it has left", |stage| stage.forward().is_empty());
    let bytes = |hex: &str| u128::from_str_radix(hex, 16).unwrap().to_be_bytes();
    let keys = AkaKeys::new(bytes(crate::programs::K), bytes(crate::programs::OPC));
    let config = TerminalConfig { imsi: "001010000000001".parse().unwrap(), name: None, dhcp: false };
    let liar = Box::new(Liar(SimCredential::new(Usim::new(keys))));
    let terminal = Attachment::start(config, liar, vec![stage.path("ca.pem")]).unwrap();
    terminal.attach(Access { address: stage.attach, network: None });
    let told = std::iter::from_fn(|| terminal.next_event(PATIENCE));
    let refused = told.take(20).any(|event| {
        assert!(!matches!(event, TerminalEvent::Attached { .. }), "{event:?}");
        matches!(event, TerminalEvent::Refused(_))
    });
    assert!(refused);
    assert_eq!(counted(&stage, REFUSED, "the proof does not hold"), 1);
    assert!(stage.forward().is_empty());
}

/// The third network's part of a node's configuration.
const THIRD: &str = "[[partner]]\nname = \"third.example\"\nplmn = \"00103\"\ntitle = \"46700000003\"\n\
                     prefixes = [\"127.0.30.0/24\"]\n";

/// A terminal that is attached, and a third network that both nodes have an agreement with.
fn attached_beside_a_third() -> (Stage, Running, Ipv4Addr) {
    let stage = Stage::named(free(Ipv4Addr::new(127, 0, 10, 1)), THIRD, THIRD);
    stage.subscribe();
    let (terminal, ip) = stage.attached();
    (stage, terminal, ip)
}

fn imsi() -> Imsi {
    "001010000000001".parse().unwrap()
}

/// Names, lease and the home's own word are as they were.
fn undisturbed(stage: &Stage, ip: Ipv4Addr, what: &str) {
    assert_eq!(stage.forward(), [ip.octets().to_vec()], "{what}");
    assert_eq!(stage.reverse(ip).len(), 1, "{what}");
    let (_, shown, _) = stage.roved(&["subscriber", "show"]);
    assert!(shown.contains(&format!("in visited.example at {ip}")), "{what}: {shown}");
}

#[test]
fn a23_a_partner_that_does_not_serve_a_subscriber_ends_and_binds_nothing_at_a_running_home() {
    let (stage, _terminal, ip) = attached_beside_a_third();
    let mut third = Partner::of(&stage, HOME);
    let visited = |network: &str, vlr: &str| VisitedNetwork {
        vlr: vlr.parse().unwrap(),
        network: network.parse().unwrap(),
    };
    let purge = |visited, generation| Operation::PurgeMs { imsi: imsi(), visited, generation };
    let (own, other) = (visited("third.example", "46700000003"), visited("visited.example", "46700000002"));
    let bind = |network: &str, there: Ipv4Addr| Operation::Bind {
        claim: BindClaim {
            imsi: imsi(),
            generation: Generation(1),
            name: "t1.home.example".parse().unwrap(),
            addresses: Addresses { v4: Some(there), v6: None },
            network: network.parse().unwrap(),
        },
        proof: Proof(vec![7; 32]),
        lease: 30,
    };
    let its = Ipv4Addr::new(127, 0, 30, 66);
    for (what, operation, cause) in [
        ("a purge of the stay elsewhere", purge(own.clone(), Generation(1)), Cause::NotServing),
        ("a purge of a stay to come", purge(own, Generation(1 << 40)), Cause::NotServing),
        ("a purge in the other's name", purge(other, Generation(1)), Cause::WrongNetwork),
        ("a binding of the stay elsewhere", bind("third.example", its), Cause::NotServing),
        ("a binding in the other's name", bind("visited.example", ip), Cause::WrongNetwork),
        ("a restoration", Operation::RestoreData { imsi: imsi() }, Cause::NotServing),
    ] {
        let text = cause.to_string();
        let before = counted(&stage, REFUSED, &text);
        assert_eq!(third.ask(operation), Err(cause), "{what}");
        assert_eq!(counted(&stage, REFUSED, &text), before + 1, "{what}: counted");
        undisturbed(&stage, ip, what);
    }
}

#[test]
fn a23_a_partner_cancels_nothing_at_a_running_home_and_is_counted() {
    let (stage, _terminal, ip) = attached_beside_a_third();
    let cancel = Operation::CancelLocation {
        imsi: imsi(),
        reason: CancelReason::SubscriptionWithdrawn,
        generation: Generation(u64::MAX),
    };
    let text = Cause::NotSupported.to_string();
    let before = counted(&stage, REFUSED, &text);
    assert_eq!(Partner::of(&stage, HOME).ask(cancel), Err(Cause::NotSupported));
    undisturbed(&stage, ip, "a cancellation");
    assert_eq!(counted(&stage, REFUSED, &text), before + 1, "counted");
}

#[test]
fn a23_a_partner_that_is_not_the_home_orders_nothing_of_a_running_visited_network() {
    let (stage, _terminal, ip) = attached_beside_a_third();
    let mut third = Partner::of(&stage, VISITED);
    let all = Services { roaming: true, packet_data: true, ..Services::default() };
    for (what, operation) in [
        (
            "a cancellation",
            Operation::CancelLocation {
                imsi: imsi(),
                reason: CancelReason::UpdateProcedure,
                generation: Generation(u64::MAX),
            },
        ),
        ("services taken away", Operation::DeleteSubscriberData { imsi: imsi(), services: all }),
    ] {
        let before = counted_at(&stage, VISITED, FOREIGN_ORDERS, "");
        assert_eq!(third.ask(operation), Err(Cause::UnknownSubscriber), "{what}");
        assert_eq!(counted_at(&stage, VISITED, FOREIGN_ORDERS, ""), before + 1, "{what}: counted");
        undisturbed(&stage, ip, what);
    }
}

const FOREIGN_ORDERS: &str = "rove_visited_foreign_orders_total";
