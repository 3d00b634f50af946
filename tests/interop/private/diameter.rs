//! Every operation on Diameter, as tshark reads it.

use rove_roam::{Operation, private::diameter::message};
use rove_tests::{
    private::{HOME, exchanges, partner},
    programs::peer,
};

use crate::{
    diameters,
    pcap::{DIAMETER, fields, pcap},
};

/// Every message that every operation takes: who sent it, and its bytes.
fn messages() -> Vec<(usize, Vec<u8>)> {
    let mut pair = diameters();
    pair.wire = Some(Vec::new());
    exchanges().iter().for_each(|exchange| pair.converse(exchange));
    pair.ask(HOME, Operation::Reset { hlr: partner(HOME).title });
    pair.exchange();
    let mut messages = Vec::new();
    for (sender, bytes) in pair.wire.take().unwrap() {
        let mut rest = bytes.as_slice();
        while let Some(len) = message::length(rest).unwrap() {
            let (message, after) = rest.split_at(len);
            messages.push((sender, message.to_vec()));
            rest = after;
        }
        assert_eq!(rest, b"");
    }
    messages
}

#[test]
fn every_operation_and_every_answer_comes_through_on_diameter() {
    // Each exchange asks and answers, what is inserted goes into answers, and the reset has an answer here.
    assert_eq!(messages().len(), 2 * exchanges().len() + 2);
}

#[test]
fn a14_tshark_finds_every_message_of_diameter_and_nothing_malformed() {
    let Some(tshark) = peer("tshark") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("diameter.pcap");
    std::fs::write(&file, pcap(DIAMETER, &messages())).unwrap();
    let rows = fields(&tshark, &file, "diameter", &["frame.protocols", "_ws.col.Info"]);
    let text = rows.join("\n");
    for name in [
        "3GPP-Authentication-Information Request",
        "3GPP-Authentication-Information Answer",
        "3GPP-Update-Location Request",
        "3GPP-Update-Location Answer",
        "3GPP-Insert-Subscriber-Data Request",
        "3GPP-Delete-Subscriber-Data Request",
        "3GPP-Cancel-Location Request",
        "3GPP-Purge-UE Request",
        "3GPP-Reset Request",
        "3GPP-Reset Answer",
    ] {
        assert!(text.contains(name), "no \"{name}\" in\n{text}");
    }
    println!("diameter: {} frames", rows.len());
    assert_eq!(rows.len(), 2 * exchanges().len() + 2, "{text}");
    let wrong = "_ws.malformed or (_ws.expert.severity == error)";
    let malformed = fields(&tshark, &file, wrong, &["frame.number", "_ws.expert.message", "_ws.col.Info"]);
    assert_eq!(malformed, Vec::<String>::new());
    for (filter, column, expected) in [
        ("diameter.cmd.code == 316 && diameter.flags.request == 1", "diameter.User-Name", "001010000000001"),
        ("diameter.cmd.code == 318 && diameter.flags.request == 1", "e212.mcc", "2"),
        ("diameter.cmd.code == 316 && diameter.flags.request == 0", "e164.msisdn", "4917712345"),
        ("diameter.cmd.code == 318 && diameter.flags.request == 0", "diameter.RAND", "01010101"),
    ] {
        let rows = fields(&tshark, &file, filter, &[column]);
        let found = rows.iter().any(|row| row.replace(':', "").contains(expected));
        assert!(found, "{filter}: {column} is {rows:?}");
    }
}
