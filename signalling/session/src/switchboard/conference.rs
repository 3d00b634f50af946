//! Several calls made one conversation: this end is the focus, and tells who is in it (RFC 4579, RFC 4575).

use rove_base::Now;
use rove_sip::event::{CONFERENCE, Conference, Endpoint, EventState, User};

use super::Switchboard;
use crate::{
    CallId, Disclosure, Event, Side,
    call::{Fact, State},
    told,
};

impl Switchboard {
    /// This end is a conference server's from now on: whoever is answered is told so, one call is a conference already, and
    /// there may be up to `most` of them.
    pub const fn be_focus(&mut self, most: usize) {
        (self.focus, self.most_parties) = (true, most);
    }

    /// Makes one conference of these calls, of which there are 8 at most unless said; calls that were in it and are not
    /// named stand alone again, and with fewer than two it is over. Each side is told that this end mixes; held calls go on.
    /// [`Event::Join`] says whose media are to be mixed. `false` when one of them does not stand, or there are too many.
    pub fn confer(&mut self, now: Now, calls: &[CallId]) -> bool {
        self.now = now;
        let mut calls = calls.to_vec();
        calls.sort_unstable();
        calls.dedup();
        if calls.len() > self.most_parties || !calls.iter().all(|call| self.is_talking(*call)) {
            return false;
        }
        if calls.len() < if self.focus { 1 } else { 2 } {
            calls.clear();
        }
        let before = core::mem::replace(&mut self.conference, calls.clone());
        for call in before.iter().filter(|call| !calls.contains(call)) {
            self.announce(*call, false);
        }
        for call in calls.iter().filter(|call| !before.contains(call)) {
            self.announce(*call, true);
        }
        if before != calls {
            self.events.push_back(Event::Join { calls });
        }
        self.tell_conference();
        true
    }

    /// Takes calls out of the conference that do not stand any more. `true` when that has changed something.
    pub(super) fn clear_conference(&mut self) -> bool {
        let left: Vec<CallId> =
            self.conference.iter().copied().filter(|call| self.is_talking(*call)).collect();
        left.len() != self.conference.len() && self.confer(self.now, &left)
    }

    fn is_talking(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|call| matches!(call.state, State::Talking(_)))
    }

    /// Whoever is answered is told, if this is nothing but a conference.
    pub(super) fn show_focus(&mut self, now: Now, call: CallId) {
        if let Some(invite) = self.calls.get(&call).and_then(|call| call.invite).filter(|_| self.focus) {
            self.agent.set_focus(now, invite, true);
        }
    }

    fn announce(&mut self, call: CallId, focus: bool) {
        if self.focus {
            // It was told with the answer, and stays so.
            return;
        }
        let (now, invite) = (self.now, self.calls.get(&call).and_then(|call| call.invite));
        if let Some(invite) = invite.filter(|_| self.is_talking(call)) {
            self.agent.set_focus(now, invite, focus);
            self.fact(now, call, Fact::Announce);
        }
    }

    /// Makes the state of the conference package what it is now. Who is there stays unsaid unless everything is told.
    fn tell_conference(&mut self) {
        let told = !self.conference.is_empty() && self.config.disclosure != Disclosure::Nothing;
        let state = told.then(|| {
            let everything = self.config.disclosure == Disclosure::Everything;
            let entity = self.config.identity.uri.to_string();
            let others = self.conference.iter().filter_map(|id| Some((*id, self.calls.get(id)?)));
            let other = |(id, call): (CallId, &super::Call)| {
                let anonymous = || format!("sip:anonymous-{}@anonymous.invalid", id.0);
                let who = if everything { told::uri_of(&call.record.peer) } else { anonymous() };
                user(who, if call.record.side == Side::Caller { "dialed-out" } else { "dialed-in" })
            };
            let own = (!self.focus).then(|| user(entity.clone(), "focus-owner"));
            let most = self.most_parties.saturating_add(own.iter().count());
            let users: Vec<User> = own.into_iter().chain(others.map(other)).collect();
            EventState::Conference(Conference {
                entity,
                most_users: u32::try_from(most).ok(),
                count: u32::try_from(users.len()).ok(),
                users,
                ..Conference::default()
            })
        });
        self.agent.set_state(self.now, CONFERENCE, state);
    }
}

fn user(who: String, joined: &str) -> User {
    let endpoint =
        Endpoint { entity: who.clone(), status: Some("connected".into()), joined: Some(joined.into()) };
    User { entity: who, endpoints: vec![endpoint], ..User::default() }
}

/// Calls in one conference, unless said.
pub(super) const MOST_PARTIES: usize = 8;
