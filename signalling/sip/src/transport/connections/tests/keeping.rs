//! Keep-alive, asked and answered.

use super::*;
use crate::transport::stun;

const EVERY: Duration = Duration::from_secs(120);

#[test]
fn a_ping_is_answered() {
    let mut desk = Desk::new(Limits::default());
    desk.accept(1, [192, 0, 2, 2]);
    for part in ["\r\n", "\r\n", "\r\n\r\n"] {
        desk.hear(1, part);
    }
    assert_eq!(desk.did(), [sent(1, "\r\n"), sent(1, "\r\n")]);
}

#[test]
fn a_stream_that_is_kept_alive_is_asked_and_lost_when_it_does_not_answer() {
    let mut desk = Desk::new(Limits::default());
    desk.send(toward(Transport::Tcp), "REGISTER");
    desk.connected(2, PEER.into(), Transport::Tcp);
    desk.did();
    desk.all.keep_alive(desk.now.mono, &toward(Transport::Tcp), EVERY);
    for round in 1..100 {
        desk.wait(Duration::from_secs(3_600));
        assert_eq!(desk.did(), [sent(2, "\r\n\r\n")], "round {round}");
        desk.hear(2, "\r\n");
    }
    desk.wait(Duration::from_secs(3_600));
    assert_eq!(desk.did(), [sent(2, "\r\n\r\n")]);
    let asked = desk.now.mono;
    desk.wait(Duration::from_secs(3_600));
    assert_eq!(desk.did(), [Did::Closed(2), Did::Lost(PEER.into()), Did::Failed(PEER.into())]);
    assert_eq!(desk.now.mono.since(asked), Duration::from_secs(10));
}

#[test]
fn stun_questions_are_answered_and_line_ends_swallowed() {
    let mut desk = Desk::new(Limits::default());
    let flow = UdpFlow { local: OURS.into(), remote: PEER.into() };
    for (bytes, answered) in
        [(&stun::request([7; 12])[..], true), (b"\r\n\r\n", false), (b"\0", false), (b"", false)]
    {
        assert!(desk.all.is_keep_alive(desk.now.mono, flow, bytes));
        let did = desk.did();
        assert_eq!(did.len(), usize::from(answered), "{did:?}");
    }
    assert!(!desk.all.is_keep_alive(desk.now.mono, flow, HELLO.as_bytes()));
}

/// Answers each question as seen from `mapped`, or not at all; answers the second in which the flow has failed.
fn keep(mapped: impl Fn(u64) -> Option<SocketAddr>) -> Option<u64> {
    let mut desk = Desk::new(Limits::default());
    let flow = UdpFlow { local: OURS.into(), remote: PEER.into() };
    desk.all.keep_alive(desk.now.mono, &flow.into(), Duration::from_secs(25));
    let mut scratch = Scratch::default();
    while desk.now.mono.as_nanos() < 600_000_000_000 {
        desk.wait(Duration::from_secs(60));
        let seconds = desk.now.mono.as_nanos() / 1_000_000_000;
        loop {
            match desk.all.poll(&mut scratch) {
                Step::Send(transmit) => {
                    let question = stun::parse(scratch.get(transmit.range));
                    let Some(stun::Stun::Request { id, .. }) = question else { panic!("{question:?}") };
                    if let Some(mapped) = mapped(seconds) {
                        let answer = stun::answer(id, mapped, None);
                        assert!(desk.all.is_keep_alive(desk.now.mono, flow, &answer));
                    }
                }
                Step::Event(News::FlowFailed { hop }) => {
                    assert_eq!(hop, flow.into());
                    return Some(seconds);
                }
                Step::Wait(_) => break,
                other => panic!("{other:?}"),
            }
            desk.all.tick(desk.now);
        }
    }
    None
}

#[test]
fn a_datagram_flow_fails_when_nobody_answers_or_when_it_leads_out_elsewhere() {
    let (here, there) = (SocketAddr::from(([198, 51, 100, 1], 1)), SocketAddr::from(([198, 51, 100, 1], 2)));
    assert_eq!(keep(|_| Some(here)), None);
    let never = keep(|_| None);
    assert!(never.is_some_and(|at| (20..60).contains(&at)), "{never:?}");
    let moved = keep(|seconds| Some(if seconds < 100 { here } else { there }));
    assert!(moved.is_some_and(|at| (100..126).contains(&at)), "{moved:?}");
    let silent = keep(|seconds| (seconds < 100).then_some(here));
    assert!(silent.is_some_and(|at| (120..160).contains(&at)), "{silent:?}");
}
