//! The media of one call in virtual time: the real stream, rings and callbacks, stepped by hand.

use core::time::Duration;

use super::{MediaFailure, VirtualConfig, Voice};
use rove_base::{Entropy, Instant, Machine, MediaPlan, Now, Quality, Scratch, Step, UdpFlow};
use rove_core::{
    playout::PlayoutConfig,
    stream::{MediaInput, Replan, Stream, StreamEvent},
};
use rove_io::{
    bridge::{Captured, ControlEnds, LatestRx, PacketTx, PcmRx},
    callback::{Input, Output, replacement, wire},
    device::resample,
};

/// One call's stream with its two callbacks.
pub(super) struct VirtualCall {
    plan: MediaPlan,
    playout: PlayoutConfig,
    /// Samples per second of its device.
    rate: u32,
    stream: Stream<PacketTx>,
    pcm: PcmRx,
    meter: LatestRx<rove_core::playout::PlayoutMeter>,
    input: Input,
    output: Output,
    control: ControlEnds,
    mouth: Mouth,
    block: Vec<f32>,
    next_period: Instant,
    heard: Vec<f32>,
    keep_heard: bool,
    leaving: bool,
}

impl VirtualCall {
    pub(super) fn new(
        now: Now,
        plan: &MediaPlan,
        config: &VirtualConfig,
        entropy: Entropy,
    ) -> Result<Self, MediaFailure> {
        let playout =
            PlayoutConfig { least: config.min_delay, most: config.max_delay, ..PlayoutConfig::default() };
        let wired = wire(plan, playout)?;
        let stream = Stream::new(now, plan, wired.media.packets, entropy)?;
        let rate = wired.sample_rate;
        Ok(Self {
            plan: plan.clone(),
            playout,
            rate,
            stream,
            pcm: wired.media.pcm,
            meter: wired.media.meter,
            input: wired.input,
            output: wired.output,
            control: wired.control,
            mouth: Mouth::new(&config.voice, rate),
            block: vec![0.0; rate as usize / PERIODS_PER_SECOND],
            next_period: now.mono,
            heard: Vec::new(),
            keep_heard: config.keep_heard,
            leaving: false,
        })
    }

    pub(super) fn receive(&mut self, now: Now, flow: UdpFlow, bytes: &[u8]) {
        self.stream.handle(now, MediaInput::Datagram { flow, bytes, arrived: now.mono });
    }

    /// Goes on by another plan.
    pub(super) fn change(&mut self, now: Now, plan: &MediaPlan) -> Result<(), MediaFailure> {
        let playout = Replan::<PacketTx>::needs_sink(&self.plan, plan)
            .then(|| replacement(plan, self.rate, self.playout))
            .transpose()?;
        let (packets, playout) = playout.unzip();
        let mut replan = Replan::new(now, &self.plan, plan, self.rate, packets)?;
        match playout {
            Some(playout) => drop(self.control.succeed(playout)),
            None if self.plan.codec() != plan.codec() => self.control.on_formats(plan),
            None => {}
        }
        self.stream.replan(&mut replan);
        self.plan = plan.clone();
        Ok(())
    }

    /// Runs the callbacks whose time has come, as the device's own thread would.
    pub(super) fn tick(&mut self, now: Now) {
        while !self.leaving && self.next_period <= now.mono {
            let at = self.next_period;
            self.mouth.fill(&mut self.block);
            self.input.capture(at, &self.block);
            let Self { stream, pcm, .. } = self;
            pcm.read(|captured| match captured {
                Captured::Sound { pcm, .. } => stream.handle(now, MediaInput::Pcm(pcm)),
                Captured::Missed { samples } => stream.handle(now, MediaInput::Missed(samples)),
            });
            self.output.render(at, &mut self.block);
            if self.keep_heard {
                self.heard.extend_from_slice(&self.block);
            }
            self.next_period = at + PERIOD;
        }
        if let Some(meter) = self.meter.changed() {
            self.stream.handle(now, MediaInput::Meter(meter));
        }
        self.stream.tick(now);
    }

    /// Tells the peer that a key was pressed.
    pub(super) fn press(&mut self, now: Now, key: char, duration: Duration) {
        self.stream.handle(now, MediaInput::Dtmf { digit: key, duration });
    }

    /// Stops the callbacks; the stream says goodbye.
    pub(super) fn hang_up(&mut self, now: Now) {
        if !self.leaving {
            self.leaving = true;
            self.stream.handle(now, MediaInput::Hangup);
        }
    }

    /// Whether the goodbye is out.
    pub(super) const fn has_ended(&self) -> bool {
        self.leaving
    }

    /// The stream's next step; its wait includes the next callback.
    pub(super) fn poll(&mut self, out: &mut Scratch) -> Step<StreamEvent> {
        let step = self.stream.poll(out);
        match step {
            Step::Wait(_) if self.leaving => return Step::Wait(None),
            Step::Wait(wake) => return Step::Wait(Instant::earliest(wake, Some(self.next_period))),
            Step::Event(StreamEvent::Quality(quality)) => self.control.on_quality(&quality),
            _ => {}
        }
        step
    }

    pub(super) fn heard(&self) -> &[f32] {
        &self.heard
    }

    /// The last word on quality, and what was heard.
    pub(super) fn finish(self) -> (Quality, Vec<f32>) {
        (self.stream.summary(), self.heard)
    }
}

/// What speaks: a clip, once or again and again.
struct Mouth {
    clip: Vec<f32>,
    repeat: bool,
    at: usize,
}

impl Mouth {
    fn new(voice: &Voice, rate: u32) -> Self {
        let (clip, repeat) = match voice {
            Voice::Silence => (Vec::new(), false),
            Voice::Tone { hertz } => (tone(*hertz, rate), true),
            Voice::Samples { rate: from, pcm } if *from == rate => (pcm.clone(), false),
            Voice::Samples { rate: from, pcm } => (resample(pcm, *from, rate).unwrap_or_default(), false),
        };
        Self { clip, repeat, at: 0 }
    }

    fn fill(&mut self, mut out: &mut [f32]) {
        while !out.is_empty() {
            let rest = self.clip.get(self.at..).unwrap_or_default();
            if rest.is_empty() {
                if !self.repeat || self.clip.is_empty() {
                    return out.fill(0.0);
                }
                self.at = 0;
                continue;
            }
            let (now, later) = out.split_at_mut(rest.len().min(out.len()));
            now.copy_from_slice(rest.get(..now.len()).unwrap_or_default());
            self.at += now.len();
            out = later;
        }
    }
}

/// One second of a sine at half scale.
#[expect(clippy::cast_precision_loss, reason = "a second has far fewer samples than an f32 has integers")]
fn tone(hertz: f32, rate: u32) -> Vec<f32> {
    (0..rate).map(|n| 0.5 * (core::f32::consts::TAU * hertz * n as f32 / rate as f32).sin()).collect()
}

/// Callbacks come every 10 ms.
const PERIOD: Duration = Duration::from_millis(10);
const PERIODS_PER_SECOND: usize = 100;
