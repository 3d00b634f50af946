//! A session description as a value (RFC 8866 §5).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, time::Duration};
use std::net::IpAddr;

use rove_base::Direction;

use crate::{
    Fmtp, RtcpAddress, RtpMap,
    attribute::{direction, milliseconds},
};

/// A session description.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Description {
    /// Who made it, and which version it is.
    pub origin: Origin,
    /// The session's name; `-` when it has none.
    pub name: String,
    /// The address of all media that have none of their own.
    pub connection: Option<Connection>,
    /// All other lines before the first medium, in order: times, attributes, unknown ones.
    pub lines: Vec<Line>,
    /// The media, in order. An answer has the same number of them as its offer.
    pub media: Vec<Media>,
}

impl Description {
    /// The first audio stream that is not switched off, with its place.
    #[must_use]
    pub fn audio(&self) -> Option<(usize, &Media)> {
        self.media.iter().enumerate().find(|(_, media)| media.is_audio() && media.is_on())
    }

    /// Which way `media` flows, seen from who made this description: its own attribute, else the session's, else both
    /// ways (RFC 3264 §5.1).
    #[must_use]
    pub fn direction(&self, media: &Media) -> Direction {
        direction(&media.lines).or_else(|| direction(&self.lines)).unwrap_or_default()
    }

    /// The address of `media`: its own, else the session's.
    #[must_use]
    pub fn address(&self, media: &Media) -> Option<IpAddr> {
        media.connection.as_ref().or(self.connection.as_ref())?.ip()
    }

    /// The values of the attribute `name` before the first medium, in order; empty ones where it has none.
    pub fn session_attributes<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        attributes(&self.lines, name)
    }

    /// The first value of the attribute `name` before the first medium. `None` when it is not there.
    #[must_use]
    pub fn session_attribute(&self, name: &str) -> Option<&str> {
        self.session_attributes(name).next()
    }

    /// The values of the attribute `name` of `media`; the session's when it has none of its own.
    #[must_use]
    pub fn attributes<'a>(&'a self, media: &'a Media, name: &str) -> Vec<&'a str> {
        let own: Vec<_> = media.attributes(name).collect();
        if own.is_empty() { self.session_attributes(name).collect() } else { own }
    }

    /// The first of them.
    #[must_use]
    pub fn attribute<'a>(&'a self, media: &'a Media, name: &str) -> Option<&'a str> {
        media.attribute(name).or_else(|| self.session_attribute(name))
    }

    /// The names of the media that go with the medium `mid` over one transport, the first one leading (RFC 9143 §7).
    /// `None` when it goes alone.
    #[must_use]
    pub fn bundle_of(&self, mid: &str) -> Option<Vec<&str>> {
        self.session_attributes("group").find_map(|group| {
            let mut words = group.split_ascii_whitespace();
            let bundle = words.next().is_some_and(|word| word.eq_ignore_ascii_case("BUNDLE"));
            let mids: Vec<_> = words.collect();
            (bundle && mids.contains(&mid)).then_some(mids)
        })
    }

    /// The medium whose address, credentials and keys those of `media` are: the first of its bundle when it says that it
    /// exists there alone (RFC 9143 §6), else itself.
    #[must_use]
    pub fn transport_of<'a>(&'a self, media: &'a Media) -> &'a Media {
        let first = || {
            let first = *self.bundle_of(media.mid()?)?.first()?;
            self.media.iter().find(|media| media.mid() == Some(first))
        };
        if media.is_bundle_only() { first().unwrap_or(media) } else { media }
    }

    /// Counts the version of the origin up, as every changed description of a session must (RFC 3264 §8).
    pub fn bump_version(&mut self) {
        let version: u64 = self.origin.version.parse().unwrap_or_default();
        self.origin.version = version.saturating_add(1).to_string();
    }
}

/// Who made a description: the `o=` line (RFC 8866 §5.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    /// A login name, or `-`.
    pub user: String,
    /// Names the session, in digits.
    pub session: String,
    /// Grows with each change, in digits.
    pub version: String,
    /// A name or address of the maker; media do not go there.
    pub address: Connection,
}

/// Where media go: the `c=` line (RFC 8866 §5.7).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Connection {
    /// `IN`.
    pub network: String,
    /// `IP4` or `IP6`.
    pub kind: String,
    /// An address or a host name, with the suffix of a multicast address.
    pub address: String,
}

impl Connection {
    /// The line for an address.
    #[must_use]
    pub fn new(ip: IpAddr) -> Self {
        let kind = if ip.is_ipv4() { "IP4" } else { "IP6" };
        Self { network: "IN".into(), kind: kind.into(), address: ip.to_string() }
    }

    /// The address, without suffix. `None` for a host name and for other networks.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        let ip: IpAddr = self.address.split('/').next()?.parse().ok()?;
        let fits = match ip {
            IpAddr::V4(_) => self.kind.eq_ignore_ascii_case("IP4"),
            IpAddr::V6(_) => self.kind.eq_ignore_ascii_case("IP6"),
        };
        (fits && self.network.eq_ignore_ascii_case("IN")).then_some(ip)
    }
}

