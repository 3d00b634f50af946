#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{
    CodecId, CodecPlan, DtlsPlan, DtlsRole, Entropy, Fingerprint, IceCredentials, IcePlan, IceRole,
    MediaPlanBuilder, PayloadType, RouteId, RouteKind, SrtpProfile,
};

use super::*;
use crate::demux::Kind;

const fn flow(local: u16, remote: u16) -> UdpFlow {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    UdpFlow { local: SocketAddr::new(HERE, local), remote: SocketAddr::new(HERE, remote) }
}

const TOLD: UdpFlow = flow(4_000, 5_000);
const ELSEWHERE: UdpFlow = flow(4_000, 61_000);
const STRANGER: UdpFlow = flow(4_000, 6_666);

fn plan() -> MediaPlanBuilder {
    let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::from_header(0));
    let route = Route { id: RouteId(0), kind: RouteKind::Direct, rtp: TOLD, rtcp: TOLD };
    MediaPlan::builder(codec, "a").route(route)
}

fn first() -> FirstNumbers {
    FirstNumbers::draw(&mut Entropy::from_number(1))
}

fn keys(ours: u8, theirs: u8) -> SrtpKeys {
    SrtpKeys::new(SrtpProfile::AeadAes128Gcm, &[ours; 28], &[theirs; 28]).unwrap()
}

/// What the peer sends with its keys.
struct Peer(Shield, u16);

impl Peer {
    fn new() -> Self {
        Self(Shield::new(&keys(2, 1), &first()).unwrap(), 0)
    }

