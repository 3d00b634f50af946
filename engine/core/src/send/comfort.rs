//! Silence by comfort noise (RFC 3389), for codecs that have none of their own.

use core::time::Duration;

use rove_codecs::comfort_noise::{NoiseAnalyser, NoiseParameters};

use crate::capture::Silence;

/// What to send for a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// The frame.
    Voice,
    /// What the background sounds like.
    Noise(NoiseParameters),
    /// Nothing.
    Nothing,
}

/// Decides frame by frame.
#[derive(Debug)]
pub(super) struct Comfort {
    silence: Silence,
    analyser: NoiseAnalyser,
    /// The level last told and how long ago; `None` while there is speech.
    told: Option<(u8, Duration)>,
}

impl Comfort {
    /// For sound of `sample_rate`.
    pub(super) fn new(sample_rate: u32) -> Self {
        Self { silence: Silence::new(sample_rate), analyser: NoiseAnalyser::new(ORDER), told: None }
    }

    /// Takes in a frame of `duration`.
    pub(super) fn judge(&mut self, frame: &[f32], duration: Duration) -> Verdict {
        if !self.silence.hear(frame) {
            self.told = None;
            return Verdict::Voice;
        }
        self.analyser.hear(frame);
        let Some(noise) = self.analyser.parameters() else { return Verdict::Voice };
        let level = noise.level();
        if let Some((told, ago)) = &mut self.told {
            *ago = ago.saturating_add(duration);
            let near = level.abs_diff(*told) < LOUDER_DB;
            if (near && *ago < REFRESH) || *ago < BETWEEN {
                return Verdict::Nothing;
            }
        }
        self.told = Some((level, Duration::ZERO));
        Verdict::Noise(noise)
    }
}

/// Coefficients that tell the noise's colour.
const ORDER: usize = 8;
/// The background is told again when it has changed by so much,
const LOUDER_DB: u8 = 3;
/// but not more often than this,
const BETWEEN: Duration = Duration::from_millis(100);
/// and after this in any case, in case the last telling was lost.
const REFRESH: Duration = Duration::from_millis(500);
