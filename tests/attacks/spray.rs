//! Datagrams of strangers at a running call: media, forged protected media, hellos of DTLS while it is being set up.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use rove_io::device::read_mono;
use rove_tests::programs::{Running, program};
use serde_json::Value;

use crate::stage::{Client, PATIENCE, await_some, extent, loopback, report, stranger, udp_ports, words};

/// Two phones, and one call between them.
struct Call {
    folder: tempfile::TempDir,
    caller: Running,
    callee: Running,
    length: Duration,
}

/// What both sides report of a call.
struct Reports {
    caller: Value,
    callee: Value,
}

impl Call {
    /// Dials. Neither says anything: what is heard is the attacker.
    fn dial(srtp: &str, seconds: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let common = format!("--listen 127.0.0.1:0 --dns-server 127.0.0.1:9 --codec pcmu --srtp {srtp}");
        let mut answer = words(&format!("answer {common} --ready-json --calls 1"));
        answer.extend(["--json".into(), path("callee.json"), "--record".into(), path("callee.wav")]);
        let mut callee = Running::start(&program("rove"), &answer);
        let ready = callee.ready(PATIENCE);
        let at = ready["sip"][0].as_str().expect("an address");
        let mut call = words(&format!("call sip:bob@{at} {common} --for {seconds}"));
        call.extend(["--json".into(), path("caller.json"), "--record".into(), path("caller.wav")]);
        let caller = Running::start(&program("rove"), &call);
        Self { folder, caller, callee, length: Duration::from_secs(seconds) }
    }

    /// Every port of both phones. Each has one for SIP and one for media, so that four are there once the call is.
    fn targets(&self) -> Vec<SocketAddr> {
        let ports = [&self.caller, &self.callee].map(udp_ports);
        ports.into_iter().flatten().map(loopback).collect()
    }

    fn end(mut self) -> Reports {
        for phone in [&mut self.caller, &mut self.callee] {
            let status = phone.wait(self.length + PATIENCE);
            assert_eq!(status.and_then(|status| status.code()), Some(0), "{}", phone.complaints());
        }
        let of = |name: &str| report(&self.folder.path().join(name));
        let (caller, callee) = (one(&of("caller.json")), one(&of("callee.json")));
        for name in ["caller.wav", "callee.wav"] {
            assert_silent(&self.folder.path().join(name));
        }
        Reports { caller, callee }
    }
}

/// The only call of a report.
fn one(report: &Value) -> Value {
    report["calls"].as_array().map_or_else(|| report.clone(), |calls| calls[0].clone())
}

/// Nothing was heard, though strangers shouted.
fn assert_silent(recording: &Path) {
    let pcm = read_mono(recording, 8_000).unwrap();
    let loudest = pcm.iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
    assert!(pcm.len() > 8_000, "{}: {} samples", recording.display(), pcm.len());
    assert!(loudest < 0.01, "{}: {loudest}", recording.display());
}

impl Reports {
    /// Each heard what the other sent, nothing else, and nearly all of it.
    fn assert_unharmed(&self, security: &str) {
        for (here, there) in [(&self.caller, &self.callee), (&self.callee, &self.caller)] {
            let count = |report: &Value, key: &str| report[key].as_u64().expect(key);
            let (received, sent) = (count(here, "received"), count(there, "sent"));
            assert!(received <= sent, "{received} came of {sent}: {here:#}");
            assert!(received * 100 >= sent * 95, "{received} came of {sent}: {here:#}");
            assert_eq!(here["media_security"], security, "{here:#}");
        }
    }
}

