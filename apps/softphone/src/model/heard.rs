//! What the phone tells.

use rove_phone::{AccountNews, CallId, CallReport, PhoneEvent, Progress};

use super::{Ask, Call, Direction, Model, Outcome, Past, Peer, Second, Standing, State, book::MOST_PAST};

impl Model {
    /// The phone tells something.
    pub fn heard(&mut self, event: &PhoneEvent) {
        let now = self.now;
        match event {
            PhoneEvent::Call { call, progress } => self.progressed(*call, progress),
            PhoneEvent::Ended { call, report } => self.ended(*call, report),
            PhoneEvent::Conference { calls } => {
                self.conference.clone_from(calls);
                self.speaker = self.speaker.filter(|speaker| calls.contains(speaker));
            }
            PhoneEvent::Speaker { call } => self.speaker = *call,
            PhoneEvent::Account { news, .. } => self.account_news(news),
            PhoneEvent::Message { call, from, body, .. } => {
                self.written(*call, from, &String::from_utf8_lossy(body));
            }
            PhoneEvent::Registered { name } => self.standing = Standing::Registered(name.clone()),
            PhoneEvent::RegistrationFailed(error) => self.standing = Standing::Failed(error.to_string()),
            PhoneEvent::Quality { call, quality } => {
                self.with(*call, |call| call.series.push(Second::of(quality)));
            }
            PhoneEvent::Digit { call, digit } => self.with(*call, |call| call.pressed(digit.key)),
            PhoneEvent::Route { call, kind } => self.with(*call, |call| call.route = Some(*kind)),
            PhoneEvent::Rerouted { call, rerouted } => self.with(*call, |call| call.rerouted(rerouted)),
            PhoneEvent::Complaint { call, complaint } => {
                self.with(*call, |call| call.complaint = Some(complaint.cause));
            }
            PhoneEvent::SendingStopped { call, .. } => {
                let name = self.call(*call).map(|call| self.name_of(&call.peer)).unwrap_or_default();
                self.tell("notice-sending-stopped", name);
            }
            _ => {}
        }
        self.now = now;
    }

    /// What became of [`Ask::Dial`]: the number of the call, or why there is none.
    pub fn dialled(&mut self, target: &str, outcome: Result<CallId, String>) {
        match outcome {
            Ok(id) => {
                // A word of the phone may have come before its number.
                if self.call(id).is_none() {
                    self.begin(Call::new(id, Direction::Outgoing, Peer::read(target), self.now));
                }
                self.drafts.target.clear();
                self.selected = Some(id);
                self.screen = super::Screen::Phone;
            }
            Err(key) => self.tell(&key, target),
        }
    }

    /// Something else that was asked for cannot be.
    pub fn refused(&mut self, key: &str, about: &str) {
        self.tell(key, about);
    }

    fn with(&mut self, call: CallId, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.call_mut(call) {
            change(call);
        }
    }

    fn begin(&mut self, call: Call) {
        // What is over makes room for what begins.
        self.calls.retain(|call| !call.state.is_over());
        if self.shown().is_none() {
            self.selected = Some(call.id);
        }
        self.calls.push(call);
    }

    fn progressed(&mut self, id: CallId, progress: &Progress) {
        let now = self.now;
        match progress {
            Progress::Incoming { from } => {
                let peer = Peer::read(from);
                let name = self.name_of(&peer);
                self.begin(Call::new(id, Direction::Incoming, peer, now));
                self.ask(Ask::Announce(id, name));
            }
            Progress::Referred { to, call } => {
                self.begin(Call::new(*call, Direction::Outgoing, Peer::read(to), now));
                self.selected = Some(*call);
                self.tell("notice-referred", Peer::read(to).shown());
            }
            Progress::Unchanged { why } => self.tell("notice-unchanged", why),
            Progress::TransferFailed { why } => self.tell("notice-transfer-failed", why),
            Progress::Unwritten { why } => self.tell("notice-unwritten", why),
            Progress::Transferring { .. } => {
                let name = self.call(id).map(|call| self.name_of(&call.peer)).unwrap_or_default();
                self.tell("notice-transferring", name);
            }
            _ => {}
        }
        // A call that the phone began by itself, as when it takes the place of another.
        if self.call(id).is_none() && !matches!(progress, Progress::Ended { .. }) {
            self.begin(Call::new(id, Direction::Outgoing, Peer::default(), now));
        }
        self.with(id, |call| call.on(progress, now));
        if matches!(progress, Progress::Answered { .. }) {
            self.stands(id);
        }
    }

    /// A call has come to stand: whoever is muted is so in it as well.
    fn stands(&mut self, id: CallId) {
        self.ask(Ask::Withdraw(id));
        let muted = self.muted || self.call(id).is_some_and(|call| call.muted);
        if muted {
            self.ask(Ask::Mute(id, true));
        }
    }

    fn ended(&mut self, id: CallId, report: &CallReport) {
        let now = self.now;
        let Some(call) = self.call_mut(id) else { return };
        if call.peer == Peer::default() {
            call.peer = Peer::read(&report.peer);
        }
        let was_answered = call.answered.is_some();
        call.state = State::Over(report.cause.clone());
        let outcome = match (report.seconds, call.direction, report.cause.as_str()) {
            (Some(seconds), ..) if was_answered => Outcome::Talked(seconds),
            (_, Direction::Incoming, "cancelled" | "no_answer") => Outcome::Missed,
            (_, _, cause) => Outcome::Failed(cause.to_owned()),
        };
        let past = Past {
            at: call.began.unix,
            direction: call.direction,
            name: call.peer.name.clone(),
            address: call.peer.address.clone(),
            outcome,
        };
        self.history.insert(0, past);
        self.history.truncate(MOST_PAST);
        self.conference.retain(|call| *call != id);
        self.ask(Ask::KeepHistory);
        self.ask(Ask::Withdraw(id));
        let next = self.running().next().map(|call| call.id);
        if self.selected == Some(id) && next.is_some() {
            self.selected = next;
        }
        self.now = now;
        self.restart_if_idle();
    }

    /// Settings that wait for the end of all calls take effect.
    pub(super) fn restart_if_idle(&mut self) {
        if self.stale && self.running().next().is_none() {
            self.stale = false;
            self.standing =
                if self.settings.account.is_some() { Standing::Asked } else { Standing::NoAccount };
            self.ask(Ask::Restart);
        }
    }

    fn account_news(&mut self, news: &AccountNews) {
        let address = self.settings.account.as_ref().map(|account| account.address.clone());
        match news {
            AccountNews::Registered { .. } => {
                self.standing = Standing::Registered(address.unwrap_or_default());
            }
            AccountNews::Unregistered => self.standing = Standing::Asked,
            AccountNews::Failed { why, .. } => self.standing = Standing::Failed(why.clone()),
            _ => {}
        }
    }

    fn written(&mut self, call: Option<CallId>, from: &str, text: &str) {
        match call {
            Some(id) => self.with(id, |call| call.write(false, text)),
            None => {
                let name = self.name_of(&Peer::read(from));
                let text: String = text.chars().filter(|char| !char.is_control()).take(200).collect();
                self.tell("notice-message", format!("{name}: {text}"));
            }
        }
    }
}
