//! The headers of an IP/UDP/RTP packet: read, and written byte by byte as they were.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{bits::Reader, list::Csrcs};

pub(crate) const UDP: u8 = 17;

/// The ends of a flow, as its network layer has them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ends {
    V4 { source: [u8; 4], destination: [u8; 4] },
    V6 { flow_label: u32, source: [u8; 16], destination: [u8; 16] },
}

/// What never changes in a flow: the static chain, and what tells flows apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fixed {
    pub(crate) ends: Ends,
    pub(crate) ports: [u16; 2],
    pub(crate) ssrc: u32,
}

impl Fixed {
    pub(crate) const fn is_v4(&self) -> bool {
        matches!(self.ends, Ends::V4 { .. })
    }

    /// Bytes of the IP header.
    pub(crate) const fn ip_len(&self) -> usize {
        if self.is_v4() { 20 } else { 40 }
    }
}

/// What changes: the dynamic chain.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Varying {
    /// Type of service, or traffic class.
    pub(crate) tos: u8,
    /// Time to live, or hop limit.
    pub(crate) ttl: u8,
    pub(crate) df: bool,
    pub(crate) ip_id: u16,
    pub(crate) udp_checksum: u16,
    pub(crate) padding: bool,
    pub(crate) extension: bool,
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sn: u16,
    pub(crate) ts: u32,
    pub(crate) csrcs: Csrcs,
}

/// All headers of one packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Headers {
    pub(crate) fixed: Fixed,
    pub(crate) varying: Varying,
}

impl Headers {
    /// The headers, and the length that they have. `None` for whatever cannot be given back byte by byte from them: other
    /// protocols, options, fragments, lengths or checksums that do not fit, RTCP.
    pub(crate) fn parse(packet: &[u8]) -> Option<(Self, usize)> {
        let (headers, payload) = Self::fields(packet)?;
        let len = packet.len().checked_sub(payload.len())?;
        let mut again = [0; LONGEST];
        let again = headers.write(payload.len(), &mut again)?;
        let same = packet.get(..len)? == again;
        let sound = headers.varying.udp_checksum == 0 || udp_checksum_holds(headers.fixed.ip_len(), packet);
        (same && sound).then_some((headers, len))
    }

    fn fields(packet: &[u8]) -> Option<(Self, &[u8])> {
        let mut reader = Reader::new(packet, "packet");
        let mut varying = Varying::default();
        let ends = match reader.peek()? >> 4 {
            4 => v4(&mut reader, &mut varying)?,
            6 => v6(&mut reader, &mut varying)?,
            _ => return None,
        };
        let ports = [reader.u16().ok()?, reader.u16().ok()?];
        reader.u16().ok()?;
        varying.udp_checksum = reader.u16().ok()?;
        let [first, second] = reader.array().ok()?;
        let payload_type = second & 0x7f;
        if first >> 6 != 2 || RTCP.contains(&payload_type) {
            return None;
        }
        varying.padding = first & 0x20 != 0;
        varying.extension = first & 0x10 != 0;
        varying.marker = second & 0x80 != 0;
        varying.payload_type = payload_type;
        varying.sn = reader.u16().ok()?;
        varying.ts = reader.u32().ok()?;
        let ssrc = reader.u32().ok()?;
        varying.csrcs = Csrcs::read(&mut reader, first & 0x0f).ok()?;
        Some((Self { fixed: Fixed { ends, ports, ssrc }, varying }, reader.rest()))
    }

