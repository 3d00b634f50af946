use proptest::{collection::vec, prelude::*};

use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn names_are_read_as_rfc1035_4_1_4_packs_them() {
    let mut message = vec![0; Header::LEN];
    message.extend_from_slice(b"\x01F\x03ISI\x04ARPA\x00"); // at 12
    message.extend_from_slice(b"\x03FOO\xc0\x0c"); // at 24
    message.extend_from_slice(b"\xc0\x12\x00"); // at 30: ARPA, then the root
    let cases: &[(&str, usize, Result<&str, WireError>, usize)] = &[
        ("uncompressed, lowered", 12, Ok("f.isi.arpa."), 24),
        ("labels, then a pointer", 24, Ok("foo.f.isi.arpa."), 30),
        ("a pointer alone", 30, Ok("arpa."), 32),
        ("the root", 32, Ok("."), 33),
        ("past the end", 33, Err(WireError::Truncated("name")), 33),
        ("into the header", 11, Ok("."), 12),
    ];
    for &(what, at, expected, end) in cases {
        let mut reader = Reader::starting_at(&message, at);
        assert_eq!(
            reader.name().map(|name| name.to_name().to_string()),
            expected.map(str::to_owned),
            "{what}"
        );
        assert_eq!(reader.position(), end, "{what}");
    }
}

#[test]
fn bad_names_are_told_apart() {
    let long: Vec<u8> = [&[63_u8; 64][..]; 4].concat();
    let cases: &[(&str, &[u8], WireError)] = &[
        ("a pointer to itself", b"\xc0\x0c", WireError::Pointer),
        ("a pointer forwards", b"\xc0\x0e\x00", WireError::Pointer),
        ("a pointer into the header", b"\xc0\x04", WireError::Pointer),
        ("label kind 01", b"\x41a\x00", WireError::Label),
        ("label kind 10", b"\x80", WireError::Label),
        ("cut inside a label", b"\x05ab", WireError::Truncated("name")),
        ("256 bytes", &long, WireError::LongName),
    ];
    for (what, bytes, expected) in cases {
        let message = [&[0; Header::LEN], *bytes].concat();
        let read = Reader::starting_at(&message, Header::LEN).name();
        assert_eq!(read.map(|_| ()), Err(*expected), "{what}");
    }
}

#[test]
fn names_compare_without_case_and_by_whole_labels() {
    assert_eq!(name("Bob.Home.EXAMPLE"), name("bob.home.example."));
    assert!(name("bob.home.example").is_within(&name("home.example")));
    assert!(!name("bobhome.example").is_within(&name("home.example")));
    assert!(name("home.example").is_within(&name("home.example")));
    assert!(name("home.example").is_within(&Name::root()));
    assert_eq!(name("a\\.b.example").labels(), 2);
    assert_eq!(name("a\\.b.example").to_string(), "a\\.b.example.");
}

#[test]
fn texts_that_are_no_names_are_refused() {
    let long_label = "a".repeat(64);
    let long_name = ["a".repeat(63).as_str(); 4].join(".");
    for text in ["a..b", long_label.as_str(), long_name.as_str()] {
        assert!(matches!(text.parse::<Name>(), Err(NameError::Text { .. })), "{text}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics_nor_reads_past_the_end(bytes in vec(any::<u8>(), 0..300), at in 0..320_usize) {
        let mut reader = Reader::starting_at(&bytes, at);
        if reader.name().is_ok() {
            prop_assert!(reader.position() <= bytes.len());
        }
        let mut reader = Reader::new(&bytes);
        let _ = reader.header();
        let _ = reader.question();
        while reader.record().is_ok() {
            prop_assert!(reader.position() <= bytes.len());
        }
    }

    #[test]
    fn what_is_displayed_parses_back(labels in vec(vec(any::<u8>(), 1..12), 0..6)) {
        let mut wire = Vec::new();
        for label in &labels {
            wire.push(label.len() as u8);
            wire.extend_from_slice(label);
        }
        wire.push(0);
        let name = Name::from_wire(&wire).unwrap();
        prop_assert_eq!(name.to_string().parse::<Name>().unwrap(), name);
    }
}
