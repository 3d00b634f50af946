//! What of a frame matters here: whether it is UDP, between which ports, and whether it carries voice; and its checksum.

use std::ops::Range;

/// A packet of UDP or TCP in an Ethernet frame; places are counted from the frame's first byte.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Packet {
    udp: bool,
    /// Source and destination.
    pub(crate) ports: [u16; 2],
    addresses: Range<usize>,
    /// Its transport header and what that carries.
    segment: Range<usize>,
    /// Bytes from the IP header on.
    pub(crate) bytes: usize,
}

/// A packet of RTP, as its header says which.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Voice {
    /// Whose.
    pub(crate) source: u32,
    /// Which.
    pub(crate) number: u16,
}

impl Packet {
    /// `None` for what is neither UDP nor TCP, or a fragment, or cut short.
    pub(crate) fn of(frame: &[u8]) -> Option<Self> {
        let (protocol, addresses, segment) = match frame.get(12..14)? {
            [0x08, 0x00] => v4(frame)?,
            [0x86, 0xdd] => v6(frame)?,
            _ => return None,
        };
        let least = match protocol {
            UDP => 8,
            TCP => 20,
            _ => return None,
        };
        let header = frame.get(segment.clone()).filter(|segment| segment.len() >= least)?;
        let port = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let ports = [port(0), port(2)];
        Some(Self { udp: protocol == UDP, ports, addresses, bytes: segment.end - ETHERNET, segment })
    }

    /// What UDP carries; `None` where it is not UDP.
    pub(crate) fn payload<'a>(&self, frame: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let place = self.segment.start + 8..self.segment.end;
        if self.udp { frame.get_mut(place) } else { None }
    }

    /// Writes the checksum that its bytes need now (RFC 768, RFC 9293 §3.1). The kernel leaves that to a network card, of
    /// which there is none here.
    pub(crate) fn seal(&self, frame: &mut [u8]) {
        let at = self.segment.start + if self.udp { 6 } else { 16 };
        frame[at..at + 2].fill(0);
        let length = self.segment.len() as u32;
        let protocol = u32::from(if self.udp { UDP } else { TCP });
        let sum = sum(&frame[self.addresses.clone()]) + sum(&frame[self.segment.clone()]) + length + protocol;
        let folded = (sum & 0xffff) + (sum >> 16);
        let folded = !((folded & 0xffff) + (folded >> 16)) as u16;
        let folded = if self.udp && folded == 0 { 0xffff } else { folded };
        frame[at..at + 2].copy_from_slice(&folded.to_be_bytes());
    }
}

/// Whether a payload is a packet of RTP (RFC 7983 §7, RFC 5761 §4).
pub(crate) fn voice(payload: &[u8]) -> Option<Voice> {
    let [first, second, number @ .., _, _, _, _] = payload.first_chunk::<8>()?;
    let source = u32::from_be_bytes(*payload.get(8..)?.first_chunk::<4>()?);
    let is_voice = first >> 6 == 2 && !(64..96).contains(&(second & 0x7f));
    is_voice.then_some(Voice { source, number: u16::from_be_bytes(*number) })
}

type Parts = (u8, Range<usize>, Range<usize>);

fn v4(frame: &[u8]) -> Option<Parts> {
    let header = frame.get(ETHERNET..)?.first_chunk::<20>()?;
    let length = usize::from(header[0] & 15) * 4;
    let whole = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
    let fits = !fragment && (20..=whole).contains(&length) && ETHERNET + whole <= frame.len();
    fits.then_some((header[9], ETHERNET + 12..ETHERNET + 20, ETHERNET + length..ETHERNET + whole))
}

fn v6(frame: &[u8]) -> Option<Parts> {
    let header = frame.get(ETHERNET..)?.first_chunk::<40>()?;
    let begins = ETHERNET + 40;
    let ends = begins + usize::from(u16::from_be_bytes([header[4], header[5]]));
    (ends <= frame.len()).then_some((header[6], ETHERNET + 8..begins, begins..ends))
}

fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0))).sum()
}

const ETHERNET: usize = 14;
const UDP: u8 = 17;
const TCP: u8 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    /// From 10.0.0.1:5000 to 10.0.0.2:6000.
    fn frame(payload: &[u8]) -> Vec<u8> {
        let length = 8 + payload.len() as u16;
        let mut frame = vec![2; 12];
        frame.extend([0x08, 0x00, 0x45, 0]);
        frame.extend((20 + length).to_be_bytes());
        frame.extend([0, 1, 0x40, 0, 64, UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        frame.extend(5_000_u16.to_be_bytes());
        frame.extend(6_000_u16.to_be_bytes());
        frame.extend(length.to_be_bytes());
        frame.extend([0, 0]);
        frame.extend(payload);
        frame
    }

    #[test]
    fn a_datagram_is_found_in_its_frame_and_sealed_anew_after_a_bit_was_changed() {
        // Worked out by hand: addresses 1403, ports 2af8, lengths and protocol 002b, payload e1e3.
        let mut bytes = frame(b"abcdefghij");
        let packet = Packet::of(&bytes).unwrap();
        assert_eq!((packet.ports, packet.bytes), ([5_000, 6_000], 38));
        packet.seal(&mut bytes);
        let sealed = [bytes[40], bytes[41]];
        let all = |bytes: &[u8]| {
            let all = sum(&bytes[26..34]) + sum(&bytes[34..]) + 18 + u32::from(UDP);
            (all & 0xffff) + (all >> 16)
        };
        assert_eq!(all(&bytes), 0xffff, "RFC 1071: what is right sums up to ones");
        packet.payload(&mut bytes).unwrap()[0] ^= 1;
        assert_ne!(all(&bytes), 0xffff);
        packet.seal(&mut bytes);
        assert_eq!(all(&bytes), 0xffff);
        assert_ne!(sealed, [bytes[40], bytes[41]]);
    }

    #[test]
    fn voice_is_told_from_reports_checks_and_handshakes() {
        let rtp = [0x80, 0x6f, 0x12, 0x34, 0, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef];
        assert_eq!(voice(&rtp), Some(Voice { source: 0xdead_beef, number: 0x1234 }));
        for (what, first, second) in [("RTCP", 0x80, 200), ("STUN", 0, 1), ("DTLS", 22, 254)] {
            let mut other = rtp;
            (other[0], other[1]) = (first, second);
            assert_eq!(voice(&other), None, "{what}");
        }
        assert_eq!(voice(&rtp[..11]), None, "cut short");
    }

    #[test]
    fn what_is_cut_short_or_a_fragment_or_something_else_is_passed_over() {
        let whole = frame(b"abcdefghij");
        assert!(Packet::of(&whole[..whole.len() - 1]).is_none());
        for (at, byte) in [(12, 0x88), (20, 0x20), (23, 1), (14, 0x42)] {
            let mut other = whole.clone();
            other[at] = byte;
            assert!(Packet::of(&other).is_none(), "{at}");
        }
    }
}
