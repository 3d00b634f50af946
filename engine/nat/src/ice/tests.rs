#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::stun::MessageWriter;

fn at(host: u8, port: u16) -> SocketAddr {
    ([10, 0, 0, host], port).into()
}

fn credentials(seed: u64) -> IceCredentials {
    IceCredentials::draw(&mut Entropy::from_number(seed))
}

/// What the one with address `host` agreed on with the one at `other`.
fn plan(host: u8, other: u8, role: IceRole) -> IcePlan {
    IcePlan {
        local: credentials(host.into()),
        remote: credentials(other.into()),
        local_candidates: vec![Candidate::host(at(host, 4_000), 65_535)],
        remote_candidates: vec![Candidate::host(at(other, 4_000), 65_535)],
        complete: true,
        role,
        lite_peer: false,
        stun_server: None,
    }
}

/// Two agents and the network between them.
struct World {
    now: Instant,
    ends: [Ice; 2],
    events: [Vec<IceEvent>; 2],
    chance: Entropy,
    loss: f64,
    /// On their way: when, to whom, which flow as the receiver sees it.
    wire: Vec<(Instant, usize, UdpFlow, Vec<u8>)>,
    /// Rewrites the source of what end 0 sends, as a NAT does.
    nat: Option<SocketAddr>,
    sent: usize,
}

impl World {
    fn new(plans: &[IcePlan; 2], seed: u64, loss: f64) -> Self {
        let end = |index: usize| {
            Ice::new(Instant::ZERO, &plans[index], Entropy::from_number(seed * 2 + index as u64))
        };
        Self {
            now: Instant::ZERO,
            ends: [end(0), end(1)],
            events: [Vec::new(), Vec::new()],
            chance: Entropy::from_number(seed),
            loss,
            wire: Vec::new(),
            nat: None,
            sent: 0,
        }
    }

    fn pair(seed: u64, loss: f64) -> Self {
        Self::new(&[plan(1, 2, IceRole::Controlling), plan(2, 1, IceRole::Controlled)], seed, loss)
    }

    fn drain(&mut self) {
        for index in 0..2 {
            while let Some((flow, datagram)) = self.ends[index].next_datagram() {
                self.sent += 1;
                if self.chance.unit() < self.loss {
                    continue;
                }
                let source = if index == 0 { self.nat.unwrap_or(flow.local) } else { flow.local };
                let target =
                    if index == 1 && Some(flow.remote) == self.nat { at(1, 4_000) } else { flow.remote };
                let seen = UdpFlow { local: target, remote: source };
                if target.port() == 4_000 {
                    self.wire.push((self.now + Duration::from_millis(20), 1 - index, seen, datagram));
                }
            }
            while let Some(event) = self.ends[index].next_event() {
                self.events[index].push(event);
            }
        }
    }

    fn run(&mut self, until: Duration) {
        let until = Instant::ZERO + until;
        loop {
            self.drain();
            let wakes = self.ends.iter().filter_map(Ice::next_wake).chain(self.wire.iter().map(|one| one.0));
            let Some(next) = wakes.min().filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            let due: Vec<_> = self.wire.extract_if(.., |one| one.0 <= next).collect();
            for (_, index, flow, datagram) in due {
                self.ends[index].receive(self.now, flow, &datagram);
            }
            self.ends.iter_mut().for_each(|end| end.tick(self.now));
        }
        self.now = until;
    }

    fn selected(&self) -> [Option<UdpFlow>; 2] {
        [self.ends[0].selected(), self.ends[1].selected()]
    }

    fn assert_connected(&self, what: &str) {
        let [Some(one), Some(other)] = self.selected() else {
            panic!("{what}: {:?} {:?}", self.ends, self.events)
        };
        assert_eq!((one.remote, other.local), (other.local, one.remote), "{what}");
        assert!(self.ends[0].is_controlling() != self.ends[1].is_controlling(), "{what}");
    }
}

