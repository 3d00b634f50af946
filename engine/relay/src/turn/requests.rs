//! Questions of clients and their answers.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{Flow, Now, Scratch, Span};
use rove_nat::stun::{
    Class, Transaction,
    turn::{Algorithm, Method, TurnMessage, TurnWriter, is_channel},
};

use super::{
    TurnServer,
    allocation::{Full, NotBound},
};
use crate::{accounts::Caller, counts::Cause};

/// A question with what its answer needs.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) client: Flow,
    pub(super) seen: SocketAddr,
    pub(super) message: TurnMessage<'a>,
}

/// A question that is answered by an error.
#[derive(Clone, Copy)]
pub(super) struct Refusal {
    cause: Cause,
    code: u16,
    unknown: Option<u16>,
}

impl From<(Cause, u16)> for Refusal {
    fn from((cause, code): (Cause, u16)) -> Self {
        Self { cause, code, unknown: None }
    }
}

impl Refusal {
    pub(super) const fn unknown(attribute: u16) -> Self {
        Self { cause: Cause::UnknownAttribute, code: 420, unknown: Some(attribute) }
    }
}

impl TurnServer {
    pub(super) fn message(
        &mut self,
        now: Now,
        client: Flow,
        seen: SocketAddr,
        bytes: &[u8],
        out: &mut Scratch,
    ) {
        let Ok(message) = TurnMessage::parse(bytes) else { return self.counts.refuse(Cause::NotUnderstood) };
        let question = Question { client, seen, message };
        match (message.class(), message.method()) {
            (Class::Indication, Method::Send) => self.send_indication(now, client, &message, out),
            // A client says that it is still there.
            (Class::Indication, Method::Binding) => {}
            (Class::Request, Method::Binding) => self.binding(now, &question, out),
            (Class::Request, _) => match self.caller(now, &question) {
                Ok(caller) => self.ask(now, &question, &caller, out),
                Err(refusal) => self.challenge(now, &question, refusal, out),
            },
            _ => self.counts.refuse(Cause::NotUnderstood),
        }
    }

    /// How do you see me? Asked and answered without a name.
    fn binding(&mut self, now: Now, question: &Question<'_>, out: &mut Scratch) {
        if !self.sources.may_answer(now.mono, question.seen.ip()) {
            return self.counts.refuse(Cause::Source);
        }
        let transaction = question.message.transaction();
        let range = out.write(|out| match question.message.attributes().unknown {
            None => TurnWriter::new(out, Class::Success, Method::Binding, transaction)
                .mapped(question.seen)
                .done(),
            Some(kind) => {
                TurnWriter::new(out, Class::Error, Method::Binding, transaction)
                    .error(420)
                    .unknown(kind)
                    .done();
            }
        });
        self.send(question.client, range);
    }

    /// Who asks (RFC 8489 §9.2.4).
    fn caller(&self, now: Now, question: &Question<'_>) -> Result<Caller, Refusal> {
        let (message, told) = (&question.message, question.message.attributes());
        if !message.has_seal() {
            return Err((Cause::Unsealed, 401).into());
        }
        let (Some(_), Some(realm), Some(nonce)) = (told.username, told.realm, told.nonce) else {
            return Err((Cause::BadRequest, 400).into());
        };
        if !self.nonces.is_good(now.mono, question.seen, nonce) {
            return Err((Cause::StaleNonce, 438).into());
        }
        // Whoever picks a way to make the key shows which ones it was offered, so that nobody on the way has changed them.
        let offered: Vec<u8> = OFFERED.iter().flat_map(|number| [0, *number, 0, 0]).collect();
        match (told.algorithms, told.algorithm) {
            (None, None) => {}
            (Some(all), Some(Algorithm::Md5 | Algorithm::Sha256)) if all == offered => {}
            _ => return Err((Cause::BadRequest, 400).into()),
        }
        let caller = self.accounts.caller(message, now.wall).filter(|_| realm == self.accounts.realm());
        caller.ok_or_else(|| (Cause::Unauthorized, 401).into())
    }

