//! What must hold for any bytes, one function for each parser of peers' bytes.
//!
//! The fuzz targets call these with bytes of their own making; a plain test replays `corpus/<target>/*` through them.

pub mod demux;
pub mod dns;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod sip;
pub mod srtp;

/// Panics when the bytes break what must hold.
pub type Check = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Check)] = &[
    ("demux", demux::check),
    ("dns_server", dns::server),
    ("rtcp", rtcp::check),
    ("rtcp_xr", rtcp::extended),
    ("rtp", rtp::check),
    ("sdp", sdp::check),
    ("sdp_attribute", sdp::attribute),
    ("sip_message", sip::message),
    ("sip_uri", sip::uri),
    ("srtp", srtp::check),
];
