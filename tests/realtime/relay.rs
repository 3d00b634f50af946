//! No allocation per packet where media is relayed: in the relay, both where it lends addresses and where it joins calls, and
//! at the end that goes by way of it.

use std::net::SocketAddr;

use rove_base::{
    Candidate, CodecId, CodecPlan, Dscp, Entropy, Flow, IceCredentials, IcePlan, IceRole, Instant, MediaPlan,
    Now, PayloadType, Route, RouteId, RouteKind, Scratch, Step, Transmit, UdpFlow, UnixTime,
};
use rove_nat::{
    Lent, Link,
    turn::{TurnClient, TurnCredentials},
};
use rove_relay::{
    accounts::Accounts,
    calls::{self, Answer, CallLimits, Calls, Secret, Ticket, Word},
    desks::Desk,
    policy::Policy,
    turn::{RelayAddress, RelayPort, TurnConfig, TurnEvent, TurnLimits, TurnServer},
};

use crate::guard::no_alloc;

const PACKETS: u32 = 100_000;
const PACKET: [u8; 172] = [0x80; 172];

fn at(host: u8, port: u16) -> SocketAddr {
    ([192, 0, 2, host], port).into()
}

fn now() -> Now {
    Now { mono: Instant::from_nanos(7_000_000_000), wall: UnixTime::from_secs(1_800_000_000) }
}

/// What leaves, one after the other.
fn drain(server: &mut TurnServer, mut each: impl FnMut(Transmit)) {
    while let Step::Send(transmit) = server.poll() {
        each(transmit);
    }
}

/// A server, a client with an address there, and a peer that it has let in.
struct Scene {
    server: TurnServer,
    client: TurnClient,
    port: RelayPort,
    scratch: Scratch,
}

const CLIENT: u8 = 1;
const SERVER: u8 = 2;
const PEER: u8 = 3;

impl Scene {
    fn new() -> Self {
        let mut accounts = Accounts::new("r");
        accounts.add_user("me", "of-me");
        let config = TurnConfig {
            accounts,
            policy: Policy::new(vec!["192.0.2.0/24".parse().unwrap()], Vec::new()),
            addresses: vec![RelayAddress::from(at(SERVER, 0).ip())],
            ports: 50_000..=50_009,
            own: vec![at(SERVER, 3_478)],
            limits: TurnLimits::default(),
            dscp: Dscp::DEFAULT,
        };
        let mut server = TurnServer::new(config, Entropy::from_number(1));
        let credentials = TurnCredentials { user: "me".into(), password: "of-me".to_owned().into() };
        let mut client = TurnClient::new(now().mono, credentials, Entropy::from_number(2));
        let (mut scratch, mut port) = (Scratch::with_capacity(65_536), None);
        let mut asked = false;
        while client.channel(at(PEER, 9)).is_none() {
            if client.relayed().is_some() && !asked {
                asked = client.reach(now().mono, at(PEER, 9));
            }
            let question = client.next_datagram(now().mono).expect("a question until it is answered");
            server.datagram(now(), Self::way(), &question, &mut scratch);
            loop {
                match server.poll() {
                    Step::Send(transmit) => {
                        client.receive(now().mono, scratch.get(transmit.range));
                    }
                    Step::Event(TurnEvent::Bind { port: lent, .. }) => {
                        port = Some(lent);
                        server.bound(now(), lent, true, &mut scratch);
                    }
                    _ => break,
                }
            }
        }
        Self { server, client, port: port.unwrap(), scratch }
    }

    /// As the server sees it.
    fn way() -> UdpFlow {
        UdpFlow { local: at(SERVER, 3_478), remote: at(CLIENT, 4_000) }
    }
}

#[test]
fn a_relay_that_lends_addresses_allocates_nothing_per_packet() {
    let Scene { mut server, client, port, mut scratch } = Scene::new();
    let mut outward = Vec::new();
    assert!(client.write(at(PEER, 9), &PACKET, &mut outward));
    let mut passed = 0_u32;
    let mut round = |passed: &mut u32| {
        scratch.clear();
        server.datagram(now(), Scene::way(), &outward, &mut scratch);
        server.peer_sent(now(), port, at(PEER, 9), &PACKET, &mut scratch);
        drain(&mut server, |transmit| {
            let Flow::Udp(flow) = transmit.flow else { return };
            let len = if flow.remote == at(PEER, 9) { 172 } else { 176 };
            *passed += u32::from(scratch.get(transmit.range).len() == len);
        });
    };
    round(&mut passed);
    no_alloc(|| (1..PACKETS).for_each(|_| round(&mut passed)));
    assert_eq!(passed, 2 * PACKETS);
}

fn secret() -> Secret {
    Secret::new(b"of the test")
}

/// Both ends of a call, as the server sees them.
fn flows() -> [UdpFlow; 2] {
    [1, 3].map(|host| UdpFlow { local: at(SERVER, 3_478), remote: at(host, 4_000) })
}

