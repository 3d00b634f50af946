#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may stop")]

use super::*;

/// All pieces of `bytes` when they come cut at `cuts`.
fn cut(bytes: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut framer = Framer::default();
    let mut pieces = Vec::new();
    let mut from = 0;
    for &to in cuts.iter().chain([&bytes.len()]) {
        framer.push(&bytes[from..to]);
        from = to;
        while let Some(piece) = framer.next_piece() {
            pieces.push(match piece {
                Piece::Message(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Piece::Ping => "ping".into(),
                Piece::Pong => "pong".into(),
                Piece::Unframeable { status, .. } => format!("refused with {status}"),
            });
        }
    }
    pieces
}

fn message(method: &str, body: &str) -> String {
    format!("{method} sip:b@192.0.2.1 SIP/2.0\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn a_message_is_the_same_wherever_it_is_cut() {
    let text = message("INVITE", "v=0\r\n\r\ns=-\r\n");
    for at in 0..=text.len() {
        assert_eq!(cut(text.as_bytes(), &[at]), [text.as_str()], "cut at {at}");
    }
    let every: Vec<usize> = (0..text.len()).collect();
    assert_eq!(cut(text.as_bytes(), &every), [text.as_str()], "byte by byte");
}

#[test]
fn messages_one_behind_another_and_pings_between_them_are_told_apart() {
    let (one, two, three) = (message("INVITE", "body"), message("ACK", ""), message("BYE", "x"));
    let stream = format!("\r\n\r\n{one}{two}\r\n\r\n\r\n\r\n{three}");
    let wanted = ["ping", &one, &two, "ping", "ping", &three];
    for at in 0..=stream.len() {
        assert_eq!(cut(stream.as_bytes(), &[at]), wanted, "cut at {at}");
    }
    let every: Vec<usize> = (0..stream.len()).collect();
    assert_eq!(cut(stream.as_bytes(), &every), wanted, "byte by byte");
}

#[test]
fn one_empty_line_before_a_message_means_nothing() {
    let one = message("OPTIONS", "");
    assert_eq!(cut(format!("\r\n{one}").as_bytes(), &[]), ["pong", &one]);
    let mut framer = Framer::default();
    framer.push(b"\r\n");
    assert_eq!(framer.next_piece(), None, "it may be half a ping");
    assert!(!framer.is_inside());
    assert!(framer.take_line_end());
    assert!(!framer.take_line_end());
}

#[test]
fn the_length_is_read_as_the_grammar_allows_and_no_other_way() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("compact", "l: 2", &["taken"]),
        ("any case, any blanks", "CONTENT-length \t:\t 2 ", &["taken"]),
        ("folded", "Content-Length:\r\n 2", &["taken"]),
        ("said twice alike", "Content-Length: 2\r\nl: 2", &["taken"]),
        ("said twice", "Content-Length: 2\r\nl: 3", &["refused with 400"]),
        ("not said", "Subject: x", &["refused with 400"]),
        ("negative", "Content-Length: -2", &["refused with 400"]),
        ("no number", "Content-Length: 0x2", &["refused with 400"]),
        ("empty", "Content-Length:", &["refused with 400"]),
        ("more than there may be", "Content-Length: 65536", &["refused with 513"]),
        ("more than a number holds", "Content-Length: 99999999999999999999999", &["refused with 513"]),
    ];
    for (what, line, wanted) in cases {
        let text = format!("INVITE sip:b@192.0.2.1 SIP/2.0\r\n{line}\r\nTo: b\r\n\r\nxy");
        let mut pieces = cut(text.as_bytes(), &[]);
        pieces.truncate(1);
        if pieces == [text] {
            pieces = vec!["taken".into()];
        }
        assert_eq!(pieces, *wanted, "{what}");
    }
}

#[test]
fn a_head_that_never_ends_is_refused_at_the_limit() {
    let mut framer = Framer::default();
    let line = [b'x'; 1_000];
    for _ in 0..MAX_MESSAGE / 1_000 {
        framer.push(&line);
        assert_eq!(framer.next_piece(), None);
    }
    framer.push(&line);
    assert!(matches!(framer.next_piece(), Some(Piece::Unframeable { status, .. }) if status.code() == 513));
}

#[test]
fn what_waits_tells_whether_a_message_has_begun() {
    let mut framer = Framer::default();
    for (bytes, inside) in [("", false), ("\r\n", false), ("\r\nINV", true)] {
        framer.push(bytes.as_bytes());
        while framer.next_piece().is_some() {}
        assert_eq!(framer.is_inside(), inside, "{bytes:?}");
    }
}
