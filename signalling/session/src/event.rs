//! What passes between a switchboard and its driver.

use std::net::SocketAddr;

use rove_base::{Instant, LocalPath, MediaPlan, Quality};
use rove_dns::lookup::{Candidate, LookupError, LookupId, TraceStep};

use crate::{AccountId, AccountNews, ErrandId, ErrandNews, Progress, RegistrationError, RelayStep};

/// Names one call, for the life of the switchboard.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CallId(pub u64);

/// Where a call's media and signalling live on this host, and what the media can do there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MediaPorts {
    /// Our RTP address, a real one.
    pub rtp: SocketAddr,
    /// Our RTCP address.
    pub rtcp: SocketAddr,
    /// The SIP address that leads to the same peer.
    pub signalling: SocketAddr,
    /// What is told of the port where media can agree on keys and check connectivity (RFC 5764, RFC 8445). `None` where
    /// they cannot.
    pub path: Option<LocalPath>,
}

impl MediaPorts {
    /// Ports whose media go straight to the other side, protected by keys of the signalling if at all.
    #[must_use]
    pub const fn plain(rtp: SocketAddr, rtcp: SocketAddr, signalling: SocketAddr) -> Self {
        Self { rtp, rtcp, signalling, path: None }
    }
}

/// Who asks for a way.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Asker {
    /// An account.
    Account(AccountId),
    /// An errand.
    Errand(ErrandId),
}

/// What the engine reports of a call.
#[derive(Clone, Debug)]
pub enum MediaFact {
    /// Ports are open.
    Opened(MediaPorts),
    /// No ports could be opened, and why.
    Unavailable(String),
    /// The media could not be started, or broke, and why.
    Failed(String),
    /// This end can be reached there as well; `None`: there is no more.
    Candidate(Option<rove_base::Candidate>),
    /// The first frame was decoded and played.
    FirstAudio(Instant),
    /// How the received stream is.
    Quality(Quality),
}

/// What the switchboard wants of its driver, or tells the person at the phone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Open ports that lead to `toward`; answer with [`MediaFact::Opened`]. Replaces ports opened for the call before.
    OpenMedia {
        /// Which call.
        call: CallId,
        /// Who they must reach.
        toward: SocketAddr,
    },
    /// Run media by this plan on the ports that were opened.
    StartMedia {
        /// Which call.
        call: CallId,
        /// What was agreed.
        plan: Box<MediaPlan>,
    },
    /// Go on by this plan in the running stream: direction, route, codec, keys, certificate and credentials may be others
    /// than before. Ports that were opened in the meantime take the place of the ones before.
    ChangeMedia {
        /// Which call.
        call: CallId,
        /// What was agreed.
        plan: Box<MediaPlan>,
    },
    /// The other side can be reached there as well (RFC 8838).
    AddCandidates {
        /// Which call.
        call: CallId,
        /// Where.
        candidates: Vec<rove_base::Candidate>,
        /// No more will follow.
        last: bool,
    },
    /// Have the other sides of these calls hear each other, and nobody else; no calls are the end of the
    /// conference.
    Join {
        /// Which calls: none, or two and more.
        calls: Vec<CallId>,
    },
    /// Have the servers that both users are registered with carry a step of a call; what comes back is told by
    /// [`Switchboard::relayed`](crate::Switchboard::relayed).
    Relay {
        /// Which call.
        call: CallId,
        /// Which step.
        step: RelayStep,
        /// A session description, where the step has one.
        body: Vec<u8>,
    },
    /// Stop the media and close the ports.
    StopMedia {
        /// Which call.
        call: CallId,
    },
    /// Something happened to a call.
    Call {
        /// Which call.
        call: CallId,
        /// What.
        progress: Progress,
    },
    /// A look-up is done; an empty list of candidates comes with its error.
    LookedUp {
        /// Which look-up.
        id: LookupId,
        /// What was found, best first.
        found: Result<Vec<Candidate>, LookupError>,
        /// Each question and its answer.
        steps: Vec<TraceStep>,
    },
    /// Which of our addresses leads to `toward`? Answer with [`Switchboard::routed`](crate::Switchboard::routed).
    FindRoute {
        /// For what.
        whose: Asker,
        /// The other end.
        toward: SocketAddr,
    },
    /// Something happened to an errand.
    Errand {
        /// Which errand.
        id: ErrandId,
        /// What.
        news: ErrandNews,
    },
    /// Somebody watches an event of ours.
    Watched {
        /// Which event package.
        package: String,
        /// Who says to do so.
        by: String,
    },
    /// Something happened to an account.
    Account {
        /// Which account.
        account: AccountId,
        /// What.
        news: AccountNews,
    },
    /// Somebody has sent a message (RFC 3428).
    Message {
        /// Inside which call; `None`: outside of any.
        call: Option<CallId>,
        /// Who says to send it.
        from: String,
        /// What it is: a media type.
        kind: String,
        /// What it says.
        body: Vec<u8>,
    },
    /// Our name leads here now.
    Registered {
        /// The name.
        name: String,
    },
    /// Our name leads nowhere any more.
    Unregistered {
        /// The name.
        name: String,
    },
    /// Our name could not be published or withdrawn.
    RegistrationFailed(RegistrationError),
}
