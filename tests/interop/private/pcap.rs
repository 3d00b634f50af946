//! A capture file of messages that a wire would carry, in SCTP in IPv4, each message a packet of its own; and what tshark
//! says of it.

use std::{path::Path, process::Command};

/// The columns of the frames that pass the filter.
pub(crate) fn fields(tshark: &Path, file: &Path, filter: &str, columns: &[&str]) -> Vec<String> {
    let mut command = Command::new(tshark);
    command.arg("-r").arg(file).args(["-Y", filter, "-T", "fields", "-n", "-2"]);
    for column in columns {
        command.args(["-e", column]);
    }
    let output = command.output().expect("tshark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// The file: packets a millisecond apart, home and visited network at 192.0.2.1 and 192.0.2.2; `protocol` is the
/// payload protocol identifier.
pub(crate) fn pcap(protocol: u32, messages: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut numbers = [0_u32; 2];
    file(messages.iter().map(|(sender, message)| {
        numbers[*sender] += 1;
        packet(protocol, *sender, numbers[*sender], message)
    }))
}

/// A file of these packets of IPv4.
pub(crate) fn file(packets: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    file_of(LINKTYPE_RAW, packets)
}

/// A file of these frames of a kind of link.
pub(crate) fn file_of(link: u32, packets: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut file = Vec::new();
    for number in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0xffff, link] {
        file.extend_from_slice(&u32::to_le_bytes(number));
    }
    for (index, packet) in packets.enumerate() {
        let len = u32::try_from(packet.len()).unwrap();
        for number in [1_700_000_000, u32::try_from(index).unwrap() * 1_000, len, len] {
            file.extend_from_slice(&number.to_le_bytes());
        }
        file.extend_from_slice(&packet);
    }
    file
}

/// RFC 9260: one DATA chunk whose payload is the message.
fn packet(protocol: u32, sender: usize, number: u32, message: &[u8]) -> Vec<u8> {
    let mut chunk = vec![0, 3];
    chunk.extend_from_slice(&u16::try_from(message.len() + 16).unwrap().to_be_bytes());
    chunk.extend_from_slice(&number.to_be_bytes());
    chunk.extend_from_slice(&[0, 0]);
    chunk.extend_from_slice(&u16::try_from(number - 1).unwrap().to_be_bytes());
    chunk.extend_from_slice(&protocol.to_be_bytes());
    chunk.extend_from_slice(message);
    chunk.resize(chunk.len().next_multiple_of(4), 0);

    let ports = [PORT, PORT + 1];
    let mut sctp = [ports[sender].to_be_bytes(), ports[1 - sender].to_be_bytes()].concat();
    // Each end's packets carry the other's verification tag.
    sctp.extend_from_slice(&[0x0102_0304_u32, 0x0506_0708][sender].to_be_bytes());
    sctp.extend_from_slice(&[0; 4]);
    sctp.extend_from_slice(&chunk);
    let sum = crc32c(&sctp).to_le_bytes();
    sctp[8..12].copy_from_slice(&sum);

    ip(SCTP, sender, &sctp)
}

/// A packet of IPv4 from one of the two to the other.
pub(crate) fn ip(protocol: u8, sender: usize, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len() + 20).unwrap().to_be_bytes();
    let ends = [[192, 0, 2, 1], [192, 0, 2, 2]];
    let mut ip = vec![0x45, 0, len[0], len[1], 0, 0, 0, 0, 64, protocol, 0, 0];
    ip.extend_from_slice(&ends[sender]);
    ip.extend_from_slice(&ends[1 - sender]);
    let sum = ip.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum::<u32>();
    let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    ip.extend_from_slice(payload);
    ip
}

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

const LINKTYPE_RAW: u32 = 101;
const SCTP: u8 = 132;
/// None of those that a dissector claims for itself.
const PORT: u16 = 29_050;
/// The payload protocol identifier of M3UA.
pub(crate) const M3UA: u32 = 3;
/// That of Diameter.
pub(crate) const DIAMETER: u32 = 46;
