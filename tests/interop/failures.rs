//! What goes wrong is said in a sentence, with the exit code of its class.

use std::{fs, net::UdpSocket, process::Command};

use rove_tests::programs::{Running, program};

use crate::stage::{Names, PATIENCE, answer, rove, words};

/// Runs `rove` and checks its exit code and that its last words name `parts`.
fn fails(args: &str, code: i32, parts: &[&str]) {
    let args: Vec<String> = words(args);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (got, said, complaints) = rove(&args);
    assert_eq!(got, code, "{args:?}: {said}\n{complaints}");
    for part in parts {
        assert!(complaints.contains(part), "{args:?} does not mention {part:?}: {complaints}");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_names_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("rove.toml");
    fs::write(&config, "ring_for = 5\n\nplayout_dely = 40\n").unwrap();
    fails(
        &format!("--config {} call 127.0.0.1", config.display()),
        2,
        &["rove.toml", "line 3", "playout_dely"],
    );
    fails("--config no/such.toml call 127.0.0.1", 2, &["no/such.toml"]);
    fails("call 127.0.0.1 --play no/such.wav", 2, &["no/such.wav"]);
    fails("call 127.0.0.1 --packet-time 25", 2, &["25"]);
    fails("call tel:030123456", 2, &["030123456", "number"]);
    fails("call 127.0.0.1 --colour blue", 2, &["--colour"]);
    fails("register bob.home.example --dns-server 127.0.0.1:9", 2, &["--key-file"]);
    fails("register bob..home.example --dns-server 127.0.0.1:9", 2, &["bob..home.example", "host name"]);
    fails("answer --register sip:bob --dns-server 127.0.0.1:9", 2, &["sip:bob", "user@domain"]);
    fails("call 127.0.0.1 --max-playout 1001", 2, &["1001", "0 to 1000"]);
    fs::write(&config, "min_playout = 5000\n").unwrap();
    fails(&format!("--config {} call 127.0.0.1", config.display()), 2, &["5000", "0 to 1000"]);
    let speech = dir.path().join("speech.wav").display().to_string();
    fs::write(&speech, "").unwrap();
    fails(&format!("call 127.0.0.1 --play {speech} --record {speech}"), 2, &[&speech, "--record"]);
}

#[test]
fn a_port_in_use_ends_with_3_and_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fails(&format!("answer --listen {address}"), 3, &[&address, "another program", "--listen"]);
    let (code, _, complaints) =
        Running::start(&program("roved"), ["--dev", "--dns-listen", &address]).outcome(PATIENCE);
    assert_eq!(code, 3, "{complaints}");
    assert!(complaints.contains(&address), "{complaints}");
}

#[test]
fn a_name_that_does_not_exist_ends_with_1_and_is_named() {
    let names = Names::start();
    let server = names.server();
    fails(
        &format!("call nobody.home.example --dns-server {server}"),
        1,
        &["nobody.home.example", "does not exist"],
    );
    fails(&format!("call +4930123456 --dns-server {server}"), 1, &["+4930123456"]);
    fails(
        &format!("lookup nobody.home.example --dns-server {server}"),
        1,
        &["nobody.home.example", "does not exist"],
    );
}

#[test]
fn busy_declined_unanswered_and_incompatible_calls_end_with_1_and_say_so() {
    let cases = [
        ("--policy busy", "", "busy"),
        ("--policy decline", "", "declined"),
        ("--policy ring", "--ring-for 1", "did not answer within 1 s"),
        ("--codec pcmu", "--codec pcma", "no common codec"),
    ];
    for (callee, caller, says) in cases {
        let more = words(callee);
        let (_process, address) = answer(&more.iter().map(String::as_str).collect::<Vec<_>>());
        fails(&format!("call {address} --listen 127.0.0.1:0 --dns-server 127.0.0.1:9 {caller}"), 1, &[says]);
    }
}

#[test]
fn a_threshold_that_is_missed_ends_with_1() {
    let (_process, address) = answer(&[]);
    let call = format!("call {address} --listen 127.0.0.1:0 --dns-server 127.0.0.1:9");
    fails(&format!("{call} --for 3 --min-mos 4.99"), 1, &["threshold", "4.99"]);
    fails(&format!("{call} --for 0 --min-mos 1"), 1, &["not measured"]);
}

#[test]
fn ctrl_c_ends_a_call_with_bye_and_withdraws_the_name() {
    let names = Names::start();
    let (mut callee, _) = {
        let mut args = words("answer --listen 127.0.0.1:0 --ready-json --register bob.home.example");
        args.extend(["--dns-server".into(), names.server(), "--update-server".into(), names.server()]);
        args.extend(["--key-file".into(), names.key()]);
        let mut process = Running::start(&program("rove"), &args);
        let ready = process.ready(PATIENCE);
        (process, ready)
    };
    let server = names.server();
    let json = tempfile::NamedTempFile::new().unwrap();
    let file = json.path().display().to_string();
    let caller = Running::start(
        &program("rove"),
        ["call", "bob.home.example", "--listen", "127.0.0.1:0", "--dns-server", &server, "--json", &file],
    );
    let talking = wait_for(&caller, "talking with");
    assert!(talking, "the call does not stand");
    caller.interrupt();
    let (code, said, complaints) = caller.outcome(PATIENCE);
    assert_eq!(code, 0, "{said}\n{complaints}");
    assert!(said.contains("ended here"), "{said}");
    assert!(wait_for(&callee, "the other side ended the call"), "no BYE reached the callee");
    callee.interrupt();
    assert_eq!(callee.wait(PATIENCE).and_then(|status| status.code()), Some(0));
    fails(&format!("lookup bob.home.example --dns-server {server}"), 1, &["bob.home.example"]);
}

#[test]
fn a_signal_to_the_demo_alone_ends_it_in_order() {
    let demo = Running::start(&program("rove"), ["demo", "--for", "30"]);
    assert!(wait_for(&demo, "calling bob"), "the demo does not call");
    demo.interrupt();
    let (code, said, complaints) = demo.outcome(PATIENCE / 2);
    assert_eq!(code, 1, "{said}\n{complaints}");
    for part in ["leaving", "stopped"] {
        assert!(complaints.contains(part), "{complaints}");
    }
}

#[test]
fn a_child_that_is_told_so_leaves_when_its_standard_input_ends() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" answer --listen 127.0.0.1:0 --until-stdin-closes </dev/null"]);
    shell.arg(program("rove"));
    let (code, said, complaints) = Running::spawn(shell).outcome(PATIENCE);
    assert_eq!(code, 0, "{said}\n{complaints}");
}

/// Waits until the program's standard error mentions `text`.
fn wait_for(process: &Running, text: &str) -> bool {
    let deadline = std::time::Instant::now() + PATIENCE;
    while std::time::Instant::now() < deadline {
        if process.complaints().contains(text) {
            return true;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    false
}
