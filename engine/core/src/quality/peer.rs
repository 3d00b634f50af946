//! What the peer tells about the stream that is sent to it.

use core::time::Duration;

use rove_base::Instant;

/// What the peer's last reports say about what this end sends. What they do not tell is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeerReport {
    /// When the report came.
    pub at: Instant,
    /// Share of packets lost since the report before, 0 to 1 (RFC 3550 §6.4.1).
    pub loss: f32,
    /// What became of the packets it covers, one by one (RFC 3611 §4.1).
    pub fates: Option<Fates>,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Option<Duration>,
    /// Round-trip time (RFC 3550 §6.4.1).
    pub round_trip: Option<Duration>,
    /// Delay of the peer's jitter buffer (RFC 3611 §4.7.7).
    pub playout_delay: Option<Duration>,
    /// Share of packets that came but too late to be played, 0 to 1 (RFC 3611 §4.7.1).
    pub discarded: Option<f32>,
}

/// Which packets of a stretch arrived.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Fates {
    received: [u64; FATES / 64],
    len: u16,
}

impl Fates {
    /// Appends the fate of the next packet in order of sending; the oldest are forgotten beyond [`FATES`].
    pub fn push(&mut self, received: bool) {
        let mut carry = u64::from(received);
        for word in &mut self.received {
            let out = *word >> 63;
            *word = (*word << 1) | carry;
            carry = out;
        }
        self.len = self.len.saturating_add(1).min(FATES as u16);
    }

    /// Whether each packet was received, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        (0..usize::from(self.len))
            .rev()
            .map(|back| self.received.get(back / 64).is_some_and(|word| (word >> (back % 64)) & 1 == 1))
    }

    /// Packets told about.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether none is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Packets that [`Fates`] holds: ten seconds of 20 ms packets.
pub const FATES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates_come_out_in_order_and_the_oldest_are_forgotten() {
        let mut fates = Fates::default();
        let pattern = |n: usize| n.is_multiple_of(3) || n.is_multiple_of(7);
        (0..700).for_each(|n| fates.push(pattern(n)));
        assert_eq!(fates.len(), FATES);
        assert!(fates.iter().eq((700 - FATES..700).map(pattern)));
    }
}
