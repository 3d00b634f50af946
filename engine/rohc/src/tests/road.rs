//! Two ends of a thin link with a road between them in virtual time, which delays, loses and reorders what it is told to.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use rove_base::{Instant, Machine as _, Now, Scratch, Step, UnixTime};

use super::voice::{Random, Voice};
use crate::{
    link::{Counts, FrameKind, Link, LinkConfig, LinkEvent, LinkInput, Terms},
    rtp_of,
};

/// What a link does unless a test says otherwise.
pub(super) const USUAL: LinkConfig = LinkConfig {
    terms: Terms::with_flows(15),
    loss_run: 13,
    renumber: false,
    drop_checksums: false,
    shortest: 0,
};
/// The time of one packet.
pub(super) const FRAME: Duration = Duration::from_millis(20);

/// What comes over the road, by when it does and a number of its own: to which end, and what.
type OnTheRoad = BTreeMap<(Instant, u64), (usize, FrameKind, Vec<u8>)>;

/// Decides about a frame on its way to an end: `None` loses it, a time delays it further.
pub(super) type Fate = Box<dyn FnMut(usize, FrameKind, &[u8]) -> Option<Duration>>;

pub(super) struct Road {
    pub(super) ends: [Link; 2],
    pub(super) now: Instant,
    pub(super) delay: Duration,
    pub(super) fate: Fate,
    /// Each RTP packet that was sent toward an end and has not come, with the whole packet.
    pub(super) sent: [HashMap<Vec<u8>, Vec<u8>>; 2],
    /// Packets that came to an end, with when.
    pub(super) came: [Vec<(Instant, Vec<u8>)>; 2],
    /// Whether packets come out as whole as they went in, their IP headers too.
    pub(super) whole: bool,
    way: OnTheRoad,
    number: u64,
    scratch: Scratch,
}

impl Road {
    pub(super) fn new(configs: [LinkConfig; 2]) -> Self {
        let mut instance = 0;
        let ends = configs.map(|config| {
            instance += 1;
            Link::new(config, instance)
        });
        Self {
            ends,
            now: Instant::from_nanos(5_000_000_000),
            delay: Duration::from_millis(20),
            fate: Box::new(|_, _, _| Some(Duration::ZERO)),
            sent: Default::default(),
            came: Default::default(),
            whole: true,
            way: BTreeMap::new(),
            number: 0,
            scratch: Scratch::with_capacity(4_096),
        }
    }

    pub(super) fn counts(&self, end: usize) -> Counts {
        self.ends[end].counts()
    }

    fn wall(&self) -> Now {
        Now { mono: self.now, wall: UnixTime::default() }
    }

    /// Lets both ends begin, and `time` pass.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now.later(time);
        loop {
            let wakes = [self.drain(0), self.drain(1)];
            let next = self.way.keys().next().map(|(at, _)| *at);
            let wake = wakes.into_iter().fold(next, Instant::earliest);
            let Some(wake) = wake.filter(|wake| *wake <= until) else { break };
            self.now = wake.max(self.now);
            while let Some(entry) = self.way.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (to, kind, bytes) = entry.remove();
                let now = self.wall();
                self.ends[to].handle(now, LinkInput::Frame(kind, &bytes));
                self.drain(to);
            }
            let now = self.wall();
            self.ends.iter_mut().for_each(|end| end.tick(now));
        }
        self.now = until;
    }

    /// A packet goes from an end to the other one.
    pub(super) fn send(&mut self, from: usize, packet: &[u8]) {
        if let Some(rtp) = rtp_of(packet) {
            self.sent[1 - from].insert(rtp.to_vec(), packet.to_vec());
        }
        let now = self.wall();
        self.ends[from].handle(now, LinkInput::Packet(packet));
        self.drain(from);
    }

    /// A voice talks from an end; a pause of its timestamps is one of time.
    pub(super) fn talk(&mut self, from: usize, voice: &mut Voice, packets: u32) {
        for _ in 0..packets {
            let before = voice.ts;
            let packet = voice.next();
            self.pass(FRAME * (voice.ts.wrapping_sub(before) / voice.stride).clamp(1, 500));
            self.send(from, &packet);
        }
    }

    fn drain(&mut self, end: usize) -> Option<Instant> {
        let wake = loop {
            match self.ends[end].poll(&mut self.scratch) {
                Step::Event(LinkEvent::Send { kind, range }) => {
                    let bytes = self.scratch.get(range).to_vec();
                    if let Some(more) = (self.fate)(1 - end, kind, &bytes) {
                        self.number += 1;
                        let at = self.now.later(self.delay + more);
                        self.way.insert((at, self.number), (1 - end, kind, bytes));
                    }
                }
                Step::Event(LinkEvent::Deliver { range }) => {
                    self.deliver(end, self.scratch.get(range).to_vec());
                }
                Step::Event(LinkEvent::Agreed(_)) => {}
                Step::Wait(until) => break until,
                other => panic!("{other:?}"),
            }
        };
        self.scratch.clear();
        wake.map(|wake| wake.max(self.now))
    }

    /// Whatever comes out must have gone in.
    fn deliver(&mut self, end: usize, packet: Vec<u8>) {
        if let Some(rtp) = rtp_of(&packet).filter(|rtp| rtp.len() > 12) {
            let sent = self.sent[end].remove(rtp);
            let sent = sent.unwrap_or_else(|| panic!("nobody sent this: {packet:02x?}"));
            assert!(!self.whole || sent == packet, "{sent:02x?}\n{packet:02x?}");
        }
        self.came[end].push((self.now, packet));
    }
}

/// Loses `percent` of what goes to end 1, in runs of 1 to `run`, and of what goes to end 0 singly; delays some so that others overtake them.
pub(super) fn rough(percent: u64, run: u64, late: u64, seed: u64) -> Fate {
    let mut random = Random(seed);
    let mut gone = 0;
    Box::new(move |to, _, _| {
        if to == 0 {
            return (random.below(100) >= percent).then_some(Duration::ZERO);
        }
        if gone == 0 && random.below(100 * (run + 1) / 2) < percent {
            gone = 1 + random.below(run);
        }
        if gone > 0 {
            gone -= 1;
            return None;
        }
        Some(if random.below(1_000) < late { Duration::from_millis(25) } else { Duration::ZERO })
    })
}
