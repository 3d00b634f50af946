//! One client with the address that it was lent, and the peers it has let in.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use rove_base::{Flow, Instant};
use rove_nat::stun::{Transaction, turn::Family};

use crate::policy::canonical;

/// What was lent to one client.
#[derive(Debug)]
pub(super) struct Allocation {
    pub(super) client: Flow,
    /// The address that the client is seen at.
    pub(super) seen: SocketAddr,
    pub(super) user: Arc<[u8]>,
    /// Whom it counts for.
    pub(super) account: Arc<[u8]>,
    /// Of the question that made it: the same question is answered alike.
    pub(super) transaction: Transaction,
    /// The address that peers see, as this host has it.
    pub(super) relayed: SocketAddr,
    pub(super) expires: Instant,
    /// For whoever asks for the port after this one.
    pub(super) reservation: Option<[u8; 8]>,
    permissions: Vec<Permission>,
    channels: Vec<Channel>,
}

#[derive(Clone, Copy, Debug)]
struct Permission {
    peer: IpAddr,
    until: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    until: Instant,
}

/// There are as many as one client may have.
#[derive(Debug)]
pub(super) struct Full;

/// Why a channel cannot be bound.
#[derive(Debug)]
pub(super) enum NotBound {
    /// Its number is another peer's, or the peer has another number.
    Taken,
    /// There are as many as one client may have.
    Full,
}

/// What an allocation begins with.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) client: Flow,
    pub(super) seen: SocketAddr,
    pub(super) user: Arc<[u8]>,
    pub(super) account: Arc<[u8]>,
    pub(super) transaction: Transaction,
    pub(super) relayed: SocketAddr,
    pub(super) expires: Instant,
}

impl Allocation {
    pub(super) fn new(begin: Beginning) -> Self {
        let Beginning { client, seen, user, account, transaction, relayed, expires } = begin;
        let (permissions, channels) = (Vec::new(), Vec::new());
        let reservation = None;
        Self {
            client,
            seen,
            user,
            account,
            transaction,
            relayed,
            expires,
            reservation,
            permissions,
            channels,
        }
    }

    pub(super) fn family(&self) -> Family {
        Family::of(self.relayed)
    }

    /// Whether what `peer` sends is let in, and what is for it let out.
    pub(super) fn permits(&self, now: Instant, peer: IpAddr) -> bool {
        let peer = canonical(peer);
        self.permissions.iter().any(|one| one.peer == peer && one.until > now)
    }

    /// The peers, if all of them find room.
    pub(super) fn permit(
        &mut self,
        now: Instant,
        peers: impl Iterator<Item = IpAddr> + Clone,
        most: usize,
    ) -> Result<(), Full> {
        self.permissions.retain(|one| one.until > now);
        let known = |peer: &IpAddr| self.permissions.iter().any(|one| one.peer == canonical(*peer));
        let new = peers.clone().filter(|peer| !known(peer)).count();
        if self.permissions.len().saturating_add(new) > most {
            return Err(Full);
        }
        let until = now.later(PERMISSION);
        for peer in peers.map(canonical) {
            match self.permissions.iter_mut().find(|one| one.peer == peer) {
                Some(known) => known.until = until,
                None => self.permissions.push(Permission { peer, until }),
            }
        }
        Ok(())
    }

    /// The peer behind a number.
    pub(super) fn peer_of(&self, now: Instant, number: u16) -> Option<SocketAddr> {
        let found = self.channels.iter().find(|one| one.number == number && one.until > now)?;
        Some(found.peer)
    }

    /// The number of a peer.
    pub(super) fn channel_of(&self, now: Instant, peer: SocketAddr) -> Option<u16> {
        let found = self.channels.iter().find(|one| one.peer == peer && one.until > now)?;
        Some(found.number)
    }

    /// Gives a peer a number, or keeps it.
    pub(super) fn bind(
        &mut self,
        now: Instant,
        number: u16,
        peer: SocketAddr,
        most: usize,
    ) -> Result<(), NotBound> {
        self.channels.retain(|one| one.until > now);
        let until = now.later(CHANNEL);
        if let Some(known) = self.channels.iter_mut().find(|one| one.number == number || one.peer == peer) {
            if (known.number, known.peer) != (number, peer) {
                return Err(NotBound::Taken);
            }
            known.until = until;
        } else if self.channels.len() >= most {
            return Err(NotBound::Full);
        } else {
            self.channels.push(Channel { number, peer, until });
        }
        Ok(())
    }
}

/// How long a permission is good (RFC 8656 §9).
pub(super) const PERMISSION: Duration = Duration::from_secs(300);
/// How long a number is good (RFC 8656 §12).
pub(super) const CHANNEL: Duration = Duration::from_secs(600);
