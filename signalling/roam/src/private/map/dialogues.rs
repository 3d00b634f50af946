//! The dialogues under way, bounded in number, with their names and their times.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use rove_base::Instant;

use super::kind::Kind;
use crate::{
    Imsi,
    private::{
        DialogueId,
        carrier::Route,
        tcap::{ApplicationContext, TransactionId},
    },
};

/// One dialogue.
#[derive(Debug)]
pub(crate) struct Dialogue {
    /// Where its messages go.
    pub(crate) route: Route,
    /// The other end's name for it; `None` until its first message.
    pub(crate) theirs: Option<TransactionId>,
    pub(crate) kind: Kind,
    /// Whom it is about.
    pub(crate) imsi: Option<Imsi>,
    pub(crate) role: Role,
    /// A question that goes the other way, inside of it.
    pub(crate) inner: Option<Inner>,
    /// The last number given to a question of ours.
    pub(crate) invokes: u8,
}

/// Who asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// We did: the owner's name for the question.
    Asking(DialogueId),
    /// The other end did: its number for the question, and the context that the first answer has to accept.
    Asked { invoke: u8, accept: Option<ApplicationContext> },
}

/// A question in the middle of a dialogue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Inner {
    /// Ours: the owner's name for it, and its number.
    Asking { id: DialogueId, invoke: u8 },
    /// The other end's.
    Asked { invoke: u8 },
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Dialogues {
    slots: Vec<Slot>,
    free: Vec<u16>,
    /// How many each partner has begun.
    asked: BTreeMap<usize, usize>,
    /// Where the home may insert a subscriber's data.
    open: BTreeMap<(usize, Imsi), u32>,
    /// Questions of ours, in the order in which their time is up.
    asking_until: VecDeque<(Instant, u32, u8)>,
    /// Questions of others.
    asked_until: VecDeque<(Instant, u32)>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Changes with each dialogue, so that the name of one that is over means no other.
    stamp: u16,
    dialogue: Option<Box<Dialogue>>,
}

/// What is not kept any longer.
#[derive(Debug)]
pub(crate) enum Expired {
    /// A question of ours with this number was not answered.
    Asking { name: u32, invoke: u8 },
    /// The owner did not answer.
    Asked { name: u32 },
}

impl Dialogues {
    /// Keeps a dialogue and names it; `None` when there are too many already, in all or of this partner.
    pub(crate) fn insert(&mut self, now: Instant, dialogue: Dialogue) -> Option<u32> {
        let peer = dialogue.route.to.peer;
        let is_asked = matches!(dialogue.role, Role::Asked { .. });
        if is_asked && self.asked.get(&peer).is_some_and(|&count| count >= MAX_ASKED) {
            return None;
        }
        let index = self.free.pop().or_else(|| self.grow())?;
        let slot = self.slots.get_mut(usize::from(index))?;
        let name = u32::from(slot.stamp) << 16 | u32::from(index);
        if is_asked {
            let count = self.asked.entry(peer).or_default();
            *count = count.saturating_add(1);
            self.asked_until.push_back((now.later(ANSWER), name));
            if let Some(imsi) = dialogue.imsi.filter(|_| dialogue.kind.takes_subscriber_data()) {
                self.open.insert((peer, imsi), name);
            }
        } else {
            self.asking_until.push_back((now.later(INVOKE), name, dialogue.invokes));
        }
        slot.dialogue = Some(Box::new(dialogue));
        Some(name)
    }

    fn grow(&mut self) -> Option<u16> {
        let index = u16::try_from(self.slots.len()).ok().filter(|&index| index != u16::MAX)?;
        self.slots.push(Slot::default());
        Some(index)
    }

    pub(crate) fn get(&mut self, name: u32) -> Option<&mut Dialogue> {
        let slot = self.slots.get_mut(usize::from(index(name)))?;
        if slot.stamp == stamp(name) { slot.dialogue.as_deref_mut() } else { None }
    }

    pub(crate) fn remove(&mut self, name: u32) -> Option<Box<Dialogue>> {
        let slot = self.slots.get_mut(usize::from(index(name)))?;
        if slot.stamp != stamp(name) {
            return None;
        }
        let dialogue = slot.dialogue.take()?;
        slot.stamp = slot.stamp.wrapping_add(1);
        self.free.push(index(name));
        let peer = dialogue.route.to.peer;
        if matches!(dialogue.role, Role::Asked { .. }) {
            if let Some(count) = self.asked.get_mut(&peer) {
                *count = count.saturating_sub(1);
            }
            if let Some(imsi) = dialogue.imsi.filter(|_| dialogue.kind.takes_subscriber_data())
                && self.open.get(&(peer, imsi)) == Some(&name)
            {
                self.open.remove(&(peer, imsi));
            }
        }
        Some(dialogue)
    }

    /// The dialogue in which the partner waits for what its subscriber may do.
    pub(crate) fn open_for(&self, peer: usize, imsi: Imsi) -> Option<u32> {
        self.open.get(&(peer, imsi)).copied()
    }

    /// A question inside of a dialogue was asked: its time begins.
    pub(crate) fn asked_inside(&mut self, now: Instant, name: u32, invoke: u8) {
        self.asking_until.push_back((now.later(INVOKE), name, invoke));
    }

    /// Names of all dialogues with a partner.
    pub(crate) fn of(&self, peer: usize) -> Vec<u32> {
        let name = |(index, slot): (usize, &Slot)| {
            let dialogue = slot.dialogue.as_ref()?;
            let index = u32::try_from(index).ok()?;
            (dialogue.route.to.peer == peer).then_some(u32::from(slot.stamp) << 16 | index)
        };
        self.slots.iter().enumerate().filter_map(name).collect()
    }

    /// What is over at `now`.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<Expired> {
        if let Some((_, name, invoke)) = self.asking_until.pop_front_if(|(until, ..)| *until <= now) {
            return Some(Expired::Asking { name, invoke });
        }
        let (_, name) = self.asked_until.pop_front_if(|(until, _)| *until <= now)?;
        Some(Expired::Asked { name })
    }

    /// When something may be over; drops the times of what is.
    pub(crate) fn wake(&mut self) -> Option<Instant> {
        while let Some(&(_, name, _)) = self.asking_until.front()
            && self.get(name).is_none()
        {
            self.asking_until.pop_front();
        }
        while let Some(&(_, name)) = self.asked_until.front()
            && self.get(name).is_none()
        {
            self.asked_until.pop_front();
        }
        let asking = self.asking_until.front().map(|(until, ..)| *until);
        Instant::earliest(asking, self.asked_until.front().map(|(until, _)| *until))
    }
}

const fn index(name: u32) -> u16 {
    (name & 0xffff) as u16
}

const fn stamp(name: u32) -> u16 {
    (name >> 16) as u16
}

/// How long a question of ours may stay without an answer (a medium timer of 3GPP TS 29.002 §17.1.2).
pub(crate) const INVOKE: Duration = Duration::from_secs(10);
/// How long the owner may take for an answer.
pub(crate) const ANSWER: Duration = Duration::from_secs(30);
/// Dialogues that one partner may have begun and that are not answered.
pub(crate) const MAX_ASKED: usize = 8_192;
