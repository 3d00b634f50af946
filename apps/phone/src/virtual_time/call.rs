//! The media of one call in virtual time: the real stream, rings and callbacks, stepped by hand.

use core::time::Duration;

use rove_base::{Entropy, Instant, Machine, MediaPlan, Now, Quality, Scratch, Step, UdpFlow};
use rove_core::{
    playout::PlayoutConfig,
    stream::{MediaInput, Stream, StreamEvent},
};
use rove_io::{
    bridge::{Captured, ControlEnds, LatestRx, PacketTx, PcmRx},
    callback::{Input, Output, wire},
    device::resample,
};
use rove_session::MediaFact;

use super::{VirtualConfig, Voice, hand_out};

/// One call's stream with its two callbacks.
pub(super) struct VirtualCall {
    stream: Stream<PacketTx>,
    pcm: PcmRx,
    meter: LatestRx<rove_core::playout::PlayoutMeter>,
    input: Input,
    output: Output,
    // Kept so that the crossings stay joined as in the real phone.
    _control: ControlEnds,
    mouth: Mouth,
    block: Vec<f32>,
    next_period: Instant,
    heard: Vec<f32>,
    keep_heard: bool,
    samples: Vec<Quality>,
}

impl VirtualCall {
    pub(super) fn new(
        now: Now,
        plan: &MediaPlan,
        config: &VirtualConfig,
        entropy: Entropy,
    ) -> Result<Self, String> {
        let playout = PlayoutConfig { target: config.playout_delay, ..PlayoutConfig::default() };
        let wired = wire(plan, playout).map_err(|error| error.to_string())?;
        let stream =
            Stream::new(now, plan, wired.media.packets, entropy).map_err(|error| error.to_string())?;
        let rate = wired.sample_rate;
        Ok(Self {
            stream,
            pcm: wired.media.pcm,
            meter: wired.media.meter,
            input: wired.input,
            output: wired.output,
            _control: wired.control,
            mouth: Mouth::new(&config.voice, rate),
            block: vec![0.0; rate as usize / PERIODS_PER_SECOND],
            next_period: now.mono,
            heard: Vec::new(),
            keep_heard: config.keep_heard,
            samples: Vec::new(),
        })
    }

    pub(super) fn receive(&mut self, now: Now, flow: UdpFlow, bytes: &[u8], arrived: Instant) {
        self.stream.handle(now, MediaInput::Datagram { flow, bytes, arrived });
    }

    /// Runs the callbacks whose time has come, as the device's own thread would.
    pub(super) fn tick(&mut self, now: Now) {
        while self.next_period <= now.mono {
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

    /// Carries the stream's steps; `tell` gets what signalling wants to know. Answers when to come back.
    pub(super) fn drain(
        &mut self,
        scratch: &mut Scratch,
        send: &mut dyn FnMut(UdpFlow, &[u8]),
        tell: &mut dyn FnMut(MediaFact),
    ) -> Option<Instant> {
        loop {
            match self.stream.poll(scratch) {
                Step::Send(transmit) => hand_out(transmit, scratch, send),
                Step::Event(StreamEvent::FirstAudio { at }) => tell(MediaFact::FirstAudio(at)),
                Step::Event(StreamEvent::Quality(quality)) => {
                    self.samples.push(quality);
                    tell(MediaFact::Quality(quality));
                }
                Step::Wait(wake) => return Instant::earliest(wake, Some(self.next_period)),
                _ => {}
            }
        }
    }

    pub(super) fn heard(&self) -> &[f32] {
        &self.heard
    }

    /// Says goodbye to the peer, and hands out the last word on quality, the word of each second, and what was heard.
    pub(super) fn finish(
        mut self,
        now: Now,
        scratch: &mut Scratch,
        send: &mut dyn FnMut(UdpFlow, &[u8]),
    ) -> (Quality, Vec<Quality>, Vec<f32>) {
        self.stream.handle(now, MediaInput::Hangup);
        self.drain(scratch, send, &mut |_| ());
        (self.stream.summary(), self.samples, self.heard)
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
