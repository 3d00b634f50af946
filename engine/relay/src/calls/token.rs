//! What lets an end into a call: a ticket that a server gives it, the key that goes with it, and the messages sealed with
//! that key.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::net::{IpAddr, SocketAddr};

use hmac::{Hmac, KeyInit, Mac};
use rove_base::UnixTime;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Which end of a call.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Leg {
    /// Who has called.
    Caller,
    /// Who was called.
    Callee,
}

impl Leg {
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Caller => 0,
            Self::Callee => 1,
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Callee,
            Self::Callee => Self::Caller,
        }
    }
}

/// Which call an end is let into, for which two registered parties, until when. Says nothing by itself: it is believed with
/// a message that was sealed by its key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Ticket {
    /// The call.
    pub call: [u8; 16],
    /// The two parties: [`pair`].
    pub pair: [u8; 16],
    /// Which end.
    pub leg: Leg,
    /// Seconds since 1970, at which it is over.
    pub expires: u32,
}

/// Two parties as one name, in the order of caller and callee.
#[must_use]
pub fn pair(caller: &[u8], callee: &[u8]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for party in [caller, callee] {
        hash.update((party.len() as u64).to_be_bytes());
        hash.update(party);
    }
    head(&hash.finalize())
}

/// A ticket with its key: what a server hands one end, over a way that nobody reads along.
#[derive(Clone, Eq, PartialEq)]
pub struct Grant {
    /// What is shown.
    pub ticket: Ticket,
    key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}

/// What a message between an end and its relay says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word {
    /// An end is here, and shows the relay's challenge, or none yet.
    Hello,
    /// The call is over.
    Bye,
}

/// A message of an end as it came in; believed only after [`Hello::is_by`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hello<'a> {
    /// What it says.
    pub word: Word,
    /// What it shows.
    pub ticket: Ticket,
    /// What the relay has given to the address it comes from; zeroes: nothing yet.
    pub challenge: [u8; 8],
    sealed: &'a [u8],
    tag: [u8; 16],
}

/// Answers of a relay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Show this.
    Challenge([u8; 8]),
    /// What comes from here goes to the other end.
    Welcome {
        /// Whether the other end is here as well.
        joined: bool,
        /// By the end's key over its challenge.
        proof: [u8; 8],
    },
}

/// Makes keys of tickets.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 32]>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// Of any length; what it is worth is what it is hard to guess.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(Zeroizing::new(mac(b"rove relay secret", &[secret])))
    }

    /// Lets one end into a call.
    #[must_use]
    pub fn grant(&self, ticket: Ticket) -> Grant {
        Grant { ticket, key: self.key(&ticket) }
    }

    pub(super) fn key(&self, ticket: &Ticket) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(mac(self.0.as_slice(), &[b"leg", &ticket_bytes(ticket)]))
    }

    /// What an address has to show that it receives what is sent there, good for one to two times 30 s.
    pub(super) fn challenge(&self, address: SocketAddr, window: u64) -> [u8; 8] {
        let (v4, v6);
        let ip: &[u8] = match address.ip() {
            IpAddr::V4(ip) => {
                v4 = ip.octets();
                &v4
            }
            IpAddr::V6(ip) => {
                v6 = ip.octets();
                &v6
            }
        };
        let port = address.port().to_be_bytes();
        head(&mac(self.0.as_slice(), &[b"here", &window.to_be_bytes(), &port, ip]))
    }
}

impl Ticket {
    /// Whether it is good at `wall`.
    #[must_use]
    pub const fn is_current(&self, wall: UnixTime) -> bool {
        wall.as_secs() < self.expires as u64
    }
}

impl Grant {
    /// What to send to the relay: at first without a challenge.
    #[must_use]
    pub fn write(&self, word: Word, challenge: [u8; 8]) -> [u8; HELLO_BYTES] {
        let mut out = [0; HELLO_BYTES];
        let front = MAGIC.into_iter().chain([if word == Word::Hello { HELLO } else { BYE }]);
        let body = front.chain(ticket_bytes(&self.ticket)).chain(challenge);
        out.iter_mut().zip(body).for_each(|(to, from)| *to = from);
        let sealed = out.get(..SEALED_BYTES).unwrap_or_default();
        let tag: [u8; 16] = head(&mac(self.key.as_slice(), &[sealed]));
        out.iter_mut().skip(SEALED_BYTES).zip(tag).for_each(|(to, from)| *to = from);
        out
    }

