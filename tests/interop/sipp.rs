//! SIPp, with its built-in scenarios, against `rove answer` and called by `rove call`.

use std::{net::Ipv4Addr, path::Path, process::Command, time::Instant};

use rove_tests::{
    ports,
    programs::{Running, peer, program},
};

use crate::{
    stage::{PATIENCE, answer, answer_ready},
    streams::Trust,
};

#[test]
fn sipp_completes_a_thousand_calls_to_rove_answer() {
    let Some(sipp) = peer("sipp") else { return };
    let (mut callee, address) = answer(&["--most-calls", "500"]);
    let dir = tempfile::tempdir().unwrap();
    let target = address.to_string();
    let uac =
        sipp_command(&sipp, dir.path(), &["-sn", "uac", &target, "-m", "1000", "-r", "200", "-l", "200"]);
    let (code, said, complaints) = Running::spawn(uac).outcome(PATIENCE * 4);
    assert_eq!(code, 0, "{}\n{complaints}", tail(&said));
    assert!(callee.is_alive());
}

#[test]
fn rove_call_completes_a_thousand_calls_to_sipp() {
    let Some(sipp) = peer("sipp") else { return };
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let uas = sipp_command(&sipp, dir.path(), &["-sn", "uas", "-p", &port, "-m", "1000"]);
    let mut uas = Running::spawn(uas);
    await_bound(&port);
    let target = format!("sip:service@127.0.0.1:{port}");
    let call = [
        "call",
        &target,
        "--count",
        "1000",
        "--for",
        "0",
        "--listen",
        "127.0.0.1:0",
        "--dns-server",
        "127.0.0.1:9",
    ];
    let (code, said, complaints) = Running::start(&program("rove"), call).outcome(PATIENCE * 4);
    if code != 0 && !uas.is_alive() {
        let (code, said, complaints) = uas.outcome(PATIENCE);
        panic!("SIPp ended before the calls did, with {code}: {}\n{complaints}", tail(&said));
    }
    assert_eq!(code, 0, "SIPp waits for more; {}\n{}", tail(&said), tail(&complaints));
    assert!(said.contains("1000 of 1000 calls succeeded"), "{}", tail(&said));
    let (code, said, complaints) = uas.outcome(PATIENCE);
    assert_eq!(code, 0, "{}\n{complaints}", tail(&said));
}

#[test]
fn sipp_completes_a_thousand_calls_to_rove_answer_over_tcp() {
    let Some(sipp) = peer("sipp") else { return };
    // All calls over one stream, and each over its own.
    for (mode, count) in [("t1", "1000"), ("tn", "300")] {
        let (mut callee, address) = answer(&["--most-calls", "500"]);
        let dir = tempfile::tempdir().unwrap();
        let target = address.to_string();
        let args =
            ["-sn", "uac", &target, "-t", mode, "-m", count, "-r", "200", "-l", "100", "-max_socket", "500"];
        let (code, said, complaints) =
            Running::spawn(sipp_command(&sipp, dir.path(), &args)).outcome(PATIENCE * 4);
        assert_eq!(code, 0, "{mode}: {}\n{complaints}", tail(&said));
        assert!(callee.is_alive());
    }
}

#[test]
fn sipp_completes_a_hundred_calls_to_rove_answer_over_tls() {
    let Some(sipp) = peer("sipp") else { return };
    // Which it tells beside its version: `SIPp v3.6.1-TLS-SCTP-PCAP`.
    let version = Command::new(&sipp).arg("-v").output().unwrap().stdout;
    if !String::from_utf8_lossy(&version).lines().any(|line| line.contains("SIPp v") && line.contains("-TLS"))
    {
        println!("skipped: sipp is built without TLS here");
        return;
    }
    let trust = Trust::new();
    let path = |path: &Path| path.display().to_string();
    let (chain, key) = (path(&trust.certificate.chain), path(&trust.certificate.key));
    // With TLS 1.3, SIPp 3.6.1 gives up after its own handshake (`Unable to send TLS message: No error`).
    let shown = ["-tls_cert", &chain, "-tls_key", &key, "-tls_version", "1.2"];
    let (mut callee, ready) = answer_ready(&["--most-calls", "500", "--tls-cert", &chain, "--tls-key", &key]);
    let streams = ready["streams"].as_array().unwrap();
    let tls = streams.iter().find(|one| one["transport"] == "tls").unwrap();
    let target = tls["address"].as_str().unwrap();
    // All calls over one stream, and each over its own.
    for mode in ["l1", "ln"] {
        let dir = tempfile::tempdir().unwrap();
        let mut args = vec!["-sn", "uac", target, "-t", mode, "-m", "100", "-l", "50", "-max_socket", "200"];
        args.extend(shown);
        let (code, said, complaints) =
            Running::spawn(sipp_command(&sipp, dir.path(), &args)).outcome(PATIENCE * 4);
        assert_eq!(code, 0, "{mode}: {}\n{complaints}", tail(&said));
    }
    assert!(callee.is_alive());
}

