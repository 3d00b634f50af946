//! What a switch of routes costs the listener.

use core::time::Duration;

use rove_base::{Instant, RouteId, UdpFlow};

/// Why packets take another route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// Signalling told so: one of the ends has moved.
    Told,
    /// Checks of connectivity found it (RFC 8445).
    Checked,
    /// The peer's own packets came that way.
    Followed,
    /// It is better than the one before.
    Better,
}

/// A switch, seen from where packets arrive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Switched {
    /// The route before.
    pub from: RouteId,
    /// The route since; the same name when signalling moved it.
    pub to: RouteId,
    /// Why.
    pub why: Why,
    /// When.
    pub at: Instant,
    /// Between the last packet by the route before and the first by this one. `None` when none came by one of them,
    /// or when nothing is missing of whoever was silent long before: nobody spoke, or nobody could.
    pub gap: Option<Duration>,
    /// Packets between those two that never came.
    pub lost: u16,
}

/// Follows one switch after the other; two close together count as one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measure {
    /// The newest packet by the active route.
    last: Option<Heard>,
    /// The first packet since then by another flow, and which: the peer may be ahead of what signalling tells.
    elsewhere: Option<(UdpFlow, Heard)>,
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    seq: u16,
    at: Instant,
}

/// A switch whose cost is not known yet.
#[derive(Clone, Copy, Debug)]
struct Open {
    switched: Switched,
    /// The newest packet by the route before.
    before: Option<Heard>,
    /// The first one by the new route.
    first: Option<Heard>,
    due: Instant,
}

impl Open {
    /// The new route carries.
    fn begin(&mut self, first: Heard, due: Instant) {
        (self.first, self.due) = (Some(first), due);
        let Some(before) = self.before else { return };
        let lost = u16::try_from(ahead(before.seq, first.seq).saturating_sub(1)).unwrap_or(0);
        if lost > 0 || self.switched.at.since(before.at) <= SILENT {
            (self.switched.gap, self.switched.lost) = (Some(first.at.since(before.at)), lost);
        }
    }
}

impl Measure {
    /// Packets are to come by `flow` from now on.
    pub(super) fn switched(&mut self, now: Instant, flow: UdpFlow, switched: Switched) {
        let (switched, before) = match self.open {
            Some(Open { switched: Switched { from, at, .. }, before, first, .. }) => {
                (Switched { from, at, ..switched }, first.or(before))
            }
            None => (switched, self.last),
        };
        let mut open = Open { switched, before, first: None, due: now + PATIENCE };
        if let Some((_, first)) = self.elsewhere.take_if(|(from, _)| *from == flow) {
            open.begin(first, now + SETTLE);
            self.last = Some(first);
        }
        self.open = Some(open);
    }

    pub(super) fn heard(&mut self, active: UdpFlow, flow: &UdpFlow, seq: u16, at: Instant) {
        let heard = Heard { seq, at };
        let newer = |than: Heard| ahead(than.seq, seq) > 0;
        if active != *flow && self.last.is_none_or(newer) {
            if self.elsewhere.is_none_or(|(from, _)| from != *flow) {
                self.elsewhere = Some((*flow, heard));
            }
        } else if self.last.is_none_or(newer) {
            self.last = Some(heard);
            self.elsewhere.take_if(|(_, first)| ahead(first.seq, seq) > 0);
        }
        let Some(open) = &mut self.open else { return };
        match (open.first, open.before) {
            (None, _) if active == *flow => open.begin(heard, at + SETTLE),
            // Still by the route before.
            (None, before) if before.is_none_or(newer) => open.before = Some(heard),
            // Late, but here after all.
            (Some(first), Some(before)) if ahead(before.seq, seq) > 0 && ahead(seq, first.seq) > 0 => {
                open.switched.lost = open.switched.lost.saturating_sub(1);
            }
            _ => {}
        }
    }

    pub(super) fn done(&mut self, now: Instant) -> Option<Switched> {
        let open = self.open.filter(|open| open.due <= now)?;
        self.open = None;
        Some(open.switched)
    }

    pub(super) const fn next(&self) -> Option<Instant> {
        match &self.open {
            Some(open) => Some(open.due),
            None => None,
        }
    }
}

/// How far `to` is ahead of `from`, across the wrap.
fn ahead(from: u16, to: u16) -> i32 {
    // Truncated on purpose: half of the circle is behind.
    i32::from(to.wrapping_sub(from).cast_signed())
}

/// Who was silent for so long before a switch, and of whom nothing is missing, was not interrupted by it.
const SILENT: Duration = Duration::from_secs(1);
/// So long after the first packet by the new route late ones by the old one may still come.
const SETTLE: Duration = Duration::from_millis(200);
/// Nothing comes by the new route.
const PATIENCE: Duration = Duration::from_secs(10);
