//! Which of the ways that work is nominated, where the user has asked for a quality.
//!
//! RFC 8445 nominates by priority alone. Here, where there is a [`Wish`], the best of the ways that work are tried before: each
//! gets [`PROBES`] checks, [`EACH`] apart, and the cheapest whose answers show that it is good enough is nominated; where none is,
//! the one that comes closest. To the peer these are checks as any. It costs half a second of a set-up, and only who
//! controls can choose.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{cmp::Reverse, time::Duration};

use rove_base::{Instant, UdpFlow};

use super::{Ice, pair::Pair};
use crate::stun::Transaction;

#[cfg(test)]
mod tests;

/// What a way has to be like to be nominated, as far as checks can tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    /// The share of packets that may be lost, one way.
    pub loss: f32,
    /// How long the network may take, one way.
    pub delay: Option<Duration>,
    /// By how much times of two packets that follow each other may differ.
    pub jitter: Option<Duration>,
}

/// How far the choice is.
#[derive(Debug, Default)]
pub(super) struct Choice {
    wish: Option<Wish>,
    /// The cheapest first; none before there is something to choose from.
    trials: Vec<Trial>,
    /// When the next checks are due.
    due: Option<Instant>,
    /// Rounds made.
    rounds: usize,
}

/// What one way shows.
#[derive(Debug)]
struct Trial {
    flow: UdpFlow,
    asked: Vec<(Transaction, Instant)>,
    times: Vec<Duration>,
}

impl Trial {
    fn half_time(&self) -> Option<Duration> {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() >> 1).and_then(|time| time.checked_div(2))
    }

    fn jitter(&self) -> Option<Duration> {
        let differences = self.times.windows(2).filter_map(|pair| match pair {
            [one, other] => Some(one.abs_diff(*other)),
            _ => None,
        });
        let (count, sum) = differences.fold((0_u32, Duration::ZERO), |(count, sum), difference| {
            (count.saturating_add(1), sum.saturating_add(difference))
        });
        sum.checked_div(count)
    }

    fn lost(&self) -> usize {
        PROBES.saturating_sub(self.times.len())
    }

    fn is_good(&self, wish: &Wish) -> bool {
        // There and back a packet may be lost twice.
        let allowed = 2.0 * wish.loss * PROBES as f32;
        let within = |measured: Option<Duration>, limit: Option<Duration>| {
            limit.is_none_or(|limit| measured.is_some_and(|measured| measured <= limit))
        };
        self.lost() as f32 <= allowed
            && within(self.half_time(), wish.delay)
            && within(self.jitter(), wish.jitter)
    }
}

impl Choice {
    pub(super) const fn next_wake(&self) -> Option<Instant> {
        self.due
    }

    /// An answer that belongs to a try.
    pub(super) fn answered(&mut self, now: Instant, flow: UdpFlow, transaction: Transaction) -> bool {
        let Some(trial) = self.trials.iter_mut().find(|trial| trial.flow == flow) else { return false };
        let Some(place) = trial.asked.iter().position(|(asked, _)| *asked == transaction) else {
            return false;
        };
        let (_, at) = trial.asked.swap_remove(place);
        trial.times.push(now.since(at));
        true
    }

    /// The way to nominate, once it is known.
    fn verdict(&self) -> Option<UdpFlow> {
        let wish = self.wish?;
        let good = self.trials.iter().find(|trial| trial.is_good(&wish));
        let closest = || self.trials.iter().min_by_key(|trial| (trial.lost(), trial.half_time()));
        good.or_else(closest).map(|trial| trial.flow)
    }
}

impl Ice {
    /// Nominates what is good enough for `wish` from now on.
    pub const fn wish(&mut self, wish: Wish) {
        self.choice.wish = Some(wish);
    }

    /// Whether to wait for more ways to work than the one that does.
    pub(super) fn wants_more(&self) -> bool {
        self.choice.wish.is_some() && self.pairs.iter().any(Pair::is_open)
    }

    /// The way to nominate, of which `best` has the highest priority; `None` while they are tried.
    pub(super) fn choose(&mut self, best: UdpFlow) -> Option<UdpFlow> {
        if self.choice.wish.is_none() {
            return Some(best);
        }
        if self.choice.trials.is_empty() {
            let controlling = self.controlling;
            let valid = self.pairs.iter().filter(|pair| pair.is_valid());
            let order = |pair: &Pair| (self.kind(pair.flow), Reverse(pair.priority(controlling)));
            let mut valid: Vec<_> = valid.map(|pair| (order(pair), pair.flow)).collect();
            valid.sort_unstable_by_key(|(order, _)| *order);
            let flows = valid.into_iter().map(|(_, flow)| flow).take(MOST_TRIED);
            let trial = |flow| Trial { flow, asked: Vec::new(), times: Vec::new() };
            self.choice.trials = flows.map(trial).collect();
            (self.choice.due, self.choice.rounds) = (Some(self.now), 0);
        }
        if self.choice.trials.len() < 2 {
            self.choice.due = None;
            return Some(best);
        }
        let all_answered = self.choice.trials.iter().all(|trial| trial.asked.is_empty());
        let over = self.choice.rounds > PROBES
            && (all_answered || self.choice.due.is_none_or(|due| due <= self.now));
        if !over {
            return None;
        }
        self.choice.due = None;
        self.choice.verdict().or(Some(best))
    }

    /// Makes the checks of a try that are due.
    pub(super) fn try_ways(&mut self) {
        if self.choice.due.is_none_or(|due| due > self.now) || self.choice.rounds > PROBES {
            return;
        }
        self.choice.rounds = self.choice.rounds.saturating_add(1);
        if self.choice.rounds > PROBES {
            // All are made: the last answers have yet to come.
            self.choice.due = Some(self.now + LAST_ANSWERS);
            return;
        }
        self.choice.due = Some(self.now + EACH);
        let flows: Vec<_> = self.choice.trials.iter().map(|trial| trial.flow).collect();
        for flow in flows {
            let mut transaction = [0; 12];
            self.entropy.fill(&mut transaction);
            let message = self.request(flow, transaction, false);
            self.enqueue(flow, message);
            let now = self.now;
            let asked = self.choice.trials.iter_mut().find(|trial| trial.flow == flow);
            asked.into_iter().for_each(|trial| trial.asked.push((transaction, now)));
        }
    }

    /// What was found is of the time before a restart.
    pub(super) fn forget_choice(&mut self) {
        self.choice = Choice { wish: self.choice.wish, ..Choice::default() };
    }
}

/// Checks that each way gets. Of a way that loses a fifth, so many show less than a fiftieth once in a hundred times.
const PROBES: usize = 30;
/// Between two of them.
const EACH: Duration = Duration::from_millis(16);
/// After the last one it is waited so long; what takes longer is as good as lost.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// Ways that are tried.
const MOST_TRIED: usize = 4;
