//! Nothing of a message becomes another header or another message on its way through us or in our answer to it.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use rove_tests::programs::{Running, program};

use crate::stage::{Client, PATIENCE, Server, number, request, words};

/// What stands between a header's value and what is smuggled behind it.
const TRICKS: &[(&str, &str)] = &[
    ("bare LF", "\n"),
    ("bare CR", "\r"),
    ("CR CR LF", "\r\r\n"),
    ("LF CR", "\n\r"),
    ("NUL", "\0"),
    ("NUL and LF", "\0\n"),
    ("CR and NUL", "\r\0\n"),
    ("vertical tab", "\x0b"),
    ("form feed", "\x0c"),
    ("NEL", "\u{85}"),
    ("line separator", "\u{2028}"),
    ("folded by a blank", "\r\n "),
    ("folded by a tab", "\r\n\t"),
    ("folded by an LF alone", "\n "),
    ("escaped CR LF", "%0d%0a"),
    ("escaped CR LF in capitals", "%0D%0A"),
    ("escaped LF", "%0A"),
    ("escaped NUL", "%00"),
    ("escaped twice", "%250d%250a"),
    ("quoted pair", "\\\r\\\n"),
];

/// Where it is hidden: each field that is copied into an answer or passed on. `{}` is the trick and what is smuggled.
const PLACES: &[(&str, &str, &str)] = &[
    ("request-URI", "sip:bob@home.example SIP", "sip:bob{}@home.example SIP"),
    ("Via", ";rport", ";rport;x=y{}"),
    ("From", "From: <", "From: \"eve{}\" <"),
    ("From's tag", ";tag=f", ";tag=f{}"),
    ("To", "To: <", "To: \"bob{}\" <"),
    ("Call-ID", "Call-ID: c", "Call-ID: c{}"),
    ("CSeq", "CSeq: 1 ", "CSeq: 1{} "),
    ("Subject", "Content-Length", "Subject: hello{}\r\nContent-Length"),
    ("an unknown header", "Content-Length", "X-Own: hello{}\r\nContent-Length"),
    ("Contact", "Content-Length", "Contact: <sip:eve{}@127.0.0.1>\r\nContent-Length"),
    ("Record-Route", "Content-Length", "Record-Route: <sip:127.0.0.1:9;lr{}>\r\nContent-Length"),
    ("Timestamp", "Content-Length", "Timestamp: 1{}\r\nContent-Length"),
];

/// Every trick in every place, with its name.
fn attempts(transport: &str, at: SocketAddr, method: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (trick, between) in TRICKS {
        for (place, from, to) in PLACES {
            let plain = request(transport, at, method, "sip:bob@home.example", "eve", "", "");
            let hidden = to.replace("{}", &format!("{between}X-Smuggled: yes"));
            let text = plain.replacen(from, &hidden, 1);
            assert_ne!(text, plain, "{place}");
            all.push((format!("{trick} in {place}"), text));
        }
    }
    all
}

/// Whether a reader who takes anything for the end of a line finds the smuggled header in it.
fn is_smuggled(bytes: &[u8]) -> bool {
    bytes.split(|byte| b"\r\n\0\x0b\x0c".contains(byte)).any(|line| line.starts_with(b"X-Smuggled"))
}

/// What has come to a client up to now, and until nothing comes for a moment.
fn drain(client: &Client, patience: Duration) -> Vec<Vec<u8>> {
    client.socket.set_read_timeout(Some(patience)).unwrap();
    let mut buffer = vec![0; 65_536];
    let mut all = Vec::new();
    while let Ok((len, _)) = client.socket.recv_from(&mut buffer) {
        all.push(buffer[..len].to_vec());
    }
    all
}

/// A server without passwords at which a client of ours is bob.
fn proxy() -> (Server, Client) {
    let server = Server::with("auth = false", "requests_per_second = 0");
    let bob = Client::new();
    let contact = format!("Contact: <sip:bob@{}>\r\n", bob.address());
    let register = bob.request("REGISTER", "sip:home.example", "bob", "", &contact);
    assert_eq!(bob.ask(server.udp, register.as_bytes()).status.code(), 200);
    (server, bob)
}

#[test]
fn no_header_is_smuggled_through_the_proxy_or_into_its_answers() {
    let (mut server, bob) = proxy();
    let eve = Client::new();
    let mut passed = 0;
    for method in ["MESSAGE", "OPTIONS", "INVITE"] {
        for (what, text) in attempts("UDP", eve.address(), method) {
            eve.socket.send_to(text.as_bytes(), server.udp).unwrap();
            for (who, client) in [("bob", &bob), ("eve", &eve)] {
                for bytes in drain(client, Duration::from_millis(2)) {
                    passed += usize::from(who == "bob");
                    let text = String::from_utf8_lossy(&bytes);
                    assert!(!is_smuggled(&bytes), "{method}: {what}, at {who}: {text:?}");
                }
            }
        }
    }
    let late = [drain(&bob, SETTLED), drain(&eve, SETTLED)].concat();
    passed += late.len();
    for bytes in late {
        assert!(!is_smuggled(&bytes), "{:?}", String::from_utf8_lossy(&bytes));
    }
    // The honest ones among them (folded, escaped) are passed on: something was there to be smuggled in.
    assert!(passed > 0);
    assert!(server.process.is_alive());
}

