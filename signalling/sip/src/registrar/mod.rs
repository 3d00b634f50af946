//! The registrar: who can be reached where (RFC 3261 §10.3), with outbound flows (RFC 5626), GRUUs (RFC 5627), Path
//! (RFC 3327), Service-Route (RFC 3608) and the push parameters of RFC 8599, which are kept as part of the contact.
//!
//! ```text
//!  REGISTER ─▶ read ─▶ Ask ─▶ RegistryStore ─▶ Answer ─▶ respond ─▶ 200
//!                └─▶ Objection ──────────────────────────────────▶ 4xx
//! ```
//! The store may be anywhere; it is asked, and it answers later. What a change means is decided in one place,
//! [`Change::apply`], which every store calls within whatever keeps its changes apart.

mod aor;
mod binding;
mod change;
mod gruu;
mod kept;
mod memory;
mod read;
mod respond;
mod store;

#[cfg(test)]
mod tests;

pub use aor::Aor;
pub use binding::{Binding, Instance};
pub use change::{Change, Edit, Edits, Refused};
pub use gruu::{Gruu, Gruus};
pub use memory::{MemoryLimits, MemoryStore};
pub(crate) use read::is_bound;
pub use read::{Objection, Registration, read};
pub use respond::{date, respond};
pub use store::{Answer, Ask, AskId, RegistryStore};

use core::time::Duration;

use crate::message::{Host, NameAddr};

/// What a registrar is told once.
#[derive(Clone, Debug)]
pub struct RegistrarConfig {
    /// The domains whose users register here; without them nobody may.
    pub domains: Vec<Host>,
    /// How long a binding lasts when nothing is said (RFC 3261 §10.2).
    pub default_expires: Duration,
    /// The shortest time that may be asked for; shorter gets 423 (Interval Too Brief).
    pub min_expires: Duration,
    /// The longest time that is granted.
    pub max_expires: Duration,
    /// Routes that the user's requests shall take (RFC 3608).
    pub service_route: Vec<NameAddr>,
}

impl RegistrarConfig {
    /// For `domains`: an hour, at least a minute, at most two hours.
    #[must_use]
    pub fn new(domains: Vec<Host>) -> Self {
        Self {
            domains,
            default_expires: Duration::from_secs(3_600),
            min_expires: Duration::from_secs(60),
            max_expires: Duration::from_secs(7_200),
            service_route: Vec::new(),
        }
    }
}
