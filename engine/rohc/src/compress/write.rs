//! The headers of packets on the link, written (§5.7).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    Config,
    context::{Flow, Told},
    shape::{Carries, Kind, Shape},
};
use crate::{
    bits::{mask, write_sdvl},
    chain::{write_dynamic, write_static},
    crc::Crc,
    headers::Varying,
};

impl Flow {
    /// Writes what goes in front of the payload instead of the headers `head`, which say `next`.
    pub(super) fn write(&mut self, config: Config, cid: u16, next: &Varying, head: &[u8], out: &mut Vec<u8>) {
        self.observe(next, config);
        let told = if self.whole > 0 {
            self.write_initial(config, cid, next, true, out);
            Told::Whole
        } else if let Some(shape) =
            Some(()).filter(|()| self.changing == 0).and_then(|()| Shape::choose(self, next))
        {
            let header = Header { flow: self, next, shape, head };
            header.write(config, cid, out);
            if shape.extension == Some(3) { Told::Fields } else { Told::Nothing }
        } else {
            self.write_initial(config, cid, next, false, out);
            Told::Changing
        };
        self.note(next, told, config);
    }

    /// IR, or IR-DYN.
    fn write_initial(&self, config: Config, cid: u16, next: &Varying, whole: bool, out: &mut Vec<u8>) {
        config.cids.begin(cid, if whole { IR } else { IR_DYN }, out);
        out.push(RTP_PROFILE);
        let at = out.len();
        out.push(0);
        if whole {
            write_static(&self.fixed, out);
        }
        write_dynamic(self.fixed.is_v4(), next, self.behaviour, self.mode, out);
        let crc = Crc::Eight.of(out);
        if let Some(place) = out.get_mut(at) {
            *place = crc;
        }
    }
}

/// One compressed header in the making.
struct Header<'a> {
    flow: &'a Flow,
    next: &'a Varying,
    shape: Shape,
    head: &'a [u8],
}

impl Header<'_> {
    fn write(&self, config: Config, cid: u16, out: &mut Vec<u8>) {
        let Shape { kind, carries, extension, .. } = self.shape;
        let marker = u8::from(self.next.marker);
        let begin = |first: u8, out: &mut Vec<u8>| config.cids.begin(cid, first, out);
        match kind {
            Kind::Uo0 => begin(self.sn() << 3 | Crc::Three.of_headers(self.head), out),
            Kind::Uo1 => {
                let (first, high) = match carries {
                    Carries::Ts => (0xa0 | self.ts(), marker),
                    Carries::Id => (0x80 | self.id(), 0),
                    Carries::Only => (0x80 | self.ts(), marker),
                };
                begin(first, out);
                out.push(high << 7 | self.sn() << 3 | Crc::Three.of_headers(self.head));
            }
            Kind::Uor2 => {
                let (first, high) = match carries {
                    Carries::Ts => (self.ts(), 1),
                    Carries::Id => (self.id(), 0),
                    Carries::Only => (self.ts() >> 1, self.ts() & 1),
                };
                begin(0xc0 | first, out);
                out.push(high << 7 | marker << 6 | self.sn());
                out.push(u8::from(extension.is_some()) << 7 | Crc::Seven.of_headers(self.head));
            }
        }
        match extension {
            Some(3) => self.write_third(out),
            Some(number) => self.write_short(number, out),
            None => {}
        }
        if self.flow.fixed.is_v4() && self.flow.behaviour.rnd {
            out.extend_from_slice(&self.next.ip_id.to_be_bytes());
        }
        if self.flow.behaviour.checksum {
            out.extend_from_slice(&self.next.udp_checksum.to_be_bytes());
        }
    }

    /// The part of a number that stands in the base header: `base` bits, above those in the extension.
    fn top(value: u32, bits: u32, base: u32) -> u8 {
        let value = value & mask(bits);
        (value.checked_shr(bits.saturating_sub(base)).unwrap_or(0) & 0xff) as u8
    }

    fn sn(&self) -> u8 {
        let base = if self.shape.kind == Kind::Uor2 { 6 } else { 4 };
        Self::top(self.next.sn.into(), self.shape.sn, base)
    }

    fn ts(&self) -> u8 {
        let base = if self.shape.carries == Carries::Only { 6 } else { 5 };
        Self::top(self.scaled(), self.shape.ts, base)
    }

    fn id(&self) -> u8 {
        Self::top(self.offset(), self.shape.id, 5)
    }

    fn scaled(&self) -> u32 {
        self.flow.scaled(self.next.ts)
    }

    fn offset(&self) -> u32 {
        self.flow.offset(self.next.ip_id, self.next.sn)
    }

    /// Extensions 0 to 2: three bits of the sequence number, three or eleven of what T names, none or eight of the other.
    fn write_short(&self, number: u8, out: &mut Vec<u8>) {
        let (named, other) = match self.shape.carries {
            Carries::Ts => (self.scaled(), self.offset()),
            Carries::Id => (self.offset(), self.scaled()),
            // Both are of the timestamp, the other ones its lowest.
            Carries::Only if number == 0 => (self.scaled(), 0),
            Carries::Only => (self.scaled() >> 8, self.scaled()),
        };
        let sn = (self.next.sn & 0x07) as u8;
        let three = if number == 2 { named >> 8 } else { named };
        out.push(number << 6 | sn << 3 | (three & 0x07) as u8);
        if number == 2 {
            out.push((named & 0xff) as u8);
        }
        if number > 0 {
            out.push((other & 0xff) as u8);
        }
    }

    /// Extension 3, with every field that it can tell.
    fn write_third(&self, out: &mut Vec<u8>) {
        let Self { next, shape, flow, .. } = self;
        let base = if shape.carries == Carries::Only { 6 } else { 5 };
        let more_sn = shape.sn > 6;
        let more_ts = shape.ts.saturating_sub(base);
        let fields = u8::from(flow.fields > 0);
        // S, R-TS, Tsc, I, ip, rtp.
        out.push(0xc8 | u8::from(more_sn) << 5 | u8::from(more_ts > 0) << 4 | fields << 1 | fields);
        if fields > 0 {
            // TOS, TTL, DF, PR, IPX, NBO, RND, ip2.
            let behaviour = flow.behaviour;
            let rest = u8::from(behaviour.nbo) << 2 | u8::from(behaviour.rnd) << 1;
            out.push(0xc0 | u8::from(next.df) << 5 | rest);
        }
        if more_sn {
            out.push((next.sn & 0xff) as u8);
        }
        if more_ts > 0 {
            write_sdvl(self.scaled() & mask(more_ts), more_ts, out);
        }
        if fields > 0 {
            out.extend_from_slice(&[next.tos, next.ttl]);
            // Mode, R-PT, M, R-X, CSRC, TSS, TIS.
            let flags = flow.mode.number() << 6 | 0x20 | u8::from(next.marker) << 4;
            out.push(flags | u8::from(next.extension) << 3);
            out.push(u8::from(next.padding) << 7 | next.payload_type);
        }
    }
}

const IR: u8 = 0xfd;
const IR_DYN: u8 = 0xf8;
const RTP_PROFILE: u8 = 1;