    /// The headers as they stand in front of a payload of `payload` bytes; `None` when that is longer than IP can say.
    pub(crate) fn write<'a>(&self, payload: usize, out: &'a mut [u8; LONGEST]) -> Option<&'a [u8]> {
        let Self { fixed, varying } = self;
        let rtp = usize::from(varying.csrcs.count()).saturating_mul(4).saturating_add(12);
        let udp = u16::try_from(payload.checked_add(rtp)?.checked_add(8)?).ok()?;
        let mut room = Room { bytes: out, used: 0 };
        match fixed.ends {
            Ends::V4 { source, destination } => {
                room.put(&[0x45, varying.tos]);
                room.put(&udp.checked_add(20)?.to_be_bytes());
                room.put(&varying.ip_id.to_be_bytes());
                room.put(&[if varying.df { 0x40 } else { 0 }, 0, varying.ttl, UDP, 0, 0]);
                room.put(&source);
                room.put(&destination);
                let sum = !fold(sum(room.bytes.get(..20)?));
                room.bytes.get_mut(10..12)?.copy_from_slice(&sum.to_be_bytes());
            }
            Ends::V6 { flow_label, source, destination } => {
                let first = 6 << 28 | u32::from(varying.tos) << 20 | flow_label & 0x000f_ffff;
                room.put(&first.to_be_bytes());
                room.put(&udp.to_be_bytes());
                room.put(&[UDP, varying.ttl]);
                room.put(&source);
                room.put(&destination);
            }
        }
        for number in [fixed.ports[0], fixed.ports[1], udp, varying.udp_checksum] {
            room.put(&number.to_be_bytes());
        }
        let flags = u8::from(varying.padding) << 5 | u8::from(varying.extension) << 4;
        room.put(&[0x80 | flags | varying.csrcs.count()]);
        room.put(&[u8::from(varying.marker) << 7 | varying.payload_type]);
        room.put(&varying.sn.to_be_bytes());
        room.put(&varying.ts.to_be_bytes());
        room.put(&fixed.ssrc.to_be_bytes());
        for source in varying.csrcs.iter() {
            room.put(&source.to_be_bytes());
        }
        let used = room.used;
        out.get(..used)
    }
}

/// Whether the UDP checksum of an IP packet holds, whose IP header has `ip_len` bytes.
pub(crate) fn udp_checksum_holds(ip_len: usize, packet: &[u8]) -> bool {
    let addresses = if ip_len == 20 { packet.get(12..20) } else { packet.get(8..40) };
    let (Some(addresses), Some(udp)) = (addresses, packet.get(ip_len..)) else { return false };
    let pseudo = u64::from(UDP).saturating_add(udp.len() as u64);
    fold(sum(addresses).saturating_add(sum(udp)).saturating_add(pseudo)) == 0xffff
}

/// The sum that the internet's checksums are folded from.
fn sum(bytes: &[u8]) -> u64 {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let pairs = pairs.iter().map(|pair| u64::from(u16::from_be_bytes(*pair))).sum::<u64>();
    pairs.saturating_add(odd.first().map_or(0, |byte| u64::from(*byte) << 8))
}

const fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff).saturating_add(sum >> 16);
    }
    sum as u16
}

fn v4(reader: &mut Reader<'_>, varying: &mut Varying) -> Option<Ends> {
    let [0x45, tos] = reader.array().ok()? else { return None };
    reader.u16().ok()?;
    varying.tos = tos;
    varying.ip_id = reader.u16().ok()?;
    let [flags, 0, ttl, UDP] = reader.array().ok()? else { return None };
    varying.df = flags & 0x40 != 0;
    varying.ttl = ttl;
    reader.u16().ok()?;
    Some(Ends::V4 { source: reader.array().ok()?, destination: reader.array().ok()? })
}

fn v6(reader: &mut Reader<'_>, varying: &mut Varying) -> Option<Ends> {
    let first = reader.u32().ok()?;
    reader.u16().ok()?;
    let [UDP, ttl] = reader.array().ok()? else { return None };
    varying.tos = (first >> 20 & 0xff) as u8;
    varying.ttl = ttl;
    let (source, destination) = (reader.array().ok()?, reader.array().ok()?);
    Some(Ends::V6 { flow_label: first & 0x000f_ffff, source, destination })
}

/// A buffer that is filled from its front; what does not fit is left out, and nothing here is that long.
struct Room<'a> {
    bytes: &'a mut [u8; LONGEST],
    used: usize,
}

impl Room<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let end = self.used.saturating_add(bytes.len());
        if let Some(room) = self.bytes.get_mut(self.used..end) {
            room.copy_from_slice(bytes);
            self.used = end;
        }
    }
}

/// IPv6, UDP, RTP and fifteen sources.
pub(crate) const LONGEST: usize = 40 + 8 + 12 + 60;
/// Where the second byte of RTCP lies in that of RTP (RFC 5761 §4).
const RTCP: core::ops::RangeInclusive<u8> = 64..=95;