/// A line that is kept as it is. Keys and passwords in it are never printed.
#[derive(Clone, Eq, PartialEq)]
pub struct Line {
    /// The letter before the equals sign.
    pub kind: char,
    /// All that follows it.
    pub value: String,
}

impl Line {
    /// An attribute: `a=name` or `a=name:value`. Line ends become spaces.
    #[must_use]
    pub fn attribute(text: impl Into<String>) -> Self {
        Self { kind: 'a', value: text.into().replace(['\r', '\n'], " ") }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.value.split([':', ' ']).next().unwrap_or_default();
        let secret = SECRET.iter().any(|secret| name.trim().eq_ignore_ascii_case(secret));
        match self.kind {
            'k' => f.write_str("k=.."),
            'a' if secret => write!(f, "a={name}:.."),
            kind => write!(f, "{kind}={:?}", self.value),
        }
    }
}

/// Attributes that carry keys or passwords.
const SECRET: [&str; 4] = ["crypto", "ice-pwd", "key-mgmt", "crypto-key"];

/// One medium: the `m=` line and what follows it (RFC 8866 §5.14).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Media {
    /// `audio`, `video`, …
    pub kind: String,
    /// Where it is received; 0 switches the medium off (RFC 3264 §5.1).
    pub port: u16,
    /// Number of ports, where it is given.
    pub port_count: Option<u16>,
    /// The profile, such as `RTP/AVP`.
    pub protocol: String,
    /// Formats, preferred first; payload types where the profile is RTP's.
    pub formats: Vec<String>,
    /// Its own address.
    pub connection: Option<Connection>,
    /// All its other lines, in order.
    pub lines: Vec<Line>,
}

impl Media {
    /// Whether it is audio.
    #[must_use]
    pub fn is_audio(&self) -> bool {
        self.kind.eq_ignore_ascii_case("audio")
    }

    /// The values of the attribute `name`, in order; empty ones where it has none.
    pub fn attributes<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        attributes(&self.lines, name)
    }

    /// Whether it is wanted: it has a port, or shares that of its bundle (RFC 9143 §6).
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.port != 0 || self.is_bundle_only()
    }

    /// Its name within the description (RFC 5888 §4).
    #[must_use]
    pub fn mid(&self) -> Option<&str> {
        self.attribute("mid").map(str::trim)
    }

    /// Whether it has no transport of its own, but that of its bundle (RFC 9143 §6).
    #[must_use]
    pub fn is_bundle_only(&self) -> bool {
        self.port == 0 && self.attribute("bundle-only").is_some()
    }

    /// The first value of the attribute `name`; empty when it has none. `None` when it is not there.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes(name).next()
    }

    /// What `format` is, by `a=rtpmap` or, for static payload types, by RFC 3551 §6. `None` when neither says.
    #[must_use]
    pub fn rtpmap(&self, format: &str) -> Option<RtpMap> {
        let mapped = self.attributes("rtpmap").find_map(|value| {
            let (have, map) = value.trim().split_once(' ')?;
            (have == format).then(|| map.trim().parse().ok())
        });
        mapped.unwrap_or_else(|| RtpMap::of_static(format))
    }

    /// The parameters of `format`; none when they are not given.
    #[must_use]
    pub fn fmtp(&self, format: &str) -> Fmtp {
        self.fmtp_text(format).map(Fmtp::parse).unwrap_or_default()
    }

    /// The same as text, for formats whose parameters are no pairs.
    #[must_use]
    pub fn fmtp_text(&self, format: &str) -> Option<&str> {
        self.attributes("fmtp").find_map(|value| {
            let (have, text) = value.trim().split_once(' ')?;
            (have == format).then_some(text)
        })
    }

    /// The packet duration that its maker wants to receive (RFC 8866 §6.4).
    #[must_use]
    pub fn packet_time(&self) -> Option<Duration> {
        milliseconds(self.attribute("ptime")?)
    }

    /// The longest packet that its maker can receive (RFC 8866 §6.4).
    #[must_use]
    pub fn max_packet_time(&self) -> Option<Duration> {
        milliseconds(self.attribute("maxptime")?)
    }

    /// Where RTCP is received, if it is said (RFC 3605).
    #[must_use]
    pub fn rtcp(&self) -> Option<RtcpAddress> {
        self.attribute("rtcp")?.parse().ok()
    }

    /// Whether RTCP may share the port of RTP (RFC 5761 §5.1.1), or must (RFC 8858 §3).
    #[must_use]
    pub fn rtcp_mux(&self) -> bool {
        self.attribute("rtcp-mux").or_else(|| self.attribute("rtcp-mux-only")).is_some()
    }
}

fn attributes<'a>(lines: &'a [Line], name: &str) -> impl Iterator<Item = &'a str> {
    lines.iter().filter(|line| line.kind == 'a').filter_map(move |line| {
        let (have, value) = line.value.split_once(':').unwrap_or((&line.value, ""));
        have.eq_ignore_ascii_case(name).then_some(value)
    })
}
