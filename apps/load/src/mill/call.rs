//! The media of one call: the real stream, jitter buffer and codecs, with a clip for a mouth and nobody to hear.
//!
//! A call is looked after once in a while: then it goes through what came meanwhile, and makes the packets of the time until it
//! is looked after again, each of which leaves in a slot of its own. One look at all that a call has in memory serves for all.

use std::{sync::Arc, time::Duration};

use rove_base::{Entropy, Instant, Machine as _, MediaPlan, Now, Quality, Scratch, Step, UdpFlow};
use rove_codecs::CodecError;
use rove_core::{
    playout::{PlayoutConfig, PlayoutMeter},
    stream::{MediaInput, Stream, StreamError, StreamEvent},
};
use rove_io::{
    bridge::{ControlEnds, LatestRx, PacketTx},
    callback::{Output, wire},
    clock::Clock,
    net::Received,
};
use rove_phone::netem::Impairments;

use super::{
    bad_link::BadLink,
    wheel::PHASES,
    wires::{Inbox, Wires},
};
use crate::voice::Voice;

/// One call, as the mill has it.
pub(crate) struct Grist {
    id: u64,
    stream: Stream<PacketTx>,
    output: Output,
    control: ControlEnds,
    meter: LatestRx<PlayoutMeter>,
    /// Which of the mill's pairs of sockets it has.
    pair: usize,
    /// Of media and of reports.
    flows: [UdpFlow; 2],
    /// Where the mill lays aside what comes.
    seat: usize,
    clip: Arc<[f32]>,
    at: usize,
    /// How many samples a turn has.
    samples: usize,
    sends: bool,
    /// When the next block is to be played.
    play_at: Instant,
    first_audio: Option<Instant>,
    bad_link: Option<BadLink>,
}

/// Why the media of a call cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MillError {
    /// The stream refuses the plan.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// There is no decoder for it.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// What is to be said cannot be had at the codec's rate.
    #[error("{0}")]
    Voice(String),
}

impl Grist {
    /// A call by `plan` on a pair of the mill's sockets, that says `voice` again and again, beginning at a place of its own.
    ///
    /// # Errors
    ///
    /// [`MillError`].
    pub(crate) fn new(
        (id, now): (u64, Now),
        plan: &MediaPlan,
        pair: usize,
        voice: &mut Voice,
        bad_link: Option<(Impairments, Entropy)>,
        mut entropy: Entropy,
    ) -> Result<Self, MillError> {
        let wired = wire(plan, PlayoutConfig::default())?;
        let clip = voice.at(wired.sample_rate).map_err(MillError::Voice)?;
        // Calls that all say the same at the same time would be loud and silent together.
        let samples = wired.sample_rate as usize / TURNS_PER_SECOND;
        let pieces = (clip.len() / samples.max(1)).max(1);
        let at = usize::try_from(entropy.next_u32()).unwrap_or(0) % pieces * samples % clip.len().max(1);
        let bad_link = bad_link.map(|(impairments, chance)| BadLink::new(impairments, chance));
        let flows = plan.routes().first().map(|route| [route.rtp, route.rtcp]).ok_or(StreamError::NoRoute)?;
        let stream = Stream::new(now, plan, wired.media.packets, entropy)?;
        Ok(Self {
            id,
            stream,
            output: wired.output,
            control: wired.control,
            meter: wired.media.meter,
            pair,
            flows,
            seat: usize::MAX,
            clip,
            at,
            samples,
            sends: plan.direction().sends(),
            play_at: now.mono,
            first_audio: None,
            bad_link,
        })
    }

    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    /// Where its media go, and which pair of sockets they go by.
    pub(super) const fn place(&self) -> (usize, [UdpFlow; 2]) {
        (self.pair, self.flows)
    }

    pub(super) const fn sit(&mut self, seat: usize) {
        self.seat = seat;
    }

    pub(super) const fn seat(&self) -> usize {
        self.seat
    }

