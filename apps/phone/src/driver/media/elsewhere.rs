//! Ports of a call's media, on the address that leads to the other side and on others; and the move to another one where the
//! peer cannot be asked for copies, since it knows no words for routes: it is told by signalling, and the seconds after show
//! whether that was any better.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

use rove_base::{Instant, LocalPath, RouteId, RouteKind};
use rove_core::reroute::{Cause, Complaint, Rerouted, Tolerance};
use rove_io::net;
use rove_session::{CallId, MediaPorts};

use super::{Media, outside::Open};
use crate::places::{self, Place};

/// Where else the media of a call may leave from.
#[derive(Default)]
pub(super) struct Elsewhere {
    /// The address that leads to the other side, and the others.
    places: Vec<Place>,
    /// Which of them is used.
    used: usize,
    /// A move that the peer has yet to agree to: to which, and why.
    moving: Option<(usize, Complaint)>,
    /// When the last one was, and how long the next has to wait at least.
    last: Option<(Instant, Duration)>,
}

impl Elsewhere {
    /// Begins a move to the next place. Answers whether there is one that may be better, and it is time.
    fn begin(&mut self, now: Instant, complaint: Complaint) -> bool {
        let wait = self.last.map(|(at, wait)| (now.since(at), wait));
        // Where nothing comes from after a move, nobody stays.
        let back = complaint.cause == Cause::Silence && wait.is_some_and(|(since, _)| since < WORTHLESS);
        let rests = wait.is_some_and(|(since, wait)| since < wait) && !back;
        if self.places.len() < 2 || self.moving.is_some() || rests || complaint.compared {
            return false;
        }
        let next = if back { self.used + self.places.len() - 1 } else { self.used + 1 };
        self.moving = Some((next % self.places.len(), complaint));
        true
    }

    /// The peer has agreed, or not. Answers from and to where the move was, and why.
    fn end(&mut self, now: Instant, agreed: bool) -> Option<(usize, usize, Complaint)> {
        let (to, complaint) = self.moving.take()?;
        let soon = self.last.filter(|(at, wait)| now.since(*at) < wait.saturating_mul(4));
        let wait = soon.map_or(SHORTEST, |(_, wait)| wait.saturating_mul(2).min(LONGEST));
        self.last = Some((now, wait));
        let from = self.used;
        self.used = if agreed { to } else { from };
        agreed.then_some((from, to, complaint))
    }
}

impl Media {
    /// How bad the ways of calls that begin from now on may be.
    pub(in crate::driver) fn tolerate(&mut self, tolerance: Tolerance) {
        self.tolerance = tolerance;
    }

    /// What is put up with in a call with somebody who has one of these names.
    pub(super) fn tolerance_with(&self, names: [&str; 2]) -> Tolerance {
        let is_one = |address: &str| names.iter().any(|name| names_same(name, address));
        let own = self.tolerances.iter().find(|(address, _)| is_one(address));
        own.map_or(self.tolerance, |(_, tolerance)| *tolerance)
    }

    /// Opens an RTP and an RTCP port on `ip`, for a peer that SIP reaches from `signalling`, and ports on other addresses that
    /// checks may find a way from, of all interfaces if this phone is `anywhere`; those opened for the call before are closed.
    /// A call that moves elsewhere gets them there.
    pub(in crate::driver) fn open(
        &mut self,
        call: CallId,
        ip: IpAddr,
        signalling: SocketAddr,
        anywhere: bool,
    ) -> Result<MediaPorts, String> {
        let others = places::others(ip, &self.addresses, self.everywhere && anywhere);
        let all: Vec<_> = core::iter::once(Place::at(ip)).chain(others).collect();
        let entry = self.calls.entry(call).or_default();
        let moving = entry.elsewhere.moving.map(|(to, _)| to);
        let main = moving.and_then(|to| entry.elsewhere.places.get(to)).unwrap_or(&all[0]).clone();
        if moving.is_none() {
            let same = all.iter().filter(|place| place.ip().is_ipv4() == ip.is_ipv4()).cloned();
            entry.elsewhere = Elsewhere { places: same.collect(), ..Elsewhere::default() };
        }
        let (rtp, rtcp) = main.bind_pair().map_err(|error| error.to_string())?;
        let plain = MediaPorts::plain(rtp.local_addr(), rtcp.local_addr(), signalling);
        let mut sockets = vec![rtp, rtcp];
        if self.fingerprint.is_some() {
            let others = all.iter().filter(|place| place.ip() != main.ip());
            sockets.extend(others.filter_map(|place| place.bind().ok()));
        }
        let others = sockets.iter().skip(2).map(net::UdpSocket::local_addr);
        let addresses: Vec<_> = core::iter::once(plain.rtp).chain(others).collect();
        let draw = |print| LocalPath::draw(&addresses, print, &mut self.entropy);
        let path = self.fingerprint.map(draw);
        entry.open = Open::new(sockets);
        Ok(MediaPorts { path, ..plain })
    }

    /// Whether media may leave from all interfaces.
    pub(in crate::driver) const fn everywhere(&self) -> bool {
        self.everywhere
    }

    /// The address that a running call has told its peer.
    pub(in crate::driver) fn leaves_from(&self, call: CallId) -> Option<IpAddr> {
        let entry = self.calls.get(&call).filter(|entry| entry.running)?;
        let plan = entry.plan.as_ref()?;
        plan.routes().first().map(|route| route.rtp.local.ip())
    }

