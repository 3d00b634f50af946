//! B10 where UDP leads nowhere: a call gets out by way of a relay that is reached by TCP or TLS.

use std::time::{Duration, Instant};

use rove_tests::programs::{Running, peer};
use serde_json::Value;

use crate::{
    blocked::{Scene, both_hear},
    place::{At, SERVER},
    stage::{PASSWORD, PATIENCE, USER},
    tones::{heard, tone},
};

/// What alice says, and bob.
const TONES: [u32; 2] = [440, 1_000];

/// A relay at the server, in everything.
fn relay() -> String {
    format!(
        "[relay]\nlisten = [\"{SERVER}:3478\"]\ntls = [\"{SERVER}:443\"]\ncertificate = \"blocked.pem\"\nkey = \"blocked.key\"\n\
         realm = \"blocked.example\"\nallow = [\"10.81.0.0/16\"]\n\
         [[relay.user]]\nname = \"{USER}\"\npassword = \"{PASSWORD}\"\n"
    )
}

/// Where phones reach their registrar by TCP, and nothing by UDP.
fn without_udp(more: &str) -> Option<Scene> {
    let scene = Scene::over("tcp", more)?;
    scene.place.without_udp(&scene.path(""))?;
    Some(scene)
}

/// That relay as it is given to a phone.
fn uri(scheme: &str, end: &str) -> String {
    format!("{scheme}:{USER}:{PASSWORD}@{SERVER}{end}")
}

/// One call of four seconds by way of `relay`, in which each says a tone: what both say of it, and in how many tenths of a second
/// each hears what the other says, and itself.
fn call(scene: &Scene, relay: &str) -> ([Value; 2], [[usize; 2]; 2]) {
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    let said = TONES.map(|hertz| tone(&scene.path(""), hertz).to_str().unwrap().to_owned());
    let own = ["alice.wav", "bob.wav"].map(path);
    let flags = |end: usize| ["--play", said[end].as_str(), "--record", own[end].as_str()];
    let authority = path("blocked.pem");
    let more = ["--turn", relay, "--tls-ca", &authority, "--codec", "pcmu"];
    let (code, alice, bob) = scene.call_while("4", [&flags(0), &flags(1)], &more, || ());
    assert_eq!(code, 0, "{alice}");
    let there = |end: usize| {
        let recording = scene.path(["alice.wav", "bob.wav"][end]);
        let ([a, b], _) = heard(&recording, TONES);
        if end == 0 { [b, a] } else { [a, b] }
    };
    let told = [there(0), there(1)];
    println!("{relay}: heard {told:?}");
    ([alice, bob], told)
}

/// Each hears the other, and not itself.
fn is_a_call(scene: &Scene, relay: &str) {
    let ([alice, bob], told) = call(scene, relay);
    both_hear(&alice, &bob);
    for [other, own] in told {
        assert!(other >= 25 && own == 0, "{told:?}");
    }
    for end in [&alice, &bob] {
        assert_eq!(end["route"], "relay2", "by an address of each: {end}");
        assert_eq!(end["lost"], 0, "{end}");
    }
}

/// Over UDP the relay is not there, and so is nobody.
fn is_silence(scene: &Scene) {
    let ([alice, bob], told) = call(scene, &uri("turn", ""));
    assert!([&alice, &bob].iter().all(|call| call["received"] == 0), "{alice} {bob}");
    assert_eq!(told, [[0; 2]; 2]);
}

#[test]
fn b10_where_no_udp_passes_a_call_gets_out_by_a_relay_that_is_reached_by_tcp_or_tls_and_by_udp_nothing_is_heard()
 {
    let Some(scene) = without_udp(&relay()) else { return };
    let carried = || scene.counted("rove_relay_packets_in_total{part=\"turn\"}");
    for uri in [uri("turn", "?transport=tcp"), uri("turns", ":443")] {
        let before = carried();
        is_a_call(&scene, &uri);
        assert!(carried() - before > 150, "{uri}");
        assert_eq!(scene.counted("rove_relay_allocations"), 0, "{uri}: what was lent is given back");
    }
    is_silence(&scene);
}

