//! What a producer and a consumer do at the same time, and what must come of it.

use loom::thread;
use portable_atomic::{Weakened, weaken};
use rove_base::Instant;

use crate::{
    pcm::{Captured, pcm_ring},
    ring::{places, ring},
};

/// Explores all of `model` with `what` weakened.
fn explore(what: Weakened, model: fn()) {
    weaken(what);
    let explorer = loom::model::Builder::new();
    explorer.check(model);
}

/// More items than places, pushed and visited in place: each is seen once, whole, in order.
fn visited() {
    let (mut tx, mut rx) = ring::<[u32; 2]>(2);
    let producer = thread::spawn(move || (1..=3).filter(|&item| tx.push([item, item * 10]).is_ok()).count());
    let mut seen = Vec::new();
    for _ in 0..2 {
        rx.visit(usize::MAX, |items| seen.extend_from_slice(items));
    }
    let pushed = producer.join().unwrap();
    rx.visit(usize::MAX, |items| seen.extend_from_slice(items));
    let numbers: Vec<_> = seen.iter().map(|item| item[0]).collect();
    assert_eq!(seen.len(), pushed);
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert!(seen.iter().all(|item| item[1] == item[0] * 10));
}

/// Packets written in place into a ring that was full once; one is begun and not finished.
fn written() {
    let (mut tx, mut rx) = places::<[u32; 2]>(2, &[0, 0]);
    let producer = thread::spawn(move || {
        let mut write = |item: u32, whole: bool| {
            tx.write(|place| {
                place[0] = item;
                if whole {
                    place[1] = item * 10;
                }
                whole
            })
        };
        [write(1, true), write(2, false), write(3, true), write(4, true)].map(usize::from).iter().sum::<usize>()
    });
    let mut seen = Vec::new();
    for _ in 0..2 {
        rx.visit(usize::MAX, |items| seen.extend_from_slice(items));
    }
    let written = producer.join().unwrap();
    rx.visit(usize::MAX, |items| seen.extend_from_slice(items));
    let numbers: Vec<_> = seen.iter().map(|item| item[0]).collect();
    assert_eq!(seen.len(), written);
    assert!(numbers.is_sorted_by(|a, b| a < b) && !numbers.contains(&2), "{numbers:?}");
    assert!(seen.iter().all(|item| item[1] == item[0] * 10));
}

/// Boxes pushed and taken one by one, as retired objects are; what is left goes with the ring.
fn popped() {
    let (mut tx, mut rx) = ring::<Box<u32>>(1);
    let producer = thread::spawn(move || (1..=2).filter(|&item| tx.push(Box::new(item)).is_ok()).count());
    let first = rx.pop();
    let second = rx.pop();
    let taken: Vec<_> = first.into_iter().chain(second).map(|item| *item).collect();
    let pushed = producer.join().unwrap();
    assert!(taken.len() <= pushed && taken.iter().eq([1, 2][..taken.len()].iter()));
}

/// Samples and their stamps, which cross in two rings: who sees a stamp finds all its samples.
fn captured() {
    let (mut tx, mut rx) = pcm_ring(3);
    let producer = thread::spawn(move || {
        let pushed = [[1.0, 1.0], [2.0, 2.0]].map(|pcm| tx.push(Instant::ZERO, &pcm));
        pushed.into_iter().filter(|&pushed| pushed).count()
    });
    let mut samples = Vec::new();
    let mut read = || {
        rx.read(|captured| {
            if let Captured::Sound { pcm, .. } = captured {
                samples.extend_from_slice(pcm);
            }
        });
    };
    read();
    let blocks = producer.join().unwrap();
    read();
    assert_eq!(samples.len(), blocks * 2);
    assert!(samples.chunks(2).all(|pair| pair[0] == pair[1]));
}

macro_rules! checked {
    ($($model:ident: $as_it_is:ident, $without_release:ident, $without_acquire:ident;)*) => { $(
        #[test]
        fn $as_it_is() {
            explore(Weakened::Nothing, $model);
        }

        #[test]
        #[should_panic(expected = "Causality violation")]
        fn $without_release() {
            explore(Weakened::Stores, $model);
        }

        #[test]
        #[should_panic(expected = "Causality violation")]
        fn $without_acquire() {
            explore(Weakened::Loads, $model);
        }
    )* };
}

checked! {
    visited: packets_cross, packets_race_without_release, packets_race_without_acquire;
    written: places_cross, places_race_without_release, places_race_without_acquire;
    popped: retired_objects_cross, retired_objects_race_without_release, retired_objects_race_without_acquire;
    captured: samples_cross, samples_race_without_release, samples_race_without_acquire;
}