#[test]
fn no_header_is_smuggled_into_the_answers_of_a_phone() {
    let args = words("answer --policy decline --listen 127.0.0.1:0 --dns-server 127.0.0.1:9 --ready-json");
    let mut phone = Running::start(&program("rove"), &args);
    let ready = phone.ready(PATIENCE);
    let at: SocketAddr = ready["sip"][0].as_str().expect("an address").parse().unwrap();
    let eve = Client::new();
    let mut answers = 0;
    for method in ["OPTIONS", "INVITE"] {
        for (what, text) in attempts("UDP", eve.address(), method) {
            eve.socket.send_to(text.as_bytes(), at).unwrap();
            for bytes in drain(&eve, Duration::from_millis(2)) {
                answers += 1;
                assert!(!is_smuggled(&bytes), "{method}: {what}: {:?}", String::from_utf8_lossy(&bytes));
            }
        }
    }
    assert!(answers > 0 && phone.is_alive());
}

/// Lengths that one reader may take for another than the next reader does. `{}` is the length of what follows.
const LENGTHS: &[&str] = &[
    "Content-Length: 0\r\nContent-Length: {}",
    "Content-Length: {}\r\nContent-Length: 0",
    "Content-Length: 0\r\nl: {}",
    "l: {}\r\nContent-Length: 0",
    "Content-Length: 0, {}",
    "Content-Length: {}, 0",
    "Content-Length: -{}",
    "Content-Length: 0x{}",
    "Content-Length: {}.0",
    "Content-Length: 18446744073709551616",
    "Content-Length: 4294967296",
    "Content-Length: ",
    "Content-Length: {};x",
    "Content-Length: \"0\"",
    "Content-Length: 0\0",
    "Content-Length: 0\nContent-Length: {}",
];

#[test]
fn a_request_hidden_behind_a_length_of_two_meanings_is_not_answered() {
    let (mut server, bob) = proxy();
    for length in LENGTHS {
        let mut stream = TcpStream::connect(server.tcp).unwrap();
        stream.set_read_timeout(Some(SETTLED)).unwrap();
        let at = stream.local_addr().unwrap();
        let marker = format!("hidden{}", number());
        let inner = request("TCP", at, "OPTIONS", "sip:home.example", "eve", "", "")
            .replace("Call-ID: ", &format!("Call-ID: {marker}"));
        let outer = request("TCP", at, "MESSAGE", "sip:bob@home.example", "eve", "", "")
            .replace("Content-Length: 0", &length.replace("{}", &inner.len().to_string()));
        stream.write_all((outer + &inner).as_bytes()).unwrap();
        let mut heard = Vec::new();
        let mut piece = [0; 4_096];
        while let Ok(len @ 1..) = stream.read(&mut piece) {
            heard.extend_from_slice(&piece[..len]);
        }
        let heard = String::from_utf8_lossy(&heard);
        assert!(!heard.contains(&marker), "{length:?}: {heard}");
        for bytes in drain(&bob, Duration::from_millis(2)) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(
                !text.contains("Content-Length: 0\n") && text.matches("Content-Length").count() == 1,
                "{length:?}: {text}"
            );
        }
    }
    assert!(server.process.is_alive());
}

#[test]
fn a_header_whose_name_is_followed_by_something_else_is_not_passed_on_as_another() {
    let (mut server, bob) = proxy();
    let eve = Client::new();
    let own = eve.request("MESSAGE", "sip:bob@home.example", "eve", "", "");
    for odd in ["\0", "\x01", "\x0b", "\x7f", "\u{a0}", "\x08"] {
        // A tag that one reader sees and the next does not.
        let text = own.replace("branch=z9hG4bKa", &format!("branch=z9hG4bKa{}", number()));
        let text = text.replacen(
            "Content-Length",
            &format!("To{odd}: <sip:bob@home.example>;tag=x\r\nContent-Length"),
            1,
        );
        eve.socket.send_to(text.as_bytes(), server.udp).unwrap();
        for bytes in drain(&bob, Duration::from_millis(50)) {
            let came = String::from_utf8_lossy(&bytes);
            assert!(!came.contains(&format!("To{odd}")), "{odd:?}: {came}");
        }
    }
    // Blanks before the colon are allowed and mean nothing: what was passed on is one Route fewer, not one more.
    let text =
        own.replacen("Content-Length", &format!("Route \t: <sip:{};lr>\r\nContent-Length", server.udp), 1);
    eve.socket.send_to(text.as_bytes(), server.udp).unwrap();
    for bytes in drain(&bob, SETTLED) {
        let came = String::from_utf8_lossy(&bytes);
        assert!(!came.contains("Route"), "{came}");
    }
    assert!(server.process.is_alive());
}

#[test]
fn what_follows_the_body_of_a_datagram_is_not_a_request() {
    let (server, bob) = proxy();
    let eve = Client::new();
    let marker = format!("hidden{}", number());
    let inner = eve
        .request("MESSAGE", "sip:bob@home.example", "eve", "", "")
        .replace("Call-ID: ", &format!("Call-ID: {marker}"));
    let outer = eve.request("MESSAGE", "sip:bob@home.example", "eve", "", "");
    eve.socket.send_to((outer + &inner).as_bytes(), server.udp).unwrap();
    let came = drain(&bob, SETTLED);
    assert!(!came.is_empty(), "the first is a message to bob");
    for bytes in [came, drain(&eve, SETTLED)].concat() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&marker), "{text}");
    }
}

/// Nothing more comes after this long a silence.
const SETTLED: Duration = Duration::from_millis(300);
