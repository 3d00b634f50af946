//! The media of calls: what the engine says of them.

use rove_base::{MediaPlan, RouteKind};
use rove_core::reroute::{Complaint, Rerouted};
use rove_session::{CallId, MediaFact, Progress};

use super::{super::media::MediaNews, Desk};
use crate::PhoneEvent;

impl Desk {
    /// Runs media by `plan`, for the first time or from now on.
    pub(super) fn run_media(&mut self, call: CallId, plan: &MediaPlan, first: bool) {
        let done = match self.board.record(call) {
            Some(record) if first => self.media.start(call, plan, [&record.target, &record.peer]),
            _ => self.media.change(call, plan),
        };
        if let Err(why) = done {
            self.board.media(self.clock.now(), call, MediaFact::Failed(why));
        }
    }

    /// The other side is heard by a better route.
    pub(super) fn rerouted(&mut self, call: CallId, rerouted: Rerouted) {
        let [from, to] = rerouted.kinds.map(|kind| kind.map(RouteKind::name));
        let Rerouted { cause, gap, lost, .. } = rerouted;
        tracing::info!(target: "rove::route", call = call.0, from, to, cause = cause.name(), ?gap, lost, "moved");
        self.tell(PhoneEvent::Rerouted { call, rerouted });
    }

    /// The last seconds were bad, and the media path knows no better way.
    fn complained(&mut self, call: CallId, complaint: Complaint) {
        let Some(record) = self.board.record(call) else { return };
        let Complaint { cause, second, .. } = complaint;
        let (loss, mos, delay) = (second.interval_loss, second.mos, second.path_delay());
        tracing::info!(target: "rove::route", call = call.0, cause = cause.name(), loss, mos, ?delay, "not good enough");
        if self.media.seeks(call, [&record.target, &record.peer], complaint) {
            self.board.relocate(self.clock.now(), call);
        } else {
            self.tell(PhoneEvent::Complaint { call, complaint });
        }
    }

    /// What the other side says to a move of ours, if there was one.
    pub(super) fn moved(&mut self, call: CallId, progress: &Progress) -> Option<Rerouted> {
        match progress {
            Progress::Moved { .. } => self.media.moved(call, true),
            Progress::Unchanged { .. } => self.media.moved(call, false),
            _ => None,
        }
    }

    /// Carries what the engine has to say to the switchboard and to the owner.
    pub(super) fn take_media_news(&mut self) {
        while let Some((call, news)) = self.media.next() {
            let now = self.clock.now();
            match news {
                MediaNews::FirstAudio(at) => self.board.media(now, call, MediaFact::FirstAudio(at)),
                MediaNews::Quality(quality) => {
                    self.board.media(now, call, MediaFact::Quality(quality));
                    self.tell(PhoneEvent::Quality { call, quality });
                }
                MediaNews::Candidate(candidate) => {
                    self.board.media(now, call, MediaFact::Candidate(candidate));
                }
                MediaNews::Failed(why) => self.board.media(now, call, MediaFact::Failed(why)),
                MediaNews::Digit(digit) => self.tell(PhoneEvent::Digit { call, digit }),
                MediaNews::SendingStopped(why) => self.tell(PhoneEvent::SendingStopped { call, why }),
                MediaNews::Switched(switched) => self.tell(PhoneEvent::Switched { call, switched }),
                MediaNews::Route(kind) => {
                    tracing::info!(target: "rove::route", call = call.0, kind = kind.name(), "media go by");
                    self.tell(PhoneEvent::Route { call, kind });
                }
                MediaNews::Complaint(complaint) => self.complained(call, complaint),
                MediaNews::Rerouted(rerouted) => self.rerouted(call, rerouted),
                MediaNews::Stopped(summary) => {
                    self.board.media(now, call, MediaFact::Quality(summary));
                    self.conclude(call);
                }
            }
        }
    }
}
