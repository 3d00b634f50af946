//! Users show that a number is theirs.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::collections::BTreeMap;

use rove_base::{Instant, Now, StreamId};

use super::{Server, ServerEvent};
use crate::{Claim, Identifier, Message, Name, Number, NumberProof, Proof, Reason};

/// What was shown.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    next: u64,
    /// What the owner verifies: who waits for that, and whose the number would be.
    verifying: BTreeMap<u64, (StreamId, u32, Name, Number)>,
    /// Whose numbers are, for who registers before that.
    proven: BTreeMap<(Number, Name), Instant>,
}

impl Server {
    /// A user shows a proof: the owner is asked whether it holds.
    pub(super) fn prove(&mut self, stream: StreamId, id: u32, proof: NumberProof) {
        let (now, limits) = (self.now.mono, self.config.limits);
        let Some(link) = self.links.get_mut(&stream) else { return };
        if !link.may_ask(now, limits.questions) || self.numbers_shown.verifying.len() >= MOST {
            return self.refuse(stream, id, Reason::Full);
        }
        if proof.user.domain() != self.config.domain {
            return self.refuse(stream, id, Reason::Domain);
        }
        if !self.config.verifies_numbers {
            return self.refuse(stream, id, Reason::Unproved);
        }
        let shown = &mut self.numbers_shown;
        shown.next = shown.next.wrapping_add(1);
        let number = shown.next;
        shown.verifying.insert(number, (stream, id, proof.user.clone(), proof.number));
        self.outbox.event(ServerEvent::Verify { number, proof: Box::new(proof) });
    }

    /// Whether the proof holds that [`ServerEvent::Verify`] has told of. Who has shown it registers with the number now.
    pub fn verified(&mut self, now: Now, number: u64, holds: bool) {
        self.now = now;
        let shown = &mut self.numbers_shown;
        let Some((stream, id, user, number)) = shown.verifying.remove(&number) else { return };
        if !holds {
            return self.refuse(stream, id, Reason::Unproved);
        }
        shown.proven.retain(|_, until| *until > now.mono);
        if shown.proven.len() >= MOST {
            return self.refuse(stream, id, Reason::Full);
        }
        shown.proven.insert((number, user), now.mono.later(USE));
        self.say(stream, &Message::Proved { id });
    }

    /// What stands behind the number of a claim: a proof shown a moment ago, or at a registration that has lasted since,
    /// else the operator's word.
    pub(super) fn behind_number(&self, claim: &Claim) -> Option<Proof> {
        let Some(number) = claim.number else { return Some(Proof::Nothing) };
        let shown = self.numbers_shown.proven.get(&(number, claim.name.clone()));
        let stands = || {
            let record = self.present(&Identifier::Uid(claim.uid()));
            record.is_some_and(|record| {
                let same = record.claim.number == Some(number) && record.claim.name == claim.name;
                same && record.attestation.number == Proof::Passport
            })
        };
        if shown.is_some_and(|until| *until > self.now.mono) || stands() {
            return Some(Proof::Passport);
        }
        let account = self.config.accounts.get(&claim.name);
        account.is_some_and(|account| account.number == Some(number)).then_some(Proof::Attested)
    }
}

/// How long a proof may be used for a first registration.
const USE: Duration = Duration::from_secs(60);
/// Proofs that are verified, and that are not used yet.
const MOST: usize = 10_000;
