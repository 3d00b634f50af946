//! Diameter (RFC 6733) with the application S6a (3GPP TS 29.272), over TLS. Experimental: a foreign node has exchanged
//! capabilities and watchdogs with it, none has spoken S6a.
//!
//! The commands are those between home (HSS) and visited node (MME, SGSN); what they have no pair for is in pairs of our
//! own (`signalling/roam/diameter.md`).

pub mod answer;
pub mod avp;
mod base;
pub mod codes;
pub mod message;
mod private;
pub mod question;

use std::collections::VecDeque;

use rove_base::{Arrival, Entropy, Instant, Machine, Now, Scratch, Step, StreamId};

use self::{
    avp::{AvpError, Avps, Writer},
    base::Base,
    message::{ERROR, Header, Message, PROXIABLE, REQUEST},
    question::Asker,
};
use super::{
    DialogueId, Partner, PartnerId, PrivateNetwork, Told,
    known::Known,
    link::{Link, News, pieces},
    map::Kind,
    pending::{self, Asking, Pending},
};
use crate::{Cause, E164, Imsi, NetworkName, Operation, Outcome, Plmn, Subscription};

/// What this node is called, and whom it knows.
#[derive(Clone, Debug)]
pub struct DiameterConfig {
    /// This network's domain, as its certificate has it: the node's identity, and its realm.
    pub network: NetworkName,
    /// This network's code.
    pub plmn: Plmn,
    /// This node's number.
    pub title: E164,
    /// The partners there are agreements with.
    pub partners: Vec<Partner>,
}

/// The adapter.
///
/// Bounded as that of MAP is: streams and what they hold, questions in both directions.
#[derive(Debug)]
pub struct Diameter {
    link: Link<Base>,
    user: User,
}

#[derive(Debug)]
struct User {
    own: NetworkName,
    asker: Asker,
    known: Known,
    /// The partners' network codes, by place.
    plmns: Vec<Plmn>,
    pending: Pending<Way>,
    told: VecDeque<Told>,
    /// Names sessions and, with its lower half, requests of ours end to end.
    session: u64,
}

/// Where an answer goes, and what belongs into it.
#[derive(Clone, Debug)]
struct Way {
    stream: StreamId,
    header: Header,
    session: Vec<u8>,
    imsi: Option<Imsi>,
    /// What the home tells of the subscriber before it answers: it goes into the answer.
    data: Option<Subscription>,
}

type Asked = pending::Asked<Way>;

impl Diameter {
    /// Randomness is for the times at which streams are opened again, and for where names of sessions begin.
    #[must_use]
    pub fn new(config: DiameterConfig, mut entropy: Entropy) -> Self {
        let DiameterConfig { network, plmn, title, partners } = config;
        let known = Known::new(title, &partners);
        let names = partners.iter().map(|partner| partner.name.clone()).collect();
        let base = Base::new(network.clone(), names, entropy.next_u32());
        let user = User {
            own: network.clone(),
            asker: Asker { plmn, title },
            known,
            plmns: partners.iter().map(|partner| partner.plmn).collect(),
            pending: Pending::default(),
            told: VecDeque::new(),
            session: entropy.next_u64(),
        };
        Self { link: Link::new(network, base, partners, entropy), user }
    }

    fn settle(&mut self, now: Now) {
        self.link.tick(now.mono);
        while let Some(news) = self.link.news() {
            self.user.news(news);
        }
        while let Some(asking) = self.user.pending.expired(now.mono) {
            self.user.answered(asking.peer, asking.id, Err(Cause::NoAnswer));
        }
    }

    fn message(&mut self, now: Instant, (peer, stream): (usize, StreamId), bytes: &[u8]) {
        let Some(message) = self.link.message(now, stream, bytes) else { return };
        let good = if message.header.is_request() {
            self.user.request(now, &mut self.link, (peer, stream), &message)
        } else {
            self.user.answer_came(peer, &message)
        };
        if good.is_err() {
            self.link.note_malformed(peer);
        }
    }
}

impl Machine for Diameter {
    type Input<'a> = Arrival<'a>;
    type Event = Told;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        match input {
            Arrival::Stream { stream, bytes } => {
                let each = |diameter: &mut Self, peer: usize, message: &[u8]| {
                    diameter.message(now.mono, (peer, stream), message);
                };
                pieces(self, |diameter| &mut diameter.link, (now.mono, stream), bytes, each);
            }
            other => self.link.arrived(now, other),
        }
        self.settle(now);
    }

    fn tick(&mut self, now: Now) {
        self.settle(now);
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<Told> {
        if let Some(step) = self.link.out.poll(out) {
            return step;
        }
        if let Some(told) = self.user.told.pop_front() {
            return Step::Event(told);
        }
        Step::Wait(Instant::earliest(Some(self.link.wake()), self.user.pending.wake()))
    }
}

