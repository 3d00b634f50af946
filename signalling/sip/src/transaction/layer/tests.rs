use core::time::Duration;
use std::net::IpAddr;

use rove_base::Entropy;

use super::*;

const T0: Instant = Instant::from_nanos(1);
const LOCAL: ([u8; 4], u16) = ([192, 0, 2, 1], 5060);
const SENT_BY: (Option<IpAddr>, u16) = (Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1))), 5060);

fn hop() -> Hop {
    Hop::udp(LOCAL.into(), ([192, 0, 2, 2], 5060).into())
}

fn layer() -> (Layer<&'static str, &'static str>, Keyed) {
    let keyed = Keyed::new(&mut Entropy::from_number(1));
    (Layer::new(&keyed, 100), keyed)
}

fn bytes(text: &str) -> Outgoing {
    Outgoing { hop: hop(), bytes: text.as_bytes().into() }
}

fn sent(layer: &mut Layer<&'static str, &'static str>) -> Vec<String> {
    core::iter::from_fn(|| layer.next_out())
        .map(|out| String::from_utf8(out.bytes.to_vec()).unwrap())
        .collect()
}

/// Lets all timers fire up to `ms` after the start; answers what was lost.
fn run(layer: &mut Layer<&'static str, &'static str>, ms: u64) -> Vec<&'static str> {
    let end = T0 + Duration::from_millis(ms);
    let mut lost = Vec::new();
    while let Some(at) = layer.deadline().filter(|at| *at <= end) {
        match layer.expire(at).unwrap() {
            Expired::Quietly => {}
            Expired::Lost(_, user) => lost.push(user),
            Expired::Unanswered(key) => assert!(layer.respond(at, key, 100, b"100"[..].into())),
        }
    }
    lost
}

const INVITE: ClientKey = ClientKey { branch: 1, cancel: false };
const CANCEL: ClientKey = ClientKey { branch: 1, cancel: true };

#[test]
fn an_invite_and_its_cancel_share_a_branch_and_are_told_apart() {
    let (mut layer, _) = layer();
    layer.invite(T0, INVITE, bytes("INVITE"), "call");
    assert!(!layer.may_cancel(INVITE));
    assert_eq!(layer.response(T0, INVITE, SENT_BY, true, 180), Heard::PassUp);
    assert!(layer.may_cancel(INVITE));
    layer.request(T0, CANCEL, bytes("CANCEL"), "cancel");
    assert_eq!(layer.response(T0, CANCEL, SENT_BY, false, 200), Heard::PassUp);
    assert!(!layer.is_settled(), "the INVITE still waits");
    assert_eq!(layer.response(T0, INVITE, SENT_BY, true, 487), Heard::PassUpAndAck);
    layer.acknowledge(INVITE, b"ACK"[..].into());
    assert!(layer.is_settled());
    assert_eq!(layer.response(T0, INVITE, SENT_BY, true, 487), Heard::Nothing);
    assert_eq!(sent(&mut layer), ["INVITE", "CANCEL", "ACK", "ACK"]);
    assert_eq!(run(&mut layer, 5_000), [""; 0]);
    assert_eq!(layer.len(), 1, "CANCEL is over after timer K");
    run(&mut layer, 32_000);
    assert_eq!((layer.len(), layer.deadline()), (0, None), "and INVITE after timer D");
}

#[test]
fn responses_of_another_method_or_sender_are_not_for_us() {
    let (mut layer, _) = layer();
    layer.invite(T0, INVITE, bytes("INVITE"), "call");
    assert_eq!(layer.response(T0, INVITE, SENT_BY, false, 200), Heard::Nothing);
    assert_eq!(layer.response(T0, CANCEL, SENT_BY, true, 200), Heard::Nothing);
    assert_eq!(layer.response(T0, INVITE, (SENT_BY.0, 5061), true, 200), Heard::Nothing);
    assert_eq!(layer.response(T0, INVITE, (None, 5060), true, 200), Heard::Nothing);
    assert_eq!(layer.response(T0, INVITE, SENT_BY, true, 200), Heard::PassUp);
}

