//! A capture file of messages that a wire would carry: M3UA in SCTP in IPv4, each message a packet of its own.

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

use crate::{
    messages, pair,
    pcap::{M3UA, fields, pcap},
    transactions,
};

#[test]
fn a13_tshark_finds_every_message_of_map_and_nothing_malformed() {
    let Some(tshark) = peer("tshark") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("map.pcap");
    std::fs::write(&file, pcap(M3UA, &messages(pair(Map::new)))).unwrap();
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
    std::fs::write(&file, pcap(M3UA, &messages(pair(Map::new)))).unwrap();
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
fn a13_tshark_finds_every_message_of_ansi_41_and_nothing_it_minds_but_the_private_parameter() {
    let Some(tshark) = peer("tshark") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ansi41.pcap");
    std::fs::write(&file, pcap(M3UA, &messages(pair(Ansi41::new)))).unwrap();
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
    std::fs::write(&file, pcap(M3UA, &without_private(&messages(pair(Ansi41::new))))).unwrap();
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
