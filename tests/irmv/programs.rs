//! What users of two operators can do.

use rove_tests::programs::{Running, program};
use serde_json::Value;

use crate::stage::{A, B, PATIENCE, Stage};

#[test]
fn b4_b5_b6_who_registers_with_one_operator_is_found_by_anothers_user_and_by_each_identifier() {
    let stage = Stage::new();
    let (_bob, at) = stage.answers(B, "bob@b.example", &["--irmv-fixed", "127.0.0.1"]);
    let said = stage.sees(A, "bob@b.example", &at.to_string());
    assert!(said.contains("bob@b.example is online"), "{said}");
    let uid = said.split("unique id ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    let (_number, elsewhere) = stage.answers(B, "number@b.example", &["--irmv-number", "+46701234561"]);
    for (target, expected) in
        [(uid, at.to_string()), ("127.0.0.1", at.to_string()), ("+46701234561", elsewhere.to_string())]
    {
        let (code, said) = stage.looks_up(B, target);
        assert_eq!(code, 0, "{target}: {said}");
        assert!(said.contains(&expected), "{target}: {said}");
    }
    let (_, said) = stage.looks_up(B, "+46701234561");
    assert!(said.contains("+46701234561, behind which is the server's word"), "{said}");
    let (_, said) = stage.looks_up(B, "127.0.0.1");
    assert!(said.contains("127.0.0.1, behind which is return routability"), "{said}");
}

#[test]
fn b19_numbers_and_unique_ids_are_found_among_servers_where_no_domain_says_whom_to_ask() {
    let mut stage = Stage::new();
    let (code, said) = stage.looks_up(A, "+46701234561");
    assert_eq!(code, 1, "nobody asks the other server: {said}");
    stage.join_search();
    let (_number, at) = stage.answers(B, "number@b.example", &["--irmv-number", "+46701234561"]);
    let said = stage.sees(A, "+46701234561", &at.to_string());
    let uid = said.split("unique id ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    stage.sees(A, uid, &at.to_string());
    let (code, said) = stage.looks_up(A, "+46709999999");
    assert_eq!(code, 1, "nobody has it: {said}");
}

#[test]
fn b19_people_are_found_by_words_at_the_server_of_another_operator_and_go_when_they_leave() {
    let mut stage = Stage::new();
    stage.join_search();
    let words = ["--irmv-listed", "--irmv-word", "Göteborg,smith"];
    let (mut bob, _) = stage.answers(B, "bob@b.example", &words);
    let (_alice, _) = stage.answers(A, "alice@a.example", &["--irmv-listed", "--irmv-word", "malmö,smith"]);
    let (_carol, _) = stage.answers(B, "carol@b.example", &[]);
    let find = |words: &str| {
        let (code, said, complaints) = stage
            .rove(A, "asker.key", &[&["find"], &words.split(' ').collect::<Vec<_>>()[..]].concat())
            .outcome(PATIENCE);
        (code, said + &complaints)
    };
    let (code, said) =
        stage.until(|| find("SMITH göteborg"), |(_, said)| said.contains("bob@b.example göteborg smith"));
    assert!(code == 0 && !said.contains("alice"), "{said}");
    let (code, said) = find("smith");
    assert!(code == 0 && said.contains("bob@b.example") && said.contains("alice@a.example"), "{said}");
    let (code, said) = find("carol");
    assert!(code == 1 && said.contains("nobody wants to be found by that"), "{said}");
    bob.interrupt();
    assert!(bob.wait(PATIENCE).is_some_and(|status| status.success()), "{}", bob.complaints());
    let (code, said) = find("göteborg");
    assert_eq!(code, 1, "{said}");
}

#[test]
fn contacts_are_admitted_and_dismissed_from_the_command_line_while_the_phone_stays_where_it_is() {
    let mut stage = Stage::new();
    for which in [A, B] {
        stage.change(which, "shown_to = \"anybody\"", "shown_to = \"contacts\"");
    }
    let (_bob, at) = stage.answers(B, "bob@b.example", &["--irmv-admit", "alice@a.example"]);
    let (_alice, _) = stage.answers(A, "alice@a.example", &[]);
    let (_carol, _) = stage.answers(A, "carol@a.example", &[]);
    let bob_for = |whom: &str| {
        let args = ["lookup", "bob@b.example", "--irmv-as", whom];
        let (code, said, complaints) = stage.rove(A, &format!("{whom}.key"), &args).outcome(PATIENCE);
        (code, said + &complaints)
    };
    let (code, said) = stage.looks_up(A, "bob@b.example");
    assert_eq!(code, 1, "for nobody in particular nobody is there: {said}");
    let found = stage.until(|| bob_for("alice@a.example"), |(_, said)| said.contains(&at.to_string()));
    assert_eq!(found.0, 0, "{}", found.1);
    assert_eq!(bob_for("carol@a.example").0, 1);
    let args = ["contacts", "--irmv-as", "bob@b.example", "--irmv-admit", "carol@a.example"];
    let args = [&args[..], &["--irmv-dismiss", "alice@a.example"]].concat();
    let (code, said, complaints) = stage.rove(B, "bob@b.example.key", &args).outcome(PATIENCE);
    assert_eq!(code, 0, "{said} {complaints}");
    assert!(said.contains("carol@a.example may find bob@b.example"), "{said}");
    let (code, said) = bob_for("carol@a.example");
    assert!(code == 0 && said.contains(&at.to_string()), "where his phone is: {said}");
    assert_eq!(bob_for("alice@a.example").0, 1, "dismissed");
    let args = ["lookup", "bob@b.example", "--irmv-as", "carol@a.example"];
    let (code, _, complaints) = stage.rove(A, "mallory.key", &args).outcome(PATIENCE);
    assert_eq!(code, 3, "another key: {complaints}");
    assert!(complaints.contains("--irmv-as carol@a.example"), "{complaints}");
}

#[test]
fn b7_a_call_makes_its_user_busy_for_who_asks_at_the_other_server() {
    let stage = Stage::new();
    let (_bob, _) = stage.answers(B, "bob@b.example", &[]);
    stage.sees(A, "bob@b.example", "is online");
    let call = stage.rove(A, "alice.key", &["call", "bob@b.example", "--for", "60"]);
    stage.sees(A, "bob@b.example", "is busy");
    drop(call);
}

#[test]
fn b9_a_call_stands_when_both_servers_die_after_the_look_up() {
    let mut stage = Stage::new();
    let (bob, _) = stage.answers(B, "bob@b.example", &["--calls", "1"]);
    let report = stage.path("call.json");
    let args = ["call", "bob@b.example", "--for", "4", "--json", report.to_str().unwrap()];
    let call = stage.rove(A, "alice.key", &args);
    stage.sees(B, "bob@b.example", "is busy");
    stage.kill(A);
    stage.kill(B);
    let (code, said, complaints) = call.outcome(PATIENCE);
    assert_eq!(code, 0, "{said} {complaints}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    let call = &report["calls"][0];
    assert_eq!(call["route"], "direct", "{report}");
    let received = call["received"].as_u64().unwrap();
    assert!(received > 100, "sound came until the end: {received}");
    assert!(call["seconds"].as_f64().unwrap() > 3.5, "{report}");
    drop(bob);
}

#[test]
fn what_was_acknowledged_is_there_when_a_killed_server_is_started_again() {
    let mut stage = Stage::new();
    let (bob, at) = stage.answers(B, "bob@b.example", &[]);
    // It cannot come back by itself: what is found is what the server has kept.
    drop(bob);
    stage.kill(B);
    let (code, said) = stage.looks_up(A, "bob@b.example");
    assert_eq!(code, 1, "{said}");
    stage.start(B);
    stage.sees(A, "bob@b.example", &at.to_string());
}

#[test]
fn who_leaves_is_not_found_any_more_and_a_name_of_somebody_else_is_refused() {
    let stage = Stage::new();
    let (mut bob, _) = stage.answers(B, "bob@b.example", &[]);
    let (code, _, complaints) =
        stage.rove(B, "mallory.key", &["register", "bob@b.example", "--port", "0"]).outcome(PATIENCE);
    assert_eq!(code, 3, "{complaints}");
    assert!(complaints.contains("somebody else's"), "{complaints}");
    bob.interrupt();
    assert!(bob.wait(PATIENCE).is_some_and(|status| status.success()), "{}", bob.complaints());
    let (code, said) = stage.looks_up(B, "bob@b.example");
    assert_eq!(code, 1, "{said}");
}

#[test]
fn who_is_registered_is_found_by_sip_as_well() {
    let stage = Stage::new();
    let (_bob, at) = stage.answers(B, "bob@b.example", &["--calls", "1"]);
    let target = format!("sip:bob@{}", stage.sip[B]);
    let listen = format!("{}:0", stage.phones[A]);
    let call = Running::start(&program("rove"), ["call", &target, "--for", "1", "--listen", &listen]);
    let (code, said, complaints) = call.outcome(PATIENCE);
    assert_eq!(code, 0, "redirected to {at}: {said} {complaints}");
}

#[test]
fn who_registers_by_sip_is_found_by_the_other_operators_users() {
    let stage = Stage::new();
    let registrar = stage.sip[B].to_string();
    let listen = format!("{}:0", stage.phones[B]);
    let args = ["answer", "--register", "sip:carol@b.example", "--server", &registrar, "--ready-json"];
    let mut carol = Running::start(&program("rove"), args.into_iter().chain(["--listen", &listen]));
    let at = carol.ready(PATIENCE)["sip"][0].as_str().unwrap().to_owned();
    let said = stage.sees(A, "carol@b.example", &at);
    assert!(said.contains("carol@b.example is online"), "{said}");
    let (code, said, complaints) =
        stage.rove(A, "alice.key", &["call", "carol@b.example", "--for", "1"]).outcome(PATIENCE);
    assert_eq!(code, 0, "{said} {complaints}");
}

#[test]
fn who_has_registered_by_sip_is_there_when_a_killed_server_is_started_again() {
    let mut stage = Stage::new();
    let registrar = stage.sip[B].to_string();
    let listen = format!("{}:0", stage.phones[B]);
    let args = ["answer", "--register", "sip:carol@b.example", "--server", &registrar, "--ready-json"];
    let mut carol = Running::start(&program("rove"), args.into_iter().chain(["--listen", &listen]));
    let at = carol.ready(PATIENCE)["sip"][0].as_str().unwrap().to_owned();
    stage.sees(B, "carol@b.example", &at);
    // She cannot come back by herself: what is found is what the server has kept.
    drop(carol);
    stage.kill(B);
    stage.start(B);
    stage.sees(A, "carol@b.example", &at);
}

#[test]
fn b6_who_is_listed_is_found_by_plain_dns_while_registered_and_nobody_else_is() {
    let stage = Stage::new();
    let (mut listed, at) = stage.answers(A, "listed@a.example", &[]);
    let (_other, _) = stage.answers(A, "other@a.example", &[]);
    stage.sees(A, "listed.a.example", &at.ip().to_string());
    let (code, said) = stage.looks_up(A, "other.a.example");
    assert_ne!(code, 0, "{said}");
    listed.interrupt();
    assert!(listed.wait(PATIENCE).is_some_and(|status| status.success()), "{}", listed.complaints());
    stage.gone(A, "listed.a.example");
}

#[test]
fn b12_three_parties_of_two_operators_are_one_conversation_after_looking_each_other_up() {
    let stage = Stage::new();
    let report = stage.path("bob.json");
    let json = report.to_str().unwrap();
    let (mut bob, _) = stage.answers(B, "bob@b.example", &["--conference", "--calls", "2", "--json", json]);
    let call = |which, name: &str, seconds| {
        stage.rove(which, &format!("{name}.key"), &["call", "bob@b.example", "--for", seconds])
    };
    let alice = call(A, "alice", "8");
    stage.sees(A, "bob@b.example", "is busy");
    let carol = call(B, "carol", "4");
    for (name, call) in [("alice", alice), ("carol", carol)] {
        let (code, said, complaints) = call.outcome(PATIENCE);
        assert_eq!(code, 0, "{name}: {said} {complaints}");
    }
    assert!(bob.wait(PATIENCE).is_some(), "{}", bob.complaints());
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    // As many as he had calls, and himself.
    assert_eq!(report["conference"]["parties"], 3, "{report}");
}

#[test]
fn b8_b13_a_call_is_set_up_and_ended_by_way_of_both_servers_and_its_voice_goes_straight() {
    let stage = Stage::new();
    let speech = rove_tests::programs::root().join("apps/rove/assets/speech-alice.wav");
    let (speech, report) = (speech.to_str().unwrap(), stage.path("call.json"));
    // Who is called has hung up in one round, who calls in the other.
    for (name, caller_ends) in [("bob@b.example", true), ("carol@b.example", false)] {
        let talk: &[&str] = if caller_ends { &[] } else { &["--for", "3"] };
        let answers = [&["--calls", "1", "--chat", "--log", "rove=info", "--play", speech], talk].concat();
        let (mut called, _) = stage.answers(B, name, &answers);
        stage.sees(A, name, "is online");
        let mut args =
            vec!["call", name, "--relayed-setup", "--identity", "alice@a.example", "--log", "rove=info"];
        args.extend(["--play", speech, "--json", report.to_str().unwrap()]);
        args.extend(if caller_ends { ["--chat", "--for", "3"] } else { ["--chat", "--for", "60"] });
        let mut caller = stage.rove(A, "alice.key", &args);
        caller.types("words, too");
        called.line_with("words, too", PATIENCE);
        let (code, _, caller_log) = caller.outcome(PATIENCE);
        assert_eq!(code, 0, "{caller_log}");
        let (code, _, called_log) = called.outcome(PATIENCE);
        assert_eq!(code, 0, "{called_log}");
        let told: Value = serde_json::from_str(&std::fs::read_to_string(&report).unwrap()).unwrap();
        let call = &told["calls"][0];
        assert_eq!(call["route"], "direct", "{told:#}");
        assert!(call["received"].as_u64().unwrap() > 100 && call["sent"].as_u64().unwrap() > 100, "{told:#}");
        let steps = |log: &str| -> Vec<String> {
            let lines = log.lines().filter(|line| line.contains("rove::relayed") && line.contains("step="));
            let word = |line: &str| {
                let step =
                    line.split("step=").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
                let heard = line.split_whitespace().any(|word| word == "heard");
                format!("{} {step}", if heard { "hears" } else { "says" })
            };
            lines.map(word).collect()
        };
        let (own, other) = if caller_ends { ("says", "hears") } else { ("hears", "says") };
        let figure_4 = |first: &str, then: &str, end: &str| {
            [(first, "SetUp"), (then, "Alert"), (then, "Accept"), (first, "Text"), (end, "End")]
                .map(|(who, step)| format!("{who} {step}"))
        };
        assert_eq!(steps(&caller_log), figure_4("says", "hears", own), "{caller_log}");
        assert_eq!(steps(&called_log), figure_4("hears", "says", other), "{called_log}");
    }
}

#[test]
fn b8_who_is_not_there_or_does_not_want_to_is_told_to_the_caller_by_way_of_the_servers() {
    let stage = Stage::new();
    let (_bob, _) = stage.answers(B, "bob@b.example", &["--policy", "busy"]);
    stage.sees(A, "bob@b.example", "is online");
    for (name, why) in [("bob@b.example", "busy"), ("nobody@b.example", "nobody of that name")] {
        let args = ["call", name, "--relayed-setup", "--identity", "alice@a.example", "--for", "1"];
        let (code, said, complaints) = stage.rove(A, "alice.key", &args).outcome(PATIENCE);
        assert_eq!(code, 1, "{said} {complaints}");
        assert!((said + &complaints).contains(why), "{name}");
    }
}

#[test]
fn b12_the_demo_has_two_operators_servers_and_a_conference_of_three_who_hear_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("demo.json");
    let files = dir.path().join("files");
    let args = ["demo", "--servers", "--dir", files.to_str().unwrap(), "--json", report.to_str().unwrap()];
    let (code, said, complaints) = Running::start(&program("rove"), args).outcome(PATIENCE);
    assert_eq!(code, 0, "{said} {complaints}");
    println!("{said}");
    for who in ["alice", "bob", "carol"] {
        assert!(said.contains(&format!("{who} heard what was said")), "{said}");
    }
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report["conference"]["parties"], 3, "{report:#}");
    let calls = report["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 4, "two of alice's, and one of each other: {report:#}");
    for call in calls {
        let figure =
            |key: &str| call[key].as_f64().unwrap_or_else(|| panic!("{key} was not measured: {call:#}"));
        assert!(figure("received") > 300.0 && figure("loss_percent") < 1.0, "{call:#}");
    }
}
