#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test")]

mod arriving;
mod desk;
mod home;
mod pool;
mod staying;

use core::time::Duration;

use super::{Agreement, Agreements, Terms, VlrConfig};
use crate::{
    Imsi,
    attach::terminal::{TerminalConfig, TerminalEvent},
};
use desk::{Desk, HOME};

/// A network that takes in the subscribers of one home.
fn config() -> VlrConfig {
    let agreement = |prefix: &str, terms| Agreement {
        prefix: prefix.into(),
        partner: HOME,
        terms,
        domains: vec!["home.example".into()],
    };
    let list = vec![
        agreement("26201", Terms::Roaming),
        agreement("262019", Terms::Suspended),
        agreement("22801", Terms::SameOperator),
    ];
    let network = "visited.example".parse().unwrap();
    VlrConfig::new(network, "4179999".parse().unwrap(), Agreements::new(list))
}

/// A desk, a subscriber named `t1.home.example`, and its terminal's seat.
fn one() -> (Desk, Imsi, usize) {
    let mut desk = Desk::new(config());
    let (imsi, key) = desk.home.subscribe("262011234567890", "t1.home.example");
    let seat = desk.terminal(TerminalConfig { imsi, name: None, dhcp: false }, Box::new(key));
    (desk, imsi, seat)
}

fn attached(events: &[TerminalEvent]) -> bool {
    events.iter().any(|event| matches!(event, TerminalEvent::Attached { .. }))
}

const SECOND: Duration = Duration::from_secs(1);
