//! One question put to the servers until one of them answers: UDP first, TCP when the answer is truncated.

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{Entropy, Flow, Instant, StreamId, Transport, UdpFlow};

use super::{Event, LookupError, walk::Way};
use crate::{
    outbox::Outbox,
    query::{self, Answer, Framer, Question, Rcode, ReadError, Referral, Reply},
    wire::rcode,
};

/// The servers and how patient we are with them.
#[derive(Clone, Debug)]
pub(crate) struct Servers {
    /// Pairs of our address and theirs.
    pub(crate) flows: Vec<UdpFlow>,
    /// Before the first repetition; doubles with each round over all servers.
    pub(crate) timeout: Duration,
    /// Rounds over all servers.
    pub(crate) attempts: u32,
}

#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) question: Question,
    pub(crate) started: Instant,
    pub(crate) deadline: Instant,
    edns: bool,
    /// Sends so far, over all servers.
    turn: u32,
    /// What is in the air; an answer to an earlier send is as good as one to the last.
    sent: Vec<(u16, UdpFlow)>,
    /// Servers that answered, and not well.
    bad: Vec<SocketAddr>,
    stream: Option<Stream>,
    failure: Option<LookupError>,
    /// How far it has come from the root, when it walks.
    pub(crate) way: Option<Way>,
}

#[derive(Debug)]
struct Stream {
    id: StreamId,
    query_id: u16,
    server: SocketAddr,
    framer: Framer,
}

/// How an exchange ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) result: Result<Answer, LookupError>,
    /// Who ended it; `None` when nobody answered.
    pub(crate) server: Option<SocketAddr>,
    /// It goes on elsewhere, if the way leads there; `result` says what it is if not.
    pub(crate) referral: Option<Box<Referral>>,
}

impl Outcome {
    const fn failed(error: LookupError) -> Self {
        Self { result: Err(error), server: None, referral: None }
    }
}

/// What an exchange needs of its surroundings for one step.
pub(crate) struct Means<'a> {
    pub(crate) now: Instant,
    pub(crate) servers: &'a Servers,
    pub(crate) entropy: &'a mut Entropy,
    pub(crate) out: &'a mut Outbox<Event>,
}

impl Exchange {
    pub(crate) fn new(question: Question, now: Instant) -> Self {
        Self {
            question,
            started: now,
            deadline: now,
            edns: true,
            turn: 0,
            sent: Vec::new(),
            bad: Vec::new(),
            stream: None,
            failure: None,
            way: None,
        }
    }

    /// The same by delegation, as far as is known already.
    pub(crate) fn walking(mut self, way: Option<Way>) -> Self {
        self.way = way;
        self
    }

    /// Goes on to the servers that `way` leads to.
    pub(crate) fn go(&mut self, way: Way, now: Instant) {
        let question = self.question.clone();
        *self = Self::new(question, now).walking(Some(way));
    }

    fn flows<'a>(&'a self, means: &Means<'a>) -> &'a [UdpFlow] {
        self.way.as_ref().map_or(&means.servers.flows, |way| &way.flows)
    }

    /// Asks the next server that has not failed yet; `Some` when there is none left.
    pub(crate) fn ask(&mut self, means: &mut Means<'_>) -> Option<Outcome> {
        let count = u32::try_from(self.flows(means).len()).unwrap_or(u32::MAX);
        while count > 0 && self.turn < count.saturating_mul(means.servers.attempts) {
            let (round, index) = (self.turn / count, self.turn % count);
            self.turn += 1;
            let Some(flow) = self.flows(means).get(index as usize).copied() else { continue };
            if self.bad.contains(&flow.remote) {
                continue;
            }
            if !self.send(flow, means) {
                let name = query::plain(&self.question.name);
                return Some(Outcome::failed(LookupError::BadName { name }));
            }
            self.deadline = means.now + means.servers.timeout * (1 << round.min(MAX_BACKOFF));
            return None;
        }
        let servers = self.flows(means).iter().map(|flow| flow.remote).collect();
        let error = self.failure.take().unwrap_or(LookupError::Timeout { servers });
        Some(Outcome::failed(error))
    }

