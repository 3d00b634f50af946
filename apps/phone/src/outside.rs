//! What a phone does outside of calls: messages, and events that are watched.

use core::time::Duration;

use rove_session::{
    AccountId, Errand, ErrandId, Target,
    package::{CONFERENCE, Conference, DIALOG, DialogInfo, MESSAGE_SUMMARY, PRESENCE, Presence, Waiting},
};

use crate::{DialError, Phone, driver::Command};

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

    /// A push service has woken this phone: an account is registered anew at once, so that what waits can come
    /// (RFC 8599 §4.1.3).
    pub fn woken(&self, account: AccountId) {
        self.tell(Command::Woken { account });
    }

    fn begin(&self, target: &str, account: Option<AccountId>, errand: Errand) -> Result<ErrandId, DialError> {
        let target = Target::parse(target)?.or_over(self.transport());
        let errand = Box::new(errand);
        self.ask(|reply| Command::Begin { target, account, errand, reply })
    }
}
