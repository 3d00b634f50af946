//! A phone with its pump: what both interfaces are made of.

mod calls;
mod outbox;
mod pump;

use core::time::Duration;
use std::{
    sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard},
    thread::ThreadId,
};

use rove_phone::{AccountId, CallId, Phone};

use self::outbox::Outbox;
use crate::{
    config::{Account, Config},
    error::RoveError,
    event::Event,
};

/// Who is called back with events, on the phone's own thread for them. It may call anything, also close or free the phone.
pub trait Listen: Send + Sync {
    /// Takes an event.
    fn on_event(&self, event: Event);
}

/// A phone, as the handles of all languages share it.
pub struct Agent {
    phone: Phone,
    /// What its calls' numbers begin with.
    first: u64,
    outbox: Outbox,
    listener: RwLock<Option<Arc<dyn Listen>>>,
    pump: OnceLock<ThreadId>,
}

impl Agent {
    /// Starts a phone whose calls' numbers begin with `first`, the upper half of 64 bits, and its pump.
    pub(crate) fn start(config: Config, first: u64) -> Result<Arc<Self>, RoveError> {
        let phone = Phone::start(config.understood(first)?)?;
        let agent = Arc::new(Self {
            phone,
            first,
            outbox: Outbox::default(),
            listener: RwLock::default(),
            pump: OnceLock::new(),
        });
        let pumped = Arc::clone(&agent);
        std::thread::Builder::new()
            .name("rove-events".into())
            .spawn(move || pump::run(&pumped))
            .map_err(|error| RoveError::Start { why: format!("a thread could not be started: {error}") })?;
        Ok(agent)
    }

    /// Begins to leave: hangs up, withdraws, within a few seconds. Waits for nothing; the pump keeps the phone until it is done.
    pub(crate) fn close(&self) {
        self.phone.close();
    }

    /// Waits until it has left.
    pub(crate) fn wait_closed(&self, patience: Duration) -> Result<(), RoveError> {
        self.close();
        if self.is_pump() {
            return Err(RoveError::Busy { why: "inside of a callback nothing can be waited for".into() });
        }
        if self.outbox.wait_over(patience) {
            return Ok(());
        }
        Err(RoveError::Timeout { why: "the phone has not left yet: it goes on doing so".into() })
    }

    /// Who is called back from now on, instead of keeping events to be asked for; `None`: nobody. What waits is told first.
    pub(crate) fn listen(&self, listener: Option<Arc<dyn Listen>>) {
        let before = {
            let mut place = self.listener.write().unwrap_or_else(PoisonError::into_inner);
            core::mem::replace(&mut *place, listener)
        };
        // Its own word for being let go is said without a lock held.
        drop(before);
        self.outbox.nudge();
    }

    /// The next event. `None`: none came in time; [`Event::Stopped`] was the last.
    pub(crate) fn next_event(&self, patience: Duration) -> Option<Event> {
        self.outbox.take(if self.is_pump() { Duration::ZERO } else { patience })
    }

    /// The UDP port that SIP listens on.
    pub(crate) fn sip_port(&self) -> u16 {
        self.phone.sip_addresses().first().map_or(0, std::net::SocketAddr::port)
    }

    /// Takes up an account, and answers its number.
    pub(crate) fn register(&self, account: Account) -> Result<u64, RoveError> {
        Ok(self.phone.sign_in(account.understood()?)?.0)
    }

    /// Gives it up.
    pub(crate) fn unregister(&self, account: u64) {
        self.phone.sign_out(AccountId(account));
    }

    /// A push service has woken this phone.
    pub(crate) fn woken(&self, account: u64) {
        self.phone.woken(AccountId(account));
    }

    /// Calls somebody, and answers the call's number.
    pub(crate) fn dial(&self, target: &str) -> Result<u64, RoveError> {
        let call = self.phone.dial(target)?;
        Ok(self.first | call.0)
    }

    /// Writes to somebody outside of any call.
    pub(crate) fn send_message(&self, target: &str, text: &str) -> Result<(), RoveError> {
        self.phone.send_message(target, text, None)?;
        Ok(())
    }

    /// This host has moved to another network.
    pub(crate) fn network_changed(&self) {
        self.phone.moved();
    }

    /// The platform lets this program use its sound, or no longer.
    pub(crate) fn audio_session_activated(&self, active: bool) {
        self.phone.let_sound(active);
    }

    /// The phone, for something to be done in one of its calls.
    pub(crate) fn in_call(&self, call: u64) -> Result<(&Phone, CallId), RoveError> {
        if call & !CALL == self.first && !self.phone.has_stopped() {
            return Ok((&self.phone, CallId(call & CALL)));
        }
        Err(RoveError::gone("this phone has no such call"))
    }

    fn is_pump(&self) -> bool {
        self.pump.get() == Some(&std::thread::current().id())
    }

    fn listener(&self) -> Option<Arc<dyn Listen>> {
        let place: RwLockReadGuard<'_, _> = self.listener.read().unwrap_or_else(PoisonError::into_inner);
        place.clone()
    }
}

/// The part of a call's number that counts the calls of a phone.
pub(crate) const CALL: u64 = u32::MAX as u64;

/// A key of a telephone.
pub(crate) fn pressed(key: char) -> Result<char, RoveError> {
    let known = key.is_ascii_digit() || matches!(key, '*' | '#' | 'A'..='D');
    known
        .then_some(key)
        .ok_or_else(|| RoveError::argument("a telephone has the keys 0 to 9, *, #, and A to D"))
}
