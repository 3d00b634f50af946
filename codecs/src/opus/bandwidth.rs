//! How much of the spectrum is worth coding: what the peer can play, what there is, what the rate can pay for.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::ffi;
use crate::Redundancy;

/// The audio bandwidth that a peer with this sampling rate can play (RFC 7587 §6.1 `maxplaybackrate`, RFC 6716 table 1).
pub(super) const fn playable(max_playback_rate: Option<u32>) -> i32 {
    match max_playback_rate {
        Some(..12_000) => ffi::NARROWBAND,
        Some(12_000..16_000) => ffi::MEDIUMBAND,
        Some(16_000..24_000) => ffi::WIDEBAND,
        Some(24_000..48_000) => ffi::SUPERWIDEBAND,
        _ => ffi::FULLBAND,
    }
}

/// The audio bandwidth that speech at `bitrate` should have.
///
/// RFC 7587 §3.1.1 wants 16 to 20 kb/s for wideband and 28 to 40 kb/s for fullband speech. Between them the wider sound
/// costs more in the band that carries the words than it gives: PESQ-WB 4.23 against 4.09 at 16 kb/s. libopus itself
/// would widen from 14 kb/s on.
pub(super) const fn affordable(bitrate: u32, redundancy: Redundancy) -> i32 {
    let primary = match redundancy {
        Redundancy::None => bitrate,
        // Either takes about a third where it has room to be useful.
        Redundancy::InBand { .. } | Redundancy::Deep { .. } => bitrate.saturating_sub(bitrate / 3),
    };
    if primary < WIDER_FROM { ffi::WIDEBAND } else { ffi::FULLBAND }
}

/// Looks whether there is sound above 10 kHz at all. Much is sampled at 16 kHz somewhere on its way (headsets,
/// telephone networks, recordings), and coding the emptiness above costs as much as coding sound.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Content {
    state: [[f32; 2]; SECTIONS.len()],
    /// Samples for which what was found still counts.
    wide_for: usize,
}

impl Content {
    /// The audio bandwidth of what was heard up to the end of `pcm`.
    pub(super) fn hear(&mut self, pcm: &[f32]) -> i32 {
        let (mut all, mut high) = (0.0_f32, 0.0_f32);
        for &sample in pcm {
            let sample = if sample.is_finite() { sample.clamp(-2.0, 2.0) } else { 0.0 };
            let mut out = sample;
            for ([b0, b1, b2, a1, a2], [s1, s2]) in SECTIONS.iter().zip(&mut self.state) {
                let input = out;
                out = b0 * input + *s1;
                *s1 = b1 * input - a1 * out + *s2;
                *s2 = b2 * input - a2 * out;
            }
            all += sample * sample;
            high += out * out;
        }
        let audible = high > AUDIBLE * pcm.len() as f32;
        self.wide_for =
            if audible && high > all * SHARE { HOLD } else { self.wide_for.saturating_sub(pcm.len()) };
        if self.wide_for > 0 { ffi::FULLBAND } else { ffi::WIDEBAND }
    }
}

/// Bits per second of speech from which on more than wideband is coded.
const WIDER_FROM: u32 = 24_000;

/// Mean square that counts as sound: −60 dB of full scale.
const AUDIBLE: f32 = 1e-6;

/// Part of all the energy that counts as content; what resampling from 16 kHz leaves there is 58 dB down, a hiss of
/// speech less than 20.
const SHARE: f32 = 1e-4;

/// Ten seconds.
const HOLD: usize = 480_000;

/// An elliptic high-pass of order six at 48 kHz: 60 dB down below 8 kHz, 0.5 dB of ripple above 10.5 kHz. Each section is
/// b0, b1, b2, a1, a2.
const SECTIONS: [[f32; 5]; 3] = [
    [0.056_361_598, -0.105_841_24, 0.056_361_598, 0.626_410_24, 0.239_471_69],
    [1.0, -1.328_699_4, 1.0, -0.021_837_568, 0.632_913],
    [1.0, -1.014_901_7, 1.0, -0.388_175_6, 0.902_115_4],
];
