//! Who may prove to be whom: hashed secrets by user and algorithm.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::collections::HashMap;

use super::{Algorithm, HashedSecret, algorithm::Hex};

/// The users of one realm. Keeps no password.
#[derive(Clone, Default)]
pub struct Users {
    realm: String,
    secrets: HashMap<(Algorithm, Box<str>), HashedSecret>,
    /// Hashed names, for clients that do not show theirs (RFC 7616 §3.4.4).
    hidden: HashMap<(Algorithm, Box<str>), Box<str>>,
}

impl Users {
    /// Nobody yet.
    #[must_use]
    pub fn new(realm: impl Into<String>) -> Self {
        Self { realm: realm.into(), ..Self::default() }
    }

    /// What the passwords are for.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Adds a user with the hash of each of `algorithms`.
    pub fn add_password(&mut self, user: &str, password: &str, algorithms: &[Algorithm]) {
        for &algorithm in algorithms {
            self.add(user, HashedSecret::new(algorithm, user, &self.realm, password));
        }
    }

    /// Adds a user, or one more algorithm for it.
    pub fn add(&mut self, user: &str, secret: HashedSecret) {
        let algorithm = secret.algorithm();
        let hidden = algorithm.hash(&[user.as_bytes(), self.realm.as_bytes()]);
        self.hidden.insert((algorithm, hidden.as_str().into()), user.into());
        self.secrets.insert((algorithm, user.into()), secret);
    }

    /// Whether there is such a user.
    pub(super) fn has(&self, user: &str) -> bool {
        let name: Box<str> = user.into();
        Algorithm::ALL.iter().any(|algorithm| self.secrets.contains_key(&(*algorithm, name.clone())))
    }

    /// The secret of a user whose name is `name`, or hashes to it; with the name itself.
    pub(super) fn find(
        &self,
        algorithm: Algorithm,
        name: &str,
        hashed: bool,
    ) -> Option<(&str, &HashedSecret)> {
        // Both ways look through two maps, so that a name tells nothing by the time it takes.
        let key = (algorithm, name.to_ascii_lowercase().into_boxed_str());
        let unhidden = self.hidden.get(&key).map(AsRef::as_ref);
        let name = if hashed { unhidden.unwrap_or_default() } else { name };
        let ((_, name), secret) = self.secrets.get_key_value(&(algorithm, name.into()))?;
        Some((name, secret))
    }

    /// A secret that no password has, for those that are not found.
    pub(super) fn nobody(&self, algorithm: Algorithm, key: &[u8]) -> HashedSecret {
        let digits: Hex = algorithm.hash(&[b"nobody", key]);
        HashedSecret::from_hex(algorithm, digits.as_str())
            .unwrap_or_else(|_| HashedSecret::new(algorithm, "", &self.realm, ""))
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Users({}, {} secrets)", self.realm, self.secrets.len())
    }
}
