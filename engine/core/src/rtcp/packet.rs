//! The packets of a compound, borrowed from the buffer they arrived in.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::Ssrc;

use super::{
    ReportBlock, SDES_CNAME, SenderInfo, kind,
    parse::{Raw, split},
    xr::ExtendedBlocks,
};

/// A checked compound packet; see [`super::parse`].
#[derive(Clone, Copy, Debug)]
pub struct Compound<'a>(pub(super) &'a [u8]);

impl<'a> Compound<'a> {
    /// Its packets in order; the first is a report.
    pub fn packets(&self) -> impl Iterator<Item = Packet<'a>> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (raw, after) = split(rest).ok()?;
            rest = after;
            Packet::read(&raw)
        })
    }
}

/// One RTCP packet.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Packet<'a> {
    /// A sender's account and what it has received (RFC 3550 §6.4.1).
    SenderReport {
        /// Who reports.
        ssrc: Ssrc,
        /// What it has sent.
        info: SenderInfo,
        /// What it has received.
        reports: Reports<'a>,
    },
    /// What someone who does not send has received (RFC 3550 §6.4.2).
    ReceiverReport {
        /// Who reports.
        ssrc: Ssrc,
        /// What it has received.
        reports: Reports<'a>,
    },
    /// Who the sources are (RFC 3550 §6.5).
    SourceDescription(SdesItems<'a>),
    /// Sources that leave (RFC 3550 §6.6).
    Bye {
        /// Who leaves.
        sources: Sources<'a>,
        /// Why, as text that was meant to be UTF-8; `None` when not said.
        reason: Option<&'a [u8]>,
    },
    /// What an application has defined (RFC 3550 §6.7).
    Application {
        /// Who speaks.
        ssrc: Ssrc,
        /// Which of its packets; five bits.
        subtype: u8,
        /// Whose.
        name: [u8; 4],
        /// What follows.
        data: &'a [u8],
    },
    /// What reports have no room for (RFC 3611 §2).
    ExtendedReport {
        /// Who reports.
        ssrc: Ssrc,
        /// What.
        blocks: ExtendedBlocks<'a>,
    },
    /// A type that is not read here.
    Unknown {
        /// Its number.
        packet_type: u8,
        /// The lower five bits of its first byte.
        count: u8,
        /// What follows the common header.
        body: &'a [u8],
    },
}

impl<'a> Packet<'a> {
    /// `None` when `raw` is shorter than its count says. Source descriptions and the blocks of extended reports are
    /// checked by their own iterators.
    pub(super) fn read(raw: &Raw<'a>) -> Option<Self> {
        let &Raw { kind, count, body } = raw;
        Some(match kind {
            kind::SENDER_REPORT => {
                let (&ssrc, body) = body.split_first_chunk::<4>()?;
                let (info, body) = body.split_first_chunk::<{ SenderInfo::BYTES }>()?;
                let reports = Reports(whole(body, count)?);
                Self::SenderReport { ssrc: ssrc_from(ssrc), info: SenderInfo::from_bytes(info), reports }
            }
            kind::RECEIVER_REPORT => {
                let (&ssrc, body) = body.split_first_chunk::<4>()?;
                Self::ReceiverReport { ssrc: ssrc_from(ssrc), reports: Reports(whole(body, count)?) }
            }
            kind::SOURCE_DESCRIPTION => Self::SourceDescription(SdesItems { chunks: body, count }),
            kind::BYE => {
                let sources = Sources(whole(body, count)?);
                let rest = body.get(sources.0.as_flattened().len()..)?;
                let reason = match rest.split_first() {
                    Some((&len, text)) => Some(text.get(..usize::from(len))?),
                    None => None,
                };
                Self::Bye { sources, reason }
            }
            kind::APPLICATION => {
                let (&ssrc, body) = body.split_first_chunk::<4>()?;
                let (&name, data) = body.split_first_chunk::<4>()?;
                Self::Application { ssrc: ssrc_from(ssrc), subtype: count, name, data }
            }
            kind::EXTENDED_REPORT => {
                let (&ssrc, blocks) = body.split_first_chunk::<4>()?;
                Self::ExtendedReport { ssrc: ssrc_from(ssrc), blocks: ExtendedBlocks(blocks) }
            }
            packet_type => Self::Unknown { packet_type, count, body },
        })
    }
}

