//! Numbers on the wire: a reader that cannot fail badly, least significant bits with a window, numbers that tell their length.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::RohcError;

/// Bytes that are read from their front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// `what` is named when the bytes end too early.
    pub(crate) const fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], RohcError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(RohcError::Truncated(self.what))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, RohcError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, RohcError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, RohcError> {
        self.array().map(u32::from_be_bytes)
    }

    /// A self-describing number (§4.5.6), with the count of its bits.
    pub(crate) fn sdvl(&mut self) -> Result<(u32, u32), RohcError> {
        let first = self.u8()?;
        let high = u32::from(first);
        if first < 0x80 {
            return Ok((high, 7));
        }
        let second = u32::from(self.u8()?);
        if first < 0xc0 {
            return Ok(((high & 0x3f) << 8 | second, 14));
        }
        let third = u32::from(self.u8()?);
        if first < 0xe0 {
            return Ok(((high & 0x1f) << 16 | second << 8 | third, 21));
        }
        let fourth = u32::from(self.u8()?);
        Ok(((high & 0x1f) << 24 | second << 16 | third << 8 | fourth, 29))
    }
}

/// Writes the lowest 29 bits of `value` as a self-describing number of at least `bits` bits.
pub(crate) fn write_sdvl(value: u32, bits: u32, out: &mut Vec<u8>) {
    let [first, second, third, fourth] = value.to_be_bytes();
    match bits {
        0..=7 => out.push(fourth & 0x7f),
        8..=14 => out.extend_from_slice(&[third & 0x3f | 0x80, fourth]),
        15..=21 => out.extend_from_slice(&[second & 0x1f | 0xc0, third, fourth]),
        _ => out.extend_from_slice(&[first & 0x1f | 0xe0, second, third, fourth]),
    }
}

/// How many bits `value` needs.
pub(crate) const fn width(value: u32) -> u32 {
    32_u32.saturating_sub(value.leading_zeros())
}

/// Least significant bits of a number, gathered from several places of a header: those read later are the lower ones.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Lsb {
    pub(crate) value: u32,
    pub(crate) count: u32,
}

impl Lsb {
    pub(crate) fn append(&mut self, value: u32, count: u32) {
        self.value = self.value.checked_shl(count).unwrap_or(0) | value & mask(count);
        self.count = self.count.saturating_add(count).min(32);
    }
}

/// The lowest `bits` bits.
pub(crate) const fn mask(bits: u32) -> u32 {
    match u32::MAX.checked_shl(bits) {
        Some(high) => !high,
        None => u32::MAX,
    }
}

/// One of the three numbers that are sent by their least significant bits, with where its interval of interpretation lies
/// (§4.5.1, §5.7): `p` values before the reference, the rest after.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Number {
    /// The RTP sequence number.
    Sn,
    /// The RTP timestamp, scaled or not.
    Ts,
    /// The IP identification, less the sequence number.
    IpId,
}

impl Number {
    const fn before(self, bits: u32) -> u32 {
        match self {
            Self::Sn if bits <= 4 => 1,
            Self::Sn => mask(bits.saturating_sub(5)),
            Self::Ts => mask(bits.saturating_sub(2)),
            Self::IpId => 0,
        }
    }

    const fn size(self) -> u32 {
        match self {
            Self::Sn | Self::IpId => 16,
            Self::Ts => 32,
        }
    }

    /// Whether whoever knows `reference` understands `value` from its lowest `bits` bits.
    pub(crate) const fn fits(self, value: u32, reference: u32, bits: u32) -> bool {
        let low = reference.wrapping_sub(self.before(bits));
        bits >= self.size() || value.wrapping_sub(low) & mask(self.size()) <= mask(bits)
    }

    /// The value that `lsb` stands for.
    pub(crate) const fn decode(self, lsb: Lsb, reference: u32) -> u32 {
        let low = reference.wrapping_sub(self.before(lsb.count));
        let distance = lsb.value.wrapping_sub(low) & mask(lsb.count);
        low.wrapping_add(distance) & mask(self.size())
    }
}

#[cfg(test)]
mod tests;
