//! Against the built-in name server, by its own wire, in virtual time.

use std::collections::{BTreeMap, BTreeSet};

use rove_base::{ClosedBy, Transport, UnixTime};
use rove_dns::{
    server::{Server, ServerConfig},
    update::reverse_name,
    zones::ZoneConfig,
};

use super::*;

const MS: Duration = Duration::from_millis(1);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn a(host: &str, last: &[u8]) -> Vec<OwnSet> {
    let addresses: Vec<std::net::IpAddr> = last.iter().map(|last| [10, 0, 0, *last].into()).collect();
    OwnSet::addresses(&name(&format!("{host}.home.example")), 5, &addresses).into()
}

/// A keeper of names, its server, and what lies between them.
struct Scene {
    foreign: Foreign,
    server: Server,
    now: Now,
    /// Streams that stand.
    open: BTreeSet<StreamId>,
    /// Whether the server can be reached.
    up: bool,
    /// So many answers of the server are lost, their streams with them.
    lose: usize,
    results: BTreeMap<ForeignId, Result<(), ForeignError>>,
    /// Every update that was sent.
    sent: Vec<Vec<u8>>,
    /// What the server last said.
    said: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let key = || TsigKey::new("update.home.example", vec![7; 32].into()).unwrap();
        let zone = |origin: &str| ZoneConfig {
            origin: name(origin),
            primary: name("ns.home.example"),
            hostmaster: name("hostmaster.home.example"),
            ttl: 60,
            negative_ttl: 1,
            records: Vec::new(),
        };
        let zones = vec![zone("home.example"), zone("0.0.10.in-addr.arpa")];
        let allowed = key().allowing(name("home.example")).allowing(name("0.0.10.in-addr.arpa"));
        let config = ForeignConfig {
            server: "192.0.2.1:53".parse().unwrap(),
            zones: vec![name("home.example"), name("0.0.10.in-addr.arpa"), name("closed.example")],
            key: key(),
            patience: Duration::from_secs(5),
        };
        let wall = UnixTime::from_secs(1_800_000_000);
        Self {
            foreign: Foreign::new(config, Entropy::from_number(4)),
            server: Server::new(ServerConfig::new(zones, vec![allowed])).unwrap(),
            now: Now { mono: Instant::ZERO, wall },
            open: BTreeSet::new(),
            up: true,
            lose: 0,
            results: BTreeMap::new(),
            sent: Vec::new(),
            said: Vec::new(),
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now.mono.later(time);
        while self.now.mono < end {
            self.now = self.now.later(MS * 50);
            self.foreign.tick(self.now);
            self.drain();
        }
    }

    /// Until neither has anything to say.
    fn drain(&mut self) {
        let mut out = Scratch::default();
        loop {
            out.clear();
            match self.foreign.poll(&mut out) {
                Step::Connect(Connect { stream, remote, .. }) if self.up => {
                    let (local, transport) = ("192.0.2.9:999".parse().unwrap(), Transport::Tcp);
                    self.open.insert(stream);
                    self.server.handle(
                        self.now,
                        Arrival::Connected { stream, local: remote, remote: local, transport },
                    );
                    self.foreign.handle(self.now, Arrival::Connected { stream, local, remote, transport });
                }
                Step::Connect(Connect { stream, .. }) => self.close(stream, ClosedBy::Failure),
                Step::Send(Transmit { flow: Flow::Stream(stream), range, .. }) => {
                    let bytes = out.get(range).to_vec();
                    self.sent.push(bytes.clone());
                    self.serve_bytes(stream, &bytes);
                }
                Step::Close(stream) => drop(self.open.remove(&stream)),
                Step::Event(ForeignEvent { id, result }) => {
                    assert!(self.results.insert(id, result).is_none(), "told twice");
                }
                Step::Wait(_) => return,
                other => panic!("{other:?}"),
            }
        }
    }

    fn close(&mut self, stream: StreamId, by: ClosedBy) {
        self.open.remove(&stream);
        self.server.handle(self.now, Arrival::Closed { stream, by });
        self.foreign.handle(self.now, Arrival::Closed { stream, by });
    }

    fn serve_bytes(&mut self, stream: StreamId, bytes: &[u8]) {
        if !self.up || !self.open.contains(&stream) {
            return;
        }
        self.server.handle(self.now, Arrival::Stream { stream, bytes });
        let mut out = Scratch::default();
        loop {
            match self.server.poll(&mut out) {
                Step::Append(append) => {
                    self.server.handle(self.now, Arrival::Durable { ticket: append.ticket });
                }
                Step::Send(Transmit { flow: Flow::Stream(stream), range, .. }) => {
                    self.said = out.get(range).to_vec();
                    if self.lose > 0 {
                        self.lose -= 1;
                        self.close(stream, ClosedBy::Failure);
                        return;
                    }
                    let said = self.said.clone();
                    self.foreign.handle(self.now, Arrival::Stream { stream, bytes: &said });
                }
                Step::Wait(_) => return,
                _ => {}
            }
        }
    }

    fn set(&mut self, sets: Vec<OwnSet>) -> ForeignId {
        let id = self.foreign.set(self.now, sets);
        self.drain();
        id
    }

    /// Last bytes of the addresses that a host has at the server.
    fn there(&self, host: &str) -> Vec<u8> {
        let zone = self.server.zones().get(&name("home.example")).unwrap();
        let owner = name(&format!("{host}.home.example"));
        let all = zone.records().into_iter().filter(|record| record.name == owner);
        all.filter_map(|record| record.rdata.last().copied()).collect()
    }
}

