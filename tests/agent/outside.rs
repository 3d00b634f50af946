//! `rove message` and `rove watch` to `rove answer`, directly and through `roved`.

use rove_tests::programs::Running;
use serde_json::Value;

use crate::stage::{PATIENCE, account, answer, begin, json, registrar, rove};

#[test]
fn a_message_is_delivered_told_and_kept_in_the_report() {
    let dir = tempfile::tempdir().unwrap();
    let (told, report) = (dir.path().join("told"), dir.path().join("report.json"));
    let script = dir.path().join("script");
    std::fs::write(&script, format!("cat >> '{}'\n", told.display())).unwrap();
    let flags = format!("--on-event {} --json {}", script.display(), report.display());
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (mut bob, address) = answer(&flags);
    let sent = dir.path().join("sent.json");
    let line = format!("hello --json {}", sent.display());
    let (code, said, complaints) = rove("message", &format!("sip:bob@{address}"), &line);
    assert_eq!((code, said.as_str()), (0, "delivered"), "{complaints}");
    assert_eq!(json(&sent)["status"], 200);
    let line: Value = serde_json::from_str(&bob.next_line(PATIENCE).unwrap()).unwrap();
    assert_eq!((&line["event"], &line["text"]), (&"message".into(), &"hello".into()));
    bob.interrupt();
    assert_eq!(bob.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", bob.complaints());
    assert_eq!(json(&report)["messages"][0]["text"], "hello");
    let told: Value = serde_json::from_str(std::fs::read_to_string(&told).unwrap().trim()).unwrap();
    assert_eq!(told["text"], "hello", "the script was told");
}

#[test]
fn a_message_to_nobody_fails_and_says_why() {
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, _, complaints) = rove("message", &format!("sip:bob@{free};transport=tcp"), "hello");
    assert_eq!(code, 1, "{complaints}");
    assert!(complaints.contains("not delivered"), "{complaints}");
}

/// Watches the dialogs of `bob`, whom a call reaches meanwhile and who leaves then: what the watcher said and its report.
fn dialogs(mut bob: Running, target: &str, more: &str) -> (Vec<String>, Value) {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("watch.json");
    let line = format!("--event dialog --json {} {more}", report.display());
    let mut watch = begin("watch", target, &line);
    let mut lines = vec![watch.line_with("has no calls", PATIENCE)];
    let (code, said, complaints) = rove("call", target, &format!("--for 0.5 {more}"));
    assert_eq!(code, 0, "{said}\n{complaints}");
    lines.push(watch.line_with("confirmed", PATIENCE));
    lines.push(watch.line_with("has no calls", PATIENCE));
    bob.interrupt();
    assert_eq!(bob.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", bob.complaints());
    assert_eq!(watch.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", watch.complaints());
    (lines, json(&report))
}

#[test]
fn who_watches_the_dialogs_of_a_phone_sees_a_call_come_and_go_and_the_end() {
    let (bob, address) = answer("");
    let (lines, report) = dialogs(bob, &format!("sip:bob@{address}"), "");
    assert!(!lines[1].contains("with"), "with whom stays unsaid: {}", lines[1]);
    assert_eq!(report["over"], "noresource", "{report:#}");
    let states = report["states"].as_array().unwrap();
    let versions: Vec<u64> = states.iter().filter_map(|state| state["version"].as_u64()).collect();
    assert!(versions.windows(2).all(|pair| pair[0] + 1 == pair[1]) && versions[0] == 0, "{versions:?}");
    let last = &states.last().unwrap()["subscription"];
    assert_eq!(last, "terminated");
}

#[test]
fn a_phone_that_tells_everything_tells_with_whom_and_what_a_call_is_named_by() {
    let (bob, address) = answer("--tell everything");
    let target = format!("sip:bob@{address}");
    let (lines, report) = dialogs(bob, &target, "--identity carol@calls.example");
    assert!(lines[1].contains("with sip:carol@calls.example"), "{}", lines[1]);
    let confirmed = report["states"].as_array().unwrap().iter().find_map(|state| {
        let dialog = &state["dialogs"][0];
        (dialog["state"] == "confirmed").then(|| dialog.clone())
    });
    let confirmed = confirmed.unwrap();
    for name in ["call_id", "local_tag", "remote_tag"] {
        assert!(confirmed[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {confirmed}");
    }
    assert_eq!(confirmed["initiator"], false);
}

#[test]
fn a_phone_that_tells_nothing_cannot_be_watched() {
    let (_bob, address) = answer("--tell nothing");
    let (code, _, complaints) = rove("watch", &format!("sip:bob@{address}"), "");
    assert_eq!(code, 1, "{complaints}");
    assert!(complaints.contains("489"), "{complaints}");
}

#[test]
fn presence_is_closed_while_a_phone_takes_no_calls_and_is_asked_once_with_count() {
    let (_open, open) = answer("");
    let (_busy, busy) = answer("--policy busy");
    for (address, word) in [(open, "open"), (busy, "closed, takes no calls")] {
        let (code, said, complaints) = rove("watch", &format!("sip:bob@{address}"), "--count 1");
        assert_eq!(code, 0, "{complaints}");
        assert!(said.ends_with(&format!("is {word}")), "{said}");
    }
}

#[test]
fn messages_and_watches_go_through_a_registrar_to_where_the_phone_is() {
    let (_node, server) = registrar();
    let dir = tempfile::tempdir().unwrap();
    let (mut bob, _) = answer(&format!("--register sip:bob@home.example --server {server}"));
    let config = account(dir.path(), "alice", server);
    let line = format!("hello --config {config}");
    let (code, said, complaints) = rove("message", "sip:bob@home.example", &line);
    assert_eq!((code, said.as_str()), (0, "delivered"), "{complaints}");
    let told: Value = serde_json::from_str(&bob.line_with("message", PATIENCE)).unwrap();
    assert!(told["from"].as_str().unwrap().contains("alice@home.example"), "{told}");
    let (_, report) = dialogs(bob, "sip:bob@home.example", &format!("--config {config}"));
    assert_eq!(report["over"], "noresource", "{report:#}");
}

#[test]
fn b11_words_go_both_ways_inside_a_call_beside_its_voice() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("call.json");
    let (mut bob, at) = answer("--chat --calls 1");
    let flags = format!("--chat --for 4 --identity alice@h.example --json {}", report.display());
    let mut alice = begin("call", &format!("sip:bob@{at}"), &flags);
    // Lines wait until the call is up.
    alice.types("hello, can you hear me?");
    bob.line_with("hello, can you hear me?", PATIENCE);
    bob.types("yes, and read you");
    alice.line_with("yes, and read you", PATIENCE);
    assert_eq!(alice.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", alice.complaints());
    let call = &json(&report)["calls"][0];
    assert!(call["received"].as_u64().unwrap() > 50, "voice beside the words: {call:#}");
}
