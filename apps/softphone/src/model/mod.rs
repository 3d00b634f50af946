//! What the window knows, without a window: phone events and wishes of the person go in, asks to the phone come out.

mod ask;
mod book;
mod call;
mod figures;
mod heard;
mod peer;
mod settings;
mod wished;

use core::time::Duration;
use std::collections::VecDeque;

use rove_phone::{CallId, SoundLevels};

pub use self::{
    ask::{Ask, Screen, Wish},
    book::{Contact, Found, Outcome, Past, search},
    call::{Call, Direction, Move, Said, State},
    figures::{SECONDS, Second, Series},
    peer::Peer,
    settings::{Account, Audio, Language, Look, Settings},
};

/// When something happens.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Moment {
    /// Since the program was started.
    pub running: Duration,
    /// Seconds since 1970.
    pub unix: u64,
}

/// Something to be told in a line: a message of [`Words`](crate::words::Words) and what it is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// Which message.
    pub key: String,
    /// A name, address or reason that goes into it.
    pub about: String,
}

/// How the account at a SIP server is doing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Standing {
    /// There is none.
    #[default]
    NoAccount,
    /// The server was asked and has not answered.
    Asked,
    /// Calls for this address arrive here.
    Registered(String),
    /// They do not, and why.
    Failed(String),
}

/// What is being typed, by field.
#[derive(Clone, Debug, Default)]
pub struct Drafts {
    /// Whom to call.
    pub target: String,
    /// To whom a call is handed over.
    pub transfer: String,
    /// Text to the other side.
    pub text: String,
    /// What contacts and history are searched for.
    pub search: String,
    /// A new contact's name,
    pub name: String,
    /// and address.
    pub address: String,
    /// Settings before they are taken.
    pub settings: Settings,
}

/// The state of everything that the window shows.
#[derive(Debug, Default)]
pub struct Model {
    /// Calls, the oldest first; one that is over stays until the next begins or it is put away.
    pub calls: Vec<Call>,
    /// The call whose figures and keys are shown.
    pub selected: Option<CallId>,
    /// Calls that are one conversation.
    pub conference: Vec<CallId>,
    /// Who speaks in it.
    pub speaker: Option<CallId>,
    /// Nobody hears us, in no call.
    pub muted: bool,
    /// People, by name.
    pub contacts: Vec<Contact>,
    /// Calls of the past, the latest first.
    pub history: Vec<Past>,
    /// Settings as they are in force.
    pub settings: Settings,
    /// What is typed and not yet taken.
    pub drafts: Drafts,
    /// What is shown.
    pub screen: Screen,
    /// The keys of a telephone are shown.
    pub keypad: bool,
    /// What was last to be told.
    pub notice: Option<Notice>,
    /// The account.
    pub standing: Standing,
    /// Microphones and loudspeakers; empty where none are built in or found.
    pub devices: Vec<crate::line::Device>,
    /// Settings are changed that take effect only when the phone is started anew, which waits for the end of all calls.
    pub(crate) stale: bool,
    pub(crate) now: Moment,
    asks: VecDeque<Ask>,
}

impl Model {
    /// A window that begins with what was stored.
    #[must_use]
    pub fn new(settings: Settings, contacts: Vec<Contact>, history: Vec<Past>) -> Self {
        let drafts = Drafts { settings: settings.clone(), ..Drafts::default() };
        let standing = if settings.account.is_some() { Standing::Asked } else { Standing::NoAccount };
        Self { contacts, history, settings, drafts, standing, ..Self::default() }
    }

    /// It is `now`.
    pub fn tick(&mut self, now: Moment) {
        self.now = now;
    }

    /// What the time was when it was last told.
    #[must_use]
    pub const fn now(&self) -> Moment {
        self.now
    }

    /// The next thing to be done for the person, outside of this model.
    pub fn next_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }

    /// A call by its number.
    #[must_use]
    pub fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.iter().find(|call| call.id == id)
    }

    pub(crate) fn call_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == id)
    }

    /// The call that is shown at large.
    #[must_use]
    pub fn shown(&self) -> Option<&Call> {
        self.call(self.selected?)
    }

    /// How loud both sides of a call are now.
    pub fn measured(&mut self, id: CallId, levels: SoundLevels) {
        if let Some(call) = self.call_mut(id) {
            call.levels = levels;
        }
    }

    /// Calls that wait to be answered here, the oldest first.
    pub fn incoming(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| call.state == State::Incoming)
    }

    /// Calls that are not over.
    pub fn running(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| !call.state.is_over())
    }

    /// Calls that stand.
    pub fn standing_calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| call.state == State::Up)
    }

    pub(crate) fn ask(&mut self, ask: Ask) {
        self.asks.push_back(ask);
    }

    pub(crate) fn tell(&mut self, key: &str, about: impl Into<String>) {
        self.notice = Some(Notice { key: key.to_owned(), about: about.into() });
    }

    /// How somebody is called: the name of a contact, else what the peer says, else the address.
    #[must_use]
    pub fn name_of(&self, peer: &Peer) -> String {
        let known = self.contacts.iter().find(|contact| peer.is_at(&contact.address));
        known.map_or_else(|| peer.shown().to_owned(), |contact| contact.name.clone())
    }
}

#[cfg(test)]
mod tests;
