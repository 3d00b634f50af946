//! The machine: names, what was published under them, and the changes on their way.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use hickory_proto::rr::Name;
use rove_base::{Arrival, Entropy, Flow, Machine, Now, Scratch, Step, UdpFlow};

use super::{
    Event, Rcode, UpdaterConfig,
    message::{Change, Publication},
    request::{Means, Outcome, Request, Terms},
};
use crate::{
    outbox::Outbox,
    query::{parse_name, plain},
    wire::rcode,
};

/// Publishes and withdraws names at one server. One datagram socket, which it can share: datagrams that answer nothing
/// it sent are ignored.
///
/// Wishes for one name are fulfilled one after the other; of several that wait, only the last counts.
#[derive(Debug)]
pub struct Updater {
    now: Now,
    terms: Terms,
    zone: Option<Name>,
    entropy: Entropy,
    entries: BTreeMap<Name, Entry>,
    out: Outbox<Event>,
}

#[derive(Debug, Default)]
struct Entry {
    /// The name as the owner wrote it.
    label: String,
    /// What the server holds, or may hold, because of us.
    published: Option<Publication>,
    task: Option<Task>,
    next: Option<Wish>,
}

#[derive(Debug)]
enum Wish {
    Publish(Publication),
    Withdraw,
}

#[derive(Debug)]
struct Task {
    withdraws: bool,
    /// What stands when the server refuses.
    before: Option<Publication>,
    /// The forward change is the first; those of the reverse zones run beside it.
    requests: Vec<Request>,
    forward: Option<Outcome>,
    reverse: Vec<IpAddr>,
}

impl Updater {
    /// An updater that has published nothing yet.
    #[must_use]
    pub fn new(config: UpdaterConfig, entropy: Entropy) -> Self {
        let UpdaterConfig { server, local, key, zone, ttl, timeout, attempts } = config;
        let terms = Terms {
            flow: UdpFlow { local, remote: server },
            key,
            ttl: u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX),
            timeout,
            attempts: attempts.max(1),
        };
        Self {
            now: Now::default(),
            terms,
            zone: zone.as_deref().and_then(parse_name),
            entropy,
            entries: BTreeMap::new(),
            out: Outbox::new(FIRST_STREAM),
        }
    }

    /// Makes `name` have exactly these addresses and, with a port, be the SIP host of itself (`_sip._udp` SRV). Where
    /// the server holds the reverse zones, the addresses lead back to the name.
    pub fn publish(&mut self, now: Now, name: &str, addresses: Vec<IpAddr>, sip_port: Option<u16>) {
        self.note(now);
        if addresses.is_empty() || addresses.len() > MAX_ADDRESSES {
            let why = format!("a name needs 1 to {MAX_ADDRESSES} addresses");
            return self.refuse(name, why);
        }
        self.wish(name, Wish::Publish(Publication { addresses, sip_port }));
    }

    /// Takes away what [`Updater::publish`] has published, and only that. Once anyone has changed the addresses it
    /// leaves them alone, and tells so with [`Event::Superseded`].
    pub fn withdraw(&mut self, now: Now, name: &str) {
        self.note(now);
        self.wish(name, Wish::Withdraw);
    }

    /// The network has changed: requests leave from `local` from now on.
    pub const fn rebind(&mut self, local: SocketAddr) {
        self.terms.flow.local = local;
    }

    fn note(&mut self, now: Now) {
        self.now = Now { mono: self.now.mono.max(now.mono), wall: now.wall };
    }

    fn refuse(&mut self, name: &str, why: String) {
        self.out.event(Event::Refused { name: name.to_owned(), code: Rcode(rcode::FORMERR), why });
    }

    fn wish(&mut self, label: &str, wish: Wish) {
        let Some(name) = parse_name(label) else {
            return self.refuse(label, "not a valid name".to_owned());
        };
        if self.entries.len() >= MAX_NAMES && !self.entries.contains_key(&name) {
            return self.refuse(label, format!("more than {MAX_NAMES} names"));
        }
        let entry = self.entries.entry(name.clone()).or_default();
        label.clone_into(&mut entry.label);
        entry.next = Some(wish);
        self.start(&name);
    }

    /// Starts the wish that waits for `name`, unless another is being fulfilled.
    fn start(&mut self, name: &Name) {
        let Some(entry) = self.entries.get_mut(name).filter(|entry| entry.task.is_none()) else { return };
        let before = entry.published.clone();
        let changes = match (entry.next.take(), &before) {
            (Some(Wish::Publish(new)), _) => {
                let changes = publishing(name, before.as_ref(), &new);
                entry.published = Some(new);
                changes
            }
            (Some(Wish::Withdraw), Some(old)) => withdrawing(name, old),
            (Some(Wish::Withdraw), None) => {
                let name = core::mem::take(&mut entry.label);
                self.out.event(Event::Withdrawn { name });
                Vec::new()
            }
            (None, _) => Vec::new(),
        };
        if changes.is_empty() {
            if entry.published.is_none() {
                self.entries.remove(name);
            }
            return;
        }
        let withdraws = matches!(changes.first(), Some(Change::Remove { .. }));
        let zone = self.zone.as_ref().filter(|zone| zone.zone_of(name));
        let requests = changes.into_iter().map(|change| {
            let forward = matches!(change, Change::Replace { .. } | Change::Remove { .. });
            Request::new(change, zone.filter(|_| forward).cloned())
        });
        let requests = requests.collect();
        entry.task = Some(Task { withdraws, before, requests, forward: None, reverse: Vec::new() });
        self.with_requests(name, |_| true, Request::send);
    }

    /// Lets the requests of a name that `which` picks take a step, and ends the task when all have ended.
    fn with_requests(
        &mut self,
        name: &Name,
        which: impl Fn(&Request) -> bool,
        mut step: impl FnMut(&mut Request, &mut Means<'_>) -> Option<Outcome>,
    ) {
        let Some(task) = self.entries.get_mut(name).and_then(|entry| entry.task.as_mut()) else { return };
        let mut means =
            Means { now: self.now, terms: &self.terms, entropy: &mut self.entropy, out: &mut self.out };
        let mut ended = Vec::new();
        task.requests.retain_mut(|request| {
            let outcome = if which(request) { step(request, &mut means) } else { None };
            let goes_on = outcome.is_none();
            ended.extend(outcome.map(|outcome| (request.change.clone(), outcome)));
            goes_on
        });
        for (change, outcome) in ended {
            match change {
                Change::Replace { .. } | Change::Remove { .. } => task.forward = Some(outcome),
                Change::Point { ip, .. } if outcome == Outcome::Done => task.reverse.push(ip),
                Change::Point { .. } | Change::Unpoint { .. } => {}
            }
        }
        if task.requests.is_empty() {
            self.finish(name);
        }
    }

    fn finish(&mut self, name: &Name) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        let Some(task) = entry.task.take() else { return };
        let label = entry.label.clone();
        let event = match task.forward.unwrap_or(Outcome::Silent) {
            Outcome::Done if task.withdraws => {
                entry.published = None;
                Event::Withdrawn { name: label }
            }
            Outcome::Done => Event::Published { name: label, reverse: task.reverse },
            Outcome::Superseded => {
                entry.published = None;
                Event::Superseded { name: label }
            }
            Outcome::NotHeld(code) => {
                entry.published = task.before;
                let why = format!("the server does not hold the zone of {}", plain(name));
                Event::Refused { name: label, code, why }
            }
            Outcome::Refused(code, why) => {
                entry.published = task.before;
                Event::Refused { name: label, code, why }
            }
            // It may have been done all the same: a withdrawal will tell.
            Outcome::Silent => Event::Unreachable { name: label, server: self.terms.flow.remote },
        };
        self.out.event(event);
        self.start(name);
    }
}

