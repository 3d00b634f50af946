use proptest::{collection::vec, prelude::*};
use rove_base::{PayloadType, RtpTimestamp, SeqNumber, Ssrc};

use super::{ParseError, RtpHeader, RtpView};

const HEADER: [u8; 12] = [0x80, 0x6f, 0x12, 0x34, 0x00, 0x00, 0x03, 0xc0, 0xde, 0xad, 0xbe, 0xef];

fn packet(first: u8, after_header: &[u8]) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    bytes[0] = first;
    bytes.extend_from_slice(after_header);
    bytes
}

#[test]
fn every_field_is_read_from_where_rfc3550_figure_1_puts_it() {
    let bytes = packet(0x80, b"voice");
    let view = RtpView::parse(&bytes).unwrap();
    assert!(!view.marker());
    assert_eq!(view.payload_type(), PayloadType::new(111).unwrap());
    assert_eq!(view.seq(), SeqNumber(0x1234));
    assert_eq!(view.timestamp(), RtpTimestamp(960));
    assert_eq!(view.ssrc(), Ssrc(0xdead_beef));
    assert_eq!((view.extension(), view.csrcs().count(), view.payload()), (None, 0, &b"voice"[..]));
}

#[test]
fn csrcs_extension_and_padding_are_kept_out_of_the_payload() {
    let cases: &[(&str, u8, &[u8], &[u8])] = &[
        ("nothing but a header", 0x80, b"", b""),
        ("two contributing sources", 0x82, b"\0\0\0\x01\0\0\0\x02pcm", b"pcm"),
        ("an empty extension", 0x90, b"\xbe\xde\0\0pcm", b"pcm"),
        ("an extension of one word", 0x90, b"\xbe\xde\0\x01\x10\x7f\0\0pcm", b"pcm"),
        ("three bytes of padding", 0xa0, b"pcm\0\0\x03", b"pcm"),
        ("nothing but padding", 0xa0, b"\x01", b""),
        ("all three", 0xb1, b"\0\0\0\x01\xbe\xde\0\0pcm\0\x02", b"pcm"),
    ];
    for &(what, first, rest, payload) in cases {
        assert_eq!(RtpView::parse(&packet(first, rest)).unwrap().payload(), payload, "{what}");
    }
    let bytes = packet(0x92, b"\0\0\0\x01\0\0\0\x02\xbe\xde\0\x01abcdpcm");
    let view = RtpView::parse(&bytes).unwrap();
    assert_eq!(view.extension(), Some((0xbede, &b"abcd"[..])));
    assert_eq!(view.csrcs().collect::<Vec<_>>(), [Ssrc(1), Ssrc(2)]);
}

#[test]
fn a_malformed_packet_is_refused_by_the_check_it_fails() {
    let cut = |part, need, have| ParseError::Truncated { part, need, have };
    let cases: &[(&str, Vec<u8>, ParseError)] = &[
        ("an empty datagram", vec![], cut("header", 12, 0)),
        ("eleven bytes", HEADER[..11].to_vec(), cut("header", 12, 11)),
        ("version 1", packet(0x40, b""), ParseError::Version(1)),
        ("a CSRC list cut short", packet(0x81, b"\0\0\0"), cut("CSRC list", 4, 3)),
        ("an extension header cut short", packet(0x90, b"\xbe\xde\0"), cut("extension header", 4, 3)),
        ("an extension cut short", packet(0x90, b"\xbe\xde\0\x01abc"), cut("extension", 4, 3)),
        ("the longest extension", packet(0x90, b"\xbe\xde\xff\xff"), cut("extension", 262_140, 0)),
        ("padding without a byte for its count", packet(0xa0, b""), cut("padding", 1, 0)),
        ("padding of zero bytes", packet(0xa0, b"pcm\0"), ParseError::Padding { count: 0, have: 4 }),
        ("more padding than bytes", packet(0xa0, b"pcm\x05"), ParseError::Padding { count: 5, have: 4 }),
    ];
    for (what, bytes, error) in cases {
        assert_eq!(RtpView::parse(bytes).unwrap_err(), *error, "{what}");
    }
}

#[test]
fn a_header_is_not_written_where_it_does_not_fit() {
    let header = RtpView::parse(&HEADER).map(|view| header_of(&view)).unwrap();
    let mut short = [0xaa; 11];
    assert_eq!(header.write(&mut short), None);
    assert_eq!(short, [0xaa; 11]);
}

fn header_of(view: &RtpView<'_>) -> RtpHeader {
    RtpHeader {
        marker: view.marker(),
        payload_type: view.payload_type(),
        seq: view.seq(),
        timestamp: view.timestamp(),
        ssrc: view.ssrc(),
    }
}

proptest! {
    #[test]
    fn parsing_never_panics_and_never_invents_bytes(bytes in vec(any::<u8>(), 0..200), two: bool) {
        let mut bytes = bytes;
        if let (true, Some(first)) = (two, bytes.first_mut()) {
            *first = 0x80 | (*first & 0x3f);
        }
        if let Ok(view) = RtpView::parse(&bytes) {
            let extension = view.extension().map_or(0, |(_, data)| 4 + data.len());
            prop_assert!(12 + 4 * view.csrcs().count() + extension + view.payload().len() <= bytes.len());
        }
    }

    #[test]
    fn what_is_written_is_what_is_read(
        marker: bool, payload_type in 0_u8..128, seq: u16, timestamp: u32, ssrc: u32, payload in vec(any::<u8>(), 0..64),
    ) {
        let header = RtpHeader {
            marker,
            payload_type: PayloadType::new(payload_type).unwrap(),
            seq: SeqNumber(seq),
            timestamp: RtpTimestamp(timestamp),
            ssrc: Ssrc(ssrc),
        };
        let mut bytes = vec![0; 12];
        prop_assert_eq!(header.write(&mut bytes), Some(12));
        bytes.extend_from_slice(&payload);
        let view = RtpView::parse(&bytes).unwrap();
        prop_assert_eq!(header_of(&view), header);
        prop_assert_eq!(view.payload(), &payload[..]);
    }
}