#[test]
fn two_hosts_agree_on_a_pair_within_a_quarter_second() {
    let mut world = World::pair(1, 0.0);
    world.run(Duration::from_millis(250));
    world.assert_connected("without loss");
    let flow = UdpFlow { local: at(1, 4_000), remote: at(2, 4_000) };
    assert_eq!(world.selected()[0], Some(flow));
    assert!(world.events[0].contains(&IceEvent::Selected(flow)));
}

#[test]
fn checks_survive_the_loss_of_three_in_ten() {
    for seed in 0..40 {
        let mut world = World::pair(seed, 0.3);
        world.run(Duration::from_secs(20));
        world.assert_connected(&format!("seed {seed}"));
    }
}

#[test]
fn the_same_role_on_both_sides_is_settled_by_the_tie_breaker() {
    for role in [IceRole::Controlling, IceRole::Controlled] {
        for seed in 0..8 {
            let mut world = World::new(&[plan(1, 2, role), plan(2, 1, role)], seed, 0.0);
            world.run(Duration::from_secs(3));
            world.assert_connected(&format!("{role:?} seed {seed}"));
        }
    }
}

#[test]
fn candidates_may_come_later_or_only_by_checks() {
    let (mut one, mut other) = (plan(1, 2, IceRole::Controlling), plan(2, 1, IceRole::Controlled));
    (one.complete, other.complete) = (false, false);
    let theirs = std::mem::take(&mut one.remote_candidates);
    other.remote_candidates.clear();
    let mut world = World::new(&[one, other], 3, 0.0);
    world.run(Duration::from_secs(2));
    assert_eq!((world.selected(), world.sent), ([None, None], 0));
    world.ends[0].add_candidate(theirs[0]);
    world.ends[0].end_of_candidates();
    world.run(Duration::from_secs(3));
    world.assert_connected("the other side learned the candidate from the check");
}

#[test]
fn a_side_behind_a_nat_is_found_at_the_address_its_checks_come_from() {
    let mut world = World::pair(4, 0.0);
    world.nat = Some(at(99, 61_000));
    // The private address leads nowhere: the NAT rewrites what comes from it.
    world.run(Duration::from_secs(2));
    let [Some(one), Some(other)] = world.selected() else { panic!("{:?}", world.ends) };
    assert_eq!((one.remote, other.remote), (at(2, 4_000), at(99, 61_000)));
}

#[test]
fn the_better_of_two_ways_is_chosen() {
    let (mut one, mut other) = (plan(1, 2, IceRole::Controlling), plan(2, 1, IceRole::Controlled));
    one.local_candidates.push(Candidate::host(at(3, 4_000), 10));
    other.remote_candidates.push(Candidate::host(at(3, 4_000), 10));
    let mut world = World::new(&[one, other], 5, 0.0);
    world.run(Duration::from_secs(2));
    assert_eq!(world.selected()[0].unwrap().local, at(1, 4_000));
}

#[test]
fn a_lite_peer_only_answers_and_is_nominated_to() {
    let mut ours = plan(1, 2, IceRole::Controlled);
    ours.lite_peer = true;
    let (local, theirs) = (ours.local.clone(), ours.remote.clone());
    let mut ice = Ice::new(Instant::ZERO, &ours, Entropy::from_number(6));
    let mut now = Instant::ZERO;
    let mut nominated = false;
    for _ in 0..50 {
        ice.tick(now);
        while let Some((flow, datagram)) = ice.next_datagram() {
            let message = Message::parse(&datagram).unwrap();
            assert!(message.is_authentic(theirs.password()) && message.attributes().controlling.is_some());
            let name = format!("{}:{}", theirs.ufrag(), local.ufrag());
            assert_eq!(message.attributes().username, Some(name.as_bytes()));
            nominated |= message.attributes().use_candidate;
            let answer = MessageWriter::new(Class::Success, message.transaction()).mapped(flow.local);
            ice.receive(now, flow, &answer.sealed(theirs.password()));
        }
        now += Duration::from_millis(20);
    }
    assert!(nominated && ice.selected().is_some(), "{ice:?}");
}

