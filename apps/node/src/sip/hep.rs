//! HEP version 3: messages as a collector takes them, one in each datagram.

use std::net::IpAddr;

use rove_base::{Transport, UnixTime};

/// A message and how it went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) at: UnixTime,
    pub(super) from: std::net::SocketAddr,
    pub(super) to: std::net::SocketAddr,
    pub(super) transport: Transport,
    pub(super) bytes: &'a [u8],
}

/// Writes a packet as HEP into `out`, in place of what is there. `id` names who captures.
pub(super) fn write(packet: &Packet<'_>, id: u32, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(b"HEP3\0\0");
    let v4 = packet.from.is_ipv4() && packet.to.is_ipv4();
    chunk(out, 1, &[if v4 { 2 } else { 10 }]);
    // As IP numbers them: UDP, else TCP.
    chunk(out, 2, &[if packet.transport == Transport::Udp { 17 } else { 6 }]);
    for (number, address) in [(3, packet.from), (4, packet.to)] {
        match address.ip() {
            IpAddr::V4(ip) if v4 => chunk(out, number, &ip.octets()),
            IpAddr::V4(ip) => chunk(out, number + 2, &ip.to_ipv6_mapped().octets()),
            IpAddr::V6(ip) => chunk(out, number + 2, &ip.octets()),
        }
    }
    chunk(out, 7, &packet.from.port().to_be_bytes());
    chunk(out, 8, &packet.to.port().to_be_bytes());
    let seconds = u32::try_from(packet.at.as_secs()).unwrap_or(u32::MAX);
    let micros = u32::try_from(packet.at.as_nanos() % 1_000_000_000 / 1_000).unwrap_or(0);
    chunk(out, 9, &seconds.to_be_bytes());
    chunk(out, 10, &micros.to_be_bytes());
    // SIP.
    chunk(out, 11, &[1]);
    chunk(out, 12, &id.to_be_bytes());
    chunk(out, 15, packet.bytes);
    let len = u16::try_from(out.len()).unwrap_or(u16::MAX).to_be_bytes();
    if let Some(place) = out.get_mut(4..6) {
        place.copy_from_slice(&len);
    }
}

/// Vendor 0, type, length with this header of six bytes, value.
fn chunk(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let value = value.get(..MAX_VALUE).unwrap_or(value);
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&u16::try_from(value.len() + 6).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(value);
}

/// So that the whole fits a datagram.
const MAX_VALUE: usize = 65_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_has_its_length_and_the_packet_the_sum() {
        let packet = Packet {
            at: UnixTime::from_nanos(1_700_000_000_123_456_789),
            from: "192.0.2.1:5060".parse().unwrap(),
            to: "192.0.2.2:5070".parse().unwrap(),
            transport: Transport::Udp,
            bytes: b"OPTIONS",
        };
        let mut out = b"rest".to_vec();
        write(&packet, 7, &mut out);
        assert_eq!(out[..6], [b'H', b'E', b'P', b'3', 0, out.len() as u8]);
        let (mut rest, mut seen) = (&out[6..], Vec::new());
        while !rest.is_empty() {
            let len = usize::from(u16::from_be_bytes([rest[4], rest[5]]));
            seen.push((u16::from_be_bytes([rest[2], rest[3]]), rest[6..len].to_vec()));
            rest = &rest[len..];
        }
        let expected: Vec<(u16, Vec<u8>)> = vec![
            (1, vec![2]),
            (2, vec![17]),
            (3, vec![192, 0, 2, 1]),
            (4, vec![192, 0, 2, 2]),
            (7, 5_060_u16.to_be_bytes().to_vec()),
            (8, 5_070_u16.to_be_bytes().to_vec()),
            (9, 1_700_000_000_u32.to_be_bytes().to_vec()),
            (10, 123_456_u32.to_be_bytes().to_vec()),
            (11, vec![1]),
            (12, vec![0, 0, 0, 7]),
            (15, b"OPTIONS".to_vec()),
        ];
        assert_eq!(seen, expected);
    }
}