    /// The last seconds of a call were bad, and the media path knows no better way. Answers whether its media are to leave from
    /// elsewhere: where the user has asked for something, and there is another address. Where ways were compared, those from the
    /// other addresses are among them.
    pub(in crate::driver) fn seeks(&mut self, call: CallId, with: [&str; 2], complaint: Complaint) -> bool {
        let wants = self.tolerance_with(with).is_asked_for() || !self.addresses.is_empty();
        let now = self.clock.mono();
        let entry = self.calls.get_mut(&call).filter(|entry| entry.running && wants);
        entry.is_some_and(|entry| entry.elsewhere.begin(now, complaint))
    }

    /// The other side knows where media of a call leave from now, or has refused that: then the ports there are closed. Answers
    /// what has come of it, once.
    pub(in crate::driver) fn moved(&mut self, call: CallId, agreed: bool) -> Option<Rerouted> {
        let now = self.clock.mono();
        let entry = self.calls.get_mut(&call)?;
        if entry.elsewhere.moving.is_some() && !agreed {
            entry.open = Open::default();
        }
        let (from, to, complaint) = entry.elsewhere.end(now, agreed)?;
        let name = |place: usize| RouteId(u32::try_from(place).unwrap_or(u32::MAX));
        let kind = |place: usize| if place == 0 { RouteKind::Direct } else { RouteKind::Other };
        let checked = entry.plan.as_ref().is_some_and(|plan| plan.ice().is_some());
        let to_kind = (!checked).then(|| kind(to));
        let rerouted = Rerouted {
            from: name(from),
            to: name(to),
            kinds: [entry.left.route.or(Some(kind(from))), to_kind],
            cause: complaint.cause,
            suspected: complaint.second.at,
            decided: now,
            gap: None,
            lost: None,
        };
        entry.left.rerouted.push(rerouted);
        entry.left.route = to_kind.or(entry.left.route);
        Some(rerouted)
    }
}

/// Whether a name of somebody, as it is dialled or told, is this address: with its scheme, parameters and brackets or without.
fn names_same(name: &str, address: &str) -> bool {
    let bare = |text: &str| {
        let text = text.rsplit_once('<').map_or(text, |(_, inner)| inner);
        let text = text.trim_end_matches('>');
        let text =
            ["sips:", "sip:", "tel:"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
        text.split([';', '?', '>']).next().unwrap_or(text).to_ascii_lowercase()
    };
    bare(name) == bare(address)
}

/// Where nothing comes so soon after a move, it was to nowhere.
const WORTHLESS: Duration = Duration::from_secs(8);
/// Between two moves at least,
const SHORTEST: Duration = Duration::from_secs(30);
/// and at most, when they follow each other.
const LONGEST: Duration = Duration::from_secs(480);

#[cfg(test)]
mod tests {
    use rove_base::{Band, Quality};

    use super::*;

    fn complaint(cause: Cause) -> Complaint {
        Complaint { cause, second: Quality::nothing(Instant::ZERO, Band::Narrow), compared: false }
    }

    fn places() -> Elsewhere {
        let places = [1, 2].map(|host| Place::at([127, 0, 0, host].into()));
        Elsewhere { places: places.into(), ..Elsewhere::default() }
    }

    #[test]
    fn a_call_moves_once_and_then_not_for_a_while_unless_nothing_comes_there() {
        let at = |secs| Instant::ZERO + Duration::from_secs(secs);
        let mut call = places();
        assert!(call.begin(at(1), complaint(Cause::Loss)));
        assert!(!call.begin(at(1), complaint(Cause::Loss)), "one at a time");
        assert_eq!(call.end(at(2), true).map(|(from, to, _)| (from, to)), Some((0, 1)));
        assert!(!call.begin(at(20), complaint(Cause::Loss)));
        assert!(call.begin(at(40), complaint(Cause::Loss)));
        assert_eq!(call.end(at(40), true).map(|(from, to, _)| (from, to)), Some((1, 0)));
        assert!(!call.begin(at(90), complaint(Cause::Loss)), "twice as long");
        assert!(call.begin(at(101), complaint(Cause::Loss)));
        call.end(at(101), true);
        assert!(call.begin(at(104), complaint(Cause::Silence)), "back at once");
        assert_eq!(call.end(at(104), true).map(|(from, to, _)| (from, to)), Some((1, 0)));
    }

    #[test]
    fn who_refuses_keeps_the_call_where_it_is_and_with_one_address_nobody_is_asked() {
        let mut call = places();
        assert!(call.begin(Instant::ZERO, complaint(Cause::Delay)));
        assert!(call.end(Instant::ZERO, false).is_none());
        assert_eq!(call.used, 0);
        let compared = Complaint { compared: true, ..complaint(Cause::Loss) };
        assert!(!places().begin(Instant::ZERO, compared), "ways from all places are known");
        let mut alone = Elsewhere { places: vec![Place::at([127, 0, 0, 1].into())], ..Elsewhere::default() };
        assert!(!alone.begin(Instant::ZERO, complaint(Cause::Delay)));
    }

    #[test]
    fn somebody_is_known_by_address_however_it_is_written() {
        for name in [
            "bob@example.com",
            "sip:bob@Example.com",
            "\"Bob\" <sip:bob@example.com;ob>",
            "<sips:bob@example.com>",
        ] {
            assert!(names_same(name, "bob@example.com"), "{name}");
        }
        assert!(!names_same("sip:bobby@example.com", "bob@example.com"));
    }
}
