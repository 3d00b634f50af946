//! The sending side of a link.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod context;
mod shape;
mod write;

use rove_base::Instant;

use crate::{
    Cids, Feedback, Mode, RohcError,
    crc::Crc,
    headers::{Fixed, Headers, LONGEST},
};
use context::Flow;

/// What a compressor may do. Whoever makes a link agrees with the other side on [`Config::cids`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Config {
    /// The contexts.
    pub cids: Cids,
    /// How many packets in a row may be lost without harm: 13 unless told otherwise, which is what the smallest header bears; up to
    /// 61, at two more bytes a packet.
    pub loss_run: u8,
    /// After so many packets of a flow, without a way back, its context is told anew: 500 unless told otherwise.
    pub refresh: u32,
    /// Whether the identification of IPv4 packets that may not be fragmented is replaced by one that follows the RTP sequence
    /// number: it has no meaning there (RFC 6864 §4.1), and many systems leave it at zero, which profile 0x0001 can only
    /// tell in two more bytes a packet. Not unless told.
    pub renumber: bool,
    /// Whether UDP checksums over IPv4 are verified here and left out, which is two bytes less a packet. Whatever then happens to
    /// a packet behind this point is seen by the link's own checksum, and by that of SRTP, alone. Not unless told.
    pub drop_checksums: bool,
    /// Whether a flow gets a context with its second packet only, so that what looks like RTP by chance takes none from those that are. Not
    /// unless told.
    pub second_look: bool,
}

impl Default for Config {
    fn default() -> Self {
        let (renumber, drop_checksums, second_look) = (false, false, false);
        Self { cids: Cids::Small(15), loss_run: 13, refresh: 500, renumber, drop_checksums, second_look }
    }
}

/// What a packet became.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Written {
    /// The context.
    pub cid: u16,
    /// Bytes of its headers before; 0 where it goes uncompressed.
    pub before: usize,
    /// Bytes on the link that are not the packet's payload; where it goes uncompressed, those that were added to it.
    pub header: usize,
    /// Whether it goes uncompressed.
    pub uncompressed: bool,
}

/// Turns IP packets into packets of a link. Its memory is bounded by the number of contexts; the flow that was silent for longest gives
/// its context to a new one.
#[derive(Clone, Debug)]
pub struct Compressor {
    config: Config,
    flows: Vec<Flow>,
    /// Where the last packet's flow is: the next is most likely its too.
    recent: usize,
    /// Packets so far, which tells how long a flow was silent.
    packets: u64,
    uncompressed: u32,
    now: Instant,
    /// Flows of which one packet was seen, with its number, and where the next goes.
    strangers: [Option<(Fixed, u16)>; 8],
    next_stranger: usize,
}

