//! Called and calling party addresses (ITU-T Q.713 §3.4): a global title of the form used between networks, and the
//! number of the subsystem.

use arrayvec::{ArrayString, ArrayVec};

use super::SccpError;
use crate::{E164, private::digits};

/// A party of a message.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Address {
    /// Its number; `None` where the network below knows whom it means.
    pub title: Option<E164>,
    /// Which of its subsystems.
    pub subsystem: u8,
}

/// Home location register (3GPP TS 23.003 §8.2; the same in ANSI-41).
pub const HLR: u8 = 6;
/// Visitor location register.
pub const VLR: u8 = 7;
/// Mobile switching centre.
pub const MSC: u8 = 8;

impl Address {
    /// The subsystem of the node with this number.
    #[must_use]
    pub const fn new(title: E164, subsystem: u8) -> Self {
        Self { title: Some(title), subsystem }
    }

    /// As it stands in a message.
    #[must_use]
    pub fn to_octets(self) -> ArrayVec<u8, 16> {
        let mut out = ArrayVec::new();
        let mut push = |octets: &[u8]| {
            octets.iter().for_each(|&octet| {
                let _ = out.try_push(octet);
            });
        };
        let Some(title) = self.title else {
            push(&[ROUTE_ON_SUBSYSTEM | HAS_SUBSYSTEM, self.subsystem]);
            return out;
        };
        let scheme = if title.as_str().len().is_multiple_of(2) { BCD_EVEN } else { BCD_ODD };
        push(&[TITLE_FORM_4 | HAS_SUBSYSTEM, self.subsystem, 0, PLAN_E164 | scheme, INTERNATIONAL]);
        let mut packed = digits::Octets::new();
        digits::pack(title.as_str(), 0, &mut packed);
        push(&packed);
        out
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`SccpError::Address`] when it has no subsystem, or its title is no E.164 number in form 4.
    pub fn parse(octets: &[u8]) -> Result<Self, SccpError> {
        let (&indicator, mut rest) = octets.split_first().ok_or(SccpError::Address)?;
        if indicator & HAS_POINT_CODE != 0 {
            rest = rest.get(2..).ok_or(SccpError::Address)?;
        }
        let (&subsystem, title) = rest.split_first().ok_or(SccpError::Address)?;
        if indicator & HAS_SUBSYSTEM == 0 {
            return Err(SccpError::Address);
        }
        let title = match indicator & TITLE_FORM {
            0 => None,
            TITLE_FORM_4 => Some(read_title(title).ok_or(SccpError::Address)?),
            _ => return Err(SccpError::Address),
        };
        Ok(Self { title, subsystem })
    }
}

fn read_title(octets: &[u8]) -> Option<E164> {
    let (&[_translation, plan, _nature], packed) = octets.split_first_chunk()?;
    let count = match plan & 0x0f {
        BCD_ODD => packed.len().checked_mul(2)?.checked_sub(1)?,
        BCD_EVEN => packed.len().checked_mul(2)?,
        _ => return None,
    };
    let number: ArrayString<15> =
        if plan & 0xf0 == PLAN_E164 { digits::unpack(packed, count)? } else { return None };
    number.parse().ok()
}

const HAS_POINT_CODE: u8 = 0x01;
const HAS_SUBSYSTEM: u8 = 0x02;
const TITLE_FORM: u8 = 0x3c;
/// Translation type, numbering plan, encoding scheme and nature of address.
const TITLE_FORM_4: u8 = 0x10;
const ROUTE_ON_SUBSYSTEM: u8 = 0x40;
const PLAN_E164: u8 = 0x10;
const BCD_ODD: u8 = 1;
const BCD_EVEN: u8 = 2;
const INTERNATIONAL: u8 = 4;
