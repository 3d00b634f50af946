//! What the person wants.

use rove_phone::CallId;

use super::{Ask, Call, Contact, Model, Outcome, Screen, State, Wish};

impl Model {
    /// The person wants something.
    pub fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::Show(screen) => self.show(screen),
            Wish::Select(call) => self.selected = Some(call),
            Wish::Dial => {
                let target = self.drafts.target.clone();
                self.call_to(target.trim());
            }
            Wish::Call(target) => self.call_to(target.trim()),
            Wish::Prepare(target) => {
                self.screen = Screen::Phone;
                self.drafts.target = target;
            }
            Wish::Keypad(shown) => self.keypad = shown,
            Wish::Mute(call, muted) => self.mute(call, muted),
            Wish::MuteAll(muted) => self.mute_all(muted),
            Wish::HangUpAll => {
                let running: Vec<CallId> = self.running().map(|call| call.id).collect();
                running.into_iter().for_each(|call| self.end(call));
            }
            Wish::Confer => self.confer(),
            Wish::Part => self.ask(Ask::Confer(Vec::new())),
            Wish::PutAway(id) => {
                self.calls.retain(|call| call.id != id || !call.state.is_over());
                self.selected = self.calls.first().map(|call| call.id);
            }
            Wish::LookForDevices => self.ask(Ask::LookForDevices),
            Wish::Dismiss => self.notice = None,
            Wish::Answer(call) => self.answer(call),
            Wish::Decline(call) => self.decline(call),
            Wish::HangUp(call) => self.end(call),
            Wish::Hold(..) | Wish::Press(..) | Wish::Transfer(_) | Wish::TransferTo(..) | Wish::Write(_) => {
                self.within_a_call(&wish);
            }
            _ => self.keep(&wish),
        }
    }

    fn show(&mut self, screen: Screen) {
        self.screen = screen;
        if screen == Screen::Settings {
            self.drafts.settings = self.settings.clone();
            self.ask(Ask::LookForDevices);
        }
    }

    fn call_to(&mut self, target: &str) {
        if target.is_empty() {
            return self.tell("cannot-dial-nothing", "");
        }
        self.hold_others(None);
        self.ask(Ask::Dial(target.to_owned()));
    }

    fn answer(&mut self, id: CallId) {
        let Some(call) = self.call_mut(id).filter(|call| call.state == State::Incoming) else { return };
        call.state = State::Answering;
        self.selected = Some(id);
        self.screen = Screen::Phone;
        self.hold_others(Some(id));
        self.ask(Ask::Answer(id));
        self.ask(Ask::Withdraw(id));
    }

    fn decline(&mut self, id: CallId) {
        let Some(call) = self.call_mut(id).filter(|call| call.state == State::Incoming) else { return };
        call.state = State::Ending;
        self.ask(Ask::Decline(id));
        self.ask(Ask::Withdraw(id));
    }

    fn end(&mut self, id: CallId) {
        match self.call(id).map(|call| &call.state) {
            Some(State::Incoming) => self.decline(id),
            Some(State::Over(_)) | None => {}
            Some(_) => {
                if let Some(call) = self.call_mut(id) {
                    call.state = State::Ending;
                }
                self.ask(Ask::HangUp(id));
            }
        }
    }

    /// Whom we talk with waits while we talk with another; a conference goes on.
    fn hold_others(&mut self, but: Option<CallId>) {
        let talking = |call: &&Call| {
            call.state == State::Up
                && !call.held
                && Some(call.id) != but
                && !self.conference.contains(&call.id)
        };
        let others: Vec<CallId> = self.calls.iter().filter(talking).map(|call| call.id).collect();
        others.into_iter().for_each(|call| self.ask(Ask::Hold(call)));
    }

    fn mute(&mut self, id: CallId, muted: bool) {
        let everywhere = self.muted;
        let Some(call) = self.call_mut(id) else { return };
        call.muted = muted;
        self.ask(Ask::Mute(id, muted || everywhere));
    }

    fn mute_all(&mut self, muted: bool) {
        self.muted = muted;
        let calls: Vec<(CallId, bool)> = self.running().map(|call| (call.id, call.muted)).collect();
        for (call, own) in calls {
            self.ask(Ask::Mute(call, muted || own));
        }
    }

    fn confer(&mut self) {
        let calls: Vec<CallId> = self.standing_calls().map(|call| call.id).collect();
        if calls.len() < 2 {
            return self.tell("notice-conference-of-one", "");
        }
        self.ask(Ask::Confer(calls));
    }

    /// What makes sense only in a call that stands.
    fn within_a_call(&mut self, wish: &Wish) {
        let stands = |id: &CallId| self.call(*id).is_some_and(|call| call.state == State::Up);
        match wish {
            Wish::Hold(id, true) if stands(id) => self.ask(Ask::Hold(*id)),
            Wish::Hold(id, false) if stands(id) => self.ask(Ask::Resume(*id)),
            Wish::Press(id, key) if stands(id) => self.ask(Ask::Press(*id, *key)),
            Wish::TransferTo(id, other) if stands(id) && stands(other) => {
                self.ask(Ask::TransferTo(*id, *other));
            }
            Wish::Transfer(id) if stands(id) => {
                let target = core::mem::take(&mut self.drafts.transfer).trim().to_owned();
                if target.is_empty() {
                    return self.tell("cannot-dial-nothing", "");
                }
                self.ask(Ask::Transfer(*id, target));
            }
            Wish::Write(id) if stands(id) => self.write(*id),
            _ => {}
        }
    }

    fn write(&mut self, id: CallId) {
        let text = core::mem::take(&mut self.drafts.text);
        if text.trim().is_empty() {
            return;
        }
        // What is longer than a call's message may be is not sent in part.
        if text.len() > LONGEST_WRITTEN {
            self.drafts.text = text;
            return self.tell("notice-too-long", "");
        }
        if let Some(call) = self.call_mut(id) {
            call.write(true, &text);
        }
        self.ask(Ask::Write(id, text));
    }

    /// What is remembered.
    fn keep(&mut self, wish: &Wish) {
        match wish {
            Wish::AddContact => {
                let name = self.drafts.name.trim().to_owned();
                let address = self.drafts.address.trim().to_owned();
                if address.is_empty() {
                    return self.tell("notice-contact-without-address", "");
                }
                let name = if name.is_empty() { address.clone() } else { name };
                self.drafts.name.clear();
                self.drafts.address.clear();
                self.add(Contact { name, address });
            }
            Wish::RemoveContact(place) if *place < self.contacts.len() => {
                self.contacts.remove(*place);
                self.ask(Ask::KeepContacts);
            }
            Wish::Remember(place) => {
                let Some(past) = self.history.get(*place) else { return };
                let name = past.peer().shown().to_owned();
                self.add(Contact { name, address: past.address.clone() });
            }
            Wish::ClearHistory => {
                self.history.clear();
                self.ask(Ask::KeepHistory);
            }
            Wish::TakeSettings => self.take_settings(),
            _ => {}
        }
    }

    fn add(&mut self, contact: Contact) {
        self.contacts.retain(|known| !known.address.eq_ignore_ascii_case(&contact.address));
        self.contacts.push(contact);
        self.contacts.sort_by_key(|contact| contact.name.to_lowercase());
        self.ask(Ask::KeepContacts);
    }

    fn take_settings(&mut self) {
        let drafted = self.drafts.settings.clone();
        self.stale |= drafted.wants_another_phone_than(&self.settings);
        let other_wishes = drafted.min_mos != self.settings.min_mos;
        self.settings = drafted;
        self.ask(Ask::KeepSettings);
        if other_wishes && !self.stale {
            self.ask(Ask::Tolerate);
        }
        if self.stale && self.running().next().is_some() {
            self.tell("notice-after-the-calls", "");
        }
        self.restart_if_idle();
    }

    /// Calls that were missed since the history was last shown from the top: what a tray says.
    #[must_use]
    pub fn missed(&self) -> usize {
        self.history.iter().take_while(|past| past.outcome == Outcome::Missed).count()
    }
}

/// Bytes of a text inside a call that the phone takes.
const LONGEST_WRITTEN: usize = 900;
