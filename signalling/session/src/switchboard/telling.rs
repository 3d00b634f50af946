//! What others are told of us while calls come and go: to who watches here, and to the servers where it is published.

use rove_base::Now;
use rove_sip::event::{CONFERENCE, DIALOG, EventState, PRESENCE};

use super::Switchboard;
use crate::{
    Disclosure,
    told::{self, Availability},
};

impl Switchboard {
    /// Whether our owner takes calls: what presence says. Yes unless said.
    pub fn set_available(&mut self, now: Now, available: bool) {
        self.now = now;
        self.available = available;
        self.changed = true;
    }

    /// Somebody watches: what is told is brought up to date before it hears of it.
    pub(super) fn watched(&mut self) {
        self.tell_watchers();
    }

    /// Tells what has changed, to whoever there is to tell. `true` when there may be events of that.
    pub(super) fn tell_what_changed(&mut self) -> bool {
        if !self.changed {
            return false;
        }
        self.changed = false;
        let dispersed = self.clear_conference();
        if self.agent.watchers() > 0 || self.accounts.publishes() {
            self.tell_watchers();
        }
        dispersed
    }

    /// Makes the state of our event packages what it is now.
    pub(super) fn tell_watchers(&mut self) {
        if self.config.disclosure == Disclosure::Nothing {
            return;
        }
        let now = self.now;
        let states = self.states();
        for (package, state) in &states {
            self.agent.set_state(now, package, Some(state.clone()));
        }
        self.accounts.publish(now, &mut self.agent, &states);
    }

    fn states(&mut self) -> [(&'static str, EventState); 2] {
        let entity = self.config.identity.uri.to_string();
        let availability = Availability {
            wanted: self.available,
            running: self.running().count(),
            most: self.config.most_calls,
        };
        let everything = self.config.disclosure == Disclosure::Everything;
        let Self { calls, agent, .. } = self;
        let entry = |(id, call): (&crate::CallId, &super::Call)| {
            let names = call.invite.filter(|_| everything).and_then(|invite| agent.dialog_names(invite));
            told::dialog(*id, &call.state, &call.record, names, everything)
        };
        let dialogs = told::dialogs(&entity, calls.iter().map(entry));
        [(PRESENCE, EventState::from(&told::presence(&entity, availability))), (DIALOG, dialogs)]
    }
}

/// What can be watched of a phone.
pub(super) const PACKAGES: [&str; 3] = [PRESENCE, DIALOG, CONFERENCE];
