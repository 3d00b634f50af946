//! What one implementation of SRTP protects every other opens, wraps of the sequence number and SRTCP included.

mod parties;

use parties::{Make, PARTIES, PROFILES, Packet, Role};
use rove_core::srtp::Profile;

/// An RTP packet of `payload` bytes, with the number `seq`; every third has CSRCs and an extension.
fn rtp(seq: u16, payload: usize) -> Vec<u8> {
    let rich = seq.is_multiple_of(3);
    let mut packet = vec![if rich { 0x92 } else { 0x80 }, 0];
    packet.extend(seq.to_be_bytes());
    packet.extend((u32::from(seq) * 160).to_be_bytes());
    packet.extend(SSRC.to_be_bytes());
    if rich {
        packet.extend([7; 8]);
        packet.extend([0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0]);
    }
    packet.extend((0..payload).map(|i| (i as u8).wrapping_mul(seq as u8 | 1)));
    packet
}

/// A receiver report of one block, and a farewell behind it.
fn rtcp(n: u8) -> Vec<u8> {
    let mut packet = vec![0x81, 201, 0, 7];
    packet.extend(SSRC.to_be_bytes());
    packet.extend([n; 24]);
    packet.extend([0x81, 203, 0, 1]);
    packet.extend(SSRC.to_be_bytes());
    packet
}

/// One by one over a wrap, then in strides of 20 000 over seven, then one by one over the next.
fn numbers() -> impl Iterator<Item = u16> {
    let near = |from: u16| (0..40).map(move |n: u16| from.wrapping_add(n));
    let far = (1..24).map(|n: u16| 10_u16.wrapping_add(n.wrapping_mul(20_000)));
    near(u16::MAX - 19)
        .chain(far)
        .chain(near(10_u16.wrapping_add(20_000_u16.wrapping_mul(23)).wrapping_add(1)))
}

fn each_pair(mut check: impl FnMut(&str, Profile, Make, Make)) {
    for profile in PROFILES {
        for (from, sends) in PARTIES {
            for (to, receives) in PARTIES {
                // Between two of the others there is nothing of ours to be tested.
                if from == "rove" || to == "rove" {
                    check(&format!("{profile:?}, {from} to {to}"), profile, sends, receives);
                }
            }
        }
    }
}

#[test]
fn rtp_of_each_is_opened_by_the_other_over_nine_wraps() {
    each_pair(|what, profile, sends, receives| {
        let (mut sender, mut receiver) = (sends(profile, Role::Sends), receives(profile, Role::Receives));
        for (n, seq) in numbers().enumerate() {
            let plain = rtp(seq, n % 161);
            let mut packet = Packet::new(&plain);
            assert!(sender.protect_rtp(&mut packet), "{what}: {n}");
            assert_ne!(packet.get(), plain, "{what}: {n}");
            assert!(receiver.unprotect_rtp(&mut packet), "{what}: {n}");
            assert_eq!(packet.get(), plain, "{what}: {n}");
        }
    });
}

#[test]
fn rtp_that_comes_late_over_a_wrap_is_opened_by_the_other() {
    each_pair(|what, profile, sends, receives| {
        let (mut sender, mut receiver) = (sends(profile, Role::Sends), receives(profile, Role::Receives));
        let mut packets: Vec<_> = (0..80_u16)
            .map(|n| {
                let plain = rtp(65_496_u16.wrapping_add(n), 160);
                let mut packet = Packet::new(&plain);
                assert!(sender.protect_rtp(&mut packet), "{what}");
                (packet, plain)
            })
            .collect();
        // The first stays the first: a receiver starts its count there.
        packets[1..].chunks_mut(6).for_each(<[_]>::reverse);
        for (n, (mut packet, plain)) in packets.into_iter().enumerate() {
            assert!(receiver.unprotect_rtp(&mut packet), "{what}: {n}");
            assert_eq!(packet.get(), plain, "{what}: {n}");
        }
    });
}

#[test]
fn rtcp_of_each_is_opened_by_the_other() {
    each_pair(|what, profile, sends, receives| {
        let (mut sender, mut receiver) = (sends(profile, Role::Sends), receives(profile, Role::Receives));
        for n in 0..200 {
            let plain = rtcp(n);
            let mut packet = Packet::new(&plain);
            assert!(sender.protect_rtcp(&mut packet), "{what}: {n}");
            assert!(receiver.unprotect_rtcp(&mut packet), "{what}: {n}");
            assert_eq!(packet.get(), plain, "{what}: {n}");
        }
    });
}

#[test]
fn no_one_opens_what_was_tampered_with_or_comes_twice() {
    each_pair(|what, profile, sends, receives| {
        let (mut sender, mut receiver) = (sends(profile, Role::Sends), receives(profile, Role::Receives));
        let mut packet = Packet::new(&rtp(7, 160));
        assert!(sender.protect_rtp(&mut packet), "{what}");
        for byte in [1, 40, packet.get().len() - 1] {
            let mut bytes = packet.get().to_vec();
            bytes[byte] ^= 1;
            assert!(!receiver.unprotect_rtp(&mut Packet::new(&bytes)), "{what}: byte {byte}");
        }
        assert!(receiver.unprotect_rtp(&mut packet.clone()), "{what}");
        assert!(!receiver.unprotect_rtp(&mut packet), "{what}");
    });
}

const SSRC: u32 = 0xcafe_babe;