    /// Says what is needed to be believed; in three times the bytes of the question at most.
    fn challenge(&mut self, now: Now, question: &Question<'_>, refusal: Refusal, out: &mut Scratch) {
        self.counts.refuse(refusal.cause);
        if matches!(question.client, Flow::Udp(_)) && !self.sources.may_answer(now.mono, question.seen.ip()) {
            return self.counts.refuse(Cause::Source);
        }
        let most = question.message.len().saturating_mul(AMPLIFICATION);
        let full = self.write_challenge(now, question, refusal.code, true, out);
        if full.len() <= most {
            return self.send(question.client, full);
        }
        let lean = self.write_challenge(now, question, refusal.code, false, out);
        if lean.len() <= most {
            self.send(question.client, lean);
        } else {
            self.counts.refuse(Cause::Source);
        }
    }

    fn write_challenge(
        &self,
        now: Now,
        question: &Question<'_>,
        code: u16,
        full: bool,
        out: &mut Scratch,
    ) -> Span {
        let (method, transaction) = (question.message.method(), question.message.transaction());
        out.write(|out| {
            let mut answer = TurnWriter::new(out, Class::Error, method, transaction).error(code);
            if code != 400 {
                let nonce = self.nonces.make(now.mono, question.seen, full);
                answer = answer.realm(self.accounts.realm()).nonce(&nonce);
                if full {
                    answer = answer.algorithms(&[Algorithm::Md5, Algorithm::Sha256]);
                }
            }
            answer.done();
        })
    }

    fn ask(&mut self, now: Now, question: &Question<'_>, caller: &Caller, out: &mut Scratch) {
        let told = question.message.attributes();
        if let Some(kind) = told.unknown {
            return self.refuse(question, caller, Refusal::unknown(kind), out);
        }
        let done = match question.message.method() {
            Method::Allocate => self.allocate(now, question, caller, out),
            Method::Refresh => self.refresh(now, question, caller, out),
            Method::CreatePermission => self.create_permission(now, question, caller, out),
            Method::ChannelBind => self.channel_bind(now, question, caller, out),
            _ => Err((Cause::BadRequest, 400).into()),
        };
        if let Err(refusal) = done {
            self.refuse(question, caller, refusal, out);
        }
    }

    fn refuse(&mut self, question: &Question<'_>, caller: &Caller, refusal: Refusal, out: &mut Scratch) {
        self.refuse_later(
            question.client,
            question.message.method(),
            question.message.transaction(),
            caller,
            refusal,
            out,
        );
    }

    pub(super) fn refuse_later(
        &mut self,
        client: Flow,
        method: Method,
        transaction: Transaction,
        caller: &Caller,
        refusal: Refusal,
        out: &mut Scratch,
    ) {
        self.counts.refuse(refusal.cause);
        let range = out.write(|out| {
            let mut answer = TurnWriter::new(out, Class::Error, method, transaction).error(refusal.code);
            if let Some(kind) = refusal.unknown {
                answer = answer.unknown(kind);
            }
            seal(answer, caller);
        });
        self.send(client, range);
    }

