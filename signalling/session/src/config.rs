//! What a switchboard is told once.

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{CodecId, Transport};
use rove_sdp::MediaSecurity;
use rove_sip::{
    message::NameAddr,
    transport::{Limits, LocalAddress},
};

use crate::Disclosure;

/// How this phone presents itself and what it can do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who we say we are, in From and Contact.
    pub identity: NameAddr,
    /// Nobody that is called is to learn who we are (RFC 3323): nothing that we say names us, the program included.
    pub anonymous: bool,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Addresses our SIP listens on for datagrams.
    pub sip: Vec<SocketAddr>,
    /// Addresses our SIP listens on for streams.
    pub sip_streams: Vec<LocalAddress>,
    /// How many streams there may be.
    pub streams: Limits,
    /// Addresses our DNS queries leave from, one per family.
    pub dns: Vec<SocketAddr>,
    /// Name servers to ask, best first.
    pub dns_servers: Vec<SocketAddr>,
    /// Those are servers of the root: delegations are followed from there.
    pub dns_walk: bool,
    /// Codecs in order of preference.
    pub codecs: Vec<CodecId>,
    /// Duration of one media packet.
    pub packet_time: Duration,
    /// Whether media have to be protected.
    pub media_security: MediaSecurity,
    /// Who tells a call's media how the world sees them (RFC 8489). `None`: nobody is asked.
    pub stun_server: Option<SocketAddr>,
    /// How long a call may ring before we give up, as caller and as callee.
    pub ring_for: Duration,
    /// Our canonical name in RTCP (RFC 7022).
    pub cname: String,
    /// Whether we call whom the other side of a call hands us over to (RFC 3515).
    pub follow_transfers: bool,
    /// More calls than this at once are answered 486.
    pub most_calls: usize,
    /// What others may know of us.
    pub disclosure: Disclosure,
    /// More subscriptions of others than this at once are refused.
    pub most_watchers: usize,
    /// More requests of one address than this in a second are refused; 0 for any number.
    pub most_requests: u32,
    /// More calls of one address than this that wait for an answer are refused.
    pub most_ringing: usize,
}

impl Config {
    /// Who calls or asks as `known`, as the other side is told.
    pub(crate) fn shown(&self, known: &NameAddr) -> NameAddr {
        let nobody = ANONYMOUS.parse().ok().filter(|_| self.anonymous);
        nobody.unwrap_or_else(|| known.clone())
    }

    /// What a message over `transport` names as its sender, when datagrams would name `signalling`: where we listen for
    /// that transport at the same address, else the same.
    pub(crate) fn local(&self, transport: Transport, signalling: SocketAddr) -> SocketAddr {
        let same_family = |one: &&LocalAddress| one.address.is_ipv4() == signalling.is_ipv4();
        let listens = self.sip_streams.iter().filter(same_family).find(|one| one.transport == transport);
        SocketAddr::new(signalling.ip(), listens.map_or(signalling.port(), |one| one.address.port()))
    }

    /// Everywhere others reach us.
    pub(crate) fn reached_at(&self) -> Vec<LocalAddress> {
        self.sip.iter().copied().map(LocalAddress::udp).chain(self.sip_streams.iter().copied()).collect()
    }

    pub(crate) fn codec_names(&self) -> String {
        self.codecs.iter().map(|codec| codec.encoding_name()).collect::<Vec<_>>().join(", ")
    }
}

/// Who wants to be nobody (RFC 3323 §4.1.1.3).
const ANONYMOUS: &str = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
