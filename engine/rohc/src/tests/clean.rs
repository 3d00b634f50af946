//! What the headers of a voice stream cost where nothing is lost.

use super::{
    Link,
    voice::{KINDS, Kind, Voice},
};
use crate::{Config, Mode, RtpFlow, rtp_of, split_feedback};

/// Ten minutes of packets of 20 ms.
const PACKETS: usize = 30_000;

/// The mean of header bytes, with feedback taken at once where there is a way back.
fn mean(kind: Kind, pauses: bool, mode: Mode) -> f64 {
    let config = Config::default();
    let mut link = Link::new(config, mode);
    let mut voice = Voice::new(kind, 3);
    voice.pauses = pauses;
    let mut bytes = 0;
    let mut said = Vec::new();
    for _ in 0..PACKETS {
        let packet = voice.next();
        bytes += link.send(&packet);
        link.arrive(&packet).unwrap();
        while let Some(feedback) = link.decompressor.feedback() {
            said.clear();
            feedback.write(config.cids, &mut said);
            let (data, rest) = split_feedback(&said).unwrap();
            assert_eq!(link.compressor.on_feedback(data.unwrap()).unwrap().cid, feedback.cid);
            assert!(rest.is_empty());
        }
    }
    bytes as f64 / PACKETS as f64
}

#[test]
fn b17_the_header_of_voice_is_three_bytes_at_most_on_a_clean_link() {
    for mode in [Mode::Unidirectional, Mode::Optimistic] {
        for kind in KINDS {
            let (steady, talk) = (mean(kind, false, mode), mean(kind, true, mode));
            println!("{mode:?} {kind:?}: {steady:.3} bytes, with pauses {talk:.3}");
            // Two bytes each for a UDP checksum and an identification that follows nothing go as they are (§5.7);
            // beyond them there is the flow itself.
            let raw = match kind {
                Kind::V4 | Kind::V4Swapped => 0.0,
                _ => 2.0,
            };
            assert!(steady <= 1.2 + raw || kind == Kind::V4Swapped, "{mode:?} {kind:?}: {steady}");
            assert!(talk - raw <= 1.6 || kind == Kind::V4Swapped, "{mode:?} {kind:?}: {talk}");
            assert!(raw > 0.0 || talk <= 3.0, "{mode:?} {kind:?}: {talk}");
        }
    }
}

#[test]
fn rtp_that_never_was_in_ip_costs_a_byte_and_comes_out_as_it_went_in() {
    for (from, to) in [("192.0.2.1:4000", "192.0.2.2:5000"), ("[2001:db8::1]:4000", "[2001:db8::2]:5000")] {
        let flow = RtpFlow::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
        let mut link = Link::new(Config::default(), Mode::Unidirectional);
        let mut voice = Voice::new(Kind::V4Random, 5);
        let (mut packet, mut bytes) = (Vec::new(), 0);
        for _ in 0..PACKETS {
            let rtp = voice.next().split_off(28);
            flow.packet(&rtp, &mut packet).unwrap();
            bytes += link.send(&packet);
            link.arrive(&packet).unwrap();
            assert_eq!(rtp_of(&link.out), Some(&rtp[..]));
        }
        let mean = bytes as f64 / PACKETS as f64;
        println!("{from}: {mean:.3} bytes");
        assert!(mean < 1.5, "{mean}");
    }
    assert_eq!(RtpFlow::new("192.0.2.1:1".parse().unwrap(), "[::1]:1".parse().unwrap()), None);
}
