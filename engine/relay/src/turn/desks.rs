//! A TURN server at several desks: each lends a share of the ports, to the clients that come to it.
//!
//! What is lent is told, so that no account has more than it may at all of them together, but for what two of them lend at the
//! same moment. A port that one has kept is given to another whose client shows its token.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{net::Ipv4Addr, time::Duration};
use std::{collections::VecDeque, net::SocketAddr};

use rove_base::{Flow, Instant, Now, Scratch};
use rove_nat::stun::turn::{Family, Method};

use super::{
    RelayPort, TurnServer,
    asked::Asked,
    lend::ATTEMPTS,
    ports::Place,
    requests::{Question, Refusal},
    tally::{Holder, Tally},
};
use crate::{accounts::Caller, counts::Cause, desks::Desk};

/// What one desk tells all others, in the order in which it came about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Tiding {
    /// An address is lent, or about to be.
    Lent(Holder),
    /// It is not any more.
    Returned(Holder),
    /// A client shows the token of a port that another desk has kept.
    Wanted {
        /// The token, which says whose.
        token: [u8; 8],
        /// At which desk.
        by: u8,
    },
    /// The port of a token is nobody's any more, or was not there.
    Given {
        /// The token.
        token: [u8; 8],
        /// For which desk.
        to: u8,
        /// Its address.
        address: Option<SocketAddr>,
    },
}

/// What a desk knows of and for the others.
#[derive(Debug)]
pub(super) struct Others {
    desk: Desk,
    /// Lent there.
    pub(super) lent: Tally,
    /// Clients that wait for a port which another desk has kept, by its token, until when.
    waiting: Vec<([u8; 8], RelayPort, Instant)>,
    news: VecDeque<Tiding>,
}

impl Others {
    /// Whether another desk may have kept a port for a client that shows this token. Streams come to one desk alone, and so
    /// do their tokens.
    fn may_ask(&self, token: [u8; 8], client: Flow) -> bool {
        let [there, ..] = token;
        let is_another = there != self.desk.index() && there < self.desk.count();
        is_another && matches!(client, Flow::Udp(_)) && self.waiting.len() < MOST_WAITING
    }
}

impl TurnServer {
    /// The same at one of several desks, each with a share of the ports: it is told what others have to say with
    /// [`TurnServer::told`], and says by [`TurnServer::next_tiding`] what they are to be told, after what it wants of sockets was
    /// done. All of them have the same configuration and clock, and entropy of their own. Nobody pays for the time at several desks.
    #[must_use]
    pub fn among(mut self, desk: Desk) -> Self {
        if !desk.is_alone() {
            let (lent, waiting, news) = (Tally::default(), Vec::new(), VecDeque::new());
            self.ports.share(desk);
            self.sources.share(desk);
            self.others = Some(Box::new(Others { desk, lent, waiting, news }));
        }
        self
    }

    /// What all other desks are to be told next.
    pub fn next_tiding(&mut self) -> Option<Tiding> {
        self.others.as_mut()?.news.pop_front()
    }

    /// Whether there is something to tell.
    #[must_use]
    pub fn has_tidings(&self) -> bool {
        self.others.as_ref().is_some_and(|others| !others.news.is_empty())
    }

    /// Another desk tells this.
    pub fn told(&mut self, now: Now, tiding: &Tiding, out: &mut Scratch) {
        let Some(others) = &mut self.others else { return };
        let own = others.desk.index();
        match tiding {
            Tiding::Lent(holder) => others.lent.add(holder),
            Tiding::Returned(holder) => others.lent.take(holder),
            Tiding::Wanted { token, by } if token.first() == Some(&own) => self.give(now, *token, *by),
            Tiding::Given { token, to, address } if *to == own => self.given(*token, *address, out),
            Tiding::Wanted { .. } | Tiding::Given { .. } => {}
        }
    }

    /// One more address for an account, and for a call's ticket.
    pub(super) fn count(&mut self, holder: Holder) {
        self.lent.add(&holder);
        if let Some(others) = &mut self.others {
            others.news.push_back(Tiding::Lent(holder));
        }
    }

    /// One less. There are never more of these to tell than there were addresses.
    pub(super) fn uncount(&mut self, holder: Holder) {
        self.lent.take(&holder);
        if let Some(others) = &mut self.others {
            others.news.push_back(Tiding::Returned(holder));
        }
    }

