//! Calls that are set up and ended by way of the servers, as in figure 4: set-up, alert, accept, end.

use core::time::Duration;
use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use rove_io::entropy::os_entropy;
use rove_phone::{
    CallId, Phone, PhoneEvent, RelayStep, TurnServer, TurnTransport,
    irmv::{Carry, CarryId, ClientEvent, Name, Record, RelayTicket, Stage},
};

use super::irmv::{Registered, target};
use crate::failure::Failure;

/// One call.
pub(super) struct Line {
    id: CarryId,
    call: CallId,
    peer: Name,
    /// When the server was last asked for a better way.
    asked: Option<Instant>,
}

impl Registered {
    /// Calls whom the registry has told of.
    pub(super) fn dial(&mut self, phone: &Phone, record: &Record) -> Result<CallId, Failure> {
        let peer = record.claim.name.clone();
        let none = || Failure::call(format!("{peer} takes no calls"));
        let toward = record.claim.contacts.first().ok_or_else(none)?.address;
        let mut id = [0; 16];
        let mut entropy = os_entropy().map_err(|error| Failure::environment(error.to_string()))?;
        entropy.fill(&mut id);
        self.borrow(phone, &peer, CarryId(id));
        let call = phone.dial_relayed(&target(record).ok_or_else(none)?, toward)?;
        self.lines.push(Line { id: CarryId(id), call, peer, asked: None });
        Ok(call)
    }

    /// Asks the server by what a relay lends an address for this call; without an answer it goes on without.
    fn borrow(&self, phone: &Phone, peer: &Name, id: CarryId) {
        self.irmv.lend(peer.clone(), id);
        let until = Instant::now() + TICKET;
        let ticket = loop {
            match self.irmv.next_event(until.saturating_duration_since(Instant::now())) {
                Some(ClientEvent::Lent { result, .. }) => break result.ok(),
                None => break None,
                Some(_) => {}
            }
        };
        let RelayTicket { user, password, relays, .. } = ticket.unwrap_or_default();
        tracing::info!(target: "rove::relayed", peer = %peer, relays = relays.len(), "relays for this call");
        let server = |server| TurnServer {
            server,
            over: TurnTransport::Udp,
            user: user.clone(),
            password: password.clone(),
            dedicated: false,
        };
        phone.borrow_from(relays.into_iter().map(server).collect());
    }

    /// Hands on what the servers have brought meanwhile.
    pub(super) fn turn(&mut self, phone: &Phone) {
        while let Some(event) = self.irmv.next_event(Duration::ZERO) {
            if let ClientEvent::Carried(carry) = event {
                self.carried(phone, carry);
            }
        }
    }

    fn carried(&mut self, phone: &Phone, carry: Carry) {
        let Carry { id, from, stage, body, .. } = carry;
        let line = self.lines.iter().find(|line| line.id == id && line.peer == from);
        let step = match (stage, line) {
            (Stage::SetUp, None) => return self.set_up(phone, id, from, body),
            (Stage::Alert, Some(_)) => RelayStep::Alert,
            (Stage::Accept, Some(_)) => RelayStep::Accept,
            (Stage::Refuse, Some(_)) => RelayStep::Refuse,
            (Stage::End, Some(_)) => RelayStep::End,
            (Stage::Text, Some(_)) => RelayStep::Text,
            _ => return,
        };
        if let Some(line) = line {
            tracing::info!(target: "rove::relayed", peer = %from, step = ?step, "heard");
            phone.relayed(line.call, step, body);
        }
    }

    fn set_up(&mut self, phone: &Phone, id: CarryId, from: Name, offer: Vec<u8>) {
        let toward = toward(&offer).filter(|_| self.lines.len() < MOST_LINES);
        let call = toward.and_then(|toward| phone.relayed_call(&format!("<sip:{from}>"), toward, offer).ok());
        tracing::info!(target: "rove::relayed", peer = %from, step = ?RelayStep::SetUp, "heard");
        match call {
            Some(call) => self.lines.push(Line { id, call, peer: from, asked: None }),
            None => self.say(id, from, Stage::Refuse, Vec::new()),
        }
    }

    /// Has the servers carry what the phone wants carried.
    pub(super) fn told(&mut self, phone: &Phone, event: &PhoneEvent) {
        match event {
            PhoneEvent::Complaint { call, .. } => self.complained(phone, *call),
            PhoneEvent::Relay { call, step, body } => {
                let Some(line) = self.lines.iter().find(|line| line.call == *call) else { return };
                let stage = match step {
                    RelayStep::SetUp => Stage::SetUp,
                    RelayStep::Alert => Stage::Alert,
                    RelayStep::Accept => Stage::Accept,
                    RelayStep::Refuse => Stage::Refuse,
                    RelayStep::End => Stage::End,
                    RelayStep::Text => Stage::Text,
                };
                tracing::info!(target: "rove::relayed", peer = %line.peer, step = ?step, "said");
                self.say(line.id, line.peer.clone(), stage, body.clone());
            }
            PhoneEvent::Ended { call, .. } => self.lines.retain(|line| line.call != *call),
            _ => {}
        }
    }

    /// No way that the call knows is good enough: the server is asked for another relay, and the call begins anew to look for ways.
    fn complained(&mut self, phone: &Phone, call: CallId) {
        let Some(line) = self.lines.iter_mut().find(|line| line.call == call) else { return };
        if line.asked.is_some_and(|asked| asked.elapsed() < BETWEEN_ASKING) {
            return;
        }
        line.asked = Some(Instant::now());
        let (peer, id) = (line.peer.clone(), line.id);
        self.borrow(phone, &peer, id);
        phone.relocate(call);
    }

    fn say(&self, id: CarryId, to: Name, stage: Stage, body: Vec<u8>) {
        self.irmv.carry(Carry { id, from: self.presence.name.clone(), to, stage, body });
    }
}

/// Where an offer wants to hear: the side of this host that leads there is where media are opened.
fn toward(offer: &[u8]) -> Option<SocketAddr> {
    let text = core::str::from_utf8(offer).ok()?;
    let after = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
    let ip: IpAddr = after("c=IN IP4 ").or_else(|| after("c=IN IP6 "))?.trim().parse().ok()?;
    let port = after("m=audio ")?.split_whitespace().next()?.parse().ok()?;
    Some(SocketAddr::new(ip, port))
}

/// For a ticket.
const TICKET: Duration = Duration::from_secs(3);
/// Between two requests for a better way.
const BETWEEN_ASKING: Duration = Duration::from_secs(60);
/// Calls at a time.
const MOST_LINES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_says_where_it_wants_to_hear() {
        let offer = b"v=0\r\no=- 1 1 IN IP4 h.example\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
        assert_eq!(toward(offer), Some(([192, 0, 2, 7], 4_000).into()));
        assert_eq!(toward(b"c=IN IP4 192.0.2.7\r\n"), None);
        assert_eq!(toward(&[0xff]), None);
    }
}
