//! The DHCPv6 server (RFC 8415): what each message of a client does to the pool, and what comes back.
//!
//! The token is the client's DUID, or in it. Who shows none, or one that nobody granted, is told nothing and leaves
//! nothing behind. Clients are on the link: what relays forward is dropped and counted.

mod reply;
mod request;

use core::net::{IpAddr, Ipv6Addr, SocketAddrV6};

use dhcproto::v6::{MessageType, Status};
use rove_base::UdpFlow;

use self::request::{Kind, Request};
pub(super) use super::dhcp4::labels;
use super::{Event, Pool, V6Config, book::Stage};
use crate::Imsi;

/// A message that waits for its binding to be durable.
#[derive(Debug)]
pub(super) struct Waiting {
    request: Request,
    flow: UdpFlow,
}

impl V6Config {
    /// RFC 8415 §11.4: of an Ethernet address.
    pub(super) fn duid(&self) -> Vec<u8> {
        [&[0, 3, 0, 1], &self.server[..]].concat()
    }
}

impl Pool {
    pub(super) fn on_dhcp6(&mut self, flow: UdpFlow, bytes: &[u8]) {
        let Some(duid) = self.config.v6.as_ref().map(V6Config::duid) else { return };
        let Ok(request) = Request::read(bytes) else {
            self.counters.malformed = self.counters.malformed.saturating_add(1);
            return;
        };
        let Some(token) = request.token() else {
            self.counters.without_token = self.counters.without_token.saturating_add(1);
            return;
        };
        let Some(holder) = self.book.holder_of(token) else {
            self.counters.unknown_token = self.counters.unknown_token.saturating_add(1);
            return;
        };
        // RFC 8415 §16: who must name a server, and who must not.
        let right = match request.kind {
            Kind::Solicit | Kind::Confirm | Kind::Rebind => request.server.is_none(),
            Kind::InformationRequest => request.server.as_ref().is_none_or(|server| *server == duid),
            Kind::Request | Kind::Renew | Kind::Release | Kind::Decline => {
                request.server.as_ref() == Some(&duid)
            }
        };
        if !right {
            self.counters.elsewhere = self.counters.elsewhere.saturating_add(1);
            return;
        }
        self.serve6(holder, request, flow);
    }

    fn serve6(&mut self, holder: Imsi, request: Request, flow: UdpFlow) {
        let Some(config) = &self.config.v6 else { return };
        match request.kind {
            Kind::Solicit => self.solicit(holder, &request, flow),
            Kind::Request | Kind::Renew | Kind::Rebind => self.request6(holder, request, flow),
            Kind::Confirm => {
                let named = request.association.as_ref().map(|association| &association.addresses);
                let network = |address: &Ipv6Addr| address.to_bits() >> 64 == config.prefix.to_bits() >> 64;
                let on_link = named.is_some_and(|named| named.iter().all(network));
                let bytes = request.say(config, if on_link { Status::Success } else { Status::NotOnLink });
                self.send6(flow, bytes);
            }
            Kind::Release | Kind::Decline => self.give_back6(holder, &request, flow),
            Kind::InformationRequest => {
                let bytes = request.inform(config);
                self.send6(flow, bytes);
            }
        }
    }

    fn solicit(&mut self, holder: Imsi, request: &Request, flow: UdpFlow) {
        let Some(holding) = self.book.get(holder) else { return };
        let secs = match holding.stage {
            Stage::Bound => holding.secs_left(self.now),
            Stage::Reserved => u32::try_from(self.config.patience.as_secs()).unwrap_or(u32::MAX),
        };
        if let (Some(config), Some(address)) = (&self.config.v6, holding.addresses.v6) {
            let bytes = request.grant(config, MessageType::Advertise, (address, secs));
            self.send6(flow, bytes);
        }
    }

    fn request6(&mut self, holder: Imsi, request: Request, flow: UdpFlow) {
        let now = self.now;
        let Some(holding) = self.book.get_mut(holder) else { return };
        if request.association.is_none() || holding.addresses.v6.is_none() {
            return;
        }
        if holding.stage == Stage::Bound && holding.is_fresh(now) {
            holding.waiting6 = Some(Waiting { request, flow });
            return self.ack6(holder);
        }
        let host_name = request.host_name();
        let first = holding.waiting4.is_none() && holding.waiting6.is_none();
        holding.waiting6 = Some(Waiting { request, flow });
        match holding.stage {
            Stage::Reserved if first => self.event(Event::Requested { holder, host_name }),
            Stage::Reserved => {}
            Stage::Bound => self.renew(holder),
        }
    }

    /// RELEASE and DECLINE end the stay; the answer is the same (RFC 8415 §18.3.7).
    fn give_back6(&mut self, holder: Imsi, request: &Request, flow: UdpFlow) {
        let has = self.book.get(holder).and_then(|holding| holding.addresses.v6);
        let named = request.association.as_ref().map(|association| &association.addresses);
        let Some(config) = &self.config.v6 else { return };
        if !has.is_some_and(|has| named.is_some_and(|named| named.contains(&has))) {
            let bytes = request.refuse(config, Status::NoBinding);
            self.counters.spoofed = self.counters.spoofed.saturating_add(1);
            return self.send6(flow, bytes);
        }
        let bytes = request.say(config, Status::Success);
        if request.kind == Kind::Decline {
            self.counters.declined = self.counters.declined.saturating_add(1);
        }
        self.send6(flow, bytes);
        self.leave(holder, Event::Released { holder });
    }

    /// The binding of `holder` is durable: what it asked can be answered.
    pub(super) fn ack6(&mut self, holder: Imsi) {
        let Some(holding) = self.book.get_mut(holder) else { return };
        let (waiting, secs) = (holding.waiting6.take(), holding.secs_left(self.now));
        if let (Some(Waiting { request, flow }), Some(address), Some(config)) =
            (waiting, holding.addresses.v6, &self.config.v6)
        {
            let bytes = request.grant(config, MessageType::Reply, (address, secs));
            self.send6(flow, bytes);
        }
    }

    pub(super) fn nak6(&mut self, waiting: &Waiting) {
        let Some(config) = &self.config.v6 else { return };
        let bytes = waiting.request.refuse(config, Status::NoAddrsAvail);
        self.counters.refused = self.counters.refused.saturating_add(1);
        self.send6(waiting.flow, bytes);
    }

    fn send6(&mut self, flow: UdpFlow, bytes: Option<Vec<u8>>) {
        let Some(config) = &self.config.v6 else { return };
        let (ip, interface) = config.local;
        // What came to all servers is answered by this one.
        let local = match flow.local.ip() {
            IpAddr::V6(local) if !local.is_multicast() && !local.is_unspecified() => flow.local,
            _ => SocketAddrV6::new(ip, flow.local.port(), 0, interface).into(),
        };
        if let Some(bytes) = bytes {
            self.send(UdpFlow { local, remote: flow.remote }, bytes);
        }
    }
}