    fn succeed(
        &mut self,
        question: &Question<'_>,
        caller: &Caller,
        out: &mut Scratch,
        say: impl FnOnce(TurnWriter<'_>) -> TurnWriter<'_>,
    ) {
        let (method, transaction) = (question.message.method(), question.message.transaction());
        let range =
            out.write(|out| seal(say(TurnWriter::new(out, Class::Success, method, transaction)), caller));
        self.send(question.client, range);
    }

    /// RFC 8656 §7.
    fn refresh(
        &mut self,
        now: Now,
        question: &Question<'_>,
        caller: &Caller,
        out: &mut Scratch,
    ) -> Result<(), Refusal> {
        let told = question.message.attributes();
        let port = self.own_port(question, caller)?;
        let life = self.life(told.lifetime);
        let Some(allocation) = self.ports.lent_mut(port) else { return Err((Cause::Mismatch, 437).into()) };
        if told.family.is_some_and(|family| family != allocation.family()) {
            return Err((Cause::PeerFamily, 443).into());
        }
        if told.lifetime == Some(0) {
            self.take_back(port);
            self.succeed(question, caller, out, |answer| answer.lifetime(0));
        } else {
            let was = core::mem::replace(&mut allocation.expires, now.mono.later(life));
            self.ends.remove(&(was, port));
            self.ends.insert((now.mono.later(life), port));
            self.succeed(question, caller, out, |answer| answer.lifetime(secs(life)));
        }
        Ok(())
    }

    /// RFC 8656 §10.2: all of them or none.
    fn create_permission(
        &mut self,
        now: Now,
        question: &Question<'_>,
        caller: &Caller,
        out: &mut Scratch,
    ) -> Result<(), Refusal> {
        let port = self.own_port(question, caller)?;
        if question.message.attributes().peer.is_none() {
            return Err((Cause::BadRequest, 400).into());
        }
        for peer in question.message.peers() {
            self.judge(port, peer)?;
        }
        let most = self.limits.permissions;
        let peers: Vec<_> = question.message.peers().map(|peer| peer.ip()).collect();
        let Some(allocation) = self.ports.lent_mut(port) else { return Err((Cause::Mismatch, 437).into()) };
        let permitted = allocation.permit(now.mono, peers.into_iter(), most);
        permitted.map_err(|Full| (Cause::Capacity, 508))?;
        self.succeed(question, caller, out, |answer| answer);
        Ok(())
    }

    /// RFC 8656 §12.2.
    fn channel_bind(
        &mut self,
        now: Now,
        question: &Question<'_>,
        caller: &Caller,
        out: &mut Scratch,
    ) -> Result<(), Refusal> {
        let port = self.own_port(question, caller)?;
        let told = question.message.attributes();
        let (Some(number), Some(peer)) = (told.channel.filter(|number| is_channel(*number)), told.peer)
        else {
            return Err((Cause::BadRequest, 400).into());
        };
        self.judge(port, peer)?;
        if self.own.contains(&peer) {
            return Err((Cause::Forbidden, 403).into());
        }
        let (channels, permissions) = (self.limits.channels, self.limits.permissions);
        let Some(allocation) = self.ports.lent_mut(port) else { return Err((Cause::Mismatch, 437).into()) };
        let bound = allocation.bind(now.mono, number, peer, channels);
        bound.map_err(|why| match why {
            NotBound::Taken => (Cause::BadRequest, 400),
            NotBound::Full => (Cause::Capacity, 508),
        })?;
        let permitted = allocation.permit(now.mono, [peer.ip()].into_iter(), permissions);
        permitted.map_err(|Full| (Cause::Capacity, 508))?;
        self.succeed(question, caller, out, |answer| answer);
        Ok(())
    }

    /// The address that was lent to whoever asks.
    fn own_port(&self, question: &Question<'_>, caller: &Caller) -> Result<super::RelayPort, Refusal> {
        let (port, allocation) = self.allocation(question.client).ok_or((Cause::Mismatch, 437))?;
        if allocation.user != caller.user { Err((Cause::WrongUser, 441).into()) } else { Ok(port) }
    }

    /// Whether a peer may be sent to from an address.
    fn judge(&self, port: super::RelayPort, peer: SocketAddr) -> Result<(), Refusal> {
        let family = self.ports.lent(port).map(super::allocation::Allocation::family);
        if family != Some(rove_nat::stun::turn::Family::of(peer)) {
            return Err((Cause::PeerFamily, 443).into());
        }
        if self.policy.allows(peer.ip()) { Ok(()) } else { Err((Cause::Forbidden, 403).into()) }
    }

    /// How long an address is lent that is wanted for `secs` (RFC 8656 §7.2).
    pub(super) fn life(&self, secs: Option<u32>) -> Duration {
        let wanted = Duration::from_secs(secs.unwrap_or_default().into());
        wanted.max(SHORTEST_LIFE).min(self.limits.life.max(SHORTEST_LIFE))
    }
}

pub(super) fn seal(answer: TurnWriter<'_>, caller: &Caller) {
    match caller.seal() {
        Some(seal) => answer.sealed(seal).done(),
        None => answer.done(),
    }
}

pub(super) fn secs(life: Duration) -> u32 {
    u32::try_from(life.as_secs()).unwrap_or(u32::MAX)
}

/// Numbers of the PASSWORD-ALGORITHMS that are offered: MD5, SHA-256.
const OFFERED: [u8; 2] = [1, 2];
/// How much longer than the question an answer may be that goes to who knows whom.
const AMPLIFICATION: usize = 3;
/// RFC 8656 §3.2: the lifetime of who wants none.
const SHORTEST_LIFE: Duration = Duration::from_secs(600);
