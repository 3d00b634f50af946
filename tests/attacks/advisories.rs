//! What was published of others as a hole, tried on us: the table in `tests/attacks/advisories.md` says which test is whose.

use std::{
    cell::RefCell,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use rove_tests::programs::{Running, program, root};

use crate::{
    leak::establish,
    stage::{Client, Impostor, PASSWORD, PATIENCE, Server, challenge, report, request, words},
};

/// A phone that answers calls in clear; and where it listens.
fn phone(more: &[&str]) -> (Running, SocketAddr) {
    let mut args = words("answer --listen 127.0.0.1:0 --dns-server 127.0.0.1:9 --ready-json");
    args.extend(more.iter().map(|&word| word.to_owned()));
    let mut phone = Running::start(&program("rove"), &args);
    let ready = phone.ready(PATIENCE);
    (phone, ready["sip"][0].as_str().expect("an address").parse().unwrap())
}

/// Sends a request to a server and to a phone, over UDP and TCP, after `spoil` has had it. Both must hear on.
fn try_on_both(method: &str, spoil: impl Fn(String) -> Vec<u8>) {
    let mut server = Server::with("auth = false", "requests_per_second = 0");
    let (mut phone, at) = phone(&[]);
    for (udp, tcp) in [(server.udp, server.tcp), (at, at)] {
        let eve = Client::new();
        for uri in ["sip:home.example".to_owned(), format!("sip:bob@{udp}")] {
            let bytes = spoil(request("UDP", eve.address(), method, &uri, "eve", "", ""));
            eve.socket.send_to(&bytes, udp).unwrap();
            let mut stream = TcpStream::connect(tcp).unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            let bytes = spoil(request("TCP", stream.local_addr().unwrap(), method, &uri, "eve", "", ""));
            stream.write_all(&bytes).unwrap();
            let _ = stream.read(&mut [0; 4_096]);
        }
        hears(udp);
    }
    assert!(server.process.is_alive() && phone.is_alive());
}

/// OPTIONS is answered there.
fn hears(at: SocketAddr) {
    let client = Client::new();
    let options = client.request("OPTIONS", &format!("sip:{at}"), "eve", "", "");
    assert_eq!(client.ask(at, options.as_bytes()).status.code(), 200);
}

/// With this type and body.
fn with_body(text: &str, kind: &str, body: &str) -> Vec<u8> {
    let head = format!("Content-Type: {kind}\r\nContent-Length: {}", body.len());
    (text.replace("Content-Length: 0", &head) + body).into_bytes()
}

/// With another line in place of the one that begins with `name`.
fn with_line(text: &str, name: &str, line: &str) -> Vec<u8> {
    let lines = text.split("\r\n").map(|old| if old.starts_with(name) { line } else { old });
    lines.collect::<Vec<_>>().join("\r\n").into_bytes()
}

#[test]
fn a_multipart_body_that_ends_in_its_boundary_ends_no_program() {
    for body in
        ["--x", "--x\r\n", "--x\r\n\r\n--x", "--x\r\nContent-Type: a/b", "--x--", "x", "--x\r\n\n--x-", ""]
    {
        for kind in
            ["multipart/mixed;boundary=x", "multipart/mixed;boundary=\"\"", "multipart/mixed;boundary"]
        {
            let spoil = |text: String| with_body(&text, kind, body);
            once("MESSAGE", spoil);
        }
    }
    try_on_both("INVITE", |text| {
        with_body(&text, "multipart/mixed;boundary=x", "--x\r\nContent-Type: application/sdp")
    });
}

thread_local! {
    /// One for each test: it ends with the test's thread.
    static PHONE: RefCell<(Running, SocketAddr)> = RefCell::new(phone(&[]));
}

/// As [`try_on_both`], but on a phone alone and as a datagram alone: for many.
fn once(method: &str, spoil: impl Fn(String) -> Vec<u8>) {
    PHONE.with_borrow_mut(|(process, at)| {
        let eve = Client::new();
        let bytes = spoil(request("UDP", eve.address(), method, &format!("sip:bob@{at}"), "eve", "", ""));
        eve.socket.send_to(&bytes, *at).unwrap();
        hears(*at);
        assert!(process.is_alive(), "{}", String::from_utf8_lossy(&bytes));
    });
}

#[test]
fn a_method_in_cseq_that_is_longer_than_any_ends_no_program() {
    try_on_both("OPTIONS", |text| with_line(&text, "CSeq:", &format!("CSeq: 1 {}", "A".repeat(8_000))));
    try_on_both("INVITE", |text| with_line(&text, "CSeq:", &format!("CSeq: {}1 INVITE", "9".repeat(8_000))));
}

#[test]
fn more_accept_headers_than_anyone_reads_end_no_program() {
    let accept = "Accept: application/pidf+xml\r\n";
    for count in [33, 90, 500] {
        try_on_both("SUBSCRIBE", |text| {
            let more = format!("Event: presence\r\n{}Content-Length", accept.repeat(count));
            text.replace("Content-Length", &more).into_bytes()
        });
    }
}

#[test]
fn a_to_without_tag_or_with_several_or_an_endless_one_ends_no_program() {
    let endless = format!("To: <sip:bob@home.example>;tag={}", "t".repeat(9_000));
    for to in ["To: <sip:bob@home.example>;tag=", "To: <sip:bob@home.example>;tag", "To:", "To: <", &endless]
    {
        try_on_both("REGISTER", |text| with_line(&text, "To:", to));
    }
    let twice_tagged = format!("From: <sip:eve@home.example>;tag={};tag", "t".repeat(9_000));
    for from in
        ["From: <sip:eve@home.example>;tag=", "From: <sip:eve@home.example>;tag", "From:", &twice_tagged]
    {
        try_on_both("REGISTER", |text| with_line(&text, "From:", from));
    }
    let twice = "To: <sip:bob@home.example>\r\nTo: <sip:bob@home.example>;tag=x;tag=y";
    try_on_both("REGISTER", |text| with_line(&text, "To:", twice));
}

#[test]
fn a_via_that_is_none_ends_no_program() {
    let long = format!("Via: SIP/2.0/UDP {}:5060;branch=z9hG4bKx", "h".repeat(9_000));
    let vias = [
        "Via:",
        "Via: SIP/2.0/UDP",
        "Via: SIP/2.0/UDP ;branch=z9hG4bKx",
        "Via: SIP/2.0/UDP [::1;branch=z9hG4bKx",
        "Via: SIP/2.0/UDP 127.0.0.1:99999999999;branch=z9hG4bKx",
        "Via: SIP/2.0/UDP 127.0.0.1;branch=\"",
        "Via: SIP/2.0/UDP 127.0.0.1;i=;received=;rport=x;ttl=-1;branch=z9hG4bKx, ,",
        &long,
    ];
    for via in vias {
        try_on_both("OPTIONS", |text| with_line(&text, "Via:", via));
    }
}

#[test]
fn a_uri_that_ends_inside_an_escape_ends_no_program() {
    for user in ["%", "%4", "a%", "%zz", "%%%", "a%0"] {
        try_on_both("OPTIONS", |text| {
            let contact = format!("Contact: <sip:{user}@h%>\r\nContent-Length");
            let text = text.replace("Content-Length", &contact).replacen("sip:", &format!("sip:{user}@"), 1);
            text.replacen("bob@", "", 1).into_bytes()
        });
    }
}

#[test]
fn a_session_description_that_breaks_off_anywhere_ends_no_program() {
    let whole = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 96\r\n\
                 a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=ptime:20\r\n";
    for end in 0..whole.len() {
        once("INVITE", |text| with_body(&text, "application/sdp", &whole[..end]));
    }
    let figures = [
        "a=ptime:0",
        "a=ptime:4294967296",
        "a=maxptime:-1",
        "a=rtpmap:96 opus/0/0",
        "a=rtpmap:96 opus/48000/99999999999",
    ];
    for figure in figures {
        once("INVITE", |text| with_body(&text, "application/sdp", &whole.replace("a=ptime:20", figure)));
    }
}

/// What a peer sends into a call of its own; the call must go on.
fn hostile_media(datagrams: &[Vec<u8>]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let (mut bob, at) = phone(&["--srtp", "off", "--calls", "1", "--json", &file.display().to_string()]);
    let eve = Client::new();
    let call = establish(&eve, at);
    let voice = |n: u8| [&[0x80, 0, 0, n, 0, 0, n, 0, 1, 2, 3, 4][..], &[0xff; 160]].concat();
    let pause = || std::thread::park_timeout(Duration::from_millis(10));
    for n in 0..25 {
        eve.socket.send_to(&voice(n), call.media).unwrap();
        pause();
    }
    for datagram in datagrams {
        eve.socket.send_to(datagram, call.media).unwrap();
        pause();
    }
    for n in 25..50 {
        eve.socket.send_to(&voice(n), call.media).unwrap();
        pause();
    }
    assert_eq!(eve.ask(at, call.bye.as_bytes()).status.code(), 200);
    assert_eq!(bob.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", bob.complaints());
    let report = report(&file);
    let received = report["calls"][0]["received"].as_u64().expect("a count");
    assert!((48..=50 + datagrams.len() as u64).contains(&received), "{report:#}");
}

/// Every beginning of it.
fn beginnings(whole: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (1..=whole.len()).map(|end| whole[..end].to_vec())
}

#[test]
fn media_packets_shorter_than_they_say_they_are_end_no_call() {
    let mut all = vec![vec![]];
    // Fifteen sources, an extension of 65 535 words, padding of 255 bytes; each with nothing of that behind it.
    for head in [[0x8f, 0], [0x90, 0], [0xa0, 0], [0xbf, 0x80]] {
        let packet = [&head[..], &[0, 60, 0, 0, 60, 0, 1, 2, 3, 4, 0xbe, 0xde, 0xff, 0xff, 0xff]].concat();
        all.extend(beginnings(&packet));
    }
    hostile_media(&all);
}

#[test]
fn control_packets_shorter_than_they_say_they_are_end_no_call() {
    let mut all = Vec::new();
    // A goodbye with a reason of 255 bytes, a report with 31 blocks, names, feedback, extended reports.
    let packets: [(u8, &[u8]); 6] = [
        (203, &[0x81, 9, 9, 9, 9, 255, b'x', b'x', b'x']),
        (200, &[0x9f, 9, 9, 9, 9, 0, 0, 0, 0]),
        (201, &[0x9f, 9, 9, 9, 9, 0, 0, 0, 0]),
        (202, &[0x9f, 9, 9, 9, 9, 1, 255, b'x', b'x']),
        (206, &[0x83, 9, 9, 9, 9, 1, 2, 3, 4, 0xff, 0xff]),
        (207, &[0x80, 9, 9, 9, 9, 4, 0, 0xff, 0xff]),
    ];
    for (kind, rest) in packets {
        for length in [0, 1, 2, 0xffff_u16] {
            let [high, low] = length.to_be_bytes();
            let packet = [&[rest[0], kind, high, low][..], &rest[1..]].concat();
            all.extend(beginnings(&packet).filter(|one| one.len() >= 4));
        }
    }
    hostile_media(&all);
}

#[test]
fn checks_of_the_way_with_attributes_of_wrong_lengths_end_no_call() {
    let mut all = Vec::new();
    // ERROR-CODE, MESSAGE-INTEGRITY, an unknown one, XOR-MAPPED-ADDRESS, USERNAME: each with lengths it cannot have.
    for kind in [[0, 9], [0, 8], [0xff, 0xff], [0, 0x20], [0, 6], [0x80, 0x28]] {
        for length in [0, 1, 3, 4, 7, 0xfffc, 0xffff_u16] {
            for class in [[0, 1], [1, 1], [1, 0x11]] {
                let [high, low] = length.to_be_bytes();
                let attribute = [kind[0], kind[1], high, low, 1, 2, 3, 4];
                let head = [class[0], class[1], 0, 8, 0x21, 0x12, 0xa4, 0x42];
                all.push([&head[..], &[7; 12], &attribute].concat());
            }
        }
    }
    hostile_media(&all);
}

#[test]
fn a_challenge_longer_than_any_buffer_is_survived() {
    let server = Impostor::new();
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let mut args = words(
        "answer --ready-json --listen 127.0.0.1:0 --dns-server 127.0.0.1:9 --register sip:bob@home.example",
    );
    args.extend(["--server".into(), format!("sip:{}", server.0.address()), "--password-file".into()]);
    args.push(password.display().to_string());
    let mut bob = Running::start(&program("rove"), &args);
    let (register, from) = server.hear("REGISTER", PATIENCE, true).expect("a REGISTER");
    let long = challenge("WWW-Authenticate", &"r".repeat(20_000), &"n".repeat(30_000));
    server.reply(&register, from, "401 Unauthorized", &long, "");
    let text = String::from_utf8_lossy(register.as_bytes());
    let contact = text.lines().find(|line| line.starts_with("Contact:")).expect("a contact");
    let at = contact.split(['@', '>', ';']).nth(1).expect("an address").parse().unwrap();
    hears(at);
    assert!(bob.is_alive());
}

#[test]
fn an_authorization_that_breaks_off_anywhere_ends_no_program() {
    let mut server = Server::start("requests_per_second = 0");
    let eve = Client::new();
    let whole = "Digest username=\"bob\", realm=\"home.example\", nonce=\"\\\"\", uri=\"sip:home.example\", qop=auth, \
                 nc=00000001, cnonce=\"\", response=\"00\", algorithm=SHA-256";
    for end in 0..=whole.len() {
        let more = format!("Authorization: {}\r\n", &whole[..end]);
        let register = eve.request("REGISTER", "sip:home.example", "bob", "", &more);
        let status = eve.ask(server.udp, register.as_bytes()).status.code();
        assert!([400, 401].contains(&status), "{status}: {more}");
    }
    assert!(server.process.is_alive());
}

#[test]
fn a_call_that_asks_for_protection_is_never_carried_in_clear() {
    let (mut bob, at) = phone(&["--srtp", "required"]);
    let eve = Client::new();
    let body =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
    let text = eve.request(
        "INVITE",
        &format!("sip:bob@{at}"),
        "eve",
        "",
        &format!("Contact: <sip:eve@{}>\r\n", eve.address()),
    );
    let answer = eve.ask(at, &with_body(&text, "application/sdp", body));
    assert_eq!(answer.status.code(), 488, "{answer:?}");
    assert!(bob.is_alive());
}

#[test]
fn every_advisory_of_the_table_has_its_test() {
    let table = std::fs::read_to_string(root().join("tests/attacks/advisories.md")).unwrap();
    let rows: Vec<&str> =
        table.lines().filter(|line| line.starts_with("| CVE-") || line.starts_with("| AST-")).collect();
    assert!(rows.len() >= 23, "{} advisories", rows.len());
    for row in rows {
        let tests: Vec<&str> = row.split('`').filter(|word| word.contains(".rs::")).collect();
        assert!(!tests.is_empty(), "{row}");
        for test in tests {
            let (file, name) = test.split_once("::").unwrap();
            let text =
                std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(text.contains(&format!("#[test]\nfn {name}()")), "{test} is no test");
        }
    }
}
