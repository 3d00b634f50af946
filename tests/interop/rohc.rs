//! Compressed headers as tshark reads them: the kinds of packets, their numbers, timestamps and marks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test did not expect must be loud"
)]

use std::{collections::BTreeMap, path::Path};

use rove_rohc::{Acknowledgement, Cids, Compressor, Config, Feedback, Mode, RtpFlow};
use rove_tests::programs::peer;

#[allow(dead_code, reason = "shared with tests that use the rest")]
#[path = "private/pcap.rs"]
mod pcap;

/// What a packet was made of, and what it became.
struct Sent {
    sn: u16,
    ts: u32,
    marker: bool,
    ip_id: u16,
    wire: Vec<u8>,
}

/// A voice stream with pauses, marks, a jump of the number and another payload type.
fn stream(from: &str, to: &str) -> Vec<Sent> {
    let flow = RtpFlow::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
    let mut compressor = Compressor::new(Config { loss_run: 3, ..Config::default() });
    let (mut sn, mut ts, mut id) = (65_000_u16, 0xffff_0000_u32, 7_u16);
    let mut sent = Vec::new();
    for n in 0..1_500_u32 {
        let pause = n > 20 && n % 50 == 0;
        sn = sn.wrapping_add(if n % 170 == 169 { 40 } else { 1 });
        let steps = if !pause {
            1
        } else if n % 100 == 0 {
            n
        } else {
            12
        };
        ts = ts.wrapping_add(160 * steps);
        id = id.wrapping_add(if n % 90 == 89 { 5 } else { 1 });
        let mut rtp = vec![0x80, if pause { 0x80 } else { 0 } | if n > 900 { 8 } else { 0 }];
        rtp.extend_from_slice(&sn.to_be_bytes());
        rtp.extend_from_slice(&ts.to_be_bytes());
        rtp.extend_from_slice(&[1, 2, 3, 4]);
        rtp.resize(32, 0xaa);
        let mut packet = Vec::new();
        flow.packet(&rtp, &mut packet).unwrap();
        if packet[0] == 0x45 {
            identify(&mut packet, id);
        }
        let mut wire = Vec::new();
        compressor.compress(&packet, &mut wire).unwrap();
        sent.push(Sent { sn, ts, marker: pause, ip_id: id, wire });
    }
    sent
}

/// Gives an IPv4 packet another identification.
fn identify(packet: &mut [u8], id: u16) {
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    packet[10..12].fill(0);
    let words = packet[..20].chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum = words.sum::<u32>();
    let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// What tshark has to say of a packet: its kind, number, timestamp, mark and identification, as far as they are in it.
fn expected(sent: &Sent, v4: bool) -> Vec<String> {
    let Sent { sn, ts, marker, ip_id, wire } = sent;
    let scaled = ts / 160;
    let offset = ip_id.wrapping_sub(*sn);
    let mark = u8::from(*marker).to_string();
    let (kind, number, time, mark, id) = match wire[0] {
        0xfd => (
            "IR packet",
            sn.to_string(),
            ts.to_string(),
            mark,
            if v4 { ip_id.to_string() } else { String::new() },
        ),
        0xf8 => (
            "IR-DYN packet",
            sn.to_string(),
            ts.to_string(),
            mark,
            if v4 { ip_id.to_string() } else { String::new() },
        ),
        0..=0x7f => ("UO-0", (sn & 15).to_string(), String::new(), String::new(), String::new()),
        0x80..=0xbf if !v4 => ("UO-1", (sn & 15).to_string(), (scaled & 63).to_string(), mark, String::new()),
        0x80..=0x9f => {
            ("UO-1-ID", (sn & 15).to_string(), String::new(), String::new(), (offset & 31).to_string())
        }
        0xa0..=0xbf => ("UO-1-TS", (sn & 15).to_string(), (scaled & 31).to_string(), mark, String::new()),
        _ => return second_kind(sent, v4),
    };
    vec![kind.to_owned(), number, time, mark, id]
}

/// UOR-2: where there is an extension, the base header has the upper bits only, so its kind and mark are compared.
fn second_kind(sent: &Sent, v4: bool) -> Vec<String> {
    let Sent { sn, ts, marker, ip_id, wire } = sent;
    let extended = wire[2] & 0x80 != 0;
    let carries_ts = !v4 || wire[1] & 0x80 != 0;
    let kind = match (v4, carries_ts) {
        (false, _) => "UOR-2",
        (true, true) => "UOR-2-TS",
        (true, false) => "UOR-2-ID",
    };
    let mark = u8::from(*marker).to_string();
    if extended {
        return vec![kind.to_owned(), "*".to_owned(), "*".to_owned(), mark, "*".to_owned()];
    }
    let bits = if v4 { 31 } else { 63 };
    let time = if carries_ts { ((ts / 160) & bits).to_string() } else { String::new() };
    let id = if carries_ts { String::new() } else { (ip_id.wrapping_sub(*sn) & 31).to_string() };
    vec![kind.to_owned(), (sn & 63).to_string(), time, mark, id]
}

/// Each frame as tshark has it, in the same columns.
fn read(tshark: &Path, wires: impl Iterator<Item = Vec<u8>>, folder: &Path) -> Vec<Vec<String>> {
    let frames = wires.map(|wire| [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x22, 0xf1][..], &wire].concat());
    let file = folder.join("rohc.pcap");
    std::fs::write(&file, pcap::file_of(ETHERNET, frames)).unwrap();
    let columns = [
        "_ws.col.Info",
        "rohc.rtp.sn",
        "rohc.comp.sn",
        "rohc.rtp.timestamp",
        "rohc.tp",
        "rohc.rtp.m",
        "rohc.rtp.id",
        "rohc.comp_ip_id",
    ];
    let rows = pcap::fields(tshark, &file, "rohc and not rohc.feedback", &columns);
    rows.iter()
        .map(|row| {
            let mut cells = row.split('\t').map(str::to_owned);
            let mut cell = || decimal(cells.next().unwrap_or_default());
            let kind = cell();
            let kind = kind.split(" (").next().unwrap().trim().to_owned();
            vec![kind, cell() + &cell(), cell() + &cell(), cell(), cell() + &cell()]
        })
        .collect()
}

