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
    Connection, Description, Line, Media, Origin,
    attribute::direction_name,
    codec::{codec_lines, payload_type, telephone_event_lines, telephone_event_type},
    parse::FOR_EVER,
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
}

/// Our offer: one audio stream with all our codecs and telephone events at their clock rates, RTCP on the same port or
/// another.
#[must_use]
pub fn offer(local: &Local) -> Description {
    let mut formats = Vec::new();
    let mut lines = Vec::new();
    let mut clock_rates = Vec::new();
    for &codec in &local.codecs {
        let Some(format) = payload_type(codec).map(|number| number.to_string()) else { continue };
        if formats.contains(&format) {
            continue;
        }
        lines.extend(codec_lines(&format, codec));
        formats.push(format);
        if !clock_rates.contains(&codec.clock_rate()) {
            clock_rates.push(codec.clock_rate());
        }
    }
    for clock_rate in clock_rates {
        let format = telephone_event_type(clock_rate).to_string();
        lines.extend(telephone_event_lines(&format, clock_rate));
        formats.push(format);
    }
    lines.extend(stream_lines(local, local.direction, true));
    describe(local, vec![audio(local, "RTP/AVP", formats, lines)])
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
