#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{
    CodecId, CodecPlan, DtlsPlan, DtlsRole, IceCredentials, IcePlan, IceRole, PayloadType, Route, RouteId,
    RouteKind, UnixTime,
};

use super::*;

fn identity(seed: u64) -> Identity {
    Identity::draw(&mut Entropy::from_number(seed), UnixTime::from_secs(1_800_000_000))
}

const fn flow(here: u8, there: u8) -> UdpFlow {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    const fn at(host: u8) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)), 4_000)
    }
    UdpFlow { local: at(here), remote: at(there) }
}

fn plan(here: u8, there: u8, ice: bool) -> MediaPlan {
    let (role, decides) = if here < there {
        (DtlsRole::Active, IceRole::Controlled)
    } else {
        (DtlsRole::Passive, IceRole::Controlling)
    };
    let way = flow(here, there);
    let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::new(0).unwrap());
    let fingerprint = identity(there.into()).fingerprint();
    let plan = MediaPlan::builder(codec, "a")
        .route(Route { id: RouteId(0), kind: RouteKind::Direct, rtp: way, rtcp: way })
        .dtls(DtlsPlan { role, fingerprint });
    let plan = if ice {
        plan.ice(IcePlan {
            local: IceCredentials::draw(&mut Entropy::from_number(here.into())),
            remote: IceCredentials::draw(&mut Entropy::from_number(there.into())),
            local_candidates: vec![Candidate::host(way.local, 65_535)],
            remote_candidates: vec![Candidate::host(way.remote, 65_535)],
            complete: true,
            role: decides,
            lite_peer: false,
            stun_server: None,
        })
    } else {
        plan
    };
    plan.build().unwrap()
}

fn run(ice: bool, loss: f64, seed: u64, patience: Duration) -> [Vec<LinkEvent>; 2] {
    let mut chance = Entropy::from_number(seed);
    let mut now = Now::default();
    let mut links = [(1, 2), (2, 1)].map(|(here, there)| {
        let entropy = Entropy::from_number(seed + u64::from(here));
        Link::new(now, &plan(here, there, ice), Some(&identity(here.into())), entropy).unwrap().unwrap()
    });
    let mut told = [Vec::new(), Vec::new()];
    while now.mono < Instant::ZERO + patience {
        for end in 0..2 {
            let mut scratch = Scratch::default();
            links[end].tick(now);
            loop {
                match links[end].poll(&mut scratch) {
                    Step::Event(event) => told[end].push(event),
                    Step::Send(transmit) => {
                        let Flow::Udp(way) = transmit.flow else { unreachable!() };
                        let back = UdpFlow { local: way.remote, remote: way.local };
                        let bytes = scratch.get(transmit.range);
                        let input = if bytes[0] < 4 {
                            LinkInput::Stun { flow: back, bytes }
                        } else {
                            LinkInput::Dtls { flow: back, bytes }
                        };
                        if chance.unit() >= loss {
                            links[1 - end].handle(now, input);
                        }
                    }
                    _ => break,
                }
            }
        }
        now = now.later(Duration::from_millis(5));
    }
    told
}

fn keys(told: &[LinkEvent]) -> Option<&SrtpKeys> {
    told.iter().find_map(|event| if let LinkEvent::Secured(keys) = event { Some(keys) } else { None })
}

#[test]
fn a_way_is_found_and_then_keys_for_it() {
    for (ice, loss, patience) in [(true, 0.0, 1), (true, 0.3, 30), (false, 0.0, 1), (false, 0.3, 30)] {
        for seed in 0..10 {
            let told = run(ice, loss, seed, Duration::from_secs(patience));
            let what = format!("ice {ice}, loss {loss}, seed {seed}: {told:?}");
            let [Some(one), Some(other)] = [keys(&told[0]), keys(&told[1])] else { panic!("{what}") };
            assert_eq!((one.send(), one.receive()), (other.receive(), other.send()), "{what}");
            assert!(told[0].contains(&LinkEvent::Selected(flow(1, 2))), "{what}");
        }
    }
}

