//! What a phone tells, in terms that every language has.

use rove_phone::{CallReport, Quality, Rerouted};

use crate::lifecycle::{EndReason, Party};

/// Something happened. Calls are named by their numbers, which are never used again.
#[derive(Clone, Debug, PartialEq, uniffi::Enum)]
pub enum Event {
    /// Somebody calls: answer or decline.
    Incoming {
        /// Which call.
        call: u64,
        /// Who it says it is.
        from: String,
    },
    /// A call goes out.
    Connecting {
        /// Which call.
        call: u64,
    },
    /// The other side is being alerted.
    Ringing {
        /// Which call.
        call: u64,
    },
    /// What is heard now comes from the other side's network, before the answer.
    EarlyMedia {
        /// Which call.
        call: u64,
    },
    /// The call stands.
    Connected {
        /// Which call.
        call: u64,
    },
    /// It is held.
    Held {
        /// Which call.
        call: u64,
        /// By whom.
        by: Party,
    },
    /// It goes on.
    Resumed {
        /// Which call.
        call: u64,
        /// Who held it.
        by: Party,
    },
    /// It is over. Nothing more is told of it.
    Ended {
        /// Which call.
        call: u64,
        /// Why.
        reason: EndReason,
        /// What is known of it.
        report: Report,
    },
    /// The other side pressed a key.
    Key {
        /// Which call.
        call: u64,
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        key: String,
    },
    /// Somebody wrote.
    Text {
        /// Inside which call; `None`: outside of any.
        call: Option<u64>,
        /// Who says to write.
        from: String,
        /// What.
        text: String,
    },
    /// How the last second of a call was.
    Quality {
        /// Which call.
        call: u64,
        /// What was measured.
        figures: Figures,
    },
    /// Media take this kind of way: `direct`, `other`, `relay`, `relay2`, `pvdpn`.
    Route {
        /// Which call.
        call: u64,
        /// The kind.
        kind: String,
    },
    /// The other side is heard by a better way.
    Rerouted {
        /// Which call.
        call: u64,
        /// What kind of way it was.
        from: Option<String>,
        /// What kind it is.
        to: Option<String>,
        /// What was wrong: `silence`, `loss`, `delay`, `bit_errors`, `quality`, or `cost`, when nothing was.
        cause: String,
        /// The longest time without a packet, in ms.
        gap_ms: Option<f64>,
        /// Packets that came by no way.
        lost: Option<u32>,
    },
    /// The last seconds were worse than the threshold, and no better way is known.
    Complaint {
        /// Which call.
        call: u64,
        /// What is wrong, as in [`Event::Rerouted`].
        cause: String,
    },
    /// The other side has handed us over to somebody else, whom we call.
    Transferred {
        /// Which call.
        call: u64,
        /// That to the other.
        other: u64,
        /// To whom.
        to: String,
    },
    /// Something that was asked for in a call was not done; the call goes on.
    Refused {
        /// Which call.
        call: u64,
        /// Why.
        why: String,
    },
    /// The account is reached at its address.
    Registered {
        /// Which account.
        account: u64,
    },
    /// It is not.
    RegistrationFailed {
        /// Which account.
        account: u64,
        /// A sentence for a person.
        why: String,
        /// When it is tried again, in seconds; `None`: it is given up.
        retry_in_s: Option<f64>,
    },
    /// It was given up, as asked for.
    Unregistered {
        /// Which account.
        account: u64,
    },
    /// Whether the server has this phone woken (RFC 8599).
    Push {
        /// Which account.
        account: u64,
        /// The service that it uses; `None`: nobody will wake this phone.
        provider: Option<String>,
    },
    /// Nobody took events for so long that these were thrown away.
    Missed {
        /// How many.
        events: u64,
    },
    /// The phone has left: the last event.
    Stopped,
}

/// What was measured of a call; what was not is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, uniffi::Record)]
pub struct Figures {
    /// Packets sent since the start.
    pub sent: u64,
    /// Packets received since the start.
    pub received: u64,
    /// Packets lost since the start.
    pub lost: u64,
    /// Packets lost in this second, in percent.
    pub loss_percent: Option<f64>,
    /// Interarrival jitter, in ms.
    pub jitter_ms: Option<f64>,
    /// There and back, in ms.
    pub round_trip_ms: Option<f64>,
    /// Mouth to ear, in ms.
    pub delay_ms: Option<f64>,
    /// Conversational quality, 1 to 5.
    pub mos: Option<f64>,
}

