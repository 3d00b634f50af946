use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

use rove_base::{Entropy, Instant, Now};
use rove_dns::{
    lookup::{self, LookupError, Query, Resolver, ResolverConfig},
    server,
    tsig::TsigKey,
    updater::{self, Updater, UpdaterConfig},
};
use rove_io::journal::FaultyStorage;
use zeroize::Zeroizing;

use crate::{
    DnsHost, Handle, Impairments, Jitter, Loss, MachineHost, Spread, WallError, World,
    dns::{home, home_key, zone},
};

const SERVER: &str = "192.0.2.53:53";
const BOB: &str = "bob.home.example";

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn updater_host(address: &str, key: TsigKey) -> MachineHost<Updater> {
    let local = SocketAddr::new(ip(address), 40_000);
    let config = UpdaterConfig::new(SERVER.parse().unwrap(), local, key);
    MachineHost::new(Updater::new(config, Entropy::from_number(1)), vec![local.ip()])
}

/// A name server, someone who publishes names and someone who looks them up, 10 ms apart.
struct Town {
    world: World,
    server: Handle<DnsHost>,
    owner: Handle<MachineHost<Updater>>,
    asker: Handle<MachineHost<Resolver>>,
}

impl Town {
    fn new(seed: u64, server: DnsHost) -> Self {
        Self::with_link(seed, server, Impairments::delay(ms(10)))
    }

    fn with_link(seed: u64, server: DnsHost, link: Impairments) -> Self {
        let mut world = World::new(seed);
        world.set_default_link(link);
        let server = world.add("ns", server);
        let owner = world.add("bob", updater_host("192.0.2.1", home_key()));
        let local = SocketAddr::new(ip("192.0.2.2"), 40_000);
        let config = ResolverConfig::new(vec![SERVER.parse().unwrap()], vec![local]);
        let resolver = Resolver::new(config, Entropy::from_number(seed));
        let asker = world.add("alice", MachineHost::new(resolver, vec![local.ip()]));
        Self { world, server, owner, asker }
    }

    fn publish(&mut self, name: &str, addresses: &[&str], port: Option<u16>) -> Option<updater::Event> {
        let addresses = addresses.iter().map(|text| ip(text)).collect();
        self.ask(self.owner, |updater, now| updater.publish(now, name, addresses, port))
    }

    fn withdraw(&mut self, name: &str) -> Option<updater::Event> {
        self.ask(self.owner, |updater, now| updater.withdraw(now, name))
    }

    /// Lets an updater do something; answers what came of it within a minute.
    fn ask(
        &mut self,
        owner: Handle<MachineHost<Updater>>,
        action: impl FnOnce(&mut Updater, Now),
    ) -> Option<updater::Event> {
        let before = self.world.get(owner).events.len();
        self.world.act(owner, |host, now| action(&mut host.machine, now));
        self.world.wait_for(Duration::from_secs(60), |world| world.get(owner).events.len() > before);
        self.world.get(owner).events.get(before).map(|(_, event)| event.clone())
    }

    fn look_up(&mut self, begin: impl FnOnce(&mut Resolver, Now)) -> lookup::Event {
        let before = self.world.get(self.asker).events.len();
        self.world.act(self.asker, |host, now| begin(&mut host.machine, now));
        let asker = self.asker;
        assert!(self.world.wait_for(Duration::from_secs(60), |world| world.get(asker).events.len() > before));
        self.world.get(self.asker).events[before].1.clone()
    }

    /// The SIP addresses of a name, or why there are none.
    fn find(&mut self, host: &str) -> Result<Vec<String>, LookupError> {
        let query = Query { host: host.to_owned(), port: None, transport: None, secure: false };
        match self.look_up(|resolver, now| {
            resolver.forget();
            resolver.sip(now, query);
        }) {
            lookup::Event::Found { candidates, .. } => {
                Ok(candidates.iter().map(|one| one.address.to_string()).collect())
            }
            lookup::Event::Failed { error, .. } => Err(error),
            other => panic!("{other:?}"),
        }
    }

