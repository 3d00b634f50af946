//! One media stream in both directions, as one machine on the media thread.
//!
//! ```text
//!  Pcm      ──▶ frames ──▶ encoder ──▶ RTP packets ──▶ Send
//!  Dtmf     ──▶ telephone events    ──▶ ┘   ▲
//!                                          scheme, rate, packet time
//!  Datagram ──▶ is it the plan's? ──▶ RTP: counted ──▶ PacketSink ─ ─ ─▶ playout, in the audio callback
//!                                │       └──▶ keys ──▶ StreamEvent::Digit
//!                                └──▶ RTCP: round trip, farewell, what the peer received ──▶ how to send, or to stop
//!  Meter    ──▶ what was played
//!  time     ──▶ RTCP reports ──▶ Send;   once a second ──▶ StreamEvent::Quality
//! ```
//!
//! No allocation per packet: a packet is encoded into the driver's [`Scratch`], and a received one is copied into the sink.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod arrive;
mod digits;
mod event;
mod first;
mod gate;
mod judge;
mod receive;
mod replan;
mod report;
mod routes;
mod second;
mod shield;
mod steer;
mod words;

#[cfg(test)]
mod tests;

use core::time::Duration;

use rove_base::{
    Direction, Dscp, Entropy, Flow, Instant, Machine, MediaPlan, Now, Quality, Scratch, Span, Ssrc, Step,
    Transmit, UdpFlow,
};
use rove_codecs::telephone_event::DtmfKey;

use self::{
    event::Pending,
    gate::Gate,
    judge::{Facts, Judge},
    receive::Receiver,
    replan::sender_config,
    report::{Occasion, Reporter},
    steer::Steering,
    words::Again,
};
use crate::{
    codec,
    jitter::PacketSink,
    playout::{Formats, PlayoutMeter},
    quality::PeerReport,
    reroute::{Guard, Judgement, Tolerance},
    send::{SendState, Sender, Tripped},
};

pub use digits::Digit;
pub use event::{MediaInput, StreamError, StreamEvent};
pub use first::FirstNumbers;
pub use receive::Refused;
pub use replan::Replan;

/// A media stream of one call: everything on the way of its packets that is not playout.
pub struct Stream<K> {
    now: Now,
    /// Taken out while a packet that it opened is looked at.
    gate: Option<Box<Gate>>,
    direction: Direction,
    sender: Sender,
    receiver: Receiver<K>,
    reporter: Reporter,
    judge: Judge,
    steering: Steering,
    entropy: Entropy,
    pending: Pending,
    peer: Option<PeerReport>,
    state: State,
    guard: Guard,
    judgement: Judgement,
    /// What was sent last has yet to go by these routes as well.
    again: Again,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Running,
    /// The farewell has yet to be sent.
    Leaving,
    Ended,
}

impl<K: PacketSink> Stream<K> {
    /// Starts what `plan` agreed on: received packets go into `sink`; names and first numbers come from `entropy`.
    ///
    /// # Errors
    ///
    /// [`StreamError`] when the plan's codec cannot be set up as it asks.
    pub fn new(now: Now, plan: &MediaPlan, sink: K, mut entropy: Entropy) -> Result<Self, StreamError> {
        let first = FirstNumbers::draw(&mut entropy);
        Self::beginning_at(now, plan, sink, entropy, first)
    }

    /// Like [`Stream::new`], with counters that begin at `first`.
    ///
    /// # Errors
    ///
    /// As [`Stream::new`].
    pub fn beginning_at(
        now: Now,
        plan: &MediaPlan,
        sink: K,
        mut entropy: Entropy,
        first: FirstNumbers,
    ) -> Result<Self, StreamError> {
        let encoder = codec::encoder_for(plan)?;
        let mut sender = Sender::new(encoder, sender_config(plan, &first));
        let jitter = entropy.unit();
        Ok(Self {
            now,
            gate: Some(Box::new(Gate::new(plan, &first)?)),
            direction: plan.direction(),
            receiver: Receiver::new(Formats::of(plan), sink),
            steering: Steering::new(now.mono, plan, &mut sender),
            reporter: Reporter::new(now, plan, jitter).counting_from(first.packets, first.octets),
            judge: Judge::new(now.mono, plan, &sender),
            sender,
            entropy,
            pending: Pending::default(),
            peer: None,
            state: State::Running,
            guard: Guard::new(now.mono, plan.codec().id.clock_rate()),
            judgement: Judgement::new(Tolerance::default(), now.mono),
            again: Again::default(),
        })
    }

