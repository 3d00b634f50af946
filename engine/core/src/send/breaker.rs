//! Stops sending when the path cannot bear it or nobody listens: the circuit breakers of RFC 8083.
//!
//! Four conditions, each watched over [`INTERVAL`]. RFC 8083 §4.3 counts reporting intervals so that they span ten round
//! trips and at least about fifteen seconds; with reports once a second that is the same.
//!
//! One leniency: a peer that never sent RTCP at all but whose media keep coming is taken for one that has none, as old
//! gateways are, and not for one that is gone (§4.1 would stop).

use core::time::Duration;

use rove_base::Instant;

/// Why sending stopped.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Tripped {
    /// The peer's reports no longer come (RFC 8083 §4.1).
    RtcpTimeout,
    /// The peer reports, and nothing that is sent reaches it (§4.2).
    MediaTimeout,
    /// More is sent, by a factor of ten, than a TCP flow would send under the same loss (§4.3).
    Congestion,
    /// What reaches the peer is no use to it (§4.4).
    Unusable,
}

/// What one report shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// When it came.
    pub at: Instant,
    /// Share of packets lost since the report before.
    pub loss: f32,
    /// Share of packets that came too late, if told.
    pub discarded: f32,
    /// Packets sent since the report before.
    pub sent: u64,
    /// Whether any of them arrived; `None` when the report does not tell.
    pub arrived: Option<bool>,
    /// Round-trip time.
    pub round_trip: Option<Duration>,
    /// Bits per second on the wire.
    pub rate: f64,
    /// Mean size of a packet on the wire, in bytes.
    pub packet_bytes: f64,
}

/// Watches one stream.
#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    /// Since when something is sent without a break.
    sending_since: Option<Instant>,
    reported_at: Option<Instant>,
    heard_at: Option<Instant>,
    /// Since when each condition holds.
    unheard: Option<Instant>,
    excess: Option<Instant>,
    useless: Option<Instant>,
    /// Loss, as a weighted mean over reports (RFC 8083 §4.3).
    loss: f64,
    tripped: Option<Tripped>,
}

impl Breaker {
    /// Nothing sent yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            sending_since: None,
            reported_at: None,
            heard_at: None,
            unheard: None,
            excess: None,
            useless: None,
            loss: 0.0,
            tripped: None,
        }
    }

    /// Why it has tripped; `None` while it has not. It stays so: to send again is for the owner to decide (§4.5).
    #[must_use]
    pub const fn tripped(&self) -> Option<Tripped> {
        self.tripped
    }

    /// A packet was sent.
    pub fn on_sent(&mut self, at: Instant) {
        self.sending_since.get_or_insert(at);
    }

    /// Nothing is sent for a while, because the call is held: what is not sent is not missed. The next packet begins anew.
    pub const fn pause(&mut self) {
        self.sending_since = None;
        self.unheard = None;
        self.excess = None;
        self.useless = None;
    }

    /// A packet of the peer's media came.
    pub fn on_heard(&mut self, at: Instant) {
        self.heard_at = Some(at);
    }

    /// A report about what was sent came. `true` when that trips it.
    pub fn on_report(&mut self, shown: &Shown) -> bool {
        self.reported_at = Some(shown.at);
        if shown.sent == 0 {
            return false;
        }
        self.loss += (f64::from(shown.loss) - self.loss) * LOSS_WEIGHT;
        let held = |holds: bool, since: &mut Option<Instant>| {
            *since = holds.then(|| since.unwrap_or(shown.at));
            since.is_some_and(|since| shown.at.since(since) >= INTERVAL)
        };
        let unheard = held(shown.arrived == Some(false), &mut self.unheard);
        let excess = held(self.exceeds_tcp(shown), &mut self.excess);
        let useless = held(shown.loss + shown.discarded >= USELESS, &mut self.useless);
        let conditions =
            [(unheard, Tripped::MediaTimeout), (excess, Tripped::Congestion), (useless, Tripped::Unusable)];
        let found = conditions.into_iter().find_map(|(holds, why)| holds.then_some(why));
        self.trip(found)
    }

    /// Time passed. `true` when that trips it.
    pub fn on_time(&mut self, now: Instant) -> bool {
        let Some(since) = self.sending_since else { return false };
        let last = self.reported_at.map_or(since, |at| at.max(since));
        // Who never reported is given the benefit of its media.
        let last =
            if self.reported_at.is_none() { self.heard_at.map_or(last, |at| at.max(last)) } else { last };
        let silent = now.since(last) >= INTERVAL;
        self.trip(silent.then_some(Tripped::RtcpTimeout))
    }

    /// When [`Breaker::on_time`] may next matter.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        let since = self.sending_since.filter(|_| self.tripped.is_none())?;
        let heard = self.heard_at.filter(|_| self.reported_at.is_none());
        Some([self.reported_at, heard].into_iter().flatten().fold(since, Instant::max) + INTERVAL)
    }

    /// Whether more than ten times of what TCP would get is sent: X = 1.22 · s / (R · √p), the simplified equation that
    /// RFC 8083 §4.3 allows.
    fn exceeds_tcp(&self, shown: &Shown) -> bool {
        let Some(round_trip) = shown.round_trip.map(|time| time.as_secs_f64()).filter(|time| *time > 0.0)
        else {
            return false;
        };
        self.loss > 0.0 && {
            let tcp = 1.22 * shown.packet_bytes * 8.0 / (round_trip * self.loss.sqrt());
            shown.rate > 10.0 * tcp
        }
    }

    fn trip(&mut self, found: Option<Tripped>) -> bool {
        let new = self.tripped.is_none() && found.is_some();
        self.tripped = self.tripped.or(found);
        new
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new()
    }
}

