//! Where captured messages go: to a file as pcap, to a collector as HEP.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    net::{IpAddr, SocketAddr, UdpSocket},
    path::Path,
};

use rove_base::UnixTime;
use rove_sip::transport::Hop;

use super::{
    SipConfig,
    hep::{self, Packet},
};
use crate::node::NodeError;

/// What takes captured messages. Failures are counted in the log and stop nothing.
#[derive(Default)]
pub(super) struct Sinks {
    pcap: Option<BufWriter<File>>,
    hep: Option<(UdpSocket, u32)>,
    buffer: Vec<u8>,
    failed: bool,
}

impl Sinks {
    pub(super) fn open(config: &SipConfig) -> Result<Self, NodeError> {
        let mut sinks = Self::default();
        if let Some(path) = &config.pcap {
            sinks.pcap = Some(open_pcap(path)?);
        }
        if let Some(hep) = &config.hep {
            let any: IpAddr = if hep.collector.is_ipv4() {
                [0_u8; 4].into()
            } else {
                std::net::Ipv6Addr::UNSPECIFIED.into()
            };
            let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
            socket.set_nonblocking(true)?;
            socket.connect(hep.collector)?;
            sinks.hep = Some((socket, hep.id));
        }
        Ok(sinks)
    }

    pub(super) fn take(&mut self, at: UnixTime, hop: &Hop, sent: bool, bytes: &[u8]) {
        let (from, to) = if sent { (hop.local, hop.remote) } else { (hop.remote, hop.local) };
        let packet = Packet { at, from, to, transport: hop.transport, bytes };
        if let Some((socket, id)) = &self.hep {
            hep::write(&packet, *id, &mut self.buffer);
            // A collector that is not there is no reason to be slower.
            let _ = socket.send(&self.buffer);
        }
        if let Some(file) = &mut self.pcap {
            write_pcap(&packet, &mut self.buffer);
            let written = file.write_all(&self.buffer);
            self.complain(written.err());
        }
    }

    /// Lets what was captured be read by others.
    pub(super) fn flush(&mut self) {
        if let Some(file) = &mut self.pcap {
            let flushed = file.flush();
            self.complain(flushed.err());
        }
    }

    fn complain(&mut self, error: Option<std::io::Error>) {
        if let Some(error) = error
            && !std::mem::replace(&mut self.failed, true)
        {
            tracing::error!(target: "rove::sip", %error, "the capture cannot be written");
        }
    }
}

fn open_pcap(path: &Path) -> Result<BufWriter<File>, NodeError> {
    let fail = |source| NodeError::File { path: path.to_owned(), source };
    let mut file = BufWriter::new(File::create(path).map_err(fail)?);
    let mut head = Vec::new();
    head.extend_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
    head.extend_from_slice(&2_u16.to_le_bytes());
    head.extend_from_slice(&4_u16.to_le_bytes());
    head.extend_from_slice(&[0; 8]);
    head.extend_from_slice(&262_144_u32.to_le_bytes());
    // Packets begin with their IP header.
    head.extend_from_slice(&101_u32.to_le_bytes());
    file.write_all(&head).map_err(fail)?;
    Ok(file)
}

/// One record: the message as a datagram between its two ends. Messages of streams are written so too, already
/// deciphered: there is no stream to follow, and readers find SIP by its ports.
fn write_pcap(packet: &Packet<'_>, out: &mut Vec<u8>) {
    out.clear();
    let payload = packet.bytes.get(..MAX_PAYLOAD).unwrap_or(packet.bytes);
    let udp_len = payload.len() + 8;
    let mut ip = Vec::with_capacity(udp_len + 40);
    match (packet.from.ip(), packet.to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            ip.extend_from_slice(&[0x45, 0]);
            ip.extend_from_slice(&short(udp_len + 20));
            ip.extend_from_slice(&[0, 0, 0x40, 0, 64, 17, 0, 0]);
            ip.extend_from_slice(&from.octets());
            ip.extend_from_slice(&to.octets());
            let sum = checksum(&ip).to_be_bytes();
            ip.splice(10..12, sum);
        }
        (from, to) => {
            let six = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            ip.extend_from_slice(&[0x60, 0, 0, 0]);
            ip.extend_from_slice(&short(udp_len));
            ip.extend_from_slice(&[17, 64]);
            ip.extend_from_slice(&six(from));
            ip.extend_from_slice(&six(to));
        }
    }
    ip.extend_from_slice(&packet.from.port().to_be_bytes());
    ip.extend_from_slice(&packet.to.port().to_be_bytes());
    ip.extend_from_slice(&short(udp_len));
    ip.extend_from_slice(&[0, 0]);
    ip.extend_from_slice(payload);
    let word = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    out.extend_from_slice(&word(packet.at.as_secs()));
    out.extend_from_slice(&word(packet.at.as_nanos() % 1_000_000_000 / 1_000));
    out.extend_from_slice(&word(ip.len() as u64));
    out.extend_from_slice(&word(ip.len() as u64));
    out.extend_from_slice(&ip);
}

fn short(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes()
}

fn checksum(header: &[u8]) -> u16 {
    let words = header.chunks(2).map(|pair| match *pair {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        _ => 0,
    });
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or(0)
}

/// Bytes of a message that fit one datagram.
const MAX_PAYLOAD: usize = 65_000;
