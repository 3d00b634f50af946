//! What the operator sees: who is registered, which calls there are, where they lead and how they do.

use rove_sip::transport::Hop;
use serde::{Deserialize, Serialize};

/// All that is shown. Each list is bounded: what a node holds beyond is counted, and not listed.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct View {
    pub(crate) registrations: Vec<Registration>,
    pub(crate) calls: Vec<CallLine>,
    /// How many there are, listed or not.
    pub(crate) registered: u64,
    pub(crate) calls_up: u64,
    /// Calls that were answered, and that were not, since the node was started.
    pub(crate) answered: u64,
    pub(crate) unanswered: u64,
    /// From the INVITE to its answer, of the calls that were answered, on average; `null` before there was one.
    pub(crate) setup_ms: Option<f64>,
}

/// Somebody who can be reached.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Registration {
    /// `user@domain`.
    pub(crate) name: String,
    /// `sip` or `irmv`.
    pub(crate) via: String,
    pub(crate) status: String,
    /// Where.
    pub(crate) places: Vec<String>,
    /// For how many seconds more.
    pub(crate) seconds_left: u64,
    pub(crate) tenant: Option<String>,
}

/// A call.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct CallLine {
    /// What `roved calls` names it by.
    pub(crate) id: String,
    /// `null` where the node knows no names: of media that is relayed.
    pub(crate) caller: Option<String>,
    pub(crate) callee: Option<String>,
    /// `ringing`, `up` or `relayed`.
    pub(crate) state: String,
    /// Where what passes here comes from, and goes to.
    pub(crate) route: Option<[String; 2]>,
    /// Since it was answered, or its media began to be relayed; `null` while it rings.
    pub(crate) seconds: Option<f64>,
    /// From the INVITE to its answer.
    pub(crate) setup_ms: Option<f64>,
    /// What of its media passes here; `null` where none does, for then nobody here hears it.
    pub(crate) media: Option<Media>,
    pub(crate) tenant: Option<String>,
}

/// Media that is relayed.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Media {
    /// Packets so far.
    pub(crate) packets: u64,
    /// Since the last of them.
    pub(crate) silent_ms: u64,
}

impl View {
    /// What is shown of both.
    pub(crate) fn join(&mut self, other: Self) {
        self.registrations.extend(other.registrations);
        self.calls.extend(other.calls);
        self.registered += other.registered;
        self.calls_up += other.calls_up;
        self.setup(other.setup_ms, other.answered);
        self.answered += other.answered;
        self.unanswered += other.unanswered;
    }

    /// Counts the average of so many calls in.
    #[expect(clippy::cast_precision_loss, reason = "an average of calls")]
    pub(crate) fn setup(&mut self, setup_ms: Option<f64>, answered: u64) {
        let Some(theirs) = setup_ms else { return };
        let (ours, others) = (self.answered as f64, answered as f64);
        let sum = self.setup_ms.unwrap_or_default() * ours + theirs * others;
        self.setup_ms = Some(sum / (ours + others).max(1.0));
    }

    /// Whether one more registration is listed.
    pub(crate) const fn lists(&self) -> bool {
        self.registrations.len() < MOST_LISTED
    }
}

/// A way of SIP, for people.
pub(crate) fn sip_way(hop: &Hop) -> String {
    format!("{} {}", hop.transport, hop.remote)
}

/// Registrations, and calls, that are listed.
pub(crate) const MOST_LISTED: usize = 1_000;