#[test]
fn a_name_is_set_moved_and_taken_away_with_its_reverse() {
    let mut scene = Scene::new();
    let reverse = |name: Option<&Name>| OwnSet::ptr([10, 0, 0, 7].into(), 5, name);
    let id = scene.set(a("t1", &[7]).into_iter().chain([reverse(Some(&name("t1.home.example")))]).collect());
    assert_eq!(scene.results[&id], Ok(()));
    assert_eq!(scene.there("t1"), [7]);
    let zone = scene.server.zones().get(&name("0.0.10.in-addr.arpa")).unwrap();
    assert!(zone.records().iter().any(|record| record.name == reverse_name([10, 0, 0, 7].into())));
    let id = scene.set(a("t1", &[8]));
    assert_eq!((scene.results[&id].clone(), scene.there("t1")), (Ok(()), vec![8]));
    let id = scene.set(a("t1", &[]));
    assert_eq!((scene.results[&id].clone(), scene.there("t1")), (Ok(()), vec![]));
    assert!(scene.foreign.is_settled());
}

#[test]
fn changes_that_wait_go_together() {
    let mut scene = Scene::new();
    let now = scene.now;
    let ids: Vec<_> = (1..=90).map(|n| scene.foreign.set(now, a(&format!("t{n}"), &[n]))).collect();
    scene.drain();
    assert!(ids.iter().all(|id| scene.results[id] == Ok(())));
    assert!((1..=90).all(|n| scene.there(&format!("t{n}")) == [n]));
    // The first connects; then 48 names with both kinds of addresses each.
    assert_eq!(scene.foreign.counts().updates, 2);
}

#[test]
fn an_answer_that_is_lost_is_asked_for_again_and_the_change_made_once() {
    let mut scene = Scene::new();
    scene.set(a("t1", &[1]));
    scene.lose = 1;
    let id = scene.set(a("t1", &[2]));
    assert!(!scene.results.contains_key(&id));
    assert_eq!(scene.there("t1"), [2], "it was done, but who knows");
    scene.pass(Duration::from_secs(2));
    assert_eq!(scene.results[&id], Ok(()));
    assert_eq!((scene.there("t1"), scene.foreign.counts().differed), (vec![2], 1));
}

#[test]
fn an_unbinding_that_comes_late_does_no_harm() {
    let mut scene = Scene::new();
    scene.set(a("t1", &[1]));
    // It leaves, and the update is held up somewhere.
    scene.up = false;
    scene.set(a("t1", &[]));
    let late = scene.sent.last().unwrap().clone();
    scene.pass(Duration::from_secs(6));
    scene.up = true;
    scene.pass(Duration::from_secs(6));
    let id = scene.set(a("t1", &[2]));
    assert_eq!(scene.results[&id], Ok(()));
    let stream = *scene.open.first().unwrap();
    scene.serve_bytes(stream, &late);
    assert_eq!(scene.said[5] & 15, 8, "NXRRSET: it is not what it was");
    assert_eq!(scene.there("t1"), [2]);
}

#[test]
fn what_the_server_does_not_answer_has_failed_and_is_put_right_when_it_is_back() {
    let mut scene = Scene::new();
    scene.set(a("t1", &[1]));
    scene.lose = 100;
    let id = scene.set(a("t1", &[2]));
    assert_eq!(scene.there("t1"), [2], "which nobody may believe");
    scene.pass(Duration::from_secs(8));
    assert_eq!(scene.results[&id], Err(ForeignError::Silent));
    scene.lose = 0;
    scene.pass(Duration::from_secs(8));
    assert_eq!(scene.there("t1"), [1], "what was acknowledged last");
    assert_eq!(scene.foreign.counts().silent, 1);
}

#[test]
fn after_a_crash_names_are_as_the_registers_know_them() {
    let mut scene = Scene::new();
    scene.set(a("stale", &[1]));
    scene.set(a("kept", &[2]));
    let mut again = Scene::new();
    again.server = scene.server;
    again.foreign.expect(again.now, a("stale", &[]).into_iter().chain(a("kept", &[2])).collect());
    again.foreign.expect(again.now, a("lost", &[3]));
    again.drain();
    again.pass(Duration::from_secs(1));
    assert_eq!((again.there("stale"), again.there("kept"), again.there("lost")), (vec![], vec![2], vec![3]));
}

#[test]
fn one_refusal_among_many_changes_is_one() {
    let mut scene = Scene::new();
    let now = scene.now;
    // The server lets nobody change what belongs to the zone itself.
    let apex = OwnSet { rtype: 6, rdata: Vec::new(), ..a("x", &[]).remove(0) };
    let apex = OwnSet { name: name("home.example"), rdata: vec![vec![0].into()], ..apex };
    let good = scene.foreign.set(now, a("t1", &[1]));
    let bad = scene.foreign.set(now, vec![apex]);
    let other = scene.foreign.set(now, a("t2", &[2]));
    scene.drain();
    scene.pass(Duration::from_secs(3));
    assert_eq!((&scene.results[&good], &scene.results[&other]), (&Ok(()), &Ok(())));
    assert!(matches!(scene.results[&bad], Err(ForeignError::Refused(_))), "{:?}", scene.results[&bad]);
    let id = scene.set(vec![OwnSet { name: name("t1.elsewhere.example"), ..a("t1", &[1]).remove(0) }]);
    assert!(matches!(scene.results[&id], Err(ForeignError::NotHeld(_))));
}

#[test]
fn a_change_over_two_zones_is_undone_in_one_when_the_other_refuses() {
    let mut scene = Scene::new();
    let nowhere = OwnSet { name: name("t1.closed.example"), ..a("t1", &[1]).remove(0) };
    let sets = a("t1", &[1]).into_iter().chain([nowhere]).collect();
    let id = scene.set(sets);
    scene.pass(Duration::from_secs(10));
    assert!(scene.results[&id].is_err());
    assert_eq!(scene.there("t1"), Vec::<u8>::new());
}
