//! A capture file of messages that a wire would carry: M3UA in SCTP in IPv4, each message a packet of its own.

use std::{path::Path, process::Command};

use rove_roam::private::{
    ansi41::{
        Ansi41,
        package::{Answer, Package, query, response},
    },
    ber::{Reader, Tag, Writer},
    m3ua,
    map::Map,
    sccp::{self, Address, address},
};
use rove_tests::{
    private::{HOME, VISITED, partner},
    programs::peer,
};

use crate::{messages, pair, transactions};

#[test]
fn tshark_finds_every_message_of_map_and_nothing_malformed() {
    let Some(tshark) = peer("tshark") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("map.pcap");
    std::fs::write(&file, pcap(&messages(pair(Map::new)))).unwrap();
    let rows = fields(&tshark, &file, "gsm_map", &["frame.protocols", "_ws.col.Info"]);
    let text = rows.join("\n");
    for name in [
        "invoke sendAuthenticationInfo",
        "returnResultLast sendAuthenticationInfo",
        "invoke updateLocation",
        "returnResultLast updateLocation",
        "invoke insertSubscriberData",
        "invoke deleteSubscriberData",
        "invoke cancelLocation",
        "invoke purgeMS",
        "invoke restoreData",
        "invoke reset",
        "returnError",
    ] {
        assert!(text.contains(name), "no \"{name}\" in\n{text}");
    }
    assert!(rows.iter().all(|row| row.contains("m3ua:sccp:tcap:gsm_map")), "{text}");
    // All that carries a component: each exchange asks and answers, three of them more, and the reset asks.
    println!("gsm_map: {} frames", rows.len());
    assert!(rows.len() >= 46, "{} frames\n{text}", rows.len());
    let wrong = "_ws.malformed or (_ws.expert.severity == error)";
    let malformed = fields(&tshark, &file, wrong, &["frame.number", "_ws.expert.message", "_ws.col.Info"]);
    assert_eq!(malformed, Vec::<String>::new());
}

#[test]
fn tshark_reads_the_fields_that_the_standard_has_as_they_were_meant() {
    let Some(tshark) = peer("tshark") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("map.pcap");
    std::fs::write(&file, pcap(&messages(pair(Map::new)))).unwrap();
    for (filter, column, expected) in [
        ("gsm_old.localValue == 2 && gsm_map.ms.vlr_Number", "e164.msisdn", "33600000002"),
        ("gsm_old.localValue == 56", "e212.imsi", "001010000000001"),
        ("gsm_old.localValue == 7", "e212.imsi", "001010000000001"),
        ("sccp", "sccp.called.digits", "491770000001"),
    ] {
        let rows = fields(&tshark, &file, filter, &[column]);
        assert!(rows.iter().any(|row| row.contains(expected)), "{filter}: {column} is {rows:?}");
    }
}

#[test]
fn tshark_finds_every_message_of_ansi_41_and_nothing_it_minds_but_the_private_parameter() {
    let Some(tshark) = peer("tshark") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ansi41.pcap");
    std::fs::write(&file, pcap(&messages(pair(Ansi41::new)))).unwrap();
    let rows = fields(&tshark, &file, "ansi_map", &["frame.protocols", "_ws.col.Info", "_ws.expert.message"]);
    let text = rows.join("\n");
    for name in [
        "Authentication Request Invoke",
        "Authentication Request ReturnResult",
        "Authentication Request ReturnError",
        "Registration Notification Invoke",
        "Registration Notification ReturnResult",
        "Qualification Directive Invoke",
        "Qualification Request Invoke",
        "Registration Cancellation Invoke",
        "MS Inactive Invoke",
        "Unreliable Roamer Data Directive Invoke",
    ] {
        assert!(text.contains(name), "no \"{name}\" in\n{text}");
    }
    assert!(rows.iter().all(|row| row.contains("m3ua:sccp:tcap:ansi_tcap:ansi_map")), "{text}");
    println!("ansi_map: {} frames", rows.len());
    assert!(rows.len() >= 46, "{} frames\n{text}", rows.len());
    // The one private parameter is named; tshark itself has no dissector for two of the answers, even empty ones.
    let minded = rows.iter().filter_map(|row| row.split('\t').nth(2)).flat_map(|row| row.split(','));
    let known = ["", "BER Error: Unknown field in SET class:CONTEXT(2) tag:16256", "Unknown invokeData blob"];
    let other: Vec<&str> = minded.filter(|message| !known.contains(message)).collect();
    assert_eq!(other, Vec::<&str>::new(), "{text}");
}

