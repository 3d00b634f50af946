//! Streams that are opened, used again, and lost.

use super::*;

#[test]
fn a_message_waits_for_its_stream_and_the_next_one_uses_it_again() {
    let mut desk = Desk::new(Limits::default());
    desk.send(toward(Transport::Tcp), "one");
    desk.send(toward(Transport::Tcp), "two");
    assert_eq!(desk.did(), [opened(2, Transport::Tcp)]);
    desk.connected(2, PEER.into(), Transport::Tcp);
    assert_eq!(desk.did(), [sent(2, "one"), sent(2, "two")]);
    desk.send(toward(Transport::Tcp), "three");
    assert_eq!(desk.did(), [sent(2, "three")]);
    desk.send(toward(Transport::Ws), "four");
    assert_eq!(desk.did(), [opened(4, Transport::Ws)], "another transport is another stream");
}

#[test]
fn a_stream_that_cannot_be_opened_loses_what_waits() {
    let mut desk = Desk::new(Limits::default());
    desk.send(toward(Transport::Tcp), "one");
    desk.did();
    desk.closed(2, ClosedBy::Failure);
    assert_eq!(desk.did(), [Did::Lost(PEER.into())]);
    desk.send(toward(Transport::Tcp), "two");
    assert_eq!(desk.did(), [opened(4, Transport::Tcp)]);
    desk.wait(Duration::from_secs(60));
    assert_eq!(desk.did(), [Did::Closed(4), Did::Lost(PEER.into())]);
    assert_eq!(desk.now.mono.as_nanos(), 8_000_000_000);
    desk.connected(4, PEER.into(), Transport::Tcp);
    assert_eq!(desk.did(), [Did::Closed(4)], "too late");
    assert!(desk.all.is_empty());
}

#[test]
fn an_answer_goes_back_where_its_request_came_from_and_elsewhere_only_when_that_is_gone() {
    let mut desk = Desk::new(Limits::default());
    desk.accept(1, [192, 0, 2, 2]);
    desk.hear(1, HELLO);
    assert_eq!(desk.did(), [heard(HELLO)]);
    let back = Hop::stream(StreamId(1), Transport::Tcp, OURS.into(), PEER.into());
    desk.send(back, "200");
    assert_eq!(desk.did(), [sent(1, "200")]);
    desk.closed(1, ClosedBy::Peer);
    desk.did();
    desk.send(back, "200");
    assert_eq!(desk.did(), [opened(2, Transport::Tcp)], "to where Via says the peer listens");
}

#[test]
fn nobody_listens_behind_the_websocket_of_a_client() {
    let mut desk = Desk::new(Limits::default());
    desk.connected(1, ([192, 0, 2, 2], 40_000).into(), Transport::Wss);
    let back = Hop::stream(StreamId(1), Transport::Wss, OURS.into(), PEER.into());
    desk.send(back, "INVITE");
    assert_eq!(desk.did(), [sent(1, "INVITE")]);
    desk.closed(1, ClosedBy::Peer);
    desk.did();
    desk.send(back, "BYE");
    assert_eq!(desk.did(), [Did::Lost(PEER.into())]);
}

#[test]
fn a_stream_of_others_is_used_the_other_way_round_when_they_say_so() {
    let mut desk = Desk::new(Limits::default());
    desk.accept(1, [192, 0, 2, 2]);
    let came = Hop::stream(StreamId(1), Transport::Tcp, OURS.into(), ([192, 0, 2, 2], 40_000).into());
    desk.all.alias(&came, ([198, 51, 100, 1], 5060).into());
    desk.send(Hop { remote: ([198, 51, 100, 1], 5060).into(), ..toward(Transport::Tcp) }, "one");
    assert!(matches!(desk.did()[..], [Did::Connected { .. }]), "nobody speaks for another address");
    desk.all.alias(&came, PEER.into());
    desk.send(toward(Transport::Tcp), "two");
    assert_eq!(desk.did(), [sent(1, "two")]);
    desk.closed(1, ClosedBy::Peer);
    desk.did();
    desk.send(toward(Transport::Tcp), "three");
    assert_eq!(desk.did(), [opened(4, Transport::Tcp)]);
}

