//! What must hold for any bytes, one function for each parser of peers' bytes.
//!
//! The fuzz targets call these with bytes of their own making; a plain test replays `corpus/<target>/*` through them.

pub mod attach;
pub mod demux;
pub mod dhcp;
pub mod diameter;
pub mod digest;
pub mod dns;
pub mod dns_client;
pub mod dns_message;
pub mod dtls;
pub mod framing;
pub mod irmv;
pub mod kea;
pub mod private;
pub mod relay;
pub mod reroute;
pub mod rohc;
pub mod rtcp;
pub mod rtp;
pub mod sctp;
pub mod sdp;
pub mod sip;
pub mod srtp;
pub mod stun;

/// Panics when the bytes break what must hold.
pub type Check = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Check)] = &[
    ("attach", attach::check),
    ("ansi41", private::ansi41),
    ("ansi41_adapter", private::ansi41_adapter),
    ("demux", demux::check),
    ("dhcp4", dhcp::v4),
    ("dhcp6", dhcp::v6),
    ("diameter", diameter::check),
    ("digest", digest::check),
    ("dns_client", dns_client::answer),
    ("dns_message", dns_message::check),
    ("dns_server", dns::server),
    ("dtls", dtls::check),
    ("irmv", irmv::check),
    ("kea", kea::answers),
    ("map", private::map),
    ("map_adapter", private::map_adapter),
    ("relay_token", relay::token),
    ("reroute", reroute::check),
    ("rohc", rohc::check),
    ("rohc_link", rohc::link),
    ("rtcp", rtcp::check),
    ("rtcp_xr", rtcp::extended),
    ("rtp", rtp::check),
    ("sccp", private::sccp),
    ("sctp", sctp::check),
    ("sdp", sdp::check),
    ("sdp_attribute", sdp::attribute),
    ("sip_header", sip::header),
    ("sip_message", sip::message),
    ("sip_multipart", sip::multipart),
    ("sip_stream", framing::check),
    ("sip_uri", sip::uri),
    ("srtp", srtp::check),
    ("stun", stun::check),
    ("tcap", private::tcap),
    ("turn", relay::turn),
    ("turn_channel", relay::channel),
];