#[test]
fn consent_is_renewed_for_an_hour_and_lost_half_a_minute_after_the_peer_falls_silent() {
    let mut world = World::pair(7, 0.0);
    world.run(Duration::from_secs(3_600));
    world.assert_connected("after an hour");
    let questions = world.sent as f64 / 2.0 / 2.0;
    assert!((650.0..800.0).contains(&questions), "{questions} in 3 600 s are one each 5 s");
    world.loss = 1.0;
    world.run(Duration::from_secs(3_624));
    assert!(world.selected().iter().all(Option::is_some));
    world.run(Duration::from_secs(3_631));
    assert_eq!(world.selected(), [None, None]);
    assert!(world.events.iter().all(|events| events.contains(&IceEvent::ConsentLost)));
}

#[test]
fn a_restart_goes_on_sending_until_the_new_pair_stands() {
    let mut world = World::pair(8, 0.0);
    world.run(Duration::from_secs(1));
    let before = world.selected();
    let (ours, theirs) = (credentials(50), credentials(51));
    let now = world.now;
    let anew = |local: &IceCredentials, remote: &IceCredentials, here, there: &[u8], role| IcePlan {
        local: local.clone(),
        remote: remote.clone(),
        local_candidates: vec![Candidate::host(at(here, 4_000), 65_535)],
        remote_candidates: there.iter().map(|host| Candidate::host(at(*host, 4_000), 65_535)).collect(),
        complete: true,
        role,
        lite_peer: false,
        stun_server: None,
    };
    world.ends[0].restart(now, &anew(&ours, &theirs, 1, &[2], IceRole::Controlling));
    assert_eq!(world.selected(), before);
    world.ends[1].restart(now, &anew(&theirs, &ours, 2, &[], IceRole::Controlled));
    world.run(Duration::from_secs(3));
    world.assert_connected("after the restart");
    world.run(Duration::from_secs(120));
    world.assert_connected("with consent of its own");
}

#[test]
fn who_moved_is_heard_by_the_way_before_for_a_moment_and_nobody_goes_back_there() {
    let mut world = World::pair(8, 0.0);
    world.run(Duration::from_secs(1));
    let before = world.selected().map(Option::unwrap);
    let (ours, theirs) = (credentials(50), credentials(51));
    let moved = |mut plan: IcePlan, local: &IceCredentials, remote: &IceCredentials| {
        (plan.local, plan.remote) = (local.clone(), remote.clone());
        plan
    };
    let now = world.now;
    world.ends[0].restart(now, &moved(plan(3, 2, IceRole::Controlling), &ours, &theirs));
    world.ends[1].restart(now, &moved(plan(2, 3, IceRole::Controlled), &theirs, &ours));
    world.run(Duration::from_secs(2));
    for ((end, events), old) in world.ends.iter().zip(&world.events).zip(before) {
        let place = |wanted: IceEvent| events.iter().position(|event| *event == wanted);
        let new = end.selected().unwrap();
        assert_ne!(new, old);
        assert!(end.hears(&new) && end.hears(&old), "what is on its way is heard");
        assert_eq!(place(IceEvent::SpareGone(old)), place(IceEvent::Selected(new)).map(|at| at + 1));
    }
    world.run(Duration::from_secs(4));
    assert!(world.ends.iter().zip(before).all(|(end, old)| !end.hears(&old)), "and then no more");
}

#[test]
fn where_no_way_leads_it_fails_and_says_so_once() {
    let mut world = World::pair(9, 1.0);
    world.run(Duration::from_secs(100));
    for events in &world.events {
        assert_eq!(events.iter().filter(|event| **event == IceEvent::Failed).count(), 1);
    }
    assert!(world.ends.iter().all(|end| end.next_wake().is_none()), "and then it sleeps");
}

