//! What was counted, in the text format of Prometheus.

use std::fmt::Write as _;

use rove_roam::{Refusals, attach::Reason, pool::Pool, private::sctp::SctpCounts, vlr::Vlr};

use super::{ForeignCounts, Roam};

/// What the node itself counts, beside its parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    /// Calls that were refused.
    pub(super) calls_refused: Refusals,
    /// Streams on the private network of networks without an agreement.
    pub(super) strangers: u64,
    /// Messages of partners that make no sense.
    pub(super) malformed: u64,
}

/// Every counter of a node, one a line.
pub(super) fn text(roam: &Roam) -> String {
    let mut text = String::new();
    let mut line = |name: &str, label: &str, value: &str, count: u64| {
        let _ = match label {
            "" => writeln!(text, "rove_{name} {count}"),
            label => writeln!(text, "rove_{name}{{{label}={value:?}}} {count}"),
        };
    };
    for (cause, count) in roam.server().counts().all() {
        line("names_refused_total", "cause", cause, count);
    }
    if let Some(home) = roam.home() {
        line("home_subscribers", "", "", home.subscribers().count() as u64);
        for (cause, count) in home.refusals().iter() {
            line("home_refused_total", "cause", &cause.to_string(), count);
        }
    }
    let counted = &roam.counted;
    for (cause, count) in [("no agreement", counted.strangers), ("malformed", counted.malformed)] {
        line("private_refused_total", "cause", cause, count);
    }
    if let Some(SctpCounts { strangers, malformed, forged }) = roam.sctp_counts() {
        for (cause, count) in [("strangers", strangers), ("malformed", malformed), ("forged", forged)] {
            line("sctp_dropped_total", "cause", cause, count);
        }
    }
    for (cause, count) in counted.calls_refused.iter() {
        line("calls_refused_total", "cause", &cause.to_string(), count);
    }
    if let Some(visited) = roam.visited() {
        of_visited(visited, &mut line);
    }
    if let Some(pool) = roam.pool() {
        of_pool(pool, &mut line);
    }
    for (who, foreign) in ["home", "visited"].iter().zip(roam.elsewhere()) {
        if let Some(foreign) = foreign {
            of_foreign(who, foreign.counts(), &mut line);
        }
    }
    if let Some(failures) = roam.kea_failures() {
        line("kea_failures_total", "", "", failures);
    }
    text
}

/// Whether a terminal is refused for this; what is left is why stays end.
fn refuses(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Home(_)
            | Reason::AuthenticationFailed
            | Reason::Distrusted
            | Reason::Protocol
            | Reason::Version
            | Reason::Timeout
            | Reason::UnknownTicket
    )
}

/// Takes name, label, its value, and the count.
type Line<'a> = dyn FnMut(&str, &str, &str, u64) + 'a;

fn of_visited(visited: &Vlr, line: &mut Line<'_>) {
    let metrics = visited.metrics();
    for (name, count) in [
        ("visited_streams_total", metrics.streams),
        ("visited_attached_total", metrics.attached),
        ("visited_moved_total", metrics.moved),
        ("visited_calls_allowed_total", metrics.calls_allowed),
        ("visited_calls_refused_total", metrics.calls_refused),
        ("visited_names_refused_total", metrics.names_refused),
        ("visited_foreign_orders_total", metrics.foreign_orders),
        ("visited_stale_orders_total", metrics.stale_orders),
        ("visited_renewals_total", metrics.renewals),
        ("visited_attaching", visited.attaching() as u64),
        ("visited_here", visited.holders().count() as u64),
    ] {
        line(name, "", "", count);
    }
    let others = metrics.refusals().filter(|(reason, _)| matches!(reason, Reason::Other(_)));
    let known = Reason::all().map(|reason| (reason, metrics.refused(reason)));
    for (reason, count) in known.filter(|(reason, count)| *count > 0 || refuses(*reason)).chain(others) {
        line("visited_refused_total", "reason", &reason.to_string(), count);
    }
    for (reason, count) in metrics.endings() {
        line("visited_ended_total", "reason", &reason.to_string(), count);
    }
}

fn of_foreign(who: &str, counted: ForeignCounts, line: &mut Line<'_>) {
    let ForeignCounts { updates, done, differed, refused, silent, crowded } = counted;
    line("elsewhere_updates_total", "names", who, updates);
    line("elsewhere_changes_total", "names", who, done);
    line("elsewhere_differed_total", "names", who, differed);
    for (cause, count) in [("refused", refused), ("silent", silent), ("crowded", crowded)] {
        line(&format!("elsewhere_{who}_refused_total"), "cause", cause, count);
    }
}

