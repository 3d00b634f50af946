//! What streams of others may take.

use super::*;

fn limits(total: usize, per_source: usize) -> Limits {
    Limits { total, per_source, ..Limits::default() }
}

#[test]
fn ten_thousand_idle_streams_do_not_keep_a_new_one_out() {
    let mut desk = Desk::new(limits(1_000, 250));
    for n in 0..10_000_u32 {
        let [_, b, c, d] = n.to_be_bytes();
        desk.accept(u64::from(2 * n + 1), [10, b, c, d]);
        desk.now = desk.now.later(Duration::from_micros(100));
    }
    assert_eq!(desk.all.len(), 1_000);
    let closed = desk.did().into_iter().filter(|did| matches!(did, Did::Closed(_))).count();
    assert_eq!(closed, 9_000);
    desk.accept(100_001, [192, 0, 2, 2]);
    desk.hear(100_001, HELLO);
    assert!(desk.did().contains(&heard(HELLO)));
}

#[test]
fn a_stream_that_has_carried_a_message_outlives_those_that_have_not() {
    let mut desk = Desk::new(limits(3, 3));
    desk.accept(1, [192, 0, 2, 200]);
    desk.hear(1, HELLO);
    desk.did();
    for n in 1..50 {
        desk.now = desk.now.later(Duration::from_millis(1));
        desk.accept(2 * n + 1, [192, 0, 2, u8::try_from(n).unwrap()]);
    }
    assert!(!desk.did().contains(&Did::Closed(1)));
    desk.hear(1, HELLO);
    assert_eq!(desk.did(), [heard(HELLO)]);
}

#[test]
fn one_source_takes_only_from_itself() {
    let mut desk = Desk::new(limits(100, 2));
    desk.accept(1, [192, 0, 2, 9]);
    for n in 1..10 {
        desk.now = desk.now.later(Duration::from_millis(1));
        desk.accept(2 * n + 1, [192, 0, 2, 2]);
    }
    assert_eq!(desk.all.len(), 3);
    let did = desk.did();
    assert!(did.contains(&Did::Closed(3)) && !did.contains(&Did::Closed(1)), "{did:?}");
    let v6 = |host: u64| SocketAddr::new(format!("2001:db8:0:1::{host:x}").parse().unwrap(), 4_000);
    for n in 20..30 {
        desk.connected(2 * n + 1, v6(n), Transport::Tcp);
    }
    assert_eq!(desk.all.len(), 5, "all of a /64 are one source");
}

#[test]
fn silence_and_messages_that_never_end_are_not_waited_for() {
    let cases = [
        ("no message at all", "", 30),
        ("a head that does not end", "OPTIONS sip:b@192.0.2.1 SIP/2.0\r\n", 10),
        ("a body that does not come", "MESSAGE sip:b@192.0.2.1 SIP/2.0\r\nContent-Length: 9\r\n\r\nhel", 10),
        ("none after the first", HELLO, 1_800),
        ("one that does not end after one that did", &format!("{HELLO}BYE"), 10),
    ];
    for (what, text, seconds) in cases {
        let mut desk = Desk::new(Limits::default());
        desk.accept(1, [192, 0, 2, 2]);
        if !text.is_empty() {
            desk.hear(1, text);
        }
        desk.did();
        desk.wait(Duration::from_secs(10_000));
        assert_eq!(desk.did()[0], Did::Closed(1), "{what}");
        assert_eq!(desk.now.mono.as_nanos() / 1_000_000_000, seconds, "{what}");
    }
}

#[test]
fn bytes_that_trickle_do_not_buy_time() {
    let mut desk = Desk::new(Limits::default());
    desk.accept(1, [192, 0, 2, 2]);
    for byte in "OPTIONS sip:b".chars() {
        desk.hear(1, &byte.to_string());
        desk.wait(Duration::from_secs(1));
    }
    assert_eq!(desk.did()[0], Did::Closed(1));
    assert!(desk.now.mono.as_nanos() >= 10_000_000_000);
}

#[test]
fn what_waits_for_a_stream_is_bounded() {
    let mut desk = Desk::new(Limits { waiting: 1_000, ..Limits::default() });
    let text = "x".repeat(400);
    desk.send(toward(Transport::Tcp), &text);
    desk.send(toward(Transport::Tcp), &text);
    assert_eq!(desk.did(), [opened(2, Transport::Tcp)]);
    desk.send(toward(Transport::Tcp), &text);
    assert_eq!(desk.did(), [Did::Closed(2), Did::Lost(PEER.into())]);
}

#[test]
fn nothing_is_left_of_streams_that_are_gone() {
    let mut desk = Desk::new(Limits::default());
    for n in 0..100_u16 {
        let id = u64::from(n);
        desk.accept(2 * id + 1, [192, 0, 2, 2]);
        desk.send(Hop { remote: ([192, 0, 2, 3], 5_000 + n).into(), ..toward(Transport::Tcp) }, "x");
        desk.closed(2 * id + 1, ClosedBy::Peer);
        desk.closed(2 * id + 2, ClosedBy::Failure);
    }
    desk.did();
    let all = &desk.all;
    assert!(all.is_empty() && all.routes.is_empty() && all.sources.is_empty() && all.ages.is_empty());
    assert_eq!(all.timers.next(), None);
}

#[test]
fn streams_cost_no_more_than_they_may_and_those_that_were_heard_stay() {
    let limits = Limits { memory: 200 * 1_024, per_source: 1_000, ..Limits::default() };
    let mut desk = Desk::new(limits);
    desk.accept(1, [192, 0, 2, 2]);
    desk.hear(1, HELLO);
    // Silent ones give way to those that come.
    for n in 1..100_u64 {
        desk.accept(2 * n + 1, [192, 0, 2, 3]);
        assert!(desk.all.bytes() <= limits.memory, "{}", desk.all.bytes());
    }
    let closed = desk.did().into_iter().filter(|did| matches!(did, Did::Closed(_))).count();
    assert_eq!(closed, 100 - desk.all.len());
    // Of those that were heard none does: the next is not taken.
    let open: Vec<u64> = desk.all.streams.keys().map(|id| id.0).collect();
    open.iter().for_each(|id| desk.hear(*id, HELLO));
    desk.did();
    desk.accept(1_001, [192, 0, 2, 4]);
    assert_eq!(desk.did(), [Did::Closed(1_001)]);
    assert_eq!(desk.all.len(), open.len());
    open.iter().for_each(|id| desk.closed(*id, ClosedBy::Peer));
    assert_eq!(desk.all.bytes(), 0, "all that was counted is gone");
}

#[test]
fn long_messages_in_pieces_take_no_more_room_than_there_is() {
    let limits = Limits { memory: 300 * 1_024, ..Limits::default() };
    let mut desk = Desk::new(limits);
    let piece = "x".repeat(8_000);
    for n in 0..10_u64 {
        desk.accept(2 * n + 1, [192, 0, 2, 2]);
        desk.hear(2 * n + 1, HELLO);
    }
    for _ in 0..7 {
        for n in 0..10_u64 {
            desk.hear(2 * n + 1, &piece);
            assert!(desk.all.bytes() <= limits.memory + 10 * 2_048, "{}", desk.all.bytes());
        }
    }
    assert!(!desk.all.is_empty() && desk.all.len() < 10, "{}", desk.all.len());
}
