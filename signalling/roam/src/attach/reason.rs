//! Why a network will not have a terminal, or will not have it any longer.

use core::fmt;

use crate::Cause;

/// Why an attach is refused, a stay is over, or a call may not be made.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The home says so, or the visited network with the same words.
    Home(Cause),
    /// The answer to the challenge is not the subscriber's.
    AuthenticationFailed,
    /// The terminal does not believe the network: another name in its certificate than in its word, or a challenge that
    /// is not the home's.
    Distrusted,
    /// A message that makes no sense, or not at this point.
    Protocol,
    /// A version of the protocol that is not spoken here.
    Version,
    /// A step took too long.
    Timeout,
    /// The terminal has attached anew.
    Superseded,
    /// The terminal is served by another network.
    ServedElsewhere,
    /// The home ended the subscription, or the right to roam.
    Withdrawn,
    /// The profile does not have the service.
    ServiceNotGranted,
    /// The address lease ran out.
    Expired,
    /// The terminal gave its address back.
    Released,
    /// Nothing was heard of the terminal for too long.
    Lost,
    /// The terminal wanted it.
    Detached,
    /// A ticket of no stay.
    UnknownTicket,
    /// Something that this version has no word for, by its number on the wire.
    Other(u8),
}

impl Reason {
    /// Its number on the wire.
    #[must_use]
    pub fn code(self) -> u8 {
        if let Self::Other(code) = self {
            return code;
        }
        CODES.iter().find(|(_, reason)| *reason == self).map_or(UNNAMED, |(code, _)| *code)
    }

    /// All that have a number on the wire.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.iter().map(|(_, reason)| *reason)
    }

    /// What a number on the wire means.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        CODES.iter().find(|(known, _)| *known == code).map_or(Self::Other(code), |(_, reason)| *reason)
    }
}

impl From<Cause> for Reason {
    fn from(cause: Cause) -> Self {
        Self::Home(cause)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Home(cause) => return cause.fmt(f),
            Self::Other(code) => return write!(f, "reason {code}"),
            Self::AuthenticationFailed => "the answer to the challenge is wrong",
            Self::Distrusted => "the network is not believed",
            Self::Protocol => "a message makes no sense",
            Self::Version => "the version of the protocol is not spoken",
            Self::Timeout => "a step took too long",
            Self::Superseded => "the terminal has attached anew",
            Self::ServedElsewhere => "the terminal is served by another network",
            Self::Withdrawn => "the home ended the subscription",
            Self::ServiceNotGranted => "the profile does not have the service",
            Self::Expired => "the address lease ran out",
            Self::Released => "the address was given back",
            Self::Lost => "nothing was heard of the terminal",
            Self::Detached => "the terminal has detached",
            Self::UnknownTicket => "the ticket belongs to no stay",
        };
        f.write_str(text)
    }
}

/// As in `attach.md`. 1 to 63 are causes of the home, from 64 on the attach protocol's own.
const CODES: &[(u8, Reason)] = &[
    (1, Reason::Home(Cause::UnknownSubscriber)),
    (2, Reason::Home(Cause::RoamingNotAllowed)),
    (3, Reason::Home(Cause::NoAgreement)),
    (4, Reason::Home(Cause::NotServing)),
    (5, Reason::Home(Cause::WrongNetwork)),
    (6, Reason::Home(Cause::StaleGeneration)),
    (7, Reason::Home(Cause::NameMismatch)),
    (8, Reason::Home(Cause::AddressNotAllowed)),
    (9, Reason::Home(Cause::ProofInvalid)),
    (10, Reason::Home(Cause::NoPacketData)),
    (11, Reason::Home(Cause::Overload)),
    (12, Reason::Home(Cause::SystemFailure)),
    (13, Reason::Home(Cause::DataMissing)),
    (14, Reason::Home(Cause::UnexpectedDataValue)),
    (15, Reason::Home(Cause::NotSupported)),
    (16, Reason::Home(Cause::NoAnswer)),
    (64, Reason::AuthenticationFailed),
    (65, Reason::Distrusted),
    (66, Reason::Protocol),
    (67, Reason::Version),
    (68, Reason::Timeout),
    (69, Reason::Superseded),
    (70, Reason::ServedElsewhere),
    (71, Reason::Withdrawn),
    (72, Reason::ServiceNotGranted),
    (73, Reason::Expired),
    (74, Reason::Released),
    (75, Reason::Lost),
    (76, Reason::Detached),
    (77, Reason::UnknownTicket),
];

/// A cause that got no number yet.
const UNNAMED: u8 = 63;
