//! How the world sees this host: one question to a STUN server from each base (RFC 8445 §5.1.1.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{Candidate, Entropy, Instant, UdpFlow};

use crate::stun::{Class, Message, MessageWriter, Transaction};

/// The questions that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    questions: Vec<Question>,
}

#[derive(Debug)]
struct Question {
    flow: UdpFlow,
    preference: u16,
    transaction: Transaction,
    sent: u32,
    due: Instant,
    wait: Duration,
}

impl Gathering {
    pub(super) fn new(now: Instant, server: SocketAddr, bases: &[SocketAddr], entropy: &mut Entropy) -> Self {
        let reaches = |base: &&SocketAddr| base.is_ipv4() == server.is_ipv4();
        let questions = bases.iter().zip((0..=u16::MAX).rev()).filter(|(base, _)| reaches(base));
        let questions = questions.map(|(base, preference)| {
            let mut transaction = [0; 12];
            entropy.fill(&mut transaction);
            let flow = UdpFlow { local: *base, remote: server };
            Question { flow, preference, transaction, sent: 0, due: now, wait: FIRST_WAIT }
        });
        Self { questions: questions.collect() }
    }

    pub(super) fn is_over(&self) -> bool {
        self.questions.is_empty()
    }

    /// The next question that is due.
    pub(super) fn ask(&mut self, now: Instant) -> Option<(UdpFlow, Vec<u8>)> {
        self.questions.retain(|question| question.due > now || question.sent < ATTEMPTS);
        let question = self.questions.iter_mut().find(|question| question.due <= now)?;
        question.sent = question.sent.saturating_add(1);
        question.due = now + question.wait;
        question.wait = question.wait.saturating_mul(2);
        let message = MessageWriter::new(Class::Request, question.transaction).fingerprinted();
        Some((question.flow, message))
    }

    /// The candidate that an answer tells; `None` when it answers none of the questions, or tells nothing new.
    pub(super) fn answered(&mut self, flow: UdpFlow, message: &Message<'_>) -> Option<Candidate> {
        let asked = |question: &Question| {
            question.flow == flow && question.sent > 0 && question.transaction == message.transaction()
        };
        let index = self.questions.iter().position(asked)?;
        let question = self.questions.remove(index);
        let seen = message.attributes().mapped.filter(|_| message.class() == Class::Success)?;
        let candidate = Candidate::server_reflexive(seen, flow.local, question.preference);
        (seen != flow.local).then_some(candidate)
    }

    /// Whether `message` answers one of the questions.
    pub(super) fn concerns(&self, flow: UdpFlow, message: &Message<'_>) -> bool {
        self.questions.iter().any(|one| one.flow == flow && one.transaction == message.transaction())
    }

    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.questions.iter().map(|question| question.due).min()
    }
}

/// RFC 8489 §6.2.1.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// After so many the server does not answer: 7.5 seconds.
const ATTEMPTS: u32 = 4;
