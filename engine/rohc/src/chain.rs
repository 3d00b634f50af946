//! The two chains of a packet that initializes a context: what never changes, and what does (§5.7.7).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{
    RohcError,
    bits::{Reader, width, write_sdvl},
    feedback::Mode,
    headers::{Ends, Fixed, UDP, Varying},
    list::Csrcs,
};

/// How a flow's IP identification behaves, and how far apart its timestamps are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Behaviour {
    /// The identification follows nothing: it is sent as it is.
    pub(crate) rnd: bool,
    /// It counts in network byte order.
    pub(crate) nbo: bool,
    /// TS_STRIDE; never 0. 1 is no scaling.
    pub(crate) stride: u32,
    /// Whether packets carry a UDP checksum.
    pub(crate) checksum: bool,
}

impl Behaviour {
    /// The identification less the sequence number (§4.5.5).
    pub(crate) const fn offset(&self, ip_id: u16, sn: u16) -> u16 {
        self.counted(ip_id).wrapping_sub(sn)
    }

    /// The identification as a number that counts, and back.
    pub(crate) const fn counted(&self, ip_id: u16) -> u16 {
        if self.nbo { ip_id } else { ip_id.swap_bytes() }
    }
}

pub(crate) fn write_static(fixed: &Fixed, out: &mut Vec<u8>) {
    match fixed.ends {
        Ends::V4 { source, destination } => {
            out.extend_from_slice(&[0x40, UDP]);
            out.extend_from_slice(&source);
            out.extend_from_slice(&destination);
        }
        Ends::V6 { flow_label, source, destination } => {
            let [_, high, middle, low] = flow_label.to_be_bytes();
            out.extend_from_slice(&[0x60 | high & 0x0f, middle, low, UDP]);
            out.extend_from_slice(&source);
            out.extend_from_slice(&destination);
        }
    }
    for port in fixed.ports {
        out.extend_from_slice(&port.to_be_bytes());
    }
    out.extend_from_slice(&fixed.ssrc.to_be_bytes());
}

pub(crate) fn read_static(reader: &mut Reader<'_>) -> Result<Fixed, RohcError> {
    let first = reader.u8()?;
    let (flow_label, protocol) = match first >> 4 {
        4 => (None, reader.u8()?),
        6 => {
            let [middle, low, protocol] = reader.array()?;
            (Some(u32::from_be_bytes([0, first & 0x0f, middle, low])), protocol)
        }
        _ => return Err(RohcError::Invalid("IP version")),
    };
    if protocol != UDP {
        return Err(RohcError::Unsupported("a chain of headers other than IP, UDP and RTP"));
    }
    let ends = match flow_label {
        None => Ends::V4 { source: reader.array()?, destination: reader.array()? },
        Some(flow_label) => Ends::V6 { flow_label, source: reader.array()?, destination: reader.array()? },
    };
    Ok(Fixed { ends, ports: [reader.u16()?, reader.u16()?], ssrc: reader.u32()? })
}

pub(crate) fn write_dynamic(
    v4: bool,
    varying: &Varying,
    behaviour: Behaviour,
    mode: Mode,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(&[varying.tos, varying.ttl]);
    if v4 {
        out.extend_from_slice(&varying.ip_id.to_be_bytes());
        let flags = u8::from(varying.df) << 7 | u8::from(behaviour.rnd) << 6 | u8::from(behaviour.nbo) << 5;
        out.push(flags);
    }
    // No extension headers.
    out.push(0);
    out.extend_from_slice(&varying.udp_checksum.to_be_bytes());
    // RX: the byte with the extension bit, the mode and the stride follows.
    out.push(0x90 | u8::from(varying.padding) << 5 | varying.csrcs.count());
    out.push(u8::from(varying.marker) << 7 | varying.payload_type);
    out.extend_from_slice(&varying.sn.to_be_bytes());
    out.extend_from_slice(&varying.ts.to_be_bytes());
    varying.csrcs.write_list(out);
    out.push(u8::from(varying.extension) << 4 | mode.number() << 2 | 1);
    write_sdvl(behaviour.stride, width(behaviour.stride), out);
}

/// What a dynamic chain says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dynamic {
    pub(crate) varying: Varying,
    pub(crate) rnd: bool,
    pub(crate) nbo: bool,
    /// `None`: as before.
    pub(crate) stride: Option<u32>,
}

pub(crate) fn read_dynamic(v4: bool, reader: &mut Reader<'_>) -> Result<Dynamic, RohcError> {
    let [tos, ttl] = reader.array()?;
    let mut varying = Varying { tos, ttl, ..Varying::default() };
    let (mut rnd, mut nbo) = (false, true);
    if v4 {
        varying.ip_id = reader.u16()?;
        let flags = reader.u8()?;
        varying.df = flags & 0x80 != 0;
        rnd = flags & 0x40 != 0;
        nbo = flags & 0x20 != 0;
    }
    if Csrcs::read_list(reader)?.count() != 0 {
        return Err(RohcError::Unsupported("a list of IP extension headers"));
    }
    varying.udp_checksum = reader.u16()?;
    let [first, second] = reader.array()?;
    if first >> 6 != 2 {
        return Err(RohcError::Invalid("RTP version"));
    }
    varying.padding = first & 0x20 != 0;
    varying.marker = second & 0x80 != 0;
    varying.payload_type = second & 0x7f;
    varying.sn = reader.u16()?;
    varying.ts = reader.u32()?;
    // RFC 4815: the count in the list is the one that counts.
    varying.csrcs = Csrcs::read_list(reader)?;
    let mut stride = None;
    if first & 0x10 != 0 {
        let flags = reader.u8()?;
        varying.extension = flags & 0x10 != 0;
        if flags & 1 != 0 {
            stride = Some(reader.sdvl()?.0.max(1));
        }
        if flags & 2 != 0 {
            reader.sdvl()?;
        }
    }
    Ok(Dynamic { varying, rnd, nbo, stride })
}