    /// Listens to what came, and says the next pieces, as many as it has `turns`; the first leaves in `slot`, which begins at
    /// `due`. Answers when the first frame was played, once.
    pub(super) fn turn(
        &mut self,
        clock: Clock,
        (slot, due, turns): (usize, Instant, usize),
        wires: &mut Wires,
        heard: &mut Vec<f32>,
    ) -> Option<Instant> {
        let now = clock.now();
        if let Some(inbox) = wires.inbox(self.seat) {
            self.listen(now, inbox, heard);
        }
        let late = now.mono.since(due);
        for turn in 0..turns {
            let ahead = TURN.saturating_mul(u32::try_from(turn).unwrap_or(0));
            // A slot that begins late is followed by slots in time.
            let now = if turn == 0 { now } else { now.later(ahead.saturating_sub(late)) };
            if self.sends {
                self.speak(now);
            }
            self.stream.tick(now);
            self.drain(slot + turn * PHASES, wires);
        }
        self.first_audio.take()
    }

    /// Takes back what has not left, says goodbye and has the last word.
    pub(super) fn stop(
        &mut self,
        clock: Clock,
        slot: usize,
        wires: &mut Wires,
        heard: &mut Vec<f32>,
    ) -> Quality {
        let now = clock.now();
        if let Some(inbox) = wires.inbox(self.seat) {
            self.listen(now, inbox, heard);
        }
        let [media, _] = self.flows;
        self.stream.withdraw(wires.withdraw(self.seat, media));
        self.stream.handle(now, MediaInput::Hangup);
        self.drain(slot, wires);
        wires.flush(slot);
        self.stream.summary()
    }

    /// Says what comes next in the clip.
    fn speak(&mut self, now: Now) {
        let mut left = self.samples;
        while left > 0 {
            let rest = self.clip.get(self.at..).unwrap_or_default();
            let piece = rest.get(..left.min(rest.len())).unwrap_or_default();
            self.stream.handle(now, MediaInput::Pcm(piece));
            left -= piece.len();
            self.at += piece.len();
            if self.at >= self.clip.len() {
                self.at = 0;
            }
        }
    }

    /// Goes through the time since it listened last: each packet comes when the kernel saw it come, and each block is played when a
    /// sound card would have asked for it. So it does not matter to what is heard how long packets lay in the socket.
    fn listen(&mut self, now: Now, inbox: &mut Inbox, heard: &mut Vec<f32>) {
        let Self { stream, output, samples, play_at, bad_link, .. } = self;
        heard.resize(*samples, 0.0);
        let mut play_until = |until: Instant| {
            while *play_at <= until {
                output.render(*play_at, heard);
                *play_at += TURN;
            }
        };
        for (came, bytes) in inbox.came() {
            let (flow, arrived) = (came.flow, came.arrived.min(now.mono));
            if let Some(link) = bad_link {
                link.take(&Received { flow, bytes, arrived, truncated: false }, came.is_report);
                continue;
            }
            if !came.is_report {
                play_until(arrived);
            }
            stream.handle(now, MediaInput::Datagram { flow, bytes, arrived });
        }
        inbox.clear();
        while let Some(late) = bad_link.as_mut().and_then(|link| link.next(now.mono)) {
            let (flow, bytes, arrived) = (late.flow, &late.bytes[..], late.arrives);
            play_until(arrived);
            stream.handle(now, MediaInput::Datagram { flow, bytes, arrived });
        }
        play_until(now.mono);
        if let Some(meter) = self.meter.changed() {
            self.stream.handle(now, MediaInput::Meter(meter));
        }
    }

    /// What the stream has to send leaves in `slot`.
    fn drain(&mut self, slot: usize, wires: &mut Wires) {
        let Self { stream, control, first_audio, seat, .. } = self;
        loop {
            let mut nothing = Scratch::default();
            match stream.poll(wires.scratch(slot).unwrap_or(&mut nothing)) {
                Step::Send(transmit) => wires.leaves(slot, *seat, transmit),
                Step::Event(StreamEvent::FirstAudio { at }) => *first_audio = Some(at),
                Step::Event(StreamEvent::Quality(quality)) => control.on_quality(&quality),
                Step::Wait(_) => break,
                _ => {}
            }
        }
    }
}

/// One turn of a call: a packet time.
pub(crate) const TURN: Duration = Duration::from_millis(20);
const TURNS_PER_SECOND: usize = 50;
