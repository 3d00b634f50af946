//! One end of a simulated call: the real stream, rings, callbacks and playout, stepped by hand.

use core::time::Duration;

use rove_base::{Entropy, Instant, Machine, MediaPlan, Now, Quality, Scratch, Step, UdpFlow};
use rove_core::{
    playout::{PlayoutConfig, PlayoutMeter},
    send::SendState,
    stream::{MediaInput, Stream, StreamEvent},
};
use rove_io::{
    bridge::{Captured, ControlEnds, LatestRx, PacketTx, PcmRx},
    callback::{Input, Output, wire},
};

use super::{SimulationError, speech::Speech};

pub(super) struct End {
    stream: Stream<PacketTx>,
    pcm: PcmRx,
    meter: LatestRx<PlayoutMeter>,
    input: Input,
    output: Output,
    control: ControlEnds,
    block: Vec<f32>,
    next_period: Instant,
}

impl End {
    /// An end whose callbacks come every [`PERIOD`] from `first` on.
    pub(super) fn new(
        now: Now,
        first: Instant,
        plan: &MediaPlan,
        playout: PlayoutConfig,
        entropy: Entropy,
    ) -> Result<Self, SimulationError> {
        let wired = wire(plan, playout)?;
        let stream = Stream::new(now, plan, wired.media.packets, entropy)?;
        let samples = usize::try_from(wired.sample_rate).unwrap_or(0) / PERIODS_PER_SECOND;
        Ok(Self {
            stream,
            pcm: wired.media.pcm,
            meter: wired.media.meter,
            input: wired.input,
            output: wired.output,
            control: wired.control,
            block: vec![0.0; samples],
            next_period: first,
        })
    }

    /// Samples per second, in and out.
    pub(super) fn rate(&self) -> u32 {
        self.stream.pcm_rate()
    }

    /// Samples per packet sent.
    pub(super) const fn frame_samples(&self) -> usize {
        self.stream.frame_samples()
    }

    pub(super) fn receive(&mut self, now: Now, flow: UdpFlow, bytes: &[u8]) {
        self.stream.handle(now, MediaInput::Datagram { flow, bytes, arrived: now.mono });
    }

    /// Runs both callbacks when it is time; answers what was heard then. Without `speech` it has stopped to listen to its
    /// microphone.
    pub(super) fn tick(&mut self, now: Now, speech: Option<&mut Speech<'_>>) -> Option<&[f32]> {
        let due = self.next_period <= now.mono;
        if due {
            let at = self.next_period;
            if let Some(speech) = speech {
                speech.fill(&mut self.block);
                self.input.capture(at, &self.block);
                let Self { stream, pcm, .. } = self;
                pcm.read(|captured| match captured {
                    Captured::Sound { pcm, .. } => stream.handle(now, MediaInput::Pcm(pcm)),
                    Captured::Missed { samples } => stream.handle(now, MediaInput::Missed(samples)),
                });
            }
            self.output.render(at, &mut self.block);
            self.next_period = at + PERIOD;
        }
        if let Some(meter) = self.meter.changed() {
            self.stream.handle(now, MediaInput::Meter(meter));
        }
        self.stream.tick(now);
        due.then_some(&self.block)
    }

    pub(super) fn hang_up(&mut self, now: Now) {
        self.stream.handle(now, MediaInput::Hangup);
    }

    /// The stream's next step; its wait includes the next callback.
    pub(super) fn poll(&mut self, out: &mut Scratch) -> Step<StreamEvent> {
        let step = self.stream.poll(out);
        match step {
            Step::Wait(wake) => return Step::Wait(Instant::earliest(wake, Some(self.next_period))),
            Step::Event(StreamEvent::Quality(quality)) => self.control.on_quality(&quality),
            _ => {}
        }
        step
    }

    pub(super) const fn meter(&self) -> PlayoutMeter {
        self.output.meter()
    }

    /// How it sends at the moment.
    pub(super) fn sending(&self) -> SendState {
        self.stream.sending()
    }

    /// The whole call, as this end measured it.
    pub(super) fn summary(&self) -> Quality {
        self.stream.summary()
    }
}

/// Callbacks come every 10 ms.
pub(super) const PERIOD: Duration = Duration::from_millis(10);
const PERIODS_PER_SECOND: usize = 100;
