use super::*;
use crate::pool::{Range4, V4Config};

struct World {
    pool: KeaPool,
    now: Now,
    /// What Kea knows: client identifier and lifetime of each address.
    leases: BTreeMap<String, (String, u64)>,
    enabled: bool,
    events: Vec<Event>,
}

impl World {
    fn new() -> Self {
        let server = Ipv4Addr::new(10, 9, 0, 1);
        let v4 = V4Config {
            ranges: vec![Range4 { first: Ipv4Addr::new(10, 9, 0, 100), last: Ipv4Addr::new(10, 9, 0, 109) }],
            server,
            prefix_len: 24,
            router: None,
            dns: Vec::new(),
            server_port: 67,
            client_port: 68,
            to_source: false,
        };
        let (name_ttl, patience) = (Duration::from_secs(5), Duration::from_secs(30));
        let config = PoolConfig { v4: Some(v4), v6: None, name_ttl, patience };
        let pool = KeaPool::new(config, 1, Entropy::from_number(1)).unwrap();
        let mut world =
            Self { pool, now: Now::default(), leases: BTreeMap::new(), enabled: true, events: Vec::new() };
        world.pool.tick(world.now);
        world.drain();
        world
    }

    fn drain(&mut self) {
        let mut out = Scratch::default();
        loop {
            match self.pool.poll(&mut out) {
                Step::Event(Event::Commit(change)) => self.pool.committed(self.now, change.id, true),
                Step::Event(event) => self.events.push(event),
                _ => return,
            }
        }
    }

    /// Kea does what it is told until there is no more.
    fn settle(&mut self) -> usize {
        let mut count = 0;
        while let Some(command) = self.pool.command(self.now) {
            assert_eq!(self.pool.command(self.now), None, "one at a time");
            let command: Value = serde_json::from_str(&command).unwrap();
            match command["command"].as_str().unwrap() {
                "dhcp-disable" => self.enabled = false,
                "dhcp-enable" => self.enabled = true,
                "lease4-update" => {
                    let told = &command["arguments"];
                    let text = |name: &str| told[name].as_str().unwrap().to_owned();
                    assert_eq!(
                        (told["subnet-id"].as_u64(), told["force-create"].as_bool()),
                        (Some(1), Some(true))
                    );
                    self.leases
                        .insert(text("ip-address"), (text("client-id"), told["valid-lft"].as_u64().unwrap()));
                }
                other => panic!("{other}"),
            }
            assert!(!self.enabled || self.leases.len() == 10, "Kea serves with a free address");
            self.pool.answered(self.now, Some(br#"{"result": 0, "text": "done"}"#));
            count += 1;
        }
        count
    }

    fn lease_of(&self, address: Ipv4Addr) -> &(String, u64) {
        &self.leases[&address.to_string()]
    }
}

fn imsi() -> Imsi {
    "001010000000001".parse().unwrap()
}

const TOKEN: Token = Token([0xaa; 16]);

#[test]
fn kea_serves_nobody_before_every_address_belongs_to_a_secret() {
    let mut world = World::new();
    assert_eq!(world.pool.reserve(world.now, imsi()), Err(Full));
    assert_eq!(world.settle(), 12);
    assert!(world.enabled && world.pool.is_serving());
    let secrets: BTreeSet<_> = world.leases.values().map(|(client, secs)| (client.clone(), *secs)).collect();
    assert!(secrets.len() == 10 && secrets.iter().all(|(_, secs)| *secs == u64::from(u32::MAX)));
    assert!(world.pool.reserve(world.now, imsi()).is_ok());
}

#[test]
fn an_address_is_the_tokens_only_while_its_stay_is_bound() {
    let mut world = World::new();
    world.settle();
    let address = world.pool.reserve(world.now, imsi()).unwrap().v4.unwrap();
    let free = world.lease_of(address).clone();
    world.pool.grant(world.now, TOKEN, imsi());
    world.drain();
    assert_eq!(world.events, [Event::Requested { holder: imsi(), host_name: None }]);
    assert_eq!((world.settle(), world.lease_of(address)), (0, &free), "not before it is durable");

    world.pool.bound(world.now, imsi(), 120);
    assert_eq!(world.settle(), 1);
    assert_eq!(*world.lease_of(address), (["aa"; 16].join(":"), 120));
    world.pool.release(world.now, imsi());
    assert_eq!(world.settle(), 1);
    let (client, secs) = world.lease_of(address);
    assert!(*client != free.0 && !client.contains("aa:aa") && *secs == u64::from(u32::MAX), "a new secret");
}

#[test]
fn a_stay_that_runs_out_is_withdrawn_from_kea() {
    let mut world = World::new();
    world.settle();
    let address = world.pool.reserve(world.now, imsi()).unwrap().v4.unwrap();
    world.pool.grant(world.now, TOKEN, imsi());
    world.pool.bound(world.now, imsi(), 120);
    world.settle();
    world.now = world.now.later(Duration::from_secs(120));
    world.pool.tick(world.now);
    world.drain();
    assert!(world.events.contains(&Event::Expired { holder: imsi() }));
    assert_eq!((world.settle(), world.lease_of(address).1), (1, u64::from(u32::MAX)));
}

#[test]
fn a_lease_lasts_as_long_as_its_stay() {
    let mut world = World::new();
    world.settle();
    let address = world.pool.reserve(world.now, imsi()).unwrap().v4.unwrap();
    world.pool.grant(world.now, TOKEN, imsi());
    world.pool.bound(world.now, imsi(), 120);
    world.settle();
    let mut told = 0;
    for _ in 0..60 {
        world.now = world.now.later(Duration::from_secs(10));
        world.pool.tick(world.now);
        world.drain();
        told += world.settle();
    }
    assert!(!world.events.contains(&Event::Expired { holder: imsi() }));
    assert_eq!((told, world.lease_of(address).1), (10, 120), "every minute of ten");
    world.pool.release(world.now, imsi());
    world.settle();
    assert_eq!(world.lease_of(address).1, u64::from(u32::MAX));
}

#[test]
fn a_kea_that_fails_is_asked_again_after_a_second_and_told_all_anew() {
    for answer in [None, Some(&b"{\"result\": 1}"[..]), Some(b"no json"), Some(b"[]"), Some(b"{}")] {
        let mut world = World::new();
        world.settle();
        let address = world.pool.reserve(world.now, imsi()).unwrap().v4.unwrap();
        world.pool.grant(world.now, TOKEN, imsi());
        world.pool.bound(world.now, imsi(), 120);
        assert!(world.pool.command(world.now).is_some());
        world.pool.answered(world.now, answer);
        assert_eq!((world.pool.command(world.now), world.pool.failures()), (None, 1));
        world.leases.clear();
        world.now = world.now.later(PAUSE);
        assert_eq!(world.settle(), 12, "{answer:?}");
        assert_eq!(world.lease_of(address).1, 120);
    }
}

#[test]
fn what_changes_while_a_command_is_under_way_is_not_lost() {
    let mut world = World::new();
    world.settle();
    let address = world.pool.reserve(world.now, imsi()).unwrap().v4.unwrap();
    world.pool.grant(world.now, TOKEN, imsi());
    world.pool.bound(world.now, imsi(), 120);
    assert!(world.pool.command(world.now).is_some());
    world.pool.release(world.now, imsi());
    world.pool.answered(world.now, Some(b"{\"result\": 0}"));
    assert_eq!((world.settle(), world.lease_of(address).1), (1, u64::from(u32::MAX)));
}