#[test]
fn rove_call_completes_a_hundred_calls_to_sipp_over_tcp() {
    let Some(sipp) = peer("sipp") else { return };
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let uas = sipp_command(&sipp, dir.path(), &["-sn", "uas", "-t", "t1", "-p", &port, "-m", "100"]);
    let uas = Running::spawn(uas);
    await_listener(&port);
    let target = format!("sip:service@127.0.0.1:{port}");
    let mut call = vec!["call", &target, "--transport", "tcp", "--count", "100", "--for", "0"];
    call.extend(["--listen", "127.0.0.1:0", "--dns-server", "127.0.0.1:9"]);
    let (code, said, complaints) = Running::start(&program("rove"), call).outcome(PATIENCE * 4);
    assert_eq!(code, 0, "{}\n{}", tail(&said), tail(&complaints));
    assert!(said.contains("100 of 100 calls succeeded"), "{}", tail(&said));
    // SIPp keeps each call 4 s longer, and counts as failed those whose stream closes meanwhile: its own count of the
    // messages tells how far they came.
    let (_, said, complaints) = uas.outcome(PATIENCE);
    for message in ["INVITE", "BYE"] {
        let all = |line: &&str| line.contains(&format!("> {message} ")) && line.contains(" 100 ");
        assert!(said.lines().any(|line| all(&line)), "{message}: {}\n{complaints}", tail(&said));
    }
}

#[test]
fn rove_call_answers_the_challenge_of_a_callee_that_wants_a_password_and_no_other_password_will_do() {
    let Some(sipp) = peer("sipp") else { return };
    for (password, expected) in [("zanzibar", 0), ("wrong", 1)] {
        let dir = tempfile::tempdir().unwrap();
        let scenario = dir.path().join("challenged.xml");
        std::fs::write(&scenario, include_str!("challenged.xml")).unwrap();
        let (port, file) = (free_port(), dir.path().join("password"));
        std::fs::write(&file, password).unwrap();
        let file = file.display().to_string();
        let args = ["-sf", "challenged.xml", "-p", &port, "-m", "1"];
        let _callee = Running::spawn(sipp_command(&sipp, dir.path(), &args));
        let (target, identity) = (format!("sip:service@127.0.0.1:{port}"), format!("alice@127.0.0.1:{port}"));
        let who = ["--identity", &identity, "--password-file", &file];
        let call = ["call", &target, "--for", "0", "--listen", "127.0.0.1:0", "--dns-server", "127.0.0.1:9"];
        let caller = Running::start(&program("rove"), call.iter().chain(&who));
        let (code, said, complaints) = caller.outcome(PATIENCE * 2);
        assert_eq!(code, expected, "{password}: {said}\n{complaints}");
    }
}

#[test]
fn a_busy_phone_is_no_crash_for_sipp() {
    let Some(sipp) = peer("sipp") else { return };
    let (_callee, address) = answer(&["--policy", "busy"]);
    let dir = tempfile::tempdir().unwrap();
    let uac = sipp_command(&sipp, dir.path(), &["-sn", "uac", &address.to_string(), "-m", "1"]);
    let (code, ..) = Running::spawn(uac).outcome(PATIENCE);
    assert_eq!(code, 1, "SIPp counts a refused call as failed");
}

/// SIPp on loopback without a terminal, its files in `dir`.
fn sipp_command(sipp: &Path, dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(sipp);
    command.args(args).args(["-i", "127.0.0.1", "-nostdin", "-buff_size", "2000000", "-timeout", "100s"]);
    command.env("TERM", "xterm").current_dir(dir);
    command
}

/// A port that nobody has: SIPp cannot report one of the system's choice.
fn free_port() -> String {
    ports::free(Ipv4Addr::LOCALHOST).port().to_string()
}

/// Waits until somebody listens for TCP there. To try it by a stream of its own would take SIPp's only one.
fn await_listener(port: &str) {
    await_socket(port, "tcp", "0A");
}

/// Waits until somebody has that port for UDP: before, the system may give it to anybody else.
fn await_bound(port: &str) {
    await_socket(port, "udp", "07");
}

fn await_socket(port: &str, table: &str, state: &str) {
    let wanted = format!(":{:04X}", port.parse::<u16>().unwrap());
    let listens = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        words.next().is_some_and(|local| local.ends_with(&wanted)) && words.nth(1) == Some(state)
    };
    let (began, table) = (Instant::now(), format!("/proc/net/{table}"));
    while !std::fs::read_to_string(&table).unwrap().lines().any(listens) {
        assert!(began.elapsed() < PATIENCE, "SIPp does not listen");
        std::thread::yield_now();
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
