//! One call, as far as the person is told of it: only what signalling and engine have said.

use std::net::SocketAddr;

use rove_phone::{
    CallId, CodecId, Party, Progress, RerouteCause, Rerouted, RouteKind, SecurityKind, SoundLevels,
};
use serde::{Deserialize, Serialize};

use super::{Moment, Peer, Series};

/// Who called.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Somebody calls us.
    Incoming,
    /// We call somebody.
    Outgoing,
}

/// How far a call has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum State {
    /// It is looked up where the other side is.
    Seeking,
    /// It is called, and nobody has said that it rings.
    Inviting,
    /// The other side says that it is being alerted.
    Ringing,
    /// The other side's network is heard; nobody has accepted.
    Early,
    /// Somebody calls us.
    Incoming,
    /// We have picked up, and signalling is not done.
    Answering,
    /// It stands.
    Up,
    /// We have hung up, and signalling is not done.
    Ending,
    /// It is over; the word says why.
    Over(String),
}

impl State {
    /// Whether it is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Over(_))
    }

    /// A stable word for it, with which the message that tells it ends.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Seeking => "seeking".into(),
            Self::Inviting => "inviting".into(),
            Self::Ringing => "ringing".into(),
            Self::Early => "early".into(),
            Self::Incoming => "incoming".into(),
            Self::Answering => "answering".into(),
            Self::Up => "up".into(),
            Self::Ending => "ending".into(),
            Self::Over(cause) => format!("over-{}", cause.replace('_', "-")),
        }
    }
}

/// A move to another route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    /// The second of the call in which it was told, counted as its figures are.
    pub second: u64,
    /// What kind of way it was; `None` for one that is gone.
    pub from: Option<RouteKind>,
    /// What kind of way it is since.
    pub to: Option<RouteKind>,
    /// What was wrong.
    pub why: RerouteCause,
    /// The longest time without a packet, in ms; `None` when that was in a pause.
    pub gap_ms: Option<u128>,
    /// Packets that came by no route; `None` when nobody counted.
    pub lost: Option<u16>,
}

/// A line that was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Said {
    /// By us.
    pub ours: bool,
    /// What.
    pub text: String,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its number.
    pub id: CallId,
    /// Who called.
    pub direction: Direction,
    /// The other side.
    pub peer: Peer,
    /// How far it has come.
    pub state: State,
    /// When it began.
    pub began: Moment,
    /// When it came to stand; `None` before.
    pub answered: Option<Moment>,
    /// The other side hears nothing of us, by our wish.
    pub muted: bool,
    /// We hold it.
    pub held: bool,
    /// The other side holds it.
    pub held_by_peer: bool,
    /// What voice is coded in; `None` before that was agreed on.
    pub codec: Option<CodecId>,
    /// How it is protected; `None` before that was agreed on.
    pub security: Option<SecurityKind>,
    /// Where its media go; `None` before that was agreed on.
    pub remote: Option<SocketAddr>,
    /// By what kind of way it goes, as checks have found it; `None` before.
    pub route: Option<RouteKind>,
    /// Moves to other routes, the first first.
    pub moves: Vec<Move>,
    /// What it was like.
    pub series: Series,
    /// What is wrong while no better way is known.
    pub complaint: Option<RerouteCause>,
    /// How loud both sides are, lately; what is not known is `None`.
    pub levels: SoundLevels,
    /// What was written.
    pub said: Vec<Said>,
    /// Keys that the other side pressed.
    pub keys: String,
}

impl Call {
    pub(super) fn new(id: CallId, direction: Direction, peer: Peer, now: Moment) -> Self {
        let state = if direction == Direction::Incoming { State::Incoming } else { State::Seeking };
        Self {
            id,
            direction,
            peer,
            state,
            began: now,
            answered: None,
            muted: false,
            held: false,
            held_by_peer: false,
            codec: None,
            security: None,
            remote: None,
            route: None,
            moves: Vec::new(),
            series: Series::default(),
            complaint: None,
            levels: SoundLevels::default(),
            said: Vec::new(),
            keys: String::new(),
        }
    }

    /// Seconds that it has stood; `None` before it did.
    #[must_use]
    pub fn seconds(&self, now: Moment) -> Option<u64> {
        Some(now.running.saturating_sub(self.answered?.running).as_secs())
    }

    /// Takes in what signalling says. A call that is over, or is being ended here, goes back to no earlier state.
    pub(super) fn on(&mut self, progress: &Progress, now: Moment) {
        match progress {
            // Another address is tried: there nobody has said yet that it rings.
            Progress::Inviting { .. } => self.begins_anew_as(State::Inviting),
            Progress::Forwarded { .. } => self.begins_anew_as(State::Seeking),
            Progress::Ringing => self.goes_on_to(State::Ringing),
            Progress::EarlyMedia { codec, remote } => {
                self.goes_on_to(State::Early);
                (self.codec, self.remote) = (Some(*codec), Some(*remote));
            }
            Progress::Answered { codec, remote, security } => {
                if !matches!(self.state, State::Ending | State::Over(_)) {
                    self.state = State::Up;
                }
                self.answered = self.answered.or(Some(now));
                (self.codec, self.remote, self.security) = (Some(*codec), Some(*remote), Some(*security));
            }
            Progress::Held { by } => *self.holder(*by) = true,
            Progress::Resumed { by } => *self.holder(*by) = false,
            Progress::Moved { remote } => self.remote = Some(*remote),
            Progress::Adapted { codec, security } => {
                (self.codec, self.security) = (Some(*codec), Some(*security));
            }
            Progress::Key { key, .. } => self.pressed(*key),
            _ => {}
        }
    }

    /// The other side pressed a key.
    pub(super) fn pressed(&mut self, key: char) {
        if self.keys.len() < MOST_KEYS {
            self.keys.push(key);
        }
    }

    /// Something was written.
    pub(super) fn write(&mut self, ours: bool, text: &str) {
        let text = text.chars().filter(|char| !char.is_control()).take(LONGEST_TEXT).collect();
        self.said.push(Said { ours, text });
        if self.said.len() > MOST_SAID {
            self.said.remove(0);
        }
    }

    pub(super) fn rerouted(&mut self, rerouted: &Rerouted) {
        let Rerouted { kinds: [from, to], cause, gap, lost, .. } = *rerouted;
        self.route = to.or(self.route);
        self.complaint = None;
        let gap_ms = gap.map(|gap| gap.as_millis());
        self.moves.push(Move { second: self.series.count(), from, to, why: cause, gap_ms, lost });
        if self.moves.len() > MOST_MOVES {
            self.moves.remove(0);
        }
    }

    /// A call that is being set up from here is so once more.
    fn begins_anew_as(&mut self, state: State) {
        if matches!(self.state, State::Seeking | State::Inviting | State::Ringing | State::Early) {
            self.state = state;
        }
    }

    /// A call that is being set up from here comes to its next state at the same address.
    fn goes_on_to(&mut self, next: State) {
        let far = |state: &State| match state {
            State::Seeking => 0,
            State::Inviting => 1,
            State::Ringing => 2,
            State::Early => 3,
            _ => 4,
        };
        if far(&self.state) < far(&next) {
            self.state = next;
        }
    }

    const fn holder(&mut self, by: Party) -> &mut bool {
        match by {
            Party::Us => &mut self.held,
            Party::Peer => &mut self.held_by_peer,
        }
    }
}

/// What a peer can have us remember.
const MOST_KEYS: usize = 64;
const MOST_SAID: usize = 200;
const MOST_MOVES: usize = 100;
const LONGEST_TEXT: usize = 1_000;
