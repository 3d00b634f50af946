//! Messages of our own making for every class of the torture messages, sent to a running phone: each is answered as it
//! should be, and whoever sent it is heard afterwards. Needs nothing but the programs.

use crate::torture::{PROCESSED, Target, Vector, fits};

#[test]
fn every_class_of_malformed_and_of_odd_messages_is_answered_as_it_should_be_by_a_phone_that_goes_on() {
    let mut phone = Target::phone();
    let mut wrong = Vec::new();
    for (number, (name, text, expected)) in messages().iter().enumerate() {
        let vector = Vector { name: (*name).to_owned(), over_tcp: false, bytes: text.clone().into_bytes() };
        match phone.answer(100 + number, &vector) {
            Ok(said) if fits(expected, said.as_ref()) => {}
            other => wrong.push(format!("{name}: {expected:?} expected, {other:?}")),
        }
        assert!(phone.process.is_alive(), "{name}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A request with the headers that each has, and more.
fn request(line: &str, branch: &str, lines: &str, body: &str) -> String {
    let method = line.split(' ').next().unwrap_or_default();
    format!(
        "{line}\r\nVia: SIP/2.0/UDP pc.example.net;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n\
         From: \"Ann\" <sip:ann@example.net>;tag=a{branch}\r\nTo: <sip:bob@example.com>\r\n\
         Call-ID: {branch}@example.net\r\nCSeq: 9 {method}\r\n{lines}\r\n{body}"
    )
}

fn invite(branch: &str, lines: &str, body: &str) -> String {
    let lines = format!("Contact: <sip:ann@pc.example.net>\r\n{lines}");
    request("INVITE sip:bob@example.com SIP/2.0", branch, &lines, body)
}

fn options(branch: &str, lines: &str) -> String {
    request("OPTIONS sip:bob@example.com SIP/2.0", branch, lines, "")
}

const SDP: &str =
    "v=0\r\no=ann 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";
const SDP6: &str =
    "v=0\r\no=ann 1 1 IN IP6 ::1\r\ns=-\r\nc=IN IP6 ::1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";

/// What a message shows, the message, and which answers will do; none where there is to be none.
type Case = (&'static str, String, &'static [u16]);

#[rustfmt::skip]
fn messages() -> Vec<Case> {
    [odd(), broken(), unwelcome(), of_other_times()].concat()
}

/// Valid, if odd.
fn odd() -> Vec<Case> {
    vec![
        (
            "folded and short names",
            invite("f", "s:\r\n  lunch\r\n\tat noon\r\nc: application/sdp\r\n", SDP),
            PROCESSED,
        ),
        ("escapes in the user", request("OPTIONS sip:b%6Fb%40x@example.com SIP/2.0", "e", "", ""), &[200]),
        (
            "a user with a semicolon",
            request("OPTIONS sip:bob;day=tue@example.com SIP/2.0", "s", "", ""),
            &[200],
        ),
        ("a NUL in the user", request("OPTIONS sip:nul-%00@example.com SIP/2.0", "n", "", ""), &[200]),
        ("a long header", options("l", &format!("X-Long: {}\r\n", "x".repeat(4_000))), &[200]),
        ("an empty display name", options("d", "Reply-To: \"\" <sip:ann@example.net>\r\n"), &[200]),
        (
            "a method of strange letters",
            request("Do-`it`!% sip:bob@example.com SIP/2.0", "m", "", ""),
            &[501],
        ),
        (
            "an escaped method is another",
            request("OPT%49ONS sip:bob@example.com SIP/2.0", "o", "", ""),
            &[501],
        ),
        (
            "two messages in one datagram",
            options("t", "Content-Length: 0\r\n") + &invite("t2", "", ""),
            &[200],
        ),
        (
            "transports unknown below the top",
            options("u", "Via: SIP/2.0/CARRIER-PIGEON loft.example.net\r\n"),
            &[200],
        ),
        (
            "a message of several parts",
            request(
                "MESSAGE sip:bob@example.com SIP/2.0",
                "q",
                "Content-Type: multipart/mixed;boundary=b\r\n",
                "--b\r\n\r\nhi\0\r\n--b--\r\n",
            ),
            &[200],
        ),
        (
            "a response with a strange phrase",
            "SIP/2.0 200 = 2**3 \u{43d}\u{43e}\r\nVia: SIP/2.0/UDP pc.example.net;branch=z9hG4bKr\r\n\r\n"
                .into(),
            &[],
        ),
        (
            "a response without a phrase",
            "SIP/2.0 100 \r\nVia: SIP/2.0/UDP pc.example.net;branch=z9hG4bKr\r\n\r\n".into(),
            &[],
        ),
    ]
}

/// Not valid.
fn broken() -> Vec<Case> {
    let plain = options("p", "");
    vec![
        ("extra separators in Via", plain.replace("pc.example.net;", "pc.example.net;;,;"), &[400]),
        ("a body shorter than it says", options("b", "Content-Length: 10\r\n"), &[400]),
        ("a negative length", options("g", "Content-Length: -1\r\n"), &[400]),
        ("a number out of range", options("h", "").replace("CSeq: 9 ", "CSeq: 99999999999 "), &[400]),
        ("a quote without an end", options("i", "Contact: \"Ann <sip:ann@example.net>\r\n"), &[400]),
        ("brackets around the target", request("OPTIONS <sip:bob@example.com> SIP/2.0", "j", "", ""), &[400]),
        ("a space in the target", request("OPTIONS sip:bob@example.com; lr SIP/2.0", "k", "", ""), &[400]),
        ("two spaces in the line", request("OPTIONS  sip:bob@example.com SIP/2.0", "aa", "", ""), &[400]),
        ("a space after the line", request("OPTIONS sip:bob@example.com SIP/2.0 ", "ab", "", ""), &[400]),
        (
            "headers in the target",
            request("OPTIONS sip:bob@example.com?Subject=x SIP/2.0", "ac", "", ""),
            &[400],
        ),
        ("an address with spaces", options("ad", "Contact: < sip:ann@example.net >\r\n"), &[400]),
        ("no empty line", plain.trim_end().replace("bKp", "bKae"), &[400]),
        ("another version", request("OPTIONS sip:bob@example.com SIP/3.0", "af", "", ""), &[505]),
        ("methods that differ", options("ag", "").replace("9 OPTIONS", "9 INVITE"), &[400]),
        (
            "unknown methods that differ",
            request("DANCE sip:bob@example.com SIP/2.0", "ah", "", "").replace("9 DANCE", "9 SING"),
            &[400, 501],
        ),
        (
            "a status beyond all numbers",
            "SIP/2.0 4294967496 Hm\r\nVia: SIP/2.0/UDP pc.example.net;branch=z9hG4bKr\r\n\r\n".into(),
            &[],
        ),
        ("a lone line feed", options("ai", "Subject: a\nX: b\r\n"), &[400]),
        (
            "bytes that are no text",
            options("aj", "Subject: \u{0}\r\n").replace('\u{0}', "\u{7f}"),
            &[200, 400],
        ),
        // Transactions.
        ("a cookie and nothing after it", plain.replace("bKp", "bK"), &[200, 400]),
    ]
}

/// Valid, but not for this user agent.
fn unwelcome() -> Vec<Case> {
    vec![
        ("headers missing", "OPTIONS sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP pc.example.net;branch=z9hG4bKak\r\nCSeq: 1 OPTIONS\r\n\r\n".into(), &[400]),
        ("an unknown scheme", request("OPTIONS name:bob SIP/2.0", "al", "", ""), &[416]),
        ("a scheme of another protocol", request("OPTIONS http://example.com SIP/2.0", "am", "", ""), &[416]),
        ("unknown extensions", options("an", "Require: telepathy\r\nProxy-Require: seance\r\n"), &[420]),
        ("an unknown body", invite("ao", "Content-Type: application/riddle\r\n", "?"), &[415]),
        ("headers twice", options("ap", "CSeq: 10 OPTIONS\r\nTo: <sip:x@example.com>\r\n"), &[400]),
        ("lengths that differ", options("aq", "Content-Length: 0\r\nContent-Length: 8\r\n"), &[400]),
        ("a response to somebody else", format!("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKar\r\nVia: SIP/2.0/UDP pc.example.net\r\n{}", "\r\n"), &[]),
        ("no hops left", options("as", "").replace("Max-Forwards: 70", "Max-Forwards: 0"), &[200]),
        ("an answer that cannot be read", invite("at", "Accept: text/riddle\r\n", ""), &[406]),
        ("a call inside a dialog that is not", request("BYE sip:bob@example.com SIP/2.0", "au", "", "").replace("bob@example.com>\r\nCall", "bob@example.com>;tag=x\r\nCall"), &[481]),
        ("a method of extensions", request("REGISTER sip:example.com SIP/2.0", "av", "", ""), &[405, 501]),
    ]
}

/// Of old, and of the new address family.
fn of_other_times() -> Vec<Case> {
    let kind = "Content-Type: application/sdp\r\n";
    let plain = options("p", "");
    vec![
        (
            "a caller of RFC 2543",
            format!(
                "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP old.example.net\r\nFrom: <sip:ann@example.net>\r\nTo: <sip:bob@example.com>\r\nCall-ID: aw\r\nCSeq: 1 INVITE\r\n{kind}\r\n{SDP}"
            ),
            PROCESSED,
        ),
        ("IPv6 in brackets", request("OPTIONS sip:[2001:db8::7]:5070 SIP/2.0", "ax", "", ""), &[200]),
        ("IPv6 without brackets", request("OPTIONS sip:2001:db8::7 SIP/2.0", "ay", "", ""), &[400]),
        (
            "IPv6 received, in brackets",
            plain.replace("branch=z9hG4bKp", "received=[2001:db8::9];branch=z9hG4bKaz"),
            &[200],
        ),
        (
            "IPv6 received, without",
            plain.replace("branch=z9hG4bKp", "received=2001:db8::9;branch=z9hG4bKba"),
            &[200],
        ),
        ("IPv6 in the description", invite("bb", kind, SDP6), PROCESSED),
        ("three colons", request("OPTIONS sip:bob@[2001:db8:::192.0.2.7] SIP/2.0", "bc", "", ""), &[200]),
    ]
}
