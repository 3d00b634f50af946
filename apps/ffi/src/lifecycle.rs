//! The steps of a call in the order that platforms want them.
//!
//! | step | CallKit | Core-Telecom |
//! |---|---|---|
//! | [`Step::Connecting`] | `reportOutgoingCall(with:startedConnectingAt:)` | `addCall` outgoing |
//! | [`Step::Incoming`] | `reportNewIncomingCall` | `addCall` incoming |
//! | [`Step::Connected`], dialled here | `reportOutgoingCall(with:connectedAt:)` | `setActive` |
//! | [`Step::Connected`], answered here | `CXAnswerCallAction.fulfill()` | `answer` |
//! | [`Step::Held`], [`Step::Resumed`] by us | `CXSetHeldCallAction.fulfill()` | `setInactive`, `setActive` |
//! | [`Step::Ended`] | `reportCall(with:endedAt:reason:)` | `disconnect` |
//!
//! What holds whatever the network says and in whatever order: the first step is `Connecting` or `Incoming`, once;
//! `Ringing` and `EarlyMedia` come at most once each, and before `Connected`; `Connected` comes at most once; `Held` and
//! `Resumed` take turns for each party, after `Connected`; `Ended` comes once, and nothing after it.

/// Who holds a call.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, uniffi::Enum)]
#[repr(C)]
pub enum Party {
    /// This side.
    Us,
    /// The other side.
    Peer,
}

/// Why a call is over, as far as platforms tell it apart.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, uniffi::Enum)]
#[repr(C)]
pub enum EndReason {
    /// We ended it. Core-Telecom: `LOCAL`.
    HungUp,
    /// The other side ended it. CallKit: `remoteEnded`; Core-Telecom: `REMOTE`.
    PeerHungUp,
    /// The caller gave up before it was answered. CallKit: `unanswered`; Core-Telecom: `MISSED`.
    Missed,
    /// It was declined, there or here. CallKit: `remoteEnded`; Core-Telecom: `REJECTED`.
    Declined,
    /// The other side is busy. CallKit: `remoteEnded`; Core-Telecom: `BUSY`.
    Busy,
    /// Nobody answered in time. CallKit: `unanswered`.
    NoAnswer,
    /// Another phone of the same user has taken it. CallKit: `answeredElsewhere`; Core-Telecom: `ANSWERED_ELSEWHERE`.
    AnsweredElsewhere,
    /// It was handed over to somebody else.
    Transferred,
    /// It failed; the report says how. CallKit: `failed`; Core-Telecom: `ERROR`.
    Failed,
}

/// Something that is known of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fact {
    /// Somebody calls us.
    CalledUs,
    /// We call somebody.
    Dialled,
    /// The other side is alerted.
    Alerted,
    /// Something is heard before the answer.
    Early,
    /// The call stands.
    Answered,
    /// One of the two holds it.
    HeldBy(Party),
    /// One of the two holds it no longer.
    ResumedBy(Party),
    /// It is over.
    Over(EndReason),
}

/// Something for the platform to be told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// A call comes in.
    Incoming,
    /// A call goes out.
    Connecting,
    /// The other side is alerted.
    Ringing,
    /// Something is heard before the answer.
    EarlyMedia,
    /// The call stands.
    Connected,
    /// It is held.
    Held(Party),
    /// It is not held any more by this party.
    Resumed(Party),
    /// It is over.
    Ended(EndReason),
}

/// How far the platform was told about a call.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Lifecycle {
    stage: Stage,
    rang: bool,
    early: bool,
    held: Holders,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Holders {
    us: bool,
    peer: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Stage {
    /// Nothing was told.
    #[default]
    Untold,
    /// It was told that there is a call.
    Begun,
    Connected,
    Over,
}

impl Lifecycle {
    /// Takes in `fact` and tells what follows from it, in order.
    pub fn on(&mut self, fact: Fact, mut tell: impl FnMut(Step)) {
        if self.stage == Stage::Over {
            return;
        }
        if self.stage == Stage::Untold {
            self.stage = Stage::Begun;
            tell(if fact == Fact::CalledUs { Step::Incoming } else { Step::Connecting });
        }
        let begun = self.stage == Stage::Begun;
        match fact {
            Fact::Alerted if begun && !self.rang => {
                self.rang = true;
                tell(Step::Ringing);
            }
            Fact::Early if begun && !self.early => {
                self.early = true;
                tell(Step::EarlyMedia);
            }
            Fact::Answered if begun => {
                self.stage = Stage::Connected;
                tell(Step::Connected);
            }
            Fact::HeldBy(party) if !begun && !*self.holder(party) => {
                *self.holder(party) = true;
                tell(Step::Held(party));
            }
            Fact::ResumedBy(party) if !begun && *self.holder(party) => {
                *self.holder(party) = false;
                tell(Step::Resumed(party));
            }
            Fact::Over(reason) => {
                self.stage = Stage::Over;
                tell(Step::Ended(reason));
            }
            _ => {}
        }
    }

    const fn holder(&mut self, party: Party) -> &mut bool {
        match party {
            Party::Us => &mut self.held.us,
            Party::Peer => &mut self.held.peer,
        }
    }
}

#[cfg(test)]
mod tests;
