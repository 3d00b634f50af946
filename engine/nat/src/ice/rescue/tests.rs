#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::panic)]

use std::net::SocketAddr;

use rove_base::{Candidate, Entropy, IceCredentials, IcePlan, IceRole};

use super::*;

/// What is under way: when it comes, to whom, which way as the receiver sees it, and a check or, without one, media.
type OnTheWay = (Instant, usize, UdpFlow, Option<Vec<u8>>);

/// Two phones that reach each other by either of two relays, and not directly.
struct World {
    now: Instant,
    ends: [Ice; 2],
    alive: [bool; 2],
    chance: Entropy,
    loss: f64,
    /// Between two packets of each phone; `None`: it says nothing.
    speaks: [Option<Duration>; 2],
    next_word: [Instant; 2],
    wire: Vec<OnTheWay>,
    checks: usize,
    /// When each was sent to last, and the longest time without.
    heard: [Instant; 2],
    gap: [Duration; 2],
}

fn host(end: usize) -> SocketAddr {
    ([10, 0, 0, end as u8], 4_000).into()
}

/// What a relay lends a phone.
fn lent(relay: usize, end: usize) -> SocketAddr {
    ([10, 0, 100 + relay as u8, end as u8], 5_000).into()
}

fn relay_of(address: SocketAddr) -> Option<usize> {
    let SocketAddr::V4(address) = address else { return None };
    address.ip().octets()[2].checked_sub(100).map(usize::from)
}

fn plan(end: usize) -> IcePlan {
    let credentials = |end: usize| IceCredentials::draw(&mut Entropy::from_number(end as u64));
    let candidates = |end: usize| {
        let relayed = (0..2).map(|relay| {
            Candidate::relayed(lent(relay, end), host(end), u16::MAX - u16::try_from(relay).unwrap())
        });
        std::iter::once(Candidate::host(host(end), u16::MAX)).chain(relayed).collect()
    };
    IcePlan {
        local: credentials(end),
        remote: credentials(1 - end),
        local_candidates: candidates(end),
        remote_candidates: candidates(1 - end),
        complete: true,
        role: if end == 0 { IceRole::Controlling } else { IceRole::Controlled },
        lite_peer: false,
        stun_server: None,
    }
}

impl World {
    fn new(seed: u64, loss: f64, speaks: [Option<Duration>; 2]) -> Self {
        let end =
            |end: usize| Ice::new(Instant::ZERO, &plan(end), Entropy::from_number(seed * 2 + end as u64));
        Self {
            now: Instant::ZERO,
            ends: [end(0), end(1)],
            alive: [true; 2],
            chance: Entropy::from_number(seed),
            loss,
            speaks,
            next_word: [Instant::ZERO; 2],
            wire: Vec::new(),
            checks: 0,
            heard: [Instant::ZERO; 2],
            gap: [Duration::ZERO; 2],
        }
    }

    /// What leaves from an end: it comes if there are relays on its way, and all of them live.
    fn send(&mut self, end: usize, flow: UdpFlow, check: Option<Vec<u8>>) {
        let relays: Vec<_> = [flow.local, flow.remote].into_iter().filter_map(relay_of).collect();
        let open = !relays.is_empty() && relays.iter().all(|relay| self.alive[*relay]);
        if !open || self.chance.unit() < self.loss {
            return;
        }
        let delay = Duration::from_millis(20 + 10 * relays.len() as u64);
        let seen = UdpFlow { local: flow.remote, remote: flow.local };
        self.wire.push((self.now + delay, 1 - end, seen, check));
    }

    fn drain(&mut self) {
        for end in 0..2 {
            while let Some((flow, check)) = self.ends[end].next_datagram() {
                self.checks += 1;
                self.send(end, flow, Some(check));
            }
            while self.ends[end].next_event().is_some() {}
            let Some(pause) = self.speaks[end].filter(|_| self.next_word[end] <= self.now) else { continue };
            self.next_word[end] = self.now + pause;
            if let Some(flow) = self.ends[end].selected() {
                self.send(end, flow, None);
            }
        }
    }

