//! A capture file as a list of RTP packets: pcap, pcapng, or records of arrival time and packet.
#![deny(clippy::arithmetic_side_effects)]

use core::net::SocketAddr;
use std::collections::HashMap;

use rove_core::{
    demux::{Kind, kind},
    rtp::RtpView,
};

use super::{
    frame::{NoUdp, udp},
    pcap,
};

/// The RTP packets of a capture file, in the order of arrival, and a count of the rest. Takes 32 bytes a packet beside the
/// file's own.
#[derive(Debug)]
pub struct Capture<'a> {
    pub(super) packets: Vec<Packet<'a>>,
    flows: Vec<(SocketAddr, SocketAddr)>,
    counts: Counts,
    anchored: bool,
}

/// One RTP packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    /// When it came, in ns of the capture's clock.
    pub at: i64,
    /// Which way: the index of its addresses; the same for all where none are known.
    pub flow: u32,
    pub bytes: &'a [u8],
}

/// What a capture file holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Counts {
    /// Frames, or records.
    pub frames: u64,
    /// RTP packets among them, of all streams.
    pub rtp: u64,
    /// RTCP packets among them.
    pub rtcp: u64,
    /// Something else.
    pub other: u64,
    /// Parts of IP packets, which are not put together.
    pub fragments: u64,
    /// Frames that were not captured whole, or without a time.
    pub incomplete: u64,
    /// Whether the file ends in the middle of a frame, or what follows is damaged.
    pub cut_short: bool,
}

/// What is wrong with a capture file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// It begins like none of the known formats.
    #[error("it is neither pcap nor pcapng, nor does it begin with a record of time, length and RTP packet")]
    Unknown,
    /// It begins like one, and nothing can be read.
    #[error("its first block cannot be read")]
    Damaged,
    /// No frame is of a link that is read here.
    #[error("its link type {0} is not known here: Ethernet, Linux cooked, raw IP and loopback are")]
    Link(u32),
    /// There is no RTP in it.
    #[error("it holds no RTP")]
    NoRtp,
    /// There is, but none that can be played.
    #[error("none of its RTP can be played: payload types {0:?} have no codec here; --pt N=CODEC names one")]
    NoCodec(Vec<u8>),
    /// Not the stream that was asked for.
    #[error("there is no stream with the SSRC {0:#010x}")]
    NoSource(u32),
    /// It lasts for longer than anyone listens.
    #[error("its last packet arrives {0} hours after 0; 100 at most can be played")]
    TooLong(u64),
}

impl<'a> Capture<'a> {
    /// Reads a file, whose format its first bytes tell.
    ///
    /// # Errors
    ///
    /// [`CaptureError`] when there is nothing to be read. A file that is damaged further on is read up to there.
    pub fn read(file: &'a [u8]) -> Result<Self, CaptureError> {
        let mut capture =
            Self { packets: Vec::new(), flows: Vec::new(), counts: Counts::default(), anchored: false };
        let mut links = Links::default();
        match file.first_chunk::<4>() {
            Some(
                b"\xd4\xc3\xb2\xa1" | b"\xa1\xb2\xc3\xd4" | b"\x4d\x3c\xb2\xa1" | b"\xa1\xb2\x3c\x4d"
                | b"\x34\xcd\xb2\xa1" | b"\xa1\xb2\xcd\x34",
            ) => {
                pcap::read(file, &mut capture.counts.cut_short, |frame| links.take(&frame))?;
            }
            Some(b"\x0a\x0d\x0d\x0a") => {
                pcap::read_ng(file, &mut capture.counts.cut_short, |frame| links.take(&frame))?;
            }
            _ => return capture.read_records(file),
        }
        capture.counts = Counts { cut_short: capture.counts.cut_short, ..links.counts };
        (capture.packets, capture.flows) = (links.packets, links.flows);
        match links.unknown {
            Some(link) if capture.packets.is_empty() => Err(CaptureError::Link(link)),
            _ => capture.sorted(),
        }
    }

