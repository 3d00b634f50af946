//! The phone as an object, for Kotlin, Swift and Python.
#![allow(unsafe_code)]

use core::time::Duration;
use std::sync::Arc;

use rove_phone::CallId;

use crate::{
    agent::{Agent, Listen, pressed},
    c::draw,
    config::{Account, Config},
    error::{RoveError, contained},
    event::Event,
};

/// A phone. When nobody has it any more, its calls are hung up and its accounts withdrawn, within a few seconds;
/// [`Phone::close`] waits for that.
#[derive(uniffi::Object)]
pub struct Phone {
    agent: Arc<Agent>,
}

/// Who is called back with events, one at a time, on the phone's own thread for them. It may call anything of the phone.
#[uniffi::export(with_foreign)]
pub trait Listener: Send + Sync {
    /// Takes an event.
    fn on_event(&self, event: Event);
}

struct Heard(Arc<dyn Listener>);

impl Listen for Heard {
    fn on_event(&self, event: Event) {
        self.0.on_event(event);
    }
}

#[uniffi::export]
impl Phone {
    /// Starts a phone.
    ///
    /// # Errors
    ///
    /// [`RoveError::Argument`], [`RoveError::Start`].
    #[uniffi::constructor]
    pub fn new(config: Config) -> Result<Arc<Self>, RoveError> {
        contained(|| Ok(Arc::new(Self { agent: Agent::start(config, draw()?)? })))
    }

    /// The UDP port that SIP listens on.
    pub fn sip_port(&self) -> u16 {
        self.agent.sip_port()
    }

    /// The next event; waits for it so many milliseconds at most. `None`: none came. After `Stopped` none comes.
    pub fn next_event(&self, patience_ms: u32) -> Option<Event> {
        self.agent.next_event(millis(patience_ms))
    }

    /// Who is called back with all events from now on, instead of keeping them to be asked for; `None`: nobody.
    pub fn listen(&self, listener: Option<Arc<dyn Listener>>) {
        self.agent.listen(listener.map(|listener| Arc::new(Heard(listener)) as Arc<dyn Listen>));
    }

    /// Hangs up all calls, withdraws all accounts, and waits for that so many milliseconds at most.
    ///
    /// # Errors
    ///
    /// [`RoveError::Timeout`]: it goes on doing so. [`RoveError::Busy`]: inside of a callback nothing can be waited for.
    pub fn close(&self, patience_ms: u32) -> Result<(), RoveError> {
        contained(|| self.agent.wait_closed(millis(patience_ms)))
    }

    /// Takes up an account at a SIP server, keeps it registered, and answers its number.
    ///
    /// # Errors
    ///
    /// [`RoveError::Argument`], [`RoveError::Target`], [`RoveError::Gone`].
    pub fn register(&self, account: Account) -> Result<u64, RoveError> {
        contained(|| self.agent.register(account))
    }

    /// Gives an account up.
    pub fn unregister(&self, account: u64) {
        self.agent.unregister(account);
    }

    /// A push service has woken the phone: the account is registered anew at once (RFC 8599 §4.1.3).
    pub fn woken(&self, account: u64) {
        self.agent.woken(account);
    }

    /// The host has moved to another network: calls go on from there.
    pub fn network_changed(&self) {
        self.agent.network_changed();
    }

    /// The platform lets the app use its sound, or no longer; for phones with `owns_session`.
    pub fn audio_session_activated(&self, active: bool) {
        self.agent.audio_session_activated(active);
    }

    /// Calls a host name, IP address, `user@host` or URI, and answers the call's number.
    ///
    /// # Errors
    ///
    /// [`RoveError::Target`], [`RoveError::Gone`].
    pub fn dial(&self, target: &str) -> Result<u64, RoveError> {
        contained(|| self.agent.dial(target))
    }

    /// Writes to somebody outside of any call (RFC 3428).
    ///
    /// # Errors
    ///
    /// As [`Phone::dial`].
    pub fn send_message(&self, target: &str, text: &str) -> Result<(), RoveError> {
        contained(|| self.agent.send_message(target, text))
    }

