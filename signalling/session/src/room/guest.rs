//! One who has called a room.

use core::time::Duration;

use rove_base::Instant;

use crate::told;

/// Where a guest is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// The call does not stand yet, or is being ended.
    Calling,
    /// A PIN is asked for.
    Door {
        /// For so long.
        until: Instant,
    },
    /// Hears and is heard.
    In,
}

#[derive(Debug)]
pub(super) struct Guest {
    /// By what name the others know it.
    pub(super) name: String,
    /// The URI of its From.
    pub(super) uri: String,
    pub(super) place: Place,
    /// Somebody who was in has had it called.
    pub(super) invited: bool,
    pub(super) moderator: bool,
    pub(super) muted: bool,
    /// Wrong PINs so far.
    pub(super) tries: u8,
    keys: String,
    /// Lines that it may still write, and since when.
    lines: (u8, Instant),
}

impl Guest {
    pub(super) fn new(name: String, from: &str) -> Self {
        let (place, keys, lines) = (Place::Calling, String::new(), (MOST_LINES, Instant::ZERO));
        let uri = told::uri_of(from);
        Self { name, uri, place, invited: false, moderator: false, muted: false, tries: 0, keys, lines }
    }

    pub(super) fn is_in(&self) -> bool {
        self.place == Place::In
    }

    /// What was typed, when this key ends it.
    pub(super) fn typed(&mut self, key: char) -> Option<String> {
        if key == '#' {
            return Some(core::mem::take(&mut self.keys)).filter(|keys| !keys.is_empty());
        }
        if self.keys.len() < LONGEST_PIN {
            self.keys.push(key);
        }
        None
    }

    /// Whether it may write one more line: [`MOST_LINES`] in [`LINES_PER`].
    pub(super) fn may_write(&mut self, now: Instant) -> bool {
        if now.since(self.lines.1) >= LINES_PER {
            self.lines = (MOST_LINES, now);
        }
        let left = self.lines.0.checked_sub(1);
        self.lines.0 = left.unwrap_or(0);
        left.is_some()
    }
}

/// The user of a From, as far as it can be shown and nobody else `has` that name; else a number behind it.
pub(super) fn name(from: &str, has: impl Fn(&str) -> bool) -> String {
    let uri = told::uri_of(from);
    let rest = uri.split_once(':').map_or(uri.as_str(), |(_, rest)| rest);
    let user = rest.split_once('@').map_or("guest", |(user, _)| user);
    let shown = user.chars().filter(|char| char.is_alphanumeric() || "._-+".contains(*char));
    let mut name: String = shown.take(LONGEST_NAME).collect();
    if name.is_empty() {
        name.push_str("guest");
    }
    if !has(&name) {
        return name;
    }
    let numbered = (2_u32..).map(|number| format!("{name}-{number}"));
    numbered.into_iter().find(|name| !has(name)).unwrap_or(name)
}

/// Whether two PINs are the same, in a time that tells nothing of where they differ.
pub(super) fn is_same(pin: &str, typed: &str) -> bool {
    let differs = pin.bytes().zip(typed.bytes()).fold(0, |all, (one, other)| all | (one ^ other));
    differs == 0 && pin.len() == typed.len()
}

/// Characters of a name.
const LONGEST_NAME: usize = 32;
/// Keys that are kept of what is typed.
const LONGEST_PIN: usize = 32;
/// Lines that one guest may write in [`LINES_PER`].
const MOST_LINES: u8 = 20;
const LINES_PER: Duration = Duration::from_secs(10);
