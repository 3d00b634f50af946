//! The role that knows conference rooms by name. The rooms themselves are phones, which whoever starts the node runs beside
//! it: their calls and media go there without passing here.

mod config;

use core::{convert::Infallible, time::Duration};
use std::net::SocketAddr;

use rove_base::{Arrival, Entropy, Instant, Now, Scratch, Step, Transport, UnixTime};
use rove_irmv::{Claim, Contact, Name, Proof, Record, SharedRegistry, Status, UserKey};
use rove_sip::server::{Grant, Treatment};

pub use self::config::{ConferenceConfig, ConferenceRoom};
use crate::{
    calls::{CallAnswer, CallQuestion},
    config::ConfigError,
    driver::{Role, Unreadable},
    irmv::IrmvConfig,
};

/// Where each room takes calls.
pub(crate) struct ConferenceRole {
    rooms: Vec<Room>,
    /// Where rooms of this domain are users like any others, and what its server signs with.
    registry: Option<(SharedRegistry, String, UserKey)>,
    /// When they are told again.
    due: Option<Instant>,
}

struct Room {
    user: String,
    domain: String,
    at: SocketAddr,
    /// Who it is in the registry, until the node is started again.
    key: UserKey,
}

impl ConferenceRole {
    /// Rooms without a port are left out: nobody runs them.
    pub(crate) fn new(
        config: &ConferenceConfig,
        registry: Option<(SharedRegistry, &IrmvConfig)>,
        entropy: &mut Entropy,
    ) -> Result<Self, ConfigError> {
        let room = |room: &ConferenceRoom| {
            let ((user, domain), at) = (room.parts()?, room.at(config.listen));
            let mut seed = [0; 32];
            entropy.fill(&mut seed);
            let (user, domain, key) = (user.to_owned(), domain.to_owned(), UserKey::from_seed(&seed));
            (at.port() != 0).then_some(Room { user, domain, at, key })
        };
        let rooms = config.room.iter().filter_map(room).collect();
        let registry = match registry {
            Some((registry, irmv)) => Some((registry, irmv.domain.clone(), irmv.signing_key()?)),
            None => None,
        };
        Ok(Self { rooms, registry, due: None })
    }

    fn say_where(&mut self, now: Now) {
        let Some((registry, domain, server)) = &self.registry else { return };
        self.due = Some(now.mono.later(LIFETIME / 2));
        for room in self.rooms.iter().filter(|room| room.domain.eq_ignore_ascii_case(domain)) {
            let known = room.record(now, server).is_some_and(|record| registry.lock().put(&record).is_ok());
            if !known {
                tracing::warn!(target: "rove::conference", room = room.user, domain = room.domain, "the registry does not take it");
            }
        }
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

impl Room {
    /// As a user of the registry; `None` where it cannot be one.
    fn record(&self, now: Now, server: &UserKey) -> Option<Record> {
        let name: Name = format!("{}@{}", self.user, self.domain).parse().ok()?;
        let claim = Claim {
            key: self.key.public(),
            sequence: now.wall.as_nanos() / 1_000_000,
            expires: UnixTime::from_secs(now.wall.as_secs().saturating_add(LIFETIME.as_secs())),
            status: Status::Online,
            name,
            number: None,
            fixed: None,
            listed: true,
            contacts: vec![Contact { transport: Transport::Udp, address: self.at }],
        };
        let signature = claim.sign(&self.key);
        Some(Record::attest(claim, signature, (Proof::Attested, Proof::Routable), server))
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
