//! Two phones that cannot reach each other, and the server that both can: how they find a way, agree on keys, and are gone.

use rove_base::{
    Candidate, CodecId, CodecPlan, DtlsPlan, DtlsRole, IceCredentials, IcePlan, IceRole, Machine as _,
    MediaPlan, PayloadType, Route, RouteId, RouteKind, UnixTime,
};
use rove_nat::{
    Lent, Link, LinkEvent, LinkInput,
    dtls::Identity,
    turn::{TurnClient, TurnCredentials, TurnNews},
};

use super::world::*;
use crate::turn::*;

struct Phone {
    here: SocketAddr,
    link: Link,
    told: Vec<LinkEvent>,
    /// Media, by the way it came.
    heard: Vec<(UdpFlow, Vec<u8>)>,
}

struct Call {
    world: World,
    phones: Vec<Phone>,
}

fn at(host: u8) -> SocketAddr {
    ([198, 51, 100, host], 4_000).into()
}

fn identity(host: u8) -> Identity {
    Identity::draw(&mut Entropy::from_number(host.into()), UnixTime::from_secs(WALL))
}

fn plan(here: u8, there: u8, ours: Vec<Candidate>, theirs: Vec<Candidate>) -> MediaPlan {
    let (dtls, role) = if here < there {
        (DtlsRole::Active, IceRole::Controlled)
    } else {
        (DtlsRole::Passive, IceRole::Controlling)
    };
    let way = UdpFlow { local: at(here), remote: at(there) };
    let credentials = |host: u8| IceCredentials::draw(&mut Entropy::from_number(host.into()));
    MediaPlan::builder(CodecPlan::new(CodecId::Pcmu, PayloadType::new(0).unwrap()), "a")
        .route(Route { id: RouteId(0), kind: RouteKind::Direct, rtp: way, rtcp: way })
        .dtls(DtlsPlan { role: dtls, fingerprint: identity(there).fingerprint() })
        .ice(IcePlan {
            local: credentials(here),
            remote: credentials(there),
            local_candidates: ours,
            remote_candidates: theirs,
            complete: true,
            role,
            lite_peer: false,
            stun_server: None,
        })
        .build()
        .unwrap()
}

/// What the server lends a phone.
fn lend(world: &mut World, host: u8) -> (Lent, Candidate) {
    let credentials = TurnCredentials { user: "alice".into(), password: "secret of alice".to_owned().into() };
    let mut client = TurnClient::new(world.now.mono, credentials, Entropy::from_number(host.into()));
    while client.relayed().is_none() {
        let question = client.next_datagram(world.now.mono).expect("it asks until it is answered");
        world.left.clear();
        world.heard(Flow::udp(listen(), at(host)), &question);
        let (_, answer) = world.last().expect("it is answered");
        client.receive(world.now.mono, &answer);
    }
    let Some(TurnNews::Lent { mapped, .. }) = client.news() else { panic!("nothing is lent") };
    assert_eq!(mapped, Some(at(host)));
    let lent = Lent::new(UdpFlow { local: at(host), remote: listen() }, client).unwrap();
    let candidate = lent.candidate(mapped, u16::MAX);
    (lent, candidate)
}

impl Call {
    /// Phones 1 and 2, those with an address at the server that `relayed` says.
    fn new(relayed: [bool; 2]) -> Self {
        let mut config = config();
        let allowed = ["192.0.2.0/24", "198.51.100.0/24"].map(|text| text.parse().unwrap());
        config.policy = Policy::new(allowed.into(), vec![]);
        let mut world = World::new(config);
        let hosts = [101, 102];
        let mut lent = [0, 1].map(|end| relayed[end].then(|| lend(&mut world, hosts[end])));
        let candidates = [0, 1].map(|end| {
            let own = lent[end].as_ref().map(|(_, candidate)| *candidate);
            [Candidate::host(at(hosts[end]), u16::MAX)].into_iter().chain(own).collect::<Vec<_>>()
        });
        let phones = [0, 1].map(|end| {
            let (here, there) = (hosts[end], hosts[1 - end]);
            let plan = plan(here, there, candidates[end].clone(), candidates[1 - end].clone());
            let entropy = Entropy::from_number(u64::from(here) + 7);
            let mut link = Link::new(world.now, &plan, Some(&identity(here)), entropy).unwrap().unwrap();
            link.borrow(lent[end].take().map(|(lent, _)| lent).into_iter().collect());
            Phone { here: at(here), link, told: Vec::new(), heard: Vec::new() }
        });
        world.left.clear();
        Self { world, phones: phones.into() }
    }

    /// Lets time pass, and carries what leaves: never straight from phone to phone.
    fn run(&mut self, time: Duration) {
        let until = self.world.now.mono + time;
        while self.world.now.mono < until {
            for end in 0..self.phones.len() {
                self.phones[end].link.tick(self.world.now);
                self.drain(end);
            }
            self.deliver();
            self.world.now = self.world.now.later(Duration::from_millis(5));
            let now = self.world.now;
            self.world.server.tick(now);
        }
    }

    fn drain(&mut self, end: usize) {
        let mut scratch = Scratch::default();
        loop {
            match self.phones[end].link.poll(&mut scratch) {
                Step::Event(event) => self.phones[end].told.push(event),
                Step::Send(transmit) => self.leaves(end, transmit.flow, scratch.get(transmit.range)),
                _ => return,
            }
        }
    }

