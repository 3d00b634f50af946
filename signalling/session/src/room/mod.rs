//! A room: a conference that is there before anybody calls it. Who may come in, who is heard, and what is written.
//!
//! The machine decides and owns no call: its driver reports what calls do, and carries each [`RoomAsk`] to the phone that
//! has them. Voice is mixed elsewhere; text goes inside each call.

mod guest;
#[cfg(test)]
mod tests;
mod text;

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use rove_base::{Instant, Machine, Now, Scratch, Step};

use self::guest::{Guest, Place};
use crate::CallId;

/// What a room is. Nobody is asked for a PIN, and nothing that is written is kept, unless said.
#[derive(Clone, Debug)]
pub struct RoomConfig {
    /// Its name, as people see it.
    pub name: String,
    /// More than these at once are answered busy, those who wait at the door included.
    pub most: usize,
    /// What opens the door, in keys of the telephone.
    pub pin: Option<String>,
    /// What opens it to a moderator, who may mute and send away.
    pub moderator_pin: Option<String>,
    /// Lines that whoever comes in is told of what was written before.
    pub history: usize,
}

impl RoomConfig {
    /// A room for fifty, open to everybody.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), most: 50, pin: None, moderator_pin: None, history: 0 }
    }
}

/// What has happened to a call of the room.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum RoomFact<'a> {
    /// Somebody calls.
    Called {
        /// Which call.
        call: CallId,
        /// Who it says it is, as in From.
        from: &'a str,
    },
    /// Somebody who is in has had the room call somebody else (RFC 4579 §5.6).
    Invited {
        /// In which call that was said.
        by: CallId,
        /// The new call.
        call: CallId,
        /// Who is called.
        to: &'a str,
    },
    /// The call stands.
    Up {
        /// Which call.
        call: CallId,
    },
    /// A key was pressed.
    Key {
        /// In which call.
        call: CallId,
        /// Which key.
        key: char,
    },
    /// Somebody has written something.
    Wrote {
        /// In which call; `None`: in none.
        call: Option<CallId>,
        /// Who says to have written it, as in From.
        from: &'a str,
        /// What.
        text: &'a str,
    },
    /// Somebody has the floor; `None`: nobody.
    Floor {
        /// Which call.
        call: Option<CallId>,
    },
    /// The call is over.
    Over {
        /// Which call.
        call: CallId,
    },
}

/// What a room wants done, or tells its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RoomAsk {
    /// Pick up.
    Answer(CallId),
    /// The room is full: say busy.
    Refuse(CallId),
    /// End the call.
    HangUp(CallId),
    /// These hear each other, and nobody else.
    Confer(Vec<CallId>),
    /// Whether nobody hears a call.
    Mute {
        /// Which call.
        call: CallId,
        /// Whether.
        muted: bool,
    },
    /// Write this to the other side of a call.
    Write {
        /// Which call.
        call: CallId,
        /// What.
        text: String,
    },
    /// For the log: somebody has come in.
    Joined {
        /// By what name.
        name: String,
        /// How many are in now.
        parties: usize,
    },
    /// For the log: somebody has left.
    Left {
        /// By what name.
        name: String,
        /// How many are in now.
        parties: usize,
    },
    /// For the log: somebody has the floor; `None`: nobody.
    Floor {
        /// By what name.
        name: Option<String>,
    },
}

/// One room.
#[derive(Debug)]
pub struct Room {
    config: RoomConfig,
    guests: BTreeMap<CallId, Guest>,
    /// What was written, at most [`RoomConfig::history`] lines of it.
    history: VecDeque<String>,
    asks: VecDeque<RoomAsk>,
    now: Instant,
}

impl Room {
    /// An empty room.
    #[must_use]
    pub fn new(config: RoomConfig) -> Self {
        let (guests, history, asks) = (BTreeMap::new(), VecDeque::new(), VecDeque::new());
        Self { config, guests, history, asks, now: Instant::ZERO }
    }

    /// How many are in, those at the door left out.
    #[must_use]
    pub fn parties(&self) -> usize {
        self.guests.values().filter(|guest| guest.is_in()).count()
    }

    fn called(&mut self, call: CallId, from: &str) {
        if self.guests.len() >= self.config.most {
            return self.asks.push_back(RoomAsk::Refuse(call));
        }
        let name = guest::name(from, |name| self.guests.values().any(|guest| guest.name == name));
        self.guests.insert(call, Guest::new(name, from));
        self.asks.push_back(RoomAsk::Answer(call));
    }

    /// Who is called in by one who is in needs no PIN.
    fn invited(&mut self, by: CallId, call: CallId, to: &str) {
        let is_in = self.guests.get(&by).is_some_and(Guest::is_in);
        if !is_in || self.guests.len() >= self.config.most {
            return self.asks.push_back(RoomAsk::HangUp(call));
        }
        let name = guest::name(to, |name| self.guests.values().any(|guest| guest.name == name));
        let mut guest = Guest::new(name, to);
        guest.invited = true;
        self.guests.insert(call, guest);
    }

