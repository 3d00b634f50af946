//! What a phone does beside the sound of its calls: messages, events that are watched, and calls by way of servers.

use core::time::Duration;
use std::net::SocketAddr;

use rove_session::{
    AccountId, CallId, Errand, ErrandId, RelayStep, Target,
    package::{CONFERENCE, Conference, DIALOG, DialogInfo, MESSAGE_SUMMARY, PRESENCE, Presence, Waiting},
};

use crate::{DialError, Phone, SoundLevels, Tolerance, TurnServer, driver::Command};

impl Phone {
    /// Sends a message (RFC 3428), with a certain account or as [`Phone::dial`] chooses it.
    /// [`PhoneEvent::Errand`](crate::PhoneEvent::Errand) tells whether it was taken.
    ///
    /// # Errors
    ///
    /// As [`Phone::dial`].
    pub fn send_message(
        &self,
        target: &str,
        text: &str,
        account: Option<AccountId>,
    ) -> Result<ErrandId, DialError> {
        let kind = "text/plain;charset=UTF-8".to_owned();
        self.begin(target, account, Errand::Message { kind, body: text.as_bytes().to_vec() })
    }

    /// Writes text to the other side of a call that stands, inside of it: 900 bytes at most.
    /// [`Progress::Unwritten`](crate::Progress::Unwritten) follows when it is not taken.
    pub fn write(&self, call: CallId, text: &str) {
        self.tell(Command::Write { call, text: text.to_owned() });
    }

    /// Calls `target`, whose phone is at `toward`, by way of servers: [`PhoneEvent::Relay`](crate::PhoneEvent::Relay) says what
    /// they are to carry. Media go straight there.
    ///
    /// # Errors
    ///
    /// As [`Phone::dial`].
    pub fn dial_relayed(&self, target: &str, toward: SocketAddr) -> Result<CallId, DialError> {
        let target = Target::parse(target)?;
        self.ask(|reply| Command::DialRelayed { target, toward, reply })
    }

    /// The servers have brought a set-up of somebody whose phone is at `toward`: a call comes in.
    ///
    /// # Errors
    ///
    /// [`DialError::Stopped`].
    pub fn relayed_call(&self, from: &str, toward: SocketAddr, offer: Vec<u8>) -> Result<CallId, DialError> {
        let from = from.to_owned();
        self.ask(|reply| Command::RelayedCall { from, toward, offer, reply })
    }

    /// The servers have brought another step of a call.
    pub fn relayed(&self, call: CallId, step: RelayStep, body: Vec<u8>) {
        self.tell(Command::Relayed { call, step, body });
    }

    /// Watches an event package of somebody (RFC 6665), such as `presence` or `dialog`, asking for `expires` at a time; zero
    /// asks once. [`PhoneEvent::Errand`](crate::PhoneEvent::Errand) tells each state, and the end.
    ///
    /// # Errors
    ///
    /// As [`Phone::dial`].
    pub fn watch(
        &self,
        target: &str,
        package: &str,
        expires: Duration,
        account: Option<AccountId>,
    ) -> Result<ErrandId, DialError> {
        let accept = match package {
            PRESENCE => Presence::KIND,
            DIALOG => DialogInfo::KIND,
            CONFERENCE => Conference::KIND,
            MESSAGE_SUMMARY => Waiting::KIND,
            _ => "*/*",
        };
        let (package, accept) = (package.to_owned(), accept.to_owned());
        self.begin(target, account, Errand::Watch { package, accept, expires })
    }

    /// Watches no longer. [`ErrandNews::Over`](crate::ErrandNews::Over) follows.
    pub fn unwatch(&self, errand: ErrandId) {
        self.tell(Command::End { errand });
    }

    /// Whether calls are taken here: what presence says. Yes unless said.
    pub fn set_available(&self, available: bool) {
        self.tell(Command::Available(available));
    }

    /// Calls that begin from now on are lent addresses by these servers as well, before those of the configuration: what a
    /// ticket for a call says.
    pub fn borrow_from(&self, servers: Vec<TurnServer>) {
        self.tell(Command::Borrow(servers));
    }

    /// A push service has woken this phone: an account is registered anew at once, so that what waits can come
    /// (RFC 8599 §4.1.3).
    pub fn woken(&self, account: AccountId) {
        self.tell(Command::Woken { account });
    }

    /// Whether the other side of a call hears nothing of us, while we hear it.
    pub fn mute_self(&self, call: CallId, muted: bool) {
        self.tell(Command::MuteSelf { call, muted });
    }

    /// How loud both sides of a call are; `None` when its media do not run, or the phone has stopped.
    #[must_use]
    pub fn levels(&self, call: CallId) -> Option<SoundLevels> {
        self.ask(|reply| Command::Levels { call, reply }).ok().flatten()
    }

    /// How bad the ways of calls that begin from now on may be, in place of
    /// [`PhoneConfig::tolerance`](crate::PhoneConfig::tolerance).
    pub fn tolerate(&self, tolerance: Tolerance) {
        self.tell(Command::Tolerate(tolerance));
    }

    /// Whether sound devices may run, where [`PhoneConfig::owns_sound`](crate::PhoneConfig::owns_sound) leaves that to the owner.
    pub fn let_sound(&self, run: bool) {
        self.tell(Command::LetSound(run));
    }

    /// Begins to leave: all calls are hung up and what was registered is withdrawn, within a few seconds. Their last events come
    /// as ever; [`Phone::has_stopped`] says that it is done.
    pub fn close(&self) {
        self.tell(Command::Close);
    }

    fn begin(&self, target: &str, account: Option<AccountId>, errand: Errand) -> Result<ErrandId, DialError> {
        let target = Target::parse(target)?.or_over(self.transport());
        let errand = Box::new(errand);
        self.ask(|reply| Command::Begin { target, account, errand, reply })
    }
}
