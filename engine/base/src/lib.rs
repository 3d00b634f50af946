//! The one shape of every protocol in this workspace, and the nouns they share.
//!
//! A [`Machine`] does no I/O: it is told the time, handed bytes and randomness, and answers with owned [`Step`]s.
//! Two facts cross between signalling and engine: a [`MediaPlan`] goes down, a [`Quality`] comes up.

mod entropy;
mod flow;
mod frame;
mod ice;
mod machine;
mod media;
mod outbox;
mod quality;
mod scratch;
mod security;
mod srtp;
mod time;
mod units;

pub use entropy::Entropy;
pub use flow::{Flow, StreamId, Transport, UdpFlow};
pub use frame::{FrameLength, Frames};
pub use ice::{
    Candidate, CandidateKind, Foundation, IceCredentials, IceCredentialsError, IcePlan, IceRole, LocalPath,
};
pub use machine::{Append, Arrival, ClosedBy, Connect, Machine, Nested, Step, Ticket, Transmit};
pub use media::{
    CodecId, CodecPlan, Direction, MediaPlan, MediaPlanBuilder, PayloadTypes, PlanError, Route, RouteId,
    RouteKind,
};
pub use outbox::Outbox;
pub use quality::{Band, DelayBasis, PacketCounts, Quality};
pub use scratch::{Scratch, Span};
pub use security::{DtlsPlan, DtlsRole, Fingerprint, FingerprintError, Security};
pub use srtp::{SrtpKeys, SrtpKeysError, SrtpProfile};
pub use time::{Instant, Now, NtpTime, UnixTime};
pub use units::{ClockRate, Db, Dscp, PayloadType, RtpTimestamp, SeqNumber, Ssrc};
