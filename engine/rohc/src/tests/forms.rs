//! Every form of header is used where it should be, and is as long as RFC 3095 §5.7 draws it.

use std::collections::BTreeMap;

use super::{
    Link,
    voice::{KINDS, Kind, Voice},
};
use crate::{Config, Mode};

/// The form of a packet on context 0 of small identifiers.
fn form(wire: &[u8], sequential: bool) -> &'static str {
    match (wire[0], sequential) {
        (0..=0x7f, _) => "UO-0",
        (0x80..=0xbf, false) => "UO-1",
        (0x80..=0x9f, true) => "UO-1-ID",
        (0xa0..=0xbf, true) => "UO-1-TS",
        (0xc0..=0xdf, _) => match (wire[2] & 0x80 != 0).then(|| wire[3] >> 6) {
            None if !sequential => "UOR-2",
            None if wire[1] & 0x80 != 0 => "UOR-2-TS",
            None => "UOR-2-ID",
            Some(0) => "UOR-2 with extension 0",
            Some(1) => "UOR-2 with extension 1",
            Some(2) => "UOR-2 with extension 2",
            Some(_) => "UOR-2 with extension 3",
        },
        (0xfd, _) => "IR",
        (0xf8, _) => "IR-DYN",
        _ => "another",
    }
}

#[test]
fn all_forms_are_used_and_understood() {
    let mut used = BTreeMap::new();
    for kind in KINDS {
        for seed in 0..20 {
            let mut link = Link::new(Config { loss_run: 3, ..Config::default() }, Mode::Unidirectional);
            let mut voice = Voice::new(kind, seed);
            voice.eventful = true;
            for _ in 0..5_000 {
                let packet = voice.next();
                link.send(&packet);
                link.arrive(&packet).unwrap();
                let sequential = matches!(kind, Kind::V4 | Kind::V4Checksum);
                if sequential || matches!(kind, Kind::V6) {
                    *used.entry(form(&link.wire, sequential)).or_insert(0) += 1;
                }
            }
        }
    }
    println!("{used:?}");
    let expected = [
        "IR",
        "IR-DYN",
        "UO-0",
        "UO-1",
        "UO-1-ID",
        "UO-1-TS",
        "UOR-2",
        "UOR-2 with extension 0",
        "UOR-2 with extension 1",
        "UOR-2 with extension 2",
        "UOR-2 with extension 3",
        "UOR-2-ID",
        "UOR-2-TS",
    ];
    assert!(expected.iter().all(|form| used.contains_key(form)), "{used:?}");
}

#[test]
fn timestamps_and_numbers_that_wrap_are_understood() {
    for kind in KINDS {
        for stride in [160, 256, 960] {
            let mut link = Link::new(Config::default(), Mode::Unidirectional);
            let mut voice = Voice::new(kind, 4);
            (voice.stride, voice.pauses) = (stride, false);
            (voice.sn, voice.ts) = (u16::MAX - 100, u32::MAX - 200 * stride);
            let mut longest = 0;
            for n in 0..1_000 {
                let packet = voice.next();
                let header = link.send(&packet);
                link.arrive(&packet).unwrap();
                // Neither wrap costs anything: the timestamp follows from the number.
                longest = longest.max(if (50..400).contains(&n) { header } else { 0 });
            }
            let swapped = kind == Kind::V4Swapped;
            assert!(longest <= 5 || swapped, "{kind:?}, {stride}: {longest}");
        }
    }
}
