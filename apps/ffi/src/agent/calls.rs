//! Events of the phone, put into terms of every language and the order of platforms.

use std::collections::HashMap;

use rove_phone::{AccountId, AccountNews, CallId, Party as Who, PhoneEvent, Progress};

use super::CALL;
use crate::{
    event::{Event, Figures, Report},
    lifecycle::{EndReason, Fact, Lifecycle, Party, Step},
};

/// All calls that are not over.
pub(super) struct Calls {
    first: u64,
    running: HashMap<CallId, Lifecycle>,
}

impl Calls {
    pub(super) fn new(first: u64) -> Self {
        Self { first, running: HashMap::new() }
    }

    /// Tells what `event` means, in order.
    pub(super) fn translate(&mut self, event: PhoneEvent, tell: &mut dyn FnMut(Event)) {
        match event {
            PhoneEvent::Call { call, progress } => self.progress(call, progress, tell),
            PhoneEvent::Ended { call, report } => {
                let reason = EndReason::of(&report.cause);
                let report = Report::from(&*report);
                self.step(call, Fact::Over(reason), |id, step| tell(event_of(id, step, "", &report)));
                self.running.remove(&call);
            }
            PhoneEvent::Quality { call, quality } => {
                tell(Event::Quality { call: self.id(call), figures: Figures::from(&quality) });
            }
            PhoneEvent::Digit { call, digit } => {
                tell(Event::Key { call: self.id(call), key: digit.key.to_string() });
            }
            PhoneEvent::Route { call, kind } => {
                tell(Event::Route { call: self.id(call), kind: kind.name().to_owned() });
            }
            PhoneEvent::Rerouted { call, rerouted } => tell(Event::rerouted(self.id(call), &rerouted)),
            PhoneEvent::Complaint { call, complaint } => {
                tell(Event::Complaint { call: self.id(call), cause: complaint.cause.name().to_owned() });
            }
            PhoneEvent::SendingStopped { call, .. } => {
                let why = "nothing is sent any more: the path cannot bear it, or nobody listens (RFC 8083)";
                tell(Event::Refused { call: self.id(call), why: why.to_owned() });
            }
            PhoneEvent::Message { call, from, body, .. } => {
                let text = String::from_utf8_lossy(&body).into_owned();
                tell(Event::Text { call: call.map(|call| self.id(call)), from, text });
            }
            PhoneEvent::Account { account, news } => account_news(account, news, tell),
            _ => {}
        }
    }

    fn progress(&mut self, call: CallId, progress: Progress, tell: &mut dyn FnMut(Event)) {
        let id = self.id(call);
        let mut from = String::new();
        let fact = match progress {
            Progress::Incoming { from: who } => {
                from = who;
                Fact::CalledUs
            }
            Progress::Resolved { .. } | Progress::Inviting { .. } => Fact::Dialled,
            Progress::Ringing => Fact::Alerted,
            Progress::EarlyMedia { .. } => Fact::Early,
            Progress::Answered { .. } => Fact::Answered,
            Progress::Held { by } => Fact::HeldBy(party(by)),
            Progress::Resumed { by } => Fact::ResumedBy(party(by)),
            Progress::Key { key, .. } => return tell(Event::Key { call: id, key: key.to_string() }),
            Progress::Referred { to, call: other } => {
                return tell(Event::Transferred { call: id, other: self.id(other), to });
            }
            Progress::Unchanged { why } | Progress::Unwritten { why } | Progress::TransferFailed { why } => {
                return tell(Event::Refused { call: id, why });
            }
            // Its end is told with its report, when media have stopped as well.
            _ => return,
        };
        self.step(call, fact, |id, step| tell(event_of(id, step, &from, &Report::default())));
    }

    fn step(&mut self, call: CallId, fact: Fact, mut tell: impl FnMut(u64, Step)) {
        let id = self.id(call);
        self.running.entry(call).or_default().on(fact, |step| tell(id, step));
    }

    const fn id(&self, call: CallId) -> u64 {
        self.first | (call.0 & CALL)
    }
}

fn event_of(call: u64, step: Step, from: &str, report: &Report) -> Event {
    match step {
        Step::Incoming => Event::Incoming { call, from: from.to_owned() },
        Step::Connecting => Event::Connecting { call },
        Step::Ringing => Event::Ringing { call },
        Step::EarlyMedia => Event::EarlyMedia { call },
        Step::Connected => Event::Connected { call },
        Step::Held(by) => Event::Held { call, by },
        Step::Resumed(by) => Event::Resumed { call, by },
        Step::Ended(reason) => Event::Ended { call, reason, report: report.clone() },
    }
}

fn account_news(account: AccountId, news: AccountNews, tell: &mut dyn FnMut(Event)) {
    let account = account.0;
    match news {
        AccountNews::Registered { .. } => tell(Event::Registered { account }),
        AccountNews::Failed { why, retry_in } => {
            let retry_in_s = retry_in.map(|time| time.as_secs_f64());
            tell(Event::RegistrationFailed { account, why, retry_in_s });
        }
        AccountNews::Unregistered => tell(Event::Unregistered { account }),
        AccountNews::Push { provider } => tell(Event::Push { account, provider }),
        _ => {}
    }
}

const fn party(who: Who) -> Party {
    match who {
        Who::Us => Party::Us,
        _ => Party::Peer,
    }
}