#[test]
fn tshark_finds_nothing_malformed_in_ansi_41_beside_the_private_parameter() {
    let Some(tshark) = peer("tshark") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ansi41.pcap");
    std::fs::write(&file, pcap(&without_private(&messages(pair(Ansi41::new))))).unwrap();
    assert!(fields(&tshark, &file, "ansi_map", &["frame.number"]).len() >= 46);
    let wrong = "_ws.malformed or (_ws.expert.severity == error)";
    let malformed = fields(&tshark, &file, wrong, &["frame.number", "_ws.expert.message", "_ws.col.Info"]);
    assert_eq!(malformed, Vec::<String>::new());
}

/// The same messages as those who know the standard alone would send them.
fn without_private(messages: &[(usize, Vec<u8>)]) -> Vec<(usize, Vec<u8>)> {
    let copy = |parameters: &[u8], out: &mut Writer<'_>| {
        let mut parameters = Reader::new(parameters);
        while let Some((tag, value)) = parameters.take().unwrap() {
            if tag != Tag::long(16_256).nested() {
                out.value(tag, value);
            }
        }
    };
    let strip = |(sender, package): (usize, Vec<u8>)| {
        let mut out = Vec::new();
        match Package::parse(&package).unwrap() {
            Package::Query { origin, operation, parameters, .. } => {
                query(&mut out, origin, operation, |out| copy(parameters, out));
            }
            Package::Response { destination, answer: Answer::Result(parameters) } => {
                response(&mut out, (destination, 1), None, |out| copy(parameters, out));
            }
            Package::Response { destination, answer: Answer::Error(code, parameters) } => {
                response(&mut out, (destination, 1), Some(code), |out| copy(parameters, out));
            }
            package => panic!("{package:?}"),
        }
        let ends = [
            Address::new(partner(HOME).title, address::HLR),
            Address::new(partner(VISITED).title, address::VLR),
        ];
        let mut message = Vec::new();
        let codes = if sender == HOME.0 { (1, 2) } else { (2, 1) };
        let write = |unit: &[u8]| m3ua::write_data(&mut message, codes, unit);
        assert!(sccp::write(&ends[1 - sender], &ends[sender], &out, 1, write));
        (sender, message)
    };
    transactions(messages).into_iter().map(strip).collect()
}

fn fields(tshark: &Path, file: &Path, filter: &str, columns: &[&str]) -> Vec<String> {
    let mut command = Command::new(tshark);
    command.arg("-r").arg(file).args(["-Y", filter, "-T", "fields", "-n", "-2"]);
    for column in columns {
        command.args(["-e", column]);
    }
    let output = command.output().expect("tshark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// The file: packets a millisecond apart, home and visited network at 192.0.2.1 and 192.0.2.2.
pub(crate) fn pcap(messages: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for number in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0xffff, LINKTYPE_RAW] {
        file.extend_from_slice(&u32::to_le_bytes(number));
    }
    let mut numbers = [0_u32; 2];
    for (index, (sender, message)) in messages.iter().enumerate() {
        numbers[*sender] += 1;
        let packet = packet(*sender, numbers[*sender], message);
        let len = u32::try_from(packet.len()).unwrap();
        for number in [1_700_000_000, u32::try_from(index).unwrap() * 1_000, len, len] {
            file.extend_from_slice(&number.to_le_bytes());
        }
        file.extend_from_slice(&packet);
    }
    file
}

/// RFC 9260: one DATA chunk whose payload is M3UA.
fn packet(sender: usize, number: u32, message: &[u8]) -> Vec<u8> {
    let mut chunk = vec![0, 3];
    chunk.extend_from_slice(&u16::try_from(message.len() + 16).unwrap().to_be_bytes());
    chunk.extend_from_slice(&number.to_be_bytes());
    chunk.extend_from_slice(&[0, 0]);
    chunk.extend_from_slice(&u16::try_from(number - 1).unwrap().to_be_bytes());
    chunk.extend_from_slice(&M3UA.to_be_bytes());
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

    let len = u16::try_from(sctp.len() + 20).unwrap().to_be_bytes();
    let ends = [[192, 0, 2, 1], [192, 0, 2, 2]];
    let mut ip = vec![0x45, 0, len[0], len[1], 0, 0, 0, 0, 64, SCTP, 0, 0];
    ip.extend_from_slice(&ends[sender]);
    ip.extend_from_slice(&ends[1 - sender]);
    let sum = ip.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum::<u32>();
    let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    ip.extend_from_slice(&sctp);
    ip
}

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

const LINKTYPE_RAW: u32 = 101;
const SCTP: u8 = 132;
const PORT: u16 = 2_905;
/// The payload protocol identifier.
const M3UA: u32 = 3;
