//! Why a call ended, in words that say what to do.

use rove_sip::message::StatusCode;

/// Why a call ended or never came to be. `Display` is a sentence for the person at the phone.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// We hung up.
    #[error("the call was ended here")]
    HungUp,
    /// The other side hung up.
    #[error("the other side ended the call")]
    PeerHungUp,
    /// The other side has been handed over to somebody else.
    #[error("the call was handed over")]
    Transferred,
    /// The caller was sent elsewhere.
    #[error("the caller was sent elsewhere")]
    Forwarded,
    /// Another phone of ours has taken the call.
    #[error("the call was answered by another phone")]
    AnsweredElsewhere,
    /// The other side is not there any more.
    #[error("the other side was lost: {why}")]
    Lost {
        /// How that was found out.
        why: String,
    },
    /// The caller gave up before an answer.
    #[error("the caller gave up before the call was answered")]
    Cancelled,
    /// 486 or 600.
    #[error("{target} is busy; try again later")]
    Busy {
        /// Who was called.
        target: String,
    },
    /// 603, or declined here.
    #[error("the call to {target} was declined")]
    Declined {
        /// Who was called.
        target: String,
    },
    /// Nobody picked up in time.
    #[error("{target} did not answer within {seconds} s; try again later, or wait longer with --ring-for")]
    NoAnswer {
        /// Who was called.
        target: String,
        /// How long it rang.
        seconds: u64,
    },
    /// The two sides share no codec (488, 606, or found here).
    #[error("no common codec with {target}: we offered {offered}; allow another one with --codec")]
    NoCommonCodec {
        /// Who was called.
        target: String,
        /// Our codecs.
        offered: String,
    },
    /// The media cannot be protected as one of the two sides demands.
    #[error(
        "the sound of a call with {target} cannot be encrypted as it has to be: {why}; call over TLS, or allow it with --srtp optional"
    )]
    MediaSecurity {
        /// Who was called.
        target: String,
        /// What is in the way.
        why: String,
    },
    /// The name exists nowhere.
    #[error(
        "the name {name} does not exist in the DNS; check its spelling, or whether its phone is registered (rove lookup {name} --trace shows each step)"
    )]
    NoSuchName {
        /// What was looked up.
        name: String,
    },
    /// The name has no address a call could go to.
    #[error(
        "the name {name} has no address to call; its phone is not registered at the moment (rove lookup {name} --trace shows each step)"
    )]
    NoAddress {
        /// What was looked up.
        name: String,
    },
    /// The name servers did not help.
    #[error("the name {name} could not be looked up: {why}; check --dns-server or the system's resolver")]
    LookupFailed {
        /// What was looked up.
        name: String,
        /// What happened.
        why: String,
    },
    /// No answer from any address at all.
    #[error(
        "{target} cannot be reached: no answer from {addresses}; check that its phone is running and that no firewall blocks it"
    )]
    Unreachable {
        /// Who was called.
        target: String,
        /// What was tried.
        addresses: String,
    },
    /// 404, 410, 604.
    #[error("{target} is not known at the address its name leads to")]
    NotFound {
        /// Who was called.
        target: String,
    },
    /// Any other refusal.
    #[error("{target} refused the call: {code} {reason}")]
    Refused {
        /// Who was called.
        target: String,
        /// The SIP status code.
        code: u16,
        /// The peer's words.
        reason: String,
    },
    /// The peer broke the protocol.
    #[error("{target} sent what cannot be understood: {what}")]
    Protocol {
        /// Who was called.
        target: String,
        /// What was wrong.
        what: String,
    },
    /// No port, socket or device for the media.
    #[error("no media could be set up here: {why}")]
    NoMedia {
        /// What was missing.
        why: String,
    },
    /// An acknowledgement never came.
    #[error("the other side vanished during set-up")]
    Vanished,
}

impl Cause {
    /// Whether the call took place and ended in order.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::HungUp | Self::PeerHungUp | Self::Transferred)
    }

    /// What a refusal by `status` means to the caller of `target` (RFC 3261 §21).
    #[must_use]
    pub fn from_status(target: &str, status: StatusCode, reason: &str, offered: &str) -> Self {
        let target = target.to_owned();
        match status.code() {
            486 | 600 => Self::Busy { target },
            603 => Self::Declined { target },
            488 | 606 => Self::NoCommonCodec { target, offered: offered.to_owned() },
            404 | 410 | 604 => Self::NotFound { target },
            487 => Self::Cancelled,
            code => Self::Refused { target, code, reason: reason.to_owned() },
        }
    }

    /// A stable word for reports and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HungUp => "hung_up",
            Self::PeerHungUp => "peer_hung_up",
            Self::Transferred => "transferred",
            Self::Forwarded => "forwarded",
            Self::AnsweredElsewhere => "answered_elsewhere",
            Self::Lost { .. } => "lost",
            Self::Cancelled => "cancelled",
            Self::Busy { .. } => "busy",
            Self::Declined { .. } => "declined",
            Self::NoAnswer { .. } => "no_answer",
            Self::NoCommonCodec { .. } => "no_common_codec",
            Self::MediaSecurity { .. } => "media_security",
            Self::NoSuchName { .. } => "no_such_name",
            Self::NoAddress { .. } => "no_address",
            Self::LookupFailed { .. } => "lookup_failed",
            Self::Unreachable { .. } => "unreachable",
            Self::NotFound { .. } => "not_found",
            Self::Refused { .. } => "refused",
            Self::Protocol { .. } => "protocol",
            Self::NoMedia { .. } => "no_media",
            Self::Vanished => "vanished",
        }
    }
}