/// What is known of a call that is over; what was not measured is `None`.
#[derive(Clone, Debug, Default, PartialEq, uniffi::Record)]
pub struct Report {
    /// Who was called, or called.
    pub peer: String,
    /// A stable word for how it ended.
    pub cause: String,
    /// The same as a sentence.
    pub cause_text: String,
    /// The codec.
    pub codec: Option<String>,
    /// How media were protected: `none`, `sdes` or `dtls`.
    pub media_security: Option<String>,
    /// The kind of way that media took at last.
    pub route: Option<String>,
    /// How long it stood, in seconds.
    pub seconds: Option<f64>,
    /// From the invitation to the answer, in ms.
    pub setup_ms: Option<f64>,
    /// Packets sent.
    pub sent: Option<u64>,
    /// Packets received.
    pub received: Option<u64>,
    /// Packets lost.
    pub lost: Option<u64>,
    /// Conversational quality, 1 to 5.
    pub mos: Option<f64>,
}

impl Event {
    /// The call that it is about.
    #[must_use]
    pub const fn call(&self) -> Option<u64> {
        match *self {
            Self::Incoming { call, .. }
            | Self::Connecting { call }
            | Self::Ringing { call }
            | Self::EarlyMedia { call }
            | Self::Connected { call }
            | Self::Held { call, .. }
            | Self::Resumed { call, .. }
            | Self::Ended { call, .. }
            | Self::Key { call, .. }
            | Self::Quality { call, .. }
            | Self::Route { call, .. }
            | Self::Rerouted { call, .. }
            | Self::Complaint { call, .. }
            | Self::Transferred { call, .. }
            | Self::Refused { call, .. } => Some(call),
            Self::Text { call, .. } => call,
            _ => None,
        }
    }

    pub(crate) fn rerouted(call: u64, rerouted: &Rerouted) -> Self {
        let [from, to] = rerouted.kinds.map(|kind| kind.map(|kind| kind.name().to_owned()));
        Self::Rerouted {
            call,
            from,
            to,
            cause: rerouted.cause.name().to_owned(),
            gap_ms: rerouted.gap.map(millis),
            lost: rerouted.lost.map(u32::from),
        }
    }
}

impl From<&Quality> for Figures {
    fn from(quality: &Quality) -> Self {
        Self {
            sent: quality.sent,
            received: quality.received,
            lost: quality.lost,
            loss_percent: quality.interval_loss.map(|loss| f64::from(loss) * 100.0),
            jitter_ms: quality.jitter.map(millis),
            round_trip_ms: quality.round_trip.map(millis),
            delay_ms: quality.mouth_to_ear.map(millis),
            mos: quality.mos.map(f64::from),
        }
    }
}

impl From<&CallReport> for Report {
    fn from(report: &CallReport) -> Self {
        Self {
            peer: report.peer.clone(),
            cause: report.cause.clone(),
            cause_text: report.cause_text.clone(),
            codec: report.codec.clone(),
            media_security: report.media_security.clone(),
            route: report.route.clone(),
            seconds: report.seconds,
            setup_ms: report.setup_ms,
            sent: report.sent,
            received: report.received,
            lost: report.lost,
            mos: report.mos,
        }
    }
}

impl EndReason {
    /// By the word that reports have for it.
    pub(crate) fn of(cause: &str) -> Self {
        match cause {
            "hung_up" => Self::HungUp,
            "peer_hung_up" => Self::PeerHungUp,
            "cancelled" => Self::Missed,
            "declined" => Self::Declined,
            "busy" => Self::Busy,
            "no_answer" => Self::NoAnswer,
            "answered_elsewhere" => Self::AnsweredElsewhere,
            "transferred" | "forwarded" => Self::Transferred,
            _ => Self::Failed,
        }
    }
}

fn millis(time: core::time::Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
