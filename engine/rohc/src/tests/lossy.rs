//! What comes out where packets are lost: the right ones, or none.

use super::{
    Link,
    voice::{KINDS, Kind, Random, Voice},
};
use crate::{Config, Mode, RohcError};

/// What became of packets.
#[derive(Debug, Default)]
struct Fate {
    sent: u32,
    lost: u32,
    losses: u32,
    longest: u32,
    /// That arrived and were not understood.
    refused: u32,
}

/// Sends packets over a link that loses `percent` of them in runs of up to `run`.
fn drive(link: &mut Link, voice: &mut Voice, packets: u32, percent: u64, run: u64, seed: u64) -> Fate {
    let mut random = Random(seed);
    let mut fate = Fate::default();
    let mut gone = 0;
    // Runs of 1 to `run`, so that their mean is half of it.
    let chance = if percent == 0 { 0 } else { percent * 200_000 / ((100 - percent) * (run + 1)) };
    let mut got = false;
    for _ in 0..packets {
        let packet = voice.next();
        link.send(&packet);
        fate.sent += 1;
        if gone == 0 && got && random.below(100_000) < chance {
            gone = 1 + random.below(run);
            fate.losses += 1;
            fate.longest = fate.longest.max(gone as u32);
        }
        if gone > 0 {
            gone -= 1;
            got = false;
            fate.lost += 1;
            continue;
        }
        got = true;
        fate.refused += u32::from(link.arrive(&packet).is_err());
    }
    fate
}

#[test]
fn b17_up_to_the_run_that_was_agreed_on_no_loss_harms_another_packet() {
    let mut total = Fate::default();
    for kind in KINDS {
        for (percent, loss_run) in [(0, 13), (1, 13), (5, 13), (10, 13), (20, 13), (20, 1), (20, 5), (20, 40)]
        {
            for eventful in [false, true] {
                let config = Config { loss_run, ..Config::default() };
                let mut link = Link::new(config, Mode::Unidirectional);
                let mut voice = Voice::new(kind, percent);
                voice.eventful = eventful;
                let fate = drive(&mut link, &mut voice, 10_000, percent, loss_run.into(), percent + 11);
                assert_eq!(fate.refused, 0, "{kind:?}, {percent} %, {eventful}: {fate:?}");
                assert!(percent == 0 || fate.lost > fate.sent * percent as u32 / 150, "{fate:?}");
                total.sent += fate.sent;
                total.lost += fate.lost;
                total.losses += fate.losses;
                total.longest = total.longest.max(fate.longest);
            }
        }
    }
    println!("{total:?}");
    assert!(total.sent > 900_000 && total.losses > 10_000);
}

#[test]
fn a_run_longer_than_the_numbers_reach_is_repaired_when_the_link_tells_of_it() {
    // An identification that others advance meanwhile is not repaired, but told anew with the next refresh.
    for kind in KINDS.into_iter().filter(|kind| *kind != Kind::V4Swapped) {
        let mut link = Link::new(Config { refresh: 1_000_000, ..Config::default() }, Mode::Unidirectional);
        let mut voice = Voice::new(kind, 9);
        voice.pauses = false;
        let mut random = Random(4);
        let (mut refused, mut runs) = (0, 0);
        for _ in 0..1_000 {
            for _ in 0..60 {
                let packet = voice.next();
                link.send(&packet);
                refused += u32::from(link.arrive(&packet).is_err());
            }
            let run = 14 + random.below(40) as u32;
            for _ in 0..run {
                let packet = voice.next();
                link.send(&packet);
            }
            runs += 1;
            // The link knows the time to a few packets.
            link.decompressor.silence(run + random.below(5) as u32);
        }
        println!("{kind:?}: {runs} runs of 14 to 53, {refused} packets not believed after them");
        // Without UDP checksums four headers have to agree, of which the first three are not given out.
        let each = match kind {
            Kind::V4Checksum | Kind::V6 => 0,
            _ => 3,
        };
        assert!(refused <= (each + 1) * runs, "{kind:?}: {refused}");
    }
}

#[test]
fn a_run_longer_than_the_numbers_reach_is_noticed_by_the_udp_checksum_alone() {
    let mut link = Link::new(Config::default(), Mode::Unidirectional);
    let mut voice = Voice::new(Kind::V6, 2);
    voice.pauses = false;
    let mut refused = 0;
    for round in 0..500_u32 {
        for n in 0..100 {
            let packet = voice.next();
            link.send(&packet);
            if n >= 16 || round == 0 {
                // Whatever is given out is right, which `arrive` asserts.
                refused += u32::from(link.arrive(&packet).is_err());
            }
        }
        assert!(refused <= round + 1, "{refused} after {round} runs");
    }
}

#[test]
fn bits_that_were_flipped_never_give_a_packet_that_udp_would_not_see_through() {
    let mut link = Link::new(Config { refresh: 50, ..Config::default() }, Mode::Unidirectional);
    let mut voice = Voice::new(Kind::V4Checksum, 8);
    let mut random = Random(12);
    let (mut right, mut wrong, mut refused) = (0_u32, 0_u32, 0_u32);
    for _ in 0..20_000 {
        let packet = voice.next();
        link.send(&packet);
        if random.below(10) == 0 {
            let bit = random.below(24.min(link.wire.len() as u64 * 8)) as usize;
            link.wire[bit / 8] ^= 1 << (bit % 8);
            let mut out = Vec::new();
            match link.decompressor.decompress(&link.wire, &mut out) {
                Ok(_) if out == packet => right += 1,
                Ok(_) => wrong += 1,
                Err(error) => {
                    refused += 1;
                    assert_ne!(error, RohcError::TooLong);
                }
            }
        } else {
            _ = link.decompressor.decompress(&link.wire, &mut link.out);
        }
    }
    println!("{refused} damaged packets were refused, {right} were as they had been, {wrong} wrong");
    assert_eq!(wrong, 0);
}
