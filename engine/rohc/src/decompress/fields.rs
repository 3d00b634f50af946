//! What a compressed header says, before anything is known of its context's numbers (§5.7.1 to §5.7.5).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{
    RohcError,
    bits::{Lsb, Reader},
    chain::Behaviour,
    crc::Crc,
    list::Csrcs,
};

/// The fields of one header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub(super) crc: (Crc, u8),
    pub(super) sn: Lsb,
    /// No bits: it follows from the sequence number.
    pub(super) ts: Lsb,
    pub(super) scaled: bool,
    pub(super) ip_id: Lsb,
    pub(super) marker: bool,
    pub(super) told: Told,
}

/// What extension 3 tells beside.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) tos: Option<u8>,
    pub(super) ttl: Option<u8>,
    /// DF, NBO and RND.
    pub(super) ip: Option<(bool, bool, bool)>,
    pub(super) extension: Option<bool>,
    /// Padding and payload type.
    pub(super) payload: Option<(bool, u8)>,
    pub(super) csrcs: Option<Csrcs>,
    pub(super) stride: Option<u32>,
}

/// Which number the bit T gives the first place, if there is one.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Carries {
    Ts,
    Id,
    Only,
}

impl Fields {
    const fn new(crc: Crc, bits: u8) -> Self {
        Self {
            crc: (crc, bits),
            sn: NONE,
            ts: NONE,
            scaled: true,
            ip_id: NONE,
            marker: false,
            told: Told {
                tos: None,
                ttl: None,
                ip: None,
                extension: None,
                payload: None,
                csrcs: None,
                stride: None,
            },
        }
    }

    /// Reads a header whose first byte is taken. `v4` and the behaviour are those of its context.
    pub(super) fn read(
        first: u8,
        reader: &mut Reader<'_>,
        v4: bool,
        behaviour: Behaviour,
    ) -> Result<Self, RohcError> {
        match first {
            0..=0x7f => {
                let mut fields = Self::new(Crc::Three, first & 0x07);
                fields.sn.append(u32::from(first >> 3), 4);
                Ok(fields)
            }
            0x80..=0xbf => Self::read_first_kind(first, reader, v4 && !behaviour.rnd),
            0xc0..=0xdf => Self::read_second_kind(first, reader, v4, behaviour),
            _ => Err(RohcError::Invalid("kind of packet")),
        }
    }

    /// UO-1, UO-1-ID, UO-1-TS.
    fn read_first_kind(first: u8, reader: &mut Reader<'_>, sequential: bool) -> Result<Self, RohcError> {
        let second = reader.u8()?;
        let mut fields = Self::new(Crc::Three, second & 0x07);
        fields.sn.append(u32::from(second >> 3 & 0x0f), 4);
        let high = second & 0x80 != 0;
        match (sequential, first & 0x20 != 0) {
            (false, _) => {
                fields.ts.append(u32::from(first & 0x3f), 6);
                fields.marker = high;
            }
            (true, true) => {
                fields.ts.append(u32::from(first & 0x1f), 5);
                fields.marker = high;
            }
            (true, false) => {
                fields.ip_id.append(u32::from(first & 0x1f), 5);
                if high {
                    fields.read_extension(Carries::Id, reader)?;
                }
            }
        }
        Ok(fields)
    }

    /// UOR-2, UOR-2-ID, UOR-2-TS. Which of them is told by the behaviour that holds after the packet.
    fn read_second_kind(
        first: u8,
        reader: &mut Reader<'_>,
        v4: bool,
        behaviour: Behaviour,
    ) -> Result<Self, RohcError> {
        let [second, third] = reader.array()?;
        let mut fields = Self::new(Crc::Seven, third & 0x7f);
        let extended = third & 0x80 != 0;
        let rnd = if extended { rnd_told(reader.rest()).unwrap_or(behaviour.rnd) } else { behaviour.rnd };
        fields.marker = second & 0x40 != 0;
        fields.sn.append(u32::from(second & 0x3f), 6);
        let five = u32::from(first & 0x1f);
        let carries = match (v4 && !rnd, second & 0x80 != 0) {
            (false, high) => {
                fields.ts.append(five, 5);
                fields.ts.append(u32::from(high), 1);
                Carries::Only
            }
            (true, true) => {
                fields.ts.append(five, 5);
                Carries::Ts
            }
            (true, false) => {
                fields.ip_id.append(five, 5);
                Carries::Id
            }
        };
        if extended {
            fields.read_extension(carries, reader)?;
        }
        Ok(fields)
    }

