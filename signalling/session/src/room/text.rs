//! What is written in a room: lines for all, and commands.

use super::{Room, RoomAsk, guest::Guest};
use crate::{CallId, told};

impl Room {
    /// A line of somebody who is in; of anybody else nothing is taken.
    pub(super) fn wrote(&mut self, call: Option<CallId>, from: &str, text: &str) {
        let Some(call) = call.or_else(|| self.caller(from)) else { return };
        let now = self.now;
        let Some(guest) = self.guests.get_mut(&call).filter(|guest| guest.is_in()) else { return };
        let short = text.char_indices().take_while(|(at, _)| *at < LONGEST_LINE).map(|(_, char)| char);
        let line: String = short.filter(|char| !char.is_control()).collect();
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        if !guest.may_write(now) {
            return self.write(call, "not so fast: that was not passed on".into());
        }
        if let Some(command) = line.strip_prefix('/') {
            return self.command(call, command);
        }
        let line = format!("{}: {line}", guest.name);
        self.write_to_others(Some(call), &line);
        if self.config.history > 0 {
            if self.history.len() >= self.config.history {
                self.history.pop_front();
            }
            self.history.push_back(line);
        }
    }

    /// Whose words these are that came outside of any call.
    fn caller(&self, from: &str) -> Option<CallId> {
        let uri = told::uri_of(from);
        let mut same = self.guests.iter().filter(|(_, guest)| guest.uri == uri);
        same.next().map(|(call, _)| *call)
    }

    fn command(&mut self, by: CallId, command: &str) {
        let (verb, whom) = command.split_once(' ').map_or((command, ""), |(verb, whom)| (verb, whom.trim()));
        match verb {
            "who" => {
                let line = self.who();
                self.write(by, line);
            }
            "leave" => self.asks.push_back(RoomAsk::HangUp(by)),
            "mute" | "unmute" | "kick" if !self.guests.get(&by).is_some_and(|guest| guest.moderator) => {
                self.write(by, "only a moderator may do that".into());
            }
            "mute" | "unmute" => self.mute(by, whom, verb == "mute"),
            "kick" => match self.named(whom) {
                Some(call) => self.asks.push_back(RoomAsk::HangUp(call)),
                None => self.nobody(by, whom),
            },
            _ => self.write(by, "/who, /leave; and for moderators /mute, /unmute and /kick NAME".into()),
        }
    }

    fn mute(&mut self, by: CallId, whom: &str, muted: bool) {
        let Some(call) = self.named(whom) else { return self.nobody(by, whom) };
        if let Some(guest) = self.guests.get_mut(&call) {
            guest.muted = muted;
        }
        self.asks.push_back(RoomAsk::Mute { call, muted });
        let what = if muted { "nobody hears you: a moderator has muted you" } else { "you are heard again" };
        self.write(call, what.into());
    }

    fn nobody(&mut self, by: CallId, whom: &str) {
        self.write(by, format!("nobody here is called {whom}"));
    }

    fn named(&self, name: &str) -> Option<CallId> {
        self.guests.iter().find(|(_, guest)| guest.is_in() && guest.name == name).map(|(call, _)| *call)
    }

    fn who(&self) -> String {
        let shown = |guest: &Guest| {
            let marks = [(guest.moderator, " (moderator)"), (guest.muted, " (muted)")];
            let marks = marks.into_iter().filter_map(|(is, mark)| is.then_some(mark));
            guest.name.clone() + &marks.collect::<String>()
        };
        let names: Vec<String> = self.guests.values().filter(|guest| guest.is_in()).map(shown).collect();
        format!("{} here: {}", names.len(), names.join(", "))
    }
}

/// Bytes of a line that are passed on, about: with a name before them they fit into a message.
const LONGEST_LINE: usize = 800;
