//! Wraps, replays, forgeries, bounds.

use super::{
    super::{MAX_SOURCES, MasterKey, Profile, SrtpContext, SrtpError, window::Window},
    PROFILES, context, master, protect_rtcp, protect_rtp, rtcp, rtp,
};

#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

#[test]
fn the_index_is_estimated_as_rfc3711_3_3_1_says() {
    let cases: &[(&str, u64, u16, Result<u64, SrtpError>)] = &[
        ("the next", 0x1_0005, 6, Ok(0x1_0006)),
        ("the one before", 0x1_0005, 4, Ok(0x1_0004)),
        ("over the wrap", 0x1_ffff, 0, Ok(0x2_0000)),
        ("late from before the wrap", 0x2_0001, 0xfffe, Ok(0x1_fffe)),
        ("half the circle ahead, from the lower half", 0x1_0000, 0x8000, Ok(0x1_8000)),
        ("more than half ahead", 0x1_0000, 0x8001, Ok(0x0_8001)),
        ("half the circle behind, from the upper half", 0x1_8000, 0, Ok(0x1_0000)),
        ("more than half behind", 0x1_8001, 0, Ok(0x2_0000)),
        ("before the first index there is", 3, 0xffff, Err(SrtpError::Stale)),
        ("the last index there is", 0xffff_ffff_fffe, 0xffff, Ok(0xffff_ffff_ffff)),
        ("behind the last", 0xffff_ffff_ffff, 0, Err(SrtpError::KeyExhausted)),
    ];
    for (what, highest, seq, expected) in cases {
        assert_eq!(Window::starting_at(*highest).estimate(*seq), *expected, "{what}");
    }
    assert_eq!(Window::default().estimate(0xfffe), Ok(0xfffe));
}

#[test]
fn the_window_knows_the_last_128_indices() {
    let window = [1000, 990, 1100].into_iter().fold(Window::default(), Window::with);
    let cases = [
        (1101, Ok(())),
        (1100, Err(SrtpError::Replayed)),
        (1000, Err(SrtpError::Replayed)),
        (990, Err(SrtpError::Replayed)),
        (989, Ok(())),
        (973, Ok(())),
        (972, Err(SrtpError::Stale)),
    ];
    for (index, expected) in cases {
        assert_eq!(window.check(index), expected, "{index}");
    }
    assert_eq!(window.with(1 << 40).check(1100), Err(SrtpError::Stale));
}

#[test]
fn a_call_survives_three_wraps_with_packets_out_of_order_and_lost() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = (context(profile), context(profile));
        let mut held = None;
        for n in 65_000_u32..65_000 + 3 * 65_536 {
            let plain = rtp(7, n as u16);
            let packet = protect_rtp(&mut sender, &plain);
            let mut arrived = |mut packet: Vec<u8>, plain: &[u8]| {
                let len = receiver.unprotect_rtp(&mut packet).unwrap();
                assert_eq!(&packet[..len], plain);
            };
            match n % 101 {
                // Comes after the two that follow it.
                0 => held = Some((packet, plain)),
                2 => {
                    arrived(packet, &plain);
                    if let Some((packet, plain)) = held.take() {
                        arrived(packet, &plain);
                    }
                }
                1 => arrived(packet, &plain),
                _ if (n as u16).wrapping_add(300) < 600 => arrived(packet, &plain),
                // Lost: 98 of 101 packets far from a wrap.
                _ => {}
            }
        }
    }
}

#[test]
fn the_rollover_counter_outlives_any_silence() {
    let (mut sender, mut receiver) = (context(PROFILES[0]), context(PROFILES[0]));
    for context in [&mut sender, &mut receiver] {
        context.start_at(7, 0x5_fff0, 0);
    }
    for other in 0..60 {
        let mut packet = protect_rtp(&mut sender, &rtp(1000 + other, 9));
        receiver.unprotect_rtp(&mut packet).unwrap();
    }
    let plain = rtp(7, 0x10);
    let mut packet = protect_rtp(&mut sender, &plain);
    let len = receiver.unprotect_rtp(&mut packet).unwrap();
    assert_eq!(packet[..len], plain);
}

#[test]
fn a_packet_is_accepted_once() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = (context(profile), context(profile));
        let packet = protect_rtp(&mut sender, &rtp(7, 1));
        receiver.unprotect_rtp(&mut packet.clone()).unwrap();
        let mut again = packet.clone();
        assert_eq!(receiver.unprotect_rtp(&mut again), Err(SrtpError::Replayed));
        assert_eq!(again, packet);

        let packet = protect_rtcp(&mut sender, &rtcp(7));
        receiver.unprotect_rtcp(&mut packet.clone()).unwrap();
        assert_eq!(receiver.unprotect_rtcp(&mut packet.clone()), Err(SrtpError::Replayed));
    }
}

#[test]
fn an_index_is_never_used_twice_for_sending() {
    let mut sender = context(Profile::AeadAes128Gcm);
    protect_rtp(&mut sender, &rtp(7, 1));
    let mut again = [rtp(7, 1), vec![0; 16]].concat();
    assert_eq!(sender.protect_rtp(&mut again, 172), Err(SrtpError::Replayed));
    sender.start_at(8, 0xffff_ffff_ffff, (1 << 31) - 1);
    let mut last = [rtp(8, 0), vec![0; 16]].concat();
    assert_eq!(sender.protect_rtp(&mut last, 172), Err(SrtpError::KeyExhausted));
    let mut last = [rtcp(8), vec![0; 20]].concat();
    assert_eq!(sender.protect_rtcp(&mut last, 16), Err(SrtpError::KeyExhausted));
}