    fn leaves(&mut self, end: usize, flow: Flow, bytes: &[u8]) {
        let Flow::Udp(UdpFlow { local, remote }) = flow else { panic!("a stream") };
        assert_eq!(local, self.phones[end].here, "only the phone's own address is on the wire");
        if remote == listen() {
            self.world.heard(Flow::udp(listen(), local), bytes);
        } else if self.world.bound.values().any(|lent| *lent == remote) {
            self.world.peer_sends(local, remote, bytes);
        }
    }

    /// What left the server arrives, at a phone or at another address that it lends.
    fn deliver(&mut self) {
        while !self.world.left.is_empty() {
            for (flow, bytes) in core::mem::take(&mut self.world.left) {
                let Flow::Udp(UdpFlow { local, remote }) = flow else { panic!("a stream") };
                let Some(phone) = self.phones.iter_mut().find(|phone| phone.here == remote) else {
                    self.world.peer_sends(local, remote, &bytes);
                    continue;
                };
                let (now, flow) = (self.world.now, UdpFlow { local: remote, remote: local });
                let Some((flow, bytes)) = phone.link.inward(now.mono, flow, &bytes) else { continue };
                match bytes[0] {
                    0..=3 => phone.link.handle(now, LinkInput::Stun { flow, bytes }),
                    20..=63 => phone.link.handle(now, LinkInput::Dtls { flow, bytes }),
                    _ if phone.link.hears(&flow) => phone.heard.push((flow, bytes.to_vec())),
                    _ => panic!("media from where the peer was never proven to be"),
                }
            }
        }
    }

    fn selected(&self, end: usize) -> Option<UdpFlow> {
        let selected = |event: &LinkEvent| match event {
            LinkEvent::Selected(flow) => Some(*flow),
            _ => None,
        };
        self.phones[end].told.iter().filter_map(selected).next_back()
    }

    /// A packet leaves as the media thread sends it. Answers its bytes on the wire.
    fn says(&mut self, end: usize, packet: &[u8]) -> usize {
        let mut scratch = Scratch::default();
        let flow = Flow::Udp(self.selected(end).unwrap());
        let transmit = Transmit { flow, range: scratch.push(packet), dscp: Dscp::EF };
        let outward = self.phones[end].link.outward(transmit, &mut scratch).unwrap();
        let bytes = scratch.get(outward.range).to_vec();
        self.leaves(end, outward.flow, &bytes);
        bytes.len()
    }
}

#[test]
fn phones_that_cannot_reach_each_other_talk_by_way_of_an_address_that_one_or_both_are_lent() {
    for relayed in [[true, true], [true, false], [false, true]] {
        let mut call = Call::new(relayed);
        call.run(Duration::from_secs(3));
        for end in 0..2 {
            let told = &call.phones[end].told;
            let keys = told.iter().filter(|event| matches!(event, LinkEvent::Secured(_))).count();
            assert_eq!(keys, 1, "{relayed:?}: {told:?}");
            let selected = call.selected(end).unwrap();
            let direct = selected.local == at(101 + end as u8) && selected.remote == at(102 - end as u8);
            assert!(!direct, "{relayed:?}: {selected:?}");
        }
        let packet = [0x80; 172];
        for end in 0..2 {
            let by_relay = call.selected(end).unwrap().local != call.phones[end].here;
            assert_eq!(call.says(end, &packet), if by_relay { 176 } else { 172 });
            call.deliver();
            let (flow, bytes) = call.phones[1 - end].heard.pop().expect("it has come");
            assert_eq!((Some(flow), bytes), (call.selected(1 - end), packet.to_vec()), "{relayed:?}");
        }
    }
}

#[test]
fn an_address_is_kept_as_long_as_the_call_and_given_back_at_its_end() {
    let mut call = Call::new([true, true]);
    call.run(Duration::from_secs(1_500));
    let lost = |event: &LinkEvent| matches!(event, LinkEvent::Failed(_));
    assert!(call.phones.iter().all(|phone| !phone.told.iter().any(lost)));
    assert_eq!(call.world.server.lent(), 2);
    call.says(0, &[0x80; 40]);
    call.deliver();
    assert_eq!(call.phones[1].heard.len(), 1);
    let now = call.world.now;
    call.phones.iter_mut().for_each(|phone| phone.link.handle(now, LinkInput::Close));
    call.run(Duration::from_millis(50));
    assert_eq!((call.world.server.lent(), call.world.bound.len()), (0, 0));
    let farewell = |event: &LinkEvent| *event == LinkEvent::Closed;
    assert!(call.phones.iter().any(|phone| phone.told.iter().any(farewell)), "the last word came before");
}

#[test]
fn what_the_server_did_not_pass_on_is_not_taken_for_the_peers() {
    let mut call = Call::new([true, true]);
    call.run(Duration::from_secs(3));
    let now = call.world.now.mono;
    let from_server = UdpFlow { local: at(101), remote: listen() };
    let elsewhere = UdpFlow { local: at(101), remote: at(66) };
    let data = [&[0x40, 0x00, 0x00, 0x04][..], &[0x80; 4]].concat();
    let unknown = [&[0x4f, 0xff, 0x00, 0x04][..], &[0x80; 4]].concat();
    let link = &mut call.phones[0].link;
    assert!(link.inward(now, from_server, &data).is_some_and(|(flow, _)| flow.local != at(101)));
    for (flow, bytes) in [(elsewhere, &data), (from_server, &unknown)] {
        let (found, passed) = link.inward(now, flow, bytes).unwrap();
        assert_eq!((found, passed), (flow, bytes.as_slice()));
        assert!(!link.hears(&found));
    }
}
