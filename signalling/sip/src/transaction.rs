//! The four transaction machines of RFC 3261 §17, with the corrections of RFC 6026, and the layer that finds them.
//!
//! The machines know neither messages nor bytes: they are told what happened and answer what to do, so that each
//! can be read beside its figure in the standard. The layer keeps the bytes and matches messages to machines.

mod client;
mod client_invite;
mod keyed;
mod layer;
mod server;
mod server_invite;
mod timers;

use core::time::Duration;

use rove_base::Instant;

pub use client::Client;
pub use client_invite::{ClientInvite, InviteReply};
pub use server::Server;
pub use server_invite::{AckFor, ServerInvite};

pub(crate) use keyed::{AsText, Fingerprint, Keyed, KeyedMap};
pub(crate) use layer::{ClientKey, Expired, Heard, Layer, Outgoing, ServerKey};
pub(crate) use timers::Timers;

/// Whether the transport repeats what was lost, in which case the transactions need not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Delivery {
    /// Datagrams, which get lost.
    Unreliable,
    /// A byte stream.
    Reliable,
}

/// What a transaction asks for because time has passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Fired {
    /// Nothing: no timer was due.
    Nothing,
    /// Send the last message again.
    Resend,
    /// Send 100 (Trying): the user has not answered within 200 ms (RFC 3261 §17.2.1).
    SendTrying,
    /// The other side never answered; the transaction is over and its user is to be told.
    TimedOut,
    /// The transaction has absorbed all it had to and is over.
    Finished,
}

/// When a message goes out again, and how long after that once more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Resend {
    at: Instant,
    interval: Duration,
}

impl Resend {
    /// The first repetition, [`T1`] from `now`; `None` over a reliable transport.
    fn first(now: Instant, delivery: Delivery) -> Option<Self> {
        (delivery == Delivery::Unreliable).then_some(Self { at: now + T1, interval: T1 })
    }

    /// The repetition after the one that happens `now`: twice as far away, but never farther than `cap`.
    fn next(self, now: Instant, cap: Duration) -> Self {
        let interval = self.interval.saturating_mul(2).min(cap);
        Self { at: now + interval, interval }
    }
}

/// Estimate of the round-trip time, and the interval of the first repetition (RFC 3261 §17.1.1.1).
pub const T1: Duration = Duration::from_millis(500);
/// The longest interval between repetitions of non-INVITE requests and INVITE responses (RFC 3261 §17.1.2.2).
pub const T2: Duration = Duration::from_secs(4);
/// How long a message may stay in the network (RFC 3261 §17.1.2.2).
pub const T4: Duration = Duration::from_secs(5);

/// How long a client waits for the first answer to INVITE.
pub const TIMER_B: Duration = Duration::from_secs(32);
/// How long a client repeats ACK for a repeated non-2xx response; zero over a reliable transport.
pub const TIMER_D: Duration = Duration::from_secs(32);
/// How long a client waits for the final answer to any other request.
pub const TIMER_F: Duration = Duration::from_secs(32);
/// How long a server waits for ACK of a non-2xx response.
pub const TIMER_H: Duration = Duration::from_secs(32);
/// How long a server absorbs repeated ACKs; zero over a reliable transport.
pub const TIMER_I: Duration = T4;
/// How long a server answers repeated non-INVITE requests; zero over a reliable transport.
pub const TIMER_J: Duration = Duration::from_secs(32);
/// How long a client absorbs repeated non-INVITE responses; zero over a reliable transport.
pub const TIMER_K: Duration = T4;
/// How long a server absorbs repeated INVITEs after a 2xx (RFC 6026 §8.7).
pub const TIMER_L: Duration = Duration::from_secs(32);
/// How long a client passes on 2xx responses after the first (RFC 6026 §8.4).
pub const TIMER_M: Duration = Duration::from_secs(32);
/// How long the user of an INVITE server transaction may think before 100 (Trying) goes out (RFC 3261 §17.2.1).
pub const TRYING_AFTER: Duration = Duration::from_millis(200);