impl Compressor {
    /// A compressor that knows of no flow yet.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self {
            config,
            flows: Vec::new(),
            recent: 0,
            packets: 0,
            uncompressed: 0,
            now: Instant::ZERO,
            strangers: [None; 8],
            next_stranger: 0,
        }
    }

    /// Tells that it is `now`. Whoever does so before each packet gets flows whose pauses are no losses to the other side: what comes after a pause
    /// is told with more bits, so that few of them after a silence mean that packets were lost (see [`Decompressor::at`](crate::Decompressor::at)).
    pub const fn at(&mut self, now: Instant) {
        self.now = now;
    }

    /// Flows that have a context.
    #[must_use]
    pub const fn flows(&self) -> usize {
        self.flows.len()
    }

    /// Replaces `out` by what goes over the link instead of an IP packet.
    ///
    /// # Errors
    ///
    /// [`RohcError`] when the bytes cannot be an IP packet.
    pub fn compress(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<Written, RohcError> {
        out.clear();
        if packet.len() > usize::from(u16::MAX).saturating_add(40) {
            return Err(RohcError::TooLong);
        }
        self.packets = self.packets.wrapping_add(1);
        let Some((mut headers, len)) = Headers::parse(packet) else {
            return self.pass(packet, out);
        };
        if self.config.second_look && self.is_strange(&headers) {
            return self.pass(packet, out);
        }
        let (mut head, payload) = packet.split_at_checked(len).unwrap_or_default();
        let mut room = [0; LONGEST];
        if self.simplify(&mut headers) {
            head = headers.write(payload.len(), &mut room).ok_or(RohcError::TooLong)?;
        }
        let index = self.flow(&headers);
        let flow = self.flows.get_mut(index).ok_or(RohcError::Context(0))?;
        flow.used = self.packets;
        flow.pause(self.now);
        let cid = (index & 0xffff) as u16;
        flow.write(self.config, cid, &headers.varying, head, out);
        let header = out.len();
        out.extend_from_slice(payload);
        Ok(Written { cid, before: len, header, uncompressed: false })
    }

    /// Takes what need not be told out of the headers. `false` when they stay as they are.
    fn simplify(&self, headers: &mut Headers) -> bool {
        let Config { renumber, drop_checksums, .. } = self.config;
        let varying = &mut headers.varying;
        if !headers.fixed.is_v4() {
            return false;
        }
        let (renumber, drop) = (renumber && varying.df, drop_checksums && varying.udp_checksum != 0);
        if renumber {
            varying.ip_id = varying.sn;
        }
        if drop {
            varying.udp_checksum = 0;
        }
        renumber || drop
    }

    /// Takes what [`split_feedback`](crate::split_feedback) found in front of a packet of the other direction.
    ///
    /// # Errors
    ///
    /// [`RohcError`] when it is not feedback of this link; nothing has changed then.
    pub fn on_feedback(&mut self, data: &[u8]) -> Result<Feedback, RohcError> {
        let feedback = Feedback::parse(self.config.cids, data)?;
        if feedback.cid == self.config.cids.highest() {
            if feedback.acknowledgement != crate::Acknowledgement::Ack {
                self.uncompressed = 0;
            }
        } else if let Some(flow) = self.flows.get_mut(usize::from(feedback.cid)) {
            flow.on_feedback(&feedback, self.config);
        }
        Ok(feedback)
    }

    /// How the flow of a context works together with the other side; `None` for a context without one.
    #[must_use]
    pub fn mode(&self, cid: u16) -> Option<Mode> {
        self.flows.get(usize::from(cid)).map(|flow| flow.mode)
    }

    /// Whether no packet before looked like one of the same flow.
    fn is_strange(&mut self, headers: &Headers) -> bool {
        let Headers { fixed, varying } = headers;
        if self.flows.get(self.recent).is_some_and(|flow| flow.fixed == *fixed)
            || self.flows.iter().any(|flow| flow.fixed == *fixed)
        {
            return false;
        }
        let near = |sn: u16| (1..=NEAR).contains(&varying.sn.wrapping_sub(sn));
        let seen = self.strangers.iter_mut().find(|seen| seen.is_some_and(|(known, _)| known == *fixed));
        match seen {
            Some(seen) if seen.is_some_and(|(_, sn)| near(sn)) => {
                *seen = None;
                false
            }
            Some(seen) => {
                *seen = Some((*fixed, varying.sn));
                true
            }
            None => {
                if let Some(place) = self.strangers.get_mut(self.next_stranger) {
                    *place = Some((*fixed, varying.sn));
                }
                self.next_stranger = self.next_stranger.saturating_add(1) & 7;
                true
            }
        }
    }

    /// The place of these headers' flow, which may be a new one.
    fn flow(&mut self, headers: &Headers) -> usize {
        let is_its = |flow: &Flow| flow.fixed == headers.fixed;
        if self.flows.get(self.recent).is_some_and(is_its) {
            return self.recent;
        }
        let index = self.flows.iter().position(is_its).unwrap_or_else(|| {
            let flow = Flow::new(headers, self.config);
            if self.flows.len() < usize::from(self.config.cids.highest()) {
                self.flows.push(flow);
                return self.flows.len().saturating_sub(1);
            }
            let oldest = self.flows.iter_mut().enumerate().min_by_key(|(_, flow)| flow.used);
            oldest.map_or(0, |(index, place)| {
                *place = flow;
                index
            })
        });
        self.recent = index;
        index
    }

    /// Profile 0x0000 (§5.10): at first with its profile, and again now and then; else as it is, with a context identifier.
    fn pass(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<Written, RohcError> {
        let cid = self.config.cids.highest();
        let written = |header| Written { cid, before: 0, header, uncompressed: true };
        let (first, rest) = packet.split_first().ok_or(RohcError::Truncated("IP packet"))?;
        let known = u32::from(self.config.loss_run) < self.uncompressed;
        self.uncompressed = self.uncompressed.saturating_add(1);
        if self.uncompressed > self.config.refresh.max(u32::from(self.config.loss_run)) {
            self.uncompressed = self.config.loss_run.into();
        }
        if known && *first < 0xe0 {
            self.config.cids.begin(cid, *first, out);
            let added = out.len().saturating_sub(1);
            out.extend_from_slice(rest);
            return Ok(written(added));
        }
        self.config.cids.begin(cid, 0xfc, out);
        out.push(0);
        out.push(Crc::Eight.of(out));
        let added = out.len();
        out.extend_from_slice(packet);
        Ok(written(added))
    }
}

/// How far a flow's second packet may be from its first.
const NEAR: u16 = 100;