#[test]
fn a_handshake_is_heard_only_where_connectivity_was_proven() {
    let now = Now::default();
    let mut link =
        Link::new(now, &plan(2, 1, true), Some(&identity(2)), Entropy::from_number(1)).unwrap().unwrap();
    let mut stranger =
        Link::new(now, &plan(1, 2, false), Some(&identity(1)), Entropy::from_number(2)).unwrap().unwrap();
    let mut scratch = Scratch::default();
    let Step::Send(hello) = stranger.poll(&mut scratch) else { panic!("no hello") };
    let bytes = scratch.get(hello.range).to_vec();
    link.handle(now, LinkInput::Dtls { flow: flow(2, 66), bytes: &bytes });
    link.handle(now, LinkInput::Dtls { flow: flow(2, 1), bytes: &bytes });
    assert!(!link.hears(&flow(2, 1)));
    assert!(matches!(link.poll(&mut Scratch::default()), Step::Wait(_)), "no answer");
}

#[test]
fn there_is_no_link_where_media_is_all_and_none_without_an_identity() {
    let way = flow(1, 2);
    let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::new(0).unwrap());
    let route = Route { id: RouteId(0), kind: RouteKind::Direct, rtp: way, rtcp: way };
    let plain = MediaPlan::builder(codec, "a").route(route).build().unwrap();
    assert!(Link::new(Now::default(), &plain, None, Entropy::from_number(1)).unwrap().is_none());
    let asked = Link::new(Now::default(), &plan(1, 2, false), None, Entropy::from_number(1));
    assert_eq!(asked.err(), Some(NoIdentity));
}

/// Two ends that are driven by hand.
struct Pair {
    now: Now,
    links: [Link; 2],
    told: [Vec<LinkEvent>; 2],
}

impl Pair {
    fn new(plans: [&MediaPlan; 2]) -> Self {
        let now = Now::default();
        let links = [0, 1].map(|end| {
            let entropy = Entropy::from_number(70 + end as u64);
            Link::new(now, plans[end], Some(&identity(end as u64 + 1)), entropy).unwrap().unwrap()
        });
        Self { now, links, told: [Vec::new(), Vec::new()] }
    }

    fn relink(&mut self, end: usize, before: &MediaPlan, after: &MediaPlan) {
        let entropy = Entropy::from_number(90 + end as u64);
        // The second certificate of each.
        let identity = identity(end as u64 + 11);
        let mut relink = Relink::new(self.now, before, after, Some(&identity), entropy).unwrap();
        self.links[end].relink(self.now, &mut relink);
    }

    fn run(&mut self, time: Duration) {
        let until = self.now.mono + time;
        while self.now.mono < until {
            for end in 0..2 {
                let mut scratch = Scratch::default();
                self.links[end].tick(self.now);
                loop {
                    match self.links[end].poll(&mut scratch) {
                        Step::Event(event) => self.told[end].push(event),
                        Step::Send(transmit) => {
                            let Flow::Udp(way) = transmit.flow else { unreachable!() };
                            let flow = UdpFlow { local: way.remote, remote: way.local };
                            let bytes = scratch.get(transmit.range);
                            let input = match bytes[0] < 4 {
                                true => LinkInput::Stun { flow, bytes },
                                false => LinkInput::Dtls { flow, bytes },
                            };
                            self.links[1 - end].handle(self.now, input);
                        }
                        _ => break,
                    }
                }
            }
            self.now = self.now.later(Duration::from_millis(5));
        }
    }

    fn keys(&self, end: usize) -> Vec<SrtpKeys> {
        let keys = self.told[end].iter().filter_map(|event| match event {
            LinkEvent::Secured(keys) => Some(keys.clone()),
            _ => None,
        });
        keys.collect()
    }
}

