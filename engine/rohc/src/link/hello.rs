//! What the two ends of a link say about themselves, before and while anything is compressed.
//!
//! ```text
//!  0       2        3       4             6          8          12      16
//! +-------+---------+-------+-------------+----------+----------+-------+-----+
//! | "RT"  | version | flags | highest CID | profiles | instance | heard | CRC |
//! +-------+---------+-------+-------------+----------+----------+-------+-----+
//! ```
//!
//! What follows is passed over: short frames are padded. The checksum is the eight bits of RFC 3095 §5.9.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{Cids, RohcError, bits::Reader, crc::Crc};

/// What an end is able to do and wants; both ends' together are what they agree on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Terms {
    /// The highest context identifier that is kept room for, MAX_CID of RFC 3095 §5.1.1; 0: nothing is to be compressed.
    pub highest_cid: u16,
    /// Whether feedback goes back: bidirectional optimistic mode, else unidirectional.
    pub feedback: bool,
    /// The profiles that are understood, bit n for profile n.
    pub profiles: u16,
}

impl Terms {
    /// What this crate does, with so many flows at once.
    #[must_use]
    pub const fn with_flows(flows: u16) -> Self {
        Self { highest_cid: flows, feedback: true, profiles: PROFILES }
    }

    /// Nothing is to be compressed.
    pub const NONE: Self = Self { highest_cid: 0, feedback: false, profiles: 0 };

    /// What two ends agree on; `None` where that is nothing.
    #[must_use]
    pub(super) fn with(self, other: Self) -> Option<Agreed> {
        let highest = self.highest_cid.min(other.highest_cid).min(16_383);
        if highest == 0 || self.profiles & other.profiles & PROFILES != PROFILES {
            return None;
        }
        let small = u8::try_from(highest).ok().filter(|highest| *highest <= 15);
        let cids = small.map_or(Cids::Large(highest), Cids::Small);
        Some(Agreed { cids, feedback: self.feedback && other.feedback })
    }
}

/// What the two ends of a link agree on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Agreed {
    /// The contexts of either direction.
    pub cids: Cids,
    /// Whether feedback goes back.
    pub feedback: bool,
}

/// One end's word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hello {
    /// What it is able to do.
    pub terms: Terms,
    /// Another number whenever it begins anew, knowing nothing; never 0.
    pub instance: u32,
    /// The last instance of the other end that it has heard; 0: none.
    pub heard: u32,
}

impl Hello {
    /// Writes it behind what `out` has.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Self { terms: Terms { highest_cid, feedback, profiles }, instance, heard } = *self;
        let at = out.len();
        out.extend_from_slice(&[b'R', b'T', VERSION, u8::from(feedback)]);
        for number in [highest_cid, profiles] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        for number in [instance, heard] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.push(Crc::Eight.of(out.get(at..).unwrap_or_default()));
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`RohcError`] for what is none, is damaged, or is of another version.
    pub fn read(bytes: &[u8]) -> Result<Self, RohcError> {
        let mut reader = Reader::new(bytes, "hello");
        let [first, second, version, flags] = reader.array()?;
        if [first, second] != *b"RT" {
            return Err(RohcError::Invalid("hello"));
        }
        if version != VERSION {
            return Err(RohcError::Unsupported("another version of the agreement"));
        }
        let (highest_cid, profiles) = (reader.u16()?, reader.u16()?);
        let (instance, heard) = (reader.u32()?, reader.u32()?);
        let said = bytes.len().saturating_sub(reader.rest().len());
        if reader.u8()? != Crc::Eight.of(bytes.get(..said).unwrap_or_default()) {
            return Err(RohcError::Checksum);
        }
        if instance == 0 {
            return Err(RohcError::Invalid("instance"));
        }
        Ok(Self { terms: Terms { highest_cid, feedback: flags & 1 != 0, profiles }, instance, heard })
    }
}

/// Profiles 0x0000 and 0x0001.
const PROFILES: u16 = 0b11;
const VERSION: u8 = 1;
