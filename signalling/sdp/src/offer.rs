//! The offer: what we can do, in our order (RFC 3264 §5).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{CodecId, Direction};

use crate::{
    Connection, Description, Ice, Line, Media, Origin, Protection,
    attribute::direction_name,
    codec::{Companion, codec_lines, payload_type, rtpmap},
    numbers::Numbers,
    parse::FOR_EVER,
    protect,
};

/// What we can do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Local {
    /// Where we receive RTP.
    pub address: SocketAddr,
    /// Where we receive RTCP when it does not share the port of RTP.
    pub rtcp: SocketAddr,
    /// Our codecs, preferred first.
    pub codecs: Vec<CodecId>,
    /// The packet duration we want to receive, and send where the other side has no wish.
    pub packet_time: Duration,
    /// Names our side of the session; the same in all our descriptions of one call.
    pub session_id: u64,
    /// Which way media shall flow, seen from here.
    pub direction: Direction,
    /// How we like to receive.
    pub wishes: Wishes,
    /// How media can be protected here.
    pub protection: Protection,
    /// How we can be reached; one of the candidates is `address`. `None` where connectivity is not checked.
    pub ice: Option<Ice>,
}

/// How we like to receive, where a codec lets us say it. The default is everything it can do, without pauses.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Wishes {
    /// Nothing need be sent during silence (RFC 7587 §6.1 `usedtx`); where the other side knows comfort noise (RFC 3389)
    /// this end sends that for its silence, too.
    pub dtx: bool,
    /// Two channels are welcome (RFC 7587 §6.1 `stereo`).
    pub stereo: bool,
    /// The highest sampling rate this end can play, in hertz (RFC 7587 §6.1 `maxplaybackrate`).
    pub max_playback_rate: Option<u32>,
    /// Bits per second that this end can receive of the codec, as a mean (RFC 7587 §6.1 `maxaveragebitrate`).
    pub max_bitrate: Option<u32>,
}

/// Our audio stream as it is offered: all our codecs, what goes with them, RTCP on the same port or another, keys and
/// candidates.
pub(crate) fn offered(local: &Local, numbers: &mut Numbers) -> Media {
    let mut formats = Vec::new();
    let mut lines = Vec::new();
    let mut speech: Vec<(CodecId, String)> = Vec::new();
    for &codec in &local.codecs {
        let number = payload_type(codec).and_then(|wanted| numbers.number(&rtpmap(codec), wanted));
        let Some(format) = number.map(|number| number.to_string()) else { continue };
        if formats.contains(&format) {
            continue;
        }
        lines.extend(codec_lines(&format, codec, &local.wishes));
        formats.push(format.clone());
        speech.push((codec, format));
    }
    for companion in Companion::ALL {
        for (codec, speech) in speech.iter().filter(|(codec, _)| companion.suits(*codec)) {
            let wanted = companion.payload_type(codec.clock_rate());
            let number = numbers.number(&companion.rtpmap(*codec), wanted);
            let Some(format) = number.map(|number| number.to_string()) else { continue };
            if !formats.contains(&format) {
                lines.extend(companion.lines(&format, *codec, speech));
                formats.push(format);
            }
        }
    }
    lines.extend(stream_lines(local, local.direction, true));
    let (profile, keys) = protect::offer(&local.protection);
    lines.extend(keys);
    lines.extend(local.ice.iter().flat_map(Ice::lines));
    audio(local, profile, formats, lines)
}

/// A description of ours with these media.
pub(crate) fn describe(local: &Local, media: Vec<Media>) -> Description {
    let connection = Connection::new(local.address.ip());
    let session = local.session_id.to_string();
    let version = session.clone();
    Description {
        origin: Origin { user: "-".into(), session, version, address: connection.clone() },
        name: "-".into(),
        connection: Some(connection),
        lines: vec![Line { kind: 't', value: FOR_EVER.into() }],
        media,
    }
}

pub(crate) fn audio(local: &Local, protocol: &str, formats: Vec<String>, lines: Vec<Line>) -> Media {
    Media {
        kind: "audio".into(),
        port: local.address.port(),
        port_count: None,
        protocol: protocol.into(),
        formats,
        connection: None,
        lines,
    }
}

/// The attributes that are not about one codec: packet duration, direction, RTCP.
pub(crate) fn stream_lines(local: &Local, direction: Direction, rtcp_mux: bool) -> Vec<Line> {
    let mut lines = vec![
        Line::attribute(format!("ptime:{}", local.packet_time.as_millis())),
        Line::attribute(direction_name(direction)),
    ];
    if rtcp_mux {
        lines.push(Line::attribute("rtcp-mux"));
    }
    let Local { address, rtcp, .. } = local;
    if rtcp.ip() != address.ip() {
        lines.push(Line::attribute(format!("rtcp:{} {}", rtcp.port(), Connection::new(rtcp.ip()))));
    } else if address.port().checked_add(1) != Some(rtcp.port()) {
        lines.push(Line::attribute(format!("rtcp:{}", rtcp.port())));
    }
    lines
}
