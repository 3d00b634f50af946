//! B9, B10: a relay dies, and its calls go on by another.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, program};
use serde_json::Value;

use crate::{
    blocked::Scene,
    place::{At, SERVER},
    stage::{PASSWORD, PATIENCE, USER, counted, write},
};

const CARRIED: &str = "rove_relay_packets_in_total{part=\"turn\"}";

/// A relay of its own beside the others.
fn relay(scene: &Scene, number: u16) -> Running {
    let port = 3_480 + number;
    let text = format!(
        "[relay]\nlisten = [\"{SERVER}:{port}\"]\nrealm = \"blocked.example\"\nallow = [\"10.81.0.0/16\"]\n\
         control = \"relay{number}.control\"\n\
         [[relay.user]]\nname = \"{USER}\"\npassword = \"{PASSWORD}\"\n"
    );
    let config = scene.path(&format!("relay{number}.toml"));
    write(&config, &text);
    let args = ["--config", config.to_str().unwrap(), "--ready-json"];
    let mut relay = scene.place.start(At::Server, &program("roved"), args);
    relay.ready(PATIENCE);
    relay
}

fn carried(scene: &Scene, number: u16) -> u64 {
    counted(&scene.path(&format!("relay{number}.control")), CARRIED)
}

/// Which of the relays carries a call, once one does.
fn carrier(scene: &Scene) -> u16 {
    let until = Instant::now() + PATIENCE;
    loop {
        let now = [0, 1].map(|number| carried(scene, number));
        if let Some(busy) = (0..2).find(|number| now[usize::from(*number)] > 200) {
            return busy;
        }
        assert!(Instant::now() < until, "no relay carries a call: {now:?}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn b10_when_the_relay_of_a_call_is_killed_both_hear_each_other_by_another_within_a_second() {
    let rounds = if std::env::var_os("ROVE_PROVE").is_some() { 10 } else { 1 };
    let Some(scene) = Scene::new("") else { return };
    for round in 0..rounds {
        let relays = RefCell::new([0, 1].map(|number| Some(relay(&scene, number))));
        let uris = [0, 1].map(|number| format!("turn:{USER}:{PASSWORD}@{SERVER}:{}", 3_480 + number));
        let events = scene.path("events");
        let command = format!("cat >> {}", events.display());
        let mut left = 0;
        let kill = || {
            let busy = carrier(&scene);
            relays.borrow_mut()[usize::from(busy)].take();
            left = 1 - busy;
        };
        let flags = ["--turn", &uris[0], "--turn", &uris[1]];
        let (code, alice, bob) = scene.call_while("14", [&[], &["--on-event", &command]], &flags, kill);
        assert_eq!(code, 0, "round {round}: {alice}");
        let told = std::fs::read_to_string(&events).unwrap();
        let told = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        // Whoever is sooner: the guard of the voice, or the checks of ways.
        let gaps: Vec<f64> = told
            .filter(|event| ["switched", "rerouted"].map(Value::from).contains(&event["event"]))
            .filter_map(|one| one["gap_ms"].as_f64())
            .collect();
        let by_other = carried(&scene, left);
        println!("round {round}: gaps of {gaps:?} ms, then {by_other} packets by the other relay");
        assert!(gaps.iter().any(|gap| *gap > 40.0), "round {round}: nothing was missed: {gaps:?}");
        assert!(gaps.iter().all(|gap| *gap < 1_000.0), "round {round}: {gaps:?}");
        let heard = [&alice, &bob].map(|call| call["received"].as_u64().unwrap());
        let sent = [&bob, &alice].map(|call| call["sent"].as_u64().unwrap());
        for (heard, sent) in heard.into_iter().zip(sent) {
            assert!(sent > 350 && heard + 55 >= sent, "round {round}: {heard} of {sent}: {alice} {bob}");
        }
        assert!(by_other > 100, "round {round}: the other carries the call, {by_other} packets");
        std::fs::remove_file(&events).unwrap();
    }
}
