//! Blocks of fixed length: sums of a stretch (RFC 3611 §4.6), and how a call sounds (§4.7).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{SeqNumber, Ssrc};

/// Sums over the packets from `begin` up to but without `end`. What was not counted is `None`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct StatisticsSummary {
    /// Whose packets.
    pub ssrc: Ssrc,
    /// The first packet.
    pub begin: SeqNumber,
    /// One past the last.
    pub end: SeqNumber,
    /// Packets lost.
    pub lost: Option<u32>,
    /// Packets that came more than once.
    pub duplicates: Option<u32>,
    /// Relative transit time between two packets in ticks of the media clock: least, most, mean, standard deviation.
    pub jitter: Option<[u32; 4]>,
    /// Time to live of IPv4 or hop limit of IPv6: least, most, mean, standard deviation.
    pub ttl: Option<Ttl>,
}

/// Time to live, by the version of IP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ttl {
    /// Of IPv4.
    V4([u8; 4]),
    /// Hop limits of IPv6.
    V6([u8; 4]),
}

impl StatisticsSummary {
    const BYTES: usize = 36;

    pub(super) fn read(specific: u8, body: &[u8]) -> Option<Self> {
        let body = <&[u8; Self::BYTES]>::try_from(body).ok()?;
        let [s0, s1, s2, s3, b0, b1, e0, e1, rest @ ..] = *body;
        let (words, ttl) = rest.split_last_chunk::<4>()?;
        let mut words = words.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word));
        let (lost, duplicates) = (words.next()?, words.next()?);
        let jitter = [words.next()?, words.next()?, words.next()?, words.next()?];
        Some(Self {
            ssrc: Ssrc(u32::from_be_bytes([s0, s1, s2, s3])),
            begin: SeqNumber(u16::from_be_bytes([b0, b1])),
            end: SeqNumber(u16::from_be_bytes([e0, e1])),
            lost: (specific & LOSS != 0).then_some(lost),
            duplicates: (specific & DUPLICATES != 0).then_some(duplicates),
            jitter: (specific & JITTER != 0).then_some(jitter),
            ttl: match (specific >> TTL_SHIFT) & 3 {
                1 => Some(Ttl::V4(*ttl)),
                2 => Some(Ttl::V6(*ttl)),
                _ => None,
            },
        })
    }

    /// The byte that says what is there, and the block's body.
    pub(super) fn write(&self) -> (u8, [[u8; 4]; Self::BYTES / 4]) {
        let flag = |there: bool, flag: u8| if there { flag } else { 0 };
        let (to, ttl) = match self.ttl {
            None => (0, [0; 4]),
            Some(Ttl::V4(ttl)) => (1, ttl),
            Some(Ttl::V6(ttl)) => (2, ttl),
        };
        let specific = flag(self.lost.is_some(), LOSS)
            | flag(self.duplicates.is_some(), DUPLICATES)
            | flag(self.jitter.is_some(), JITTER)
            | to << TTL_SHIFT;
        let [least, most, mean, deviation] = self.jitter.unwrap_or_default().map(u32::to_be_bytes);
        let body = [
            self.ssrc.0.to_be_bytes(),
            range(self.begin, self.end),
            self.lost.unwrap_or(0).to_be_bytes(),
            self.duplicates.unwrap_or(0).to_be_bytes(),
            least,
            most,
            mean,
            deviation,
            ttl,
        ];
        (specific, body)
    }
}

/// How a received call sounds. Rates and densities are in units of 1/256.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct VoipMetrics {
    /// Whose packets.
    pub ssrc: Ssrc,
    /// Share of packets lost since the start (§4.7.1).
    pub loss_rate: u8,
    /// Share of packets that came but could not be played, mostly for being late (§4.7.1).
    pub discard_rate: u8,
    /// Share of packets lost or discarded within bursts (§4.7.2).
    pub burst_density: u8,
    /// The same within the gaps between them (§4.7.2).
    pub gap_density: u8,
    /// Mean duration of bursts, in milliseconds (§4.7.2).
    pub burst_duration: u16,
    /// Mean duration of gaps, in milliseconds (§4.7.2).
    pub gap_duration: u16,
    /// Round-trip time as last measured, in milliseconds; zero when it was not (§4.7.3).
    pub round_trip: u16,
    /// What the receiving end adds in both directions, in milliseconds (§4.7.3).
    pub end_system_delay: u16,
    /// Level of speech in dBm0 (§4.7.4).
    pub signal_level: Option<i8>,
    /// Level of the background in dBm0 (§4.7.4).
    pub noise_level: Option<i8>,
    /// Residual echo return loss in dB (§4.7.4).
    pub echo_return_loss: Option<u8>,
    /// Packets received in a row that end a burst (§4.7.2).
    pub gmin: u8,
    /// Transmission rating R of this call, 0 to 100 (§4.7.5).
    pub rating: Option<u8>,
    /// The same of a network beyond this call (§4.7.5).
    pub external_rating: Option<u8>,
    /// Listening quality, ten times the score of 1 to 5 (§4.7.5).
    pub mos_lq: Option<u8>,
    /// Conversational quality, ten times the score of 1 to 5 (§4.7.5).
    pub mos_cq: Option<u8>,
    /// How losses are concealed and delay adapted; see the constants here (§4.7.6).
    pub receiver: u8,
    /// What packets that come on time wait in the jitter buffer now, in milliseconds (§4.7.7).
    pub buffer_nominal: u16,
    /// What the earliest packet that is not dropped for it waits now, in milliseconds (§4.7.7).
    pub buffer_maximum: u16,
    /// What the wait can grow to in the worst case, in milliseconds (§4.7.7).
    pub buffer_limit: u16,
}

