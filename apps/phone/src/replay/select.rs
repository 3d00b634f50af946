//! Which of a capture's streams is played.
#![deny(clippy::arithmetic_side_effects)]

use core::net::SocketAddr;
use std::collections::HashMap;

use rove_base::{CodecId, PayloadType, SeqNumber};
use rove_core::rtp::{RedView, RtpView};

use super::{
    capture::{Capture, CaptureError, Packet},
    formats::{Format, FormatMap},
};

/// One stream of a capture: packets of one source on one way.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Source {
    /// Its SSRC.
    pub ssrc: u32,
    /// From where to where; `None` when the file does not say.
    pub addresses: Option<(SocketAddr, SocketAddr)>,
    /// Payload types in the order they first came, 16 at most.
    pub payload_types: Vec<u8>,
    /// Packets.
    pub packets: u64,
    /// Whether it is the one played.
    pub played: bool,
    #[serde(skip)]
    pub(super) flow: u32,
    #[serde(skip)]
    first: usize,
    #[serde(skip)]
    expected: SeqNumber,
    /// Two packets in sequence were heard, of a known format.
    #[serde(skip)]
    proven: bool,
}

/// What is played.
#[derive(Debug)]
pub(super) struct Selection<'a> {
    pub packets: Vec<Packet<'a>>,
    /// The codec of its speech and the number it has.
    pub codec: CodecId,
    pub payload_type: PayloadType,
    pub sources: Vec<Source>,
}

/// Chooses the stream of `ssrc`, or the first that is heard with two packets in sequence in a known format. Without `ssrc`
/// everything that goes the same way from its first packet on is played, so that a source may give itself a new name.
pub(super) fn select<'a>(
    capture: &Capture<'a>,
    formats: &FormatMap,
    ssrc: Option<u32>,
) -> Result<Selection<'a>, CaptureError> {
    let (mut sources, first_proven) = sources(capture, formats, ssrc);
    let wanted = |source: &Source| ssrc.is_none_or(|ssrc| ssrc == source.ssrc);
    let known = |source: &Source| {
        source.payload_types.iter().any(|pt| is_known(formats, PayloadType::from_header(*pt)))
    };
    let chosen = first_proven
        .or_else(|| sources.iter().position(|source| wanted(source) && known(source)))
        .or_else(|| ssrc.and_then(|_| sources.iter().position(wanted)));
    let Some(source) = chosen.and_then(|chosen| sources.get_mut(chosen)) else {
        return Err(
            ssrc.map_or_else(|| CaptureError::NoCodec(payload_types(&sources)), CaptureError::NoSource)
        );
    };
    source.played = true;
    let (flow, first) = (source.flow, source.first);
    let of_source = |packet: &Packet<'_>| {
        let named =
            RtpView::parse(packet.bytes).is_ok_and(|view| ssrc.is_none_or(|ssrc| view.ssrc().0 == ssrc));
        packet.flow == flow && named
    };
    let packets: Vec<Packet<'a>> =
        capture.packets.iter().skip(first).filter(|packet| of_source(packet)).copied().collect();
    let speech = packets.iter().find_map(|packet| speech(formats, packet.bytes));
    let (codec, payload_type) = match speech {
        Some(found) => found,
        // Noise and key presses alone: they count like G.711.
        None if packets.iter().any(|packet| is_playable(formats, packet.bytes)) => {
            (CodecId::Pcmu, PayloadType::from_header(0))
        }
        None => return Err(CaptureError::NoCodec(payload_types(&sources))),
    };
    Ok(Selection { packets, codec, payload_type, sources })
}

/// All streams in the order they begin, and the index of the first proven one.
fn sources(capture: &Capture<'_>, formats: &FormatMap, ssrc: Option<u32>) -> (Vec<Source>, Option<usize>) {
    let mut found: Vec<Source> = Vec::new();
    let mut places: HashMap<(u32, u32), usize> = HashMap::new();
    let mut first_proven = None;
    for (index, packet) in capture.packets.iter().enumerate() {
        let Ok(view) = RtpView::parse(packet.bytes) else { continue };
        let place = *places.entry((packet.flow, view.ssrc().0)).or_insert_with(|| {
            found.push(Source {
                ssrc: view.ssrc().0,
                addresses: capture.addresses(packet.flow),
                payload_types: Vec::new(),
                packets: 0,
                played: false,
                flow: packet.flow,
                first: index,
                expected: view.seq(),
                proven: false,
            });
            found.len().saturating_sub(1)
        });
        let Some(source) = found.get_mut(place) else { continue };
        let number = view.payload_type();
        if !source.payload_types.contains(&number.number()) && source.payload_types.len() < 16 {
            source.payload_types.push(number.number());
        }
        let in_sequence = source.packets > 0 && source.expected == view.seq();
        source.packets = source.packets.saturating_add(1);
        source.expected = view.seq().plus(1);
        source.proven |= in_sequence && is_known(formats, number);
        if source.proven && first_proven.is_none() && ssrc.is_none_or(|ssrc| ssrc == source.ssrc) {
            first_proven = Some(place);
        }
    }
    (found, first_proven)
}

fn is_known(formats: &FormatMap, number: PayloadType) -> bool {
    formats.get(number).is_some()
}

fn is_playable(formats: &FormatMap, bytes: &[u8]) -> bool {
    RtpView::parse(bytes).is_ok_and(|view| is_known(formats, view.payload_type()))
}

/// The codec of a packet of speech, redundant or not, and its number.
fn speech(formats: &FormatMap, bytes: &[u8]) -> Option<(CodecId, PayloadType)> {
    let view = RtpView::parse(bytes).ok()?;
    let number = match formats.get(view.payload_type())? {
        Format::Red => RedView::parse(view.payload()).ok()?.primary().payload_type,
        _ => view.payload_type(),
    };
    match formats.get(number)? {
        Format::Speech(codec) => Some((codec, number)),
        _ => None,
    }
}

fn payload_types(sources: &[Source]) -> Vec<u8> {
    let mut all: Vec<u8> = sources.iter().flat_map(|source| source.payload_types.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all
}
