//! Phones by their numbers.

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{RoveCall, RovePhone};
use crate::{
    agent::{Agent, CALL},
    config::Config,
    error::RoveError,
};

static PHONES: LazyLock<RwLock<HashMap<RovePhone, Arc<Agent>>>> = LazyLock::new(RwLock::default);

/// Serial numbers of phones, of both interfaces.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// What the next phone's calls' numbers begin with.
pub(crate) fn draw() -> Result<u64, RoveError> {
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let used_up = || RoveError::Start { why: "this process has made four thousand million phones".into() };
    serial.checked_mul(CALL + 1).ok_or_else(used_up)
}

/// Starts a phone and gives it a number.
pub(super) fn create(config: Config) -> Result<RovePhone, RoveError> {
    let first = draw()?;
    let agent = Agent::start(config, first)?;
    let phone = first / (CALL + 1);
    PHONES.write().unwrap_or_else(PoisonError::into_inner).insert(phone, agent);
    Ok(phone)
}

/// The phone of this number.
pub(super) fn find(phone: RovePhone) -> Result<Arc<Agent>, RoveError> {
    let phones = PHONES.read().unwrap_or_else(PoisonError::into_inner);
    let gone = || RoveError::gone(format!("there is no phone {phone}: it was freed, or never made"));
    phones.get(&phone).cloned().ok_or_else(gone)
}

/// The phone of this call.
pub(super) fn of_call(call: RoveCall) -> Result<Arc<Agent>, RoveError> {
    find(call / (CALL + 1))
        .map_err(|_| RoveError::gone(format!("there is no call {call:#x}: its phone was freed")))
}

/// Takes a phone's number away; the phone begins to leave.
pub(super) fn free(phone: RovePhone) -> Result<(), RoveError> {
    let gone = || RoveError::gone(format!("there is no phone {phone}: it was freed before"));
    // The lock is let go before anything is said.
    let agent = PHONES.write().unwrap_or_else(PoisonError::into_inner).remove(&phone).ok_or_else(gone)?;
    agent.close();
    Ok(())
}