    fn up(&mut self, call: CallId) {
        let (now, asks) = (self.now, self.config.pin.is_some());
        let Some(guest) = self.guests.get_mut(&call).filter(|guest| guest.place == Place::Calling) else {
            return;
        };
        if !asks || guest.invited {
            return self.enter(call);
        }
        guest.place = Place::Door { until: now.later(PATIENCE) };
        self.write(call, "press the keys of the PIN, then #".into());
    }

    fn key(&mut self, call: CallId, key: char) {
        let Some(guest) = self.guests.get_mut(&call) else { return };
        let Some(typed) = guest.typed(key) else { return };
        let opens = |pin: &Option<String>| pin.as_ref().is_some_and(|pin| guest::is_same(pin, &typed));
        let (moderator, opens) = (opens(&self.config.moderator_pin), opens(&self.config.pin));
        guest.moderator |= moderator;
        let at_door = matches!(guest.place, Place::Door { .. });
        if at_door && (moderator || opens) {
            return self.enter(call);
        }
        if moderator {
            return self.write(call, "you are a moderator now".into());
        }
        guest.tries = guest.tries.saturating_add(1);
        let enough = guest.tries >= MOST_TRIES;
        if at_door && enough {
            self.write(call, "that is no PIN of this room".into());
            self.asks.push_back(RoomAsk::HangUp(call));
        } else if at_door {
            self.write(call, "that is not it; once more".into());
        }
    }

    fn enter(&mut self, call: CallId) {
        let Some(guest) = self.guests.get_mut(&call) else { return };
        guest.place = Place::In;
        let name = guest.name.clone();
        self.confer();
        let greeting = format!("you are {name} in {}; /who tells who is here", self.config.name);
        self.write(call, greeting);
        let before: Vec<String> = self.history.iter().cloned().collect();
        before.into_iter().for_each(|line| self.write(call, line));
        self.write_to_others(Some(call), &format!("{name} has come in"));
        self.asks.push_back(RoomAsk::Joined { name, parties: self.parties() });
    }

    fn over(&mut self, call: CallId) {
        let Some(guest) = self.guests.remove(&call).filter(Guest::is_in) else { return };
        self.confer();
        self.write_to_others(None, &format!("{} has left", guest.name));
        self.asks.push_back(RoomAsk::Left { name: guest.name, parties: self.parties() });
    }

    /// Those who are in hear each other.
    fn confer(&mut self) {
        let calls = self.guests.iter().filter(|(_, guest)| guest.is_in()).map(|(call, _)| *call).collect();
        self.asks.push_back(RoomAsk::Confer(calls));
    }

    fn write(&mut self, call: CallId, text: String) {
        self.asks.push_back(RoomAsk::Write { call, text });
    }

    fn write_to_others(&mut self, own: Option<CallId>, text: &str) {
        let Self { guests, asks, .. } = self;
        let others = guests.iter().filter(|(call, guest)| guest.is_in() && Some(**call) != own);
        asks.extend(others.map(|(call, _)| RoomAsk::Write { call: *call, text: text.to_owned() }));
    }
}

impl Machine for Room {
    type Input<'a> = RoomFact<'a>;
    type Event = RoomAsk;

    fn handle(&mut self, now: Now, fact: RoomFact<'_>) {
        self.now = now.mono;
        match fact {
            RoomFact::Called { call, from } => self.called(call, from),
            RoomFact::Invited { by, call, to } => self.invited(by, call, to),
            RoomFact::Up { call } => self.up(call),
            RoomFact::Key { call, key } => self.key(call, key),
            RoomFact::Wrote { call, from, text } => self.wrote(call, from, text),
            RoomFact::Floor { call } => {
                let name = call.and_then(|call| self.guests.get(&call)).map(|guest| guest.name.clone());
                self.asks.push_back(RoomAsk::Floor { name });
            }
            RoomFact::Over { call } => self.over(call),
        }
    }

    fn tick(&mut self, now: Now) {
        self.now = now.mono;
        for (call, guest) in &mut self.guests {
            if matches!(guest.place, Place::Door { until } if until <= now.mono) {
                guest.place = Place::Calling;
                self.asks.push_back(RoomAsk::HangUp(*call));
            }
        }
    }

    fn poll(&mut self, _: &mut Scratch) -> Step<RoomAsk> {
        if let Some(ask) = self.asks.pop_front() {
            return Step::Event(ask);
        }
        let due = self.guests.values().filter_map(|guest| match guest.place {
            Place::Door { until } => Some(until),
            _ => None,
        });
        Step::Wait(due.min())
    }
}

/// How long somebody may stand at the door.
const PATIENCE: Duration = Duration::from_secs(30);
/// Wrong PINs, after which the call is ended.
const MOST_TRIES: u8 = 3;
