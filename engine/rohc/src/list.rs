//! Contributing sources of an RTP packet: at most fifteen, and their list in a dynamic chain (§5.8.6.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{RohcError, bits::Reader};

/// The list, in place.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Csrcs {
    count: u8,
    list: [u32; 15],
}

impl Csrcs {
    pub(crate) fn count(&self) -> u8 {
        self.count
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.list.iter().take(usize::from(self.count)).copied()
    }

    /// The `count` sources that stand in an RTP header.
    pub(crate) fn read(reader: &mut Reader<'_>, count: u8) -> Result<Self, RohcError> {
        let mut list = Self { count: count.min(15), ..Self::default() };
        for entry in list.list.iter_mut().take(usize::from(count)) {
            *entry = reader.u32()?;
        }
        Ok(list)
    }

    /// Encoding type 0 with every item present: no generation, indexes of four bits.
    pub(crate) fn write_list(&self, out: &mut Vec<u8>) {
        out.push(self.count);
        // X = 1 and the index, two to a byte; a list has fifteen entries at the most, so an index always has three bits or is told long.
        if self.count > 8 {
            if let Some(last) = out.last_mut() {
                *last |= 0x10;
            }
            out.extend((0..self.count).map(|index| 0x80 | index));
        } else {
            for pair in (0..self.count).step_by(2) {
                let next = pair.saturating_add(1);
                let second = if next < self.count { 0x08 | next } else { 0 };
                out.push((0x08 | pair) << 4 | second);
            }
        }
        for source in self.iter() {
            out.extend_from_slice(&source.to_be_bytes());
        }
    }

    /// The list as a dynamic chain has it. Items that are only named by an index of an earlier list are not read.
    pub(crate) fn read_list(reader: &mut Reader<'_>) -> Result<Self, RohcError> {
        let first = reader.u8()?;
        if first >> 6 != 0 {
            return Err(RohcError::Unsupported("a list of sources that refers to another"));
        }
        if first & 0x20 != 0 {
            reader.u8()?;
        }
        let count = first & 0x0f;
        let indexes = if first & 0x10 != 0 { count } else { count.div_ceil(2) };
        for byte in 0..indexes {
            let index = reader.u8()?;
            let second = first & 0x10 == 0 && byte.saturating_mul(2).saturating_add(1) < count;
            if index & 0x80 == 0 || second && index & 0x08 == 0 {
                return Err(RohcError::Unsupported("a source named by its index"));
            }
        }
        Self::read(reader, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_every_length_are_read_as_they_were_written() {
        for count in 0..=15_u8 {
            let bytes: Vec<u8> = (0..count).flat_map(|n| [9, 8, 7, n]).collect();
            let list = Csrcs::read(&mut Reader::new(&bytes, "sources"), count).unwrap();
            assert_eq!(list.iter().count(), usize::from(count));
            let mut out = Vec::new();
            list.write_list(&mut out);
            let mut reader = Reader::new(&out, "list");
            assert_eq!(Csrcs::read_list(&mut reader), Ok(list));
            assert!(reader.rest().is_empty());
        }
    }
}
