//! From nothing to a call.

use std::time::{Duration, Instant};

use rove_tests::programs::{Running, program};

use crate::stage::{PATIENCE, get};

#[test]
fn b23_from_a_fresh_folder_to_the_first_call_by_two_commands_in_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // What is written has the usual ports: at addresses that no other run has.
    let run = std::process::id();
    let at = |last: u8| format!("127.{}.{}.{last}", 64 + (run >> 8) % 64, run & 255);
    let (server, phones) = (at(1), format!("{}:0", at(9)));
    // The programs are there, as after a download.
    let _ = (program("roved"), program("rove"));
    let began = Instant::now();
    // The first command.
    let args = ["init", "fresh.example", "--dir", &path("server"), "--address", &server];
    let (code, said, complaints) = Running::start(&program("roved"), args).outcome(PATIENCE);
    assert_eq!(code, 0, "{complaints}");
    let invite =
        said.split('\'').find(|part| part.starts_with("rove:invite?")).expect("an invitation").to_owned();
    // Others on this machine may have the usual port.
    let config = std::fs::read_to_string(path("server/roved.toml")).unwrap();
    std::fs::write(path("server/roved.toml"), config.replace("127.0.0.1:9464", "127.0.0.1:0")).unwrap();
    // The second.
    let mut roved =
        Running::start(&program("roved"), ["--config", &path("server/roved.toml"), "--ready-json"]);
    let ready = roved.ready(PATIENCE);
    let rove = |key: &str, args: &[&str]| {
        let (key, own) = (path(key), ["--invite", &invite, "--listen", &phones, "--irmv-key"]);
        Running::start(&program("rove"), args.iter().chain(&own).copied().chain([key.as_str()]))
    };
    let args = ["answer", "--register", "bob@fresh.example", "--calls", "1", "--ready-json"];
    let mut bob = rove("bob.key", &args);
    bob.ready(PATIENCE);
    let call = rove("alice.key", &["call", "bob@fresh.example", "--for", "0.5"]);
    let (code, said, complaints) = call.outcome(PATIENCE);
    assert_eq!(code, 0, "{said} {complaints}; {}", bob.complaints());
    let took = began.elapsed();
    println!("from a fresh folder to the end of the first call: {took:?}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    let http = ready["http"][0].as_str().unwrap().parse().unwrap();
    assert_eq!(get(http, "/readyz", None).0, 200);
    // What is there is not made anew.
    let args = ["init", "fresh.example", "--dir", &path("server"), "--address", &server];
    let (code, _, complaints) = Running::start(&program("roved"), args).outcome(PATIENCE);
    assert_eq!(code, 2, "{complaints}");
}
