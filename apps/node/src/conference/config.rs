//! The section `[conference]`.

use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
};

use serde::Deserialize;

use crate::config::ConfigError;

/// The section `[conference]`: rooms in which everybody who calls them hears everybody.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConferenceConfig {
    /// The address that rooms take calls at, one that others can reach.
    pub listen: IpAddr,
    /// The rooms, `[[conference.room]]`.
    #[serde(default)]
    pub room: Vec<ConferenceRoom>,
}

/// One `[[conference.room]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConferenceRoom {
    /// Its name, `room@domain`: callers of `[sip]` and askers of `[irmv]` find it by that.
    pub name: String,
    /// The port it takes calls at; the system picks one when not given.
    #[serde(default)]
    pub port: u16,
    /// More parties than this at once are answered busy.
    #[serde(default = "default_most")]
    pub most: usize,
    /// Keys of the telephone that open the door; open to everybody when not given.
    pub pin: Option<String>,
    /// Keys that open it to a moderator, who may mute and send away.
    pub moderator_pin: Option<String>,
    /// Lines of text that whoever comes is told of what was written before.
    #[serde(default)]
    pub history: usize,
}

const fn default_most() -> usize {
    50
}

impl ConferenceConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let fail = |key, what: String| Err(ConfigError::Conference { key, what });
        if self.listen.is_unspecified() || self.listen.is_multicast() {
            return fail("listen", format!("{} is not where others reach this host", self.listen));
        }
        if self.room.len() > MOST_ROOMS {
            return fail("room", format!("{} rooms are more than {MOST_ROOMS}", self.room.len()));
        }
        let mut names = HashSet::new();
        for room in &self.room {
            let name = &room.name;
            if room.parts().is_none() {
                return fail("name", format!("{name}: not room@domain"));
            }
            if !names.insert(name.to_ascii_lowercase()) {
                return fail("name", format!("{name}: there is another room of this name"));
            }
            if !(2..=MOST_PARTIES).contains(&room.most) {
                return fail("most", format!("{name}: {} is not 2 to {MOST_PARTIES}", room.most));
            }
            if room.history > MOST_HISTORY {
                return fail("history", format!("{name}: {} is more than {MOST_HISTORY}", room.history));
            }
            let typed = |pin: &String| {
                (4..=16).contains(&pin.len()) && pin.bytes().all(|key| matches!(key, b'0'..=b'9' | b'*'))
            };
            if ![&room.pin, &room.moderator_pin].into_iter().flatten().all(typed) {
                return fail("pin", format!("{name}: a PIN is 4 to 16 of the keys 0 to 9 and *"));
            }
        }
        Ok(())
    }
}

impl ConferenceRoom {
    /// Where it takes calls.
    #[must_use]
    pub const fn at(&self, listen: IpAddr) -> SocketAddr {
        SocketAddr::new(listen, self.port)
    }

    /// User and domain.
    pub(super) fn parts(&self) -> Option<(&str, &str)> {
        let (user, domain) = self.name.split_once('@')?;
        let plain = |text: &str| {
            !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-+".contains(&c))
        };
        (plain(user) && plain(domain)).then_some((user, domain))
    }
}

/// Each has a port and threads of its own.
const MOST_ROOMS: usize = 64;
/// Parties of one room.
const MOST_PARTIES: usize = 500;
/// Lines.
const MOST_HISTORY: usize = 1_000;
