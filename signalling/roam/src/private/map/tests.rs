use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use proptest::{collection::vec, prelude::*};
use rove_base::{ClosedBy, Flow, StreamId, Transport};
use zeroize::Zeroizing;

use super::*;
use crate::{
    Addresses, BindClaim, CancelReason, Challenge, Forwarding, Generation, Profile, Proof, Quintuplet,
    Resynchronisation, Services, Subscription, VisitedNetwork,
};

mod link;
mod operations;

/// Two nodes, or more, and the streams between them, in virtual time. Streams deliver in order after a millisecond.
pub(super) struct World {
    pub(super) now: Now,
    pub(super) nodes: Vec<Node>,
    /// What is under way: when, to whom, what.
    under_way: VecDeque<(Instant, usize, Thing)>,
    /// Each end of a stream: node and its name for it, and the other end.
    ends: BTreeMap<(usize, StreamId), (usize, StreamId)>,
    accepted: u64,
    /// Streams that can not be opened for now.
    pub(super) cut: bool,
    /// Bytes that went over all streams.
    pub(super) wire: Vec<Vec<u8>>,
}

pub(super) struct Node {
    pub(super) map: Map,
    pub(super) name: &'static str,
    pub(super) told: Vec<Told>,
}

enum Thing {
    Connected(StreamId, Option<&'static str>),
    Bytes(StreamId, Vec<u8>),
    Closed(StreamId),
}

pub(super) const HOME: PartnerId = PartnerId(1);
pub(super) const VISITED: PartnerId = PartnerId(2);
const LATENCY: Duration = Duration::from_millis(1);

pub(super) fn partner(id: PartnerId, name: &str, port: Option<u16>) -> Partner {
    Partner {
        id,
        name: name.parse().unwrap(),
        plmn: "00101".parse().unwrap(),
        title: if id == HOME { "491770000001" } else { "33600000002" }.parse().unwrap(),
        address: port.map(|port| ([127, 0, 0, 1], port).into()),
        transport: Transport::Tls,
    }
}

pub(super) fn node(own: PartnerId, other: PartnerId, port: Option<u16>, seed: u64) -> Node {
    let name = |id| if id == HOME { "home.example" } else { "visited.example" };
    let config = MapConfig {
        network: name(own).parse().unwrap(),
        title: partner(own, name(own), None).title,
        point_code: None,
        partners: vec![partner(other, name(other), port)],
    };
    Node { map: Map::new(config, Entropy::from_number(seed)), name: name(own), told: Vec::new() }
}

impl World {
    /// The home listens at port 0, the visited node at port 1; each dials or not.
    pub(super) fn new(home_dials: bool, visited_dials: bool) -> Self {
        let home = node(HOME, VISITED, home_dials.then_some(1), 1);
        let visited = node(VISITED, HOME, visited_dials.then_some(0), 2);
        Self {
            now: Now::default(),
            nodes: vec![home, visited],
            under_way: VecDeque::new(),
            ends: BTreeMap::new(),
            accepted: 1,
            cut: false,
            wire: Vec::new(),
        }
    }

    pub(super) fn up() -> Self {
        let mut world = Self::new(false, true);
        world.run(Duration::from_secs(1));
        assert_eq!(world.nodes[0].told, [Told::Up(VISITED)]);
        assert_eq!(world.nodes[1].told, [Told::Up(HOME)]);
        world.nodes.iter_mut().for_each(|node| node.told.clear());
        world
    }

    /// Lets this much time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now.mono.later(time);
        loop {
            let wakes: Vec<_> = (0..self.nodes.len()).map(|node| self.drain(node)).collect();
            let arrival = self.under_way.iter().map(|(at, ..)| *at).min();
            let next = wakes.into_iter().flatten().chain(arrival).min().unwrap_or(end);
            if next > end {
                break;
            }
            let step = next.since(self.now.mono);
            self.now = self.now.later(step);
            while let Some(at) = self.under_way.iter().position(|(at, ..)| *at <= self.now.mono) {
                let (_, node, thing) = self.under_way.remove(at).unwrap();
                self.deliver(node, thing);
            }
            for node in &mut self.nodes {
                node.map.tick(self.now);
            }
        }
        let rest = end.since(self.now.mono);
        self.now = self.now.later(rest);
    }

    fn deliver(&mut self, node: usize, thing: Thing) {
        let map = &mut self.nodes[node].map;
        let address = ([127, 0, 0, 1], 9).into();
        match thing {
            Thing::Connected(stream, name) => {
                let transport = Transport::Tls;
                map.handle(
                    self.now,
                    Arrival::Connected { stream, local: address, remote: address, transport },
                );
                if let Some(name) = name {
                    map.handle(self.now, Arrival::Identified { stream, name });
                }
            }
            Thing::Bytes(stream, bytes) if self.ends.contains_key(&(node, stream)) => {
                // Cut anywhere, as streams are.
                let middle = bytes.len() / 2;
                for bytes in
                    [&bytes[..middle], &bytes[middle..]].into_iter().filter(|piece| !piece.is_empty())
                {
                    map.handle(self.now, Arrival::Stream { stream, bytes });
                }
            }
            Thing::Bytes(..) => {}
            Thing::Closed(stream) => {
                if self.ends.remove(&(node, stream)).is_some() {
                    map.handle(self.now, Arrival::Closed { stream, by: ClosedBy::Peer });
                }
            }
        }
    }

