//! Streams: of terminals, and of other servers.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::{collections::BTreeMap, net::SocketAddr};

use rove_base::{Instant, StreamId};

use super::Server;
use super::watch::Topic;
use crate::{Frames, Message, Name, Uid, WireError};

/// One stream.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) remote: SocketAddr,
    pub(super) frames: Frames,
    pub(super) who: Who,
    /// Whose certificate the other end has shown.
    pub(super) shown: Option<String>,
    /// What it is told of, by the number it gave.
    pub(super) watching: BTreeMap<u32, Topic>,
    /// Who has registered on it.
    pub(super) users: Vec<Uid>,
    /// Who else speaks on it.
    pub(super) speakers: Vec<(Name, Uid)>,
    budget: Budget,
}

/// Who is at the other end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Who {
    /// It has not said yet.
    Stranger,
    Terminal,
    /// A server of this domain, which we have connected to, and which has not said so yet.
    Asked(String),
    /// A server of this domain.
    Peer(String),
}

/// The same without a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Stranger,
    Terminal,
    Asked,
    Peer,
}

/// How much a terminal may still ask, in thousandths of a question.
#[derive(Clone, Copy, Debug)]
struct Budget {
    left: u64,
    since: Instant,
}

impl Link {
    pub(super) fn new(remote: SocketAddr, who: Who, now: Instant) -> Self {
        let budget = Budget { left: u64::MAX, since: now };
        let (frames, watching, users, speakers) = Default::default();
        Self { remote, frames, who, shown: None, watching, users, speakers, budget }
    }

    /// Whether one more question is allowed at `now`, of `rate` in a second. Servers ask for many.
    pub(super) fn may_ask(&mut self, now: Instant, rate: u32) -> bool {
        if !matches!(self.who, Who::Terminal) {
            return true;
        }
        let most = u64::from(rate).saturating_mul(10 * QUESTION);
        let millis = u64::try_from(now.since(self.budget.since).as_millis()).unwrap_or(u64::MAX);
        if millis > 0 {
            self.budget.since = now;
        }
        let left = self.budget.left.saturating_add(millis.saturating_mul(rate.into())).min(most);
        let allowed = left >= QUESTION;
        self.budget.left = if allowed { left.saturating_sub(QUESTION) } else { left };
        allowed
    }
}

impl Server {
    /// A stream is gone.
    pub(super) fn lost(&mut self, stream: StreamId) {
        let Some(link) = self.links.remove(&stream) else { return };
        for uid in &link.users {
            if self.homes.get(uid) == Some(&stream) {
                self.homes.remove(uid);
            }
        }
        self.watches.forget(stream, &link.watching);
        match link.who {
            Who::Asked(domain) | Who::Peer(domain) => self.peer_lost(stream, &domain),
            Who::Stranger | Who::Terminal => {}
        }
    }

    /// A stream stands: one of ours to another server, or one that somebody has opened.
    pub(super) fn connected(&mut self, stream: StreamId, remote: SocketAddr) {
        let who = match self.peers.dialled(stream) {
            Some(domain) => Who::Asked(domain),
            None if self.links.len() >= self.config.limits.links => return self.outbox.close(stream),
            None => Who::Stranger,
        };
        let dialled = matches!(who, Who::Asked(_));
        self.links.insert(stream, Link::new(remote, who, self.now.mono));
        if dialled {
            let server = Some((self.config.domain.clone(), self.key.public()));
            self.say(stream, &Message::Hello { server });
        }
    }

    /// Somebody says who it is. A server has to have shown a certificate of its domain.
    pub(super) fn greeted(
        &mut self,
        stream: StreamId,
        server: Option<(String, [u8; 32])>,
    ) -> Result<(), WireError> {
        let Some(link) = self.links.get_mut(&stream) else { return Ok(()) };
        let is_shown = |domain: &String| link.shown.as_ref() == Some(domain);
        match &server {
            None => link.who = Who::Terminal,
            Some((domain, _)) if is_shown(domain) => link.who = Who::Peer(domain.clone()),
            Some(_) => return Err(WireError::Value("the domain of a server")),
        }
        let welcome = Message::Welcome { domain: self.config.domain.clone(), key: self.key.public() };
        self.say(stream, &welcome);
        if let Some((domain, key)) = server {
            self.peer_came(stream, &domain, key);
        }
        Ok(())
    }
}

/// Of a [`Budget`].
const QUESTION: u64 = 1_000;

impl Link {
    pub(super) const fn part(&self) -> Part {
        match self.who {
            Who::Stranger => Part::Stranger,
            Who::Terminal => Part::Terminal,
            Who::Asked(_) => Part::Asked,
            Who::Peer(_) => Part::Peer,
        }
    }

    pub(super) const fn is_terminal(&self) -> bool {
        matches!(self.who, Who::Terminal)
    }
}
