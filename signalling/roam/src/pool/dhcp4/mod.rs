//! The DHCPv4 server (RFC 2131): what each message of a client does to the pool, and what comes back.
//!
//! Who shows no token, or one that nobody granted, is told nothing and leaves nothing behind.

mod names;
mod reply;
mod request;

use core::net::Ipv4Addr;

use dhcproto::v4::MessageType;
use rove_base::UdpFlow;

pub(super) use self::{names::labels, request::Request};
use super::{Event, Pool, book::Stage};
use crate::Imsi;

/// A REQUEST that waits for its binding to be durable.
#[derive(Debug)]
pub(super) struct Waiting {
    request: Request,
    flow: UdpFlow,
}

impl Pool {
    pub(super) fn on_dhcp4(&mut self, flow: UdpFlow, bytes: &[u8]) {
        if self.config.v4.is_none() {
            return;
        }
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
            return self.correct_a_stranger(&request, flow);
        };
        match request.kind {
            MessageType::Discover => self.discover(holder, &request, flow),
            MessageType::Request => self.request(holder, request, flow),
            MessageType::Decline => self.decline(holder, &request),
            MessageType::Release => self.release4(holder, &request),
            MessageType::Inform => {
                let Some(config) = &self.config.v4 else { return };
                let has = request.has().unwrap_or(Ipv4Addr::UNSPECIFIED);
                let to = request.way(config, MessageType::Ack, flow.remote, has);
                let bytes = request.inform(config);
                self.send4(flow, to, bytes);
            }
            _ => self.counters.malformed = self.counters.malformed.saturating_add(1),
        }
    }

    /// A client that goes on with an address of this pool by a token that is over has to stop (RFC 2131 §4.3.2).
    fn correct_a_stranger(&mut self, request: &Request, flow: UdpFlow) {
        let elsewhere = request.server().is_some_and(|server| self.server4() != Some(server));
        let uses = request.has().or_else(|| request.requested());
        let ours = |config: &super::V4Config| {
            uses.is_some_and(|uses| {
                config.ranges.iter().any(|range| range.first <= uses && uses <= range.last)
            })
        };
        if request.kind == MessageType::Request && !elsewhere && self.config.v4.as_ref().is_some_and(ours) {
            self.nak(request, flow);
        }
    }

    fn discover(&mut self, holder: Imsi, request: &Request, flow: UdpFlow) {
        let Some(holding) = self.book.get(holder) else { return };
        let Some(address) = holding.addresses.v4 else { return };
        let secs = match holding.stage {
            Stage::Bound => holding.secs_left(self.now),
            Stage::Reserved => u32::try_from(self.config.patience.as_secs()).unwrap_or(u32::MAX),
        };
        self.grant4(request, flow, MessageType::Offer, (address, secs));
    }

    fn request(&mut self, holder: Imsi, request: Request, flow: UdpFlow) {
        if request.server().is_some_and(|server| self.server4() != Some(server)) {
            self.counters.elsewhere = self.counters.elsewhere.saturating_add(1);
            return;
        }
        let wants = request.requested().or_else(|| request.has());
        let Some(holding) = self.book.get_mut(holder) else { return };
        let Some(address) = holding.addresses.v4.filter(|address| wants == Some(*address)) else {
            self.counters.spoofed = self.counters.spoofed.saturating_add(1);
            return self.nak(&request, flow);
        };
        if holding.stage == Stage::Bound && holding.is_fresh(self.now) {
            let secs = holding.secs_left(self.now);
            return self.grant4(&request, flow, MessageType::Ack, (address, secs));
        }
        let host_name = request.host_name();
        let first = holding.waiting4.is_none() && holding.waiting6.is_none();
        holding.waiting4 = Some(Waiting { request, flow });
        match holding.stage {
            Stage::Reserved if first => self.event(Event::Requested { holder, host_name }),
            Stage::Reserved => {}
            Stage::Bound => self.renew(holder),
        }
    }

    /// Somebody else has the address (RFC 2131 §4.3.3): the stay cannot go on with it.
    fn decline(&mut self, holder: Imsi, request: &Request) {
        let address = self.book.get(holder).and_then(|holding| holding.addresses.v4);
        if request.server() != self.server4()
            || request.requested().is_none()
            || request.requested() != address
        {
            self.counters.spoofed = self.counters.spoofed.saturating_add(1);
            return;
        }
        self.counters.declined = self.counters.declined.saturating_add(1);
        self.leave(holder, Event::Released { holder });
    }

    fn release4(&mut self, holder: Imsi, request: &Request) {
        let address = self.book.get(holder).and_then(|holding| holding.addresses.v4);
        if request.server() != self.server4() || request.has().is_none() || request.has() != address {
            self.counters.spoofed = self.counters.spoofed.saturating_add(1);
            return;
        }
        self.leave(holder, Event::Released { holder });
    }

    /// The binding of `holder` is durable: its REQUEST can be answered.
    pub(super) fn ack4(&mut self, holder: Imsi) {
        let Some(holding) = self.book.get_mut(holder) else { return };
        let (waiting, secs) = (holding.waiting4.take(), holding.secs_left(self.now));
        if let (Some(Waiting { request, flow }), Some(address)) = (waiting, holding.addresses.v4) {
            self.grant4(&request, flow, MessageType::Ack, (address, secs));
        }
    }

    pub(super) fn nak4(&mut self, waiting: &Waiting) {
        self.nak(&waiting.request, waiting.flow);
    }

    fn nak(&mut self, request: &Request, flow: UdpFlow) {
        let Some(config) = &self.config.v4 else { return };
        let to = request.way(config, MessageType::Nak, flow.remote, Ipv4Addr::UNSPECIFIED);
        let bytes = request.refuse(config);
        self.counters.refused = self.counters.refused.saturating_add(1);
        self.send4(flow, to, bytes);
    }

    fn grant4(&mut self, request: &Request, flow: UdpFlow, kind: MessageType, lease: reply::Lease) {
        let Some(config) = &self.config.v4 else { return };
        let to = request.way(config, kind, flow.remote, lease.0);
        let bytes = request.grant(config, kind, lease);
        self.send4(flow, to, bytes);
    }

    fn send4(&mut self, flow: UdpFlow, to: core::net::SocketAddr, bytes: Option<Vec<u8>>) {
        let Some(config) = &self.config.v4 else { return };
        let local = (config.server, config.server_port).into();
        // On a loopback interface the answer leaves from where it was asked.
        let local = if config.to_source { flow.local } else { local };
        if let Some(bytes) = bytes {
            self.send(UdpFlow { local, remote: to }, bytes);
        }
    }

    fn server4(&self) -> Option<Ipv4Addr> {
        self.config.v4.as_ref().map(|config| config.server)
    }
}
