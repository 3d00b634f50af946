//! Questions that wait for their answers, on both sides, bounded in number.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use rove_base::Instant;

use super::{DialogueId, map::Kind};
use crate::Imsi;

/// A question of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking {
    pub(crate) peer: usize,
    /// The owner's name for it.
    pub(crate) id: DialogueId,
    pub(crate) kind: Kind,
    /// Who it is about, where the answer does not say it and it must be known.
    pub(crate) imsi: Option<Imsi>,
}

/// A question of a partner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<W> {
    pub(crate) peer: usize,
    /// Where the answer goes, and what the partner calls the question.
    pub(crate) way: W,
    pub(crate) kind: Kind,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Pending<W> {
    asking: BTreeMap<u32, Asking>,
    asking_until: VecDeque<(Instant, u32)>,
    asked: BTreeMap<u64, Asked<W>>,
    asked_until: VecDeque<(Instant, u64)>,
    /// How many each partner has.
    counts: BTreeMap<usize, usize>,
    named: u32,
    handed_up: u64,
}

impl<W> Default for Pending<W> {
    fn default() -> Self {
        Self {
            asking: BTreeMap::new(),
            asking_until: VecDeque::new(),
            asked: BTreeMap::new(),
            asked_until: VecDeque::new(),
            counts: BTreeMap::new(),
            named: 0,
            handed_up: 0,
        }
    }
}

impl<W> Pending<W> {
    /// A name for the next question of ours.
    pub(crate) fn name(&mut self) -> u32 {
        loop {
            self.named = self.named.wrapping_add(1);
            if !self.asking.contains_key(&self.named) {
                return self.named;
            }
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.asking.len() >= MAX_ASKING
    }

    pub(crate) fn ask(&mut self, now: Instant, name: u32, asking: Asking) {
        self.asking.insert(name, asking);
        self.asking_until.push_back((now.later(INVOKE), name));
    }

    pub(crate) fn get(&self, name: u32) -> Option<&Asking> {
        self.asking.get(&name)
    }

    /// Ends a question to this partner.
    pub(crate) fn take(&mut self, name: u32, peer: usize) -> Option<Asking> {
        self.get(name).filter(|asking| asking.peer == peer)?;
        self.asking.remove(&name)
    }

    /// Keeps a question of a partner; `None` when it has too many.
    pub(crate) fn asked(&mut self, now: Instant, asked: Asked<W>) -> Option<DialogueId> {
        let count = self.counts.entry(asked.peer).or_default();
        if *count >= MAX_ASKED {
            return None;
        }
        *count = count.saturating_add(1);
        self.handed_up = self.handed_up.wrapping_add(1);
        self.asked.insert(self.handed_up, asked);
        self.asked_until.push_back((now.later(ANSWER), self.handed_up));
        Some(DialogueId(self.handed_up))
    }

    /// The question of this partner that `is` tells, the newest of several.
    pub(crate) fn find(&mut self, peer: usize, is: impl Fn(&Asked<W>) -> bool) -> Option<&mut Asked<W>> {
        self.asked.values_mut().rev().find(|asked| asked.peer == peer && is(asked))
    }

    /// Ends a question of this partner.
    pub(crate) fn answer(&mut self, id: DialogueId, peer: usize) -> Option<Asked<W>> {
        self.asked.get(&id.0).filter(|asked| asked.peer == peer)?;
        if let Some(count) = self.counts.get_mut(&peer) {
            *count = count.saturating_sub(1);
        }
        self.asked.remove(&id.0)
    }

    /// A partner is gone: its questions are dropped, ours to it are answered with the ones returned.
    pub(crate) fn forget(&mut self, peer: usize) -> Vec<Asking> {
        self.asked.retain(|_, asked| asked.peer != peer);
        self.counts.remove(&peer);
        let (gone, kept) =
            core::mem::take(&mut self.asking).into_iter().partition(|(_, asking)| asking.peer == peer);
        self.asking = kept;
        let gone: BTreeMap<u32, Asking> = gone;
        gone.into_values().collect()
    }

    /// The next question of ours whose time is up; drops those of partners that were not answered.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<Asking> {
        while let Some((_, id)) = self.asked_until.pop_front_if(|(until, _)| *until <= now) {
            if let Some(peer) = self.asked.get(&id).map(|asked| asked.peer) {
                self.answer(DialogueId(id), peer);
            }
        }
        while let Some((_, name)) = self.asking_until.pop_front_if(|(until, _)| *until <= now) {
            if let Some(asking) = self.asking.remove(&name) {
                return Some(asking);
            }
        }
        None
    }

    /// When something may be over.
    pub(crate) fn wake(&mut self) -> Option<Instant> {
        while self.asking_until.front().is_some_and(|(_, name)| !self.asking.contains_key(name)) {
            self.asking_until.pop_front();
        }
        while self.asked_until.front().is_some_and(|(_, id)| !self.asked.contains_key(id)) {
            self.asked_until.pop_front();
        }
        let asking = self.asking_until.front().map(|(until, _)| *until);
        Instant::earliest(asking, self.asked_until.front().map(|(until, _)| *until))
    }
}

/// How long a question of ours may stay without an answer.
const INVOKE: Duration = Duration::from_secs(10);
/// How long the owner may take for an answer.
const ANSWER: Duration = Duration::from_secs(30);
/// Questions of ours at once.
const MAX_ASKING: usize = 65_536;
/// Questions of one partner at once.
const MAX_ASKED: usize = 8_192;
