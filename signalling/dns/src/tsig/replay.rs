//! What has been verified lately, so that an exact repeat is refused.

use core::ops::Bound;
use std::collections::BTreeSet;

use rove_base::UnixTime;

use super::{MAX_FUDGE, Mac, TsigError, Verified};

/// Remembers the signatures of one key for as long as their times are acceptable.
///
/// Bounded: when one is too old to be acceptable, or there are too many, the oldest is forgotten and everything signed up
/// to its time is refused from then on, as RFC 8945 §5.2.3 suggests for all messages; so a repeat is never let through.
#[derive(Clone, Debug, Default)]
pub struct ReplayGuard {
    /// Time signed in seconds, then signature: oldest first.
    seen: BTreeSet<(u64, Mac)>,
    /// Times up to and including this one are refused.
    floor: Option<u64>,
}

impl ReplayGuard {
    /// Makes sure that `signature` is new, and remembers it.
    ///
    /// # Errors
    ///
    /// [`TsigError::Replayed`] when it was seen, [`TsigError::BadTime`] when it is too old to tell.
    pub fn admit(&mut self, signature: &Verified, now: UnixTime) -> Result<(), TsigError> {
        let (signed, now) = (signature.time.as_secs(), now.as_secs());
        if self.seen.contains(&(signed, signature.mac)) {
            return Err(TsigError::Replayed);
        }
        if self.floor.is_some_and(|floor| signed <= floor) {
            return Err(TsigError::BadTime { signed, now, fudge: signature.fudge });
        }
        self.remember(signature.time, signature.mac);
        self.forget(now.saturating_sub(MEMORY));
        Ok(())
    }

    /// Whether these very bytes were seen.
    #[must_use]
    pub fn has_seen(&self, signature: &Verified) -> bool {
        self.seen.contains(&(signature.time.as_secs(), signature.mac))
    }

    /// Remembers a signature without asking, as the journal replays it.
    pub fn remember(&mut self, time: UnixTime, mac: Mac) {
        self.seen.insert((time.as_secs(), mac));
        self.forget(0);
    }

    /// What is remembered: when each was signed, and the signature. In order, from behind `last` on.
    pub fn iter_after(&self, last: Option<(UnixTime, Mac)>) -> impl Iterator<Item = (UnixTime, Mac)> {
        let from = last.map_or(Bound::Unbounded, |(time, mac)| Bound::Excluded((time.as_secs(), mac)));
        self.seen.range((from, Bound::Unbounded)).map(|(time, mac)| (UnixTime::from_secs(*time), *mac))
    }

    /// Forgets what was signed before `before`, and the oldest when there are too many.
    fn forget(&mut self, before: u64) {
        while let Some(&(time, _)) = self.seen.first()
            && (time < before || self.seen.len() > MAX_SEEN)
        {
            self.seen.pop_first();
            self.floor = self.floor.max(Some(time));
        }
    }

    /// Number of signatures remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}

/// How long a signature is remembered at least, in seconds: both clocks may be off, in opposite directions.
const MEMORY: u64 = 2 * MAX_FUDGE as u64;
/// Signatures remembered per key, in about 16 MiB. More than so many updates in one second cannot be told apart from
/// repeats, and are refused.
const MAX_SEEN: usize = 262_144;
