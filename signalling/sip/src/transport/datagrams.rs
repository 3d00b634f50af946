//! What travels among datagrams and is no message: keep-alives of others, and ours (RFC 5626 §4.4.2).
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::time::Duration;
use std::{net::SocketAddr, sync::Arc};

use rove_base::{Entropy, Instant, UdpFlow};

use super::stun::{self, Stun};
use crate::transaction::{Keyed, KeyedMap};

/// The flows that are kept alive, few of them: one or two for each registration of ours.
#[derive(Debug)]
pub(super) struct Datagrams {
    kept: KeyedMap<UdpFlow, Kept>,
    entropy: Entropy,
}

#[derive(Debug)]
struct Kept {
    every: Duration,
    at: Instant,
    /// The question that waits for its answer, and how often it was asked.
    asked: Option<([u8; 12], u32)>,
    mapped: Option<SocketAddr>,
}

impl Datagrams {
    pub(super) fn new(entropy: Entropy, keyed: &Keyed) -> Self {
        Self { kept: KeyedMap::with_hasher(keyed.clone()), entropy }
    }

    pub(super) fn keep(&mut self, now: Instant, flow: UdpFlow, every: Duration) {
        self.kept.insert(flow, Kept { every, at: now, asked: None, mapped: None });
    }

    pub(super) fn let_go(&mut self, flow: UdpFlow) {
        self.kept.remove(&flow);
    }

    /// `None`: it may be a message. Else it is none, and may have an answer.
    pub(super) fn heard(&mut self, now: Instant, flow: UdpFlow, bytes: &[u8]) -> Option<Option<Arc<[u8]>>> {
        if bytes.first().is_none_or(|first| matches!(first, b'\r' | b'\n' | 0))
            && bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0))
        {
            return Some(None);
        }
        match stun::parse(bytes)? {
            Stun::Request { id, refused } => Some(Some(stun::answer(id, flow.remote, refused).into())),
            Stun::Answer { id, mapped } => {
                self.answered(now, flow, id, mapped);
                Some(None)
            }
            Stun::Other => Some(None),
        }
    }

    fn answered(&mut self, now: Instant, flow: UdpFlow, id: [u8; 12], mapped: Option<SocketAddr>) {
        let Some(kept) = self.kept.get_mut(&flow) else { return };
        if kept.asked.take_if(|(asked, _)| *asked == id).is_none() {
            return;
        }
        let moved = kept.mapped.is_some() && mapped.is_some() && kept.mapped != mapped;
        kept.mapped = mapped.or(kept.mapped);
        // Told by `expire` at once: no more questions are left.
        if moved {
            (kept.asked, kept.at) = (Some((id, QUESTIONS)), now);
        } else {
            kept.at = now + kept.every;
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.kept.values().map(|kept| kept.at).min()
    }

    /// A question to be sent, or a flow that has failed and is no longer kept.
    #[expect(clippy::type_complexity, reason = "read in one place")]
    pub(super) fn expire(&mut self, now: Instant) -> Option<Result<(UdpFlow, Arc<[u8]>), UdpFlow>> {
        let (&flow, kept) =
            self.kept.iter_mut().filter(|(_, kept)| kept.at <= now).min_by_key(|(_, kept)| kept.at)?;
        let (id, asked) = kept.asked.unwrap_or_else(|| (fresh(&mut self.entropy), 0));
        if asked >= QUESTIONS {
            self.kept.remove(&flow);
            return Some(Err(flow));
        }
        kept.asked = Some((id, asked.saturating_add(1)));
        kept.at = now + FIRST_WAIT.saturating_mul(1 << asked.min(4));
        Some(Ok((flow, stun::request(id).into())))
    }
}

fn fresh(entropy: &mut Entropy) -> [u8; 12] {
    let mut id = [0; 12];
    let bytes = entropy.next_u64().to_be_bytes().into_iter().chain(entropy.next_u32().to_be_bytes());
    id.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    id
}

/// How often one question is asked before the flow has failed (RFC 8489 §6.2.1).
const QUESTIONS: u32 = 7;
/// How long the first answer is waited for; doubles (RFC 8489 §6.2.1).
const FIRST_WAIT: Duration = Duration::from_millis(500);
