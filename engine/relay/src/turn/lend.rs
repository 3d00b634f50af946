//! How an address is lent (RFC 8656 §7.2), and bound in between.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{Now, Scratch, Step};
use rove_nat::stun::{
    Class,
    turn::{Family, Method, TurnAttributes, TurnWriter},
};

use super::{
    RelayPort, TurnEvent, TurnServer,
    allocation::{Allocation, Beginning},
    asked::Asked,
    ports::{Kept, Place},
    requests::{Question, Refusal, seal, secs},
};
use crate::{
    accounts::{Caller, TICKET},
    counts::Cause,
};

impl TurnServer {
    pub(super) fn allocate(
        &mut self,
        now: Now,
        question: &Question<'_>,
        caller: &Caller,
        out: &mut Scratch,
    ) -> Result<(), Refusal> {
        let (client, told) = (question.client, question.message.attributes());
        if let Some(port) = self.clients.get(&client).copied() {
            return self.asked_again(now, port, question, caller, out);
        }
        let family = wanted(told)?;
        if let Some(token) = told.reservation {
            return self.redeem(now, question, caller, token, out);
        }
        if !self.ports.lends(family) {
            return Err((Cause::Family, 440).into());
        }
        self.has_room(now, caller)?;
        let (even, pair) = (told.even_port.is_some(), told.even_port == Some(true));
        let address = self.ports.pick(family, even, pair).ok_or((Cause::Capacity, 508))?;
        let asked = Asked {
            client,
            seen: question.seen,
            caller: caller.clone(),
            transaction: question.message.transaction(),
            life: self.life(told.lifetime),
            family,
            even,
            pair,
            wanted_more: told.additional_family.is_some(),
            attempts: 0,
            address,
            partner: None,
        };
        self.count(caller.holder());
        self.bind_first(asked);
        Ok(())
    }

    /// The same question is answered alike; another one has been answered.
    fn asked_again(
        &mut self,
        now: Now,
        port: RelayPort,
        question: &Question<'_>,
        caller: &Caller,
        out: &mut Scratch,
    ) -> Result<(), Refusal> {
        // Nothing yet: its answer is on its way.
        let Some(allocation) = self.ports.lent(port) else { return Ok(()) };
        if allocation.transaction != question.message.transaction() || allocation.user != caller.user {
            return Err((Cause::Mismatch, 437).into());
        }
        let more = question.message.attributes().additional_family.is_some();
        self.answer(now, port, caller, more, out);
        Ok(())
    }

    fn has_room(&mut self, now: Now, caller: &Caller) -> Result<(), Refusal> {
        self.charge(now.mono);
        let holder = caller.holder();
        if self.lent_to(&holder.account) >= self.limits.per_user {
            return Err((Cause::UserQuota, 486).into());
        }
        if holder.ticket.is_some_and(|ticket| self.lent_to(&ticket) >= TICKET) {
            return Err((Cause::UserQuota, 486).into());
        }
        if !self.has_credit(&caller.account) {
            return Err((Cause::NoCredit, 486).into());
        }
        if self.is_full() {
            return Err((Cause::Capacity, 508).into());
        }
        Ok(())
    }

    /// The port that was kept for whoever shows its token.
    fn redeem(
        &mut self,
        now: Now,
        question: &Question<'_>,
        caller: &Caller,
        token: [u8; 8],
        out: &mut Scratch,
    ) -> Result<(), Refusal> {
        self.has_room(now, caller)?;
        let Some(port) = self.ports.by_token(now.mono, token) else {
            return self.want(now, question, caller, token);
        };
        let Place::Kept(kept) = self.ports.take(port) else { return Err((Cause::Capacity, 508).into()) };
        self.count(caller.holder());
        self.clients.insert(question.client, port);
        let life = self.life(question.message.attributes().lifetime);
        let begin = Beginning {
            client: question.client,
            seen: question.seen,
            user: caller.user.clone(),
            account: caller.account.clone(),
            transaction: question.message.transaction(),
            relayed: kept.address,
            expires: now.mono.later(life),
        };
        self.ends.remove(&(kept.until, port));
        self.lend(port, begin, None);
        self.answer(now, port, caller, false, out);
        Ok(())
    }

    pub(super) fn bind_first(&mut self, asked: Asked) {
        let (client, address) = (asked.client, asked.address);
        let port = self.ports.put(address, Place::Binding(Box::new(asked)));
        self.clients.insert(client, port);
        self.steps.push_back(Step::Event(TurnEvent::Bind { port, address }));
    }

    /// The system gave the address, which is lent at once or with the one after it.
    pub(super) fn first_bound(
        &mut self,
        now: Now,
        port: RelayPort,
        mut asked: Box<Asked>,
        out: &mut Scratch,
    ) {
        if !asked.pair {
            return self.finish(now, port, &asked, out);
        }
        let mut address = asked.address;
        address.set_port(address.port().saturating_add(1));
        let (token, until) = (self.token(), now.mono.later(KEPT));
        let kept = Kept { token, address, until, waits: Some(port) };
        let partner = self.ports.put(address, Place::Kept(kept));
        asked.partner = Some(partner);
        self.ports.set(port, Place::Binding(asked));
        self.steps.push_back(Step::Event(TurnEvent::Bind { port: partner, address }));
    }

