//! What a decompressor tells the compressor of its direction (§5.7.6).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{Cids, RohcError, bits::Reader, cid::FEEDBACK, crc::Crc};

/// How a compressor and a decompressor work together (§4.4).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// Nothing comes back.
    #[default]
    Unidirectional,
    /// Errors come back, and now and then what was understood.
    Optimistic,
}

impl Mode {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Unidirectional => 1,
            Self::Optimistic => 2,
        }
    }
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Acknowledgement {
    /// It was understood.
    Ack,
    /// What changes in the context is no longer right.
    Nack,
    /// Nothing is known of the context.
    StaticNack,
}

/// One piece of feedback.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Feedback {
    /// The context it is about.
    pub cid: u16,
    /// What became of the packet.
    pub acknowledgement: Acknowledgement,
    /// The mode the decompressor wants; `None` leaves it as it is, as feedback without a checksum does.
    pub mode: Option<Mode>,
    /// Its sequence number, or that of the last one that was understood, and how many of its lowest bits are known; `None` when
    /// there is none.
    pub sn: Option<(u16, u8)>,
}

impl Feedback {
    /// Writes it as a packet of the link, which may stand alone or in front of another.
    pub fn write(&self, cids: Cids, out: &mut Vec<u8>) {
        // Its size follows from the way it is written.
        let short = match (self.mode, self.acknowledgement, self.sn) {
            // A byte that looks like a context identifier is none where one stands in front.
            (None, Acknowledgement::Ack, Some((sn, _))) => {
                let clear = sn & 0xf0 != 0xe0 || matches!(cids, Cids::Large(_)) || self.cid != 0;
                clear.then_some((sn & 0xff) as u8)
            }
            _ => None,
        };
        let prefix = match cids {
            Cids::Small(_) => usize::from(self.cid != 0),
            Cids::Large(_) => 1_usize.saturating_add(usize::from(self.cid > 0x7f)),
        };
        let rest = if short.is_some() { 1 } else { 5_usize.saturating_add(usize::from(self.sn.is_some())) };
        match prefix.saturating_add(rest) {
            size @ 1..=7 => out.push(FEEDBACK | (size & 0x07) as u8),
            size => out.extend_from_slice(&[FEEDBACK, (size & 0xff) as u8]),
        }
        let data = out.len();
        cids.in_front(self.cid, out);
        match short {
            Some(byte) => out.push(byte),
            None => self.write_second(data, out),
        }
        debug_assert_eq!(out.len().saturating_sub(data), prefix.saturating_add(rest));
    }

    /// FEEDBACK-2, with all bits of the sequence number and a checksum; the feedback begins at `at`.
    fn write_second(&self, at: usize, data: &mut Vec<u8>) {
        let kind = match self.acknowledgement {
            Acknowledgement::Ack => 0,
            Acknowledgement::Nack => 1,
            Acknowledgement::StaticNack => 2,
        };
        let [high, low] = self.sn.map_or(0, |(sn, _)| sn).to_be_bytes();
        data.extend_from_slice(&[kind << 6 | self.mode.unwrap_or_default().number() << 4, high]);
        if self.sn.is_some() {
            data.extend_from_slice(&[SN << 4 | 1, low]);
        } else {
            data.push(SN_NOT_VALID << 4);
        }
        data.extend_from_slice(&[CRC << 4 | 1, 0]);
        let crc = Crc::Eight.of(data.get(at..).unwrap_or_default());
        if let Some(last) = data.last_mut() {
            *last = crc;
        }
    }

    /// Reads what [`split_feedback`](crate::split_feedback) took from the front of a packet.
    ///
    /// # Errors
    ///
    /// [`RohcError`] for anything that RFC 3095 does not allow, and for a checksum that does not fit.
    pub fn parse(cids: Cids, data: &[u8]) -> Result<Self, RohcError> {
        let mut reader = Reader::new(data, "feedback");
        let cid = cids.read_cid(&mut reader)?;
        let first = reader.u8()?;
        if reader.rest().is_empty() {
            let sn = Some((u16::from(first), 8));
            return Ok(Self { cid, acknowledgement: Acknowledgement::Ack, mode: None, sn });
        }
        let acknowledgement = match first >> 6 {
            0 => Acknowledgement::Ack,
            1 => Acknowledgement::Nack,
            2 => Acknowledgement::StaticNack,
            _ => return Err(RohcError::Invalid("kind of feedback")),
        };
        let mode = match first >> 4 & 3 {
            1 => Some(Mode::Unidirectional),
            2 => Some(Mode::Optimistic),
            3 => None,
            _ => return Err(RohcError::Invalid("mode")),
        };
        let mut proven = false;
        let mut sn = Some((u16::from_be_bytes([first & 0x0f, reader.u8()?]), 12));
        while !reader.rest().is_empty() {
            let option = reader.u8()?;
            let length = usize::from(option & 0x0f);
            let value = reader.rest().get(..length).ok_or(RohcError::Truncated("option of feedback"))?;
            match (option >> 4, value) {
                (CRC, [crc]) => {
                    let at = data.len().saturating_sub(reader.rest().len());
                    if Crc::Eight.of_but(data, at) != *crc {
                        return Err(RohcError::Checksum);
                    }
                    proven = true;
                }
                (SN_NOT_VALID, []) => sn = None,
                (SN, [low]) => sn = sn.map(|(high, _)| (high << 8 | u16::from(*low), 16)),
                // REJECT, CLOCK, JITTER, LOSS and those to come.
                _ => {}
            }
            reader = Reader::new(reader.rest().get(length..).unwrap_or_default(), "feedback");
        }
        // A mode is changed by feedback with a checksum only (§5.6).
        Ok(Self { cid, acknowledgement, mode: mode.filter(|_| proven), sn })
    }
}

const CRC: u8 = 1;
const SN_NOT_VALID: u8 = 3;
const SN: u8 = 4;
