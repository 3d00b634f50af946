//! What does not exist, in few words: an NSEC record for the very name asked for (RFC 9824).

use crate::wire::{Name, rtype};

/// The NSEC contents for the lowered wire name `name`, which has records of these types and no others, those that
/// signing adds not counted. `None`: there is no such name.
///
/// The next name is the first that can come after it, so that nothing is said of any other.
pub(crate) fn nsec(name: &[u8], types: Option<&[u16]>) -> Box<[u8]> {
    let mut rdata = Vec::with_capacity(name.len().saturating_add(32));
    rdata.extend_from_slice(&next(name));
    let mut all = vec![rtype::RRSIG, rtype::NSEC];
    match types {
        Some(types) => all.extend_from_slice(types),
        None => all.push(NXNAME),
    }
    all.sort_unstable();
    all.dedup();
    for window in all.chunk_by(|a, b| a >> 8 == b >> 8) {
        write_window(&mut rdata, window);
    }
    rdata.into()
}

/// One window of the bit map (RFC 4034 §4.1.2).
fn write_window(rdata: &mut Vec<u8>, types: &[u16]) {
    let mut bits = [0_u8; 32];
    let mut used = 0_u8;
    for rtype in types {
        let [_, low] = rtype.to_be_bytes();
        if let Some(byte) = bits.get_mut(usize::from(low / 8)) {
            *byte |= 0x80 >> (low % 8);
            used = used.max((low / 8).saturating_add(1));
        }
    }
    let [window, _] = types.first().copied().unwrap_or_default().to_be_bytes();
    rdata.extend_from_slice(&[window, used]);
    rdata.extend_from_slice(bits.get(..usize::from(used)).unwrap_or_default());
}

/// The first name after `name`: a label of one zero byte before it. A name that has no room for that is followed by
/// the next of its length.
fn next(name: &[u8]) -> Vec<u8> {
    let longer = [&[1, 0], name].concat();
    if longer.len() <= 255 {
        return longer;
    }
    let mut same = name.to_vec();
    let len = same.first().copied().unwrap_or_default();
    if let Some(last) = same.get_mut(usize::from(len)) {
        // No letter follows itself in the other case: names here are in lower case.
        *last = if *last == b'@' { b'[' } else { last.saturating_add(1) };
    }
    debug_assert!(Name::from_wire(&same).is_ok());
    same
}

/// "No such name" among the types (RFC 9824 §3.1).
const NXNAME: u16 = 128;