impl VoipMetrics {
    /// Losses are filled with a plausible continuation (§4.7.6, "enhanced").
    pub const CONCEALED_WELL: u8 = 2 << 6;
    /// The jitter buffer adapts (§4.7.6).
    pub const ADAPTIVE: u8 = 3 << 4;
    /// The jitter buffer has a fixed delay (§4.7.6).
    pub const FIXED: u8 = 2 << 4;
    const BYTES: usize = 32;

    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let body = <&[u8; Self::BYTES]>::try_from(body).ok()?;
        let [s0, s1, s2, s3, loss_rate, discard_rate, burst_density, gap_density, rest @ ..] = *body;
        let [b0, b1, g0, g1, r0, r1, e0, e1, signal, noise, echo, gmin, rest @ ..] = rest;
        let [rating, external, mos_lq, mos_cq, receiver, _, n0, n1, m0, m1, l0, l1] = rest;
        Some(Self {
            ssrc: Ssrc(u32::from_be_bytes([s0, s1, s2, s3])),
            loss_rate,
            discard_rate,
            burst_density,
            gap_density,
            burst_duration: u16::from_be_bytes([b0, b1]),
            gap_duration: u16::from_be_bytes([g0, g1]),
            round_trip: u16::from_be_bytes([r0, r1]),
            end_system_delay: u16::from_be_bytes([e0, e1]),
            signal_level: available(signal).map(u8::cast_signed),
            noise_level: available(noise).map(u8::cast_signed),
            echo_return_loss: available(echo),
            gmin,
            rating: available(rating),
            external_rating: available(external),
            mos_lq: available(mos_lq),
            mos_cq: available(mos_cq),
            receiver,
            buffer_nominal: u16::from_be_bytes([n0, n1]),
            buffer_maximum: u16::from_be_bytes([m0, m1]),
            buffer_limit: u16::from_be_bytes([l0, l1]),
        })
    }

    pub(super) fn write(&self) -> [[u8; 4]; Self::BYTES / 4] {
        let or_unavailable = |value: Option<u8>| value.unwrap_or(UNAVAILABLE);
        let level = |value: Option<i8>| or_unavailable(value.map(i8::cast_unsigned));
        [
            self.ssrc.0.to_be_bytes(),
            [self.loss_rate, self.discard_rate, self.burst_density, self.gap_density],
            pair(self.burst_duration, self.gap_duration),
            pair(self.round_trip, self.end_system_delay),
            [
                level(self.signal_level),
                level(self.noise_level),
                or_unavailable(self.echo_return_loss),
                self.gmin,
            ],
            [self.rating, self.external_rating, self.mos_lq, self.mos_cq].map(or_unavailable),
            {
                let [high, low] = self.buffer_nominal.to_be_bytes();
                [self.receiver, 0, high, low]
            },
            pair(self.buffer_maximum, self.buffer_limit),
        ]
    }
}

pub(super) fn range(begin: SeqNumber, end: SeqNumber) -> [u8; 4] {
    pair(begin.0, end.0)
}

const fn pair(first: u16, second: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (first.to_be_bytes(), second.to_be_bytes());
    [a, b, c, d]
}

fn available(value: u8) -> Option<u8> {
    (value != UNAVAILABLE).then_some(value)
}

/// What stands for a value that was not measured (RFC 3611 §4.7.4, §4.7.5).
const UNAVAILABLE: u8 = 127;
const LOSS: u8 = 0x80;
const DUPLICATES: u8 = 0x40;
const JITTER: u8 = 0x20;
const TTL_SHIFT: u8 = 3;
