//! Who is there, and whether it is true.

use rove_base::StreamId;
use subtle::ConstantTimeEq;

use super::{
    Terms, Timer, Vlr,
    answers::Question,
    line::LineState,
    visitor::{Stage, Visitor},
};
use crate::{
    Cause, Challenge, HostName, Imsi, Operation, Outcome, Resynchronisation,
    aka::is_nonce_signature,
    attach::{CallRequest, Identify, Query, Reason, Response, ToTerminal},
    private::PartnerId,
};

/// Who a terminal says it is, and what follows from that alone.
#[derive(Debug)]
pub(super) struct Who {
    pub(super) imsi: Imsi,
    name: Option<HostName>,
    call: Option<CallRequest>,
    partner: PartnerId,
    own: bool,
    /// The home has been told once that its challenge was old.
    resynchronised: bool,
}

impl Vlr {
    pub(super) fn identify(&mut self, stream: StreamId, identify: Identify) {
        let who = match self.receive(identify) {
            Ok(who) => who,
            Err(cause) => return self.refuse(stream, Reason::Home(cause)),
        };
        self.claims.insert((who.imsi, stream));
        self.fetch(stream, Box::new(who), None);
    }

    /// Whether anybody may be asked about this subscriber.
    fn receive(&self, identify: Identify) -> Result<Who, Cause> {
        let limits = &self.config.limits;
        let same = (identify.imsi, StreamId(0))..=(identify.imsi, StreamId(u64::MAX));
        if self.visitors.len() >= limits.visitors
            || self.changes.len() >= limits.changes
            || self.claims.range(same).count() >= limits.same
        {
            return Err(Cause::Overload);
        }
        let agreement = self.config.agreements.admit(&identify.imsi).ok_or(Cause::NoAgreement)?;
        if !self.up.contains(&agreement.partner) {
            return Err(Cause::NoAnswer);
        }
        Ok(Who {
            imsi: identify.imsi,
            name: identify.name,
            call: identify.call,
            partner: agreement.partner,
            own: agreement.terms == Terms::SameOperator,
            resynchronised: false,
        })
    }

    fn fetch(&mut self, stream: StreamId, who: Box<Who>, resynchronisation: Option<Resynchronisation>) {
        let Some(line) = self.lines.get_mut(&stream) else { return };
        let (partner, imsi) = (who.partner, who.imsi);
        line.state = LineState::Fetching(who);
        self.timers.set(Timer::Line(stream), self.now.mono.later(self.config.patience.home));
        let visited = self.config.visited();
        let operation =
            Operation::SendAuthenticationInfo { imsi, visited, count: 1, resynchronisation, eps: None };
        self.ask(partner, Question::Vectors(stream), operation);
    }

    pub(super) fn fetched(&mut self, stream: StreamId, result: Result<Outcome, Cause>) {
        let Some(line) = self.lines.get_mut(&stream) else { return };
        if !matches!(line.state, LineState::Fetching(_)) {
            return;
        }
        let challenge = match result {
            Ok(Outcome::AuthenticationInfo(challenges)) => challenges.into_iter().next(),
            Ok(_) => None,
            Err(cause) => return self.refuse(stream, Reason::Home(cause)),
        };
        let query = challenge.as_ref().and_then(|challenge| match challenge {
            Challenge::Aka(vector) => Some(Query::Aka { rand: vector.rand, autn: vector.autn }),
            Challenge::Ed25519 { nonce, .. } => Some(Query::Ed25519 { nonce: *nonce }),
            // Never asked for.
            Challenge::Eps(_) => None,
        });
        let Some((challenge, query)) = challenge.zip(query) else {
            return self.refuse(stream, Reason::Home(Cause::UnexpectedDataValue));
        };
        if let LineState::Fetching(who) = core::mem::replace(&mut line.state, LineState::New) {
            line.state = LineState::Challenged(who, challenge);
        }
        self.timers.set(Timer::Line(stream), self.now.mono.later(self.config.patience.step));
        let network = self.config.network.clone();
        self.tell(stream, &ToTerminal::Challenge { network, query });
    }

    /// The terminal found the challenge old: the home is asked for another, once.
    pub(super) fn out_of_step(&mut self, stream: StreamId, auts: [u8; 14]) {
        let Some(line) = self.lines.get_mut(&stream) else { return };
        match core::mem::replace(&mut line.state, LineState::New) {
            LineState::Challenged(mut who, Challenge::Aka(vector)) if !who.resynchronised => {
                who.resynchronised = true;
                self.fetch(stream, who, Some(Resynchronisation { rand: vector.rand, auts }));
            }
            state => {
                line.state = state;
                self.refuse(stream, Reason::AuthenticationFailed);
            }
        }
    }

    pub(super) fn responded(&mut self, stream: StreamId, response: &Response) {
        let Some(line) = self.lines.get(&stream) else { return };
        let LineState::Challenged(_, challenge) = &line.state else { return };
        let genuine = match (challenge, response) {
            (Challenge::Aka(vector), Response::Aka(res)) => bool::from(vector.xres.ct_eq(res.as_slice())),
            (Challenge::Ed25519 { nonce, public_key }, Response::Ed25519(signature)) => {
                is_nonce_signature(public_key, &self.config.network, nonce, signature)
            }
            _ => false,
        };
        if genuine { self.authenticated(stream) } else { self.refuse(stream, Reason::AuthenticationFailed) }
    }

    /// From here on the stream speaks for the subscriber; an older stay is over.
    fn authenticated(&mut self, stream: StreamId) {
        self.no_stranger(stream);
        let Some(line) = self.lines.get_mut(&stream) else { return };
        let LineState::Challenged(who, _) = core::mem::replace(&mut line.state, LineState::New) else {
            return;
        };
        let Who { imsi, name, call, partner, own, .. } = *who;
        line.state = LineState::Serves(imsi);
        self.leave(imsi, Reason::Superseded, true);
        let attempt = self.number();
        let visitor = Visitor {
            partner,
            own,
            attempt,
            stream: Some(stream),
            told: name,
            call,
            subscription: None,
            refresh: false,
            stage: Stage::Locating,
        };
        self.visitors.insert(imsi, visitor);
        self.arriving.insert(imsi);
        self.timers.set(Timer::Visitor(imsi), self.now.mono.later(self.config.patience.home));
        let visited = self.config.visited();
        self.ask(partner, Question::Locate(imsi, attempt), Operation::UpdateLocation { imsi, visited });
    }
}