    fn run(&mut self, until: Duration) {
        let until = Instant::ZERO + until;
        loop {
            self.drain();
            let words = (0..2).filter(|end| self.speaks[*end].is_some()).map(|end| self.next_word[end]);
            let wakes = self.ends.iter().filter_map(Ice::next_wake).chain(self.wire.iter().map(|one| one.0));
            let Some(next) = wakes.chain(words).min().filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            let due: Vec<_> = self.wire.extract_if(.., |one| one.0 <= next).collect();
            for (_, end, flow, what) in due {
                self.ends[end].heard(self.now, flow);
                match what {
                    Some(check) => self.ends[end].receive(self.now, flow, &check),
                    None => {
                        self.gap[end] = self.gap[end].max(self.now.since(self.heard[end]));
                        self.heard[end] = self.now;
                    }
                }
            }
            self.ends.iter_mut().for_each(|end| end.tick(self.now));
        }
        self.now = until;
    }

    /// By which relay both send, if both ends agree on the way.
    fn relay(&self) -> Option<usize> {
        let [one, other] = [self.ends[0].selected()?, self.ends[1].selected()?];
        let agree = (one.local, one.remote) == (other.remote, other.local);
        agree.then(|| [one.local, one.remote].into_iter().find_map(relay_of)).flatten()
    }
}

const WORD: Option<Duration> = Some(Duration::from_millis(20));

#[test]
fn when_a_relay_dies_both_ends_hear_each_other_by_another_within_a_second() {
    for (seed, loss) in (0..60).map(|seed| (seed, 0.02 * (seed % 6) as f64)) {
        let mut world = World::new(seed, loss, [WORD; 2]);
        world.run(Duration::from_secs(5));
        let Some(used) = world.relay() else { panic!("seed {seed}: {:?}", world.ends) };
        let before = world.gap;
        world.gap = [Duration::ZERO; 2];
        world.alive[used] = false;
        world.run(Duration::from_secs(10));
        assert_eq!(world.relay(), Some(1 - used), "seed {seed}: {:?}", world.ends);
        let longest = world.gap.into_iter().max().unwrap();
        assert!(longest < Duration::from_secs(1), "seed {seed}: {longest:?}, {before:?} before");
        world.run(Duration::from_secs(120));
        assert_eq!(world.relay(), Some(1 - used), "seed {seed}: with consent of its own");
    }
}

#[test]
fn when_one_end_alone_speaks_the_other_relay_is_found_as_well() {
    for end in 0..2 {
        let mut speaks = [None; 2];
        speaks[end] = WORD;
        let mut world = World::new(7, 0.0, speaks);
        world.run(Duration::from_secs(5));
        let used = world.relay().unwrap();
        world.gap = [Duration::ZERO; 2];
        world.alive[used] = false;
        world.run(Duration::from_secs(10));
        assert_eq!(world.relay(), Some(1 - used));
        assert!(world.gap[1 - end] < Duration::from_secs(1), "{:?}", world.gap);
    }
}

#[test]
fn who_says_nothing_and_answers_is_not_left_and_is_asked_a_few_times_a_second() {
    for speaks in [[None; 2], [Some(Duration::from_millis(400)); 2]] {
        let mut world = World::new(8, 0.0, speaks);
        world.run(Duration::from_secs(2));
        let (before, checks) = (world.ends[0].selected(), world.checks);
        world.run(Duration::from_secs(62));
        assert_eq!(world.ends[0].selected(), before);
        let questions = (world.checks - checks) / 2 / 60;
        assert!((1..=8).contains(&questions), "{questions} questions and answers a second");
    }
}

#[test]
fn where_no_relay_lives_the_way_stays_until_consent_is_lost() {
    let mut world = World::new(9, 0.0, [WORD; 2]);
    world.run(Duration::from_secs(5));
    let before = [0, 1].map(|end| world.ends[end].selected());
    world.alive = [false; 2];
    world.run(Duration::from_secs(30));
    assert_eq!([0, 1].map(|end| world.ends[end].selected()), before);
    let checks = world.checks;
    world.run(Duration::from_secs(36));
    assert_eq!([0, 1].map(|end| world.ends[end].selected()), [None, None]);
    assert!(checks < 2 * 30 * 12, "{checks} checks into the void");
}
