//! How a call's port is reached from outside, found out before the call is offered or answered: what STUN and TURN servers say.

use core::time::Duration;
use std::{net::UdpSocket, os::fd::AsFd as _};

use rove_base::{Candidate, Instant};
use rove_io::{media_thread::Ports, net};
use rove_nat::stun::{Class, MessageWriter};
use rove_session::{CallId, MediaPorts};
use tokio::sync::mpsc::UnboundedSender;

use super::Media;
use crate::{
    stun,
    turn::{self, Answers, Borrowed, Port, Through, TurnServer},
};

/// Ports that are open, and wait for a plan.
#[derive(Default)]
pub(super) struct Open {
    /// One for RTP, one for RTCP, and those on other addresses, which carry both.
    pub(super) sockets: Vec<net::UdpSocket>,
    /// What servers lend those that carry RTP.
    pub(super) borrowed: Option<Borrowed>,
    /// The way out of it, which is kept open.
    awake: Option<Awake>,
}

/// Servers that told how a port is reached, and when they next hear from it.
struct Awake {
    servers: Vec<Through>,
    due: Instant,
}

impl Open {
    pub(super) fn new(sockets: Vec<net::UdpSocket>) -> Self {
        Self { sockets, ..Self::default() }
    }

    /// The ports that carry RTP, once more; what the system does not give twice is left out.
    fn ports(&self) -> Vec<Port> {
        let own = |socket: &net::UdpSocket| {
            let again = socket.as_fd().try_clone_to_owned().ok()?;
            Some(Port { socket: UdpSocket::from(again), local: socket.local_addr() })
        };
        let others = self.sockets.iter().skip(2);
        self.sockets.first().into_iter().chain(others).filter_map(own).collect()
    }

    /// All of it, for the media thread.
    pub(super) fn take(&mut self) -> Ports {
        let Self { sockets, borrowed, .. } = std::mem::take(self);
        Ports { sockets, lent: borrowed.map(Borrowed::take).unwrap_or_default() }
    }

    /// Says something to the servers when it is time (RFC 8445 §11), so that the address that a NAT has given the port is
    /// still its own when a call that rang for long is answered. Answers when to come back.
    fn keep_awake(&mut self, now: Instant) -> Option<Instant> {
        let (awake, borrowed) = (self.awake.as_mut()?, self.borrowed.as_ref()?);
        if awake.due <= now {
            awake.due = now + AWAKE;
            let hint = MessageWriter::new(Class::Indication, [0; 12]).fingerprinted();
            for server in &awake.servers {
                // One that is lost does no harm: mappings last for more than one.
                borrowed.say(*server, &hint);
            }
        }
        Some(awake.due)
    }
}

/// A call's ports, once it is known how they are reached.
pub(in crate::driver) struct Seen {
    call: CallId,
    ports: MediaPorts,
    borrowed: Borrowed,
    servers: Vec<Through>,
}

impl Media {
    /// Calls that begin from now on are lent addresses by these as well, before those of the configuration.
    pub(in crate::driver) fn borrow_from(&mut self, servers: Vec<TurnServer>) {
        self.tickets = servers;
    }

    /// Asks how the port that was opened is reached, where connectivity is to be checked and there is somebody to ask: `tell`
    /// hears the ports with that, or without it when nobody answers. Gives the ports back where nobody is asked.
    pub(in crate::driver) fn ask(
        &mut self,
        call: CallId,
        ports: MediaPorts,
        tell: UnboundedSender<Seen>,
    ) -> Option<MediaPorts> {
        let through = self.calls.get(&call).map(|entry| entry.open.ports()).unwrap_or_default();
        let family = ports.rtp.is_ipv4();
        let stun_server = self.stun_server.filter(|server| server.is_ipv4() == family);
        let is_near =
            |one: &&TurnServer| through.iter().any(|port| port.local.is_ipv4() == one.server.is_ipv4());
        let relays = self.tickets.iter().chain(&self.turn_servers).filter(is_near);
        let relays: Vec<_> = relays.take(turn::MOST_SERVERS).cloned().collect();
        let is_open = through.first().is_some_and(|port| port.local == ports.rtp);
        if ports.path.is_none() || !is_open || (stun_server.is_none() && relays.is_empty()) {
            return Some(ports);
        }
        let (clock, tls) = (self.clock, self.tls.clone());
        let mut transaction = [0; 12];
        self.entropy.fill(&mut transaction);
        let relays: Vec<_> = relays.into_iter().map(|relay| (relay, self.entropy.fork())).collect();
        let thread = std::thread::Builder::new().name("rove-stun".into());
        let plain = ports.clone();
        let asking = thread.spawn(move || {
            let mut ports = ports;
            let ask_stun = |socket: &UdpSocket| {
                stun_server.and_then(|server| stun::ask(socket, server, transaction, stun::PATIENCE))
            };
            let Answers { borrowed, candidates, seen } =
                turn::ask(through, clock, relays, (&tls, turn::PATIENCE));
            let told = borrowed.socket().filter(|_| seen.is_none()).and_then(ask_stun);
            let servers = stun_server.filter(|_| told.is_some()).map(|server| Through { port: 0, server });
            let servers = borrowed.servers().iter().copied().chain(servers).collect();
            let seen = seen.or(told);
            if let Some(path) = &mut ports.path {
                let seen = seen.filter(|seen| *seen != ports.rtp);
                let seen = seen.map(|seen| Candidate::server_reflexive(seen, ports.rtp, u16::MAX));
                path.candidates.extend(seen.into_iter().chain(candidates));
            }
            // The phone may have stopped meanwhile.
            let _ = tell.send(Seen { call, ports, borrowed, servers });
        });
        asking.is_err().then_some(plain)
    }

    /// Takes what was found out, unless other ports are open for the call meanwhile.
    pub(in crate::driver) fn take(&mut self, seen: Seen) -> Option<(CallId, MediaPorts)> {
        let Seen { call, ports, borrowed, servers } = seen;
        let entry = self.calls.get_mut(&call)?;
        if entry.open.sockets.first()?.local_addr() != ports.rtp {
            return None;
        }
        let due = self.clock.mono() + AWAKE;
        entry.open.awake = (!servers.is_empty()).then_some(Awake { servers, due });
        entry.open.borrowed = Some(borrowed);
        Some((call, ports))
    }

    /// Keeps the ports of all calls that are not answered yet reachable; when to come back.
    pub(in crate::driver) fn keep_awake(&mut self) -> Option<Instant> {
        let now = self.clock.mono();
        self.calls.values_mut().filter_map(|entry| entry.open.keep_awake(now)).min()
    }
}

/// Between two words to a server: no NAT forgets a port sooner (RFC 4787 REQ-5 asks for two minutes; half a minute is met).
const AWAKE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests;
