//! Named telephone events (RFC 4733): the payload, and the keys of a telephone.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[cfg(test)]
mod tests;

use crate::CodecError;

/// One report of an event (RFC 4733 §2.3). While the event lasts, one is sent every so often, all under the timestamp of its
/// beginning and each with a longer duration.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct TelephoneEvent {
    /// Which event (§3.2, table 7, for the keys; 0 to 255 are registered with IANA).
    pub event: u8,
    /// The event is over; said three times, for one may be lost.
    pub end: bool,
    /// Power of the tone without its sign, in dBm0: 0 is loudest, 63 quietest. Of no meaning for events that are no tones.
    pub volume: u8,
    /// How long the event has lasted, in ticks of the RTP clock. Zero while its duration is not measured, as for states; an
    /// event longer than fits is cut into segments (§2.5.1.3).
    pub duration: u16,
}

impl TelephoneEvent {
    /// Bytes of one report.
    pub const LEN: usize = 4;

    /// Reads the first report in `payload`. The reserved bit is ignored.
    ///
    /// # Errors
    ///
    /// [`CodecError::Payload`] when it is shorter than one.
    pub fn parse(payload: &[u8]) -> Result<Self, CodecError> {
        let Some(&[event, flags, high, low]) = payload.first_chunk::<4>() else {
            return Err(CodecError::Payload { len: payload.len() });
        };
        let duration = u16::from_be_bytes([high, low]);
        Ok(Self { event, end: flags & END != 0, volume: flags & HIGHEST_VOLUME, duration })
    }

    /// The payload; a volume beyond 63 is written as 63.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let end = if self.end { END } else { 0 };
        let [high, low] = self.duration.to_be_bytes();
        [self.event, end | self.volume.min(HIGHEST_VOLUME), high, low]
    }

    /// Writes the payload into the front of `out` and answers its length.
    ///
    /// # Errors
    ///
    /// [`CodecError::OutputTooSmall`].
    pub fn write(self, out: &mut [u8]) -> Result<usize, CodecError> {
        let have = out.len();
        let Some(out) = out.first_chunk_mut() else {
            return Err(CodecError::OutputTooSmall { need: Self::LEN, have });
        };
        *out = self.to_bytes();
        Ok(Self::LEN)
    }

    /// The key that was pressed, if the event is one.
    #[must_use]
    pub const fn key(&self) -> Option<DtmfKey> {
        DtmfKey::from_event(self.event)
    }
}

/// A key of a telephone, by the number of its event: 0 to 9, 10 for `*`, 11 for `#`, 12 to 15 for `A` to `D` (RFC 4733 §3.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct DtmfKey(u8);

impl DtmfKey {
    /// All of them, by their numbers.
    pub const ALL: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

    /// `None` for events that are no keys.
    #[must_use]
    pub const fn from_event(event: u8) -> Option<Self> {
        if event < 16 { Some(Self(event)) } else { None }
    }

    /// By what is printed on it; small letters count as well.
    #[must_use]
    pub fn from_char(key: char) -> Option<Self> {
        let key = key.to_ascii_uppercase();
        let event = Self::ALL.iter().position(|&known| known == key)?;
        u8::try_from(event).ok().map(Self)
    }

    /// The number of its event, 0 to 15.
    #[must_use]
    pub const fn event(self) -> u8 {
        self.0
    }

    /// What is printed on it.
    #[must_use]
    pub fn to_char(self) -> char {
        Self::ALL.get(usize::from(self.0)).copied().unwrap_or('?')
    }

    /// The two frequencies of its tone in hertz, of its row and its column (ITU-T Q.23).
    #[must_use]
    pub const fn frequencies(self) -> (u16, u16) {
        let (row, column) = match self.0 {
            digit @ 1..=9 => (digit.wrapping_sub(1) / 3, digit.wrapping_sub(1) % 3),
            10 => (3, 0),
            0 => (3, 1),
            11 => (3, 2),
            letter => (letter.wrapping_sub(12), 3),
        };
        let row = match row {
            0 => 697,
            1 => 770,
            2 => 852,
            _ => 941,
        };
        let column = match column {
            0 => 1_209,
            1 => 1_336,
            2 => 1_477,
            _ => 1_633,
        };
        (row, column)
    }
}

const END: u8 = 0x80;
const HIGHEST_VOLUME: u8 = 0x3f;
