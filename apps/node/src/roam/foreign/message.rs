//! An update as an existing server is sent it (RFC 2136 §2), and what its answer means.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::UnixTime;
use rove_dns::{
    tsig::{self, Mac, TsigKey},
    update::OwnSet,
    wire::{Name, class, rcode, rtype},
};

/// What records of one type a name has, each in wire form.
pub(super) type Contents = Vec<Box<[u8]>>;

/// One set, and what is there before, as far as that is known: then the server makes sure of it.
pub(super) struct Wish<'a> {
    pub(super) set: &'a OwnSet,
    pub(super) before: Option<&'a Contents>,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    /// All is done, and durable there.
    Done,
    /// Something else is there than was believed; nothing was done.
    Differs,
    /// The server does not want to.
    Refused(u16),
    /// It may go better next time, or the answer is not to be believed.
    Passing,
}

/// Writes and signs the update. Its length is bounded by that of the wishes.
pub(super) fn write(
    id: u16,
    zone: &Name,
    wishes: &[Wish<'_>],
    key: &TsigKey,
    wall: UnixTime,
) -> (Vec<u8>, Mac) {
    let (mut conditions, mut changes) = ((0_u16, Vec::new()), (0_u16, Vec::new()));
    for Wish { set, before } in wishes {
        let OwnSet { name, rtype, ttl, rdata } = set;
        match before {
            None => {}
            Some(before) if before.is_empty() => record(&mut conditions, name, *rtype, class::NONE, 0, &[]),
            Some(before) => {
                before.iter().for_each(|data| record(&mut conditions, name, *rtype, class::IN, 0, data));
            }
        }
        record(&mut changes, name, *rtype, class::ANY, 0, &[]);
        rdata.iter().for_each(|data| record(&mut changes, name, *rtype, class::IN, (*ttl).max(1), data));
    }
    let mut message = [id, UPDATE, 1, conditions.0, changes.0, 0].map(u16::to_be_bytes).concat();
    message.extend_from_slice(zone.as_wire());
    message.extend_from_slice(&[rtype::SOA, class::IN].map(u16::to_be_bytes).concat());
    message.extend_from_slice(&conditions.1);
    message.extend_from_slice(&changes.1);
    let mac = tsig::sign(&mut message, key, wall, None);
    (message, mac)
}

fn record((count, out): &mut (u16, Vec<u8>), name: &Name, rtype: u16, class: u16, ttl: u32, rdata: &[u8]) {
    *count = count.saturating_add(1);
    out.extend_from_slice(name.as_wire());
    out.extend_from_slice(&[rtype, class].map(u16::to_be_bytes).concat());
    out.extend_from_slice(&ttl.to_be_bytes());
    out.extend_from_slice(&u16::try_from(rdata.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(rdata);
}

/// What `bytes` says to the update that was signed with `mac`.
pub(super) fn read(bytes: &[u8], id: u16, key: &TsigKey, wall: UnixTime, mac: &Mac) -> Option<Answer> {
    let ([high, low, flags, code], _) = bytes.split_first_chunk::<4>()?;
    let answers = flags & 0x80 != 0 && u16::from_be_bytes([*high, *low]) == id;
    if !answers {
        return None;
    }
    let verified = tsig::verify(bytes, core::slice::from_ref(key), wall, Some(mac.as_bytes()));
    let code = u16::from(code & 0x0f);
    Some(match (verified, code) {
        (Err(_), rcode::NOERROR) | (Ok(_), rcode::SERVFAIL) => Answer::Passing,
        // A server that does not know our key cannot sign that. It is asked again until time is up.
        (Err(_), _) => Answer::Passing,
        (Ok(_), rcode::NOERROR) => Answer::Done,
        (Ok(_), rcode::NXDOMAIN | rcode::YXDOMAIN | rcode::YXRRSET | rcode::NXRRSET) => Answer::Differs,
        (Ok(_), code) => Answer::Refused(code),
    })
}

/// The operation code of an update, in its place.
const UPDATE: u16 = 5 << 11;
