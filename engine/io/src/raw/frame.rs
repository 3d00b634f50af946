//! IPv4 and UDP headers in front of a payload, for a host that cannot be reached by address yet (RFC 791, RFC 768).

use std::net::SocketAddrV4;

/// Writes a whole IPv4 packet with one UDP datagram in it. `false`, and nothing written, when the payload is too long.
pub(super) fn write(out: &mut Vec<u8>, from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> bool {
    let (Ok(udp_len), Ok(total)) =
        (u16::try_from(payload.len() + UDP_HEADER), u16::try_from(payload.len() + UDP_HEADER + IP_HEADER))
    else {
        return false;
    };
    let (source, target) = (from.ip().octets(), to.ip().octets());

    let mut header = [0; IP_HEADER];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&total.to_be_bytes());
    header[6] = 0x40;
    header[8] = TTL;
    header[9] = UDP;
    header[12..16].copy_from_slice(&source);
    header[16..20].copy_from_slice(&target);
    let sum = Checksum::default().add(&header).value();
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    out.extend_from_slice(&header);

    let mut udp = [0; UDP_HEADER];
    udp[0..2].copy_from_slice(&from.port().to_be_bytes());
    udp[2..4].copy_from_slice(&to.port().to_be_bytes());
    udp[4..6].copy_from_slice(&udp_len.to_be_bytes());
    let pseudo = Checksum::default().add(&source).add(&target).add(&[0, UDP]).add(&udp_len.to_be_bytes());
    let sum = match pseudo.add(&udp).add(payload).value() {
        // Zero means "not computed".
        0 => u16::MAX,
        sum => sum,
    };
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    out.extend_from_slice(&udp);
    out.extend_from_slice(payload);
    true
}

/// The internet checksum (RFC 1071). Only the last piece may have an odd length.
#[derive(Clone, Copy, Default)]
struct Checksum(u32);

impl Checksum {
    fn add(self, bytes: &[u8]) -> Self {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let pairs: u32 = pairs.iter().map(|pair| u32::from(u16::from_be_bytes(*pair))).sum();
        let rest = rest.first().map_or(0, |byte| u32::from(*byte) << 8);
        Self(self.0 + pairs + rest)
    }

    fn value(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

const IP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const UDP: u8 = 17;
const TTL: u8 = 64;
