//! What can happen to a stream, and what it tells.

use core::time::Duration;

use rove_base::{Instant, Quality, RouteKind, SrtpKeys, UdpFlow};
use rove_codecs::CodecError;

use super::Digit;
use crate::{
    path::Switched,
    playout::PlayoutMeter,
    reroute::{Complaint, Rerouted},
    send::Tripped,
    srtp::SrtpError,
};

/// What can happen to a [`Stream`](super::Stream).
#[derive(Clone, Copy, Debug)]
pub enum MediaInput<'a> {
    /// A datagram came.
    Datagram {
        /// Which way.
        flow: UdpFlow,
        /// Its payload.
        bytes: &'a [u8],
        /// When, as exactly as the driver knows; not later than the `now` it is handed in at.
        arrived: Instant,
    },
    /// Captured samples, mono, at [`Stream::pcm_rate`](super::Stream::pcm_rate), as many as there are.
    Pcm(&'a [f32]),
    /// So many samples were captured but lost on the way here.
    Missed(usize),
    /// What the playout counted so far.
    Meter(PlayoutMeter),
    /// A key was pressed: tell the peer (RFC 4733). Passed over when [`Stream::tells_digits`](super::Stream::tells_digits) says no.
    Dtmf {
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        digit: char,
        /// For how long; 40 ms at least and about a second at most are told.
        duration: Duration,
    },
    /// Keys are agreed on in the media path; with these packets are protected from now on.
    Secured(&'a SrtpKeys),
    /// Packets take this way from now on, under the same names and numbers; `None`: nothing may be sent any more.
    Routed(Option<UdpFlow>),
    /// A way leads to the peer, of this kind, which packets may be switched to; `None`: not any more.
    Found(UdpFlow, Option<RouteKind>),
    /// The call is over: say goodbye.
    Hangup,
}

/// What a [`Stream`](super::Stream) tells its owner.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum StreamEvent {
    /// The first packet that could be used came.
    FirstPacket {
        /// When.
        at: Instant,
    },
    /// The first decoded sample was played.
    FirstAudio {
        /// When.
        at: Instant,
    },
    /// How the last second was.
    Quality(Quality),
    /// The peer said goodbye (RFC 3550 §6.6).
    PeerBye,
    /// The peer pressed a key (RFC 4733); told when it is let go.
    Digit(Digit),
    /// Nothing is sent any more (RFC 8083); reports go on.
    SendingStopped(Tripped),
    /// Packets came to take another route, and this is what it cost.
    Switched(Switched),
    /// The peer's packets were made to come by a better route.
    Rerouted(Rerouted),
    /// The last seconds were worse than the user puts up with, and no route of this call is better as far as is known: who
    /// knows of others is asked for.
    Complaint(Complaint),
}

/// Why a [`Stream`](super::Stream) cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The codec refuses the plan's settings.
    #[error("the codec refuses the plan: {0}")]
    Codec(#[from] CodecError),
    /// The plan leads nowhere.
    #[error("the plan has no route")]
    NoRoute,
    /// The plan's keys are of no use.
    #[error("the plan's keys: {0}")]
    Keys(#[from] SrtpError),
}

/// Events not told yet; at most one of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pending {
    pub first_packet: Option<Instant>,
    pub first_audio: Option<Instant>,
    pub quality: Option<Quality>,
    pub bye: bool,
    pub stopped: Option<Tripped>,
    pub complaint: Option<Complaint>,
}

impl Pending {
    /// The next one to tell.
    pub(super) fn next(&mut self) -> Option<StreamEvent> {
        let Self { first_packet, first_audio, quality, bye, stopped, complaint } = self;
        let first_packet = first_packet.take().map(|at| StreamEvent::FirstPacket { at });
        first_packet
            .or_else(|| first_audio.take().map(|at| StreamEvent::FirstAudio { at }))
            .or_else(|| quality.take().map(StreamEvent::Quality))
            .or_else(|| core::mem::take(bye).then_some(StreamEvent::PeerBye))
            .or_else(|| stopped.take().map(StreamEvent::SendingStopped))
            .or_else(|| complaint.take().map(StreamEvent::Complaint))
    }
}