/// One end says hello and shows its challenge.
fn enter(server: &mut Calls, flow: UdpFlow, leg: calls::Leg, scratch: &mut Scratch) {
    let pair = calls::pair(b"a", b"b");
    let grant = secret().grant(Ticket { call: [7; 16], pair, leg, expires: u32::MAX });
    let mut challenge = [0; 8];
    for _ in 0..2 {
        assert!(server.datagram(now(), flow, &grant.write(Word::Hello, challenge), scratch));
        let Step::Send(answer) = server.poll() else { panic!("no answer") };
        if let Some(Answer::Challenge(told)) = Answer::parse(scratch.get(answer.range)) {
            challenge = told;
        }
    }
}

#[test]
fn a_relay_that_joins_calls_allocates_nothing_per_packet() {
    let mut server = Calls::new(vec![secret()], CallLimits::default());
    let mut scratch = Scratch::with_capacity(65_536);
    let flows = flows();
    for (flow, leg) in flows.into_iter().zip([calls::Leg::Caller, calls::Leg::Callee]) {
        enter(&mut server, flow, leg, &mut scratch);
    }
    let mut passed = 0_u32;
    let mut round = |passed: &mut u32| {
        scratch.clear();
        for flow in flows {
            assert!(server.datagram(now(), flow, &PACKET, &mut scratch));
        }
        while let Step::Send(transmit) = server.poll() {
            *passed += u32::from(scratch.get(transmit.range) == PACKET);
        }
    };
    round(&mut passed);
    no_alloc(|| (1..PACKETS).for_each(|_| round(&mut passed)));
    assert_eq!(passed, 2 * PACKETS);
}

#[test]
fn a_relay_at_two_desks_allocates_nothing_per_packet_nor_tells_anything_of_it() {
    let desk = |index| {
        Calls::new(vec![secret()], CallLimits::default())
            .among(Desk::new(index, 2).expect("one of two desks"))
    };
    let (mut desks, mut scratch) = ([desk(0), desk(1)], Scratch::with_capacity(65_536));
    let flows = flows();
    for (index, leg) in [calls::Leg::Caller, calls::Leg::Callee].into_iter().enumerate() {
        let [first, second] = &mut desks;
        let (own, other) = if index == 0 { (first, second) } else { (second, first) };
        enter(own, flows[index], leg, &mut scratch);
        while let Some(tiding) = own.next_tiding() {
            other.told(now(), &tiding);
        }
    }
    let mut passed = 0_u32;
    let mut round = |passed: &mut u32| {
        scratch.clear();
        for (desk, flow) in desks.iter_mut().zip(flows) {
            assert!(desk.datagram(now(), flow, &PACKET, &mut scratch) && !desk.has_tidings());
            while let Step::Send(transmit) = desk.poll() {
                *passed +=
                    u32::from(scratch.get(transmit.range) == PACKET && transmit.flow != Flow::Udp(flow));
            }
        }
    };
    round(&mut passed);
    no_alloc(|| (1..PACKETS).for_each(|_| round(&mut passed)));
    assert_eq!(passed, 2 * PACKETS);
}

#[test]
fn an_end_that_goes_by_way_of_a_relay_allocates_nothing_per_packet() {
    let Scene { client, .. } = Scene::new();
    let own = at(CLIENT, 4_000);
    let relayed = client.relayed().unwrap();
    let route = UdpFlow { local: own, remote: at(PEER, 9) };
    let credentials = |seed| IceCredentials::draw(&mut Entropy::from_number(seed));
    let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::new(0).unwrap());
    let plan = MediaPlan::builder(codec, "a")
        .route(Route { id: RouteId(0), kind: RouteKind::Direct, rtp: route, rtcp: route })
        .ice(IcePlan {
            local: credentials(1),
            remote: credentials(2),
            local_candidates: vec![Candidate::host(own, 65_535)],
            remote_candidates: Vec::new(),
            complete: false,
            role: IceRole::Controlling,
            lite_peer: false,
            stun_server: None,
        })
        .build()
        .unwrap();
    let mut link = Link::new(now(), &plan, None, Entropy::from_number(3)).unwrap().unwrap();
    let way = UdpFlow { local: own, remote: at(SERVER, 3_478) };
    let mut wire = Vec::new();
    assert!(client.write(at(PEER, 9), &PACKET, &mut wire));
    link.borrow(vec![Lent::new(way, client).unwrap()]);
    let mut scratch = Scratch::with_capacity(65_536);
    let mut passed = 0_u32;
    let mut round = || {
        scratch.clear();
        let flow = Flow::Udp(UdpFlow { local: relayed, remote: at(PEER, 9) });
        let transmit = Transmit { flow, range: scratch.push(&PACKET), dscp: Dscp::EF };
        let outward = link.outward(transmit, &mut scratch).unwrap();
        passed += u32::from(outward.flow == Flow::Udp(way) && scratch.get(outward.range) == wire);
        let (flow, bytes) = link.inward(now().mono, way, &wire).unwrap();
        passed += u32::from(flow == UdpFlow { local: relayed, remote: at(PEER, 9) } && bytes == PACKET);
    };
    no_alloc(|| (0..PACKETS).for_each(|_| round()));
    assert_eq!(passed, 2 * PACKETS);
}
