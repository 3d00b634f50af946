//! Verdicts, and whole examinations of ports on loopback.

use std::{net::UdpSocket, time::UNIX_EPOCH};

use rove_sip::message::Message;

use super::{judge::*, *};

fn candidate(address: SocketAddr) -> Candidate {
    Candidate { address, transport: Transport::Udp, name: "bob.example".into() }
}

fn examine(address: SocketAddr) -> Vec<Finding> {
    let target = Target::parse(&format!("sip:bob@{address}")).unwrap();
    let doctor = Doctor {
        target: &target,
        codecs: vec!["opus".into(), "PCMU".into()],
        tls_ca: None,
        stun_server: None,
    };
    doctor.examine(Ok(vec![candidate(address)]), &[]).unwrap()
}

fn verdict(findings: &[Finding], step: &str) -> Verdict {
    findings
        .iter()
        .find(|one| one.step == step)
        .unwrap_or_else(|| panic!("no {step} in {findings:?}"))
        .verdict
}

/// Answers one OPTIONS with these headers and this body.
fn server(lines: &'static str, body: &'static str) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 4_096];
        let (len, from) = socket.recv_from(&mut buffer).unwrap();
        let Ok(Message::Request(request)) = Message::parse(&buffer[..len]) else { panic!("no request") };
        let mut via = request.headers.via().unwrap();
        via.note_source(from);
        let copy = |name: &rove_sip::message::HeaderName| request.headers.get(name).unwrap().to_owned();
        use rove_sip::message::HeaderName as H;
        let answer = format!(
            "SIP/2.0 200 OK\r\nVia: {via}\r\nFrom: {}\r\nTo: {};tag=x\r\nCall-ID: {}\r\nCSeq: 1 OPTIONS\r\n{lines}\r\n{body}",
            copy(&H::From),
            copy(&H::To),
            copy(&H::CallId),
        );
        socket.send_to(answer.as_bytes(), from).unwrap();
    });
    address
}

#[test]
fn a_phone_that_answers_is_found_well_with_its_clock_and_codecs() {
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
    let findings =
        examine(server("Date: Sat, 13 Nov 2010 23:29:00 GMT\r\nContent-Type: application/sdp\r\n", sdp));
    assert!(can_connect(&findings), "{findings:?}");
    for (step, expected) in [
        ("dns", Verdict::Good),
        ("port", Verdict::Good),
        ("nat", Verdict::Good),
        ("clock", Verdict::Doubtful),
        ("codec", Verdict::Good),
        ("firewall", Verdict::NotTested),
    ] {
        assert_eq!(verdict(&findings, step), expected, "{step}: {findings:?}");
    }
}

#[test]
fn a_phone_without_a_codec_of_ours_cannot_be_called() {
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 96\r\na=rtpmap:96 speex/8000\r\n";
    let findings = examine(server("Content-Type: application/sdp\r\n", sdp));
    assert_eq!(verdict(&findings, "codec"), Verdict::Bad);
    assert!(!can_connect(&findings));
}

#[test]
fn a_port_where_nobody_listens_is_told_at_once() {
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let findings = examine(free);
    assert_eq!(verdict(&findings, "port"), Verdict::Bad);
    assert!(findings.iter().any(|one| one.found == "nobody listens there"), "{findings:?}");
    assert!(!can_connect(&findings));
}

#[test]
fn a_name_that_leads_nowhere_ends_the_examination_with_what_to_do() {
    let target = Target::parse("bob.example").unwrap();
    let doctor = Doctor { target: &target, codecs: Vec::new(), tls_ca: None, stun_server: None };
    let findings = doctor.examine(Ok(Vec::new()), &[]).unwrap();
    assert_eq!(verdict(&findings, "dns"), Verdict::Bad);
    assert!(findings.iter().any(|one| one.advice.contains("AAAA")));
    assert!(!can_connect(&findings));
}

#[test]
fn dates_of_sip_become_seconds() {
    assert_eq!(seconds_of_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    assert_eq!(seconds_of_date("Sat, 13 Nov 2010 23:29:00 GMT"), Some(1_289_690_940));
    assert_eq!(seconds_of_date("Thu, 29 Feb 2024 12:00:00 GMT"), Some(1_709_208_000));
    for wrong in ["", "yesterday", "Sat, 13 Nov 2010 23:29:00 EST", "Sat, 13 Nov 0000 23:29:00 GMT"] {
        assert_eq!(seconds_of_date(wrong), None, "{wrong}");
    }
    assert!(UNIX_EPOCH < SystemTime::now());
}

#[test]
fn codecs_are_those_of_the_audio_alone() {
    let sdp = "v=0\r\nm=video 1 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\nm=audio 9 RTP/AVP 0 8 96\r\na=rtpmap:96 opus/48000/2\r\n";
    assert_eq!(codecs_of(sdp), ["opus", "PCMU", "PCMA"]);
    assert!(codecs_of("").is_empty());
}

#[test]
fn what_a_stun_server_sees_is_told_and_its_silence_stops_no_call() {
    let [server, ours, seen] = [("192.0.2.1", 3478), ("10.0.0.1", 5000), ("198.51.100.1", 6000)]
        .map(|(ip, port)| SocketAddr::new(ip.parse().unwrap(), port));
    let open = stun(server, Some((ours, ours)));
    assert!(open.verdict == Verdict::Good && open.found.contains("no NAT"), "{open:?}");
    let behind = stun(server, Some((ours, seen)));
    assert!(behind.verdict == Verdict::Good && behind.found.contains("198.51.100.1:6000"), "{behind:?}");
    let silent = stun(server, None);
    assert!(silent.verdict == Verdict::Doubtful && silent.advice.contains("--stun"), "{silent:?}");
}
