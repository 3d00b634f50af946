//! What a switchboard is told once.

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::CodecId;
use rove_sdp::MediaSecurity;
use rove_sip::message::NameAddr;

/// How this phone presents itself and what it can do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who we say we are, in From and Contact.
    pub identity: NameAddr,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Addresses our SIP listens on.
    pub sip: Vec<SocketAddr>,
    /// Addresses our DNS queries leave from, one per family.
    pub dns: Vec<SocketAddr>,
    /// Name servers to ask, best first.
    pub dns_servers: Vec<SocketAddr>,
    /// Codecs in order of preference.
    pub codecs: Vec<CodecId>,
    /// Duration of one media packet.
    pub packet_time: Duration,
    /// Whether media have to be protected.
    pub media_security: MediaSecurity,
    /// How long a call may ring before we give up, as caller and as callee.
    pub ring_for: Duration,
    /// Our canonical name in RTCP (RFC 7022).
    pub cname: String,
    /// Whether we call whom the other side of a call hands us over to (RFC 3515).
    pub follow_transfers: bool,
    /// More calls than this at once are answered 486.
    pub most_calls: usize,
}

impl Config {
    pub(crate) fn codec_names(&self) -> String {
        self.codecs.iter().map(|codec| codec.encoding_name()).collect::<Vec<_>>().join(", ")
    }
}