/// A number as tshark shows it, which is in hexadecimal for some fields.
fn decimal(cell: String) -> String {
    match cell.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).map_or(cell.clone(), |number| number.to_string()),
        None => cell,
    }
}

#[test]
fn b17_tshark_reads_the_kinds_numbers_timestamps_and_marks_that_were_written() {
    let Some(tshark) = peer("tshark") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [("192.0.2.1:4000", "192.0.2.2:5000"), ("[2001:db8::1]:4000", "[2001:db8::2]:5000")] {
        let v4 = !from.starts_with('[');
        let sent = stream(from, to);
        // tshark leaves off IPv6's dynamic chain before the mode; feedback tells it as well.
        let mut mode = Vec::new();
        let told = Some(Mode::Unidirectional);
        let ack = Acknowledgement::Ack;
        Feedback { cid: 0, acknowledgement: ack, mode: told, sn: None }.write(Cids::Small(15), &mut mode);
        let mut wires: Vec<Vec<u8>> = sent.iter().map(|sent| sent.wire.clone()).collect();
        wires.insert(1, mode);
        let rows = read(&tshark, wires.into_iter(), folder.path());
        assert_eq!(rows.len(), sent.len());
        let mut kinds = BTreeMap::new();
        for (index, (row, sent)) in rows.iter().zip(&sent).enumerate() {
            let expected = expected(sent, v4);
            *kinds.entry(expected[0].clone()).or_insert(0) += 1;
            let chain = !v4 && wire_is_initial(&sent.wire);
            let same = row
                .iter()
                .zip(&expected)
                .enumerate()
                .all(|(column, (theirs, ours))| ours == "*" || chain && column > 0 || theirs == ours);
            assert!(same, "packet {index}: {row:?} instead of {expected:?}, {:02x?}", sent.wire);
        }
        println!("{from}: {kinds:?}");
        assert!(kinds.len() >= if v4 { 6 } else { 4 }, "{kinds:?}");
    }
}

fn wire_is_initial(wire: &[u8]) -> bool {
    wire[0] >= 0xf8
}

#[test]
fn tshark_reads_feedback_as_it_was_meant() {
    let Some(tshark) = peer("tshark") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut wires = vec![stream("192.0.2.1:4000", "192.0.2.2:5000").remove(0).wire];
    for acknowledgement in [Acknowledgement::Ack, Acknowledgement::Nack, Acknowledgement::StaticNack] {
        let mut wire = Vec::new();
        let mode = Some(Mode::Optimistic);
        Feedback { cid: 0, acknowledgement, mode, sn: Some((0x1234, 16)) }.write(Cids::Small(15), &mut wire);
        wires.push(wire);
    }
    let frames =
        wires.into_iter().map(|wire| [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x22, 0xf1][..], &wire].concat());
    let file = folder.path().join("feedback.pcap");
    std::fs::write(&file, pcap::file_of(ETHERNET, frames)).unwrap();
    let rows =
        pcap::fields(&tshark, &file, "rohc.feedback", &["rohc.acktype", "rohc.mode", "rohc.opt.sn_add_bits"]);
    assert_eq!(rows, ["0\t2\t0x34", "1\t2\t0x34", "2\t2\t0x34"]);
}

/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;