    /// Picks up an incoming call.
    ///
    /// # Errors
    ///
    /// [`RoveError::Gone`], as all that follows.
    pub fn answer(&self, call: u64) -> Result<(), RoveError> {
        self.within(call, |phone, call| phone.answer(call))
    }

    /// Refuses an incoming call as declined.
    ///
    /// # Errors
    ///
    /// [`RoveError::Gone`].
    pub fn decline(&self, call: u64) -> Result<(), RoveError> {
        self.within(call, |phone, call| phone.decline(call))
    }

    /// Refuses an incoming call as busy.
    ///
    /// # Errors
    ///
    /// [`RoveError::Gone`].
    pub fn refuse_busy(&self, call: u64) -> Result<(), RoveError> {
        self.within(call, |phone, call| phone.refuse_busy(call))
    }

    /// Ends a call, whatever state it is in.
    ///
    /// # Errors
    ///
    /// [`RoveError::Gone`].
    pub fn hang_up(&self, call: u64) -> Result<(), RoveError> {
        self.within(call, |phone, call| phone.hang_up(call))
    }

    /// Whether the other side hears nothing of us.
    ///
    /// # Errors
    ///
    /// [`RoveError::Gone`].
    pub fn mute(&self, call: u64, muted: bool) -> Result<(), RoveError> {
        self.within(call, |phone, call| phone.mute_self(call, muted))
    }

    /// Whether we hear nothing of the other side.
    ///
    /// # Errors
    ///
    /// [`RoveError::Gone`].
    pub fn mute_peer(&self, call: u64, muted: bool) -> Result<(), RoveError> {
        self.within(call, |phone, call| phone.mute(call, muted))
    }

    /// Holds a call.
    ///
    /// # Errors
    ///
    /// [`RoveError::Gone`].
    pub fn hold(&self, call: u64) -> Result<(), RoveError> {
        self.within(call, |phone, call| phone.hold(call))
    }

    /// Goes on with a call that we hold.
    ///
    /// # Errors
    ///
    /// [`RoveError::Gone`].
    pub fn resume(&self, call: u64) -> Result<(), RoveError> {
        self.within(call, |phone, call| phone.resume(call))
    }

    /// Presses a key (RFC 4733): `0` to `9`, `*`, `#`, `A` to `D`, for so many milliseconds.
    ///
    /// # Errors
    ///
    /// [`RoveError::Argument`], [`RoveError::Gone`].
    pub fn press(&self, call: u64, key: &str, ms: u32) -> Result<(), RoveError> {
        let mut keys = key.chars();
        let key = keys.next().filter(|_| keys.next().is_none()).unwrap_or('?');
        contained(|| {
            let ((phone, call), key) = (self.agent.in_call(call)?, pressed(key)?);
            phone.press(call, key, millis(ms));
            Ok(())
        })
    }

    /// Writes to the other side, inside of the call.
    ///
    /// # Errors
    ///
    /// [`RoveError::Gone`].
    pub fn send_text(&self, call: u64, text: &str) -> Result<(), RoveError> {
        self.within(call, |phone, call| phone.write(call, text))
    }

    /// Hands the other side over to somebody else.
    ///
    /// # Errors
    ///
    /// [`RoveError::Target`], [`RoveError::Gone`].
    pub fn transfer(&self, call: u64, target: &str) -> Result<(), RoveError> {
        contained(|| {
            let (phone, call) = self.agent.in_call(call)?;
            phone.transfer(call, target).map_err(RoveError::from)
        })
    }
}

impl Phone {
    fn within(&self, call: u64, act: impl FnOnce(&rove_phone::Phone, CallId)) -> Result<(), RoveError> {
        contained(|| {
            let (phone, call) = self.agent.in_call(call)?;
            act(phone, call);
            Ok(())
        })
    }
}

// A finaliser's thread must not wait: the pump keeps the phone until it has left.
impl Drop for Phone {
    fn drop(&mut self) {
        self.agent.close();
    }
}

fn millis(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}
