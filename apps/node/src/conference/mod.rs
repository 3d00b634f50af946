//! The role that knows conference rooms by name. The rooms themselves are phones, which whoever starts the node runs beside
//! it: their calls and media go there without passing here.

mod config;

use core::{convert::Infallible, time::Duration};
use std::{collections::VecDeque, net::SocketAddr};

use rove_base::{Arrival, Instant, Now, Scratch, Step, Transport};
use rove_sip::server::{Grant, Treatment};

pub use self::config::{ConferenceConfig, ConferenceRoom};
use crate::{
    calls::{CallAnswer, CallQuestion, Whereabouts},
    driver::{Role, Unreadable},
};

/// Where each room takes calls.
pub(crate) struct ConferenceRole {
    rooms: Vec<Room>,
    /// What the other roles are to know.
    news: VecDeque<Whereabouts>,
    /// When they are told again.
    due: Option<Instant>,
}

struct Room {
    user: String,
    domain: String,
    at: SocketAddr,
}

impl ConferenceRole {
    /// Rooms without a port are left out: nobody runs them.
    pub(crate) fn new(config: &ConferenceConfig) -> Self {
        let room = |room: &ConferenceRoom| {
            let ((user, domain), at) = (room.parts()?, room.at(config.listen));
            (at.port() != 0).then(|| Room { user: user.to_owned(), domain: domain.to_owned(), at })
        };
        Self { rooms: config.room.iter().filter_map(room).collect(), news: VecDeque::new(), due: None }
    }

    fn say_where(&mut self, now: Now) {
        let here = |room: &Room| Whereabouts {
            name: format!("{}@{}", room.user, room.domain),
            places: vec![(Transport::Udp, room.at)],
            lifetime: LIFETIME,
        };
        self.news = self.rooms.iter().map(here).collect();
        self.due = Some(now.mono.later(LIFETIME / 2));
    }

    fn called(&self, question: &CallQuestion) -> Option<&Room> {
        let sip = question.call.callee.as_sip()?;
        let user = String::from_utf8(sip.user_bytes()?).ok()?;
        // To an address of the server: the first room of that name, whatever its domain.
        let nowhere = sip.host.ip().is_some();
        let host = sip.host.to_string();
        let is_called =
            |room: &&Room| room.user == user && (nowhere || room.domain.eq_ignore_ascii_case(&host));
        self.rooms.iter().find(is_called)
    }
}

impl Role for ConferenceRole {
    fn tag(&self) -> u8 {
        TAG
    }

    fn handle(&mut self, _: Now, _: Arrival<'_>) {}

    fn start(&mut self, now: Now) {
        self.say_where(now);
    }

    fn tick(&mut self, now: Now) {
        if self.due.is_some_and(|at| at <= now.mono) {
            self.say_where(now);
        }
    }

    fn poll(&mut self, _: Now, _: &mut Scratch) -> Step<Infallible> {
        Step::Wait(self.due)
    }

    fn replay(&mut self, _: &[u8]) -> Result<bool, Unreadable> {
        Ok(false)
    }

    fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        Some(Vec::new())
    }

    fn journal_failed(&mut self, _: Now) {}

    fn news(&mut self) -> Option<Whereabouts> {
        self.news.pop_front()
    }

    fn answer(&mut self, _: Now, question: &CallQuestion) -> Option<CallAnswer> {
        let room = self.called(question)?;
        let place = format!("sip:{}@{};transport=udp", room.user, room.at).parse().ok()?;
        let grant = Grant { places: vec![place], ..Grant::default() };
        Some(CallAnswer::Treatment(Treatment::Granted(Box::new(grant))))
    }
}

/// For how long others believe where a room is without being told again.
const LIFETIME: Duration = Duration::from_hours(1);
const TAG: u8 = 7;
