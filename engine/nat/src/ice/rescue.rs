//! A way by a relay that falls silent is left for another that works: relays die, and nobody says so.
//!
//! RFC 8445 knows but a restart for that, which needs signalling, and RFC 7675 notices after half a minute. Here the peer is
//! asked as soon as nothing has come for [`QUIET`], whatever it was; without an answer all other pairs are checked anew,
//! those by other relays first; and when one of them answers while the one that is used does not, media goes there. Both
//! ends see the silence, so both do it; where they disagree, the controlling one's nomination decides.
//!
//! What comes from the right address counts as heard, also before it is known to be authentic: forged, it can keep a call on a
//! dead way until consent is lost, and nothing more.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{cmp::Reverse, time::Duration};

use rove_base::{CandidateKind, Instant, UdpFlow};

use super::{
    Ice, IceEvent, PACE,
    consent::Consent,
    pair::{Pair, State},
};

#[cfg(test)]
mod tests;

/// How silent the way is that is used, where it is by a relay.
#[derive(Debug)]
pub(super) struct Silence {
    /// When something came there last.
    heard: Instant,
    asking: Option<Asking>,
}

/// The peer is asked whether it still hears.
#[derive(Clone, Copy, Debug)]
struct Asking {
    since: Instant,
    /// When it is asked again, and how long after that.
    next: Instant,
    wait: Duration,
    /// The other ways are tried.
    others: bool,
}

impl Silence {
    const fn new(now: Instant) -> Self {
        Self { heard: now, asking: None }
    }

    pub(super) fn next_wake(&self) -> Instant {
        let Some(asking) = &self.asking else { return self.heard + QUIET };
        if asking.others { asking.next } else { asking.next.min(asking.since + OTHERS) }
    }
}

impl Ice {
    /// Something came by `flow`.
    pub fn heard(&mut self, now: Instant, flow: UdpFlow) {
        if self.selected == Some(flow)
            && let Some(silence) = &mut self.silence
        {
            (silence.heard, silence.asking) = (silence.heard.max(now), None);
        }
    }

    /// Whether a pair leads by way of a relay, of whichever side.
    pub(super) fn is_relayed(&self, pair: &Pair) -> bool {
        self.lent.contains(&pair.flow.local) || pair.remote.kind == CandidateKind::Relayed
    }

    /// Media goes by `flow` from now on.
    pub(super) fn use_flow(&mut self, flow: UdpFlow) {
        if self.selected != Some(flow) {
            self.left();
        }
        self.selected = Some(flow);
        self.first.get_or_insert(flow);
        self.consent = Some(Consent::new(self.now, flow, &mut self.entropy));
        self.listen();
        self.events.push_back(IceEvent::Selected(flow));
        self.drop_bygone();
    }

    /// Whether what is selected is silent is watched from now on, where it leads by way of a relay.
    pub(super) fn listen(&mut self) {
        let relayed = self.pairs.iter().any(|pair| self.selected == Some(pair.flow) && self.is_relayed(pair));
        self.silence = relayed.then(|| Silence::new(self.now));
    }

    /// Asks the peer when nothing came for long, and tries the other ways when that is not answered.
    pub(super) fn break_silence(&mut self) {
        let (now, Some(silence), Some(consent)) = (self.now, &mut self.silence, &mut self.consent) else {
            return;
        };
        if silence.asking.is_none() && now.since(silence.heard) < QUIET {
            return;
        }
        let first = Asking { since: now, next: now, wait: AGAIN, others: false };
        let asking = silence.asking.get_or_insert(first);
        let mut try_others = !asking.others && now.since(asking.since) >= OTHERS;
        if asking.next <= now {
            consent.hasten(now);
            try_others |= asking.others && asking.wait >= LONGEST;
            asking.next = now + asking.wait;
            asking.wait = asking.wait.saturating_mul(2).min(LONGEST);
        }
        if try_others {
            asking.others = true;
            self.try_others();
        }
    }

    /// Whether the pace of checks may be that of somebody who is being waited for.
    pub(super) fn pace(&self) -> Duration {
        let hurried = self.silence.as_ref().and_then(|silence| silence.asking).is_some_and(|one| one.others);
        if hurried { HURRY } else { PACE }
    }

    fn try_others(&mut self) {
        let Some(silent) = self.selected else { return };
        let controlling = self.controlling;
        let shared = |pair: &Pair| {
            let near = pair.flow.local == silent.local && self.lent.contains(&silent.local);
            let far = pair.flow.remote == silent.remote && pair.remote.kind == CandidateKind::Relayed;
            near || far
        };
        let others = self.pairs.iter().filter(|pair| pair.flow != silent && pair.check().is_none());
        let mut others: Vec<_> = others
            .map(|pair| ((shared(pair), !pair.is_valid(), Reverse(pair.priority(controlling))), pair.flow))
            .filter(|(_, flow)| !self.triggered.contains(flow))
            .collect();
        others.sort_unstable_by_key(|(order, _)| *order);
        self.triggered.extend(others.into_iter().map(|(_, flow)| flow));
    }

    /// Goes where an answer came from since the peer is asked in vain.
    pub(super) fn leave_silence(&mut self) {
        let asking = self.silence.as_ref().and_then(|silence| silence.asking);
        let (Some(Asking { since, .. }), Some(silent)) = (asking, self.selected) else { return };
        if self.now.since(since) < PATIENCE {
            return;
        }
        let controlling = self.controlling;
        let answered = |pair: &&Pair| pair.flow != silent && pair.answered.is_some_and(|at| at >= since);
        let best = self.pairs.iter().filter(answered);
        let best = best.max_by_key(|pair| (pair.nominated, pair.priority(controlling)));
        let Some(flow) = best.map(|pair| pair.flow) else { return };
        for pair in &mut self.pairs {
            pair.nominated &= pair.flow == flow;
            if pair.flow == silent {
                (pair.state, pair.wanted) = (State::Failed, false);
            }
        }
        self.use_flow(flow);
        if controlling {
            self.begin_check(flow, true);
        }
    }
}

/// With media under way a packet comes each 20 to 60 ms; in pauses of speech one each 400 ms, and an answer instead.
const QUIET: Duration = Duration::from_millis(250);
/// Then the peer is asked, and so long after once more; each further time takes twice as long,
const AGAIN: Duration = Duration::from_millis(100);
/// but never longer.
const LONGEST: Duration = Duration::from_millis(1_600);
/// So long the peer may take before other ways are tried,
const OTHERS: Duration = Duration::from_millis(150);
/// and so long before one of them is taken.
const PATIENCE: Duration = Duration::from_millis(300);
/// Between two checks while somebody hears nothing: RFC 8445 §14.2 allows 5 ms.
const HURRY: Duration = Duration::from_millis(20);