#[test]
fn strangers_get_no_answer_and_change_nothing() {
    let mut world = World::pair(10, 0.0);
    world.run(Duration::from_secs(1));
    let before = format!("{:?}", world.ends);
    let request = |name: &str, password: &str| {
        let message = MessageWriter::new(Class::Request, [7; 12]).role(true, u64::MAX).priority(1);
        message.username(name, "them").use_candidate().sealed(password)
    };
    let ours = credentials(2);
    let from = UdpFlow { local: at(2, 4_000), remote: at(66, 6_666) };
    for datagram in [
        request(ours.ufrag(), "a guess of 22 letters.."),
        request("someone", ours.password()),
        MessageWriter::new(Class::Success, [7; 12]).mapped(at(66, 1)).sealed(ours.password()),
        MessageWriter::new(Class::Request, [7; 12]).fingerprinted(),
    ] {
        world.ends[1].receive(world.now, from, &datagram);
    }
    assert_eq!((world.ends[1].next_datagram(), world.ends[1].hears(&from)), (None, false));
    assert_eq!(format!("{:?}", world.ends), before);
}

#[test]
fn the_peer_cannot_make_memory_or_traffic_grow() {
    let mut ice = Ice::new(Instant::ZERO, &plan(2, 1, IceRole::Controlled), Entropy::from_number(11));
    let ours = credentials(2);
    for n in 0..5_000_u16 {
        let message = MessageWriter::new(Class::Request, [n as u8; 12]).role(true, 5).priority(n.into());
        let bytes = message.username(ours.ufrag(), "them").sealed(ours.password());
        ice.receive(Instant::ZERO, UdpFlow { local: at(2, 4_000), remote: at(9, 10_000 + n) }, &bytes);
        ice.add_candidate(Candidate::host(at(8, 10_000 + n), n));
    }
    assert!(ice.remotes.len() <= MAX_CANDIDATES && ice.pairs.len() <= MAX_PAIRS);
    assert!(ice.datagrams.len() <= WAITING && ice.triggered.len() <= 5_000);
    let mut sent = 0;
    let mut now = Instant::ZERO;
    while ice.next_datagram().is_some() {}
    for _ in 0..100 {
        now += Duration::from_millis(10);
        ice.tick(now);
        while ice.next_datagram().is_some() {
            sent += 1;
        }
    }
    assert!(sent <= 25, "{sent} checks in a second are more than one each 50 ms");
}

#[test]
fn a_stun_server_tells_another_candidate() {
    let mut ours = plan(1, 2, IceRole::Controlling);
    let server = at(53, 3_478);
    ours.stun_server = Some(server);
    let mut ice = Ice::new(Instant::ZERO, &ours, Entropy::from_number(12));
    ice.tick(Instant::ZERO);
    let mut asked = 0;
    while let Some((flow, datagram)) = ice.next_datagram() {
        if flow.remote == server {
            asked += 1;
            let question = Message::parse(&datagram).unwrap();
            let answer = MessageWriter::new(Class::Success, question.transaction()).mapped(at(200, 61_000));
            ice.receive(Instant::ZERO, flow, &answer.fingerprinted());
        }
    }
    ice.tick(Instant::ZERO);
    let events: Vec<_> = std::iter::from_fn(|| ice.next_event()).collect();
    let expected = Candidate::server_reflexive(at(200, 61_000), at(1, 4_000), 65_535);
    assert_eq!((asked, events), (1, vec![IceEvent::Candidate(expected), IceEvent::Gathered]));
}

proptest! {
    #[test]
    fn no_bytes_from_a_stranger_disturb_it(datagrams in vec(vec(any::<u8>(), 0..120), 0..20)) {
        let mut ice = Ice::new(Instant::ZERO, &plan(1, 2, IceRole::Controlling), Entropy::from_number(13));
        let before = format!("{ice:?}");
        for datagram in &datagrams {
            ice.receive(Instant::ZERO, UdpFlow { local: at(1, 4_000), remote: at(2, 4_000) }, datagram);
        }
        prop_assert_eq!(format!("{ice:?}"), before);
    }
}