    /// The port after another is ours as well, or cannot be: then neither is of use.
    pub(super) fn second_bound(
        &mut self,
        now: Now,
        partner: RelayPort,
        mut kept: Kept,
        done: bool,
        out: &mut Scratch,
    ) {
        let Some(port) = kept.waits.take() else { return self.ports.set(partner, Place::Kept(kept)) };
        let Place::Binding(asked) = self.ports.take(port) else {
            return self.ports.free(partner, kept.address);
        };
        if done {
            let until = kept.until;
            self.ports.set(partner, Place::Kept(kept));
            self.ends.insert((until, partner));
            self.finish(now, port, &asked, out);
        } else {
            self.ports.free(partner, kept.address);
            self.steps.push_back(Step::Event(TurnEvent::Unbind { port }));
            self.not_bound(port, *asked, out);
        }
    }

    /// Another one, or none after some.
    pub(super) fn not_bound(&mut self, port: RelayPort, mut asked: Asked, out: &mut Scratch) {
        self.clients.remove(&asked.client);
        asked.attempts = asked.attempts.saturating_add(1);
        asked.partner = None;
        // Picked before the refused one is free again.
        let next = self.ports.pick(asked.family, asked.even, asked.pair);
        self.ports.free(port, asked.address);
        match next.filter(|_| asked.attempts < ATTEMPTS) {
            Some(address) => {
                asked.address = address;
                self.bind_first(asked);
            }
            None => {
                self.forget(asked.client, &asked.caller.user, &asked.caller.account);
                let refusal = (Cause::Capacity, 508).into();
                self.refuse_later(
                    asked.client,
                    Method::Allocate,
                    asked.transaction,
                    &asked.caller,
                    refusal,
                    out,
                );
            }
        }
    }

    fn finish(&mut self, now: Now, port: RelayPort, asked: &Asked, out: &mut Scratch) {
        let begin = Beginning {
            client: asked.client,
            seen: asked.seen,
            user: asked.caller.user.clone(),
            account: asked.caller.account.clone(),
            transaction: asked.transaction,
            relayed: asked.address,
            expires: now.mono.later(asked.life),
        };
        let token = asked.partner.and_then(|partner| self.ports.kept(partner)).map(|kept| kept.token);
        self.lend(port, begin, token);
        self.answer(now, port, &asked.caller, asked.wanted_more, out);
    }

    fn lend(&mut self, port: RelayPort, begin: Beginning, reservation: Option<[u8; 8]>) {
        let until = begin.expires;
        let mut allocation = Allocation::new(begin);
        allocation.reservation = reservation;
        self.ports.set(port, Place::Lent(Box::new(allocation)));
        self.ends.insert((until, port));
        self.counts.begun = self.counts.begun.saturating_add(1);
    }

    fn answer(&mut self, now: Now, port: RelayPort, caller: &Caller, more: bool, out: &mut Scratch) {
        let Some(allocation) = self.ports.lent(port) else { return };
        let (client, transaction) = (allocation.client, allocation.transaction);
        let relayed: SocketAddr = self.ports.told(allocation.relayed);
        let left = allocation.expires.since(now.mono);
        let range = out.write(|out| {
            let mut answer = TurnWriter::new(out, Class::Success, Method::Allocate, transaction)
                .relayed(relayed)
                .lifetime(secs(left))
                .mapped(allocation.seen);
            if let Some(token) = allocation.reservation {
                answer = answer.reservation(token);
            }
            if more {
                answer = answer.attribute(ADDRESS_ERROR_CODE, &[2, 0, 4, 40]);
            }
            seal(answer, caller);
        });
        self.send(client, range);
    }
}

/// What family is wanted, where nothing stands against it but that it may not be lent.
fn wanted(told: &TurnAttributes<'_>) -> Result<Family, Refusal> {
    match told.transport {
        None => return Err((Cause::BadRequest, 400).into()),
        Some(UDP) => {}
        Some(_) => return Err((Cause::Transport, 442).into()),
    }
    if told.dont_fragment {
        // Nothing is lent that could keep that promise (RFC 8656 §7.2): as if it were not understood.
        return Err(Refusal::unknown(DONT_FRAGMENT));
    }
    let reserved = told.reservation.is_some();
    let contradicts = reserved && (told.even_port.is_some() || told.family.is_some())
        || told.additional_family.is_some()
            && (reserved
                || told.family.is_some()
                || told.even_port == Some(true)
                || told.additional_family != Some(Family::V6));
    if contradicts {
        return Err((Cause::BadRequest, 400).into());
    }
    match told.family {
        Some(Family::Unknown(_)) => Err((Cause::Family, 440).into()),
        family => Ok(family.unwrap_or(Family::V4)),
    }
}

/// UDP's number among the protocols of IP.
const UDP: u8 = 17;
const DONT_FRAGMENT: u16 = 0x001a;
/// Says that the second address is not lent: family IPv6, code 440 (RFC 8656 §18.13).
const ADDRESS_ERROR_CODE: u16 = 0x8001;
/// Addresses that the system may refuse before the client hears that there is none.
pub(super) const ATTEMPTS: u8 = 8;
/// How long a port is kept for who shows its token (RFC 8656 §7.2: 30 seconds at least).
const KEPT: Duration = Duration::from_secs(30);
