//! Conferences of three to fifty, and who has the floor.

use crate::mix::{Conference, EMPTY_MS, MARGIN_DB, Speaker, TAKE_OVER_MS};

const RATE: u32 = 48_000;
/// 20 ms.
const BLOCK: usize = 960;
const BLOCK_MS: u32 = 20;

/// What `party` says in `block`: whole numbers of 1/32 768, so that sums of them are exact in whatever order.
fn voice(party: usize, block: usize, loud: i32) -> Vec<f32> {
    let mut state = (party as u32).wrapping_mul(2_654_435_761) ^ (block as u32).wrapping_mul(40_503);
    let mut sample = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as i32 % (2 * loud + 1) - loud) as f32 / 32_768.0
    };
    (0..BLOCK).map(|_| sample()).collect()
}

fn heard(conference: &Conference, seat: usize) -> Vec<f32> {
    let mut out = vec![9.0; BLOCK];
    conference.hear(seat, &mut out);
    out
}

fn power(pcm: &[f32]) -> f32 {
    pcm.iter().map(|x| x * x).sum::<f32>() / pcm.len() as f32
}

#[test]
fn b12_each_of_three_to_eight_hears_exactly_the_sum_of_the_others_while_they_come_and_go() {
    let mut conference = Conference::new(8, 8, BLOCK, RATE);
    let mut here: Vec<usize> = (0..3).map(|_| conference.join().unwrap()).collect();
    let mut new = here.clone();
    for block in 0..200 {
        if block % 10 == 9 && here.len() < 8 {
            new = vec![conference.join().unwrap()];
            here.extend(&new);
        }
        if block % 37 == 36 {
            conference.leave(here.remove(block % here.len()));
        }
        let voices: Vec<Vec<f32>> = here.iter().map(|seat| voice(*seat, block, 300)).collect();
        here.iter().zip(&voices).for_each(|(seat, voice)| conference.say(*seat, voice));
        conference.mix(BLOCK);
        for (own, seat) in here.iter().enumerate() {
            if !new.is_empty() {
                // Somebody is being faded in.
                continue;
            }
            let others = (0..here.len()).filter(|other| *other != own);
            let sum: Vec<f32> =
                (0..BLOCK).map(|i| others.clone().map(|other| voices[other][i]).sum()).collect();
            assert_eq!(heard(&conference, *seat), sum, "seat {seat} in block {block}");
        }
        new.clear();
    }
    assert_eq!(conference.parties(), here.len());
}

#[test]
fn who_joins_is_faded_in_within_one_block_and_who_leaves_is_gone_with_the_next() {
    let mut conference = Conference::new(3, 3, BLOCK, RATE);
    let (a, b) = (conference.join().unwrap(), conference.join().unwrap());
    let steady = vec![0.25; BLOCK];
    conference.say(a, &steady);
    conference.mix(BLOCK);
    let first = heard(&conference, b);
    assert!(first.windows(2).all(|pair| pair[0] <= pair[1]) && first[0] < 0.001, "{:?}", &first[..3]);
    conference.say(a, &steady);
    conference.mix(BLOCK);
    assert_eq!(heard(&conference, b), steady);
    conference.leave(a);
    conference.say(a, &steady);
    conference.mix(BLOCK);
    assert!(heard(&conference, b).iter().all(|x| *x == 0.0), "nobody is left to be heard");
    assert_eq!(conference.join(), Some(a), "the seat is free");
    assert!(conference.join().is_some() && conference.join().is_none(), "three seats");
}

#[test]
fn of_fifty_the_loudest_are_heard_by_all_others_and_nobody_hears_itself() {
    let mut conference = Conference::new(50, 4, BLOCK, RATE);
    let seats: Vec<usize> = (0..50).map(|_| conference.join().unwrap()).collect();
    let loud = [7_usize, 21, 33, 48];
    let mut voices = Vec::new();
    for block in 0..20 {
        voices = seats
            .iter()
            .map(|seat| voice(*seat, block, if loud.contains(seat) { 2_000 } else { 20 }))
            .collect();
        seats.iter().zip(&voices).for_each(|(seat, voice)| conference.say(*seat, voice));
        conference.mix(BLOCK);
    }
    for seat in seats {
        let sum: Vec<f32> = (0..BLOCK)
            .map(|i| loud.iter().filter(|other| **other != seat).map(|other| voices[*other][i]).sum())
            .collect();
        assert_eq!(heard(&conference, seat), sum, "seat {seat}");
    }
}

#[test]
fn whoever_becomes_loud_is_heard_in_the_place_of_the_quietest_without_a_step() {
    let mut conference = Conference::new(6, 2, BLOCK, RATE);
    let seats: Vec<usize> = (0..6).map(|_| conference.join().unwrap()).collect();
    let mut last = 0.0;
    let mut largest = 0.0_f32;
    for block in 0..60 {
        for seat in &seats {
            let level = match seat {
                0 => 0.2,
                1 => 0.05,
                2 if block >= 20 => 0.4,
                _ => 0.0001,
            };
            conference.say(*seat, &vec![level; BLOCK]);
        }
        conference.mix(BLOCK);
        for sample in heard(&conference, 5) {
            largest = largest.max((sample - last).abs());
            last = sample;
        }
    }
    assert!((last - 0.6).abs() < 0.1, "0 and 2 are heard, 1 no more: {last}");
    assert!(largest < 0.002, "no step is larger than a fade's: {largest}");
}

#[test]
fn the_floor_passes_to_who_is_louder_for_long_enough_and_is_empty_after_silence() {
    let mut speaker = Speaker::new();
    let mut say =
        |a: f32, b: f32| speaker.hear(BLOCK_MS, [(0, a), (1, b)].into_iter()).then(|| speaker.active());
    assert_eq!(say(-60.0, -70.0), None, "noise takes no floor");
    assert_eq!(say(-30.0, -70.0), Some(Some(0)));
    let blocks = TAKE_OVER_MS / BLOCK_MS;
    for _ in 0..2 {
        for _ in 1..blocks {
            assert_eq!(say(-30.0, -29.0 + MARGIN_DB), None, "a short word takes nothing");
        }
        assert_eq!(say(-30.0, -30.0), None);
    }
    for _ in 1..blocks {
        assert_eq!(say(-30.0, -29.0 + MARGIN_DB), None);
    }
    assert_eq!(say(-30.0, -29.0 + MARGIN_DB), Some(Some(1)));
    assert_eq!(say(-31.0, -90.0), Some(Some(0)), "who is silent is not waited for");
    for _ in 1..EMPTY_MS / BLOCK_MS {
        assert_eq!(say(-90.0, -90.0), None, "pauses are bridged");
    }
    assert_eq!(say(-90.0, -90.0), Some(None));
}

#[test]
fn a_block_of_fifty_allocates_nothing() {
    let mut conference = Conference::new(50, 6, BLOCK, RATE);
    let seats: Vec<usize> = (0..50).map(|_| conference.join().unwrap()).collect();
    let (pcm, mut out) = (voice(1, 1, 9_000), vec![0.0; BLOCK]);
    assert_no_alloc::assert_no_alloc(|| {
        for _ in 0..10 {
            for seat in &seats {
                conference.say(*seat, &pcm);
            }
            conference.mix(BLOCK);
            seats.iter().for_each(|seat| conference.hear(*seat, &mut out));
        }
    });
    assert!(power(&out) > 0.0);
}
