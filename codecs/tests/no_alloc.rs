//! After `new`, no codec allocates: neither in Rust (which aborts here) nor in libopus (which is counted).
#![cfg_attr(all(target_os = "linux", target_env = "gnu"), allow(unsafe_code))]
#![allow(clippy::unwrap_used, reason = "a test")]

use assert_no_alloc::assert_no_alloc;
use rove_codecs::{
    Decoder, Encoder, Redundancy, Tuning,
    comfort_noise::{ComfortNoise, NoiseAnalyser, NoiseParameters},
    dtmf_tone::DtmfTone,
    g711::{PcmaDecoder, PcmaEncoder, PcmuDecoder, PcmuEncoder},
    g722::{G722Decoder, G722Encoder},
    l16::{L16Decoder, L16Encoder},
    opus::{OpusDecoder, OpusDecoderConfig, OpusEncoder, OpusEncoderConfig},
    telephone_event::{DtmfKey, TelephoneEvent},
};

#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

type Pair = (&'static str, usize, Box<dyn Encoder>, Box<dyn Decoder>);

#[test]
fn encoding_decoding_and_concealing_never_allocate() {
    let redundancy = Redundancy::InBand { loss_percent: 10 };
    let config = OpusEncoderConfig { redundancy, dtx: true, ..OpusEncoderConfig::default() };
    // The largest networks that libopus has.
    let decoder = OpusDecoder::new(OpusDecoderConfig { complexity: 10 }).unwrap();
    let pairs: [Pair; 5] = [
        ("opus", 960, Box::new(OpusEncoder::new(config).unwrap()), Box::new(decoder)),
        ("pcmu", 160, Box::new(PcmuEncoder::new()), Box::new(PcmuDecoder::new())),
        ("pcma", 160, Box::new(PcmaEncoder::new()), Box::new(PcmaDecoder::new())),
        ("g722", 320, Box::new(G722Encoder::new()), Box::new(G722Decoder::new())),
        ("l16", 480, Box::new(L16Encoder::new()), Box::new(L16Decoder::new())),
    ];
    for (name, frame, mut encoder, mut decoder) in pairs {
        let before = c_heap::allocations();
        let deep = assert_no_alloc(|| talk(frame, encoder.as_mut(), decoder.as_mut()));
        assert_eq!(c_heap::allocations(), before, "{name} called malloc");
        assert_eq!(
            deep > 0,
            name == "opus" && cfg!(feature = "dnn"),
            "{name}: {deep} frames of deep redundancy"
        );
    }
}

#[test]
fn noise_and_tones_never_allocate() {
    let (mut analyser, mut noise) = (NoiseAnalyser::new(10), ComfortNoise::new(8_000, 1));
    let mut tone = DtmfTone::new(8_000, 0.1);
    assert_no_alloc(|| {
        let (mut pcm, mut payload) = ([0.01; 160], [0; 20]);
        for key in (0..200).filter_map(|round| DtmfKey::from_event(round % 20)) {
            analyser.hear(&pcm);
            let len = analyser.parameters().unwrap().write(&mut payload).unwrap();
            noise.update(&NoiseParameters::parse(&payload[..len]).unwrap());
            noise.generate(&mut pcm);
            tone.press(key);
            tone.add_to(&mut pcm);
            let event = TelephoneEvent { event: key.event(), ..TelephoneEvent::default() };
            let len = event.write(&mut payload).unwrap();
            assert_eq!(TelephoneEvent::parse(&payload[..len]).unwrap().key(), Some(key));
        }
    });
}

#[test]
fn the_count_of_c_allocations_counts() {
    let before = c_heap::allocations();
    let decoder = OpusDecoder::new(OpusDecoderConfig::default()).unwrap();
    if cfg!(all(target_os = "linux", target_env = "gnu")) {
        assert!(c_heap::allocations() > before);
    }
    drop(decoder);
}

const DEEP: Tuning =
    Tuning { bitrate: Some(40_000), redundancy: Redundancy::Deep { loss_percent: 20, reach: 100 } };

/// Two seconds: speech, silence, losses of several lengths, hostile payloads. Answers how many frames came from further back than
/// a frame.
fn talk(frame: usize, encoder: &mut dyn Encoder, decoder: &mut dyn Decoder) -> usize {
    let mut deep = 0;
    let (mut pcm, mut payload, mut out) = ([0.0; 960], [0; 1_275], [0.0; 5_760]);
    for round in 0..100_usize {
        for (i, sample) in pcm[..frame].iter_mut().enumerate() {
            let loud = if round % 50 < 30 { 0.5 } else { 0.0 };
            *sample = loud * ((round * frame + i) as f32 * 0.05).sin();
        }
        let len = encoder.encode(&pcm[..frame], &mut payload).unwrap();
        match round {
            20 if cfg!(feature = "dnn") => encoder.tune(DEEP).unwrap(),
            60 => encoder.tune(Tuning::default()).unwrap(),
            _ => {}
        }
        let deepest = decoder.reach(&payload[..len]).max(frame);
        match round % 10 {
            3 => decoder.conceal(&mut out[..frame]),
            4 => drop(decoder.recover(&payload[..len], frame, &mut out[..frame])),
            8 => {
                let found = decoder.recover(&payload[..len], deepest, &mut out[..frame]);
                deep += usize::from(found && deepest > frame);
            }
            5 => decoder.conceal(&mut out),
            6 => drop(decoder.decode(&[0xff; 9], &mut out)),
            7 => decoder.reset(),
            _ if len > 0 => drop(decoder.decode(&payload[..len], &mut out).unwrap()),
            _ => decoder.conceal(&mut out[..frame]),
        }
    }
    deep
}

/// Counts what this thread takes from the C heap, by standing in for `malloc`.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod c_heap {
    use core::{cell::Cell, ffi::c_void};

    thread_local! {
        static COUNT: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn allocations() -> usize {
        COUNT.get()
    }

    unsafe extern "C" {
        fn __libc_malloc(size: usize) -> *mut c_void;
    }

    #[unsafe(no_mangle)]
    extern "C" fn malloc(size: usize) -> *mut c_void {
        _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: glibc's own `malloc` under its other name.
        unsafe { __libc_malloc(size) }
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod c_heap {
    pub(super) const fn allocations() -> usize {
        0
    }
}
