//! Whatever comes: an error, never a panic, never more memory than was agreed on.

use proptest::{collection::vec, prelude::*};

use super::{
    Link,
    voice::{KINDS, Voice},
};
use crate::{Cids, Compressor, Config, Decompressor, Mode, RohcError, split_feedback};

proptest! {
    #[test]
    fn arbitrary_bytes_after_a_real_context_never_panic(
        packets in vec(vec(any::<u8>(), 0..60), 1..20), kind in 0..6_usize, large: bool,
    ) {
        let cids = if large { Cids::Large(300) } else { Cids::Small(15) };
        let mut link = Link::new(Config { cids, ..Config::default() }, Mode::Optimistic);
        let mut voice = Voice::new(KINDS[kind], 1);
        for _ in 0..20 {
            let packet = voice.next();
            link.send(&packet);
            link.arrive(&packet).unwrap();
        }
        for packet in packets {
            if let Err(error) = link.decompressor.decompress(&packet, &mut link.out) {
                prop_assert!(link.out.is_empty());
                prop_assert!(!error.to_string().is_empty());
            }
            if let Ok((Some(data), _)) = split_feedback(&packet) {
                _ = link.compressor.on_feedback(data);
            }
            let mut again = Vec::new();
            _ = link.compressor.compress(&packet, &mut again);
        }
        while link.decompressor.feedback().is_some() {}
    }

    #[test]
    fn any_packet_comes_out_as_it_went_in(packet in vec(any::<u8>(), 1..200), version in 0..3_u8) {
        let mut packet = packet;
        // Mostly something that begins like IP.
        packet[0] = [0x45, 0x60, packet[0]][usize::from(version)];
        let mut link = Link::new(Config::default(), Mode::Unidirectional);
        for _ in 0..20 {
            link.send(&packet);
            prop_assert_eq!(link.arrive(&packet), Ok(()));
        }
    }
}

#[test]
fn what_is_not_supported_says_so() {
    let mut decompressor = Decompressor::new(Cids::Small(3), Mode::Optimistic);
    let mut out = Vec::new();
    let cases: [(&[u8], RohcError); 7] = [
        (&[], RohcError::Truncated("packet")),
        (&[0xe0, 0xe0], RohcError::Truncated("packet")),
        (&[0xe7, 0x12], RohcError::Context(7)),
        (&[0xe1, 0xe2, 0x12], RohcError::Invalid("second context identifier")),
        (&[0xfd, 4, 0, 0], RohcError::Unsupported("a profile other than 0x0000 and 0x0001")),
        (&[0xfe, 1], RohcError::NotForward),
        (&[0x12, 0x34], RohcError::NoContext(0)),
    ];
    for (bytes, expected) in cases {
        assert_eq!(decompressor.decompress(bytes, &mut out), Err(expected), "{bytes:02x?}");
    }
    let mut compressor = Compressor::new(Config::default());
    assert_eq!(compressor.compress(&[], &mut out), Err(RohcError::Truncated("IP packet")));
    assert_eq!(compressor.compress(&vec![0x45; 70_000], &mut out), Err(RohcError::TooLong));
}
