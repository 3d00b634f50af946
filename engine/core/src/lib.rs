//! The voice core, sans I/O: RTP, RTCP, jitter buffer, playout, quality.

pub mod rtp;
