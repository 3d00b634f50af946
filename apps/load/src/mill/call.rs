//! The media of one call: the real stream, jitter buffer and codecs, with a clip for a mouth and nobody to hear.

use std::{sync::Arc, time::Duration};

use rove_base::{Entropy, Instant, Machine as _, MediaPlan, Now, Quality, Scratch, Step};
use rove_codecs::CodecError;
use rove_core::{
    playout::{PlayoutConfig, PlayoutMeter},
    stream::{MediaInput, Stream, StreamError, StreamEvent},
};
use rove_io::{
    bridge::{ControlEnds, LatestRx, PacketTx},
    callback::{Output, wire},
    clock::Clock,
    net::{BATCH, RecvBatch, SendBatch, UdpSocket},
};
use rove_phone::netem::Impairments;

use super::bad_link::BadLink;
use crate::voice::Voice;

/// One call, as the mill has it.
pub(crate) struct Grist {
    id: u64,
    stream: Stream<PacketTx>,
    output: Output,
    control: ControlEnds,
    meter: LatestRx<PlayoutMeter>,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    clip: Arc<[f32]>,
    at: usize,
    /// How many samples a turn has.
    samples: usize,
    sends: bool,
    turns: u32,
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

/// The buffers that all calls of a mill share.
pub(super) struct Buffers {
    inbox: RecvBatch,
    outbox: SendBatch,
    scratch: Scratch,
    /// What nobody hears.
    heard: Vec<f32>,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            inbox: RecvBatch::new(MOST_WAITING, DATAGRAM_BYTES),
            outbox: SendBatch::new(BATCH),
            scratch: Scratch::with_capacity(BATCH * DATAGRAM_BYTES),
            heard: Vec::new(),
        }
    }
}

impl Grist {
    /// A call by `plan` on two sockets, that says `voice` again and again, beginning at a place of its own.
    ///
    /// # Errors
    ///
    /// [`MillError`].
    pub(crate) fn new(
        (id, now): (u64, Now),
        plan: &MediaPlan,
        (rtp, rtcp): (UdpSocket, UdpSocket),
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
        let turns = entropy.next_u32() % REPORT_TURNS;
        let bad_link = bad_link.map(|(impairments, chance)| BadLink::new(impairments, chance));
        let stream = Stream::new(now, plan, wired.media.packets, entropy)?;
        Ok(Self {
            id,
            stream,
            output: wired.output,
            control: wired.control,
            meter: wired.media.meter,
            rtp,
            rtcp,
            clip,
            at,
            samples,
            sends: plan.direction().sends(),
            turns,
            play_at: now.mono,
            first_audio: None,
            bad_link,
        })
    }

    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    /// One packet time: says the next piece, and every few of them listens to what came meanwhile. Answers when the first frame
    /// was played, once.
    pub(super) fn turn(&mut self, clock: Clock, buffers: &mut Buffers) -> Option<Instant> {
        if self.turns.is_multiple_of(LISTEN_TURNS) {
            self.listen(clock, buffers);
        }
        if self.turns.is_multiple_of(REPORT_TURNS) {
            self.receive_reports(clock, buffers);
        }
        self.turns = self.turns.wrapping_add(1);
        let now = clock.now();
        if self.sends {
            self.speak(now);
        }
        self.stream.tick(now);
        self.drain(buffers);
        self.first_audio.take()
    }

    /// Says goodbye and has the last word.
    pub(super) fn stop(&mut self, clock: Clock, buffers: &mut Buffers) -> Quality {
        self.listen(clock, buffers);
        self.receive_reports(clock, buffers);
        self.stream.handle(clock.now(), MediaInput::Hangup);
        self.drain(buffers);
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
    fn listen(&mut self, clock: Clock, buffers: &mut Buffers) {
        let Self { stream, output, rtp, samples, play_at, bad_link, .. } = self;
        let Buffers { inbox, heard, .. } = buffers;
        heard.resize(*samples, 0.0);
        let now = clock.now();
        let mut play_until = |until: Instant| {
            while *play_at <= until {
                output.render(*play_at, heard);
                *play_at += TURN;
            }
        };
        loop {
            // An error here is one of the socket, which the missing packets tell.
            let came = inbox.recv(rtp, clock, |received| {
                if let Some(link) = bad_link {
                    link.take(&received, false);
                } else if !received.truncated {
                    let arrived = received.arrived.min(now.mono);
                    play_until(arrived);
                    let (flow, bytes) = (received.flow, received.bytes);
                    stream.handle(now, MediaInput::Datagram { flow, bytes, arrived });
                }
            });
            if came.unwrap_or(0) < inbox.capacity() {
                break;
            }
        }
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

    fn receive_reports(&mut self, clock: Clock, buffers: &mut Buffers) {
        let now = clock.now();
        let _ = buffers.inbox.recv(&self.rtcp, clock, |received| {
            if let Some(link) = &mut self.bad_link {
                link.take(&received, true);
            } else if !received.truncated {
                let arrived = received.arrived.min(now.mono);
                let (flow, bytes) = (received.flow, received.bytes);
                self.stream.handle(now, MediaInput::Datagram { flow, bytes, arrived });
            }
        });
    }

    fn drain(&mut self, buffers: &mut Buffers) {
        let Self { stream, control, rtp, rtcp, first_audio, .. } = self;
        let Buffers { outbox, scratch, .. } = buffers;
        loop {
            match stream.poll(scratch) {
                // There is room: a call sends one packet in a turn, a few with its reports.
                Step::Send(transmit) => drop(outbox.push(transmit)),
                Step::Event(StreamEvent::FirstAudio { at }) => *first_audio = Some(at),
                Step::Event(StreamEvent::Quality(quality)) => control.on_quality(&quality),
                Step::Wait(_) => break,
                _ => {}
            }
        }
        if !outbox.is_empty() {
            outbox.flush(scratch, |local| [&*rtp, &*rtcp].into_iter().find(|socket| socket.carries(local)));
        }
        scratch.clear();
    }
}

/// One turn of a call, which is one slot round.
pub(crate) const TURN: Duration = Duration::from_millis(20);
const TURNS_PER_SECOND: usize = 50;
/// It listens once in so many turns: what came lies in the socket with its stamp, and one look at all that a call has in memory
/// serves for all of it.
const LISTEN_TURNS: u32 = 10;
/// Reports come every few seconds; looked at twice a second.
const REPORT_TURNS: u32 = 25;
/// Packets taken from a socket at once: a few more than come between two looks.
const MOST_WAITING: usize = 16;
/// Longer than any voice packet on an Ethernet.
const DATAGRAM_BYTES: usize = 1_536;
