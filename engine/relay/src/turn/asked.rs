//! A wish for an address, from the question until the address is bound.

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::Flow;
use rove_nat::stun::{Transaction, turn::Family};

use super::RelayPort;
use crate::accounts::Caller;

/// Who wants what. Its address is nowhere while it waits for the port that another desk has kept.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) client: Flow,
    pub(super) seen: SocketAddr,
    pub(super) caller: Caller,
    pub(super) transaction: Transaction,
    pub(super) life: Duration,
    pub(super) family: Family,
    /// The port is to be an even one.
    pub(super) even: bool,
    /// The one after it is to be kept.
    pub(super) pair: bool,
    /// A second address was wanted, which is not lent.
    pub(super) wanted_more: bool,
    /// Addresses that the system has refused so far.
    pub(super) attempts: u8,
    pub(super) address: SocketAddr,
    /// Where the one after it is kept.
    pub(super) partner: Option<RelayPort>,
}

impl Asked {
    /// Whether it waits for another desk.
    pub(super) fn waits(&self) -> bool {
        self.address.port() == 0
    }
}
