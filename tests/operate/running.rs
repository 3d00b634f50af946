//! What is done to a server while calls are up.

use serde_json::Value;

use crate::stage::{PATIENCE, Stage, certificate, config};

const USERS: &[&str] = &["alice", "bob"];

/// The id of the one call that is up.
fn the_call(stage: &Stage) -> String {
    let said = stage.sees(&["calls", "list", "--json"], "\"up\"");
    let call: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(call["state"], "up");
    call["id"].as_str().unwrap().to_owned()
}

#[test]
fn certificates_users_and_limits_change_with_no_call_registration_or_stream_lost() {
    let stage = Stage::new(&config(USERS, ""));
    let mut bob = stage.answers("bob", &["--calls", "1"]);
    let report = stage.path("call.json");
    let mut call = stage.calls("alice", "bob", &["--for", "600", "--json", report.to_str().unwrap()]);
    let id = the_call(&stage);
    // Wrong ones are refused by name, and nothing changes.
    let (code, said) = stage.change(&config(USERS, "[sip.limits]\nbusrt = 9\n"));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("busrt") && said.contains("stays as it is"), "{said}");
    std::fs::write(stage.path("shown.key"), "no key").unwrap();
    let (code, said) = stage.change(&config(USERS, ""));
    assert!(code == 1 && said.contains("shown.key"), "{said}");
    // Good ones are taken over: another certificate, another user, another limit.
    certificate(&stage.path(""), "shown");
    let all = ["alice", "bob", "carol"];
    let (code, said) = stage.change(&config(&all, "[sip.limits]\nburst = 500\n"));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("sip.user") && said.contains("sip.limits"), "{said}");
    // What cannot change yet is named.
    let (code, said) = stage.change(&config(&all, "[sip.limits]\nburst = 500\n[sip.expires]\nmin = 61\n"));
    assert!(code == 0 && said.contains("not before the node is started again: sip.expires"), "{said}");
    assert_eq!(the_call(&stage), id);
    assert!(bob.is_alive() && call.is_alive(), "{} {}", bob.complaints(), call.complaints());
    // New streams see the new certificate, which the phones do not believe; the old streams stand, and carry the end.
    let stranger = stage.calls("alice", "bob", &["--for", "1"]).outcome(PATIENCE);
    assert_ne!(stranger.0, 0, "{}", stranger.1);
    std::fs::copy(stage.path("shown.pem"), stage.path("first.pem")).unwrap();
    drop(stage.answers("carol", &[]));
    call.interrupt();
    assert!(bob.wait(PATIENCE).is_some_and(|status| status.success()), "{}", bob.complaints());
    assert!(call.wait(PATIENCE).is_some(), "{}", call.complaints());
    let (_, said) = stage.operator(&["calls", "list"]);
    assert_eq!(said, "");
}

#[test]
fn b27_calls_are_listed_shown_and_hung_up_at_both_ends_and_a_move_says_why_not() {
    let stage = Stage::new(&config(USERS, ""));
    let mut bob = stage.answers("bob", &["--calls", "1"]);
    let mut call = stage.calls("alice", "bob", &["--for", "600"]);
    let id = the_call(&stage);
    let (code, said) = stage.operator(&["calls", "show", &id[..6]]);
    assert_eq!(code, 0, "{said}");
    let shown: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&shown["caller"], &shown["media"]),
        (&"sip:alice@ops.example".into(), &Value::Null),
        "{shown}"
    );
    assert!(shown["route"][1].as_str().unwrap().starts_with("tls "), "{shown}");
    let (code, said) = stage.operator(&["calls", "move", &id]);
    assert!(code == 1 && said.contains("cannot move it"), "{said}");
    let (code, said) = stage.operator(&["calls", "hangup", "nobody"]);
    assert!(code == 1 && said.contains("there is no such call"), "{said}");
    let (code, said) = stage.operator(&["calls", "hangup", &id]);
    assert_eq!(code, 0, "{said}");
    for phone in [&mut bob, &mut call] {
        assert!(phone.wait(PATIENCE).is_some(), "{}", phone.complaints());
    }
    let (_, said) = stage.operator(&["calls", "list"]);
    assert_eq!(said, "");
    let log = stage.roved.complaints();
    let told = |line: &&str| line.contains("ended by the operator") && line.contains(&id);
    let line = log.lines().find(told).unwrap_or_else(|| panic!("{log}"));
    assert_eq!(serde_json::from_str::<Value>(line).unwrap()["call_id"], id.as_str());
}