#[test]
fn a_forged_packet_leaves_no_trace() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = (context(profile), context(profile));
        receiver.unprotect_rtp(&mut protect_rtp(&mut sender, &rtp(7, 1))).unwrap();
        receiver.unprotect_rtcp(&mut protect_rtcp(&mut sender, &rtcp(7))).unwrap();
        let media = protect_rtp(&mut sender, &rtp(7, 2));
        let report = protect_rtcp(&mut sender, &rtcp(7));
        let state = receiver.state();
        for bit in 0..media.len() * 8 {
            let mut forged = media.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect_rtp(&mut forged).is_err(), "{profile:?}, bit {bit}");
        }
        for bit in 0..report.len() * 8 {
            let mut forged = report.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect_rtcp(&mut forged).is_err(), "{profile:?}, bit {bit}");
        }
        assert_eq!(receiver.state(), state);
        receiver.unprotect_rtp(&mut media.clone()).unwrap();
        receiver.unprotect_rtcp(&mut report.clone()).unwrap();
    }
}

#[test]
fn a_truncated_packet_is_refused() {
    for profile in PROFILES {
        let mut sender = context(profile);
        let media = protect_rtp(&mut sender, &rtp(7, 2));
        let report = protect_rtcp(&mut sender, &rtcp(7));
        let mut receiver = context(profile);
        let state = receiver.state();
        for len in 0..media.len() {
            assert!(receiver.unprotect_rtp(&mut media[..len].to_vec()).is_err(), "{profile:?}, {len} bytes");
        }
        for len in 0..report.len() {
            assert!(
                receiver.unprotect_rtcp(&mut report[..len].to_vec()).is_err(),
                "{profile:?}, {len} bytes"
            );
        }
        assert_eq!(receiver.state(), state);
    }
}

#[test]
fn what_cannot_be_protected_is_refused_by_the_check_it_fails() {
    let mut sender = context(Profile::AeadAes128Gcm);
    let cases: &[(&str, &[u8], SrtpError)] = &[
        ("a short header", &[0x80; 11], SrtpError::Truncated { need: 12, have: 11 }),
        ("a CSRC list cut short", &[0x81; 12], SrtpError::Truncated { need: 16, have: 12 }),
        ("an extension cut short", &[0x90; 15], SrtpError::Truncated { need: 16, have: 15 }),
        ("another version", &[0x40; 12], SrtpError::Version(1)),
    ];
    for (what, plain, error) in cases {
        let mut packet = [*plain, &[0; 16]].concat();
        assert_eq!(sender.protect_rtp(&mut packet, plain.len()), Err(*error), "{what}");
    }
    let full = SrtpError::NoRoom { need: 188, have: 172 };
    assert_eq!(sender.protect_rtp(&mut rtp(7, 1), 172), Err(full));
    assert_eq!(
        sender.protect_rtcp(&mut rtcp(7), usize::MAX),
        Err(SrtpError::NoRoom { need: usize::MAX, have: 16 })
    );
}

#[test]
fn no_more_sources_are_kept_than_promised() {
    let (mut sender, mut receiver) = (context(PROFILES[0]), context(PROFILES[0]));
    for ssrc in 0..MAX_SOURCES as u32 {
        receiver.unprotect_rtp(&mut protect_rtp(&mut sender, &rtp(ssrc, 1))).unwrap();
    }
    let mut packet = protect_rtp(&mut context(PROFILES[0]), &rtp(99, 1));
    assert_eq!(receiver.unprotect_rtp(&mut packet), Err(SrtpError::TooManySources));
    receiver.unprotect_rtp(&mut protect_rtp(&mut sender, &rtp(3, 2))).unwrap();
}

#[test]
fn keys_of_another_length_are_refused_and_none_is_shown() {
    let short = MasterKey::new(Profile::AeadAes256Gcm, &[1; 16], &[2; 12]);
    assert_eq!(short.unwrap_err(), SrtpError::KeyLength { key: 16, salt: 12 });
    let other = SrtpContext::new(Profile::AeadAes256Gcm, &master(Profile::AeadAes128Gcm));
    assert_eq!(other.unwrap_err(), SrtpError::KeyLength { key: 16, salt: 12 });
    for profile in PROFILES {
        assert_eq!(format!("{:?}", master(profile)), format!("MasterKey {{ profile: {profile:?}, .. }}"));
        assert_eq!(format!("{:?}", context(profile)), format!("SrtpContext {{ profile: {profile:?}, .. }}"));
    }
}

#[test]
fn nothing_is_allocated_once_the_context_stands() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = (context(profile), context(profile));
        let (mut media, mut report) = ([0; 200], [0; 64]);
        for ssrc in 0..4 {
            media[..172].copy_from_slice(&rtp(ssrc, 1));
            report[..16].copy_from_slice(&rtcp(ssrc));
            assert_no_alloc::assert_no_alloc(|| {
                let len = sender.protect_rtp(&mut media, 172).unwrap();
                assert_eq!(receiver.unprotect_rtp(&mut media[..len]), Ok(172));
                let len = sender.protect_rtcp(&mut report, 16).unwrap();
                assert_eq!(receiver.unprotect_rtcp(&mut report[..len]), Ok(16));
            });
        }
    }
}
