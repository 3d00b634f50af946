use rove_base::{CodecId, CodecPlan, MediaPlan, PayloadType, Route, RouteKind, SeqNumber, UdpFlow};

use super::*;

#[test]
fn who_never_spoke_is_neither_asked_nor_told_anything() {
    let guard = Guard::new(Instant::ZERO, ClockRate::TELEPHONE);
    assert_eq!(guard.next(), None);
    assert_eq!(guard.copies(Instant::ZERO), [None; 2]);
}

fn path(kinds: &[RouteKind]) -> Path {
    let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::from_header(0));
    let mut plan = MediaPlan::builder(codec, "name");
    for (id, kind) in (0_u16..).zip(kinds) {
        let at = |host: u8| ([192, 0, 2, host], 4_000 + 2 * id).into();
        let rtp = UdpFlow { local: at(1), remote: at(2) };
        plan = plan.route(Route { id: RouteId(id.into()), kind: *kind, rtp, rtcp: rtp });
    }
    Path::new(&plan.build().unwrap()).unwrap()
}

/// A peer that does as it is told, over ways that lose every so many'th packet.
struct Peer {
    guard: Guard,
    path: Path,
    now: Instant,
    seq: u16,
    copies: Vec<RouteId>,
    took: Vec<RouteId>,
}

impl Peer {
    fn new(kinds: &[RouteKind]) -> Self {
        let mut guard = Guard::new(Instant::ZERO, ClockRate::TELEPHONE);
        guard.on_word(Instant::ZERO, RouteId(0), Word { say: Say::Hello, number: 0 });
        let now = Instant::ZERO;
        Self { guard, path: path(kinds), now, seq: 0, copies: Vec::new(), took: vec![RouteId(0)] }
    }

    /// Packets of so many seconds; `lost` says which of them are, by route and number.
    fn run(&mut self, seconds: u32, lost: impl Fn(RouteId, u16) -> bool) {
        self.packets(seconds * 50, lost);
    }

    fn packets(&mut self, count: u32, lost: impl Fn(RouteId, u16) -> bool) {
        for _ in 0..count {
            self.now += Duration::from_millis(20);
            self.seq = self.seq.wrapping_add(1);
            let by = [*self.took.last().unwrap()].into_iter().chain(self.copies.iter().copied());
            for by in by.collect::<Vec<_>>() {
                let (seq, timestamp) = (SeqNumber(self.seq), RtpTimestamp(160 * u32::from(self.seq)));
                if !lost(by, self.seq) {
                    self.guard.heard(&Heard { by, seq, timestamp, at: self.now }, &self.path);
                }
            }
            self.guard.tick(self.now, &self.path);
            while let Some((by, word)) = self.guard.next_word() {
                match word.say {
                    Say::Copy => self.copies = vec![by],
                    Say::Stop => self.copies.clear(),
                    Say::Take if self.took.last() != Some(&by) => {
                        self.took.push(by);
                        self.copies.clear();
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn of_two_other_ways_the_dearer_one_is_taken_when_the_cheaper_one_is_bad_as_well() {
    let mut peer = Peer::new(&[RouteKind::Direct, RouteKind::Relay, RouteKind::Pvdpn]);
    peer.run(5, |_, _| false);
    peer.run(20, |by, seq| by != RouteId(2) && (seq.wrapping_mul(40_503) >> 4) % 10 < 2 + by.0 as u16);
    assert_eq!(peer.took, [RouteId(0), RouteId(2)], "a relay that is worse is passed over");
}

#[test]
fn a_way_whose_losses_the_other_one_shares_is_not_left_and_copies_end_early() {
    let mut peer = Peer::new(&[RouteKind::Direct, RouteKind::Other]);
    peer.run(5, |_, _| false);
    let mut copied = 0;
    for _ in 0..30 {
        peer.run(1, |_, seq| (seq.wrapping_mul(40_503) >> 4) % 5 == 0);
        copied += usize::from(!peer.copies.is_empty());
    }
    assert_eq!(peer.took, [RouteId(0)]);
    assert!(copied <= 4, "in {copied} of 30 seconds");
}

#[test]
fn what_the_user_complains_of_is_asked_about_and_there_is_nobody_to_ask_when_all_others_are_no_better() {
    let mut peer = Peer::new(&[RouteKind::Direct, RouteKind::Other]);
    peer.run(5, |_, _| false);
    let (now, path) = (peer.now, peer.path.clone());
    assert!(peer.guard.displeased(now, Cause::Quality, &path));
    peer.run(2, |_, _| false);
    assert_eq!(peer.took, [RouteId(0)]);
    let (now, path) = (peer.now, peer.path.clone());
    assert!(!peer.guard.displeased(now, Cause::Quality, &path));
}

#[test]
fn where_checks_lead_both_ends_to_another_way_nothing_is_suspected_for_it() {
    let mut peer = Peer::new(&[RouteKind::Direct, RouteKind::Other]);
    peer.run(5, |_, _| false);
    peer.guard.led(peer.now, RouteId(1));
    // What was on its way by the one before.
    peer.packets(3, |_, _| false);
    peer.took.push(RouteId(1));
    peer.run(5, |_, _| false);
    assert_eq!((peer.guard.taken(), peer.guard.rerouted()), (Some(RouteId(1)), None));
    assert_eq!((peer.took, peer.copies), (vec![RouteId(0), RouteId(1)], vec![]));
}

#[test]
fn ways_that_were_not_tried_yet_are_taken_however_often_others_were_left() {
    use RouteKind::{Direct, Other, Pvdpn, Relay};
    let mut peer = Peer::new(&[Direct, Other, Relay, Pvdpn]);
    let fifth = |seq: u16| (seq.wrapping_mul(40_503) >> 4).is_multiple_of(5);
    peer.run(5, |_, _| false);
    // One after the other gets bad, and stays so.
    for bad in 0..3 {
        peer.run(6, |by, seq| by.0 <= bad && fifth(seq));
    }
    assert_eq!(peer.took, [0, 1, 2, 3].map(RouteId));
}
