//! What the owner of a phone in virtual time does with its calls.

use core::time::Duration;

use rove_base::Now;
use rove_session::{CallId, Target, TargetError};
use rove_sip::message::StatusCode;

use super::VirtualPhone;

impl VirtualPhone {
    /// Calls somebody.
    ///
    /// # Errors
    ///
    /// [`TargetError`] when the target cannot be dialled.
    pub fn dial(&mut self, now: Now, target: &str) -> Result<CallId, TargetError> {
        Ok(self.board.dial(now, Target::parse(target)?))
    }

    /// Picks up.
    pub fn answer(&mut self, now: Now, call: CallId) {
        self.board.answer(now, call);
    }

    /// Refuses as declined.
    pub fn decline(&mut self, now: Now, call: CallId) {
        self.board.decline(now, call, StatusCode::DECLINE);
    }

    /// Refuses as busy.
    pub fn refuse_busy(&mut self, now: Now, call: CallId) {
        self.board.decline(now, call, StatusCode::BUSY_HERE);
    }

    /// Hangs up.
    pub fn hang_up(&mut self, now: Now, call: CallId) {
        self.board.hang_up(now, call);
    }

    /// Tells the other side of a call that a key was pressed.
    pub fn press(&mut self, now: Now, call: CallId, key: char, duration: Duration) {
        if let Some(running) = self.calls.get_mut(&call).and_then(|ports| ports.running.as_mut()) {
            running.press(now, key, duration);
        }
    }

    /// Sends the caller to `target` instead.
    ///
    /// # Errors
    ///
    /// [`TargetError`] when that cannot be dialled.
    pub fn forward(&mut self, now: Now, call: CallId, target: &str) -> Result<(), TargetError> {
        self.board.forward(now, call, &Target::parse(target)?);
        Ok(())
    }

    /// Holds a call.
    pub fn hold(&mut self, now: Now, call: CallId) {
        self.board.hold(now, call);
    }

    /// Goes on with it.
    pub fn resume(&mut self, now: Now, call: CallId) {
        self.board.resume(now, call);
    }

    /// Hands the other side of a call over to `target`.
    ///
    /// # Errors
    ///
    /// [`TargetError`] when that cannot be dialled.
    pub fn transfer(&mut self, now: Now, call: CallId, target: &str) -> Result<(), TargetError> {
        self.board.transfer(now, call, &Target::parse(target)?);
        Ok(())
    }

    /// Connects the other sides of two calls.
    pub fn transfer_to(&mut self, now: Now, call: CallId, other: CallId) {
        self.board.transfer_to(now, call, other);
    }

    /// Tells the other side of a call by SIP that a key was pressed.
    pub fn send_dtmf(&mut self, now: Now, call: CallId, key: char, duration: Duration) {
        self.board.send_dtmf(now, call, key, duration);
    }
}
