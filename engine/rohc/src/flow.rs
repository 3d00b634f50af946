//! Headers for RTP that never was in an IP packet on this side, and the way back.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::SocketAddr;

use crate::{
    RohcError,
    bits::Reader,
    headers::{Ends, Fixed, Headers, LONGEST, UDP, Varying},
    list::Csrcs,
};

/// The two ends of a flow between programs that hand RTP to a link themselves.
///
/// Its headers are such that a compressor never has to say anything about them: the identification follows the sequence
/// number, and there is no UDP checksum. With IPv6 as well, which is fine on a link whose frames are protected, and for such packets only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RtpFlow {
    ends: Ends,
    ports: [u16; 2],
}

impl RtpFlow {
    /// A flow between two addresses. `None` when one is of IPv4 and the other of IPv6.
    #[must_use]
    pub const fn new(source: SocketAddr, destination: SocketAddr) -> Option<Self> {
        let ends = match (source, destination) {
            (SocketAddr::V4(source), SocketAddr::V4(destination)) => {
                Ends::V4 { source: source.ip().octets(), destination: destination.ip().octets() }
            }
            (SocketAddr::V6(source), SocketAddr::V6(destination)) => Ends::V6 {
                flow_label: 0,
                source: source.ip().octets(),
                destination: destination.ip().octets(),
            },
            _ => return None,
        };
        Some(Self { ends, ports: [source.port(), destination.port()] })
    }

    /// Replaces `out` by an IP packet with this RTP packet in it, for [`Compressor::compress`](crate::Compressor::compress).
    ///
    /// # Errors
    ///
    /// [`RohcError`] when the bytes are no RTP packet, or too many for IP.
    pub fn packet(&self, rtp: &[u8], out: &mut Vec<u8>) -> Result<(), RohcError> {
        let mut reader = Reader::new(rtp, "RTP packet");
        let [first, second] = reader.array()?;
        if first >> 6 != 2 {
            return Err(RohcError::Invalid("RTP version"));
        }
        let sn = reader.u16()?;
        let varying = Varying {
            ttl: 64,
            df: true,
            ip_id: sn,
            padding: first & 0x20 != 0,
            extension: first & 0x10 != 0,
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sn,
            ts: reader.u32()?,
            ..Varying::default()
        };
        let fixed = Fixed { ends: self.ends, ports: self.ports, ssrc: reader.u32()? };
        let csrcs = Csrcs::read(&mut reader, first & 0x0f)?;
        let headers = Headers { fixed, varying: Varying { csrcs, ..varying } };
        let mut room = [0; LONGEST];
        out.clear();
        out.extend_from_slice(headers.write(reader.rest().len(), &mut room).ok_or(RohcError::TooLong)?);
        out.extend_from_slice(reader.rest());
        Ok(())
    }
}

/// The RTP packet inside of an IP packet that a [`Decompressor`](crate::Decompressor) gave back; `None` when it is no UDP over IP without options.
#[must_use]
pub fn rtp_of(packet: &[u8]) -> Option<&[u8]> {
    let (protocol, header) = match packet.first()? {
        0x45 => (packet.get(9)?, 20_usize),
        first if first >> 4 == 6 => (packet.get(6)?, 40),
        _ => return None,
    };
    if *protocol == UDP { packet.get(header.checked_add(8)?..) } else { None }
}
