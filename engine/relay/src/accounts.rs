//! Who may have an address: users by name, and whoever shows a word of the operator's other servers that is good for a
//! time.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, time::Duration};
use std::{collections::HashMap, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use rove_base::UnixTime;
use rove_nat::stun::turn::{Algorithm, LongTermKey, Seal, TurnMessage};
use sha1::Sha1;
use zeroize::Zeroizing;

use crate::{calls::pair, turn::Holder};

/// Who may have an address.
#[derive(Clone, Default)]
pub struct Accounts {
    users: HashMap<Vec<u8>, LongTermKey>,
    /// Shared with whoever gives out names that are good for a time; more than one while they change.
    secrets: Vec<Zeroizing<Vec<u8>>>,
    realm: Vec<u8>,
}

impl Accounts {
    /// Nobody yet.
    #[must_use]
    pub fn new(realm: &str) -> Self {
        Self { realm: realm.into(), ..Self::default() }
    }

    /// The realm that all belong to.
    #[must_use]
    pub fn realm(&self) -> &[u8] {
        &self.realm
    }

    /// Lets a user in.
    pub fn add_user(&mut self, user: &str, password: &str) {
        let key = LongTermKey::new(user.as_bytes(), &self.realm, password.as_bytes());
        self.users.insert(user.into(), key);
    }

    /// Lets all in whose name and password were made by [`timed`] with this secret.
    pub fn add_secret(&mut self, secret: &str) {
        self.secrets.push(Zeroizing::new(secret.into()));
    }

    /// Who has made a message; nobody that is not known takes less time than somebody with a wrong password.
    pub(crate) fn caller(&self, message: &TurnMessage<'_>, wall: UnixTime) -> Option<Caller> {
        let told = message.attributes();
        let user = told.username?;
        let judge = |key: LongTermKey| {
            let newer = match message.is_sealed(&key)? {
                Seal::Sha1(_) => false,
                Seal::Sha256(_) => true,
            };
            let algorithm = told.algorithm.unwrap_or(Algorithm::Md5);
            Some(Caller { user: user.into(), account: account(user).into(), key, algorithm, newer })
        };
        if let Some(key) = self.users.get(user) {
            return judge(key.clone());
        }
        let good = self.secrets.iter().find_map(|secret| {
            let password = password(secret, user)?;
            judge(LongTermKey::new(user, &self.realm, password.as_bytes()))
        });
        let nobody = good.is_none() && judge(LongTermKey::new(user, &self.realm, b"")).is_some();
        good.filter(|_| !nobody && is_current(user, wall))
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("users", &self.users.len())
            .field("secrets", &self.secrets.len())
            .finish_non_exhaustive()
    }
}

/// Who has made a message, and what its answer is sealed with.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// As told.
    pub(crate) user: Arc<[u8]>,
    /// Whom it counts for: the same for all names that differ in their time alone.
    pub(crate) account: Arc<[u8]>,
    key: LongTermKey,
    algorithm: Algorithm,
    newer: bool,
}

impl Caller {
    /// Whom what it is lent counts for.
    pub(crate) fn holder(&self) -> Holder {
        holder(&self.user, &self.account)
    }

    pub(crate) fn seal(&self) -> Option<Seal<'_>> {
        let key = self.key.by(self.algorithm)?;
        Some(if self.newer { Seal::Sha256(key) } else { Seal::Sha1(key) })
    }
}

/// A name and a password that are good until `wall` and `life` later, for whoever shares `secret`: the time, a colon and the
/// name; and HMAC-SHA1 of that in base64.
#[must_use]
pub fn timed(secret: &str, name: &str, wall: UnixTime, life: Duration) -> (String, Zeroizing<String>) {
    let user = format!("{}:{name}", wall.as_secs().saturating_add(life.as_secs()));
    let password = password(secret.as_bytes(), user.as_bytes()).unwrap_or_default();
    (user, password)
}

