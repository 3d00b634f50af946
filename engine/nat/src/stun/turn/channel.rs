//! Data in channels (RFC 8656 §12), and where messages end in a stream.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// One message of data with the short name of the peer it goes to or comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChannelData<'a> {
    /// 0x4000 to 0x7fff; clients of RFC 8656 stay below 0x5000.
    pub channel: u16,
    /// What the peer sent, or is to get.
    pub data: &'a [u8],
}

impl<'a> ChannelData<'a> {
    /// Reads a datagram, or one message of a stream; what stands behind it is padding. `None`: it is none.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let ([c0, c1, l0, l1], rest) = bytes.split_first_chunk::<4>()?;
        let channel = u16::from_be_bytes([*c0, *c1]);
        if !is_channel(channel) {
            return None;
        }
        let data = rest.get(..usize::from(u16::from_be_bytes([*l0, *l1])))?;
        Some(Self { channel, data })
    }

    /// What stands before `len` bytes of data.
    #[must_use]
    pub fn header(channel: u16, len: usize) -> [u8; 4] {
        let ([c0, c1], [l0, l1]) =
            (channel.to_be_bytes(), u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes());
        [c0, c1, l0, l1]
    }

    /// Writes it behind what `out` holds, as a datagram, or, `padded`, as a part of a stream.
    pub fn write(&self, out: &mut Vec<u8>, padded: bool) {
        out.extend_from_slice(&Self::header(self.channel, self.data.len()));
        out.extend_from_slice(self.data);
        if padded {
            out.extend([0; 3].iter().take(self.data.len().wrapping_neg() & 3));
        }
    }
}

/// Whether a peer may be called by that number: up to 0x4fff (RFC 8656 §12), by clients of RFC 5766 (§11) up to 0x7fff. Nothing
/// else that comes to a relay begins so.
#[must_use]
pub const fn is_channel(number: u16) -> bool {
    matches!(number, 0x4000..=0x7fff)
}

/// What the beginning of a stream holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Frame {
    /// Too few bytes to tell.
    Short,
    /// A message of that many bytes, padding included, be they here or not.
    Of(usize),
    /// Neither a STUN message nor data in a channel: the stream is lost.
    Lost,
}

/// Looks at the beginning of a stream (RFC 8656 §12.5, RFC 8489 §6.2.2).
#[must_use]
pub fn frame(bytes: &[u8]) -> Frame {
    let Some([c0, c1, l0, l1]) = bytes.first_chunk::<4>() else { return Frame::Short };
    let (kind, length) = (u16::from_be_bytes([*c0, *c1]), usize::from(u16::from_be_bytes([*l0, *l1])));
    if is_channel(kind) {
        return Frame::Of(length.next_multiple_of(4).saturating_add(4));
    }
    if kind & 0xc000 != 0 || length & 3 != 0 { Frame::Lost } else { Frame::Of(length.saturating_add(20)) }
}
