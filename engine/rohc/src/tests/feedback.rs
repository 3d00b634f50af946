//! Feedback: contexts that are lost come back, and what was understood is not told again.

use std::collections::VecDeque;

use super::{
    Link,
    voice::{KINDS, Kind, Voice},
};
use crate::{Acknowledgement, Cids, Config, Decompressor, Feedback, Mode, RohcError, split_feedback};

/// Drives packets with a way back that takes `delay` packets; how many of those that arrived were refused.
fn drive(link: &mut Link, voice: &mut Voice, cids: Cids, packets: u32, delay: usize) -> u32 {
    let mut way: VecDeque<Vec<Vec<u8>>> = VecDeque::new();
    let mut refused = 0;
    for _ in 0..packets {
        let packet = voice.next();
        link.send(&packet);
        refused += u32::from(link.arrive(&packet).is_err());
        let mut said = Vec::new();
        while let Some(feedback) = link.decompressor.feedback() {
            let mut bytes = Vec::new();
            feedback.write(cids, &mut bytes);
            said.push(bytes);
        }
        way.push_back(said);
        if way.len() > delay {
            for bytes in way.pop_front().unwrap() {
                let (data, _) = split_feedback(&bytes).unwrap();
                link.compressor.on_feedback(data.unwrap()).unwrap();
            }
        }
    }
    refused
}

#[test]
fn b17_a_lost_context_comes_back_within_a_round_trip_and_a_few_packets() {
    for cids in [Cids::Small(15), Cids::Large(1_000)] {
        for kind in KINDS {
            for delay in [1, 5, 25] {
                let mut link = Link::new(Config { cids, ..Config::default() }, Mode::Optimistic);
                let mut voice = Voice::new(kind, 6);
                assert_eq!(drive(&mut link, &mut voice, cids, 1_000, delay), 0);
                assert_eq!(link.compressor.mode(0), Some(Mode::Optimistic));
                link.decompressor = Decompressor::new(cids, Mode::Optimistic);
                let refused = drive(&mut link, &mut voice, cids, 1_000, delay);
                assert!(refused as usize <= delay + 2, "{kind:?}, {delay}: {refused}");
            }
        }
    }
}

#[test]
fn numbers_that_went_astray_come_back_by_feedback() {
    let cids = Cids::Small(15);
    for run in [14, 20, 31, 100, 1_000] {
        let mut link = Link::new(Config::default(), Mode::Optimistic);
        // A UDP checksum: what is given out is right, also where three bits would not have told.
        let mut voice = Voice::new(Kind::V4Checksum, run);
        assert_eq!(drive(&mut link, &mut voice, cids, 500, 5), 0);
        for _ in 0..run {
            let packet = voice.next();
            link.send(&packet);
        }
        let refused = drive(&mut link, &mut voice, cids, 500, 5);
        println!("after {run} lost: {refused} refused");
        assert!(refused <= 5 + 8, "{run}: {refused}");
    }
}

#[test]
fn a_lost_context_without_a_way_back_comes_back_with_the_refresh() {
    let mut link = Link::new(Config { refresh: 100, ..Config::default() }, Mode::Unidirectional);
    let mut voice = Voice::new(Kind::V4, 6);
    assert_eq!(drive(&mut link, &mut voice, Cids::Small(15), 1_000, 1), 0);
    link.decompressor = Decompressor::new(Cids::Small(15), Mode::Unidirectional);
    let refused = drive(&mut link, &mut voice, Cids::Small(15), 1_000, 1);
    assert!((1..=100).contains(&refused), "{refused}");
}

#[test]
fn feedback_is_read_as_it_was_written_and_a_flipped_bit_never_makes_it_another() {
    let kinds = [Acknowledgement::Ack, Acknowledgement::Nack, Acknowledgement::StaticNack];
    for cids in [Cids::Small(15), Cids::Large(16_383)] {
        for cid in [0, 1, 15, 200, 16_383] {
            if cid > cids.highest() {
                continue;
            }
            for acknowledgement in kinds {
                for sn in [None, Some((0xe5a7, 16))] {
                    let mode = Some(Mode::Optimistic);
                    let feedback = Feedback { cid, acknowledgement, mode, sn };
                    let mut bytes = Vec::new();
                    feedback.write(cids, &mut bytes);
                    bytes.push(0x55);
                    let (data, rest) = split_feedback(&bytes).unwrap();
                    assert_eq!(rest, [0x55]);
                    assert_eq!(Feedback::parse(cids, data.unwrap()), Ok(feedback));
                    for bit in 0..data.unwrap().len() * 8 {
                        let mut flipped = data.unwrap().to_vec();
                        flipped[bit / 8] ^= 1 << (bit % 8);
                        let read = Feedback::parse(cids, &flipped);
                        // Where the option with the checksum became another, nobody's mode changes.
                        let unproven = read.is_ok_and(|read| read.mode.is_none());
                        assert!(read.is_err() || unproven, "bit {bit}: {read:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_short_form_never_looks_like_an_identifier() {
    let cids = Cids::Small(15);
    for cid in [0, 3] {
        for sn in 0..=0xff_u16 {
            let feedback =
                Feedback { cid, acknowledgement: Acknowledgement::Ack, mode: None, sn: Some((sn, 16)) };
            let mut bytes = Vec::new();
            feedback.write(cids, &mut bytes);
            let (data, _) = split_feedback(&bytes).unwrap();
            let read = Feedback::parse(cids, data.unwrap()).unwrap();
            assert_eq!((read.cid, read.sn.unwrap().0), (cid, sn));
        }
    }
    assert_eq!(split_feedback(&[0xf7, 1]), Err(RohcError::Truncated("feedback")));
    let mut out = Vec::new();
    let mut decompressor = Decompressor::new(cids, Mode::Optimistic);
    assert_eq!(decompressor.decompress(&[0xf1, 1], &mut out), Err(RohcError::NotForward));
}