#[test]
fn what_a_client_transaction_kept_comes_back_when_nobody_answers() {
    let (mut layer, _) = layer();
    layer.invite(T0, INVITE, bytes("INVITE"), "call");
    layer.request(T0, CANCEL, bytes("BYE"), "bye");
    assert_eq!(run(&mut layer, 31_999), [""; 0]);
    let mut lost = run(&mut layer, 32_000);
    lost.sort_unstable();
    assert_eq!(lost, ["bye", "call"]);
    assert_eq!((layer.len(), sent(&mut layer).len()), (0, 7 + 11));
}

#[test]
fn a_given_up_transaction_is_silent() {
    let (mut layer, _) = layer();
    layer.invite(T0, INVITE, bytes("INVITE"), "call");
    assert_eq!(layer.forget_client(INVITE), Some("call"));
    assert_eq!((layer.deadline(), layer.len(), layer.forget_client(INVITE)), (None, 0, None));
}

#[test]
fn an_invite_of_a_peer_is_answered_again_until_its_ack_is_here() {
    let (mut layer, keyed) = layer();
    let (key, invited) = (keyed.fingerprint(&"branch"), keyed.fingerprint(&"call"));
    assert!(!layer.absorbs(key));
    layer.invited(T0, key, invited, hop(), "call");
    assert!(layer.is_merged(invited) && layer.absorbs(key));
    assert_eq!(sent(&mut layer), Vec::<String>::new(), "nothing is answered yet");
    run(&mut layer, 200);
    assert!(layer.absorbs(key));
    assert_eq!(sent(&mut layer), ["100", "100"]);
    assert_eq!(layer.server_user(key), Some((&"call", true)));
    assert!(layer.respond(T0, key, 486, b"486"[..].into()));
    assert!(!layer.respond(T0, key, 200, b"200"[..].into()), "too late");
    assert!(layer.absorbs(key));
    run(&mut layer, 500);
    assert_eq!(sent(&mut layer), ["486", "486", "486"]);
    assert!(!layer.is_settled());
    assert!(!layer.ack(T0, key), "the ACK is the transaction's own");
    assert!(layer.is_settled());
    run(&mut layer, 5_000);
    assert_eq!((layer.len(), layer.is_merged(invited), sent(&mut layer).len()), (0, false, 0));
    assert!(layer.ack(T0, key), "an ACK of nothing known is for the user");
}

#[test]
fn any_other_request_of_a_peer_is_answered_again_for_32_seconds() {
    let (mut layer, keyed) = layer();
    let key = keyed.fingerprint(&"branch");
    layer.answered(T0, key, 200, bytes("200"), "bye");
    assert!(layer.is_settled() && layer.absorbs(key));
    assert_eq!(sent(&mut layer), ["200", "200"]);
    run(&mut layer, 31_999);
    assert!(layer.absorbs(key));
    run(&mut layer, 32_000);
    assert!(!layer.absorbs(key));
}

#[test]
fn nothing_is_repeated_or_kept_over_a_stream() {
    let (mut layer, keyed) = layer();
    let way = Hop::toward(rove_base::Transport::Tcp, LOCAL.into(), ([192, 0, 2, 2], 5060).into());
    let over = |text: &str| Outgoing { hop: way, bytes: text.as_bytes().into() };
    let invite = ClientKey { branch: 1, cancel: false };
    layer.invite(T0, invite, over("INVITE"), "caller");
    assert_eq!(layer.response(T0, invite, SENT_BY, true, 486), Heard::PassUpAndAck);
    layer.acknowledge(invite, b"ACK".as_slice().into());
    let options = ClientKey { branch: 2, cancel: false };
    layer.request(T0, options, over("OPTIONS"), "asker");
    assert_eq!(layer.response(T0, options, SENT_BY, false, 200), Heard::PassUp);
    layer.answered(T0, keyed.fingerprint(&"bye"), 200, over("200"), "callee");
    let key = keyed.fingerprint(&"invite");
    layer.invited(T0, key, keyed.fingerprint(&"copy"), way, "callee");
    assert!(layer.respond(T0, key, 603, b"603".as_slice().into()));
    assert!(!layer.ack(T0, key));
    while layer.expire(T0).is_some() {}
    assert_eq!(sent(&mut layer), ["INVITE", "ACK", "OPTIONS", "200", "603"]);
    assert!(layer.is_empty(), "{layer:?}");
}