/// A condition must hold for so long.
pub const INTERVAL: Duration = Duration::from_secs(15);
/// Weight of a report in the mean loss.
const LOSS_WEIGHT: f64 = 0.25;
/// With this share of the packets lost or late no protection makes speech of the rest.
const USELESS: f32 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    fn shown(seconds: u64) -> Shown {
        Shown {
            at: at(seconds),
            loss: 0.0,
            discarded: 0.0,
            sent: 50,
            arrived: Some(true),
            round_trip: Some(Duration::from_millis(100)),
            rate: 50_000.0,
            packet_bytes: 125.0,
        }
    }

    /// Why it trips, and after how many seconds of `report`, in a minute.
    fn tripped(report: impl Fn(u64) -> Option<Shown>) -> Option<(u64, Tripped)> {
        let mut breaker = Breaker::new();
        (1..60).find_map(|second| {
            breaker.on_sent(at(second));
            let by_report = report(second).is_some_and(|shown| breaker.on_report(&shown));
            let trips = breaker.on_time(at(second)) || by_report;
            trips.then(|| (second, breaker.tripped().unwrap()))
        })
    }

    #[test]
    fn each_condition_stops_the_stream_after_fifteen_seconds_and_not_before() {
        type Case = (&'static str, Option<Tripped>, fn(u64) -> Option<Shown>);
        let cases: [Case; 7] = [
            ("all is well", None, |second| Some(shown(second))),
            ("no reports at all", Some(Tripped::RtcpTimeout), |_| None),
            ("nothing arrives", Some(Tripped::MediaTimeout), |second| {
                Some(Shown { arrived: Some(false), ..shown(second) })
            }),
            ("far more than TCP would send", Some(Tripped::Congestion), |second| {
                Some(Shown { loss: 0.5, round_trip: Some(Duration::from_secs(2)), ..shown(second) })
            }),
            ("useless", Some(Tripped::Unusable), |second| Some(Shown { loss: 0.85, ..shown(second) })),
            ("loss that redundancy can bear", None, |second| Some(Shown { loss: 0.4, ..shown(second) })),
            ("an outage of ten seconds", None, |second| (!(20..30).contains(&second)).then(|| shown(second))),
        ];
        for (what, why, report) in cases {
            let found = tripped(report);
            assert_eq!(found.map(|found| found.1), why, "{what}");
            assert!(found.is_none_or(|found| (15..=18).contains(&found.0)), "{what}: {found:?}");
        }
    }

    #[test]
    fn a_peer_without_rtcp_whose_media_come_is_not_gone() {
        let mut breaker = Breaker::new();
        breaker.on_sent(at(1));
        for second in 1..60 {
            breaker.on_heard(at(second));
            assert!(!breaker.on_time(at(second)));
        }
        assert!(!breaker.on_time(at(70)) && breaker.on_time(at(75)));
        assert_eq!(breaker.tripped(), Some(Tripped::RtcpTimeout));
    }

    #[test]
    fn who_sends_nothing_is_not_stopped() {
        let mut breaker = Breaker::new();
        assert!(!breaker.on_time(at(100)) && breaker.next().is_none());
    }
}
