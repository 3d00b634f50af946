//! How a codec is described, and the formats that go with it: rtpmap and fmtp (RFC 2198, 3389, 3551, 4733, 7587).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{ClockRate, CodecId, CodecPlan, PayloadType, PayloadTypes};

use crate::{Line, Media, RtpMap, Wishes, numbers::number};

/// The payload type under which we offer `codec`: the static one, or one by custom.
pub(crate) const fn payload_type(codec: CodecId) -> Option<u8> {
    match codec {
        CodecId::Pcmu => Some(0),
        CodecId::Pcma => Some(8),
        CodecId::G722 => Some(9),
        CodecId::Opus => Some(111),
        _ => None,
    }
}

/// A format that is no codec but goes with one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Companion {
    /// Redundant audio data (RFC 2198).
    Red,
    /// Named telephone events (RFC 4733).
    TelephoneEvent,
    /// Comfort noise (RFC 3389).
    ComfortNoise,
}

impl Companion {
    /// All of them, in the order in which they are offered.
    pub(crate) const ALL: [Self; 3] = [Self::Red, Self::TelephoneEvent, Self::ComfortNoise];

    /// Whether it goes with `codec`. Full copies are for a codec that can make room for them; comfort noise is for codecs
    /// that have no silence of their own, at their clock rate (RFC 3389 §4).
    pub(crate) fn suits(self, codec: CodecId) -> bool {
        match self {
            Self::Red => codec == CodecId::Opus,
            Self::TelephoneEvent => true,
            Self::ComfortNoise => codec.clock_rate() == ClockRate::TELEPHONE,
        }
    }

    /// The payload type under which we offer it: the static one, or one by custom.
    pub(crate) fn payload_type(self, clock_rate: ClockRate) -> u8 {
        match self {
            Self::Red => 63,
            Self::TelephoneEvent if clock_rate == ClockRate::TELEPHONE => 101,
            Self::TelephoneEvent => 110,
            Self::ComfortNoise => 13,
        }
    }

    /// What it is beside `codec`.
    pub(crate) fn rtpmap(self, codec: CodecId) -> RtpMap {
        RtpMap {
            encoding: self.encoding().into(),
            clock_rate: codec.clock_rate(),
            channels: self.channels(codec),
        }
    }

    /// The lines for it under the number `format`, beside `codec`, which has the number `speech`.
    pub(crate) fn lines(self, format: &str, codec: CodecId, speech: &str) -> Vec<Line> {
        let map = self.rtpmap(codec);
        let fmtp = match self {
            // Which formats may stand in it, the primary one first (RFC 2198 §5).
            Self::Red => Some(format!("{speech}/{speech}")),
            // The sixteen keys (RFC 4733 §3.2).
            Self::TelephoneEvent => Some("0-15".into()),
            Self::ComfortNoise => None,
        };
        let mut lines = vec![Line::attribute(format!("rtpmap:{format} {map}"))];
        lines.extend(fmtp.map(|fmtp| Line::attribute(format!("fmtp:{format} {fmtp}"))));
        lines
    }

    /// The first of `media`'s formats that is this one for `codec`, which `media` calls `speech`.
    pub(crate) fn find(self, media: &Media, codec: CodecId, speech: PayloadType) -> Option<PayloadType> {
        let number = find(media, |map| {
            map.is(self.encoding(), codec.clock_rate()) && map.channels == self.channels(codec)
        });
        let carries = |number: &PayloadType| self != Self::Red || carries_only(media, *number, speech);
        number.filter(|_| self.suits(codec)).filter(carries)
    }

    const fn encoding(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::TelephoneEvent => "telephone-event",
            Self::ComfortNoise => "CN",
        }
    }

    fn channels(self, codec: CodecId) -> u8 {
        if self == Self::Red { channels(codec) } else { 1 }
    }
}

/// Whether RED under `number` is for `speech` alone, as far as it says.
fn carries_only(media: &Media, number: PayloadType, speech: PayloadType) -> bool {
    let format = number.number().to_string();
    let Some(listed) = media.fmtp_text(&format) else { return true };
    listed.split('/').all(|listed| listed.trim().parse() == Ok(speech.number()))
}

/// Whether `map` is `codec`.
pub(crate) fn is_codec(map: &RtpMap, codec: CodecId) -> bool {
    map.is(codec.encoding_name(), codec.clock_rate()) && map.channels == channels(codec)
}

/// Opus always says two channels, whatever it carries (RFC 7587 §7).
fn channels(codec: CodecId) -> u8 {
    if codec == CodecId::Opus { 2 } else { 1 }
}

/// What `codec` is.
pub(crate) fn rtpmap(codec: CodecId) -> RtpMap {
    RtpMap {
        encoding: codec.encoding_name().into(),
        clock_rate: codec.clock_rate(),
        channels: channels(codec),
    }
}

