//! What the two ends of a call tell each other about its routes, beside media: packets of RTCP that an application defines
//! (RFC 3550 §6.7). Who does not know them passes them over.

/// One of them. It is about the route that it comes by, in the direction back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Word {
    /// What.
    pub say: Say,
    /// Counted up with each matter; what is older than the newest heard is out of date.
    pub number: u16,
}

/// What there is to tell.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Say {
    /// This end knows these words.
    Hello,
    /// Send your packets to me this way as well, for [`COPYING`](super::COPYING) at most.
    Copy,
    /// No copies any more: the route there was is as good.
    Stop,
    /// Send your packets to me this way from now on.
    Take,
    /// This end is there, and has nothing to say.
    Beat,
}

impl Say {
    const ALL: [Self; 5] = [Self::Hello, Self::Copy, Self::Stop, Self::Take, Self::Beat];

    /// The subtype of its packet.
    #[must_use]
    pub const fn subtype(self) -> u8 {
        match self {
            Self::Hello => 0,
            Self::Copy => 1,
            Self::Stop => 2,
            Self::Take => 3,
            Self::Beat => 4,
        }
    }
}

impl Word {
    /// The name of its packets.
    pub const NAME: [u8; 4] = *b"ROVE";

    /// What follows the name.
    #[must_use]
    pub const fn data(self) -> [u8; 4] {
        let [high, low] = self.number.to_be_bytes();
        [high, low, 0, 0]
    }

    /// Reads a packet that an application defined; `None` when it is another's, or one of times to come.
    #[must_use]
    pub fn read(name: [u8; 4], subtype: u8, data: &[u8]) -> Option<Self> {
        let number = data.first_chunk().copied().map(u16::from_be_bytes)?;
        let say = Say::ALL.into_iter().find(|say| say.subtype() == subtype)?;
        (name == Self::NAME).then_some(Self { say, number })
    }

    /// Whether it is of an earlier matter than `other`, across the wrap.
    pub(super) const fn is_before(self, other: u16) -> bool {
        self.number.wrapping_sub(other).cast_signed() < 0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_was_written_and_others_are_not() {
        for say in Say::ALL {
            let word = Word { say, number: 0xabcd };
            assert_eq!(Word::read(Word::NAME, say.subtype(), &word.data()), Some(word));
            assert_eq!(Word::read(*b"NAME", say.subtype(), &word.data()), None);
            assert_eq!(Word::read(Word::NAME, say.subtype(), &[1]), None);
        }
        assert_eq!(Word::read(Word::NAME, 31, &[0; 4]), None);
        assert!(Word { say: Say::Copy, number: 0xffff }.is_before(1));
        assert!(!Word { say: Say::Copy, number: 1 }.is_before(1));
    }
}
