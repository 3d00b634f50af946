//! INIT and INIT ACK (RFC 9260 §3.3.2, §3.3.3): what the two ends of an association call it, and what each can take.

use super::{
    packet::{halves, parameters},
    rules::{RECEIVE_WINDOW, STREAMS},
};

/// What one end says of itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Init {
    /// What it wants to see in each packet to it; never 0.
    pub(super) tag: u32,
    /// How many bytes it keeps for us.
    pub(super) window: u32,
    /// How many streams it would send on.
    pub(super) outbound: u16,
    /// And how many it takes.
    pub(super) inbound: u16,
    /// Of its first DATA.
    pub(super) number: u32,
}

/// The same with what follows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Read<'a> {
    pub(super) init: Init,
    /// In an INIT ACK.
    pub(super) cookie: Option<&'a [u8]>,
    /// Parameters that want to be told when they are not known.
    pub(super) unknown: Vec<&'a [u8]>,
}

impl Init {
    /// What this end says.
    pub(super) const fn own(tag: u32, number: u32) -> Self {
        Self { tag, window: RECEIVE_WINDOW, outbound: STREAMS, inbound: STREAMS, number }
    }

    /// Without the chunk's header.
    pub(super) fn to_bytes(self) -> [u8; 16] {
        let [a, b, c, d] = self.tag.to_be_bytes();
        let [e, f, g, h] = self.window.to_be_bytes();
        let ([i, j], [k, l]) = (self.outbound.to_be_bytes(), self.inbound.to_be_bytes());
        let [m, n, o, p] = self.number.to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }
}

/// Reads one. `None`: it wants what cannot be.
pub(super) fn read(value: &[u8]) -> Option<Read<'_>> {
    let (&[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p], rest) = value.split_first_chunk()?;
    let (outbound, inbound) = halves([i, j, k, l]);
    let init = Init {
        tag: u32::from_be_bytes([a, b, c, d]),
        window: u32::from_be_bytes([e, f, g, h]),
        outbound,
        inbound,
        number: u32::from_be_bytes([m, n, o, p]),
    };
    if init.tag == 0 || init.window < LEAST_WINDOW || outbound == 0 || inbound == 0 {
        return None;
    }
    let mut read = Read { init, cookie: None, unknown: Vec::new() };
    for (kind, value, whole) in parameters(rest) {
        match kind {
            STATE_COOKIE => read.cookie = Some(value),
            // What an end with several addresses would tell, and what is told back of our parameters: we send none. A
            // partner has one address here.
            1 | 5..=6 | 8..=9 | 12 => {}
            _ => {
                // The highest two bits say what is wanted (§3.2.1).
                let short = whole.len() <= MAX_TOLD_LEN && read.unknown.len() < MAX_TOLD;
                if kind & 0x4000 != 0 && short {
                    read.unknown.push(whole);
                }
                if kind & 0x8000 == 0 {
                    break;
                }
            }
        }
    }
    Some(read)
}

/// What a parameter is (§3.3.3).
pub(super) const STATE_COOKIE: u16 = 7;
pub(super) const UNRECOGNIZED: u16 = 8;
/// §3.3.2.
const LEAST_WINDOW: u32 = 1_500;
/// An answer is not to be much longer than what it answers.
const MAX_TOLD: usize = 8;
const MAX_TOLD_LEN: usize = 32;