    /// Whether a welcome comes from the relay that was asked.
    #[must_use]
    pub fn is_welcome(&self, challenge: [u8; 8], proof: [u8; 8]) -> bool {
        welcome(self.key.as_slice(), challenge).ct_eq(&proof).into()
    }
}

impl<'a> Hello<'a> {
    /// Reads a datagram. `None`: it is none.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let whole: &[u8; HELLO_BYTES] = bytes.try_into().ok()?;
        let (sealed, tag) = whole.split_last_chunk::<16>()?;
        let rest = sealed.strip_prefix(&MAGIC)?;
        let ([word, leg], rest) = rest.split_first_chunk::<2>()?;
        let (call, rest) = rest.split_first_chunk::<16>()?;
        let (pair, rest) = rest.split_first_chunk::<16>()?;
        let (expires, challenge) = rest.split_first_chunk::<4>()?;
        let word = match *word {
            HELLO => Word::Hello,
            BYE => Word::Bye,
            _ => return None,
        };
        let leg = match leg {
            0 => Leg::Caller,
            1 => Leg::Callee,
            _ => return None,
        };
        let ticket = Ticket { call: *call, pair: *pair, leg, expires: u32::from_be_bytes(*expires) };
        Some(Self { word, ticket, challenge: challenge.try_into().ok()?, sealed, tag: *tag })
    }

    /// Whether it was made by who holds `key`.
    #[must_use]
    pub fn is_by(&self, key: &[u8; 32]) -> bool {
        let expected: [u8; 16] = head(&mac(key, &[self.sealed]));
        expected.ct_eq(&self.tag).into()
    }
}

impl Answer {
    /// As it is sent.
    #[must_use]
    pub fn write(&self) -> [u8; ANSWER_BYTES] {
        let (kind, value) = match self {
            Self::Challenge(value) => (CHALLENGE, value),
            Self::Welcome { joined: false, proof } => (WELCOME, proof),
            Self::Welcome { joined: true, proof } => (JOINED, proof),
        };
        let mut out = [0; ANSWER_BYTES];
        let all = MAGIC.into_iter().chain([kind]).chain(value.iter().copied());
        out.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        out
    }

    /// Reads a datagram. `None`: it is none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let whole: &[u8; ANSWER_BYTES] = bytes.try_into().ok()?;
        let ([kind], value) = whole.strip_prefix(&MAGIC)?.split_first_chunk::<1>()?;
        let value = value.try_into().ok()?;
        match *kind {
            CHALLENGE => Some(Self::Challenge(value)),
            WELCOME => Some(Self::Welcome { joined: false, proof: value }),
            JOINED => Some(Self::Welcome { joined: true, proof: value }),
            _ => None,
        }
    }
}

/// Whether a datagram is about a call and not of it: no packet of RTP, RTCP, STUN, DTLS or a channel begins so (RFC 7983).
#[must_use]
pub fn is_control(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

pub(super) fn welcome(key: &[u8], challenge: [u8; 8]) -> [u8; 8] {
    head(&mac(key, &[b"welcome", &challenge]))
}

fn ticket_bytes(ticket: &Ticket) -> [u8; TICKET_BYTES] {
    let mut out = [0; TICKET_BYTES];
    let leg = u8::from(ticket.leg == Leg::Callee);
    let all = [leg].into_iter().chain(ticket.call).chain(ticket.pair).chain(ticket.expires.to_be_bytes());
    out.iter_mut().zip(all).for_each(|(to, from)| *to = from);
    out
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn head<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    out
}

/// Bytes of what an end sends.
pub const HELLO_BYTES: usize = 66;
/// Bytes of what a relay answers: never more than it was asked in.
pub const ANSWER_BYTES: usize = 13;
const SEALED_BYTES: usize = 50;
const TICKET_BYTES: usize = 37;
/// The first byte is none of those that RFC 7983 knows.
const MAGIC: [u8; 4] = [0xf5, b'r', b'v', 1];
const HELLO: u8 = 1;
const BYE: u8 = 2;
const CHALLENGE: u8 = 3;
const WELCOME: u8 = 4;
const JOINED: u8 = 5;
