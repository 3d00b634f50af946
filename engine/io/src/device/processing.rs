//! What makes a microphone beside a loudspeaker bearable: echo cancellation, noise suppression, gain control.
//!
//! The work is done by a port of WebRTC's audio processing; this is the only file that names it. It may allocate, so it
//! has a thread of its own between the input callback and the media thread; the callbacks only copy into rings. What
//! was played comes by the clock of the loudspeaker and is brought to that of the microphone, as the canceller needs it.
//!
//! ```text
//!  input callback  ── ring ─────────────────────▶ Worker ──▶ the capture end
//!  output callback ── ring ──▶ Follower ─ played ──▲
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rove_base::Instant;
use sonora::{
    AudioProcessing, Config, StreamConfig,
    config::{
        AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, MaxProcessingRate, NoiseSuppression,
        NoiseSuppressionLevel, Pipeline,
    },
};

use super::{Capture, DeviceError, Ends, Follower, ProcessingConfig, Render};
use crate::bridge::{Captured, PcmRx, PcmTx, pcm_ring};

#[cfg(test)]
mod tests;

/// Processes captured sound in frames of 10 ms.
pub struct Processing {
    inner: AudioProcessing,
    rate: u32,
    heard: Box<[f32]>,
    filled: usize,
    /// When the first of `heard` was captured.
    at: Instant,
    far: Box<[f32]>,
    out: Box<[f32]>,
}

impl Processing {
    /// For mono samples, `rate` of them a second, from 8 000 on. `None` for other rates.
    #[must_use]
    pub fn new(rate: u32, config: ProcessingConfig) -> Option<Self> {
        if !(8_000..=384_000).contains(&rate) || !rate.is_multiple_of(100) {
            return None;
        }
        let format = StreamConfig::new(rate, 1);
        let noise = NoiseSuppression { level: NoiseSuppressionLevel::High, ..NoiseSuppression::default() };
        let gain = GainController2 {
            adaptive_digital: Some(AdaptiveDigital::default()),
            ..GainController2::default()
        };
        let settings = Config {
            pipeline: Pipeline {
                maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
                ..Pipeline::default()
            },
            high_pass_filter: Some(HighPassFilter::default()),
            echo_canceller: config.echo.then(EchoCanceller::default),
            noise_suppression: config.noise.then_some(noise),
            gain_controller2: config.gain.then_some(gain),
            ..Config::default()
        };
        let inner =
            AudioProcessing::builder().config(settings).capture_config(format).render_config(format).build();
        let frame = || vec![0.0; format.num_frames()].into_boxed_slice();
        let (heard, far, out) = (frame(), frame(), frame());
        Some(Self { inner, rate, heard, filled: 0, at: Instant::ZERO, far, out })
    }

    /// Takes captured samples, the first of which was captured at `at`. For each frame that is complete, `played` is
    /// asked for what the loudspeaker played meanwhile, and `emit` is given what is left, and its time.
    pub fn process(
        &mut self,
        at: Instant,
        mut pcm: &[f32],
        mut played: impl FnMut(Instant, &mut [f32]),
        mut emit: impl FnMut(Instant, &[f32]),
    ) {
        let mut offset: u64 = 0;
        while !pcm.is_empty() {
            if self.filled == 0 {
                self.at = at + Duration::from_nanos(offset * 1_000_000_000 / u64::from(self.rate));
            }
            let room = self.heard.get_mut(self.filled..).unwrap_or_default();
            let count = room.len().min(pcm.len());
            let (now, later) = pcm.split_at(count);
            room.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            (self.filled, pcm, offset) = (self.filled + count, later, offset + count as u64);
            if self.filled == self.heard.len() {
                self.filled = 0;
                played(self.at, &mut self.far);
                self.frame();
                emit(self.at, &self.out);
            }
        }
    }

