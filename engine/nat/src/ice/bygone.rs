//! Ways of a moment ago: what was under way there when they were left, or when checks began anew, is still the peer's.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{Instant, UdpFlow};

use super::Ice;

/// The flows that led to the peer, and until when they count.
#[derive(Debug, Default)]
pub(super) struct Bygone {
    flows: Vec<UdpFlow>,
    until: Option<Instant>,
}

impl Bygone {
    fn leave(&mut self, now: Instant, flows: impl Iterator<Item = UdpFlow>) {
        if !self.counts(now) {
            self.flows.clear();
        }
        self.until = Some(now + GRACE);
        for flow in flows {
            if self.flows.len() < MOST && !self.flows.contains(&flow) {
                self.flows.push(flow);
            }
        }
    }

    fn counts(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now <= until)
    }

    pub(super) fn hears(&self, now: Instant, flow: &UdpFlow) -> bool {
        self.counts(now) && self.flows.contains(flow)
    }
}

impl Ice {
    /// What is selected is left for another.
    pub(super) fn leave_selected(&mut self) {
        self.bygone.leave(self.now, self.selected.into_iter());
    }

    /// All ways are forgotten, and looked for anew.
    pub(super) fn leave_all(&mut self) {
        let heard = self.pairs.iter().filter(|pair| pair.is_valid() || pair.heard).map(|pair| pair.flow);
        self.bygone.leave(self.now, self.selected.into_iter().chain(heard));
    }
}

/// So long. No packet that is still of use is on its way for longer.
const GRACE: Duration = Duration::from_secs(2);
/// As many as are worth it.
const MOST: usize = 16;
