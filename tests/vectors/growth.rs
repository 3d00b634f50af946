//! Twice the message takes twice the time: in every direction in which a message can grow.

use std::hint::black_box;

use rove_sip::message::{Frame, Headers, Message, Part, frame};

use crate::cpu_time;

/// What t(2n) / t(n) may be.
const MOST: f64 = 2.2;
/// Runs of which the fastest counts, and attempts before a verdict: a machine that is busy with something else can only
/// make a message slower.
const RUNS: usize = 15;
const ATTEMPTS: usize = 12;

const HEAD: &str = "OPTIONS sip:b@y SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
    To: <sip:b@y>\r\nCall-ID: g\r\nCSeq: 1 OPTIONS\r\n";

fn with(lines: &str) -> Vec<u8> {
    format!("{HEAD}{lines}Content-Length: 0\r\n\r\n").into_bytes()
}

/// What grows, its size where it is largest, whether it is well formed then, and how it is made.
type Case = (&'static str, usize, bool, fn(usize) -> Vec<u8>);

#[test]
fn parsing_takes_time_in_proportion_to_length() {
    let cases: &[Case] = &[
        ("a long header", 60_000, true, |n| with(&format!("Subject: {}\r\n", "a".repeat(n)))),
        ("a long name in quotes", 60_000, true, |n| {
            with(&format!("Contact: \"{}\" <sip:a@x>\r\n", "\\a".repeat(n / 2)))
        }),
        ("a long user", 60_000, true, |n| with(&format!("Contact: <sip:{}@x>\r\n", "%41".repeat(n / 3)))),
        ("an open quotation", 60_000, false, |n| with(&format!("Contact: \"{}\r\n", "a".repeat(n)))),
        ("many headers", 92, true, |n| with(&"X-Some: value of it\r\n".repeat(n))),
        ("too many headers", 6_000, false, |n| with(&"X: yyyyy\r\n".repeat(n))),
        ("many parameters", 64, true, |n| {
            with(&format!("Contact: <sip:a@x>{}\r\n", ";name=value".repeat(n)))
        }),
        ("too many parameters", 14_000, false, |n| {
            with(&format!("Contact: <sip:a@x>{}\r\n", ";a=b".repeat(n)))
        }),
        ("many Via", 96, true, |n| {
            with(&format!("Via: SIP/2.0/UDP x{}\r\n", ", SIP/2.0/UDP x;branch=1".repeat(n - 1)))
        }),
        ("too many Via", 4_000, false, |n| {
            with(&format!("Via: SIP/2.0/UDP x{}\r\n", ",SIP/2.0/UDP x".repeat(n)))
        }),
        ("a value folded often", 12_000, true, |n| with(&format!("Subject: a{}\r\n", "\r\n b".repeat(n)))),
        ("a name folded often", 12_000, true, |n| {
            with(&format!("Contact: \"{}\" <sip:a@x>\r\n", "\r\n b".repeat(n)))
        }),
        ("space", 60_000, true, |n| with(&format!("Contact:{}<sip:a@x>\r\n", " \t".repeat(n / 2)))),
        ("a name without a colon", 60_000, false, |n| with(&format!("{}\r\n", "a".repeat(n)))),
        ("line ends before it", 60_000, true, |n| [&b"\r\n".repeat(n / 2), &with("")[..]].concat()),
    ];
    for (what, size, fine, make) in cases {
        assert_eq!(Message::parse(&make(*size)).is_ok(), *fine, "{what}");
        assert_linear(what, make, *size, |bytes| {
            _ = black_box(Message::parse(black_box(bytes)));
        });
    }
}

#[test]
fn framing_takes_time_in_proportion_to_length() {
    let head = |n: usize| with(&format!("Subject: {}\r\n", "a".repeat(n)));
    assert!(matches!(frame(&head(60_000)), Frame::Whole(_)));
    assert_linear("a head", &head, 60_000, |bytes| {
        _ = black_box(frame(black_box(bytes)));
    });
    assert_linear("a head without end", &|n| "a: b\r\n".repeat(n / 6).into_bytes(), 60_000, |bytes| {
        assert_eq!(frame(black_box(bytes)), Frame::More);
    });
}

#[test]
fn taking_a_body_apart_takes_time_in_proportion_to_length() {
    let mut headers = Headers::new();
    let deep = |n: usize| {
        let filler = "-".repeat(n);
        let nest = |body: String, level: usize| {
            let kind = if level == 7 {
                "text/plain".to_owned()
            } else {
                format!("multipart/mixed;boundary=b{}", level + 1)
            };
            format!("--b{level}\r\nContent-Type: {kind}\r\n\r\n{body}\r\n--b{level}--\r\n")
        };
        (0..8).rev().fold(filler, nest).into_bytes()
    };
    headers.push("Content-Type".parse().expect("a name"), "multipart/mixed;boundary=b0");
    assert!(Part::read(&headers, &deep(100)).is_ok());
    assert_linear("a body eight deep", &deep, 60_000, |bytes| {
        _ = black_box(Part::read(&headers, black_box(bytes)));
    });
    assert_linear("boundaries that are none", &|n| "\r\n--b0x".repeat(n / 7).into_bytes(), 60_000, |bytes| {
        _ = black_box(Part::read(&headers, black_box(bytes)));
    });
    assert_linear(
        "boundaries with space behind",
        &|n| format!("--b0{}", " \t".repeat(n / 2)).into_bytes(),
        60_000,
        |bytes| {
            _ = black_box(Part::read(&headers, black_box(bytes)));
        },
    );
}

/// Compares `size` with half of it.
fn assert_linear(what: &str, make: &dyn Fn(usize) -> Vec<u8>, size: usize, work: impl Fn(&[u8])) {
    let (half, whole) = (make(size / 2), make(size));
    // So often that a clock with microseconds would do.
    let repeats = (400_000 / whole.len()).clamp(1, 200);
    let time = |bytes: &[u8]| {
        cpu_time(RUNS, || {
            for _ in 0..repeats {
                work(bytes);
            }
        })
    };
    let ratios = (0..ATTEMPTS).map(|_| time(&whole).as_secs_f64() / time(&half).as_secs_f64());
    let mut least = f64::INFINITY;
    for ratio in ratios {
        least = least.min(ratio);
        if least <= MOST {
            println!("{what}: t(2n) / t(n) = {least:.2}");
            return;
        }
    }
    panic!("{what}: t(2n) / t(n) = {least:.2}");
}