#[test]
fn b10_where_no_udp_passes_a_call_gets_out_by_way_of_coturn() {
    let Some(coturn) = peer("turnserver") else { return };
    let Some(mut scene) = without_udp("") else { return };
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    let (users, user) = (path("users"), format!("{USER}:{PASSWORD}"));
    let (chain, key) = (path("blocked.pem"), path("blocked.key"));
    let args = ["-n", "--listening-port", "3478", "--tls-listening-port", "5349", "-L", SERVER, "-E", SERVER];
    let more = ["--no-dtls", "--no-cli", "-a", "-u", &user, "-r", "blocked.example", "--log-file", "stdout"];
    let files = ["--cert", &chain, "--pkey", &key, "--userdb", &users];
    let mut relay = scene.place.start(At::Server, &coturn, args.into_iter().chain(more).chain(files));
    // Whoever comes by TCP before it listens is refused.
    let until = Instant::now() + PATIENCE;
    while ![3_478, 5_349].iter().all(|port| listens(&relay, *port)) {
        assert!(relay.is_alive() && Instant::now() < until, "{}", relay.said());
        std::thread::park_timeout(Duration::from_millis(10));
    }
    for uri in [uri("turn", "?transport=tcp"), uri("turns", "")] {
        is_a_call(&scene, &uri);
    }
    is_silence(&scene);
    assert!(relay.is_alive() && scene.roved.is_alive());
}

/// Whether somebody listens at a TCP port where a program runs.
fn listens(there: &Running, port: u16) -> bool {
    let sockets = std::fs::read_to_string(format!("/proc/{}/net/tcp", there.id())).unwrap_or_default();
    let (at, listening) = (format!(":{port:04X}"), "0A");
    sockets.lines().any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        fields.len() > 3 && fields[1].ends_with(&at) && fields[3] == listening
    })
}

/// The middle of the round trips that a call has measured, in ms.
fn round_trip(call: &Value) -> f64 {
    let samples = call["quality"].as_array().unwrap();
    let mut trips: Vec<f64> = samples.iter().filter_map(|one| one["round_trip_ms"].as_f64()).collect();
    trips.sort_by(f64::total_cmp);
    *trips.get(trips.len() / 2).unwrap_or_else(|| panic!("no round trip was measured: {call}"))
}

/// Each way to the relay on the same path.
#[test]
fn a_call_by_a_stream_loses_nothing_and_its_packets_take_hardly_longer_than_by_datagrams() {
    let seconds = if std::env::var_os("ROVE_PROVE").is_some() { "20" } else { "5" };
    let Some(scene) = Scene::over("tcp", &relay()) else { return };
    let authority = scene.path("blocked.pem").to_str().unwrap().to_owned();
    let mut trips = Vec::new();
    for uri in [uri("turn", ""), uri("turn", "?transport=tcp"), uri("turns", ":443")] {
        let more = ["--turn", &uri, "--tls-ca", &authority, "--codec", "pcmu"];
        let (code, alice, bob) = scene.call_while(seconds, [&[], &[]], &more, || ());
        assert_eq!(code, 0, "{alice}");
        both_hear(&alice, &bob);
        for end in [&alice, &bob] {
            let trip = round_trip(end);
            println!(
                "{uri}: round trip {trip} ms, jitter {} ms, lost {} of {}",
                end["jitter_ms"], end["lost"], end["received"]
            );
            assert_eq!(end["lost"], 0, "{uri}: {end}");
            trips.push(trip);
        }
    }
    let (by_datagrams, by_streams) = trips.split_at(2);
    let most = by_datagrams.iter().copied().fold(0.0, f64::max) + 10.0;
    assert!(by_streams.iter().all(|trip| *trip <= most), "{trips:?}");
}
