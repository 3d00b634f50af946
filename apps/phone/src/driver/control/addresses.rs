//! Which of this host's addresses the other side is told.

use std::net::{IpAddr, SocketAddr};

use rove_driver::address_toward;
use rove_session::{CallId, MediaPorts};

use super::Desk;

impl Desk {
    /// This host is reached at `ip` from now on: calls that stand go on from there, and later ones begin there.
    pub(super) fn moved_to(&mut self, ip: IpAddr) {
        self.from = Some(ip);
        let now = self.clock.now();
        self.board.moved(now);
    }

    pub(super) fn open_media(&mut self, call: CallId, toward: SocketAddr) -> Result<MediaPorts, String> {
        let signalling = self.signalling_toward(toward)?;
        self.media.open(call, signalling.ip(), signalling)
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
