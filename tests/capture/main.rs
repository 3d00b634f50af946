//! A capture of the demo's call, read by tshark: nothing in it is malformed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "what a test did not expect must be loud"
)]

//! It runs in a network namespace of its own where that is allowed, so that nothing else is in the capture.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, peer, program};

#[test]
fn tshark_finds_nothing_malformed_in_the_demo_call() {
    let Some(tshark) = peer("tshark") else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("demo.pcapng");
    let place = Place::new();
    let mut capture = Running::spawn(
        place.command(&tshark, ["-i", "lo", "-f", "udp or tcp", "-w", &file.display().to_string()]),
    );
    if !is_capturing(&mut capture) {
        println!("skipped: tshark may not capture on loopback here");
        return;
    }
    let mut demo =
        place.command(&program("rove"), ["demo", "--dir", &dir.path().join("files").display().to_string()]);
    // In clear, or reports would be closed to it.
    demo.env("ROVE_SRTP", "off");
    let (code, said, complaints) = Running::spawn(demo).outcome(PATIENCE * 2);
    assert_eq!(code, 0, "{said}\n{complaints}");
    settle(&file);
    capture.interrupt();
    capture.wait(PATIENCE).expect("tshark ends when interrupted");

    let decode = decode_as(&tshark, &file);
    for (protocol, least) in [("sip", 6), ("sdp", 2), ("rtp", 600), ("rtcp", 8), ("dns", 4)] {
        let frames = count(&tshark, &file, &decode, protocol);
        println!("{protocol}: {frames} frames");
        assert!(frames >= least, "{frames} frames of {protocol}");
    }
    let wrong = "_ws.malformed or (_ws.expert.severity == error) or icmp";
    let malformed =
        fields(&tshark, &file, &decode, wrong, &["frame.protocols", "_ws.expert.message", "_ws.col.info"]);
    assert_eq!(malformed, Vec::<String>::new());
}

/// Where the capture and the demo run: a network namespace of their own, or the machine's when that is not allowed.
struct Place(Option<String>);

impl Place {
    fn new() -> Self {
        let name = format!("rove-capture-{}", std::process::id());
        let ip = |args: &[&str]| {
            Command::new("ip").args(args).output().is_ok_and(|output| output.status.success())
        };
        if ip(&["netns", "add", &name]) && ip(&["-n", &name, "link", "set", "lo", "up"]) {
            return Self(Some(name));
        }
        println!("no network namespace of its own: other traffic on loopback is captured as well");
        Self(None)
    }

    fn command<S: AsRef<OsStr>>(&self, program: &Path, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = match &self.0 {
            Some(name) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", name]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.args(args);
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(name) = &self.0 {
            let _ = Command::new("ip").args(["netns", "delete", name]).status();
        }
    }
}

fn is_capturing(capture: &mut Running) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && capture.is_alive() {
        if capture.complaints().contains("Capturing on") {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    false
}

/// Waits until the capture has stopped growing: packets reach the file with a delay.
fn settle(file: &Path) {
    let length = || std::fs::metadata(file).map(|data| data.len()).unwrap_or_default();
    let deadline = Instant::now() + PATIENCE;
    let mut last = (length(), Instant::now());
    while last.1.elapsed() < Duration::from_secs(2) && Instant::now() < deadline {
        std::thread::park_timeout(Duration::from_millis(50));
        if length() != last.0 {
            last = (length(), Instant::now());
        }
    }
}

/// The demo's ports are the system's choice: what each carries is seen from its payload.
fn decode_as(tshark: &Path, file: &Path) -> Vec<String> {
    let mut found = BTreeSet::new();
    for row in fields(tshark, file, &[], "udp", &["udp.srcport", "udp.dstport", "udp.payload"]) {
        let mut columns = row.split('\t');
        let (Some(source), Some(target), Some(payload)) = (columns.next(), columns.next(), columns.next())
        else {
            continue;
        };
        let text =
            |wanted: &str| payload.contains(&wanted.bytes().map(|b| format!("{b:02x}")).collect::<String>());
        if text("SIP/2.0") {
            found.extend([source, target].map(|port| format!("udp.port=={port},sip")));
        } else if text("\u{4}home\u{7}example") {
            // A question has no QR bit.
            let question = payload.get(4..5).is_some_and(|nibble| nibble < "8");
            found.insert(format!("udp.port=={},dns", if question { target } else { source }));
        }
    }
    // Messages too long for a datagram are on a stream.
    for row in fields(tshark, file, &[], "tcp.len > 0", &["tcp.srcport", "tcp.dstport"]) {
        found.extend(row.split('\t').map(|port| format!("tcp.port=={port},sip")));
    }
    found.into_iter().flat_map(|rule| ["-d".to_owned(), rule]).collect()
}

fn count(tshark: &Path, file: &Path, decode: &[String], filter: &str) -> usize {
    fields(tshark, file, decode, filter, &["frame.number"]).len()
}

/// One line for each frame that `filter` matches.
fn fields(tshark: &Path, file: &Path, decode: &[String], filter: &str, columns: &[&str]) -> Vec<String> {
    let mut command = Command::new(tshark);
    command.arg("-r").arg(file).args(decode).args(["-Y", filter, "-T", "fields"]).args(["-n", "-2"]);
    for column in columns {
        command.args(["-e", column]);
    }
    let output = command.output().expect("tshark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
