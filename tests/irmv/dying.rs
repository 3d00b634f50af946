//! What a server's sudden death does to those who have used it.

use std::{path::Path, time::Instant};

use serde_json::Value;

use crate::stage::{A, B, PATIENCE, Stage};

/// Waits until so many calls have been answered, as the called phone's own command has written down.
fn answered(file: &Path, count: usize) {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let have = text.matches("\"answered\"").count();
        if have >= count {
            return;
        }
        assert!(Instant::now() < until, "{have} of {count}: {text}");
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
}

#[test]
fn b9_calls_that_stand_go_on_when_both_servers_are_killed_and_who_was_acknowledged_is_still_registered() {
    let (rounds, each) = if std::env::var_os("ROVE_PROVE").is_some() { (50, 20) } else { (1, 4) };
    let mut stage = Stage::new();
    let events = stage.path("events");
    let command = format!("cat >> {}", events.display());
    let (bob, at) = stage.answers(B, "bob@b.example", &["--on-event", &command]);
    let mut stood = 0;
    for round in 1..=rounds {
        stage.sees(A, "bob@b.example", &at.to_string());
        let calls: Vec<_> = (0..each)
            .map(|call| {
                let json = stage.path(&format!("call{call}.json"));
                let args = ["call", "bob@b.example", "--for", "5", "--json", json.to_str().unwrap()];
                stage.rove(A, &format!("caller{call}.key"), &args)
            })
            .collect();
        answered(&events, round * each);
        stage.kill(A);
        stage.kill(B);
        for (number, call) in calls.into_iter().enumerate() {
            let (code, said, complaints) = call.outcome(PATIENCE);
            assert_eq!(code, 0, "call {number} of round {round}: {said} {complaints}");
            let report = std::fs::read_to_string(stage.path(&format!("call{number}.json"))).unwrap();
            let report: Value = serde_json::from_str(&report).unwrap();
            // Fifty packets a second to the end, whoever has died meanwhile.
            let heard = report["calls"][0]["received"].as_u64().unwrap();
            assert!(heard > 4 * 50, "call {number} of round {round}: {report:#}");
            stood += 1;
        }
        stage.start(A);
        stage.start(B);
    }
    println!("{stood} calls stood while their servers were killed, none was lost");
    // Bob cannot come back by himself any more: what is found is what the server has kept.
    drop(bob);
    stage.kill(B);
    stage.start(B);
    stage.sees(A, "bob@b.example", &at.to_string());
}
