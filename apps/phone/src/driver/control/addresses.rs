//! Which of this host's addresses the other side is told.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use rove_base::{Arrival, ClosedBy, Instant, Machine as _, StreamId};
use rove_driver::{StreamEvent, address_toward};
use rove_session::{CallId, MediaPorts};

use super::Desk;
use crate::places;

impl Desk {
    /// This host is reached at `ip` from now on: calls that stand go on from there, and later ones begin there.
    pub(super) fn moved_to(&mut self, ip: IpAddr) {
        self.from = Some(ip);
        let now = self.clock.now();
        self.drop_stranded();
        self.board.moved(now);
    }

    /// Looks whether this host has other addresses than before, as long as there are calls and it is nobody else's to say so
    /// ([`crate::Phone::moved_to`]). A call whose own address is gone goes on from another; one more is of use when a call looks for
    /// ways anew. Answers when to look again.
    pub(super) fn watch_addresses(&mut self) -> Option<Instant> {
        let anywhere = self.media.everywhere() && self.sip.iter().any(|sip| sip.ip().is_unspecified());
        if !anywhere || self.from.is_some() || self.board.running().next().is_none() {
            self.present = None;
            return None;
        }
        let now = self.clock.now();
        if let Some((due, _)) = self.present.as_ref().filter(|(due, _)| *due > now.mono) {
            return Some(*due);
        }
        let (due, present) = (now.mono + BETWEEN_LOOKS, places::present());
        let before = self.present.replace((due, present.clone()));
        let Some((_, before)) = before.filter(|(_, before)| *before != present) else { return Some(due) };
        tracing::info!(target: "rove::route", ?before, ?present, "addresses of this host");
        self.drop_stranded();
        let calls: Vec<CallId> = self.board.running().collect();
        for call in calls {
            let own = self.media.leaves_from(call).filter(|own| !own.is_loopback());
            if own.is_some_and(|own| !present.contains(&own)) {
                self.board.call_moved(now, call);
            }
        }
        Some(due)
    }

    /// Notes which address a stream leaves from.
    pub(super) fn note_stream(&mut self, event: &StreamEvent) {
        match *event {
            StreamEvent::Connected { stream, local, .. } => drop(self.leaves_from.insert(stream, local)),
            StreamEvent::Closed { stream, .. } => drop(self.leaves_from.remove(&stream)),
            _ => {}
        }
    }

    /// Streams from an address that this host does not have any more carry nothing, and would say so only after many
    /// minutes.
    fn drop_stranded(&mut self) {
        let is_here = |mut from: SocketAddr| {
            from.set_port(0);
            UdpSocket::bind(from).is_ok()
        };
        let stranded = self.leaves_from.iter().filter(|(_, from)| !is_here(**from));
        let stranded: Vec<StreamId> = stranded.map(|(stream, _)| *stream).collect();
        let now = self.clock.now();
        for stream in stranded {
            self.leaves_from.remove(&stream);
            self.streams.close(stream);
            self.board.handle(now, Arrival::Closed { stream, by: ClosedBy::Failure });
        }
    }

    pub(super) fn open_media(&mut self, call: CallId, toward: SocketAddr) -> Result<MediaPorts, String> {
        let signalling = self.signalling_toward(toward)?;
        let listening = self.sip.iter().find(|sip| sip.is_ipv4() == toward.is_ipv4());
        let anywhere = listening.is_some_and(|sip| sip.ip().is_unspecified());
        self.media.open(call, signalling.ip(), signalling, anywhere)
    }

    /// The address of our SIP that `toward` is reached from.
    pub(super) fn signalling_toward(&self, toward: SocketAddr) -> Result<SocketAddr, String> {
        let sip = self.sip.iter().find(|address| address.is_ipv4() == toward.is_ipv4()).ok_or_else(|| {
            format!("this phone does not listen on the family of {toward}; add it with --listen")
        })?;
        let ip = match sip.ip() {
            ip if ip.is_unspecified() && self.from.is_some_and(|from| from.is_ipv4() == ip.is_ipv4()) => {
                self.from.unwrap_or(ip)
            }
            ip if ip.is_unspecified() => {
                address_toward(toward).map_err(|error| format!("no route to {toward}: {error}"))?
            }
            ip => ip,
        };
        Ok(SocketAddr::new(ip, sip.port()))
    }
}

/// Between two looks at which addresses this host has; media do not wait for them.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