fn of_pool(pool: &Pool, line: &mut Line<'_>) {
    let (counted, now) = (pool.counters(), pool.occupancy());
    for (cause, count) in counted.by_cause() {
        line("pool_refused_total", "cause", cause, count);
    }
    for (state, count) in
        [("free", now.free), ("reserved", now.reserved), ("bound", now.bound), ("resting", now.resting)]
    {
        line("pool_addresses", "state", state, count as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rove_base::{
        Arrival, Entropy, Instant, Machine as _, Now, Scratch, Step, StreamId, Transport, UnixTime,
    };
    use rove_roam::{
        Cause, Challenge, Outcome,
        attach::{Identify, Response, Secret, ToNetwork},
        private::{PartnerId, Told},
        vlr::{Agreement, Agreements, Event, Input, Terms, VlrConfig},
    };

    use super::*;

    const HOME: PartnerId = PartnerId(0);

    /// A visited register, and terminals that are refused by it.
    struct Door {
        vlr: Vlr,
        now: Now,
        last: u64,
    }

    impl Door {
        fn new() -> Self {
            let agreement = Agreement {
                prefix: "00101".into(),
                partner: HOME,
                terms: Terms::Roaming,
                domains: Vec::new(),
            };
            let (network, title) = ("visited.example".parse().unwrap(), "46700000002".parse().unwrap());
            let config = VlrConfig::new(network, title, Agreements::new(vec![agreement]));
            let mut vlr = Vlr::new(config, Entropy::from_number(1));
            let now = Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_800_000_000) };
            vlr.start(now);
            vlr.handle(now, Input::Told(Told::Up(HOME)));
            Self { vlr, now, last: 1 }
        }

        fn stream(&mut self) -> StreamId {
            self.last += 2;
            let stream = StreamId(self.last);
            let (local, remote) = ("192.0.2.1:4043".parse().unwrap(), "192.0.2.9:999".parse().unwrap());
            let arrival = Arrival::Connected { stream, local, remote, transport: Transport::Tls };
            self.vlr.handle(self.now, Input::Arrival(arrival));
            stream
        }

        fn say(&mut self, stream: StreamId, message: &ToNetwork) {
            let message = message.encode();
            let length = u16::try_from(message.len()).unwrap().to_be_bytes();
            self.raw(stream, &[&length[..], &message].concat());
        }

        fn raw(&mut self, stream: StreamId, bytes: &[u8]) {
            self.vlr.handle(self.now, Input::Arrival(Arrival::Stream { stream, bytes }));
        }

        /// Says who it is; what the home is asked, it answers with `result`.
        fn identify(&mut self, imsi: &str, result: &Result<Outcome, Cause>) -> StreamId {
            let stream = self.stream();
            let identify = Identify { imsi: imsi.parse().unwrap(), name: None, call: None };
            self.say(stream, &ToNetwork::Identify(identify));
            let mut out = Scratch::default();
            loop {
                match self.vlr.poll(&mut out) {
                    Step::Event(Event::Ask { partner, id, .. }) => {
                        let told = Told::Answered { partner, id, result: result.clone() };
                        self.vlr.handle(self.now, Input::Told(told));
                    }
                    Step::Wait(_) => return stream,
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn every_cause_of_refusal_is_counted_once_and_shown_by_its_name() {
        let mut door = Door::new();
        let causes = Cause::ALL;
        let mut expected = HashSet::new();
        for cause in causes.into_iter().filter(|cause| *cause != Cause::NoAgreement) {
            door.identify("001010000000001", &Err(cause));
            expected.insert(Reason::Home(cause));
        }
        assert_eq!(expected.len(), 15, "all that a home can say");
        door.identify("001990000000001", &Err(Cause::SystemFailure));
        let stream = door.stream();
        door.raw(stream, &[0, 2, 1, 200]);
        let stream = door.stream();
        door.raw(stream, &[0, 2, 9, 1]);
        let stream = door.stream();
        let (imsi, ticket) = ("001010000000001".parse().unwrap(), Secret::draw(&mut Entropy::from_number(2)));
        door.say(stream, &ToNetwork::Moved { imsi, ticket });
        let challenge = Challenge::Ed25519 { nonce: [1; 32], public_key: [2; 32] };
        let challenge = || Ok(Outcome::AuthenticationInfo(vec![challenge.clone()]));
        let stream = door.identify("001010000000001", &challenge());
        door.say(stream, &ToNetwork::Response(Response::Ed25519([3; 64])));
        let stream = door.identify("001010000000001", &challenge());
        door.say(stream, &ToNetwork::Decline { reason: Reason::Distrusted });
        door.stream();
        door.now = door.now.later(core::time::Duration::from_secs(11));
        door.vlr.tick(door.now);
        expected.extend([
            Reason::Home(Cause::NoAgreement),
            Reason::Protocol,
            Reason::Version,
            Reason::UnknownTicket,
            Reason::AuthenticationFailed,
            Reason::Distrusted,
            Reason::Timeout,
        ]);
        let mut text = String::new();
        of_visited(&door.vlr, &mut |name, label, value, count| {
            let _ = writeln!(text, "{name} {label} {value:?} {count}");
        });
        for reason in &expected {
            let line = format!("visited_refused_total reason {:?} 1\n", reason.to_string());
            assert!(text.contains(&line), "{reason}: {text}");
        }
        assert_eq!(door.vlr.metrics().refusals().count(), expected.len(), "and no other: {text}");
        let missing: Vec<_> =
            Reason::all().filter(|reason| refuses(*reason) && !expected.contains(reason)).collect();
        assert_eq!(missing, [], "nobody has provoked these");
    }

    #[test]
    fn every_cause_for_which_dhcp_or_an_existing_server_says_no_has_a_line_of_its_own() {
        let mut lines = Vec::new();
        let counted = ForeignCounts { refused: 1, silent: 2, crowded: 3, ..ForeignCounts::default() };
        of_foreign("home", counted, &mut |name, _, value, count| {
            lines.push((name.to_owned(), value.to_owned(), count));
        });
        for (cause, count) in [("refused", 1), ("silent", 2), ("crowded", 3)] {
            assert!(
                lines.contains(&("elsewhere_home_refused_total".into(), cause.into(), count)),
                "{lines:?}"
            );
        }
    }
}
