//! The payload of a named telephone event (RFC 4733 §2.3) and the keys it stands for (§3.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// One report about an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TelephoneEvent {
    /// Which: 0 to 15 are the keys.
    pub event: u8,
    /// It has ended.
    pub end: bool,
    /// Its level below 0 dBm0, 0 to 63 dB.
    pub volume: u8,
    /// How long it has lasted so far, in ticks of the RTP clock.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Bytes of the payload.
    pub const BYTES: usize = 4;

    /// `None` when `payload` is shorter than an event; what follows the first one is not looked at.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [event, flags, high, low] = *payload.first_chunk::<{ Self::BYTES }>()?;
        let duration = u16::from_be_bytes([high, low]);
        Some(Self { event, end: flags & END != 0, volume: flags & VOLUME, duration })
    }

    /// The payload; the reserved bit is zero.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, if self.end { END } else { 0 } | (self.volume & VOLUME), high, low]
    }
}

/// The event that tells of `key`: a digit, `*`, `#`, or A to D. `None` for any other character.
#[must_use]
pub fn event_of(key: char) -> Option<u8> {
    let place = KEYS.iter().position(|have| have.eq_ignore_ascii_case(&key))?;
    u8::try_from(place).ok()
}

/// The key that `event` tells of; `None` when it is no key.
#[must_use]
pub fn key_of(event: u8) -> Option<char> {
    KEYS.get(usize::from(event)).copied()
}

const END: u8 = 0x80;
const VOLUME: u8 = 0x3f;
/// In the order of their events (RFC 4733, table 3).
const KEYS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];