    fn send(&mut self, flow: UdpFlow, means: &mut Means<'_>) -> bool {
        let id = random_id(means.entropy);
        let Some(bytes) = query::write_query(id, &self.question, self.edns, self.way.is_none()) else {
            return false;
        };
        self.sent.push((id, flow));
        means.out.send(Flow::Udp(flow), bytes);
        true
    }

    /// Whether this datagram claims to answer something that is in the air here.
    pub(crate) fn expects(&self, flow: UdpFlow, bytes: &[u8]) -> bool {
        let answers = |id| self.sent.iter().any(|(sent, asked)| *sent == id && comes_back(*asked, flow));
        query::message_id(bytes).is_some_and(answers)
    }

    /// Takes a datagram that [`Self::expects`] accepted.
    pub(crate) fn on_datagram(
        &mut self,
        flow: UdpFlow,
        bytes: &[u8],
        means: &mut Means<'_>,
    ) -> Option<Outcome> {
        match query::read_reply(&self.question, bytes) {
            Ok(Reply::Truncated) if self.stream.is_none() => {
                self.open_stream(flow.remote, means);
                None
            }
            Ok(Reply::Truncated) => None,
            // A server from before EDNS (RFC 6891 §7): ask it again in its own words.
            Ok(Reply::Failure(Rcode(rcode::FORMERR))) if self.edns => {
                self.edns = false;
                self.send(flow, means);
                self.deadline = means.now + means.servers.timeout;
                None
            }
            reply => self.conclude(flow.remote, reply, means),
        }
    }

    fn open_stream(&mut self, server: SocketAddr, means: &mut Means<'_>) {
        let id = means.out.connect(server, Transport::Tcp);
        let query_id = random_id(means.entropy);
        self.stream = Some(Stream { id, query_id, server, framer: Framer::default() });
        self.deadline = means.now + means.servers.timeout * TCP_PATIENCE;
    }

    pub(crate) fn stream(&self) -> Option<StreamId> {
        self.stream.as_ref().map(|stream| stream.id)
    }