impl PrivateNetwork for Diameter {
    fn ask(&mut self, now: Now, partner: PartnerId, id: DialogueId, operation: Operation) {
        let asked = match self.user.known.place(partner) {
            Some(peer) => self.user.ask(now.mono, &mut self.link, peer, id, operation),
            None => Err(Cause::NoAnswer),
        };
        if let Err(cause) = asked {
            self.user.told.push_back(Told::Answered { partner, id, result: Err(cause) });
        }
    }

    fn answer(&mut self, _now: Now, partner: PartnerId, id: DialogueId, result: Result<Outcome, Cause>) {
        self.user.answer(&mut self.link, partner, id, &result);
    }

    fn knows(&self, network: &str) -> bool {
        self.user.known.has(network)
    }
}

impl User {
    fn ask(
        &mut self,
        now: Instant,
        link: &mut Link<Base>,
        peer: usize,
        id: DialogueId,
        operation: Operation,
    ) -> Result<(), Cause> {
        let operation = match operation {
            Operation::InsertSubscriberData { imsi, subscription } => {
                let takes =
                    |asked: &Asked| asked.kind.takes_subscriber_data() && asked.way.imsi == Some(imsi);
                if let Some(asked) = self.pending.find(peer, takes) {
                    asked.way.data = Some(subscription);
                    self.answered(peer, id, Ok(Outcome::Done));
                    return Ok(());
                }
                Operation::InsertSubscriberData { imsi, subscription }
            }
            operation => operation,
        };
        let stream = link.current(peer).ok_or(Cause::NoAnswer)?;
        let (_, _, theirs) = self.known.at(peer).ok_or(Cause::NoAnswer)?;
        if self.pending.is_full() {
            return Err(Cause::Overload);
        }
        let kind = Kind::of(&operation);
        self.session = self.session.wrapping_add(1);
        let [_, low] = halves(self.session);
        let hop = self.pending.name();
        let (flags, command) = (REQUEST | PROXIABLE, question::command(kind));
        let header = Header { flags, command, application: codes::S6A, hop, end: low };
        let session = session(&self.own, self.session);
        link.out.send(stream, |out| {
            message::write(out, header, |out| {
                self.common(session.as_bytes(), out);
                out.value(codes::DESTINATION_HOST, theirs.as_str().as_bytes());
                out.value(codes::DESTINATION_REALM, theirs.as_str().as_bytes());
                question::write(&operation, self.asker, out);
            });
        });
        self.pending.ask(now, hop, Asking { peer, id, kind, imsi: question::subject(&operation) });
        Ok(())
    }

    /// What every message of the application says first.
    fn common(&self, session: &[u8], out: &mut Writer<'_>) {
        out.value(codes::SESSION_ID, session);
        base::application(out);
        out.number(codes::AUTH_SESSION_STATE, NO_STATE_MAINTAINED);
        out.value(codes::ORIGIN_HOST, self.own.as_str().as_bytes());
        out.value(codes::ORIGIN_REALM, self.own.as_str().as_bytes());
    }

    fn request(
        &mut self,
        now: Instant,
        link: &mut Link<Base>,
        (peer, stream): (usize, StreamId),
        message: &Message<'_>,
    ) -> Result<(), AvpError> {
        let Some((partner, title, network)) = self.known.at(peer) else { return Ok(()) };
        let (partner, header) = (*partner, message.header);
        let session = message.avps.find(codes::SESSION_ID).ok().flatten().unwrap_or_default();
        let session = session.get(..MAX_SESSION).unwrap_or(session).to_vec();
        let mut asked =
            Asked { peer, way: Way { stream, header, session, imsi: None, data: None }, kind: Kind::Reset };
        if header.application != codes::S6A || !question::is_spoken(header.command) {
            let ours = header.application == codes::S6A;
            let code = if ours { codes::COMMAND_UNSUPPORTED } else { codes::APPLICATION_UNSUPPORTED };
            self.reply(link, &asked, ERROR, |out| out.number(codes::RESULT_CODE, code));
            return Ok(());
        }
        let read = question::read(header.command, message.avps, *title, network);
        match read.and_then(|operation| question::for_itself(operation, self.plmns.get(peer))) {
            Ok(operation) => {
                asked.kind = Kind::of(&operation);
                asked.way.imsi = question::subject(&operation);
                let id = if asked.kind == Kind::Reset {
                    let ours = self.known.title;
                    self.reply(link, &asked, 0, |out| {
                        answer::write(Kind::Reset, &Outcome::Done, &ours, out);
                    });
                    Some(UNANSWERED)
                } else {
                    self.pending.asked(now, asked.clone())
                };
                match id {
                    Some(id) => self.told.push_back(Told::Asked { partner, id, operation }),
                    None => self.refuse(link, &asked, Cause::Overload),
                }
                Ok(())
            }
            Err(error) => {
                let cause = match error {
                    AvpError::Missing(_) => Cause::DataMissing,
                    AvpError::Value(code) if code == codes::VISITED_PLMN_ID => Cause::WrongNetwork,
                    _ => Cause::UnexpectedDataValue,
                };
                self.refuse(link, &asked, cause);
                Err(error)
            }
        }
    }

