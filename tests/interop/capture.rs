//! A capture of the demo's call, read by tshark: nothing in it is malformed.

use std::{collections::BTreeSet, path::Path, process::Command, time::Instant};

use rove_tests::programs::{Running, peer};

use crate::stage::{PATIENCE, rove, words};

#[test]
fn tshark_finds_nothing_malformed_in_the_demo_call() {
    let Some(tshark) = peer("tshark") else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("demo.pcapng");
    let mut capture =
        Running::start(&tshark, ["-i", "lo", "-f", "udp", "-B", "32", "-w", &file.display().to_string()]);
    if !is_capturing(&mut capture) {
        println!("skipped: tshark may not capture on loopback here: {}", capture.complaints());
        return;
    }
    let (code, said, complaints) = rove(&["demo", "--dir", &dir.path().join("files").display().to_string()]);
    assert_eq!(code, 0, "{said}\n{complaints}");
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

fn is_capturing(capture: &mut Running) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && capture.is_alive() {
        if capture.complaints().contains("Capturing on") {
            return true;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    false
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
    found.into_iter().flat_map(|rule| ["-d".to_owned(), rule]).collect()
}

fn count(tshark: &Path, file: &Path, decode: &[String], filter: &str) -> usize {
    fields(tshark, file, decode, filter, &["frame.number"]).len()
}

/// One line for each frame that `filter` matches.
fn fields(tshark: &Path, file: &Path, decode: &[String], filter: &str, columns: &[&str]) -> Vec<String> {
    let mut command = Command::new(tshark);
    command.arg("-r").arg(file).args(decode).args(["-Y", filter, "-T", "fields"]).args(words("-n -2"));
    for column in columns {
        command.args(["-e", column]);
    }
    let output = command.output().expect("tshark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}