    fn names_of(&mut self, address: &str) -> Vec<String> {
        match self.look_up(|resolver, now| {
            resolver.forget();
            resolver.reverse(now, ip(address));
        }) {
            lookup::Event::Found { candidates, .. } => candidates.into_iter().map(|one| one.name).collect(),
            _ => Vec::new(),
        }
    }
}

fn server() -> DnsHost {
    DnsHost::new(home(), vec![ip("192.0.2.53")])
}

fn published(reverse: &[&str]) -> Option<updater::Event> {
    Some(updater::Event::Published {
        name: BOB.into(),
        reverse: reverse.iter().map(|text| ip(text)).collect(),
    })
}

fn gone() -> Result<Vec<String>, LookupError> {
    Err(LookupError::NoSuchName { name: BOB.into() })
}

#[test]
fn a_name_is_published_found_forward_and_backward_moved_and_withdrawn() {
    let mut town = Town::new(1, server());
    assert_eq!(town.find(BOB), gone());
    let before = town.world.now().mono;
    assert_eq!(
        town.publish(BOB, &["192.0.2.1", "2001:db8::1"], Some(5_070)),
        published(&["192.0.2.1", "2001:db8::1"])
    );
    assert_eq!(town.world.now().mono.since(before), ms(40), "two round trips");
    assert_eq!(town.find(BOB), Ok(vec!["[2001:db8::1]:5070".into(), "192.0.2.1:5070".into()]));
    assert_eq!(town.names_of("192.0.2.1"), [BOB]);
    assert_eq!(town.names_of("2001:db8::1"), [BOB]);

    assert_eq!(town.publish(BOB, &["198.51.100.7"], Some(5_070)), published(&["198.51.100.7"]));
    assert_eq!(town.find(BOB), Ok(vec!["198.51.100.7:5070".into()]));
    assert_eq!(town.names_of("192.0.2.1"), [""; 0]);
    assert_eq!(town.names_of("198.51.100.7"), [BOB]);

    assert_eq!(town.withdraw(BOB), Some(updater::Event::Withdrawn { name: BOB.into() }));
    assert_eq!(town.find(BOB), gone());
    assert_eq!(town.names_of("198.51.100.7"), [""; 0]);
}

#[test]
fn resolving_a_call_takes_one_round_trip() {
    let mut town = Town::new(1, server());
    town.publish(BOB, &["192.0.2.1"], Some(5_070));
    let before = town.world.now().mono;
    assert_eq!(town.find(BOB), Ok(vec!["192.0.2.1:5070".into()]));
    assert_eq!(town.world.now().mono.since(before), ms(20));
}

#[test]
fn an_answer_waits_for_the_disk() {
    let mut town = Town::new(1, server().syncing_in(ms(100)));
    let before = town.world.now().mono;
    assert_eq!(town.publish(BOB, &["203.0.113.1"], None), published(&["203.0.113.1"]));
    let took = town.world.now().mono.since(before);
    assert!(took >= ms(140), "{took:?}");
}

#[test]
fn names_are_kept_on_a_bad_network_too() {
    let jitter = Jitter { spread: Spread::Gamma { mean: ms(15), shape: 1.0 }, correlation: 0.3 };
    let bad =
        Impairments::delay(ms(30)).with_jitter(jitter).with_loss(Loss::Independent(0.1)).with_duplicates(0.2);
    for seed in 0..20 {
        let host = server().syncing_in(ms(20));
        let mut town = Town::with_link(seed, host, bad.clone());
        for (turn, address) in ["192.0.2.1", "198.51.100.7", "203.0.113.9"].into_iter().enumerate() {
            match town.publish(BOB, &[address], Some(5_070)) {
                Some(updater::Event::Published { .. }) => {}
                other => panic!("seed {seed} turn {turn}: {other:?}"),
            }
            assert_eq!(town.find(BOB), Ok(vec![format!("{address}:5070")]), "seed {seed}");
        }
        assert_eq!(town.withdraw(BOB), Some(updater::Event::Withdrawn { name: BOB.into() }), "seed {seed}");
        assert_eq!(town.find(BOB), gone(), "seed {seed}");
    }
}

