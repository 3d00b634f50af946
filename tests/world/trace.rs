//! What happened, in order: a hash of all of it, and lines of text for people.

use core::fmt::{self, Write};
use std::net::IpAddr;

use rove_base::{Dscp, Instant, UdpFlow};

/// The record of a world. Two runs from one seed give the same hash.
#[derive(Debug, Default)]
pub struct Trace {
    hash: u64,
    events: u64,
    lines: Vec<String>,
    packets: bool,
}

impl Trace {
    /// A number that depends on every event so far: what, when, who, and each byte sent. Not cryptographic.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// Number of events so far.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The lines: what hosts noted and what became of streams; with [`Trace::keep_packets`] every datagram too.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether each datagram becomes a line. Off at first: an hour of calls has millions.
    pub const fn keep_packets(&mut self, keep: bool) {
        self.packets = keep;
    }

    /// Records a line.
    pub(crate) fn note(&mut self, at: Instant, who: &str, what: fmt::Arguments<'_>) {
        let mut line = String::new();
        let _ = write!(line, "{at:?} {who} {what}");
        self.events += 1;
        self.mix_bytes(line.as_bytes());
        self.lines.push(line);
    }

    /// Records that a datagram was sent or arrived, `what` says which.
    pub(crate) fn packet(
        &mut self,
        at: Instant,
        what: &'static str,
        flow: &UdpFlow,
        dscp: Dscp,
        bytes: &[u8],
    ) {
        self.events += 1;
        self.mix(at.as_nanos());
        self.mix(bits(flow.local.ip()));
        self.mix(bits(flow.remote.ip()));
        let ports = u64::from(flow.local.port()) << 16 | u64::from(flow.remote.port());
        self.mix(ports << 8 | u64::from(dscp.traffic_class()));
        self.mix_bytes(what.as_bytes());
        self.mix_bytes(bytes);
        if self.packets {
            let UdpFlow { local, remote } = flow;
            self.lines.push(format!("{at:?} {what} {local} -> {remote} {} bytes", bytes.len()));
        }
    }

    fn mix_bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.mix(u64::from_le_bytes(last) ^ (bytes.len() as u64).rotate_left(32));
    }

    /// Folds a product of 128 bits, so that every bit of both factors counts.
    const fn mix(&mut self, word: u64) {
        let product = (self.hash ^ word ^ 0x9e37_79b9_7f4a_7c15) as u128 * 0xd6e8_feb8_6659_fd93;
        self.hash = (product as u64) ^ ((product >> 64) as u64);
    }
}

fn bits(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(ip) => (ip.to_bits() as u64) ^ ((ip.to_bits() >> 64) as u64).rotate_left(31),
    }
}
