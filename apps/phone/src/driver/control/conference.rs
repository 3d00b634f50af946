//! Calls that are one conversation: which they are, who is muted, and who has the floor.

use core::time::Duration;

use rove_base::Instant;
use rove_core::mix::Speaker;
use rove_session::CallId;

use super::{super::Command, Desk};
use crate::PhoneEvent;

/// What is known of the conversation.
#[derive(Default)]
pub(super) struct Floor {
    /// The calls that are mixed.
    joined: Vec<CallId>,
    speaker: Speaker,
    /// When the calls are listened to again.
    due: Option<Instant>,
}

impl Desk {
    /// Does what the owner wants of several calls, of sound and words in them, and of those that go by way of servers.
    pub(super) fn together(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Confer { calls } => drop(self.board.confer(now, &calls)),
            Command::Borrow(servers) => self.media.borrow_from(servers),
            Command::Lose(loses) => self.media.lose(loses),
            Command::Mute { call, muted } => self.media.mute(call, muted),
            Command::MuteSelf { call, muted } => self.media.mute_self(call, muted),
            Command::LetSound(run) => self.media.let_sound(run),
            Command::Levels { call, reply } => {
                let _ = reply.send(self.media.sound_levels(call));
            }
            Command::Tolerate(tolerance) => self.media.tolerate(tolerance),
            Command::Write { call, text } => drop(self.board.write(now, call, &text)),
            Command::DialRelayed { target, toward, reply } => {
                let _ = reply.send(self.board.dial_relayed(now, target, toward));
            }
            Command::RelayedCall { from, toward, offer, reply } => {
                let _ = reply.send(self.board.relayed_call(now, from, toward, &offer));
            }
            Command::Relayed { call, step, body } => self.board.relayed(now, call, step, body),
            _ => {}
        }
    }

    /// Mixes these calls, and those no longer that were mixed.
    pub(super) fn join(&mut self, calls: Vec<CallId>) {
        let gone = self.floor.joined.iter().filter(|call| !calls.contains(call));
        gone.for_each(|call| self.media.part(*call));
        if !self.media.join(&calls) {
            tracing::warn!(target: "rove::media", ?calls, "these calls cannot be mixed");
        }
        self.floor.joined.clone_from(&calls);
        self.floor.due = (!calls.is_empty()).then(|| self.clock.now().mono + GLANCE);
        self.tell(PhoneEvent::Conference { calls });
        if self.floor.joined.is_empty() && self.floor.speaker.active().is_some() {
            self.floor.speaker = Speaker::new();
            self.tell(PhoneEvent::Speaker { call: None });
        }
    }

    /// Finds out who has the floor, when it is time. When it is so again; `None` while there is no conversation.
    pub(super) fn watch_floor(&mut self) -> Option<Instant> {
        let now = self.clock.now().mono;
        let due = self.floor.due?;
        if due > now {
            return Some(due);
        }
        let next = now + GLANCE;
        self.floor.due = Some(next);
        let ms = u32::try_from((now.since(due) + GLANCE).as_millis()).unwrap_or(u32::MAX);
        let levels = self.media.levels(&self.floor.joined);
        let party = |(call, level): (CallId, f32)| Some((usize::try_from(call.0).ok()?, level));
        if self.floor.speaker.hear(ms, levels.filter_map(party)) {
            let active = self.floor.speaker.active().and_then(|party| u64::try_from(party).ok());
            self.tell(PhoneEvent::Speaker { call: active.map(CallId) });
        }
        Some(next)
    }
}

/// How often the calls are listened to.
const GLANCE: Duration = Duration::from_millis(100);