/// Sends `count` datagrams to whatever ports of the phones are open, from many addresses, and answers how many came back.
/// Those to the ports of SIP are not understood there and not answered.
fn spray(call: &Call, count: u64, ports: usize, mut datagram: impl FnMut(u64) -> Vec<u8>) -> usize {
    let strangers: Vec<Client> = (0..64).map(|n| Client::at(stranger(n * 97))).collect();
    for one in &strangers {
        one.socket.set_nonblocking(true).unwrap();
    }
    let mut targets = await_some("a call", || Some(call.targets()).filter(|targets| targets.len() >= ports));
    let (mut sent, mut back) = (0, 0);
    for n in 0..count {
        if n % PACE == 0 {
            back += strangers.iter().filter(|one| one.socket.recv(&mut [0; 2_048]).is_ok()).count();
            // At once, as long as the call is being set up.
            if targets.len() < 4 || n % (PACE * 16) == 0 {
                targets = call.targets();
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        if targets.is_empty() {
            break;
        }
        let from = &strangers[n as usize % strangers.len()];
        // A full queue drops what it drops.
        let _ = from.socket.send_to(&datagram(n), targets[n as usize / 3 % targets.len()]);
        sent += 1;
    }
    // The call outlived it.
    assert_eq!(sent, count);
    assert!(call.targets().len() >= 4);
    back
}

/// A loud packet of G.711 that follows the one before it.
fn loud(n: u64, source: [u8; 4], payload_type: u8, trailer: usize) -> Vec<u8> {
    let number = (n as u32).to_be_bytes();
    let mut packet = vec![0x80, payload_type, number[2], number[3]];
    packet.extend(((n as u32).wrapping_mul(160)).to_be_bytes());
    packet.extend(source);
    packet.extend((0..160).map(|at| if at % 8 < 4 { 0x80 } else { 0x00 }));
    packet.extend(vec![n as u8; trailer]);
    packet
}

/// How long a call is, so that a spray of this many fits into it.
fn seconds(count: u64) -> u64 {
    3 + count / (PACE * 200)
}

#[test]
fn media_sprayed_at_a_running_call_neither_enters_it_nor_draws_anything_out_of_it() {
    let count = extent(20_000, 1_000_000);
    let call = Call::dial("off", seconds(count));
    let began = Instant::now();
    let back = spray(&call, count, 4, |n| loud(n, [1, 2, 3, (n / 5_000) as u8], 0, 0));
    let took = began.elapsed();
    let reports = call.end();
    assert_eq!(back, 0, "bled");
    reports.assert_unharmed("none");
    println!(
        "{count} packets in {took:?}: {} of {} came",
        reports.callee["received"], reports.caller["sent"]
    );
}

#[test]
fn forged_protected_media_harm_no_running_call() {
    let count = extent(20_000, 1_000_000);
    let call = Call::dial("required", seconds(count));
    let back = spray(&call, count, 4, |n| match n % 4 {
        // As short as may be, and reports.
        0 => loud(n, [9; 4], 0, 16)[..28].to_vec(),
        1 => loud(n, [9; 4], 200, 4),
        _ => loud(n, [1, 2, 3, (n / 5_000) as u8], 0, 16),
    });
    let reports = call.end();
    assert_eq!(back, 0, "bled");
    reports.assert_unharmed("dtls");
}

#[test]
fn hellos_of_strangers_while_a_call_is_set_up_harm_it_not() {
    let count = extent(5_000, 100_000);
    let call = Call::dial("required", seconds(count));
    // From the first port that is open: the callee listens before it is called.
    let back = spray(&call, count, 1, hello);
    let reports = call.end();
    reports.assert_unharmed("dtls");
    let setup = reports.caller["setup_ms"].as_f64().expect("a set-up");
    let first = reports.caller["first_audio_ms"].as_f64().expect("audio");
    assert!(first < 5_000.0, "audio after {first} ms");
    println!("{count} hellos, {back} answers: set up in {setup} ms, audio after {first} ms");
}

/// A ClientHello of DTLS 1.2, whole and acceptable, of somebody who was not called.
fn hello(n: u64) -> Vec<u8> {
    let mut body = vec![0xfe, 0xfd];
    body.extend([0x5a; 24]);
    body.extend(n.to_be_bytes());
    body.extend([0, 0]);
    body.extend([0, 2, 0xc0, 0x2b, 1, 0]);
    let extensions: &[&[u8]] = &[
        &[0, 10, 0, 4, 0, 2, 0, 23],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 4, 0, 2, 4, 3],
        &[0, 14, 0, 5, 0, 2, 0, 7, 0],
        &[0, 23, 0, 0],
        &[0xff, 1, 0, 1, 0],
    ];
    let extensions = extensions.concat();
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let length = (body.len() as u32).to_be_bytes();
    let mut handshake = vec![1, length[1], length[2], length[3], 0, (n % 2) as u8, 0, 0, 0];
    handshake.extend(&length[1..]);
    handshake.extend(body);
    let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, (n % 7) as u8];
    record.extend((handshake.len() as u16).to_be_bytes());
    record.extend(handshake);
    record
}

#[test]
fn pieces_of_handshakes_that_never_end_harm_no_set_up_and_are_not_kept() {
    let count = extent(5_000, 100_000);
    let call = Call::dial("required", seconds(count));
    let before = call.callee.resident_kib().expect("it runs");
    spray(&call, count, 1, |n| {
        // A message of 16 MiB of which a piece comes, or nothing at all, here or there.
        let content = vec![7; if n % 2 == 0 { 0 } else { 1_000 }];
        let at = ((n * 1_000) as u32).to_be_bytes();
        let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, n as u8];
        record.extend((content.len() as u16 + 12).to_be_bytes());
        record.extend([
            [1, 2, 11, 16][n as usize % 4],
            0xff,
            0xff,
            0xff,
            0,
            (n % 9) as u8,
            at[1],
            at[2],
            at[3],
        ]);
        record.extend([0, (content.len() >> 8) as u8, content.len() as u8]);
        record.extend(content);
        record
    });
    let after = call.callee.resident_kib().unwrap_or(before);
    call.end().assert_unharmed("dtls");
    // What a call itself takes, and no more.
    assert!(after < before + 32 * 1_024, "{before} KiB before, {after} after");
}

/// Datagrams between two pauses of a millisecond.
const PACE: u64 = 40;
