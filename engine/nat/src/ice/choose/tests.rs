#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used)]

use std::net::SocketAddr;

use rove_base::{Candidate, Entropy, IceCredentials, IcePlan, IceRole};

use super::*;
use crate::ice::IceEvent;

fn at(net: u8, host: u8) -> SocketAddr {
    ([10, 0, net, host], 4_000).into()
}

/// What one of three networks is like, one way.
#[derive(Clone, Copy)]
struct Road {
    loss: f64,
    delay: u64,
}

const GOOD: Road = Road { loss: 0.0, delay: 20 };

/// Ends with addresses in three networks that do not know each other, in the order of their priorities; the far end's last one
/// is lent by a relay.
fn plan(host: u8, other: u8, role: IceRole) -> IcePlan {
    let credentials = |host: u8| IceCredentials::draw(&mut Entropy::from_number(host.into()));
    let candidates = |host: u8| {
        let mut all: Vec<_> =
            (1..=3).map(|net| Candidate::host(at(net, host), 65_535 - u16::from(net))).collect();
        if host == 2 {
            all[2] = Candidate::relayed(at(3, host), at(1, host), 65_000);
        }
        all
    };
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

fn net(address: SocketAddr) -> usize {
    let std::net::IpAddr::V4(ip) = address.ip() else { return 0 };
    ip.octets()[2].into()
}

/// Which network is nominated, and after how long.
fn nominated(seed: u64, roads: [Road; 3], wish: Option<Wish>) -> (usize, Duration) {
    let plans = [plan(1, 2, IceRole::Controlling), plan(2, 1, IceRole::Controlled)];
    let mut number = 2 * seed;
    let mut ends = plans.map(|plan| {
        number += 1;
        Ice::new(Instant::ZERO, &plan, Entropy::from_number(number))
    });
    wish.into_iter().for_each(|wish| ends[0].wish(wish));
    let (mut now, mut chance) = (Instant::ZERO, Entropy::from_number(seed));
    let mut wire: Vec<(Instant, usize, UdpFlow, Vec<u8>)> = Vec::new();
    for _ in 0..3_000 {
        now += Duration::from_millis(1);
        let due: Vec<_> = wire.extract_if(.., |one| one.0 <= now).collect();
        for (_, to, flow, bytes) in due {
            ends[to].receive(now, flow, &bytes);
        }
        for (from, end) in ends.iter_mut().enumerate() {
            end.tick(now);
            while let Some((flow, bytes)) = end.next_datagram() {
                let (here, there) = (net(flow.local), net(flow.remote));
                let road = roads[here - 1];
                if here == there && chance.unit() >= road.loss {
                    let seen = UdpFlow { local: flow.remote, remote: flow.local };
                    wire.push((now + Duration::from_millis(road.delay), 1 - from, seen, bytes));
                }
            }
            while let Some(event) = end.next_event() {
                if let (0, IceEvent::Selected(flow)) = (from, event) {
                    return (net(flow.local), now.since(Instant::ZERO));
                }
            }
        }
    }
    panic!("nothing was nominated: {ends:?}")
}

const WISH: Wish = Wish { loss: 0.02, delay: None, jitter: None };

#[test]
fn without_a_wish_the_first_way_is_nominated_however_bad_it_is() {
    let bad = Road { loss: 0.1, ..GOOD };
    let first = (0..20).filter(|seed| nominated(*seed, [bad, GOOD, GOOD], None).0 == 1).count();
    assert!(first >= 16, "{first}");
}

#[test]
fn with_a_wish_the_cheapest_way_that_is_good_enough_is_nominated_before_any_media() {
    let bad = Road { loss: 0.2, ..GOOD };
    let (mut second, mut relayed) = (0, 0);
    for seed in 0..40 {
        assert_eq!(nominated(seed, [GOOD; 3], Some(WISH)).0, 1, "nothing is wrong with the first");
        second += usize::from(nominated(seed, [bad, GOOD, GOOD], Some(WISH)).0 == 2);
        let (net, after) = nominated(seed, [bad, bad, GOOD], Some(WISH));
        relayed += usize::from(net == 3);
        assert!(after <= Duration::from_millis(1_800), "{after:?}");
    }
    println!("second {second}, relayed {relayed} of 40");
    assert!(second >= 38 && relayed >= 37, "{second} {relayed}");
}

#[test]
fn a_way_that_takes_longer_than_the_user_wants_is_passed_over() {
    let slow = Road { delay: 200, ..GOOD };
    let wish = |delay| Some(Wish { delay: Some(Duration::from_millis(delay)), ..WISH });
    assert_eq!(nominated(1, [slow, slow, GOOD], wish(150)).0, 3);
    assert_eq!(nominated(1, [slow, slow, GOOD], wish(250)).0, 1);
}

#[test]
fn where_none_is_good_enough_the_one_that_comes_closest_is_nominated() {
    let [bad, worse] = [0.1, 0.4].map(|loss| Road { loss, ..GOOD });
    let closest = (0..20).filter(|seed| nominated(*seed, [worse, bad, worse], Some(WISH)).0 == 2).count();
    assert!(closest >= 18, "{closest}");
}
