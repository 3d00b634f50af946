//! Keeps a flow open, and notices that it has broken (RFC 5626 §3.5, §4.4).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rove_base::{Entropy, Instant};

/// The keep-alives of one flow: STUN over datagrams, to a server that has said that it answers; two line ends elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeepAlive {
    every: Duration,
    next: Instant,
    /// Whether the server answers.
    answered: bool,
    waiting: Option<Waiting>,
    /// Where the server sees us.
    mapped: Option<SocketAddr>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    transaction: [u8; 12],
    until: Instant,
    tries: u32,
}

/// What is to be done for a flow.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub(crate) enum Pulse {
    Nothing,
    Send(Vec<u8>),
    /// Nobody answers any more.
    Broken,
}

impl KeepAlive {
    /// Speaks every `every`, or a little more often. `answered` where the server has promised to answer STUN.
    pub(crate) fn new(now: Instant, every: Duration, answered: bool, entropy: &mut Entropy) -> Self {
        let mut alive = Self { every, next: now, answered, waiting: None, mapped: None };
        alive.next = now + alive.wait(entropy);
        alive
    }

    /// 80 to 100 % of the time (RFC 5626 §4.4).
    fn wait(&self, entropy: &mut Entropy) -> Duration {
        self.every.mul_f64(0.8 + entropy.unit() / 5.0)
    }

    pub(crate) fn tick(&mut self, now: Instant, entropy: &mut Entropy) -> Pulse {
        if let Some(waiting) = self.waiting {
            return if waiting.until <= now { self.repeat(now, waiting) } else { Pulse::Nothing };
        }
        if self.next > now {
            return Pulse::Nothing;
        }
        self.next = now + self.wait(entropy);
        if !self.answered {
            return Pulse::Send(PING.to_vec());
        }
        let mut transaction = [0; 12];
        entropy.fill(&mut transaction);
        self.waiting = Some(Waiting { transaction, until: now + RTO, tries: 1 });
        Pulse::Send(binding_request(transaction))
    }

    /// Repeats a STUN request that was not answered, after twice the time (RFC 8489 §6.2.1).
    fn repeat(&mut self, now: Instant, waiting: Waiting) -> Pulse {
        if waiting.tries >= TRIES {
            self.waiting = None;
            return Pulse::Broken;
        }
        let until = now + RTO.saturating_mul(1 << waiting.tries.min(8));
        self.waiting = Some(Waiting { until, tries: waiting.tries.saturating_add(1), ..waiting });
        Pulse::Send(binding_request(waiting.transaction))
    }

    /// An answer has come along the flow. [`Pulse::Broken`] when the server sees us elsewhere than before.
    pub(crate) fn heard(&mut self, answer: &[u8]) -> Pulse {
        let Some(waiting) = self.waiting else { return Pulse::Nothing };
        if answer.get(8..20) != Some(&waiting.transaction) {
            return Pulse::Nothing;
        }
        self.waiting = None;
        let Some(mapped) = mapped_address(answer) else { return Pulse::Nothing };
        let moved = self.mapped.is_some_and(|before| before != mapped);
        self.mapped = Some(mapped);
        if moved { Pulse::Broken } else { Pulse::Nothing }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.waiting.map_or(self.next, |waiting| waiting.until)
    }
}

/// Whether a datagram at a SIP port is the answer to a STUN binding request.
pub(crate) fn is_stun_answer(bytes: &[u8]) -> bool {
    matches!(bytes.first_chunk(), Some([1, 1 | 0x11])) && bytes.get(4..8) == Some(&COOKIE)
}

fn binding_request(transaction: [u8; 12]) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0, 0];
    bytes.extend_from_slice(&COOKIE);
    bytes.extend_from_slice(&transaction);
    bytes
}

/// XOR-MAPPED-ADDRESS of an answer (RFC 8489 §14.2).
fn mapped_address(answer: &[u8]) -> Option<SocketAddr> {
    let mask: [u8; 16] = answer.get(4..20)?.try_into().ok()?;
    let mut rest = answer.get(20..)?;
    while let Some((head, more)) = rest.split_first_chunk::<4>() {
        let (kind, len) = (u16::from_be_bytes([head[0], head[1]]), u16::from_be_bytes([head[2], head[3]]));
        let value = more.get(..usize::from(len))?;
        if kind == 0x20 {
            let port = u16::from_be_bytes(*value.get(2..)?.first_chunk()?) ^ 0x2112;
            let masked = value.get(4..)?;
            return Some(SocketAddr::new(unmask(masked, &mask)?, port));
        }
        rest = more.get(usize::from(len).next_multiple_of(4)..)?;
    }
    None
}

fn unmask(masked: &[u8], mask: &[u8; 16]) -> Option<IpAddr> {
    let plain: Vec<u8> = masked.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    match masked.len() {
        4 => <[u8; 4]>::try_from(plain).ok().map(|bytes| Ipv4Addr::from(bytes).into()),
        16 => <[u8; 16]>::try_from(plain).ok().map(|bytes| Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const PING: &[u8] = b"\r\n\r\n";
/// The first wait for an answer, and how often a request goes out.
const RTO: Duration = Duration::from_millis(500);
const TRIES: u32 = 5;
