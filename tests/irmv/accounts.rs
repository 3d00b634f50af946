//! Accounts that an operator adds and takes away while the server runs.

use rove_tests::programs::{Running, program};

use crate::stage::{A, PATIENCE, Stage, write};

const ALICE: &str = "alice@a.example";

/// Exit code, and all that is said.
fn roved(stage: &Stage, args: &[&str]) -> (i32, String) {
    let config = stage.path("a.toml");
    let own = ["--config", config.to_str().unwrap()];
    let args = args.iter().copied().chain(own);
    let (code, said, complaints) = Running::start(&program("roved"), args).outcome(PATIENCE);
    (code, said + &complaints)
}

/// Registers Alice with this key, which has to be refused.
fn refused(stage: &Stage, key: &str) -> String {
    let args = ["register", ALICE, "--via", "irmv"];
    let (code, said, complaints) = stage.rove(A, key, &args).outcome(PATIENCE);
    assert_ne!(code, 0, "{said} {complaints}");
    said + &complaints
}

fn shown(stage: &Stage) -> serde_json::Value {
    let (code, said) = roved(stage, &["account", "show", ALICE, "--json"]);
    assert_eq!(code, 0, "{said}");
    serde_json::from_str(said.trim()).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
fn an_account_is_added_keeps_its_first_key_through_the_death_of_its_server_and_ends_when_it_is_removed() {
    let mut stage = Stage::new();
    stage.change(A, "open = true", "open = false\naccounts = \"a.accounts\"");
    stage.change(A, "[irmv]\n", "[control]\npath = \"a.control\"\n[irmv]\n");
    refused(&stage, "alice.key");
    let (code, said) = roved(&stage, &["account", "add", ALICE, "--contact", "bob@b.example"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("is an account now") && said.contains("first"), "{said}");
    // Acknowledged is durable.
    stage.kill(A);
    stage.start(A);
    assert_eq!(shown(&stage)["uid"], serde_json::Value::Null);
    let (phone, at) = stage.answers(A, ALICE, &[]);
    stage.kill(A);
    stage.start(A);
    let pinned = shown(&stage)["uid"].as_str().unwrap_or_else(|| panic!("{}", shown(&stage))).to_owned();
    let said = stage.sees(A, ALICE, &at.to_string());
    assert!(said.contains(&pinned), "{said}");
    let said = refused(&stage, "mallory.key");
    assert!(said.contains("not registered"), "{said}");

    let path = stage.path("a.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    write(&path, &format!("{before}\n[[irmv.user]]\nname = \"{ALICE}\"\n"));
    let (code, said) = roved(&stage, &["reload"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("a.accounts") && said.contains("[[irmv.user]]") && said.contains("stays"),
        "{said}"
    );
    write(&path, &before);
    let (code, said) = roved(&stage, &["account", "add", "number2@a.example", "--number", "+46701234560"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("number@a.example"), "the configuration gives it to somebody: {said}");

    let (code, said) = roved(&stage, &["account", "remove", ALICE]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = stage.looks_up(A, ALICE);
    assert_eq!(code, 1, "nobody is there any more: {said}");
    refused(&stage, "alice@a.example.key");
    drop(phone);
    stage.kill(A);
    stage.start(A);
    let (code, said) = roved(&stage, &["account", "show", ALICE]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no such account"), "{said}");
    let (code, said) = stage.looks_up(A, ALICE);
    assert_eq!(code, 1, "after a restart neither: {said}");
}
