use super::{broad, encoder, payloads, voice};
use crate::{Encoder, Redundancy, Tuning, opus::OpusEncoderConfig};

#[test]
fn over_a_call_the_mean_rate_is_the_one_asked_for_whatever_is_said_twice() {
    let voice = broad(480_000);
    let in_band = Redundancy::InBand { loss_percent: 20 };
    let deep = Redundancy::Deep { loss_percent: 20, reach: 50 };
    for bitrate in [12_000, 16_000, 24_000, 32_000, 40_000] {
        for redundancy in [Redundancy::None, in_band, deep] {
            if redundancy == deep && cfg!(not(feature = "dnn")) {
                continue;
            }
            let config =
                OpusEncoderConfig { bitrate: Some(bitrate), redundancy, ..OpusEncoderConfig::default() };
            let bytes: usize = payloads(&mut encoder(config), &voice, &[960]).iter().map(Vec::len).sum();
            let share = bytes as f64 * 8.0 / 10.0 / f64::from(bitrate);
            assert!((0.97..1.03).contains(&share), "{share} of {bitrate} with {redundancy:?}");
        }
    }
}

#[test]
fn a_rate_asked_for_in_a_call_is_kept_from_then_on() {
    let mut encoder = encoder(OpusEncoderConfig::default());
    let mut spend = |bitrate| {
        encoder.tune(Tuning { bitrate: Some(bitrate), redundancy: Redundancy::None }).unwrap();
        payloads(&mut encoder, &broad(240_000), &[960]).iter().map(Vec::len).sum::<usize>() as f64 * 8.0 / 5.0
    };
    for bitrate in [32_000, 12_000, 20_000] {
        let share = spend(bitrate) / f64::from(bitrate);
        assert!((0.95..1.05).contains(&share), "{share} of {bitrate}");
    }
}

#[test]
fn no_more_bandwidth_is_coded_than_the_peer_plays_the_voice_has_and_the_rate_can_pay() {
    // The highest bandwidth of RFC 6716 table 2: 0 narrow, 1 medium, 2 wide, 3 super-wide, 4 full.
    let cases = [
        ("all there is", broad(96_000), 40_000, None, 4),
        ("a peer of 24 kHz", broad(96_000), 40_000, Some(24_000), 3),
        ("a peer of 16 kHz", broad(96_000), 40_000, Some(16_000), 2),
        ("a peer of 12 kHz", broad(96_000), 40_000, Some(12_000), 1),
        ("a peer of 8 kHz", broad(96_000), 40_000, Some(8_000), 0),
        ("a voice without treble", voice(96_000), 40_000, None, 2),
        ("a rate for words alone", broad(96_000), 20_000, None, 2),
    ];
    for (what, pcm, bitrate, max_playback_rate, highest) in cases {
        let config =
            OpusEncoderConfig { bitrate: Some(bitrate), max_playback_rate, ..OpusEncoderConfig::default() };
        let sent = payloads(&mut encoder(config), &pcm, &[960]);
        assert_eq!(sent.iter().skip(25).map(|payload| bandwidth(payload)).max(), Some(highest), "{what}");
    }
}

/// The bandwidth by RFC 6716 table 2: 0 narrow, 1 medium, 2 wide, 3 super-wide, 4 full.
fn bandwidth(payload: &[u8]) -> u8 {
    match payload[0] >> 3 {
        config @ 0..12 => config / 4,
        config @ 12..16 => 3 + (config - 12) / 2,
        config => [0, 2, 3, 4][usize::from(config - 16) / 4],
    }
}
