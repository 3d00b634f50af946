//! Between the stream and its ports: which way packets go, from where they are believed, and with which keys.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[cfg(test)]
mod tests;

use core::time::Duration;

use rove_base::{
    Instant, MediaPlan, Route, RouteId, RouteKind, Scratch, Security, SrtpKeys, Transmit, UdpFlow,
};

use super::{
    FirstNumbers, StreamError,
    shield::{Same, Shield},
};
use crate::{
    demux::kind,
    path::{Carries, Path, PathError, Switched, Why},
    srtp::SrtpError,
};

/// Shut until there is a way, and keys where keys were agreed on: so long nothing leaves and nothing that comes is
/// believed.
///
/// An address that a NAT gave the peer is learned from authentic packets only, never from what anyone can send: where
/// packets are clear, the route stays the one that signalling told.
///
/// # Realtime
///
/// Only [`Gate::new`] and [`Gate::secure`] allocate.
pub(super) struct Gate {
    path: Path,
    /// None when packets go as they are, or the keys are not there yet.
    shield: Option<Box<Shield>>,
    /// The one before the last change of keys, for what was on its way then, and until when.
    before: Option<(Box<Shield>, Instant)>,
    /// Keys are being agreed on.
    locked: bool,
    /// There is no way, or not yet.
    nowhere: bool,
    /// Checks find the way; then packets do not.
    checked: bool,
    first: FirstNumbers,
    /// When the last authentic packet came from where packets go: RTP and RTCP.
    heard: [Option<Instant>; 2],
}

/// Other keys for a gate, made where allocating is fine. Afterwards it holds what is of no more use.
#[derive(Default)]
pub(super) struct Rekey {
    shield: Option<Box<Shield>>,
    same: Same,
    /// Whether nothing passes until keys are agreed on in the media path; `None` leaves that as it is.
    locked: Option<bool>,
    retired: [Option<Box<Shield>>; 2],
}

impl Rekey {
    /// What `after` changes of the keys of `before`.
    pub(super) fn new(before: &MediaPlan, after: &MediaPlan) -> Result<Self, StreamError> {
        let first = FirstNumbers::ZERO;
        let mut rekey = Self::default();
        match (before.security(), after.security()) {
            (one, other) if one == other => {}
            (Security::Srtp(old), Security::Srtp(new)) => {
                rekey.shield = Some(Box::new(Shield::new(new, &first)?));
                rekey.same = Same::of(old, new);
            }
            (_, Security::Srtp(new)) => {
                rekey.shield = Some(Box::new(Shield::new(new, &first)?));
                rekey.locked = Some(false);
            }
            (Security::Clear, Security::Dtls(_)) => rekey.locked = Some(true),
            (_, Security::Dtls(_) | Security::Clear) => {}
        }
        Ok(rekey)
    }
}

/// Why a datagram goes no further.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shut {
    /// It came from, or to, an address that is not the plan's.
    Stranger,
    /// It came before there were keys.
    Early,
    /// It is not authentic.
    Protected(SrtpError),
}

impl Gate {
    pub(super) fn new(plan: &MediaPlan, first: &FirstNumbers) -> Result<Self, StreamError> {
        Ok(Self {
            path: Path::new(plan).ok_or(StreamError::NoRoute)?,
            before: None,
            shield: plan.srtp().map(|keys| Shield::new(keys, first)).transpose()?.map(Box::new),
            locked: matches!(plan.security(), Security::Dtls(_)),
            nowhere: plan.ice().is_some(),
            checked: plan.ice().is_some(),
            first: *first,
            heard: [None; 2],
        })
    }

    /// Whether packets may leave.
    pub(super) const fn is_open(&self) -> bool {
        !self.locked && !self.nowhere
    }

    /// Keys are agreed on; with other ones before, from now on these.
    pub(super) fn secure(&mut self, keys: &SrtpKeys, now: Instant) {
        if let Ok(shield) = Shield::new(keys, &self.first) {
            let shield = Some(Box::new(shield));
            self.rekey(&mut Rekey { shield, locked: Some(false), ..Rekey::default() }, now);
        }
    }

    /// Other keys from now on. What was sent with those before is believed for a while yet.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor frees.
    pub(super) fn rekey(&mut self, rekey: &mut Rekey, now: Instant) {
        self.locked = rekey.locked.unwrap_or(self.locked);
        let Some(mut shield) = rekey.shield.take() else { return };
        if let Some(mut old) = self.shield.take() {
            shield.succeed(&mut old, rekey.same);
            let [retired, older] = &mut rekey.retired;
            if rekey.same.receive {
                *retired = Some(old);
            } else {
                *older = self.before.replace((old, now + LATE)).map(|(shield, _)| shield);
            }
        }
        self.shield = Some(shield);
    }

    /// Packets go this way from now on, RTP and RTCP; `None`: nowhere.
    pub(super) fn lead(&mut self, now: Instant, flow: Option<UdpFlow>) {
        self.nowhere = flow.is_none();
        if let Some(flow) = flow {
            self.path.lead(now, flow);
        }
    }