    fn frame(&mut self) {
        let Self { inner, heard, far, out, .. } = self;
        let sane = |pcm: &mut [f32]| {
            pcm.iter_mut().for_each(|x| *x = if x.is_finite() { x.clamp(-1.0, 1.0) } else { 0.0 });
        };
        sane(heard);
        sane(far);
        // Refused are only formats, which were checked; then the sound goes on as it came.
        let done = inner
            .process_render_f32(&[&far[..]], &mut [&mut out[..]])
            .and_then(|()| inner.process_capture_f32(&[&heard[..]], &mut [&mut out[..]]));
        if done.is_err() {
            out.copy_from_slice(heard);
        }
    }
}

impl std::fmt::Debug for Processing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Processing").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl Ends {
    /// The same ends with processing between the microphone and the capture end, on a thread that ends with them.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] when the rate is not served or the thread cannot be started.
    pub fn processed(self, config: ProcessingConfig) -> Result<Self, DeviceError> {
        let (ends, mut worker, ended) = self.tapped(config)?;
        std::thread::Builder::new()
            .name("rove-sound".into())
            .spawn(move || {
                while !ended.load(Ordering::Acquire) {
                    worker.turn();
                    std::thread::sleep(PERIOD);
                }
            })
            .map_err(DeviceError::Thread)?;
        Ok(ends)
    }

    fn tapped(self, config: ProcessingConfig) -> Result<(Self, Worker, Arc<AtomicBool>), DeviceError> {
        let Self { rate, capture, render } = self;
        let refused = || DeviceError::Card(format!("sound of {rate} samples per second cannot be processed"));
        let processing = Processing::new(rate, config).ok_or_else(refused)?;
        let samples = rate as usize / RINGS_PER_SECOND;
        let ((heard_tx, heard), (played_tx, played_rx)) = (pcm_ring(samples), pcm_ring(samples));
        let played = Follower::new(played_rx, rate, REFERENCE_DELAY).ok_or_else(refused)?;
        let ended = Arc::new(AtomicBool::new(false));
        let tap = Tap { ring: heard_tx, ended: Arc::clone(&ended) };
        let ends =
            Self { rate, capture: Box::new(tap), render: Box::new(Copied { render, ring: played_tx }) };
        Ok((ends, Worker { processing, heard, played, capture }, ended))
    }
}

/// The capture end that a device sees.
struct Tap {
    ring: PcmTx,
    ended: Arc<AtomicBool>,
}

impl Capture for Tap {
    fn capture(&mut self, now: Instant, pcm: &[f32]) {
        // What finds no room is told of by the ring.
        let _ = self.ring.push(now, pcm);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
    }
}

/// The render end that a device sees: what is played is copied for the canceller.
struct Copied {
    render: Box<dyn Render>,
    ring: PcmTx,
}

impl Render for Copied {
    fn render(&mut self, now: Instant, out: &mut [f32]) {
        self.render.render(now, out);
        let _ = self.ring.push(now, out);
    }
}

/// The far side of both rings.
struct Worker {
    processing: Processing,
    heard: PcmRx,
    played: Follower,
    capture: Box<dyn Capture>,
}

impl Worker {
    /// Processes all that was captured since the last time.
    fn turn(&mut self) {
        let Self { processing, heard, played, capture } = self;
        let mut seen: Option<(Instant, u64)> = None;
        heard.read(|captured| {
            let Captured::Sound { at: stamp, pcm } = captured else { return };
            // A block that the end of the ring divides comes in two pieces with one stamp.
            let before = seen.filter(|(last, _)| *last == stamp).map_or(0, |(_, count)| count);
            seen = Some((stamp, before + pcm.len() as u64));
            let at = stamp + Duration::from_nanos(before * 1_000_000_000 / u64::from(processing.rate));
            processing.process(at, pcm, |at, far| played.pull(at, far), |at, out| capture.capture(at, out));
        });
    }
}

/// How often captured sound is looked for.
const PERIOD: Duration = Duration::from_millis(4);
/// Both rings hold 200 ms.
const RINGS_PER_SECOND: usize = 5;
/// How much later than it was rendered the canceller sees what was played: within the buffers of any loudspeaker, so
/// that it still sees it before the microphone does.
const REFERENCE_DELAY: Duration = Duration::from_millis(12);