#[test]
fn a_secure_stream_is_with_one_name_only() {
    let mut desk = Desk::new(Limits::default());
    let named = |stream, name: &str| Did::Connected {
        stream,
        remote: PEER.into(),
        transport: Transport::Tls,
        name: Some(name.into()),
    };
    desk.all.expect_name(Transport::Tls, PEER.into(), "a.example");
    desk.send(toward(Transport::Tls), "one");
    assert_eq!(desk.did(), [named(2, "a.example")]);
    desk.connected(2, PEER.into(), Transport::Tls);
    desk.did();
    desk.send(toward(Transport::Tls), "two");
    assert_eq!(desk.did(), [sent(2, "two")]);
    desk.all.expect_name(Transport::Tls, PEER.into(), "b.example");
    desk.send(toward(Transport::Tls), "three");
    assert_eq!(desk.did(), [named(4, "b.example")]);
    let first = Hop::stream(StreamId(2), Transport::Tls, OURS.into(), PEER.into());
    desk.send(first, "four");
    assert_eq!(desk.did(), [sent(2, "four")], "inside a dialog the stream is the one it was made on");
}

#[test]
fn messages_come_whole_wherever_the_stream_is_cut() {
    let invite = "INVITE sip:b@192.0.2.1 SIP/2.0\r\nContent-Length: 4\r\n\r\nbody";
    let stream = format!("{HELLO}{invite}{HELLO}");
    for at in 0..=stream.len() {
        let mut desk = Desk::new(Limits::default());
        desk.accept(1, [192, 0, 2, 2]);
        for part in [&stream[..at], &stream[at..]] {
            if !part.is_empty() {
                desk.hear(1, part);
            }
        }
        assert_eq!(desk.did(), [heard(HELLO), heard(invite), heard(HELLO)], "cut at {at}");
    }
}

#[test]
fn a_websocket_message_is_a_whole_one_without_its_length() {
    let mut desk = Desk::new(Limits::default());
    desk.connected(1, ([192, 0, 2, 2], 40_000).into(), Transport::Wss);
    desk.hear(1, "OPTIONS sip:b@192.0.2.1 SIP/2.0\r\n\r\n");
    desk.hear(1, "\r\n\r\n");
    assert_eq!(desk.did(), [sent(1, "\r\n"), heard("OPTIONS sip:b@192.0.2.1 SIP/2.0\r\n\r\n")]);
}

#[test]
fn what_cannot_be_framed_is_refused_and_the_stream_closed() {
    let head = "Via: SIP/2.0/TCP 192.0.2.2;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\n";
    let request = |method: &str, length: &str| {
        format!("{method} sip:b@192.0.2.1 SIP/2.0\r\n{head}CSeq: 1 {method}\r\n{length}\r\n")
    };
    let cases = [
        ("no length", request("INVITE", ""), Some("SIP/2.0 400 ")),
        ("two lengths", request("INVITE", "l: 1\r\nl: 2\r\n"), Some("SIP/2.0 400 ")),
        ("too long", request("INVITE", "l: 70000\r\n"), Some("SIP/2.0 513 ")),
        ("an ACK gets no answer", request("ACK", ""), None),
        ("a response gets no answer", format!("SIP/2.0 200 OK\r\n{head}CSeq: 1 INVITE\r\n\r\n"), None),
        ("nonsense gets no answer", "GET / HTTP/1.1\r\n\r\n".into(), None),
    ];
    for (what, text, answer) in cases {
        let mut desk = Desk::new(Limits::default());
        desk.accept(1, [192, 0, 2, 2]);
        desk.hear(1, &text);
        let did = desk.did();
        let (answered, rest) = match did.split_first() {
            Some((Did::Sent(_, text), rest)) => (Some(text), rest),
            _ => (None, &did[..]),
        };
        assert_eq!(rest, [Did::Closed(1), Did::Lost(([192, 0, 2, 2], 40_000).into())], "{what}");
        match (answered, answer) {
            (Some(text), Some(start)) => {
                assert!(text.starts_with(start) && text.contains("To: <sip:b@x>;tag="), "{what}: {text}");
            }
            (answered, wanted) => assert_eq!(answered.map(String::as_str), wanted, "{what}"),
        }
    }
}
