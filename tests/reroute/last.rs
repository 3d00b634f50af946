//! A network for voice alone is the last way that a call takes: none of its voice goes there while another is good enough, and
//! what goes there is marked (RFC 3246).

use rove_tests::programs::{Running, peer, program};

use crate::scene::{Bad, KNOWN, Scene};

/// Where it is, between the phones.
const RELAY: &str = "10.62.0.254:3478";
const MIDDLE: &str = "middle";
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// Cables to the place of the relay, which passes nothing on by itself. Voice that leaves for the relay is counted, by how it is
/// marked.
fn lay(scene: &Scene) {
    let networks = scene.wires.networks();
    for (place, net) in [("alice", 62), ("bob", 63)] {
        networks.reel(MIDDLE, place, 2, &format!("10.{net}.0.1/24"));
        networks.ip(MIDDLE, &format!("address add 10.{net}.0.254/24 dev {place}2"));
    }
    networks.ip("bob", "route add 10.62.0.0/24 via 10.63.0.254");
    // RTP and no RTCP (RFC 5761 §4) behind the header of a channel (RFC 8656 §12.4).
    let voice = "@th,64,2 1 @th,96,2 2 @th,105,7 != 64-95";
    let chain = |hook: &str, port: &str, number: usize| {
        let counter = |which: usize| format!("counter name \"{}\"", COUNTERS[number][which]);
        format!(
            " chain {hook} {{\n type filter hook {hook} priority 10;\n {port} {voice} ip dscp ef {} accept\n \
             {port} {voice} {}\n }}\n",
            counter(0),
            counter(1)
        )
    };
    let counters: String = COUNTERS.iter().flatten().map(|name| format!(" counter {name} {{ }}\n")).collect();
    let seen = format!(
        "table inet seen {{\n{counters}{}{}}}\n",
        chain("output", "oifname \"eth2\" udp dport 3478", 0),
        chain("input", "iifname \"eth2\" udp sport 3478", 1)
    );
    let file = scene.path("alice.rules");
    std::fs::write(&file, seen).unwrap();
    networks.asks("alice", "nft", &format!("-f {}", file.display())).expect("the rules are taken");
}

/// Voice that leaves for the relay, marked and not, and that comes from there.
const COUNTERS: [[&str; 2]; 2] = [["marked", "others"], ["marked_back", "others_back"]];

/// How many packets of each there were.
fn seen(scene: &Scene) -> [[u64; 2]; 2] {
    let count = |counter| {
        let asked = scene.wires.networks().asks("alice", "nft", &format!("list counter inet seen {counter}"));
        let text = asked.expect("it counts");
        text.split("packets ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
    };
    COUNTERS.map(|pair| pair.map(count))
}

fn relay(scene: &Scene) -> Running {
    let file = scene.path("relay.toml");
    let text = format!(
        "[relay]\nlisten = [\"{RELAY}\"]\nrealm = \"voice.example\"\nallow = [\"10.0.0.0/8\"]\ncontrol = \"relay.control\"\nexpedited = true\n\
         [[relay.user]]\nname = \"voice\"\npassword = \"zanzibar\"\n"
    );
    std::fs::write(&file, text).unwrap();
    let mut command = scene.wires.networks().command(MIDDLE, &program("roved"));
    command.args(["--config", file.to_str().unwrap(), "--ready-json"]);
    let mut relay = Running::spawn(command);
    relay.ready(PATIENCE);
    relay
}

#[test]
fn b16_a_network_for_voice_alone_is_taken_when_no_other_way_is_good_enough_and_its_packets_are_marked() {
    let Some(_) = peer("nft") else { return };
    let Some(scene) = Scene::new(2, 200) else { return };
    lay(&scene);
    let _relay = relay(&scene);
    let scene =
        scene.with(&["--max-loss", "3"]).caller(&["--pvdpn", &format!("turn:voice:zanzibar@{RELAY}")]);
    let (mut before, mut other, mut after) = ([[0; 2]; 2], [[0; 2]; 2], [[0; 2]; 2]);
    let ends = scene.call(KNOWN + 34.0, |scene| {
        scene.until(KNOWN);
        before = seen(scene);
        // The first way gets bad: the other is taken, as it is cheaper.
        scene.spoil(0, "both", Bad::Loses(0.2));
        scene.until(KNOWN + 6.0);
        other = seen(scene);
        scene.spoil(1, "both", Bad::Loses(0.2));
        scene.until(KNOWN + 30.0);
        scene.wires.mark();
        after = seen(scene);
        scene.until(KNOWN + 32.0);
        let now = seen(scene);
        after = [0, 1].map(|way| [0, 1].map(|mark| now[way][mark] - after[way][mark]));
        scene.wires.truth()
    });
    let told = ends.each_ref().map(|end| end.switches());
    println!(
        "{told:?}; voice by the relay: {before:?}, {other:?} while another was good, then {after:?} in 2 s"
    );
    assert_eq!(before, [[0; 2]; 2], "none before");
    // Copies to compare by are no more than a second's.
    assert!(other.iter().all(|way| way[0] <= 60), "{other:?}");
    let kinds = |end: usize| told[end].iter().map(|one| one.to.as_str()).collect::<Vec<_>>();
    assert_eq!((kinds(0).first(), kinds(1).first()), (Some(&"other"), Some(&"other")), "{told:?}");
    // The called one knows it as a relay of the caller's.
    assert_eq!((kinds(0).last(), kinds(1).last()), (Some(&"pvdpn"), Some(&"relay")), "{told:?}");
    for [marked, others] in after {
        assert!(marked >= 70, "a packet of 20 ms each, marked: {after:?}");
        assert_eq!(others, 0, "and none without the mark");
    }
}
