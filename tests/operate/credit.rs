//! Relayed minutes that were paid for.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
};

use crate::stage::{PATIENCE, Stage, config};

/// What the relay says to its node, said in its place.
fn says(stage: &Stage, line: &str) -> String {
    let mut stream = UnixStream::connect(stage.path("control")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    writeln!(stream, "{line}").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer
}

#[test]
fn b26_calls_of_who_has_spent_his_credit_end_by_bye_and_nobody_elses() {
    let stage = Stage::new(&config(&["alice", "bob", "carol"], ""));
    let mut bob = stage.answers("bob", &["--calls", "2"]);
    let mut alices = stage.calls("alice", "bob", &["--for", "600"]);
    stage.sees(&["calls", "list"], "sip:alice@ops.example");
    let mut carols = stage.calls("carol", "bob", &["--for", "600"]);
    stage.sees(&["calls", "list"], "up sip:carol@ops.example");
    assert_eq!(says(&stage, r#"{"act":{"spent":"carol@elsewhere.example"}}"#), "{\"ok\":0}\n");
    assert_eq!(says(&stage, r#"{"act":{"spent":"alice@ops.example"}}"#), "{\"ok\":1}\n");
    assert!(alices.wait(PATIENCE).is_some(), "{}", alices.complaints());
    assert!(bob.is_alive() && carols.is_alive());
    let (_, said) = stage.operator(&["calls", "list"]);
    assert!(said.contains("carol") && !said.contains("alice"), "{said}");
}