    /// Carries out what a node wants; answers until when it waits.
    fn drain(&mut self, node: usize) -> Option<Instant> {
        let mut scratch = Scratch::default();
        let at = self.now.mono.later(LATENCY);
        loop {
            match self.nodes[node].map.poll(&mut scratch) {
                Step::Wait(until) => return until,
                Step::Event(told) => self.nodes[node].told.push(told),
                Step::Send(transmit) => {
                    let Flow::Stream(stream) = transmit.flow else { panic!("a datagram") };
                    let bytes = scratch.get(transmit.range).to_vec();
                    self.wire.push(bytes.clone());
                    if let Some(&(other, theirs)) = self.ends.get(&(node, stream)) {
                        self.under_way.push_back((at, other, Thing::Bytes(theirs, bytes)));
                    }
                }
                Step::Connect(connect) => {
                    assert_eq!(connect.transport, Transport::Tls);
                    let other = usize::from(connect.remote.port());
                    assert_eq!(connect.name.as_deref(), Some(self.nodes[other].name));
                    self.join(node, connect.stream, other);
                }
                Step::Close(stream) => self.close(node, stream),
                Step::Append(_) => panic!("nothing is to be written"),
            }
        }
    }

    fn join(&mut self, node: usize, stream: StreamId, other: usize) {
        let at = self.now.mono.later(LATENCY);
        if self.cut {
            self.ends.insert((node, stream), (other, StreamId(0)));
            self.under_way.push_back((at, node, Thing::Closed(stream)));
            return;
        }
        let theirs = StreamId(self.accepted);
        self.accepted += 2;
        self.ends.insert((node, stream), (other, theirs));
        self.ends.insert((other, theirs), (node, stream));
        self.under_way.push_back((at, node, Thing::Connected(stream, None)));
        self.under_way.push_back((at, other, Thing::Connected(theirs, Some(self.nodes[node].name))));
    }

    fn close(&mut self, node: usize, stream: StreamId) {
        if let Some((other, theirs)) = self.ends.remove(&(node, stream)) {
            self.under_way.push_back((self.now.mono.later(LATENCY), other, Thing::Closed(theirs)));
        }
    }

    /// The network between fails: all streams break.
    pub(super) fn break_all(&mut self) {
        self.under_way.clear();
        for ((node, stream), _) in core::mem::take(&mut self.ends) {
            self.nodes[node].map.handle(self.now, Arrival::Closed { stream, by: ClosedBy::Failure });
        }
    }

    /// A node forgets everything and starts again; its streams are not closed, they are just not there any more.
    pub(super) fn restart(&mut self, node: usize, fresh: Node) {
        self.nodes[node] = fresh;
        self.ends.retain(|(owner, _), _| *owner != node);
    }

    pub(super) fn ask(&mut self, node: usize, partner: PartnerId, id: u64, operation: Operation) {
        self.nodes[node].map.ask(self.now, partner, DialogueId(id), operation);
        self.drain(node);
    }

    pub(super) fn answer(
        &mut self,
        node: usize,
        partner: PartnerId,
        id: DialogueId,
        result: Result<Outcome, Cause>,
    ) {
        self.nodes[node].map.answer(self.now, partner, id, result);
        self.drain(node);
    }

    /// What a node was told since it was last looked at.
    pub(super) fn told(&mut self, node: usize) -> Vec<Told> {
        core::mem::take(&mut self.nodes[node].told)
    }

    pub(super) fn streams(&self) -> usize {
        self.ends.len()
    }
}

pub(super) fn imsi() -> crate::Imsi {
    "001010000000001".parse().unwrap()
}

pub(super) fn visited() -> VisitedNetwork {
    VisitedNetwork { vlr: "33600000002".parse().unwrap(), network: "visited.example".parse().unwrap() }
}

pub(super) fn services(bits: u8) -> Services {
    let on = |bit: u8| bits & (1 << bit) != 0;
    Services {
        roaming: on(0),
        packet_data: on(1),
        caller_id: on(2),
        caller_id_restricted: on(3),
        three_way: on(4),
    }
}

pub(super) fn subscription() -> Subscription {
    let forwarding = Forwarding {
        always: None,
        busy: Some("sip:mailbox@home.example".to_owned()),
        no_answer: Some(("4930123456".to_owned(), 15)),
    };
    Subscription {
        msisdn: Some("4917712345".parse().unwrap()),
        name: Some("t1.home.example".parse().unwrap()),
        profile: Profile { services: services(0b10111), forwarding },
    }
}

pub(super) fn claim() -> BindClaim {
    BindClaim {
        imsi: imsi(),
        generation: Generation(7),
        name: "t1.home.example".parse().unwrap(),
        addresses: Addresses {
            v4: Some([192, 0, 2, 7].into()),
            v6: Some([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7].into()),
        },
        network: "visited.example".parse().unwrap(),
    }
}

pub(super) fn quintuplet(seed: u8) -> Quintuplet {
    Quintuplet {
        rand: [seed; 16],
        xres: Zeroizing::new(vec![seed ^ 1; 8]),
        ck: Zeroizing::new([seed ^ 2; 16]),
        ik: Zeroizing::new([seed ^ 3; 16]),
        autn: [seed ^ 4; 16],
    }
}