/// The same for one end of one call: [`timed`] for a name that says which call, and of which pair. A relay lends
/// [`TICKET`] addresses by it, and counts them for the user.
#[must_use]
pub fn ticket(
    secret: &str,
    (user, whom): (&str, &str),
    call: [u8; 16],
    wall: UnixTime,
    life: Duration,
) -> (String, Zeroizing<String>) {
    let (call, pair) =
        (u128::from_be_bytes(call), u128::from_be_bytes(pair(user.as_bytes(), whom.as_bytes())));
    timed(secret, &format!("{call:032x}.{pair:032x}:{user}"), wall, life)
}

fn password(secret: &[u8], user: &[u8]) -> Option<Zeroizing<String>> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(user);
    Some(Zeroizing::new(BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

/// What stands behind the time, where one stands in front, and behind call and pair, where they follow.
fn account(user: &[u8]) -> &[u8] {
    match user.iter().position(|byte| *byte == b':') {
        Some(colon) if until(user).is_some() => {
            let name = user.get(colon.saturating_add(1)..).unwrap_or_default();
            of_ticket(name).unwrap_or(name)
        }
        _ => user,
    }
}

/// Whom an address counts for that a user of an account is lent: a name that is one call's ticket counts as well.
pub(crate) fn holder(user: &Arc<[u8]>, account: &Arc<[u8]>) -> Holder {
    Holder { account: account.clone(), ticket: is_ticket(user).then(|| user.clone()) }
}

/// Whether a name is one call's ticket.
fn is_ticket(user: &[u8]) -> bool {
    let name = user.splitn(2, |byte| *byte == b':').nth(1);
    until(user).is_some() && name.and_then(of_ticket).is_some()
}

/// Whose ticket it is, where a name without its time is one.
fn of_ticket(name: &[u8]) -> Option<&[u8]> {
    let (call, rest) = name.split_at_checked(32)?;
    let (pair, user) = rest.strip_prefix(b".")?.split_at_checked(32)?;
    let hex = |text: &[u8]| text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    user.strip_prefix(b":").filter(|user| hex(call) && hex(pair) && !user.is_empty())
}

fn until(user: &[u8]) -> Option<u64> {
    let digits = user.split(|byte| *byte == b':').next()?;
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if is_number { core::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}

fn is_current(user: &[u8], wall: UnixTime) -> bool {
    until(user).is_some_and(|until| until > wall.as_secs())
}

/// Addresses lent by one ticket: a call has one, and another while it moves.
pub const TICKET: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_for_a_time_is_what_other_servers_make_of_the_same_secret() {
        // printf 1700000000:alice | openssl dgst -sha1 -hmac north -binary | base64
        let (user, password) =
            timed("north", "alice", UnixTime::from_secs(1_699_996_400), Duration::from_secs(3_600));
        assert_eq!((user.as_str(), password.as_str()), ("1700000000:alice", OPENSSL));
    }

    const OPENSSL: &str = "Cd/49soE35ICqcJF/bCTn8Z4OyE=";

    #[test]
    fn names_are_counted_without_their_time() {
        let cases = [("1700000000:alice", "alice"), ("alice", "alice"), ("a:b", "a:b"), ("17", "17")];
        for (user, expected) in cases {
            assert_eq!(account(user.as_bytes()), expected.as_bytes(), "{user}");
            assert!(!is_ticket(user.as_bytes()), "{user}");
        }
        let pair = ("alice@a.example", "bob@b.example");
        let at = UnixTime::from_secs(100);
        let (user, _) = ticket("north", pair, [0xab; 16], at, Duration::from_secs(60));
        assert!(user.starts_with("160:abab") && is_ticket(user.as_bytes()), "{user}");
        assert_eq!(account(user.as_bytes()), b"alice@a.example");
        let others =
            [("alice@a.example", "carol@b.example", 0xab), ("alice@a.example", "bob@b.example", 0xac)];
        for (who, whom, call) in others {
            let other = ticket("north", (who, whom), [call; 16], at, Duration::from_secs(60));
            assert!(other.0 != user && account(other.0.as_bytes()) == b"alice@a.example", "{other:?}");
        }
        let at = UnixTime::from_secs(100);
        let cases =
            [("101:a", true), ("100:a", false), ("101", true), ("", false), ("x101:a", false), (":a", false)];
        for (user, expected) in cases {
            assert_eq!(is_current(user.as_bytes(), at), expected, "{user}");
        }
    }
}