fn publishing(name: &Name, before: Option<&Publication>, new: &Publication) -> Vec<Change> {
    let had_service = before.is_some_and(|before| before.sip_port.is_some());
    let mut changes = vec![Change::Replace { name: name.clone(), new: new.clone(), had_service }];
    let left =
        before.into_iter().flat_map(|before| &before.addresses).filter(|ip| !new.addresses.contains(ip));
    changes.extend(left.map(|ip| Change::Unpoint { ip: *ip, from: name.clone() }));
    changes.extend(new.addresses.iter().map(|ip| Change::Point { ip: *ip, to: name.clone() }));
    changes
}

fn withdrawing(name: &Name, old: &Publication) -> Vec<Change> {
    let mut changes = vec![Change::Remove { name: name.clone(), old: old.clone() }];
    changes.extend(old.addresses.iter().map(|ip| Change::Unpoint { ip: *ip, from: name.clone() }));
    changes
}

impl Machine for Updater {
    type Input<'a> = Arrival<'a>;
    type Event = Event;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.note(now);
        let Arrival::Datagram { flow: Flow::Udp(flow), bytes } = input else { return };
        if flow.remote != self.terms.flow.remote {
            return;
        }
        let tasks =
            self.entries.iter().filter_map(|(name, entry)| entry.task.as_ref().map(|task| (name, task)));
        let concerned = tasks.filter(|(_, task)| task.requests.iter().any(|request| request.expects(bytes)));
        for name in concerned.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.with_requests(
                &name,
                |request| request.expects(bytes),
                |request, means| request.on_datagram(bytes, means),
            );
        }
    }

    fn tick(&mut self, now: Now) {
        self.note(now);
        let now = self.now.mono;
        let due = |entry: &Entry| {
            entry
                .task
                .as_ref()
                .is_some_and(|task| task.requests.iter().any(|request| request.deadline <= now))
        };
        let names: Vec<Name> =
            self.entries.iter().filter(|(_, entry)| due(entry)).map(|(name, _)| name.clone()).collect();
        for name in names {
            self.with_requests(&name, |request| request.deadline <= now, Request::on_deadline);
        }
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<Event> {
        if let Some(step) = self.out.pop(out) {
            return step;
        }
        let tasks = self.entries.values().filter_map(|entry| entry.task.as_ref());
        Step::Wait(tasks.flat_map(|task| &task.requests).map(|request| request.deadline).min())
    }
}

/// Streams of this machine would have even names from here on; it opens none yet.
const FIRST_STREAM: u64 = 2 << 40;
/// Addresses of one name: as many as surely fit one datagram.
const MAX_ADDRESSES: usize = 16;
/// Names of one updater.
const MAX_NAMES: usize = 1_024;