    /// Addresses of an account, or by a ticket, at all desks.
    pub(super) fn lent_to(&self, name: &[u8]) -> usize {
        self.lent.of(name).saturating_add(self.others.as_ref().map_or(0, |others| others.lent.of(name)))
    }

    /// Addresses that no more can be lent beside, at all desks; or too much waits to be told.
    pub(super) fn is_full(&self) -> bool {
        let (there, behind) = self
            .others
            .as_ref()
            .map_or((0, false), |others| (others.lent.all(), others.news.len() >= MOST_NEWS));
        behind || self.clients.len().saturating_add(there) >= self.limits.allocations
    }

    /// A new token, which says whose it is.
    pub(super) fn token(&mut self) -> [u8; 8] {
        let mut token = self.ports.token();
        if let (Some(others), Some(first)) = (&self.others, token.first_mut()) {
            *first = others.desk.index();
        }
        token
    }

    /// A token that is not of this desk: whose it is gives its port, or says that there is none.
    pub(super) fn want(
        &mut self,
        now: Now,
        question: &Question<'_>,
        caller: &Caller,
        token: [u8; 8],
    ) -> Result<(), Refusal> {
        let life = self.life(question.message.attributes().lifetime);
        let client = question.client;
        let Some(others) = self.others.as_mut().filter(|others| others.may_ask(token, client)) else {
            return Err((Cause::Capacity, 508).into());
        };
        let by = others.desk.index();
        let asked = Asked {
            client,
            seen: question.seen,
            caller: caller.clone(),
            transaction: question.message.transaction(),
            life,
            family: Family::V4,
            even: false,
            pair: false,
            wanted_more: false,
            // If that one cannot be bound, no other is of use.
            attempts: ATTEMPTS,
            address: NOWHERE,
            partner: None,
        };
        let (port, until) =
            (self.ports.put(NOWHERE, Place::Binding(Box::new(asked))), now.mono.later(PATIENCE));
        others.waiting.push((token, port, until));
        others.news.push_back(Tiding::Wanted { token, by });
        self.clients.insert(client, port);
        self.ends.insert((until, port));
        self.count(caller.holder());
        Ok(())
    }

    /// Whoever waits for a port of another desk has waited long enough, and asks again if it still wants it.
    pub(super) fn wait_no_longer(&mut self, port: RelayPort, asked: &Asked) {
        self.clients.remove(&asked.client);
        self.uncount(asked.caller.holder());
        self.ports.free(port, NOWHERE);
        if let Some(others) = &mut self.others {
            others.waiting.retain(|(_, waits, _)| *waits != port);
        }
    }

    /// Gives a port that is kept here to another desk.
    fn give(&mut self, now: Now, token: [u8; 8], to: u8) {
        let port = self.ports.by_token(now.mono, token);
        let address = port.and_then(|port| self.ports.kept(port)).map(|kept| kept.address);
        if let Some(port) = port {
            self.take_back(port);
        }
        if let Some(others) = &mut self.others {
            others.news.push_back(Tiding::Given { token, to, address });
        }
    }

    /// What was waited for is there, or will not be.
    fn given(&mut self, token: [u8; 8], address: Option<SocketAddr>, out: &mut Scratch) {
        let Some(others) = &mut self.others else { return };
        let Some(place) = others.waiting.iter().position(|(waits, ..)| *waits == token) else { return };
        let (_, port, until) = others.waiting.remove(place);
        self.ends.remove(&(until, port));
        let Place::Binding(mut asked) = self.ports.take(port) else { return };
        self.ports.free(port, NOWHERE);
        self.clients.remove(&asked.client);
        match address {
            Some(address) => {
                asked.address = address;
                self.bind_first(*asked);
            }
            None => {
                self.uncount(asked.caller.holder());
                let refusal = (Cause::Capacity, 508).into();
                let (method, transaction) = (Method::Allocate, asked.transaction);
                self.refuse_later(asked.client, method, transaction, &asked.caller, refusal, out);
            }
        }
    }
}

/// The address of whoever waits for one.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// Clients that wait for a port of another desk.
const MOST_WAITING: usize = 64;
/// How long.
const PATIENCE: Duration = Duration::from_secs(2);
/// Tidings that wait; there is never reason for many.
const MOST_NEWS: usize = 4_096;
