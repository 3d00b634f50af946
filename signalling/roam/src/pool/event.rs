//! What a pool tells its owner.

use crate::{Change, Imsi};

/// What the register is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// A terminal asks for the address reserved for it. Answered by [`super::Pool::bound`] or [`super::Pool::refused`]; until then
    /// the terminal hears nothing.
    Requested {
        /// Whose token it showed.
        holder: Imsi,
        /// How it calls itself (options 81 and 12, RFC 4702), as it says; for the register to compare.
        host_name: Option<String>,
    },
    /// A terminal gave its addresses back, or found them in use by somebody else. They rest already.
    Released {
        /// Who.
        holder: Imsi,
    },
    /// A reservation or lease ran out. The addresses rest already.
    Expired {
        /// Whose.
        holder: Imsi,
    },
    /// Make this durable, and answer with [`super::Pool::committed`].
    Commit(Change),
}

/// Nothing can be given out now. Nothing has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the address pool is exhausted")]
pub struct Full;

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Datagrams that make no sense.
    pub malformed: u64,
    /// Questions of clients that show no token.
    pub without_token: u64,
    /// Questions of clients whose token nobody granted, or whose stay is over.
    pub unknown_token: u64,
    /// Questions with a good token for an address that is not its holder's.
    pub spoofed: u64,
    /// Questions meant for another server.
    pub elsewhere: u64,
    /// Refusals sent.
    pub refused: u64,
    /// Addresses that a terminal found in use.
    pub declined: u64,
    /// Reservations for which there was no address.
    pub starved: u64,
}

impl Counters {
    /// Each of them by the cause that it counts.
    pub fn by_cause(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let Self { malformed, without_token, unknown_token, spoofed, elsewhere, refused, declined, starved } =
            *self;
        [
            ("malformed", malformed),
            ("without token", without_token),
            ("unknown token", unknown_token),
            ("spoofed", spoofed),
            ("elsewhere", elsewhere),
            ("refused", refused),
            ("declined", declined),
            ("starved", starved),
        ]
        .into_iter()
    }
}

/// How many addresses are where.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Occupancy {
    /// IPv4 addresses that can be given out.
    pub free: usize,
    /// Subscribers whose terminal has not asked yet.
    pub reserved: usize,
    /// Subscribers with a lease.
    pub bound: usize,
    /// Addresses of both families at rest.
    pub resting: usize,
}
