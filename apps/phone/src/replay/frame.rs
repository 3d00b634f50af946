//! From what a capture holds of a link to the UDP payload in it.
#![deny(clippy::arithmetic_side_effects)]

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A UDP datagram found in a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Udp<'a> {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub payload: &'a [u8],
}

/// Why there is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoUdp {
    /// A kind of link that is not read here.
    Link,
    /// Another protocol.
    Other,
    /// A part of an IP packet: fragments are not put together.
    Fragment,
    /// The frame ends before what it announces.
    Cut,
}

/// Finds the UDP datagram in `frame`, which is of the link type with this number (see <https://www.tcpdump.org/linktypes.html>).
pub(super) fn udp(link: u32, frame: &[u8]) -> Result<Udp<'_>, NoUdp> {
    match link {
        LINK_ETHERNET => ethernet(frame),
        LINK_SLL => typed(frame, 14, 16),
        LINK_SLL2 => typed(frame, 0, 20),
        // The address family has a number of its own in each system; the IP version says the same.
        LINK_NULL | LINK_LOOP => ip(frame.get(4..).ok_or(NoUdp::Cut)?),
        LINK_RAW | LINK_RAW_BSD | LINK_RAW_OPENBSD | LINK_IPV4 | LINK_IPV6 => ip(frame),
        _ => Err(NoUdp::Link),
    }
}

fn ethernet(frame: &[u8]) -> Result<Udp<'_>, NoUdp> {
    typed(frame, 12, 14)
}

/// A frame with its EtherType at `type_at` and its content from `content` on; VLAN tags (IEEE 802.1Q, 802.1ad) in front of the
/// content are passed over.
fn typed(frame: &[u8], type_at: usize, content: usize) -> Result<Udp<'_>, NoUdp> {
    let mut ether_type = be16(frame, type_at)?;
    let mut rest = frame.get(content..).ok_or(NoUdp::Cut)?;
    for _ in 0..MOST_TAGS {
        if !matches!(ether_type, 0x8100 | 0x88a8 | 0x9100) {
            break;
        }
        ether_type = be16(rest, 2)?;
        rest = rest.get(4..).ok_or(NoUdp::Cut)?;
    }
    match ether_type {
        0x0800 | 0x86dd => ip(rest),
        _ => Err(NoUdp::Other),
    }
}

fn ip(packet: &[u8]) -> Result<Udp<'_>, NoUdp> {
    match packet.first().ok_or(NoUdp::Cut)? >> 4 {
        4 => ipv4(packet),
        6 => ipv6(packet),
        _ => Err(NoUdp::Other),
    }
}

/// RFC 791 §3.1.
fn ipv4(packet: &[u8]) -> Result<Udp<'_>, NoUdp> {
    let [first, .., protocol] = *array::<10>(packet, 0)?;
    let header = usize::from(first & 0x0f).saturating_mul(4);
    let total = usize::from(be16(packet, 2)?);
    if be16(packet, 6)? & 0x3fff != 0 {
        return Err(NoUdp::Fragment);
    }
    if protocol != UDP {
        return Err(NoUdp::Other);
    }
    let address = |at| array::<4>(packet, at).map(|octets| IpAddr::V4(Ipv4Addr::from(*octets)));
    // Segmentation offload leaves the total length open.
    let whole = if total == 0 { packet } else { packet.get(..total).ok_or(NoUdp::Cut)? };
    datagram(address(12)?, address(16)?, whole.get(header.max(20)..).ok_or(NoUdp::Cut)?)
}

/// RFC 8200 §3 and §4.
fn ipv6(packet: &[u8]) -> Result<Udp<'_>, NoUdp> {
    let length = usize::from(be16(packet, 4)?);
    let mut next = *packet.get(6).ok_or(NoUdp::Cut)?;
    let address = |at| array::<16>(packet, at).map(|octets| IpAddr::V6(Ipv6Addr::from(*octets)));
    let (from, to) = (address(8)?, address(24)?);
    let mut rest = packet.get(40..).ok_or(NoUdp::Cut)?;
    if length > 0 {
        rest = rest.get(..length).ok_or(NoUdp::Cut)?;
    }
    for _ in 0..MOST_EXTENSIONS {
        let units = |at| rest.get(at).map(|units| usize::from(*units)).ok_or(NoUdp::Cut);
        let header = match next {
            UDP => return datagram(from, to, rest),
            HOP_BY_HOP | ROUTING | DESTINATION => units(1)?.saturating_add(1).saturating_mul(8),
            AUTHENTICATION => units(1)?.saturating_add(2).saturating_mul(4),
            FRAGMENT => return Err(NoUdp::Fragment),
            _ => return Err(NoUdp::Other),
        };
        next = *rest.first().ok_or(NoUdp::Cut)?;
        rest = rest.get(header..).ok_or(NoUdp::Cut)?;
    }
    Err(NoUdp::Other)
}

/// RFC 768.
fn datagram(from: IpAddr, to: IpAddr, bytes: &[u8]) -> Result<Udp<'_>, NoUdp> {
    let length = usize::from(be16(bytes, 4)?);
    let payload = if length == 0 { bytes.get(8..) } else { bytes.get(8..length) };
    Ok(Udp {
        from: SocketAddr::new(from, be16(bytes, 0)?),
        to: SocketAddr::new(to, be16(bytes, 2)?),
        payload: payload.ok_or(NoUdp::Cut)?,
    })
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<&[u8; N], NoUdp> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(NoUdp::Cut)
}

fn be16(bytes: &[u8], at: usize) -> Result<u16, NoUdp> {
    array::<2>(bytes, at).map(|pair| u16::from_be_bytes(*pair))
}

const LINK_NULL: u32 = 0;
const LINK_ETHERNET: u32 = 1;
const LINK_RAW_BSD: u32 = 12;
const LINK_RAW_OPENBSD: u32 = 14;
const LINK_RAW: u32 = 101;
const LINK_LOOP: u32 = 108;
const LINK_SLL: u32 = 113;
const LINK_IPV4: u32 = 228;
const LINK_IPV6: u32 = 229;
const LINK_SLL2: u32 = 276;

/// Protocol numbers of IANA.
const UDP: u8 = 17;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;

/// A provider's tag and a customer's, and two for who nests more.
const MOST_TAGS: usize = 4;
const MOST_EXTENSIONS: usize = 8;
