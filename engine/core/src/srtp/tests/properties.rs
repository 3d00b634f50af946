//! What holds for any bytes.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    super::{SrtpContext, SrtpError},
    PROFILES, context, protect_rtcp, protect_rtp,
};

proptest! {
    #[test]
    fn what_was_protected_comes_out_as_it_was(
        profile in select(PROFILES.to_vec()),
        ssrc: u32,
        seq: u16,
        csrcs in 0_u8..16,
        words in proptest::option::of(0_u8..5),
        body in vec(any::<u8>(), 80..1400),
    ) {
        let mut plain = vec![0x80 | csrcs | if words.is_some() { 0x10 } else { 0 }, 0x60];
        plain.extend(seq.to_be_bytes());
        plain.extend([0; 4]);
        plain.extend(ssrc.to_be_bytes());
        plain.extend(vec![1; usize::from(csrcs) * 4]);
        if let Some(words) = words {
            plain.extend([0xbe, 0xde, 0, words]);
        }
        let header = plain.len() + usize::from(words.unwrap_or(0)) * 4;
        plain.extend(&body);

        let mut packet = protect_rtp(&mut context(profile), &plain);
        prop_assert_eq!(&packet[..header], &plain[..header]);
        prop_assert_ne!(&packet[header..plain.len()], &plain[header..]);
        let len = context(profile).unprotect_rtp(&mut packet).unwrap();
        prop_assert_eq!(&packet[..len], &plain[..]);

        let mut packet = protect_rtcp(&mut context(profile), &plain);
        let len = context(profile).unprotect_rtcp(&mut packet).unwrap();
        prop_assert_eq!(&packet[..len], &plain[..]);
    }

    #[test]
    fn random_bytes_are_never_accepted_and_change_nothing(
        profile in select(PROFILES.to_vec()),
        first in select(vec![0x80_u8, 0x8f, 0x90, 0x9f, 0xb1, 0]),
        mut packet in vec(any::<u8>(), 0..300),
    ) {
        if let Some(byte) = packet.first_mut() {
            *byte = first;
        }
        let before = packet.clone();
        let mut receiver = context(profile);
        let state = receiver.state();
        for unprotect in [SrtpContext::unprotect_rtp, SrtpContext::unprotect_rtcp] {
            let refusal = unprotect(&mut receiver, &mut packet);
            prop_assert!(refusal.is_err());
            prop_assert!(refusal == Err(SrtpError::Forged) || packet == before);
            packet.copy_from_slice(&before);
        }
        prop_assert_eq!(receiver.state(), state);
        for len in [0, packet.len() / 2, packet.len()] {
            _ = receiver.protect_rtp(&mut packet, len);
            _ = receiver.protect_rtcp(&mut packet, len);
        }
    }
}