    /// Sends an answer on the stream that the question came on, while it stands.
    fn reply(&self, link: &mut Link<Base>, asked: &Asked, flags: u8, what: impl FnOnce(&mut Writer<'_>)) {
        let Way { stream, header, ref session, .. } = asked.way;
        let Some(stream) = link.stream_or_current(asked.peer, stream) else { return };
        let mut header = header.answer();
        header.flags |= flags;
        link.out.send(stream, |out| {
            message::write(out, header, |out| {
                self.common(session, out);
                what(out);
            });
        });
    }

    fn refuse(&self, link: &mut Link<Base>, asked: &Asked, cause: Cause) {
        let flags = if answer::is_protocol_error(cause) { ERROR } else { 0 };
        self.reply(link, asked, flags, |out| answer::write_refusal(cause, out));
    }

    fn answer_came(&mut self, peer: usize, message: &Message<'_>) -> Result<(), AvpError> {
        let Header { hop, command, .. } = message.header;
        let ours = |asking: &&Asking| asking.peer == peer && question::command(asking.kind) == command;
        // An answer that comes late, or twice.
        let Some(&Asking { id, kind, imsi, .. }) = self.pending.get(hop).filter(ours) else { return Ok(()) };
        self.pending.take(hop, peer);
        let title = self.known.at(peer).map_or(self.known.title, |(_, title, _)| *title);
        let read = Self::read_answer(kind, message.avps, title);
        let (result, good) = match read {
            Ok((result, data)) => {
                if let (Some(subscription), Some(imsi)) = (data, imsi) {
                    let operation = Operation::InsertSubscriberData { imsi, subscription };
                    let partner = self.known.id(peer);
                    self.told.push_back(Told::Asked { partner, id: UNANSWERED, operation });
                }
                (result, Ok(()))
            }
            Err(error) => (Err(Cause::SystemFailure), Err(error)),
        };
        self.answered(peer, id, result);
        good
    }

    /// What was answered, and what was told of the subscriber with it.
    fn read_answer(
        kind: Kind,
        avps: Avps<'_>,
        title: E164,
    ) -> Result<(Result<Outcome, Cause>, Option<Subscription>), AvpError> {
        if let Some(cause) = answer::read_refusal(avps)? {
            return Ok((Err(cause), None));
        }
        let outcome = answer::read(kind, avps, title)?;
        let data = if kind.takes_subscriber_data() { question::read_subscription(avps)? } else { None };
        Ok((Ok(outcome), data))
    }

    fn answered(&mut self, peer: usize, id: DialogueId, result: Result<Outcome, Cause>) {
        let partner = self.known.id(peer);
        self.told.push_back(Told::Answered { partner, id, result });
    }

    fn answer(
        &mut self,
        link: &mut Link<Base>,
        partner: PartnerId,
        id: DialogueId,
        result: &Result<Outcome, Cause>,
    ) {
        let Some(peer) = self.known.place(partner) else { return };
        let Some(asked) = self.pending.answer(id, peer) else { return };
        match result {
            Err(cause) => self.refuse(link, &asked, *cause),
            Ok(outcome) => self.reply(link, &asked, 0, |out| {
                answer::write(asked.kind, outcome, &self.known.title, out);
                if let Some(data) = &asked.way.data {
                    question::write_subscription(data, out);
                }
            }),
        }
    }

    fn news(&mut self, news: News) {
        match news {
            News::Up(peer) => self.told.push_back(Told::Up(self.known.id(peer))),
            News::Malformed(peer) => self.told.push_back(Told::Malformed(self.known.id(peer))),
            News::Down(peer) => {
                self.told.push_back(Told::Down(self.known.id(peer)));
                for asking in self.pending.forget(peer) {
                    self.answered(peer, asking.id, Err(Cause::NoAnswer));
                }
            }
        }
    }
}

/// Session-Id (RFC 6733 §8.8).
fn session(own: &NetworkName, number: u64) -> String {
    let [high, low] = halves(number);
    format!("{own};{high};{low}")
}

fn halves(number: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])]
}

/// Auth-Session-State (§8.11): neither end keeps a session.
const NO_STATE_MAINTAINED: u32 = 1;
/// What is kept of a session's name, to be said again.
const MAX_SESSION: usize = 255;
/// What no question is called.
const UNANSWERED: DialogueId = DialogueId(u64::MAX);

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