    fn packet(&mut self) -> Vec<u8> {
        let mut scratch = Scratch::default();
        self.1 += 1;
        let [s0, s1] = self.1.to_be_bytes();
        let span = scratch.push(&[&[0x80, 0, s0, s1, 0, 0, 0, 0, 9, 9, 9, 9], &[0x7f; 160][..]].concat());
        let span = self.0.protect(Kind::Rtp, &mut scratch, span).unwrap();
        scratch.get(span).to_vec()
    }
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

#[test]
fn clear_packets_of_strangers_are_refused_and_move_nothing() {
    let mut gate = Gate::new(&plan().build().unwrap(), &first()).unwrap();
    let packet = [0x80; 172];
    assert_eq!(gate.open(&TOLD, &packet, at(0)), Ok((RouteId(0), Carries::Both, &packet[..])));
    for millis in (0..10_000).step_by(20) {
        assert_eq!(gate.open(&STRANGER, &packet, at(millis)), Err(Shut::Stranger));
    }
    assert_eq!(gate.route().rtp, TOLD);
}

#[test]
fn the_peer_is_followed_by_its_authentic_packets_alone() {
    let mut gate = Gate::new(&plan().srtp(keys(1, 2)).build().unwrap(), &first()).unwrap();
    let mut peer = Peer::new();
    let forged = [0x80; 188];
    assert_eq!(gate.open(&ELSEWHERE, &forged, at(0)), Err(Shut::Stranger));
    assert_eq!(gate.route().rtp, TOLD);
    let packet = peer.packet();
    assert!(gate.open(&ELSEWHERE, &packet, at(20)).is_ok());
    assert_eq!(gate.route().rtp, ELSEWHERE, "the peer is behind a NAT");
    assert!(matches!(gate.open(&STRANGER, &packet, at(2_000)), Err(Shut::Stranger)), "a replay");
    assert_eq!(gate.route().rtp, ELSEWHERE);
}

#[test]
fn a_late_packet_by_the_way_before_does_not_turn_back() {
    let mut gate = Gate::new(&plan().srtp(keys(1, 2)).build().unwrap(), &first()).unwrap();
    let mut peer = Peer::new();
    let (one, late, other, last) = (peer.packet(), peer.packet(), peer.packet(), peer.packet());
    assert!(gate.open(&TOLD, &one, at(0)).is_ok());
    assert!(gate.open(&ELSEWHERE, &other, at(600)).is_ok());
    assert!(gate.open(&TOLD, &late, at(610)).is_ok(), "it is heard all the same");
    assert_eq!(gate.route().rtp, ELSEWHERE);
    assert!(gate.open(&TOLD, &last, at(2_000)).is_ok());
    assert_eq!(gate.route().rtp, TOLD, "the peer came back");
}

#[test]
fn where_keys_are_agreed_on_in_the_path_all_is_shut_before() {
    let dtls = DtlsPlan { role: DtlsRole::Passive, fingerprint: Fingerprint([0; 32]) };
    let mut gate = Gate::new(&plan().dtls(dtls).build().unwrap(), &first()).unwrap();
    let mut peer = Peer::new();
    let packet = peer.packet();
    assert!(!gate.is_open());
    assert_eq!(gate.open(&TOLD, &packet, at(0)), Err(Shut::Early));
    gate.secure(&keys(1, 2), at(0));
    assert!(gate.is_open() && gate.open(&TOLD, &packet, at(0)).is_ok());
    assert_eq!(gate.open(&TOLD, &[0x80; 172], at(0)), Err(Shut::Protected(SrtpError::Forged)));
}

#[test]
fn where_a_way_is_looked_for_packets_leave_only_where_it_was_found() {
    let mut entropy = Entropy::from_number(2);
    let [local, remote] = [0; 2].map(|_| IceCredentials::draw(&mut entropy));
    let ice = IcePlan {
        local,
        remote,
        local_candidates: Vec::new(),
        remote_candidates: Vec::new(),
        complete: false,
        role: IceRole::Controlled,
        lite_peer: false,
        stun_server: None,
    };
    let mut gate = Gate::new(&plan().srtp(keys(1, 2)).ice(ice).build().unwrap(), &first()).unwrap();
    assert!(!gate.is_open());
    gate.lead(at(1), Some(ELSEWHERE));
    assert_eq!((gate.is_open(), gate.route().rtp, gate.route().rtcp), (true, ELSEWHERE, ELSEWHERE));
    let packet = Peer::new().packet();
    assert!(gate.open(&TOLD, &packet, at(5_000)).is_ok());
    assert_eq!(gate.route().rtp, ELSEWHERE, "checks find the way, packets do not");
    gate.lead(at(1), None);
    assert!(!gate.is_open());
}

#[test]
fn forged_packets_harm_no_call() {
    let forgeries = if std::env::var_os("ROVE_PROVE").is_some() { 1_000_000 } else { 10_000 };
    let mut gate = Gate::new(&plan().srtp(keys(1, 2)).build().unwrap(), &first()).unwrap();
    let (mut peer, mut chance) = (Peer::new(), Entropy::from_number(3));
    // The newest packet of the peer that did not arrive yet: what is made of it may pass for it in all but its seal.
    let mut genuine = peer.packet();
    let mut heard = 0;
    for n in 0..forgeries {
        let mut forged = genuine.clone();
        let bit = chance.next_u32() as usize % (forged.len() * 8);
        forged[bit / 8] ^= 1 << (bit % 8);
        let from = if n % 2 == 0 { TOLD } else { STRANGER };
        assert!(gate.open(&from, &forged, at(n / 50)).is_err(), "bit {bit}");
        if n % 100 == 0 {
            heard += u64::from(gate.open(&TOLD, &genuine, at(n / 50)).is_ok());
            genuine = peer.packet();
        }
    }
    assert_eq!((heard, gate.route().rtp), (forgeries.div_ceil(100), TOLD));
}

/// The gate of a running call, and what re-keys it from `before` to `after`.
fn rekeyed(gate: &mut Gate, before: SrtpKeys, after: SrtpKeys, now: Instant) -> Rekey {
    let [before, after] = [before, after].map(|keys| plan().srtp(keys).build().unwrap());
    let mut rekey = Rekey::new(&before, &after).unwrap();
    gate.rekey(&mut rekey, now);
    rekey
}

#[test]
fn packets_under_the_key_before_are_heard_for_five_seconds_after_a_change_of_keys() {
    let mut gate = Gate::new(&plan().srtp(keys(1, 2)).build().unwrap(), &first()).unwrap();
    let mut old = Peer::new();
    let [one, late, later] = [0; 3].map(|_| old.packet());
    assert!(gate.open(&TOLD, &one, at(0)).is_ok());
    rekeyed(&mut gate, keys(1, 2), keys(1, 4), at(1_000));
    let mut new = Peer(Shield::new(&keys(4, 1), &first()).unwrap(), 100);
    assert!(gate.open(&TOLD, &new.packet(), at(1_100)).is_ok());
    assert!(gate.open(&TOLD, &late, at(1_200)).is_ok());
    assert!(gate.open(&TOLD, &late, at(1_300)).is_err(), "once");
    assert_eq!(gate.open(&TOLD, &later, at(6_100)), Err(Shut::Protected(SrtpError::Forged)));
    assert!(gate.open(&TOLD, &new.packet(), at(6_200)).is_ok());
}

#[test]
fn a_key_that_stays_counts_on_and_never_uses_a_number_twice() {
    let mut gate = Gate::new(&plan().srtp(keys(1, 2)).build().unwrap(), &first()).unwrap();
    let mut scratch = Scratch::default();
    let packet = [&[0x80, 0, 0, 7, 0, 0, 0, 0, 5, 5, 5, 5], &[0x7f; 160][..]].concat();
    let mut send = |gate: &mut Gate| {
        let range = scratch.push(&packet);
        let transmit = Transmit { flow: rove_base::Flow::Udp(TOLD), range, dscp: rove_base::Dscp::EF };
        gate.protect(transmit, &mut scratch).is_some()
    };
    assert!(send(&mut gate));
    rekeyed(&mut gate, keys(1, 2), keys(1, 4), at(0));
    assert!(!send(&mut gate), "the same number under the same key");
    rekeyed(&mut gate, keys(1, 4), keys(3, 4), at(10));
    assert!(!send(&mut gate), "the numbers go on under another key, too");
}

#[test]
fn rollover_counters_go_on_under_another_key_and_a_peer_that_begins_anew_is_understood() {
    let long = FirstNumbers { rollover: 3, ..first() };
    for anew in [false, true] {
        let mut gate = Gate::new(&plan().srtp(keys(1, 2)).build().unwrap(), &long).unwrap();
        let mut old = Peer(Shield::new(&keys(2, 1), &long).unwrap(), 60_000);
        assert!(gate.open(&TOLD, &old.packet(), at(0)).is_ok());
        rekeyed(&mut gate, keys(1, 2), keys(1, 4), at(10));
        let numbers = if anew { first() } else { long };
        let mut new = Peer(Shield::new(&keys(4, 1), &numbers).unwrap(), 60_001);
        for n in 0..10 {
            assert!(gate.open(&TOLD, &new.packet(), at(20 + n)).is_ok(), "anew: {anew}");
        }
        assert_eq!(gate.open(&TOLD, &[0x80; 172], at(40)), Err(Shut::Protected(SrtpError::Forged)));
    }
}

#[test]
fn a_call_in_clear_is_protected_from_the_moment_that_keys_are_agreed_on() {
    let clear = plan().build().unwrap();
    let mut gate = Gate::new(&clear, &first()).unwrap();
    let mut rekey = Rekey::new(&clear, &plan().srtp(keys(1, 2)).build().unwrap()).unwrap();
    gate.rekey(&mut rekey, at(0));
    assert!(gate.open(&TOLD, &[0x80; 172], at(0)).is_err());
    assert!(gate.open(&TOLD, &Peer::new().packet(), at(0)).is_ok());
    let dtls = DtlsPlan { role: DtlsRole::Passive, fingerprint: Fingerprint([0; 32]) };
    let mut gate = Gate::new(&clear, &first()).unwrap();
    gate.rekey(&mut Rekey::new(&clear, &plan().dtls(dtls).build().unwrap()).unwrap(), at(0));
    assert!(!gate.is_open(), "not before the handshake");
}