/// The lines that tell what `format` is and what we want to receive of it.
pub(crate) fn codec_lines(format: &str, codec: CodecId, wishes: &Wishes) -> Vec<Line> {
    let map = rtpmap(codec);
    let mut lines = vec![Line::attribute(format!("rtpmap:{format} {map}"))];
    if codec == CodecId::Opus {
        let mut fmtp = format!("fmtp:{format} minptime=10;useinbandfec=1");
        let values =
            [("maxplaybackrate", wishes.max_playback_rate), ("maxaveragebitrate", wishes.max_bitrate)];
        for (name, value) in values.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
            fmtp.push_str(&format!(";{name}={value}"));
        }
        let flags = [("stereo", wishes.stereo), ("usedtx", wishes.dtx)];
        for (name, _) in flags.iter().filter(|(_, set)| *set) {
            fmtp.push_str(&format!(";{name}=1"));
        }
        lines.push(Line::attribute(fmtp));
    }
    lines
}

/// The first of `media`'s formats that is `codec`.
pub(crate) fn find_codec(media: &Media, codec: CodecId) -> Option<PayloadType> {
    find(media, |map| is_codec(map, codec))
}

/// What is agreed about `codec`, from what the other side says about `send`, its number for it, and what we wish. What goes
/// with it is not looked at.
pub(crate) fn plan(
    codec: CodecId,
    theirs: &Media,
    send: PayloadType,
    receive: PayloadType,
    preferred: Duration,
) -> CodecPlan {
    let fmtp = theirs.fmtp(&send.number().to_string());
    let opus = codec == CodecId::Opus;
    let number = |name: &str| fmtp.get(name).and_then(|value| value.parse::<u32>().ok()).filter(|_| opus);
    let (packet_time, max_packet_time) = packet_times(codec, theirs, number("minptime"), preferred);
    CodecPlan {
        send_payload_type: send,
        packet_time,
        max_packet_time,
        bitrate: number("maxaveragebitrate").map(|bits| bits.clamp(OPUS_BITRATE.0, OPUS_BITRATE.1)),
        inband_fec: opus && fmtp.is_set("useinbandfec"),
        dtx: opus && fmtp.is_set("usedtx"),
        stereo: opus && fmtp.is_set("stereo"),
        max_playback_rate: number("maxplaybackrate").filter(|rate| PLAYBACK_RATE.contains(rate)),
        ..CodecPlan::new(codec, receive)
    }
}

/// Adds to `plan` what goes with its codec: `theirs` for sending, `ours` for receiving, both needed.
pub(crate) fn with_companions(plan: CodecPlan, theirs: &Media, ours: &Media, wishes: &Wishes) -> CodecPlan {
    let both = |companion: Companion| {
        let send = companion.find(theirs, plan.id, plan.send_payload_type)?;
        let receive = companion.find(ours, plan.id, plan.receive_payload_type)?;
        Some(PayloadTypes { send, receive })
    };
    let comfort_noise = both(Companion::ComfortNoise);
    CodecPlan {
        red: both(Companion::Red),
        telephone_event: both(Companion::TelephoneEvent),
        comfort_noise,
        // A codec without silence of its own is silent by comfort noise.
        dtx: plan.dtx || (wishes.dtx && comfort_noise.is_some()),
        ..plan
    }
}

/// How much one packet to the other side carries: what it asks for, else `preferred`, but no more than it can take, and
/// only what the codec can make; and the most that it may carry.
fn packet_times(
    codec: CodecId,
    theirs: &Media,
    least_ms: Option<u32>,
    preferred: Duration,
) -> (Duration, Duration) {
    let wanted = theirs.packet_time().unwrap_or(preferred);
    // `minptime` is a wish like `ptime`, and gives way to what can be taken (RFC 7587 §6.1).
    let wanted = wanted.max(Duration::from_millis(u64::from(least_ms.unwrap_or(0).min(120))));
    let most = theirs.max_packet_time().unwrap_or(Duration::MAX);
    let packet_time = codec.packet_time(wanted.min(most));
    (packet_time, codec.packet_time(most).max(packet_time))
}

fn find(media: &Media, wanted: impl Fn(&RtpMap) -> bool) -> Option<PayloadType> {
    media.formats.iter().find_map(|format| {
        let number = PayloadType::new(number(format)?)?;
        media.rtpmap(format).filter(&wanted).map(|_| number)
    })
}

/// Bits per second between which Opus works (RFC 6716 §2.1.1).
const OPUS_BITRATE: (u32, u32) = (6_000, 510_000);
/// Sampling rates that can be played (RFC 7587 §6.1).
const PLAYBACK_RATE: core::ops::RangeInclusive<u32> = 8_000..=48_000;