    /// The stream stands: send the question on it.
    pub(crate) fn on_connected(&self, means: &mut Means<'_>) {
        let Some(stream) = &self.stream else { return };
        if let Some(bytes) =
            query::write_query(stream.query_id, &self.question, self.edns, self.way.is_none())
        {
            means.out.send(Flow::Stream(stream.id), query::frame(&bytes));
        }
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn on_stream(&mut self, bytes: &[u8], means: &mut Means<'_>) -> Option<Outcome> {
        let stream = self.stream.as_mut()?;
        let message = stream.framer.push(bytes)?;
        // On a stream of our own there is nothing else to wait for.
        let reply = match query::message_id(message) {
            Some(id) if id == stream.query_id => query::read_reply(&self.question, message),
            _ => Err(ReadError::Malformed),
        };
        let reply = reply.map_err(|error| match error {
            ReadError::NotAResponse | ReadError::OtherQuestion => ReadError::Malformed,
            other => other,
        });
        let server = stream.server;
        self.close_stream(means);
        self.conclude(server, reply, means)
    }

    /// The stream is gone before it brought an answer.
    pub(crate) fn on_closed(&mut self, means: &mut Means<'_>) -> Option<Outcome> {
        let stream = self.stream.take()?;
        self.give_up_on(stream.server, LookupError::Malformed { server: stream.server }, means)
    }

    /// The deadline has passed: ask the next server.
    pub(crate) fn on_deadline(&mut self, means: &mut Means<'_>) -> Option<Outcome> {
        if let Some(server) = self.stream.as_ref().map(|stream| stream.server) {
            self.close_stream(means);
            return self.give_up_on(server, LookupError::Timeout { servers: vec![server] }, means);
        }
        if self.way.as_ref().is_some_and(|way| way.awaits.is_some()) {
            return self.give_up(means);
        }
        self.ask(means)
    }

    /// The server that it was referred to has no address.
    pub(crate) fn give_up(&mut self, means: &mut Means<'_>) -> Option<Outcome> {
        let servers = self.flows(means).iter().map(|flow| flow.remote).collect();
        Some(Outcome::failed(LookupError::Timeout { servers }))
    }

    /// Waits for the address of a server, which is asked for by itself.
    pub(crate) fn wait_for(&mut self, server: Question, until: Instant) {
        if let Some(way) = &mut self.way {
            way.awaits = Some(server);
        }
        self.deadline = until;
    }

    /// Lets go of what is open.
    pub(crate) fn close_stream(&mut self, means: &mut Means<'_>) {
        if let Some(stream) = self.stream.take() {
            means.out.close(stream.id);
        }
    }

    fn conclude(
        &mut self,
        server: SocketAddr,
        reply: Result<Reply, ReadError>,
        means: &mut Means<'_>,
    ) -> Option<Outcome> {
        match reply {
            Ok(Reply::Answer(answer)) => {
                self.close_stream(means);
                Some(Outcome { result: Ok(*answer), server: Some(server), referral: None })
            }
            Ok(Reply::Failure(code)) => {
                self.give_up_on(server, LookupError::ServerFailure { server, code }, means)
            }
            Ok(Reply::Referral(referral)) if self.way.is_some() => {
                self.close_stream(means);
                let result = Err(LookupError::NotAuthoritative { server });
                Some(Outcome { result, server: Some(server), referral: Some(referral) })
            }
            Ok(Reply::Referral(_)) => {
                self.give_up_on(server, LookupError::NotAuthoritative { server }, means)
            }
            Ok(Reply::Truncated) => self.give_up_on(server, LookupError::Malformed { server }, means),
            Err(ReadError::AliasChain) => {
                let name = query::plain(&self.question.name);
                self.give_up_on(server, LookupError::AliasLoop { name }, means)
            }
            // Not an answer to what we asked: whoever sent it, the real one may still come.
            Err(ReadError::NotAResponse | ReadError::OtherQuestion) => None,
            Err(ReadError::Malformed) => self.give_up_on(server, LookupError::Malformed { server }, means),
        }
    }

    /// Remembers why `server` is of no use and goes on to the next one, unless another is being asked already.
    fn give_up_on(&mut self, server: SocketAddr, why: LookupError, means: &mut Means<'_>) -> Option<Outcome> {
        let current = self.sent.last().is_none_or(|(_, flow)| flow.remote == server);
        self.sent.retain(|(_, flow)| flow.remote != server);
        if !self.bad.contains(&server) {
            self.bad.push(server);
        }
        self.failure = Some(why);
        if current { self.ask(means) } else { None }
    }
}

/// Whether what was heard took the way back of what was sent. Who sends from the unspecified address hears at one of ours.
fn comes_back(sent: UdpFlow, heard: UdpFlow) -> bool {
    let (ours, theirs) = (sent.local, heard.local);
    sent.remote == heard.remote
        && ours.port() == theirs.port()
        && (ours.ip().is_unspecified() || ours.ip() == theirs.ip())
}

/// For each server in turn the first local address of its family.
pub(crate) fn pair_up(local: &[SocketAddr], servers: &[SocketAddr]) -> Vec<UdpFlow> {
    let ours = |server: &SocketAddr| local.iter().find(|one| one.is_ipv4() == server.is_ipv4());
    let flows = servers.iter().filter_map(|server| ours(server).map(|local| (*local, *server)));
    flows.map(|(local, remote)| UdpFlow { local, remote }).take(MAX_SERVERS).collect()
}

fn random_id(entropy: &mut Entropy) -> u16 {
    (entropy.next_u32() >> 16) as u16
}

/// The timeout doubles at most this often.
const MAX_BACKOFF: u32 = 2;
/// A TCP exchange takes two round trips more than a UDP one, and may be repeated by TCP itself.
const TCP_PATIENCE: u32 = 3;
/// Servers that are asked.
const MAX_SERVERS: usize = 8;
