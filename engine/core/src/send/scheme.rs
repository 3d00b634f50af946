//! What is said twice, and where the second saying stands.

use rove_codecs::Redundancy;

/// Which earlier payloads a RED packet repeats, as distances in packets: 1 is the one before. Ascending, each once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Distances {
    list: [u8; MAX_COPIES],
    len: u8,
}

impl Distances {
    /// No copies.
    pub const NONE: Self = Self { list: [0; MAX_COPIES], len: 0 };

    /// `None` when they are not ascending from 1 on, more than [`MAX_COPIES`], or reach further than [`MAX_DISTANCE`].
    #[must_use]
    pub fn new(distances: &[u8]) -> Option<Self> {
        let mut result = Self::NONE;
        let mut before = 0;
        for (&distance, slot) in distances.iter().zip(&mut result.list) {
            if distance <= before || distance > MAX_DISTANCE {
                return None;
            }
            before = distance;
            *slot = distance;
        }
        result.len = u8::try_from(distances.len()).ok().filter(|len| usize::from(*len) <= MAX_COPIES)?;
        Some(result)
    }

    /// The distances, nearest first.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.list.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// These and `others`, as many of them as there is room for.
    pub(super) fn and(mut self, others: impl Iterator<Item = u8>) -> Self {
        for other in others {
            let fits = !self.as_slice().contains(&other) && (1..=MAX_DISTANCE).contains(&other);
            if let Some(slot) = self.list.get_mut(usize::from(self.len)).filter(|_| fits) {
                *slot = other;
                self.len = self.len.saturating_add(1);
                if let Some(list) = self.list.get_mut(..usize::from(self.len)) {
                    list.sort_unstable();
                }
            }
        }
        self
    }

    /// How many copies each packet carries.
    #[must_use]
    pub const fn copies(&self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The furthest one; 0 when there is none.
    #[must_use]
    pub fn reach(&self) -> u8 {
        self.as_slice().last().copied().unwrap_or(0)
    }
}

/// How a stream is protected against loss.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Scheme {
    /// Whole payloads sent again in RED (RFC 2198).
    pub copies: Distances,
    /// What the codec puts into its payloads; in-band correction and deep redundancy exclude each other.
    pub codec: Redundancy,
}

impl Scheme {
    /// No protection.
    pub const NONE: Self = Self { copies: Distances::NONE, codec: Redundancy::None };
}

impl core::fmt::Display for Scheme {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let codec = match self.codec {
            Redundancy::None => None,
            Redundancy::InBand { .. } => Some("LBRR"),
            Redundancy::Deep { .. } => Some("DRED"),
        };
        if self.copies.is_empty() {
            return f.write_str(codec.unwrap_or("none"));
        }
        f.write_str("RED {")?;
        for (nth, distance) in self.copies.as_slice().iter().enumerate() {
            write!(f, "{}{distance}", if nth == 0 { "" } else { "," })?;
        }
        f.write_str("}")?;
        codec.map_or(Ok(()), |codec| write!(f, " + {codec}"))
    }
}

/// Copies in one packet, at most.
pub const MAX_COPIES: usize = 4;
/// The furthest copy, in packets.
pub const MAX_DISTANCE: u8 = 12;
