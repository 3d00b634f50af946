//! What a server is told once.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use crate::{Name, Number, RegistryLimits, Uid};

/// What a server is told once.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Its domain, in lower case: names in it belong to this server.
    pub domain: String,
    /// Whether a name is given to whoever comes first, for as long as the registration lasts. Otherwise accounts alone
    /// may register.
    pub open: bool,
    /// Whether anybody sees everybody; otherwise users are seen by whom they admit, and who is listed by all.
    pub shown_to_all: bool,
    /// Servers that are asked for numbers, unique ids and addresses that nobody has here: their domains.
    pub asked: Vec<String>,
    /// Whether the owner takes part in the search network, and answers [`super::ServerEvent::Seek`].
    pub searches: bool,
    /// Whether the owner verifies proofs of numbers, and answers [`super::ServerEvent::Verify`].
    pub verifies_numbers: bool,
    /// Whose a name is.
    pub accounts: BTreeMap<Name, Account>,
    /// No claim may last longer.
    pub longest: Duration,
    /// How much of each there may be.
    pub limits: ServerLimits,
}

/// What is known of a user beforehand.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// Whose key signs for it; `None` for whoever comes first.
    pub uid: Option<Uid>,
    /// The number that this server vouches for.
    pub number: Option<Number>,
    /// Whether anybody may find it, also where it registers by a face that cannot say so.
    pub listed: bool,
    /// Whom it admits, beside those of whom it says so itself.
    pub contacts: BTreeSet<Name>,
}

/// How much of each there may be.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Of what is kept.
    pub registry: RegistryLimits,
    /// Streams that others have opened.
    pub links: usize,
    /// Registrations that wait for the journal.
    pub held: usize,
    /// Questions that wait for other servers.
    pub asks: usize,
    /// Other servers that there is, or was, a link with.
    pub peers: usize,
    /// Subscriptions of one stream.
    pub watches: usize,
    /// Users that one stream may register.
    pub users: usize,
    /// What one terminal may ask in a second; ten times as much at once.
    pub questions: u32,
    /// Numbers that one user, or one address, may ask for in a minute where it is a stranger.
    pub numbers: u32,
    /// Searches by words of one user, or of one address, in a minute.
    pub searches: u32,
    /// Users that may be found by words.
    pub listings: usize,
    /// Whom one user may admit.
    pub contacts_each: usize,
    /// Whom all of them may.
    pub contacts: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            registry: RegistryLimits::default(),
            links: 100_000,
            held: 10_000,
            asks: 100_000,
            peers: 10_000,
            watches: 1_000,
            users: 1_000,
            questions: 100,
            numbers: 30,
            searches: 20,
            listings: 100_000,
            contacts_each: 1_000,
            contacts: 1_000_000,
        }
    }
}

impl ServerConfig {
    /// For `domain`, open to all, everybody shown to all, claims of at most two hours.
    #[must_use]
    pub fn open(domain: &str) -> Self {
        Self {
            domain: domain.to_ascii_lowercase(),
            open: true,
            shown_to_all: true,
            asked: Vec::new(),
            searches: false,
            verifies_numbers: false,
            accounts: BTreeMap::new(),
            longest: Duration::from_secs(7_200),
            limits: ServerLimits::default(),
        }
    }

    /// Whose numbers are, as the operator says.
    pub(super) fn numbers(&self) -> BTreeMap<Number, Name> {
        self.accounts.iter().filter_map(|(name, account)| Some((account.number?, name.clone()))).collect()
    }

    /// Whom anybody may find, as the operator says.
    pub(crate) fn listed(&self) -> BTreeSet<Name> {
        let listed = self.accounts.iter().filter(|(_, account)| account.listed);
        listed.map(|(name, _)| name.clone()).collect()
    }
}