    /// Samples per second that [`MediaInput::Pcm`] shall have.
    #[must_use]
    pub fn pcm_rate(&self) -> u32 {
        self.sender.sample_rate()
    }

    /// Samples per packet sent.
    #[must_use]
    pub const fn frame_samples(&self) -> usize {
        self.sender.frame_samples()
    }

    /// The name of this end's stream.
    #[must_use]
    pub const fn ssrc(&self) -> Ssrc {
        self.sender.ssrc()
    }

    /// How this end sends at the moment.
    #[must_use]
    pub fn sending(&self) -> SendState {
        self.sender.state()
    }

    /// Why nothing is sent any more (RFC 8083); `None` while it is.
    #[must_use]
    pub const fn stopped(&self) -> Option<Tripped> {
        self.steering.stopped()
    }

    /// Whether the peer agreed to be told of keys (RFC 4733).
    #[must_use]
    pub const fn tells_digits(&self) -> bool {
        self.sender.tells_keys()
    }

    /// Datagrams that were not used, by reason.
    #[must_use]
    pub const fn refused(&self) -> Refused {
        self.receiver.refused()
    }

    /// What the peer last told about what is sent to it; `None` before its first report.
    #[must_use]
    pub const fn peer(&self) -> Option<PeerReport> {
        self.peer
    }

    /// The call so far, as one: totals, and means over the whole of it. The last word for a report.
    #[must_use]
    pub fn summary(&self) -> Quality {
        self.judge.summary(&Facts::new(self.now.mono, &self.receiver, &self.sender, &self.reporter))
    }

    /// Of what was polled, the last so many packets of media never left and never will; then it was the end: what follows is
    /// [`MediaInput::Hangup`], so that the farewell and the summary count what left.
    pub fn withdraw(&mut self, packets: u64) {
        self.sender.withdraw(packets);
    }

    /// Whether packets may leave: there is a way, and keys where keys were agreed on.
    fn is_open(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.is_open())
    }

    fn on_meter(&mut self, meter: PlayoutMeter) {
        if self.judge.on_meter(meter) {
            self.pending.first_audio = meter.first_played;
        }
    }

    /// What is due at `now` becomes pending.
    fn advance(&mut self, now: Now) {
        if now.mono >= self.now.mono {
            self.now = now;
        }
        if self.state == State::Running {
            let stopped = self.steering.on_time(self.now.mono);
            self.pending.stopped = self.pending.stopped.or(stopped);
            self.receiver.on_time(self.now.mono);
            if let Some(gate) = self.gate.as_ref().filter(|gate| gate.is_open()) {
                self.guard.tick(self.now.mono, gate.path());
            }
        }
        if self.state == State::Running && self.judge.due(self.now.mono) {
            self.on_second();
        }
    }

    fn next_transmit(&mut self, out: &mut Scratch) -> Option<Transmit> {
        let Self { sender, receiver, reporter, steering, .. } = self;
        let Some(gate) = self.gate.as_ref().filter(|gate| gate.is_open()) else {
            if self.state == State::Leaving {
                self.state = State::Ended;
            }
            return None;
        };
        if self.state != State::Ended
            && self.direction.sends()
            && steering.stopped().is_none()
            && let Some(range) = sender.next_packet(out)
        {
            steering.on_sent(self.now.mono);
            self.guard.spoke(self.now.mono);
            self.again.to = self.guard.copies(self.now.mono);
            return Some(leave(gate.route().rtp, range));
        }
        while let Some((route, word)) = self.guard.next_word() {
            let route = gate.path().route(route).filter(|_| self.state == State::Running);
            let Some(route) = route else { continue };
            let range = reporter.tell(out, sender.ssrc(), word);
            return Some(leave(route.rtcp, range));
        }
        let farewell = match self.state {
            State::Running if reporter.due(self.now.mono, receiver.stats()) => false,
            State::Leaving => {
                self.state = State::Ended;
                if sender.packets() == 0 && !reporter.has_reported() {
                    // Who never spoke does not say goodbye (RFC 3550 §6.3.7).
                    return None;
                }
                true
            }
            _ => return None,
        };
        let hello = self.guard.greets();
        let occasion = Occasion { now: self.now.mono, farewell, hello, random: self.entropy.unit() };
        let range = reporter.write(out, &occasion, sender, receiver, &self.judge);
        Some(leave(gate.route().rtcp, range))
    }
}