#[test]
fn a_wrong_key_is_refused_and_changes_nothing() {
    let secret = |text: &[u8]| Zeroizing::new(text.to_vec());
    let unknown = TsigKey::new("eve.example", secret(b"a secret of thirty-two bytes, yes")).unwrap();
    let guessed = TsigKey::new("phones.home.example", secret(b"another secret of thirty-three bt")).unwrap();
    for (key, expected) in [
        (unknown, "the server does not know this key"),
        (guessed, "the server holds another secret for this key"),
    ] {
        let mut town = Town::new(1, server());
        let eve = town.world.add("eve", updater_host("192.0.2.66", key));
        let outcome = town.ask(eve, |updater, now| updater.publish(now, BOB, vec![ip("192.0.2.66")], None));
        match outcome {
            Some(updater::Event::Refused { why, .. }) => assert_eq!(why, expected),
            other => panic!("{other:?}"),
        }
        assert_eq!(town.find(BOB), gone());
        let told = &town.world.get(town.server).events;
        assert!(told.iter().all(|(_, event)| matches!(event, server::Event::Refused { .. })), "{told:?}");
    }
}

#[test]
fn a_clock_that_is_wrong_by_more_than_five_minutes_is_told() {
    let hour = Duration::from_secs(3_600);
    for (error, fine) in [
        (WallError::Ahead(hour), false),
        (WallError::Behind(hour), false),
        (WallError::Ahead(Duration::from_secs(200)), true),
        (WallError::Behind(Duration::from_secs(200)), true),
    ] {
        let mut town = Town::new(1, server());
        town.world.set_wall_error(town.owner, error);
        match town.publish(BOB, &["192.0.2.1"], None) {
            Some(updater::Event::Published { .. }) if fine => {}
            Some(updater::Event::Refused { why, .. }) if !fine => {
                assert!(why.starts_with("the clock of this host is 3600 s "), "{why}");
            }
            other => panic!("{error:?}: {other:?}"),
        }
    }
}

#[test]
fn a_late_withdrawal_of_an_old_home_leaves_the_new_one_alone() {
    let mut town = Town::new(1, server());
    town.publish(BOB, &["192.0.2.1"], Some(5_070));
    let elsewhere = town.world.add("bob elsewhere", updater_host("198.51.100.7", home_key()));
    let moved =
        town.ask(elsewhere, |updater, now| updater.publish(now, BOB, vec![ip("198.51.100.7")], Some(5_070)));
    assert_eq!(moved, published(&["198.51.100.7"]));
    assert_eq!(town.withdraw(BOB), Some(updater::Event::Superseded { name: BOB.into() }));
    assert_eq!(town.find(BOB), Ok(vec!["198.51.100.7:5070".into()]));
    assert_eq!(town.names_of("198.51.100.7"), [BOB]);
    assert_eq!(town.names_of("192.0.2.1"), [""; 0]);
}

