//! A desk with a resolver on it, and servers that answer from a list of records, in virtual time.

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use hickory_proto::{
    op::{Message, MessageType, OpCode, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{CNAME, NAPTR, PTR, SOA, SRV},
    },
};
use rove_base::{
    Arrival, ClosedBy, Entropy, Flow, Instant, Machine, Now, Scratch, Step, StreamId, Transport, UdpFlow,
};

use crate::lookup::{Candidate, Event, LookupError, Resolver, ResolverConfig, TraceStep};

pub(super) const V4: SocketAddr =
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 53)), 53);
pub(super) const OTHER: SocketAddr =
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 54)), 53);
pub(super) const OURS: SocketAddr =
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 2)), 40_000);
pub(super) const ONE_WAY: Duration = Duration::from_millis(10);

/// Edits an answer on its way: (server, via TCP, query, answer) → what arrives.
pub(super) type Meddler = Box<dyn FnMut(SocketAddr, bool, &Message, Message) -> Vec<Message>>;

pub(super) struct Desk {
    pub(super) resolver: Resolver,
    pub(super) now: Now,
    pub(super) records: Vec<Record>,
    pub(super) asked: Vec<String>,
    pub(super) asked_at: Vec<(SocketAddr, Duration)>,
    /// Record types that the servers do not answer at all.
    pub(super) silent: Vec<RecordType>,
    pub(super) meddle: Option<Meddler>,
    pub(super) ttl: u32,
    pub(super) negative_ttl: u32,
    pub(super) alias_limit: usize,
    pub(super) with_additional: bool,
    pub(super) refuse_streams: bool,
    pub(super) closed: Vec<StreamId>,
    config: ResolverConfig,
    in_flight: BTreeMap<(Instant, u64), Flight>,
    streams: Vec<(StreamId, SocketAddr)>,
    events: VecDeque<Event>,
    count: u64,
}

enum Flight {
    Datagram(UdpFlow, Vec<u8>),
    Stream(StreamId, Vec<u8>),
    Connected(StreamId, SocketAddr),
    Refused(StreamId),
}

impl Desk {
    pub(super) fn new(records: Vec<Record>) -> Self {
        let config = ResolverConfig::new(vec![V4], vec![OURS]);
        Self {
            resolver: Resolver::new(config.clone(), Entropy::from_number(1)),
            now: Now::default(),
            records,
            asked: Vec::new(),
            asked_at: Vec::new(),
            silent: Vec::new(),
            meddle: None,
            ttl: 60,
            negative_ttl: 5,
            alias_limit: usize::MAX,
            with_additional: false,
            refuse_streams: false,
            closed: Vec::new(),
            config,
            in_flight: BTreeMap::new(),
            streams: Vec::new(),
            events: VecDeque::new(),
            count: 0,
        }
    }

    pub(super) fn configure(&mut self, change: impl FnOnce(&mut ResolverConfig)) {
        change(&mut self.config);
        self.resolver = Resolver::new(self.config.clone(), Entropy::from_number(1));
    }

    pub(super) fn eager(&mut self, eager: bool) {
        self.configure(|config| config.eager = eager);
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.now.mono.since(Instant::ZERO)
    }

    /// Lets time pass until the next event, at most an hour.
    pub(super) fn finish(&mut self) -> Event {
        let limit = self.now.mono + Duration::from_secs(3_600);
        loop {
            let wake = self.drain();
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let arrival = self.in_flight.first_key_value().map(|((at, _), _)| *at);
            let next = Instant::earliest(wake, arrival).expect("something is going on");
            assert!(next <= limit, "nothing happened for an hour");
            self.advance_to(next, arrival == Some(next));
        }
    }

    /// Lets `time` pass.
    pub(super) fn wait(&mut self, time: Duration) {
        let until = self.now.mono + time;
        loop {
            let wake = self.drain();
            let arrival = self.in_flight.first_key_value().map(|((at, _), _)| *at);
            match Instant::earliest(wake, arrival).filter(|next| *next <= until) {
                Some(next) => self.advance_to(next, arrival == Some(next)),
                None => break,
            }
        }
        self.now = self.now.later(until.since(self.now.mono));
        self.resolver.tick(self.now);
    }

