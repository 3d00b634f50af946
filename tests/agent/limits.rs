//! What one source may want of `rove answer`.

use std::{net::UdpSocket, time::Duration};

use crate::stage::{PATIENCE, answer, json, rove};

fn options(own: std::net::SocketAddr, number: usize) -> String {
    format!(
        "OPTIONS sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKo{number};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:flood@h.example>;tag=1\r\nTo: <sip:bob@h.example>\r\nCall-ID: {number}@flood\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

#[test]
fn a_source_that_asks_too_fast_is_told_then_not_answered_and_all_of_it_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report.json");
    let (mut bob, address) = answer(&format!("--most-requests 20 --json {}", report.display()));
    let flood = UdpSocket::bind("127.0.0.1:0").unwrap();
    flood.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let own = flood.local_addr().unwrap();
    let sent = 2_000_usize;
    // Piece by piece, so that none is lost on its way.
    let (mut fine, mut told) = (0_usize, 0_usize);
    let mut buffer = [0; 4_096];
    flood.set_nonblocking(true).unwrap();
    let mut take = |wait: bool| {
        let until = std::time::Instant::now() + Duration::from_secs(1);
        loop {
            match flood.recv_from(&mut buffer) {
                Ok((length, _)) if buffer[..length].starts_with(b"SIP/2.0 200") => fine += 1,
                Ok((length, _)) if buffer[..length].starts_with(b"SIP/2.0 503") => told += 1,
                Ok(_) => {}
                Err(_) if wait && std::time::Instant::now() < until => std::thread::yield_now(),
                Err(_) => return,
            }
        }
    };
    for number in 0..sent {
        flood.send_to(options(own, number).as_bytes(), address).unwrap();
        if number % 50 == 0 {
            take(false);
        }
    }
    take(true);
    assert!((20..1_000).contains(&fine), "20 at once, then 20 a second: {fine} of {sent}");
    assert!(told >= 1 && told <= 1 + fine / 10, "{told} of {sent} were told");
    bob.interrupt();
    assert_eq!(bob.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", bob.complaints());
    let counted = &json(&report)["refused"];
    let (said, dropped) = (counted["told"].as_u64().unwrap(), counted["dropped"].as_u64().unwrap());
    assert_eq!(said, told as u64, "{counted}");
    assert!(dropped > 20, "{counted}");
}

#[test]
fn calls_that_wait_for_an_answer_are_bounded_for_each_source_and_the_phone_takes_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report.json");
    let flags = format!("--after 1000 --most-ringing 2 --json {}", report.display());
    let (mut bob, address) = answer(&flags);
    let target = format!("sip:bob@{address}");
    let mut waiting: Vec<_> = (0..2).map(|_| crate::stage::begin("call", &target, "")).collect();
    let script = |one: &mut rove_tests::programs::Running| {
        let deadline = std::time::Instant::now() + PATIENCE;
        let mut heard = String::new();
        while !heard.contains("ringing") {
            assert!(std::time::Instant::now() < deadline && one.is_alive(), "{heard}");
            std::thread::park_timeout(Duration::from_millis(10));
            heard.push_str(&one.complaints());
        }
    };
    waiting.iter_mut().for_each(script);
    let (code, said, complaints) = rove("call", &target, "");
    assert_eq!(code, 1, "{said}\n{complaints}");
    drop(waiting);
    bob.interrupt();
    assert_eq!(bob.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", bob.complaints());
    assert_eq!(json(&report)["refused"]["ringing"], 1);
}