#[test]
fn an_answer_too_long_for_a_datagram_comes_over_tcp() {
    let mut config = home();
    let lines: Vec<String> = (1..=100).map(|n| format!("big A 192.0.2.{n}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    config.zones[0] = zone("home.example", &lines);
    let mut town = Town::new(1, DnsHost::new(config, vec![ip("192.0.2.53")]));
    assert_eq!(town.find("big.home.example").map(|found| found.len()), Ok(32), "as many as are of use");
    town.world.run_for(ms(100));
    let streams = town.world.trace().lines().iter().filter(|line| line.contains("ns stream"));
    assert!(streams.count() >= 3, "connected, question, closed");
}

#[test]
fn one_seed_gives_one_trace_of_the_town() {
    let day = |seed| {
        let bad = Impairments::delay(ms(30)).with_loss(Loss::Independent(0.2)).with_duplicates(0.1);
        let mut town = Town::with_link(seed, server().syncing_in(ms(5)), bad);
        town.publish(BOB, &["192.0.2.1"], Some(5_070));
        town.find(BOB).ok();
        town.withdraw(BOB);
        town.world.trace().hash()
    };
    assert_eq!(day(1), day(1));
    assert_ne!(day(1), day(2));
}

/// Publishes names one after the other until the server's disk fails after `operations`; answers those acknowledged.
fn publish_until_the_crash(town: &mut Town, names: &[&str]) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for (name, last) in names.iter().zip(1..) {
        let address = format!("192.0.2.{last}");
        match town.publish(name, &[&address], Some(5_070)) {
            Some(updater::Event::Published { .. }) => acknowledged.push((*name).to_owned()),
            Some(updater::Event::Unreachable { .. }) => break,
            other => panic!("{name}: {other:?}"),
        }
    }
    acknowledged
}

#[test]
fn after_a_crash_at_any_write_what_was_acknowledged_is_there_and_the_rest_is_absent_or_whole() {
    const NAMES: [&str; 3] = ["a.home.example", "b.home.example", "c.home.example"];
    let mut crashes = 0;
    for operations in 2.. {
        let disk = FaultyStorage::new().crash_after(operations);
        let host = server().on_disk(disk.clone()).syncing_in(ms(3));
        let mut town = Town::new(operations, host);
        let acknowledged = publish_until_the_crash(&mut town, &NAMES);
        if acknowledged.len() == NAMES.len() && town.world.get(town.server).server().is_some() {
            break;
        }
        crashes += 1;
        let at_risk = disk.at_risk();
        for survive in 0..=at_risk {
            let rebooted = server().on_disk(disk.reboot(survive));
            let mut after = Town::new(1, rebooted);
            for (name, last) in NAMES.iter().zip(1..) {
                let whole = Ok(vec![format!("192.0.2.{last}:5070")]);
                let found = after.find(name);
                let absent = Err(LookupError::NoSuchName { name: (*name).to_owned() });
                let known = acknowledged.iter().any(|one| one == name);
                assert!(
                    found == whole || (!known && found == absent),
                    "{name} after {operations} operations and {survive} of {at_risk} bytes: {found:?}"
                );
            }
        }
    }
    assert!(crashes >= 6, "a write and a sync for each of at least three commits, but {crashes} crashes");
}

#[test]
fn a_server_whose_disk_fails_a_sync_changes_nothing_more_but_answers() {
    let disk = FaultyStorage::new().fail_sync_after(2);
    let mut town = Town::new(1, server().on_disk(disk));
    let first = town.publish("a.home.example", &["203.0.113.1"], None);
    let second = town.publish("b.home.example", &["203.0.113.2"], None);
    let refused = |event: &Option<updater::Event>| matches!(event, Some(updater::Event::Refused { .. }));
    assert!(refused(&first) || refused(&second), "{first:?} {second:?}");
    assert!(refused(&second));
    assert_eq!(town.find("b.home.example"), Err(LookupError::NoSuchName { name: "b.home.example".into() }));
    assert!(town.world.now().mono > Instant::ZERO);
}

#[test]
fn a_server_that_was_off_is_found_again_by_those_who_wait() {
    let mut town = Town::new(1, server());
    town.publish(BOB, &["192.0.2.1"], Some(5_070));
    let server = town.server;
    town.world.act(server, |host, _| host.crash());
    town.world.break_streams(server);
    let back = town.world.now().mono + Duration::from_secs(2);
    town.world.at(back, move |world| world.act(server, |host, _| host.reboot(0)));
    assert_eq!(town.find(BOB), Ok(vec!["192.0.2.1:5070".into()]));
    assert!(town.world.now().mono >= back);
}