    fn advance_to(&mut self, next: Instant, arrival: bool) {
        self.now = self.now.later(next.since(self.now.mono));
        if !arrival {
            return self.resolver.tick(self.now);
        }
        let Some((_, flight)) = self.in_flight.pop_first() else { return };
        let input = match &flight {
            Flight::Datagram(flow, bytes) => Arrival::Datagram { flow: Flow::Udp(*flow), bytes },
            Flight::Stream(stream, bytes) => Arrival::Stream { stream: *stream, bytes },
            Flight::Connected(stream, remote) => Arrival::Connected {
                stream: *stream,
                local: OURS,
                remote: *remote,
                transport: Transport::Tcp,
            },
            Flight::Refused(stream) => Arrival::Closed { stream: *stream, by: ClosedBy::Failure },
        };
        self.resolver.handle(self.now, input);
    }

    fn drain(&mut self) -> Option<Instant> {
        let mut scratch = Scratch::default();
        loop {
            match self.resolver.poll(&mut scratch) {
                Step::Send(transmit) => {
                    let bytes = scratch.get(transmit.range).to_vec();
                    match transmit.flow {
                        Flow::Udp(flow) => self.serve(flow.remote, Some(flow), None, &bytes),
                        Flow::Stream(stream) => {
                            let server = self.streams.iter().find(|(id, _)| *id == stream).expect("open").1;
                            self.serve(server, None, Some(stream), &bytes[2..]);
                        }
                    }
                }
                Step::Connect(connect) => {
                    self.streams.push((connect.stream, connect.remote));
                    let flight = if self.refuse_streams {
                        Flight::Refused(connect.stream)
                    } else {
                        Flight::Connected(connect.stream, connect.remote)
                    };
                    self.launch(flight);
                }
                Step::Close(stream) => self.closed.push(stream),
                Step::Append(_) => panic!("a resolver has no journal"),
                Step::Event(event) => self.events.push_back(event),
                Step::Wait(until) => return until,
            }
        }
    }

    fn launch(&mut self, flight: Flight) {
        self.count += 1;
        self.in_flight.insert((self.now.mono + 2 * ONE_WAY, self.count), flight);
    }

    fn serve(&mut self, server: SocketAddr, flow: Option<UdpFlow>, stream: Option<StreamId>, bytes: &[u8]) {
        let query = Message::from_vec(bytes).expect("we send what can be read");
        let asked = &query.queries[0];
        self.asked.push(format!("{} {}", asked.name().to_ascii(), asked.query_type()));
        self.asked_at.push((server, self.elapsed()));
        if self.silent.contains(&asked.query_type()) {
            return;
        }
        let answer = self.answer(&query);
        let answers = match &mut self.meddle {
            Some(meddle) => meddle(server, stream.is_some(), &query, answer),
            None => vec![answer],
        };
        for answer in answers {
            let bytes = answer.to_vec().expect("writable");
            match (flow, stream) {
                (Some(flow), _) => self.launch(Flight::Datagram(flow, bytes)),
                (_, Some(stream)) => {
                    // Cut in two, as streams are.
                    let framed = crate::query::frame(&bytes);
                    let (first, second) = framed.split_at(framed.len() / 2);
                    self.launch(Flight::Stream(stream, first.to_vec()));
                    self.launch(Flight::Stream(stream, second.to_vec()));
                }
                (None, None) => {}
            }
        }
    }