    /// Records of arrival time in µs (u64) and length (u16), both little-endian, and the RTP packet.
    fn read_records(mut self, mut rest: &'a [u8]) -> Result<Self, CaptureError> {
        self.anchored = true;
        while !rest.is_empty() {
            let Some((at, bytes, after)) = record(rest) else {
                if self.counts.frames == 0 {
                    return Err(CaptureError::Unknown);
                }
                self.counts.cut_short = true;
                break;
            };
            rest = after;
            self.counts.frames = self.counts.frames.saturating_add(1);
            match rtp(bytes, &mut self.counts) {
                true => self.packets.push(Packet { at, flow: 0, bytes }),
                // A file of something else, whose first bytes happen to make a length.
                false if self.counts.frames == 1 && kind(bytes) == Kind::Unknown => {
                    return Err(CaptureError::Unknown);
                }
                false => {}
            }
        }
        self.sorted()
    }

    fn sorted(mut self) -> Result<Self, CaptureError> {
        if self.packets.is_empty() {
            return Err(CaptureError::NoRtp);
        }
        self.packets.sort_by_key(|packet| packet.at);
        Ok(self)
    }

    /// What the file holds.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether arrival times count from 0 by themselves; else the first packet of the stream is 0.
    pub(super) const fn is_anchored(&self) -> bool {
        self.anchored
    }

    /// From where to where; `None` when the file does not say.
    pub(super) fn addresses(&self, flow: u32) -> Option<(SocketAddr, SocketAddr)> {
        self.flows.get(usize::try_from(flow).ok()?).copied()
    }
}

/// The packets of frames.
#[derive(Default)]
struct Links<'a> {
    packets: Vec<Packet<'a>>,
    flows: Vec<(SocketAddr, SocketAddr)>,
    numbers: HashMap<(SocketAddr, SocketAddr), u32>,
    counts: Counts,
    unknown: Option<u32>,
}

impl<'a> Links<'a> {
    fn take(&mut self, frame: &pcap::Frame<'a>) {
        let counts = &mut self.counts;
        counts.frames = counts.frames.saturating_add(1);
        let found = udp(frame.link, frame.bytes);
        let (count, datagram) = match found {
            Ok(datagram) => (&mut counts.other, Some(datagram)),
            Err(NoUdp::Fragment) => (&mut counts.fragments, None),
            Err(NoUdp::Cut) => (&mut counts.incomplete, None),
            Err(NoUdp::Link) => {
                self.unknown = Some(frame.link);
                (&mut counts.other, None)
            }
            Err(NoUdp::Other) => (&mut counts.other, None),
        };
        let Some(datagram) = datagram else {
            *count = count.saturating_add(1);
            return;
        };
        let Some(at) = frame.at else {
            counts.incomplete = counts.incomplete.saturating_add(1);
            return;
        };
        if rtp(datagram.payload, counts) {
            let way = (datagram.from, datagram.to);
            let next = u32::try_from(self.flows.len()).unwrap_or(u32::MAX);
            let flow = *self.numbers.entry(way).or_insert(next);
            if flow == next {
                self.flows.push(way);
            }
            self.packets.push(Packet { at, flow, bytes: datagram.payload });
        }
    }
}

/// Whether `bytes` are an RTP packet; counts what they are.
fn rtp(bytes: &[u8], counts: &mut Counts) -> bool {
    let count = match kind(bytes) {
        Kind::Rtp if RtpView::parse(bytes).is_ok() => &mut counts.rtp,
        Kind::Rtcp => &mut counts.rtcp,
        _ => &mut counts.other,
    };
    *count = count.saturating_add(1);
    kind(bytes) == Kind::Rtp && RtpView::parse(bytes).is_ok()
}

/// The record at the front: its time in ns, its packet, and what follows.
fn record(bytes: &[u8]) -> Option<(i64, &[u8], &[u8])> {
    let (micros, bytes) = bytes.split_first_chunk::<8>()?;
    let (length, bytes) = bytes.split_first_chunk::<2>()?;
    let (packet, rest) = bytes.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let nanos = u64::from_le_bytes(*micros).checked_mul(1_000)?;
    Some((i64::try_from(nanos).ok()?, packet, rest))
}