    /// Signalling tells another path. A way that checks found stays, and so does the address that a peer behind a NAT
    /// turned out to have, as long as what was told is the same.
    pub(super) fn redirect(&mut self, now: Instant, path: &Path) {
        if self.checked || self.path.is_told_as(path) {
            return;
        }
        self.heard = [None; 2];
        self.path.follow(now, path);
    }

    /// Another way that packets may be switched to, and be believed by at once.
    pub(super) fn add(&mut self, route: Route) -> Result<(), PathError> {
        self.path.add(route)
    }

    /// A way was found, of this kind; `None`: it is gone, unless the peer's packets come by it, which is `taken`.
    pub(super) fn found(
        &mut self,
        now: Instant,
        flow: UdpFlow,
        kind: Option<RouteKind>,
        taken: Option<RouteId>,
    ) {
        let by = self.path.arrival(&flow, now).map(|(route, _)| route);
        match kind {
            // One more than there is room for is passed over.
            Some(kind) => drop(self.path.found(flow, kind)),
            None if by.is_some() && by == taken => {}
            None => self.path.gone(now, flow),
        }
    }

    /// A way there was.
    pub(super) fn remove(&mut self, now: Instant, route: RouteId) -> Result<(), PathError> {
        self.path.remove(now, route)
    }

    /// Packets take another of the routes.
    pub(super) fn switch(&mut self, now: Instant, to: RouteId, why: Why) -> Result<(), PathError> {
        self.path.switch(now, to, why)?;
        self.heard = [None; 2];
        Ok(())
    }

    /// A packet of media was used.
    pub(super) fn used(&mut self, flow: &UdpFlow, seq: u16, at: Instant) {
        self.path.heard(flow, seq, at);
    }

    /// What the last switch cost, once it is known.
    pub(super) fn switched(&mut self, now: Instant) -> Option<Switched> {
        self.path.switched(now)
    }

    /// When it is, if nothing is heard until then.
    pub(super) const fn next(&self) -> Option<Instant> {
        self.path.next()
    }

    /// All ways that there are.
    pub(super) const fn path(&self) -> &Path {
        &self.path
    }

    /// Where packets go.
    pub(super) const fn route(&self) -> &Route {
        self.path.active()
    }

    /// What a datagram carries, and its content, once it may be believed.
    pub(super) fn open<'a>(
        &'a mut self,
        flow: &UdpFlow,
        datagram: &'a [u8],
        arrived: Instant,
    ) -> Result<(RouteId, Carries, &'a [u8]), Shut> {
        let known = self.path.arrival(flow, arrived);
        if self.locked {
            return Err(Shut::Early);
        }
        let Some(shield) = &mut self.shield else {
            return known.map(|(route, carries)| (route, carries, datagram)).ok_or(Shut::Stranger);
        };
        // Behind a NAT the peer may come from elsewhere than told; then its packets alone can tell that it does.
        let elsewhere = || self.path.accepts(flow).map(|carries| (self.path.active().id, carries));
        let (route, carries) = known.or_else(elsewhere).ok_or(Shut::Stranger)?;
        let mut opened_by = shield;
        let mut opened = opened_by.open(kind(datagram), datagram);
        if let (Err(SrtpError::Forged), Some((before, until))) = (&opened, &mut self.before)
            && arrived < *until
            && let Ok(len) = before.open(kind(datagram), datagram)
        {
            (opened_by, opened) = (before, Ok(len));
        }
        match opened {
            Ok(len) => {
                let plain = opened_by.opened(len);
                if !self.checked {
                    latch(&mut self.path, &mut self.heard, flow, plain, arrived);
                }
                Ok((route, carries, plain))
            }
            Err(_) if known.is_none() => Err(Shut::Stranger),
            Err(why) => Err(Shut::Protected(why)),
        }
    }

    /// What may leave of what was written. `None` when it could not be protected.
    pub(super) fn protect(&mut self, transmit: Transmit, out: &mut Scratch) -> Option<Transmit> {
        let Some(shield) = &mut self.shield else { return Some(transmit) };
        let kind = kind(out.get(transmit.range));
        Some(Transmit { range: shield.protect(kind, out, transmit.range)?, ..transmit })
    }
}

/// Learns where an authentic packet came from, when from where packets go none came for a while: a late one by the way
/// before does not turn back.
fn latch(path: &mut Path, heard: &mut [Option<Instant>; 2], flow: &UdpFlow, plain: &[u8], at: Instant) {
    let Route { rtp, rtcp, .. } = *path.active();
    let control = matches!(kind(plain), crate::demux::Kind::Rtcp);
    let [media, reports] = heard;
    let (current, heard) = if control && rtp != rtcp { (rtcp, reports) } else { (rtp, media) };
    if *flow == current {
        *heard = Some(at);
    } else if flow.local == current.local && heard.is_none_or(|before| at.since(before) >= SILENT) {
        *heard = Some(at);
        match (rtp == rtcp, control) {
            (true, _) => path.take(at, *flow, *flow, Why::Followed),
            (false, true) => path.take(at, rtp, *flow, Why::Followed),
            (false, false) => path.take(at, *flow, rtcp, Why::Followed),
        }
    }
}

/// After the keys have changed, packets under those before may still be on their way so long.
const LATE: Duration = Duration::from_secs(5);
/// Packets of a peer that is where it was come more often than this.
const SILENT: Duration = Duration::from_millis(500);
