use proptest::{collection::vec, prelude::*};

use super::*;

#[test]
fn values_read_as_x690_writes_them() {
    type Row<'a> = (&'a str, &'a [u8], Result<Option<(Tag, &'a [u8])>, BerError>);
    let cases: &[Row<'_>] = &[
        ("nothing", &[], Ok(None)),
        ("§8.1.3.4 short length", &[0x04, 2, 7, 8], Ok(Some((Tag::OCTET_STRING, &[7, 8])))),
        ("§8.1.3.5 long length", &[0x04, 0x81, 2, 7, 8], Ok(Some((Tag::OCTET_STRING, &[7, 8])))),
        ("§8.1.3.6 indefinite", &[0x30, 0x80, 5, 0, 0, 0], Ok(Some((Tag::SEQUENCE, &[5, 0])))),
        ("indefinite, primitive", &[0x04, 0x80, 0, 0], Err(BerError::Form)),
        ("§8.1.2.4 long tag", &[0x9f, 0x81, 0x72, 1, 9], Ok(Some((Tag::long(242), &[9])))),
        ("cut in the length", &[0x04], Err(BerError::Truncated)),
        ("cut in the value", &[0x04, 3, 1], Err(BerError::Truncated)),
        ("a length of five octets", &[0x04, 0x85, 0, 0, 0, 0, 0], Err(BerError::Form)),
    ];
    for &(what, bytes, expected) in cases {
        assert_eq!(Reader::new(bytes).take(), expected, "{what}");
    }
}

#[test]
fn nobody_leads_the_reader_deeper_than_its_limit() {
    let bytes = [0x30, 0x80].repeat(100_000);
    assert_eq!(Reader::new(&bytes).take(), Err(BerError::Depth));
}

#[test]
fn a_field_is_found_past_others_and_its_absence_passes_nothing() {
    let mut reader = Reader::new(&[0x80, 1, 1, 0x8f, 1, 2, 0x81, 1, 3]);
    assert_eq!(reader.field(Tag::context(1)), Ok(Some(&[3][..])));
    let mut reader = Reader::new(&[0x80, 1, 1]);
    assert_eq!(reader.field(Tag::context(5)), Ok(None));
    assert_eq!(reader.need(Tag::context(0)), Ok(&[1][..]));
    assert_eq!(reader.need(Tag::context(0)), Err(BerError::Missing(Tag::context(0))));
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in vec(any::<u8>(), 0..70_000), number in any::<u64>(), tag in 0_u32..0x20_0000) {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.nest(Tag::SEQUENCE, |inner| {
            inner.value(Tag::OCTET_STRING, &value);
            inner.unsigned(Tag::INTEGER, number);
        });
        writer.value(Tag::long(tag), b"x");
        let mut outer = Reader::new(&bytes);
        let mut inner = Reader::new(outer.expect(Tag::SEQUENCE).unwrap());
        prop_assert_eq!(inner.expect(Tag::OCTET_STRING).unwrap(), &value[..]);
        prop_assert_eq!(unsigned(Tag::INTEGER, inner.expect(Tag::INTEGER).unwrap()), Ok(number));
        prop_assert_eq!(outer.expect(Tag::long(tag)), Ok(&b"x"[..]));
        prop_assert_eq!(outer.take(), Ok(None));
    }

    #[test]
    fn any_bytes_end_in_values_or_an_error(bytes in vec(any::<u8>(), 0..300)) {
        let mut reader = Reader::new(&bytes);
        while let Ok(Some((_, value))) = reader.take() {
            prop_assert!(value.len() < bytes.len());
        }
    }
}
