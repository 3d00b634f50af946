//! What is kept of users' state, and who may watch it.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::{BTreeMap, BTreeSet};

/// What is kept of users' state.
#[derive(Clone, Debug)]
pub struct StateConfig {
    /// Whether it is kept here at all; else PUBLISH and SUBSCRIBE go to the users' own devices.
    pub keep: bool,
    /// Who may watch users.
    pub watching: Watching,
    /// Users who are shown to these others alone, by their names; to themselves always.
    pub shown_to: BTreeMap<String, BTreeSet<String>>,
    /// How much is kept.
    pub limits: StateLimits,
}

impl Default for StateConfig {
    /// Kept, and shown to users of the domains.
    fn default() -> Self {
        Self {
            keep: true,
            watching: Watching::Users,
            shown_to: BTreeMap::new(),
            limits: StateLimits::default(),
        }
    }
}

/// Who may watch users.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Watching {
    /// Users of the server's domains, who have proved it where users are asked who they are.
    #[default]
    Users,
    /// Anybody.
    Anybody,
    /// Nobody but the user.
    Nobody,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct StateLimits {
    /// Publications of one package by one user.
    pub publications_per_user: usize,
    /// Publications of all.
    pub publications: usize,
    /// The longest document, in bytes.
    pub document: usize,
    /// Subscriptions to one user.
    pub watchers_per_user: usize,
    /// Subscriptions from one address.
    pub watchers_per_source: usize,
    /// Subscriptions to all.
    pub watchers: usize,
    /// Bytes that all of it may take, half for publications and half for subscriptions.
    pub bytes: usize,
}

impl Default for StateLimits {
    /// 8 a user and 50 000 publications of at most 16 KiB; 200 watchers of a user, 1 000 from a source, 50 000 in all; 64 MiB.
    fn default() -> Self {
        Self {
            publications_per_user: 8,
            publications: 50_000,
            document: 16 << 10,
            watchers_per_user: 200,
            watchers_per_source: 1_000,
            watchers: 50_000,
            bytes: 64 << 20,
        }
    }
}
