//! Messages in good order, and every way to spoil one of them at one place.

/// A name for what was done, and the bytes.
pub(crate) struct Spoiled {
    pub(crate) what: String,
    pub(crate) bytes: Vec<u8>,
}

/// `count` messages with one anomaly each, or all there are when there are fewer: the same ones each time, taken evenly
/// from all bases and all kinds.
pub(crate) fn spoiled(count: usize) -> Vec<Spoiled> {
    let all: Vec<_> = BASES.iter().flat_map(|(name, base)| spoil(name, base)).collect();
    let step = (all.len() / count).max(1);
    all.into_iter().step_by(step).take(count).collect()
}

/// All messages in good order, by name.
pub(crate) const BASES: &[(&str, &str)] = &[
    (
        "invite",
        "INVITE sip:bob@home.example;transport=udp SIP/2.0\r\n\
        Via: SIP/2.0/UDP p1.example:5060;branch=z9hG4bK-p1;received=192.0.2.9, SIP/2.0/TCP [2001:db8::7];branch=z9hG4bK-7\r\n\
        Max-Forwards: 70\r\nRecord-Route: <sip:p1.example;lr>\r\nRoute: <sip:edge.home.example;lr>\r\n\
        From: \"Alice \\\"A\\\" Liddell\" <sip:alice:secret@visited.example>;tag=a1\r\nTo: Bob B. <sips:bob@home.example>\r\n\
        Call-ID: 7a1@192.0.2.7\r\nCSeq: 314 INVITE\r\nContact: <sip:alice@[2001:db8::7]:5070;ob>;+sip.instance=\"<urn:uuid:1>\"\r\n\
        Supported: timer, 100rel\r\nSession-Expires: 1800;refresher=uac\r\nContent-Type: application/sdp\r\n\
        Content-Length: 56\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nm=audio 4000 RTP/A\r\n",
    ),
    (
        "register",
        "REGISTER sip:home.example SIP/2.0\r\nv: SIP/2.0/TLS 192.0.2.7:5061;rport;branch=z9hG4bKr\r\nf: <sip:bob@home.example>;tag=r\r\n\
        t: sip:bob@home.example\r\ni: r@7\r\nCSeq: 9 REGISTER\r\nMax-Forwards: 5\r\nm: <sip:bob@192.0.2.7>;expires=60;q=0.5,\r\n \
        <tel:+1-201-555-0123;phone-context=x>\r\nPath: <sip:e.example;lr;ob>\r\nAuthorization: Digest username=\"bob\", \
        realm=\"home\", nonce=\"1\", uri=\"sip:home.example\", response=\"0\", algorithm=SHA-256\r\nExpires: 60\r\nl: 0\r\n\r\n",
    ),
    (
        "answer",
        "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@y>;tag=2\r\n\
        Call-ID: q\r\nCSeq: 1 OPTIONS\r\nWWW-Authenticate: Digest realm=\"y\", nonce=\"n\", qop=\"auth,auth-int\"\r\n\
        Warning: 399 y.example \"no \\\"codec\\\"\"\r\nRetry-After: 5 (busy);duration=9\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "parts",
        "MESSAGE sip:b@y SIP/2.0\r\nVia: SIP/2.0/WSS x.invalid;branch=z9hG4bKm\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@y>\r\n\
        Call-ID: m\r\nCSeq: 1 MESSAGE\r\nEvent: presence;id=7\r\nSubscription-State: active;expires=60\r\nReason: Q.850;cause=16\r\n\
        Replaces: 1@x;to-tag=2;from-tag=3\r\nRAck: 1 2 INVITE\r\nIdentity: a.b.c;info=<https://c.example/c>;alg=ES256\r\n\
        Content-Type: multipart/mixed;boundary=\"b\"\r\nContent-Length: 94\r\n\r\n\
        --b\r\n\r\nhello\r\n--b\r\nContent-Type: application/sdp\r\nContent-Disposition: session\r\n\r\nv=0\r\n--b--\r\n",
    ),
];

fn spoil(name: &str, base: &str) -> Vec<Spoiled> {
    let mut out = Vec::new();
    let mut add = |what: String, bytes: Vec<u8>| out.push(Spoiled { what: format!("{name}: {what}"), bytes });
    let bytes = base.as_bytes();
    let splice = |from: usize, to: usize, with: &[u8]| [&bytes[..from], with, &bytes[to..]].concat();
    // Anything at any place.
    for at in 0..bytes.len() {
        add(format!("without byte {at}"), splice(at, at + 1, b""));
        add(format!("cut at {at}"), bytes[..at].to_vec());
        for odd in ODD {
            add(format!("{odd:?} before {at}"), splice(at, at, odd));
            add(format!("{odd:?} for {at}"), splice(at, at + 1, odd));
        }
    }
    // Each line as a whole.
    let lines: Vec<_> = base.split_inclusive("\r\n").collect();
    let mut at = 0;
    for line in lines {
        let end = at + line.len();
        add(format!("without line at {at}"), splice(at, end, b""));
        add(format!("line at {at} twice"), splice(at, at, line.as_bytes()));
        add(format!("line at {at} a hundred times"), splice(at, at, line.repeat(99).as_bytes()));
        add(format!("line at {at} without its end"), splice(end - 2, end, b""));
        if let Some(colon) = line.find(": ") {
            let value = at + colon + 2;
            for odd in VALUES {
                add(format!("{odd:?} as value at {at}"), splice(value, end - 2, odd.as_bytes()));
            }
            for (what, long) in long_values(&line[colon + 2..line.len() - 2]) {
                add(format!("{what} as value at {at}"), splice(value, end - 2, long.as_bytes()));
            }
        }
        at = end;
    }
    out
}

/// The same value made long in one direction.
fn long_values(value: &str) -> [(&'static str, String); 6] {
    [
        ("60 000 bytes", "a".repeat(60_000)),
        ("a list of thousands", vec![value; 60_000 / (value.len() + 1)].join(",")),
        ("parameters by the thousand", format!("{value}{}", ";a=b".repeat(14_000))),
        ("folds by the thousand", format!("{value}{}", "\r\n a".repeat(14_000))),
        ("quotation marks by the thousand", "\"".repeat(60_001)),
        ("escapes by the thousand", format!("\"{}", "\\".repeat(60_000))),
    ]
}

const ODD: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r",
    b"\r\n",
    b"\r\n\r\n",
    b"\r\n ",
    b"\xff",
    b"\xe2\x82",
    b"\"",
    b"\\",
    b"<",
    b">",
    b";",
    b",",
    b":",
    b"@",
    b"%",
    b"[",
    b"]",
    b" ",
    b"\t",
    b"0",
    b"99999999999999999999",
    b"-",
    b"=",
    b"?",
    b"\x7f",
    b"/",
];

const VALUES: &[&str] = &[
    "",
    " ",
    "*",
    ",",
    ";",
    "<",
    ">",
    "<>",
    "\"",
    "\"\\",
    "\"\\\"",
    "-1",
    "0",
    "4294967296",
    "99999999999999999999999",
    "1e3",
    "a b",
    "sip:",
    "sip:@",
    "<sip:a@b",
    "sip:a@b>",
    "<sip:[::]>",
    "<sip:[:::]>",
    "sip:[2001:db8::1",
    "<sip:%00@x>",
    "<sip:a@x?b=c>",
    "SIP/2.0/UDP",
    "SIP//UDP x",
    "1 1",
    "é",
    "\u{1}",
    "a;b;c",
    "a,,b",
    "(a(b)c)",
    "multipart/mixed",
    "multipart/mixed;boundary=",
    "text",
    "text/",
];
