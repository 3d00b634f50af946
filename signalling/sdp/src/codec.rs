//! How a codec is described: its payload type, rtpmap and fmtp (RFC 3551, 4733, 7587).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{ClockRate, CodecId, CodecPlan, PayloadType};

use crate::{Line, Media, RtpMap};

/// The payload type under which we offer `codec`: the static one, or one by custom.
pub(crate) const fn payload_type(codec: CodecId) -> Option<u8> {
    match codec {
        CodecId::Pcmu => Some(0),
        CodecId::Pcma => Some(8),
        CodecId::Opus => Some(111),
        _ => None,
    }
}

/// The payload type under which we offer telephone events that count at `clock_rate`.
pub(crate) const fn telephone_event_type(clock_rate: ClockRate) -> u8 {
    if clock_rate.hertz() == ClockRate::TELEPHONE.hertz() { 101 } else { 110 }
}

/// Whether `map` is `codec`. Opus always says two channels, whatever it carries (RFC 7587 §7).
pub(crate) fn is_codec(map: &RtpMap, codec: CodecId) -> bool {
    let channels = if codec == CodecId::Opus { 2 } else { 1 };
    map.is(codec.encoding_name(), codec.clock_rate()) && map.channels == channels
}

/// The lines that tell what `format` is and what we want to receive of it.
pub(crate) fn codec_lines(format: &str, codec: CodecId) -> Vec<Line> {
    let channels = if codec == CodecId::Opus { 2 } else { 1 };
    let map = RtpMap { encoding: codec.encoding_name().into(), clock_rate: codec.clock_rate(), channels };
    let mut lines = vec![Line::attribute(format!("rtpmap:{format} {map}"))];
    if codec == CodecId::Opus {
        lines.push(Line::attribute(format!("fmtp:{format} minptime=10;useinbandfec=1")));
    }
    lines
}

/// The lines for telephone events: the sixteen keys and the hook flash (RFC 4733 §3.2).
pub(crate) fn telephone_event_lines(format: &str, clock_rate: ClockRate) -> [Line; 2] {
    let map = RtpMap { encoding: TELEPHONE_EVENT.into(), clock_rate, channels: 1 };
    [Line::attribute(format!("rtpmap:{format} {map}")), Line::attribute(format!("fmtp:{format} 0-16"))]
}

/// The first of `media`'s formats that is `codec`.
pub(crate) fn find_codec(media: &Media, codec: CodecId) -> Option<PayloadType> {
    find(media, |map| is_codec(map, codec))
}

/// The first of `media`'s formats that is a telephone event at `clock_rate`.
pub(crate) fn find_telephone_event(media: &Media, clock_rate: ClockRate) -> Option<PayloadType> {
    find(media, |map| map.is(TELEPHONE_EVENT, clock_rate))
}

/// What is agreed about `codec`, from what the other side says about `send`, its number for it.
pub(crate) fn plan(
    codec: CodecId,
    theirs: &Media,
    send: PayloadType,
    receive: PayloadType,
    preferred: Duration,
) -> CodecPlan {
    let fmtp = theirs.fmtp(&send.number().to_string());
    let opus = codec == CodecId::Opus;
    let bitrate = fmtp.get("maxaveragebitrate").and_then(|bits| bits.parse::<u32>().ok());
    CodecPlan {
        send_payload_type: send,
        packet_time: packet_time(codec, theirs, preferred),
        bitrate: bitrate.filter(|_| opus).map(|bits| bits.clamp(OPUS_BITRATE.0, OPUS_BITRATE.1)),
        inband_fec: opus && fmtp.is_set("useinbandfec"),
        dtx: opus && fmtp.is_set("usedtx"),
        ..CodecPlan::new(codec, receive)
    }
}

/// How much one packet to the other side carries: what it asks for, else `preferred`, but no more than it can take,
/// and only what the codec can make.
fn packet_time(codec: CodecId, theirs: &Media, preferred: Duration) -> Duration {
    let wanted = theirs.packet_time().unwrap_or(preferred);
    let wanted = theirs.max_packet_time().map_or(wanted, |max| wanted.min(max));
    codec.packet_time(wanted)
}

fn find(media: &Media, wanted: impl Fn(&RtpMap) -> bool) -> Option<PayloadType> {
    media.formats.iter().find_map(|format| {
        let number = PayloadType::new(format.parse().ok()?)?;
        media.rtpmap(format).filter(&wanted).map(|_| number)
    })
}

const TELEPHONE_EVENT: &str = "telephone-event";
/// Bits per second between which Opus works (RFC 6716 §2.1.1).
const OPUS_BITRATE: (u32, u32) = (6_000, 510_000);