/// A written packet leaves.
const fn leave(flow: UdpFlow, range: Span) -> Transmit {
    Transmit { flow: Flow::Udp(flow), range, dscp: Dscp::EF }
}

impl<K: PacketSink> Machine for Stream<K> {
    type Input<'a> = MediaInput<'a>;
    type Event = StreamEvent;

    fn handle(&mut self, now: Now, input: MediaInput<'_>) {
        self.advance(now);
        if self.state != State::Running {
            return;
        }
        match input {
            MediaInput::Datagram { flow, bytes, arrived } => self.on_datagram(&flow, bytes, arrived),
            MediaInput::Pcm(pcm) if self.direction.sends() && self.is_open() => {
                self.sender.capture(now.mono, pcm);
            }
            MediaInput::Pcm(pcm) if self.direction.sends() => self.sender.miss(now.mono, pcm.len()),
            MediaInput::Missed(samples) if self.direction.sends() => self.sender.miss(now.mono, samples),
            MediaInput::Pcm(_) | MediaInput::Missed(_) => {}
            MediaInput::Meter(meter) => self.on_meter(meter),
            MediaInput::Dtmf { digit, duration } => {
                if let Some(key) = DtmfKey::from_char(digit).filter(|_| self.is_open()) {
                    self.sender.press(key, duration);
                }
            }
            MediaInput::Secured(keys) => {
                self.gate.iter_mut().for_each(|gate| gate.secure(keys, now.mono));
            }
            MediaInput::Routed(flow) => {
                if let Some(gate) = &mut self.gate {
                    gate.lead(now.mono, flow);
                    flow.into_iter().for_each(|_| self.guard.led(now.mono, gate.route().id));
                }
            }
            MediaInput::Found(flow, kind) => {
                let taken = self.guard.taken();
                self.gate.iter_mut().for_each(|gate| gate.found(now.mono, flow, kind, taken));
            }
            MediaInput::Hangup => self.state = State::Leaving,
        }
    }

    fn tick(&mut self, now: Now) {
        self.advance(now);
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<StreamEvent> {
        if let Some(event) = self.pending.next() {
            return Step::Event(event);
        }
        if let Some(digit) = self.receiver.pressed() {
            return Step::Event(StreamEvent::Digit(digit));
        }
        if let Some(switched) = self.gate.as_mut().and_then(|gate| gate.switched(self.now.mono)) {
            return Step::Event(StreamEvent::Switched(switched));
        }
        if let Some(rerouted) = self.guard.rerouted() {
            return Step::Event(StreamEvent::Rerouted(rerouted));
        }
        if let Some(transmit) = self.next_copy(out) {
            return Step::Send(transmit);
        }
        while let Some(transmit) = self.next_transmit(out) {
            if let Some(transmit) = self.gate.as_mut().and_then(|gate| gate.protect(transmit, out)) {
                self.again.keep(transmit.range, out);
                return Step::Send(transmit);
            }
            self.again = Again::default();
        }
        let running = self.state == State::Running;
        let sooner = Instant::earliest(self.steering.next(), self.receiver.next());
        let sooner = Instant::earliest(sooner, self.gate.as_ref().and_then(|gate| gate.next()));
        let wait = match self.is_open() {
            true => self.judge.next().min(self.reporter.next()),
            false => self.judge.next(),
        };
        let guard = self.guard.next().filter(|_| self.is_open());
        let sooner = Instant::earliest(sooner, guard);
        Step::Wait(running.then(|| sooner.map_or(wait, |sooner| wait.min(sooner))))
    }
}

impl<K> core::fmt::Debug for Stream<K> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Stream")
            .field("sender", &self.sender)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Time between two [`StreamEvent::Quality`].
const QUALITY_INTERVAL: Duration = Duration::from_secs(1);
