//! Attributes whose values mean something here: rtpmap, fmtp, rtcp, ptime, direction (RFC 8866 §6, RFC 3605).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr, time::Duration};
use std::net::IpAddr;

use rove_base::{ClockRate, Direction};

use crate::{Connection, Line, ParseError};

/// What a payload type is: `encoding/clock rate[/channels]` (RFC 8866 §6.6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RtpMap {
    /// The registered name of the encoding. Case does not count.
    pub encoding: String,
    /// Ticks per second of its RTP clock.
    pub clock_rate: ClockRate,
    /// Audio channels; 1 where none are given.
    pub channels: u8,
}

impl RtpMap {
    /// Whether it is this encoding at this clock rate.
    #[must_use]
    pub fn is(&self, encoding: &str, clock_rate: ClockRate) -> bool {
        self.encoding.eq_ignore_ascii_case(encoding) && self.clock_rate == clock_rate
    }

    /// The static payload types that this project knows (RFC 3551 §6). G.722 is said to count at 8 kHz, wrongly and
    /// for ever (§4.5.2).
    pub(crate) fn of_static(format: &str) -> Option<Self> {
        let encoding = match format {
            "0" => "PCMU",
            "8" => "PCMA",
            "9" => "G722",
            "13" => "CN",
            _ => return None,
        };
        Some(Self { encoding: encoding.into(), clock_rate: ClockRate::TELEPHONE, channels: 1 })
    }
}

impl FromStr for RtpMap {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut parts = text.trim().split('/');
        let encoding = parts.next().filter(|encoding| !encoding.is_empty());
        let clock_rate = parts.next().and_then(|rate| ClockRate::new(rate.parse().ok()?));
        let channels = parts.next().map_or(Some(1), |channels| channels.parse().ok());
        match (encoding, clock_rate, channels) {
            (Some(encoding), Some(clock_rate), Some(channels)) => {
                Ok(Self { encoding: encoding.into(), clock_rate, channels })
            }
            _ => Err(ParseError::Malformed { line: 0, what: "rtpmap" }),
        }
    }
}

impl fmt::Display for RtpMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.encoding, self.clock_rate.hertz())?;
        if self.channels == 1 { Ok(()) } else { write!(f, "/{}", self.channels) }
    }
}

/// Parameters of a format: `name=value` pairs between semicolons, as most payload formats have them (RFC 8866 §6.15).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fmtp(Vec<(String, String)>);

impl Fmtp {
    /// The value of `name`. Case does not count.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether `name` is `1`.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.get(name) == Some("1")
    }

    pub(crate) fn parse(text: &str) -> Self {
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name.trim().to_owned(), value.trim().to_owned())
        };
        Self(text.split(';').filter(|part| !part.trim().is_empty()).map(pair).collect())
    }
}

/// Where RTCP is received: `port [IN IP4 address]` (RFC 3605 §2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RtcpAddress {
    /// The port.
    pub port: u16,
    /// `None`: the address of RTP.
    pub ip: Option<IpAddr>,
}

impl FromStr for RtcpAddress {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let malformed = ParseError::Malformed { line: 0, what: "rtcp" };
        let mut words = text.split_ascii_whitespace();
        let port = words.next().and_then(|port| port.parse().ok()).filter(|port| *port != 0);
        let port = port.ok_or_else(|| malformed.clone())?;
        let ip = match (words.next(), words.next(), words.next()) {
            (None, ..) => None,
            (Some(network), Some(kind), Some(address)) => {
                let [network, kind, address] = [network, kind, address].map(str::to_owned);
                Some(Connection { network, kind, address }.ip().ok_or(malformed)?)
            }
            _ => return Err(malformed),
        };
        Ok(Self { port, ip })
    }
}

/// The direction that a group of lines states (RFC 8866 §6.7).
pub(crate) fn direction(lines: &[Line]) -> Option<Direction> {
    lines.iter().filter(|line| line.kind == 'a').find_map(|line| {
        DIRECTIONS
            .iter()
            .find(|(name, _)| line.value.eq_ignore_ascii_case(name))
            .map(|(_, direction)| *direction)
    })
}

/// The name of a direction.
pub(crate) fn direction_name(direction: Direction) -> &'static str {
    DIRECTIONS.iter().find(|(_, have)| *have == direction).map_or("sendrecv", |(name, _)| name)
}

/// Milliseconds, whole or with a fraction; at most ten seconds.
pub(crate) fn milliseconds(text: &str) -> Option<Duration> {
    let number: f64 = text.trim().parse().ok()?;
    (number > 0.0 && number <= 10_000.0).then(|| Duration::from_secs_f64(number / 1_000.0))
}

const DIRECTIONS: [(&str, Direction); 4] = [
    ("sendrecv", Direction::SendRecv),
    ("sendonly", Direction::SendOnly),
    ("recvonly", Direction::RecvOnly),
    ("inactive", Direction::Inactive),
];
