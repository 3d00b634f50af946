//! A desk with an updater on it, and a server that holds `home.example` and `2.0.192.in-addr.arpa`, in virtual time.

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use hickory_proto::{
    op::{Message, MessageType, OpCode, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata::SOA},
};
use rove_base::{Arrival, Entropy, Flow, Instant, Machine, Now, Scratch, Step, UdpFlow, UnixTime};
use zeroize::Zeroizing;

use crate::{
    tsig::{self, Mac, Signature, TsigKey, code},
    updater::{Event, Updater, UpdaterConfig},
    wire::rcode,
};

pub(super) const SERVER: SocketAddr =
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 53)), 53);
pub(super) const OURS: SocketAddr =
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 2)), 40_000);
pub(super) const ONE_WAY: Duration = Duration::from_millis(10);

/// What becomes of one answer to an update.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trick {
    Lose,
    BadKey,
    BadSig,
    /// From a clock that is ahead of ours by so many seconds.
    BadTime(i64),
    /// An unsigned success first.
    ForgeSuccess,
    /// An unsigned refusal first.
    ForgeRefusal,
    /// A success signed with another secret first.
    WrongSecret,
    /// BADTIME first, as to the second copy of a doubled datagram.
    ReplayFirst,
}

/// Spoils an answer.
pub(super) type Damage = Box<dyn FnOnce(&mut Vec<u8>)>;

pub(super) struct Desk {
    pub(super) updater: Updater,
    pub(super) now: Now,
    pub(super) asked: Vec<String>,
    pub(super) updates: Vec<Message>,
    pub(super) macs: Vec<Mac>,
    pub(super) silent: bool,
    pub(super) forward_code: u16,
    pub(super) failures: u32,
    pub(super) tricks: Vec<Trick>,
    /// What happens to the first answer to an update.
    pub(super) damage: Option<Damage>,
    pub(super) last_local: Option<SocketAddr>,
    config: UpdaterConfig,
    in_flight: BTreeMap<(Instant, u64), (UdpFlow, Vec<u8>)>,
    events: VecDeque<Event>,
    count: u64,
}

fn key(secret: u8) -> TsigKey {
    TsigKey::new("phone-key", Zeroizing::new(vec![secret; 32])).expect("a key")
}

impl Desk {
    pub(super) fn new() -> Self {
        let config = UpdaterConfig::new(SERVER, OURS, key(1));
        Self {
            updater: Updater::new(config.clone(), Entropy::from_number(1)),
            now: Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_700_000_000) },
            asked: Vec::new(),
            updates: Vec::new(),
            macs: Vec::new(),
            silent: false,
            forward_code: rcode::NOERROR,
            failures: 0,
            tricks: Vec::new(),
            damage: None,
            last_local: None,
            config,
            in_flight: BTreeMap::new(),
            events: VecDeque::new(),
            count: 0,
        }
    }

    pub(super) fn configure(&mut self, change: impl FnOnce(&mut UpdaterConfig)) {
        change(&mut self.config);
        self.updater = Updater::new(self.config.clone(), Entropy::from_number(1));
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.now.mono.since(Instant::ZERO)
    }

    /// Lets time pass until the next event.
    pub(super) fn finish(&mut self) -> Event {
        loop {
            let wake = self.drain();
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let arrival = self.in_flight.first_key_value().map(|((at, _), _)| *at);
            let next = Instant::earliest(wake, arrival).expect("something is going on");
            self.now = self.now.later(next.since(self.now.mono));
            if arrival != Some(next) {
                self.updater.tick(self.now);
                assert!(self.drain().is_none_or(|wake| wake > next), "the deadline advances");
            } else if let Some((_, (flow, bytes))) = self.in_flight.pop_first() {
                self.updater.handle(self.now, Arrival::Datagram { flow: Flow::Udp(flow), bytes: &bytes });
            }
        }
    }

    fn drain(&mut self) -> Option<Instant> {
        let mut scratch = Scratch::default();
        loop {
            match self.updater.poll(&mut scratch) {
                Step::Send(transmit) => {
                    let Flow::Udp(flow) = transmit.flow else { panic!("no streams") };
                    self.last_local = Some(flow.local);
                    if !self.silent {
                        self.serve(flow, scratch.get(transmit.range));
                    }
                }
                Step::Event(event) => self.events.push_back(event),
                Step::Wait(until) => return until,
                other => panic!("{other:?}"),
            }
        }
    }

    fn launch(&mut self, flow: UdpFlow, bytes: Vec<u8>) {
        self.count += 1;
        self.in_flight.insert((self.now.mono + 2 * ONE_WAY, self.count), (flow, bytes));
    }

    fn serve(&mut self, flow: UdpFlow, bytes: &[u8]) {
        let request = Message::from_vec(bytes).expect("we send what can be read");
        if request.metadata.op_code == OpCode::Query {
            let answer = self.soa(&request);
            return self.launch(flow, answer);
        }
        let reply = Reply {
            id: request.metadata.id,
            mac: tsig::verify(bytes, &[key(1)], self.now.wall, None).expect("properly signed").mac,
            signature: Signature::find(bytes).expect("readable").expect("signed"),
            wall: self.now.wall,
        };
        self.macs.push(reply.mac);
        let forward = request.queries[0].name().to_ascii() == "home.example.";
        let mut result = if forward { self.forward_code } else { rcode::NOERROR };
        if forward && self.failures > 0 {
            self.failures -= 1;
            result = rcode::SERVFAIL;
        }
        let trick = if self.tricks.is_empty() { None } else { Some(self.tricks.remove(0)) };
        for mut answer in reply.tricked(trick, result) {
            if let Some(damage) = self.damage.take() {
                damage(&mut answer);
            }
            self.launch(flow, answer);
        }
        self.updates.push(request);
    }

    fn soa(&mut self, request: &Message) -> Vec<u8> {
        let asked = request.queries[0].clone();
        let name = asked.name().clone();
        self.asked.push(format!("{} {}", name.to_ascii(), asked.query_type()));
        let mut answer = Message::new(request.metadata.id, MessageType::Response, OpCode::Query);
        answer.add_query(asked);
        let zones =
            ["home.example.", "2.0.192.in-addr.arpa."].map(|zone| Name::from_ascii(zone).expect("a name"));
        match zones.into_iter().find(|zone| zone.zone_of(&name)) {
            None => answer.metadata.response_code = ResponseCode::Refused,
            Some(zone) => {
                answer.metadata.authoritative = true;
                answer.metadata.response_code = ResponseCode::NXDomain;
                let soa = SOA::new(zone.clone(), zone.clone(), 1, 1, 1, 1, 1);
                answer.add_authority(Record::from_rdata(zone, 1, RData::SOA(soa)));
            }
        }
        answer.to_vec().expect("writable")
    }

    /// The lines of the updates of `zone`.
    pub(super) fn update_of(&self, zone: &str) -> Vec<String> {
        let of_zone = self.updates.iter().filter(|update| update.queries[0].name().to_ascii() == zone);
        of_zone.flat_map(|update| update.authorities.iter().map(line)).collect()
    }

    /// The prerequisites of the updates of `zone`.
    pub(super) fn conditions_of(&self, zone: &str) -> Vec<String> {
        let of_zone = self.updates.iter().filter(|update| update.queries[0].name().to_ascii() == zone);
        of_zone.flat_map(|update| update.answers.iter().map(line)).collect()
    }
}

