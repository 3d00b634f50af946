//! Subscribers as their home knows them.

mod bytes;
mod credential;
mod database;
mod record;
mod stay;

use crate::{E164, HostName, Imsi, NetworkName, Profile, Subscription};

pub use credential::Credential;
pub use record::ReplayError;
pub(crate) use stay::digest;
pub use stay::{Binding, Stay};

pub(crate) use database::{Database, Entry};
pub(crate) use record::{Record, decode, encode};

/// One subscriber.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subscriber {
    /// Its identity, which never changes.
    pub imsi: Imsi,
    /// Its number, when it has one. Nobody else has it.
    pub msisdn: Option<E164>,
    /// Its name below the home's domain. Nobody else has it.
    pub name: HostName,
    /// How it proves itself.
    pub credential: Credential,
    /// What it may do.
    pub profile: Profile,
    /// Where it may roam, when it may.
    pub networks: Networks,
    /// Whether visited networks are told the name; where not, the terminal has to say it.
    pub gives_name: bool,
    /// How long resolvers may keep its addresses, in seconds, at least 1; `None` for the home's own choice.
    pub ttl: Option<u32>,
}

/// Networks a subscriber may roam to, of those the home has an agreement with.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Networks {
    /// Each of them.
    #[default]
    All,
    /// These.
    Only(Vec<NetworkName>),
}

impl Subscriber {
    /// What a visited network is told.
    #[must_use]
    pub fn subscription(&self) -> Subscription {
        let name = self.gives_name.then(|| self.name.clone());
        Subscription { msisdn: self.msisdn, name, profile: self.profile.clone() }
    }

    /// Whether it may be in `network`; `own` when that is of its home's operator, where nobody roams.
    #[must_use]
    pub fn may_be_in(&self, network: &NetworkName, own: bool) -> bool {
        let listed = match &self.networks {
            Networks::All => true,
            Networks::Only(networks) => networks.contains(network),
        };
        own || (self.profile.services.roaming && listed)
    }
}

#[cfg(test)]
mod tests;
