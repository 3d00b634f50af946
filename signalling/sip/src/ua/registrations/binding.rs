//! One flow of a registration: where the registrar sees us, and the way that is kept open.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::{net::SocketAddr, sync::Arc};

use rove_base::{Instant, Transport};

use super::Binding;
use crate::{register::Flow, transport::Hop, ua::context::Context};

impl Binding {
    pub(super) fn new(cx: &mut Context) -> Self {
        Self {
            flow: Flow::start(),
            call_id: cx.new_call_id(),
            tag: cx.new_tag().to_string(),
            number: 0,
            hop: None,
            public: None,
            former: None,
            ping: None,
        }
    }

    /// Whether the registrar sees us at another address than the contact it was told.
    pub(super) fn is_elsewhere(&self, hop: &Hop, seen: Option<SocketAddr>) -> bool {
        let told = self.public.unwrap_or(hop.local);
        hop.transport == Transport::Udp
            && seen.is_some_and(|seen| (seen.ip(), seen.port()) != (told.ip(), told.port()))
    }

    pub(super) fn broke(&mut self, now: Instant) {
        self.ping = None;
        self.flow.lost(now);
    }

    /// Sends an empty line, which no SIP server answers, and which opens the way back through a NAT.
    pub(super) fn ping(&mut self, cx: &mut Context) {
        let (Some((at, every)), Some(hop)) = (self.ping, self.hop) else { return };
        if at <= cx.now {
            self.ping = Some((cx.now.later(every), every));
            cx.layer.send(hop, Arc::from(PING));
        }
    }

    /// Keeps the flow open from now on: watched where the server answers, else blindly.
    pub(super) fn keep_open(&mut self, cx: &mut Context, hop: &Hop, outbound: bool, timer: Option<Duration>) {
        let watched = outbound || hop.transport.is_reliable();
        let usual = if hop.transport.is_reliable() { STREAM } else { DATAGRAM };
        let every = timer.filter(|_| outbound).map_or(usual, |timer| timer.clamp(SHORTEST, usual));
        let every = every.mul_f64(0.8 + cx.entropy.unit() / 5.0);
        if watched {
            cx.connections.keep_alive(cx.now, hop, every);
        } else if self.public.is_some() {
            self.ping = Some((cx.now.later(every), every));
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        Instant::earliest(self.flow.deadline(), self.ping.map(|(at, _)| at))
    }
}

/// An empty line twice (RFC 5626 §3.5.1).
const PING: &[u8] = b"\r\n\r\n";
/// How often datagrams, and streams, are kept open at least, and how often at most (RFC 5626 §4.4).
const DATAGRAM: Duration = Duration::from_secs(29);
const STREAM: Duration = Duration::from_secs(120);
const SHORTEST: Duration = Duration::from_secs(5);
