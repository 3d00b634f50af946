//! The section `[sip.state]`: what is kept of users' state, and who is told of it.

use std::collections::BTreeSet;

use rove_sip::server::{StateConfig, StateLimits, Watching};
use serde::Deserialize;

use super::SipConfig;

/// `[sip.state]`: presence and dialogs, as users publish them and as they are registered.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SipState {
    /// Whether they are kept here; else whoever publishes or watches is passed on to the user's devices.
    pub keep: bool,
    /// Who may watch users: `users` of the domains, `anybody`, or `nobody`. A user's own `shown_to` goes before it.
    pub watchers: SipWatchers,
    /// Publications of all users.
    pub publications: usize,
    /// Subscriptions to all users.
    pub subscriptions: usize,
}

/// Who may watch users.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum SipWatchers {
    /// Users of the domains, who have proved it where they are asked to.
    #[default]
    Users,
    /// Anybody.
    Anybody,
    /// Nobody but the user.
    Nobody,
}

impl Default for SipState {
    fn default() -> Self {
        let limits = StateLimits::default();
        Self {
            keep: true,
            watchers: SipWatchers::Users,
            publications: limits.publications,
            subscriptions: limits.watchers,
        }
    }
}

impl SipConfig {
    /// What the server machine is told of it; so many bytes it may take.
    pub(super) fn state(&self, bytes: usize) -> StateConfig {
        let SipState { keep, watchers, publications, subscriptions } = self.state;
        let shown = self.user.iter().filter_map(|user| {
            let others: BTreeSet<String> = user.shown_to.as_ref()?.iter().cloned().collect();
            Some((user.name.clone(), others))
        });
        StateConfig {
            keep,
            watching: match watchers {
                SipWatchers::Users => Watching::Users,
                SipWatchers::Anybody => Watching::Anybody,
                SipWatchers::Nobody => Watching::Nobody,
            },
            shown_to: shown.collect(),
            limits: StateLimits { publications, watchers: subscriptions, bytes, ..StateLimits::default() },
        }
    }
}
