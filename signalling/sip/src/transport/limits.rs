//! How many streams there may be, and how long each may take.

use core::time::Duration;

/// Bounds of [`Connections`](super::Connections), whatever peers do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Streams in all. When there are more, the one that has been idle longest is closed, one that never carried a
    /// message before any other.
    pub total: usize,
    /// Streams that were opened from one address, or from one /64 of IPv6.
    pub per_source: usize,
    /// How long a stream may take to be opened.
    pub connect: Duration,
    /// How long a message may take from its first byte to its last.
    pub message: Duration,
    /// How long a stream that others opened may stay without a message.
    pub first_message: Duration,
    /// How long a stream may be idle.
    pub idle: Duration,
    /// Bytes that may wait for a stream that is being opened.
    pub waiting: usize,
    /// Bytes that all streams may cost. When there are more, the one that has been idle longest of those that never carried
    /// a message is closed; where there is none of these, a stream that others open is not taken.
    pub memory: usize,
}

impl Default for Limits {
    /// 512 streams, 128 from one source, 8 s to open one, 10 s for a message, half a minute for the first message,
    /// half an hour of idleness, 256 KiB waiting, 64 MiB in all.
    fn default() -> Self {
        Self {
            total: 512,
            per_source: 128,
            connect: Duration::from_secs(8),
            message: Duration::from_secs(10),
            first_message: Duration::from_secs(30),
            idle: Duration::from_secs(1_800),
            waiting: 256 * 1_024,
            memory: 64 << 20,
        }
    }
}