    fn answer(&self, query: &Message) -> Message {
        let mut answer = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
        answer.metadata.authoritative = true;
        let asked = query.queries[0].clone();
        let (mut name, kind) = (asked.name().clone(), asked.query_type());
        answer.add_query(asked);
        let stamp = |record: &Record| {
            let mut record = record.clone();
            record.ttl = self.ttl;
            record
        };
        let mut aliases = 0;
        while aliases < self.alias_limit {
            let alias = self.records.iter().find(|record| record.name == name && is_alias(record));
            let Some(RData::CNAME(target)) = alias.map(|record| &record.data) else { break };
            answer.add_answers(alias.map(stamp));
            name = target.0.clone();
            aliases += 1;
        }
        let exists = self.records.iter().any(|record| record.name == name);
        let matching =
            self.records.iter().filter(|record| record.name == name && record.record_type() == kind);
        answer.add_answers(matching.map(stamp));
        let complete = answer.answers.iter().any(|record| record.record_type() == kind);
        if !complete && aliases < self.alias_limit {
            answer.metadata.response_code =
                if exists { ResponseCode::NoError } else { ResponseCode::NXDomain };
            let root = Name::root();
            let soa = SOA::new(root.clone(), root.clone(), 1, 1, 1, 1, self.negative_ttl);
            answer.add_authority(Record::from_rdata(root, 3_600, RData::SOA(soa)));
        }
        if self.with_additional {
            let targets: Vec<Name> = answer.answers.iter().filter_map(srv_target).collect();
            let glue = self.records.iter().filter(|record| record.data.ip_addr().is_some());
            answer.add_additionals(glue.filter(|record| targets.contains(&record.name)).map(stamp));
        }
        answer
    }
}

fn is_alias(record: &Record) -> bool {
    record.record_type() == RecordType::CNAME
}

fn srv_target(record: &Record) -> Option<Name> {
    if let RData::SRV(srv) = &record.data { Some(srv.target.clone()) } else { None }
}

/// Records as text, one a line: name, type, fields.
pub(super) fn zone(text: &str) -> Vec<Record> {
    text.lines().filter(|line| !line.trim().is_empty()).map(record).collect()
}

fn record(line: &str) -> Record {
    let words: Vec<&str> = line.split_whitespace().collect();
    let name = |text: &str| {
        let mut name = Name::from_ascii(text).expect("name");
        name.set_fqdn(true);
        name
    };
    let number = |text: &str| text.parse::<u16>().expect("number");
    let bytes = |text: &str| text.as_bytes().to_vec().into_boxed_slice();
    let data = match words[1] {
        "A" | "AAAA" => words[2].parse::<core::net::IpAddr>().expect("address").into(),
        "CNAME" => RData::CNAME(CNAME(name(words[2]))),
        "PTR" => RData::PTR(PTR(name(words[2]))),
        "SRV" => RData::SRV(SRV::new(number(words[2]), number(words[3]), number(words[4]), name(words[5]))),
        "NAPTR" => RData::NAPTR(NAPTR::new(
            number(words[2]),
            number(words[3]),
            bytes(words[4]),
            bytes(words[5]),
            bytes(""),
            name(words[6]),
        )),
        other => panic!("unknown type {other}"),
    };
    Record::from_rdata(name(words[0]), 0, data)
}

pub(super) fn candidates(event: &Event) -> Vec<Candidate> {
    match event {
        Event::Found { candidates, .. } => candidates.clone(),
        Event::Failed { error, steps, .. } => panic!("{error}: {steps:?}"),
        Event::Number { uri, .. } => panic!("{uri}"),
    }
}

pub(super) fn addresses(event: &Event) -> Vec<String> {
    candidates(event).iter().map(|one| one.address.to_string()).collect()
}

pub(super) fn steps(event: &Event) -> Vec<TraceStep> {
    match event {
        Event::Found { steps, .. } | Event::Failed { steps, .. } => steps.clone(),
        Event::Number { uri, .. } => panic!("{uri}"),
    }
}

pub(super) fn error(event: &Event) -> LookupError {
    match event {
        Event::Failed { error, .. } => error.clone(),
        Event::Found { candidates, .. } => panic!("found {candidates:?}"),
        Event::Number { uri, .. } => panic!("{uri}"),
    }
}
