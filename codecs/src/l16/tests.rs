use proptest::{collection::vec, prelude::*};

use super::{L16Decoder, L16Encoder, SAMPLE_RATE};
use crate::{CodecError, Decoder, Encoder};

#[test]
fn samples_are_in_network_byte_order() {
    let mut out = [0; 8];
    assert_eq!(L16Encoder::new().encode(&[0.5, -1.0, 1.0, 2.0_f32.powi(-15)], &mut out), Ok(8));
    assert_eq!(out, [0x40, 0, 0x80, 0, 0x7f, 0xff, 0, 1]);
}

#[test]
fn every_sample_comes_back_as_it_was() {
    let pcm: Vec<f32> = (i16::MIN..=i16::MAX).map(|s| f32::from(s) / 32_768.0).collect();
    let (mut payload, mut out) = (vec![0; pcm.len() * 2], vec![0.0; pcm.len()]);
    assert_eq!(L16Encoder::new().encode(&pcm, &mut payload), Ok(payload.len()));
    assert_eq!(L16Decoder::new().decode(&payload, &mut out), Ok(pcm.len()));
    assert_eq!(out, pcm);
}

#[test]
fn what_is_not_whole_samples_or_does_not_fit_is_refused() {
    let mut decoder = L16Decoder::new();
    for len in [0, 1, 3] {
        assert_eq!(decoder.decode(&[0; 3][..len], &mut [0.0; 9]), Err(CodecError::Payload { len }));
    }
    assert_eq!(decoder.decode(&[0; 4], &mut [0.0]), Err(CodecError::OutputTooSmall { need: 2, have: 1 }));
    let mut encoder = L16Encoder::new();
    assert_eq!(encoder.encode(&[], &mut [0; 9]), Err(CodecError::FrameLength { samples: 0 }));
    assert_eq!(encoder.encode(&[0.0; 2], &mut [0; 3]), Err(CodecError::OutputTooSmall { need: 4, have: 3 }));
}

#[test]
fn a_lost_payload_is_continued() {
    let step = core::f32::consts::TAU * 150.0 / SAMPLE_RATE as f32;
    let voice: Vec<f32> = (0..4_800).map(|i| (i as f32 * step).sin()).collect();
    let mut payload = vec![0; 9_600];
    L16Encoder::new().encode(&voice, &mut payload).unwrap();
    let mut decoder = L16Decoder::new();
    decoder.decode(&payload[..8_640], &mut vec![0.0; 4_320]).unwrap();
    let mut out = [0.0; 480];
    decoder.conceal(&mut out);
    let error: f32 = out.iter().zip(&voice[4_320..]).map(|(a, b)| (a - b) * (a - b)).sum();
    assert!(error < 1.0, "{error} of an energy of 240");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(payloads in vec(vec(any::<u8>(), 0..300), 0..9), samples in 0..200_usize) {
        let (mut decoder, mut out) = (L16Decoder::new(), vec![0.0; samples]);
        for payload in payloads {
            _ = decoder.decode(&payload, &mut out);
            decoder.conceal(&mut out);
            prop_assert!(out.iter().all(|s| s.is_finite()));
        }
    }
}