/// The report blocks of a report.
#[derive(Clone, Copy, Debug)]
pub struct Reports<'a>(&'a [[u8; ReportBlock::BYTES]]);

impl<'a> Reports<'a> {
    /// The blocks in order, at most 31.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ReportBlock> + use<'a> {
        self.0.iter().map(ReportBlock::from_bytes)
    }
}

/// A list of sources.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a>(&'a [[u8; 4]]);

impl<'a> Sources<'a> {
    /// The sources in order, at most 31.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Ssrc> + use<'a> {
        self.0.iter().copied().map(ssrc_from)
    }
}

/// The items of a source description.
#[derive(Clone, Copy, Debug)]
pub struct SdesItems<'a> {
    chunks: &'a [u8],
    count: u8,
}

/// One thing said about a source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SdesItem<'a> {
    /// The source.
    pub ssrc: Ssrc,
    /// What is said, by number (RFC 3550 §12.2).
    pub kind: u8,
    /// Text that was meant to be UTF-8.
    pub text: &'a [u8],
}

impl<'a> SdesItems<'a> {
    /// All items of all chunks in order.
    pub fn iter(&self) -> impl Iterator<Item = SdesItem<'a>> + use<'a> {
        sdes_items(self.chunks, self.count).map_while(Result::ok)
    }

    /// The canonical name of `ssrc` (RFC 3550 §6.5.1).
    #[must_use]
    pub fn cname(&self, ssrc: Ssrc) -> Option<&'a [u8]> {
        self.iter().find(|item| item.ssrc == ssrc && item.kind == SDES_CNAME).map(|item| item.text)
    }
}

/// Walks `count` chunks: each a source, items, a zero byte, and zeros up to the next word. Ends after an error.
pub(super) fn sdes_items(chunks: &[u8], count: u8) -> impl Iterator<Item = Result<SdesItem<'_>, Malformed>> {
    let mut walk = Walk { rest: chunks, chunks_left: count, ssrc: None };
    core::iter::from_fn(move || walk.next().transpose())
}

/// A chunk or an item runs over the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Malformed;

struct Walk<'a> {
    rest: &'a [u8],
    chunks_left: u8,
    /// The source of the chunk that is being read.
    ssrc: Option<Ssrc>,
}

impl<'a> Walk<'a> {
    fn next(&mut self) -> Result<Option<SdesItem<'a>>, Malformed> {
        loop {
            let Some(ssrc) = self.ssrc else {
                let Some(left) = self.chunks_left.checked_sub(1) else { return Ok(None) };
                self.chunks_left = left;
                let (&ssrc, rest) = self.rest.split_first_chunk::<4>().ok_or_else(|| self.end())?;
                (self.ssrc, self.rest) = (Some(ssrc_from(ssrc)), rest);
                continue;
            };
            let (&kind, after) = self.rest.split_first().ok_or_else(|| self.end())?;
            if kind == END_OF_CHUNK {
                // Chunks start at words, and the body as a whole is a number of words.
                let skip = self.rest.len().checked_sub(1).map_or(0, |len| len % 4).saturating_add(1);
                (self.ssrc, self.rest) = (None, self.rest.get(skip..).ok_or_else(|| self.end())?);
                continue;
            }
            let item = after.split_first().and_then(|(&len, text)| text.split_at_checked(usize::from(len)));
            let (text, rest) = item.ok_or_else(|| self.end())?;
            self.rest = rest;
            return Ok(Some(SdesItem { ssrc, kind, text }));
        }
    }

    /// Stops the walk for good.
    fn end(&mut self) -> Malformed {
        (self.rest, self.chunks_left, self.ssrc) = (&[], 0, None);
        Malformed
    }
}

const END_OF_CHUNK: u8 = 0;

/// The first `count` pieces of `N` bytes.
fn whole<const N: usize>(body: &[u8], count: u8) -> Option<&[[u8; N]]> {
    body.as_chunks::<N>().0.get(..usize::from(count))
}

const fn ssrc_from(bytes: [u8; 4]) -> Ssrc {
    Ssrc(u32::from_be_bytes(bytes))
}
