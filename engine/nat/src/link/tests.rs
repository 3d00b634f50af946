#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{
    CodecId, CodecPlan, DtlsPlan, DtlsRole, IcePlan, PayloadType, Route, RouteId, RouteKind, UnixTime,
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