/// The answers to one update.
struct Reply {
    id: u16,
    mac: Mac,
    signature: Signature,
    wall: UnixTime,
}

impl Reply {
    fn tricked(&self, trick: Option<Trick>, result: u16) -> Vec<Vec<u8>> {
        let good = self.signed(result, &key(1));
        match trick {
            None => vec![good],
            Some(Trick::Lose) => vec![],
            Some(Trick::BadKey) => vec![self.refused(code::BADKEY)],
            Some(Trick::BadSig) => vec![self.refused(code::BADSIG)],
            Some(Trick::BadTime(ahead)) => vec![self.bad_time(ahead)],
            Some(Trick::ReplayFirst) => vec![self.bad_time(0), good],
            Some(Trick::ForgeSuccess) => vec![self.unsigned(rcode::NOERROR), good],
            Some(Trick::ForgeRefusal) => vec![self.unsigned(rcode::REFUSED), good],
            Some(Trick::WrongSecret) => vec![self.signed(rcode::REFUSED, &key(2)), good],
        }
    }

    fn unsigned(&self, code: u16) -> Vec<u8> {
        let code = ResponseCode::from_low(code as u8);
        Message::error_msg(self.id, OpCode::Update, code).to_vec().expect("writable")
    }

    fn signed(&self, code: u16, key: &TsigKey) -> Vec<u8> {
        let mut bytes = self.unsigned(code);
        tsig::sign(&mut bytes, key, self.wall, Some(self.mac.as_bytes()));
        bytes
    }

    fn refused(&self, error: u16) -> Vec<u8> {
        let mut bytes = self.unsigned(rcode::NOTAUTH);
        tsig::refuse(&mut bytes, &self.signature, self.wall, error);
        bytes
    }

    fn bad_time(&self, ahead: i64) -> Vec<u8> {
        let mut bytes = self.unsigned(rcode::NOTAUTH);
        let there = UnixTime::from_secs(self.wall.as_secs().saturating_add_signed(ahead));
        tsig::sign_refusal(&mut bytes, &key(1), &self.signature, there, code::BADTIME);
        bytes
    }
}

fn line(record: &Record) -> String {
    let data =
        if matches!(record.data, RData::Update0(_)) { String::new() } else { format!(" {}", record.data) };
    let kind: RecordType = record.record_type();
    format!("{} {} {kind}{data}", record.name.to_ascii(), record.dns_class)
}
