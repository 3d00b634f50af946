//! What a register wants to be durable, together with what it means for names.

use core::net::IpAddr;

use crate::HostName;

/// Names one change between a register and its owner.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ChangeId(pub u64);

/// One change: the owner makes the record and the names durable together and answers when both are, and visible.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What the owner's answer carries.
    pub id: ChangeId,
    /// For the journal; the register reads it back when it is started again. Empty when only names change.
    pub record: Vec<u8>,
    /// For the name server.
    pub names: Vec<NameChange>,
}

/// What a name or an address is to resolve to from now on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NameChange {
    /// These addresses and no other (A and AAAA), for `ttl` seconds; none at all when `addresses` is empty.
    Forward {
        /// The name.
        name: HostName,
        /// Its addresses.
        addresses: Vec<IpAddr>,
        /// Never 0.
        ttl: u32,
    },
    /// This name (PTR), for `ttl` seconds; nothing for `None`.
    Reverse {
        /// The address.
        address: IpAddr,
        /// Its name.
        name: Option<HostName>,
        /// Never 0.
        ttl: u32,
    },
}
