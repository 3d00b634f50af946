//! The voice core, sans I/O: RTP, RTCP, jitter buffer, playout, quality.

pub mod capture;
pub mod codec;
pub mod demux;
pub mod jitter;
pub mod mix;
pub mod path;
pub mod playout;
pub mod quality;
pub mod reroute;
pub mod rtcp;
pub mod rtp;
pub mod send;
pub mod srtp;
pub mod stream;
