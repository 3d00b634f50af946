#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used)]

use std::net::SocketAddr;

use rove_base::{Candidate, Entropy, IceCredentials, IcePlan, IceRole};

use super::*;

fn at(net: u8, host: u8) -> SocketAddr {
    ([10, 0, net, host], 4_000).into()
}

/// An end with an address in each of two networks that do not know each other.
fn plan(host: u8, other: u8, role: IceRole) -> IcePlan {
    let credentials = |host: u8| IceCredentials::draw(&mut Entropy::from_number(host.into()));
    let candidates = |host| vec![Candidate::host(at(1, host), 65_535), Candidate::host(at(2, host), 65_534)];
    IcePlan {
        local: credentials(host),
        remote: credentials(other),
        local_candidates: candidates(host),
        remote_candidates: candidates(other),
        complete: true,
        role,
        lite_peer: false,
        stun_server: None,
    }
}

struct World {
    now: Instant,
    ends: [Ice; 2],
    events: [Vec<IceEvent>; 2],
    wire: Vec<(Instant, usize, UdpFlow, Vec<u8>)>,
    /// Networks that carry nothing.
    cut: Vec<u8>,
    sent: usize,
}

fn net(address: SocketAddr) -> u8 {
    let std::net::IpAddr::V4(ip) = address.ip() else { return 0 };
    ip.octets()[2]
}

impl World {
    fn new() -> Self {
        let plans = [plan(1, 2, IceRole::Controlling), plan(2, 1, IceRole::Controlled)];
        let mut seed = 0;
        let ends = plans.map(|plan| {
            seed += 1;
            Ice::new(Instant::ZERO, &plan, Entropy::from_number(seed))
        });
        Self {
            now: Instant::ZERO,
            ends,
            events: Default::default(),
            wire: Vec::new(),
            cut: Vec::new(),
            sent: 0,
        }
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now += Duration::from_millis(5);
            let due: Vec<_> = self.wire.extract_if(.., |one| one.0 <= self.now).collect();
            for (_, to, flow, bytes) in due {
                self.ends[to].receive(self.now, flow, &bytes);
            }
            for from in 0..2 {
                self.ends[from].tick(self.now);
                while let Some((flow, bytes)) = self.ends[from].next_datagram() {
                    self.sent += 1;
                    let (here, there) = (net(flow.local), net(flow.remote));
                    if here == there && !self.cut.contains(&here) {
                        let seen = UdpFlow { local: flow.remote, remote: flow.local };
                        self.wire.push((self.now + Duration::from_millis(20), 1 - from, seen, bytes));
                    }
                }
                while let Some(event) = self.ends[from].next_event() {
                    self.events[from].push(event);
                }
            }
        }
    }
}

const fn flow(net: u8, here: u8, there: u8) -> UdpFlow {
    const fn at(net: u8, host: u8) -> SocketAddr {
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, net, host)), 4_000)
    }
    UdpFlow { local: at(net, here), remote: at(net, there) }
}

#[test]
fn a_way_that_is_not_used_is_told_as_a_spare_as_long_as_it_is_answered() {
    let mut world = World::new();
    world.run(Duration::from_secs(5));
    for (end, (here, there)) in [(0, (1, 2)), (1, (2, 1))] {
        assert_eq!(world.ends[end].selected(), Some(flow(1, here, there)));
        let spare = IceEvent::Spare(flow(2, here, there), RouteKind::Other);
        assert!(world.events[end].contains(&spare), "{:?}", world.events[end]);
    }
    world.cut = vec![2];
    world.run(Duration::from_secs(20));
    let gone = IceEvent::SpareGone(flow(2, 1, 2));
    assert_eq!(world.events[0].iter().filter(|event| **event == gone).count(), 1);
    world.cut.clear();
    world.run(Duration::from_secs(20));
    let spare = IceEvent::Spare(flow(2, 1, 2), RouteKind::Other);
    assert_eq!(world.events[0].iter().filter(|event| **event == spare).count(), 2, "it is there again");
    let (before, sent) = (world.now, world.sent);
    world.run(Duration::from_secs(100));
    let each = (world.sent - sent) as f64 / world.now.since(before).as_secs_f64() / 2.0;
    assert!(each < 6.0, "datagrams a second, checks and answers: {each}");
}

#[test]
fn media_that_moved_to_a_spare_keeps_its_consent_though_the_way_before_is_dead() {
    let mut world = World::new();
    world.run(Duration::from_secs(5));
    world.cut = vec![1];
    for (end, (here, there)) in [(0, (1, 2)), (1, (2, 1))] {
        world.ends[end].follow(world.now, flow(2, here, there));
    }
    world.run(Duration::from_secs(90));
    for (end, (here, there)) in [(0, (1, 2)), (1, (2, 1))] {
        assert_eq!(world.ends[end].selected(), Some(flow(2, here, there)));
        assert!(!world.events[end].contains(&IceEvent::ConsentLost));
    }
}

#[test]
fn one_end_alone_moves_and_the_other_stays_where_it_was() {
    let mut world = World::new();
    world.run(Duration::from_secs(5));
    let now = world.now;
    world.ends[0].follow(now, flow(2, 1, 2));
    world.run(Duration::from_secs(60));
    assert_eq!(world.ends[0].selected(), Some(flow(2, 1, 2)));
    assert_eq!(world.ends[1].selected(), Some(flow(1, 2, 1)));
    assert!(world.ends[0].hears(&flow(1, 1, 2)), "what the other sends the old way is heard");
    assert_eq!(world.ends[0].kind(flow(1, 1, 2)), RouteKind::Direct);
}