/// `plan` with another certificate of the peer's, and with other credentials of both where there are checks.
fn renewed(here: u8, there: u8, ice: bool, restart: bool) -> MediaPlan {
    let before = plan(here, there, ice);
    let Security::Dtls(dtls) = *before.security() else { unreachable!() };
    let fingerprint = identity(u64::from(there) + 10).fingerprint();
    let builder = MediaPlan::builder(*before.codec(), "a")
        .route(before.routes()[0])
        .dtls(DtlsPlan { fingerprint, ..dtls });
    let Some(ice) = before.ice().cloned() else { return builder.build().unwrap() };
    let draw = |host: u8| IceCredentials::draw(&mut Entropy::from_number(u64::from(host) + 30));
    let ice = if restart { IcePlan { local: draw(here), remote: draw(there), ..ice } } else { ice };
    builder.ice(ice).build().unwrap()
}

#[test]
fn another_certificate_makes_another_handshake_and_other_keys_with_and_without_a_restart_of_the_checks() {
    for (ice, restart) in [(false, false), (true, false), (true, true)] {
        let before = [plan(1, 2, ice), plan(2, 1, ice)];
        let after = [renewed(1, 2, ice, restart), renewed(2, 1, ice, restart)];
        let mut pair = Pair::new([&before[0], &before[1]]);
        pair.run(Duration::from_secs(2));
        assert_eq!((pair.keys(0).len(), pair.keys(1).len()), (1, 1));
        // Who answers knows first.
        pair.relink(1, &before[1], &after[1]);
        pair.run(Duration::from_millis(30));
        pair.relink(0, &before[0], &after[0]);
        pair.run(Duration::from_secs(10));
        let what = format!("ice {ice}, restart {restart}: {:?}", pair.told);
        let [ours, theirs] = [pair.keys(0), pair.keys(1)];
        assert_eq!((ours.len(), theirs.len()), (2, 2), "{what}");
        assert_ne!(ours[0], ours[1], "{what}");
        assert_eq!((ours[1].send(), ours[1].receive()), (theirs[1].receive(), theirs[1].send()), "{what}");
        assert!(!pair.told.iter().flatten().any(|event| matches!(event, LinkEvent::Failed(_))), "{what}");
    }
}

#[test]
fn another_association_makes_another_handshake_with_the_certificates_that_are_there() {
    for ice in [false, true] {
        let before = [plan(1, 2, ice), plan(2, 1, ice)];
        let mut pair = Pair::new([&before[0], &before[1]]);
        pair.run(Duration::from_secs(2));
        let renew = |pair: &mut Pair, end: usize, number: u32| {
            let plan = &before[end];
            let Security::Dtls(dtls) = *plan.security() else { unreachable!() };
            let after = MediaPlan::builder(*plan.codec(), "a").route(plan.routes()[0]).dtls(dtls);
            let after =
                plan.ice().cloned().into_iter().fold(after.association(number), |after, ice| after.ice(ice));
            let (after, own) = (after.build().unwrap(), identity(end as u64 + 1));
            let entropy = Entropy::from_number(90 + end as u64);
            let mut relink = Relink::new(pair.now, plan, &after, Some(&own), entropy).unwrap();
            pair.links[end].relink(pair.now, &mut relink);
        };
        // The same association, whatever else is told anew: nothing happens.
        [1, 0].into_iter().for_each(|end| renew(&mut pair, end, 0));
        pair.run(Duration::from_secs(2));
        assert_eq!((pair.keys(0).len(), pair.keys(1).len()), (1, 1), "ice {ice}");
        renew(&mut pair, 1, 1);
        pair.run(Duration::from_millis(30));
        renew(&mut pair, 0, 1);
        pair.run(Duration::from_secs(10));
        let what = format!("ice {ice}: {:?}", pair.told);
        let [ours, theirs] = [pair.keys(0), pair.keys(1)];
        assert_eq!((ours.len(), theirs.len()), (2, 2), "{what}");
        assert_ne!(ours[0], ours[1], "{what}");
        assert_eq!((ours[1].send(), ours[1].receive()), (theirs[1].receive(), theirs[1].send()), "{what}");
        assert!(!pair.told.iter().flatten().any(|event| matches!(event, LinkEvent::Failed(_))), "{what}");
    }
}
