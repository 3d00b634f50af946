use super::{FRAMES, correlation, decoder, encoder, glide, payloads, protected};
#[cfg(feature = "dnn")]
use super::{energy, voice};
use crate::{
    Decoder, Encoder, Redundancy, Tuning,
    opus::{Carried, OpusEncoderConfig},
};

#[test]
fn a_frame_lost_is_better_recovered_from_the_next_payload_than_concealed_at_every_packet_time() {
    for frame in FRAMES {
        let mut encoder = encoder(protected(Redundancy::InBand { loss_percent: 20 }));
        let voice = glide(192_000);
        let payloads = payloads(&mut encoder, &voice, &[frame]);
        let mut found = 0;
        let mut play = |recover: bool| {
            let mut decoder = decoder();
            let mut heard = vec![0.0; voice.len()];
            for (i, out) in heard.chunks_exact_mut(frame).enumerate() {
                match payloads.get(i + 1) {
                    Some(next) if i % 5 == 4 && recover => {
                        assert!(decoder.reach(next) <= frame, "no deeper than a frame");
                        found += usize::from(decoder.recover(next, out.len(), out));
                    }
                    _ if i % 5 == 4 => decoder.conceal(out),
                    _ => drop(decoder.decode(&payloads[i], out).unwrap()),
                }
            }
            correlation(&voice[48_000..182_400], &heard[48_000 + encoder.lookahead()..][..134_400])
        };
        let (recovered, concealed) = (play(true), play(false));
        let losses = payloads.len() / 5;
        assert!(found * 2 >= losses, "{frame} samples: redundancy for {found} of {losses} losses");
        assert!(recovered > concealed + 0.02, "{frame} samples: {recovered}, concealed {concealed}");
    }
}

#[cfg(feature = "dnn")]
#[test]
fn a_long_loss_is_recovered_from_deep_redundancy_oldest_frame_first() {
    let redundancy = Redundancy::Deep { loss_percent: 20, reach: 40 };
    let mut encoder = encoder(OpusEncoderConfig { bitrate: Some(48_000), ..protected(redundancy) });
    let voice = glide(192_000);
    let payloads = payloads(&mut encoder, &voice, &[960]);
    let next = &payloads[110];
    let mut fresh = decoder();
    let reach = fresh.reach(next);
    assert!((9_600..=21_120).contains(&reach), "400 ms asked for, {reach} samples sent");
    let play = |recover: bool| {
        let mut decoder = decoder();
        let mut heard = vec![0.0; 960 * 10];
        for payload in &payloads[..100] {
            decoder.decode(payload, &mut [0.0; 960]).unwrap();
        }
        for (i, out) in heard.chunks_mut(960).enumerate() {
            if recover {
                assert!(decoder.recover(next, (10 - i) * 960, out), "frame {i} of ten");
            } else {
                decoder.conceal(out);
            }
        }
        heard
    };
    let (recovered, concealed) = (play(true), play(false));
    let spoken = energy(&voice[960 * 100..][..9_600]);
    assert!(energy(&recovered[4_800..]) > 0.3 * spoken / 2.0, "the voice goes on to the end of the loss");
    assert!(energy(&concealed[4_800..]) < energy(&recovered[4_800..]), "where concealment faded");
}

#[cfg(feature = "dnn")]
#[test]
fn what_lies_beyond_the_redundancy_is_concealed_and_said_to_be() {
    let mut encoder = encoder(protected(Redundancy::Deep { loss_percent: 20, reach: 20 }));
    let payloads = payloads(&mut encoder, &voice(96_000), &[960]);
    let mut decoder = decoder();
    for payload in &payloads[..50] {
        decoder.decode(payload, &mut [0.0; 960]).unwrap();
    }
    let next = &payloads[60];
    let reach = decoder.reach(next);
    let mut out = [f32::NAN; 960];
    for back in [0, reach + 960, usize::MAX] {
        assert!(!decoder.recover(next, back, &mut out), "{back} samples back of {reach}");
        assert!(out.iter().all(|s| s.is_finite()));
    }
    assert!(decoder.recover(next, reach / 960 * 960, &mut out));
    assert!(!decoder.recover(&payloads[61][..10], 960, &mut out), "a payload cut short");
}

#[test]
fn the_encoder_says_what_redundancy_a_payload_really_carries() {
    let mut encoder = encoder(OpusEncoderConfig::default());
    let mut out = [0; 1_275];
    let mut last = |redundancy| {
        encoder.tune(Tuning { bitrate: None, redundancy }).unwrap();
        for pcm in glide(48_000).chunks(960) {
            encoder.encode(pcm, &mut out).unwrap();
        }
        encoder.carried()
    };
    assert_eq!(last(Redundancy::None), Carried::default());
    let in_band = last(Redundancy::InBand { loss_percent: 20 });
    assert_eq!(in_band, Carried { in_band: true, deep_bytes: 0 });
    if cfg!(feature = "dnn") {
        let deep = last(Redundancy::Deep { loss_percent: 20, reach: 20 });
        assert!(!deep.in_band && (10..80).contains(&deep.deep_bytes), "{deep:?}");
    }
    assert_eq!(last(Redundancy::None), Carried::default(), "and nothing when that is asked for");
    for hostile in [&[][..], &[3], &[3, 0x41], &[3, 0x41, 255], &[3, 0x41, 1], &[3, 0x41, 2, 2], &[0xff; 40]]
    {
        assert_eq!(Carried::by(hostile).deep_bytes, 0, "{hostile:?}");
    }
}
