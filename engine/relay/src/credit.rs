//! Time that was paid for beforehand: an account, or all accounts of a domain together, use up what they have while an
//! address is lent to them. Who has none to count is not counted.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::collections::HashMap;

/// What was bought, and what of it is spent.
#[derive(Clone, Debug, Default)]
pub struct Credits(HashMap<Vec<u8>, Purse>);

#[derive(Clone, Copy, Debug, Default)]
struct Purse {
    bought: Duration,
    spent: Duration,
}

impl Credits {
    /// As much was bought for each of these: an account by its name, all of a domain by `@` and the domain. Nothing is
    /// spent.
    #[must_use]
    pub fn new(bought: impl IntoIterator<Item = (String, Duration)>) -> Self {
        let purse =
            |(name, bought): (String, Duration)| (name.into_bytes(), Purse { bought, spent: Duration::ZERO });
        Self(bought.into_iter().map(purse).collect())
    }

    /// As much was spent already; of nobody that is not counted.
    pub fn spend(&mut self, name: &[u8], time: Duration) {
        if let Some(purse) = self.0.get_mut(name) {
            purse.spent = purse.spent.saturating_add(time);
        }
    }

    /// What is spent of each.
    pub fn spent(&self) -> impl Iterator<Item = (&[u8], Duration)> {
        self.0.iter().map(|(name, purse)| (name.as_slice(), purse.spent))
    }

    /// The same, with what the same have spent in `before`.
    #[must_use]
    pub fn after(mut self, before: &Self) -> Self {
        before.spent().for_each(|(name, time)| self.spend(name, time));
        self
    }

    /// Whether nobody is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An account uses its own credit, and its domain's.
    pub(crate) fn charge(&mut self, account: &[u8], time: Duration) {
        self.spend(account, time);
        if let Some(domain) = domain(account) {
            self.spend(domain, time);
        }
    }

    /// What an account has left; `None` where it is not counted.
    #[must_use]
    pub fn left(&self, account: &[u8]) -> Option<Duration> {
        let of = |name: &[u8]| self.0.get(name).map(|purse| purse.bought.saturating_sub(purse.spent));
        match (of(account), domain(account).and_then(of)) {
            (Some(own), Some(shared)) => Some(own.min(shared)),
            (own, shared) => own.or(shared),
        }
    }
}

/// The `@` of an account, and what follows.
fn domain(account: &[u8]) -> Option<&[u8]> {
    let at = account.iter().rposition(|byte| *byte == b'@')?;
    account.get(at..)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn an_account_uses_up_its_own_and_its_domains_and_nobody_elses() {
        let bought = [("alice@a.example", MINUTE), ("@a.example", MINUTE * 2), ("@b.example", MINUTE)];
        let mut credits = Credits::new(bought.map(|(name, time)| (name.to_owned(), time)));
        credits.charge(b"alice@a.example", MINUTE / 2);
        assert_eq!(credits.left(b"alice@a.example"), Some(MINUTE / 2));
        assert_eq!(credits.left(b"bob@a.example"), Some(MINUTE * 3 / 2));
        assert_eq!(credits.left(b"alice@b.example"), Some(MINUTE));
        assert_eq!(credits.left(b"alice"), None);
        credits.charge(b"bob@a.example", MINUTE * 9);
        assert_eq!(credits.left(b"alice@a.example"), Some(Duration::ZERO));
        assert_eq!(credits.left(b"alice@b.example"), Some(MINUTE));
    }

    #[test]
    fn what_is_spent_stays_spent_when_more_is_bought() {
        let mut credits = Credits::new([("alice".to_owned(), MINUTE)]);
        credits.charge(b"alice", MINUTE);
        let more = Credits::new([("alice".to_owned(), MINUTE * 3), ("bob".to_owned(), MINUTE)]);
        let more = more.after(&credits);
        assert_eq!(more.left(b"alice"), Some(MINUTE * 2));
        assert_eq!(more.left(b"bob"), Some(MINUTE));
    }
}