    fn read_extension(&mut self, carries: Carries, reader: &mut Reader<'_>) -> Result<(), RohcError> {
        let flags = reader.u8()?;
        let number = flags >> 6;
        if number == 3 {
            return self.read_third(flags, reader);
        }
        self.sn.append(u32::from(flags >> 3 & 0x07), 3);
        let (named, other) = match carries {
            Carries::Id => (&mut self.ip_id, Some(&mut self.ts)),
            Carries::Ts => (&mut self.ts, Some(&mut self.ip_id)),
            Carries::Only => (&mut self.ts, None),
        };
        named.append(u32::from(flags & 0x07), 3);
        if number == 2 {
            named.append(reader.u8()?.into(), 8);
        }
        if number > 0 {
            other.unwrap_or(named).append(reader.u8()?.into(), 8);
        }
        Ok(())
    }

    fn read_third(&mut self, flags: u8, reader: &mut Reader<'_>) -> Result<(), RohcError> {
        let ip = if flags & 0x02 != 0 { reader.u8()? } else { 0 };
        if ip & 0x01 != 0 {
            return Err(RohcError::Unsupported("a second IP header"));
        }
        if ip & 0x18 != 0 {
            return Err(RohcError::Unsupported("a change of the protocol or of IP extension headers"));
        }
        if flags & 0x20 != 0 {
            self.sn.append(reader.u8()?.into(), 8);
        }
        self.scaled = flags & 0x08 != 0;
        if flags & 0x10 != 0 {
            let (value, count) = reader.sdvl()?;
            self.ts.append(value, count);
        }
        if flags & 0x02 != 0 {
            self.told.ip = Some((ip & 0x20 != 0, ip & 0x04 != 0, ip & 0x02 != 0));
            self.told.tos = if ip & 0x80 != 0 { Some(reader.u8()?) } else { None };
            self.told.ttl = if ip & 0x40 != 0 { Some(reader.u8()?) } else { None };
        }
        if flags & 0x04 != 0 {
            self.ip_id = Lsb { value: reader.u16()?.into(), count: 16 };
        }
        if flags & 0x01 != 0 {
            self.read_rtp(reader)?;
        }
        Ok(())
    }

    fn read_rtp(&mut self, reader: &mut Reader<'_>) -> Result<(), RohcError> {
        let flags = reader.u8()?;
        self.marker |= flags & 0x10 != 0;
        self.told.extension = Some(flags & 0x08 != 0);
        if flags & 0x20 != 0 {
            let byte = reader.u8()?;
            self.told.payload = Some((byte & 0x80 != 0, byte & 0x7f));
        }
        if flags & 0x04 != 0 {
            self.told.csrcs = Some(Csrcs::read_list(reader)?);
        }
        if flags & 0x02 != 0 {
            self.told.stride = Some(reader.sdvl()?.0.max(1));
        }
        if flags & 0x01 != 0 {
            // The stride of time serves a scheme with clocks, which is not used here.
            reader.sdvl()?;
        }
        Ok(())
    }
}

/// What an extension 3 says of RND; `None` when it is another extension, or says nothing.
fn rnd_told(extension: &[u8]) -> Option<bool> {
    match extension {
        [flags, ip, ..] if flags & 0xc2 == 0xc2 => Some(ip & 0x02 != 0),
        _ => None,
    }
}

const NONE: Lsb = Lsb { value: 0, count: 0 };
