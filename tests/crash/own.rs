//! Changes of an owner's own: one journal record for what the owner remembers and what its names mean, over two zones,
//! between signed updates.

use std::net::IpAddr;

use rove_base::{Entropy, Machine as _};
use rove_dns::{
    server::Server,
    update::OwnSet,
    zones::{Record, ZoneConfig},
};
use rove_io::journal::{FaultyStorage, Log};

use super::names::{Deed, NOW, arrival, drain, key, name, update};

/// A home or visited network: its zones, and who is bound where.
struct Owner {
    server: Server,
    /// What the owner itself remembers: the number of the last binding it was told of.
    bound: Vec<u8>,
}

/// One thing that happens.
#[derive(Clone, Copy)]
enum Happening {
    /// Somebody's signed update.
    Signed(Deed),
    /// A host gets an address of its own, or loses all.
    Bind(&'static str, Option<u8>),
}

use Happening::{Bind, Signed};

/// What waits for the disk together.
const GROUPS: &[&[Happening]] = &[
    &[Bind("bob", Some(1))],
    &[Signed(("bob", Some(2))), Bind("bob", Some(3)), Signed(("alice", Some(4)))],
    &[Bind("alice", Some(5)), Bind("bob", None)],
    &[Bind("carol", Some(6)), Signed(("carol", None)), Bind("carol", Some(7))],
];

fn server() -> Server {
    let zone = |origin: &str| ZoneConfig {
        origin: name(origin),
        primary: name("ns.home.example"),
        hostmaster: name("hostmaster.home.example"),
        ttl: 60,
        negative_ttl: 1,
        records: Vec::new(),
    };
    let zones = vec![zone("home.example"), zone("127.in-addr.arpa")];
    Server::new(rove_dns::server::ServerConfig::new(zones, vec![key()])).unwrap()
}

/// What an owner visibly holds.
type State = (Vec<Record>, Vec<Record>, Vec<u8>);

impl Owner {
    fn new() -> Self {
        Self { server: server(), bound: Vec::new() }
    }

    fn state(&self) -> State {
        let zone = |origin: &str| self.server.zones().get(&name(origin)).unwrap().records();
        (zone("home.example"), zone("127.in-addr.arpa"), self.bound.clone())
    }

    /// The records that one thing asks for, and the owner's number in them.
    fn happen(&mut self, id: u16, happening: Happening) -> Pending {
        match happening {
            Signed(deed) => {
                self.server.handle(NOW, arrival(&update(id, deed)));
                let drained = drain(&mut self.server);
                let record = [&[0][..], &drained.records[0]].concat();
                Pending { record, ticket: drained.newest.unwrap(), bound: None }
            }
            Bind(host, last) => {
                let addresses: Vec<IpAddr> = last.map(|last| [127, 0, 0, last].into()).into_iter().collect();
                let host = name(&format!("{host}.home.example"));
                let mut sets = OwnSet::addresses(&host, 5, &addresses).to_vec();
                sets.extend(addresses.iter().map(|address| OwnSet::ptr(*address, 5, Some(&host))));
                let (part, token) = self.server.stage_own(&sets).unwrap();
                let number = last.unwrap_or_default();
                let record = [&[1, number][..], &part].concat();
                Pending { record, ticket: token.ticket(), bound: Some(number) }
            }
        }
    }

    fn durable(&mut self, pending: &Pending) {
        self.server.handle(NOW, rove_base::Arrival::Durable { ticket: pending.ticket });
        self.bound.extend(pending.bound);
        drain(&mut self.server);
    }

    fn replay(&mut self, record: &[u8]) {
        match record {
            [0, part @ ..] => assert!(self.server.replay(part).unwrap()),
            [1, number, part @ ..] => {
                assert!(self.server.replay(part).unwrap());
                self.bound.push(*number);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A record on its way to the disk.
struct Pending {
    record: Vec<u8>,
    ticket: rove_base::Ticket,
    bound: Option<u8>,
}

/// How far an owner came before its disk failed: acknowledged, and asked for.
fn run(disk: &FaultyStorage, states: &[State]) -> (usize, usize) {
    let (mut acknowledged, mut asked) = (0, 0);
    let Ok((mut log, _)) = Log::open(disk.clone(), &mut Entropy::from_number(1)) else { return (0, 0) };
    let mut owner = Owner::new();
    for group in GROUPS {
        let before = owner.state();
        let mut waiting = Vec::new();
        for happening in *group {
            waiting.push(owner.happen(u16::try_from(asked).unwrap(), *happening));
            asked += 1;
        }
        assert_eq!(owner.state(), before, "nothing shows before it is durable");
        if log.commit(waiting.iter().map(|pending| pending.record.as_slice())).is_err() {
            break;
        }
        for pending in waiting {
            owner.durable(&pending);
            acknowledged += 1;
            if let Some(expected) = states.get(acknowledged) {
                assert_eq!(owner.state(), *expected, "after {acknowledged}");
            }
        }
    }
    (acknowledged, asked)
}

/// What an owner holds after each thing that happened, one by one.
fn states() -> Vec<State> {
    let mut owner = Owner::new();
    let mut states = vec![owner.state()];
    for (id, happening) in (0..).zip(GROUPS.concat()) {
        let pending = owner.happen(id, happening);
        owner.durable(&pending);
        states.push(owner.state());
    }
    states
}

#[test]
fn a_binding_and_its_names_in_two_zones_survive_any_crash_together_or_not_at_all() {
    let states = states();
    let faultless = FaultyStorage::new();
    assert_eq!(run(&faultless, &states).0, GROUPS.concat().len());
    let mut crashes = 0;
    for operation in 0..=faultless.operations() {
        for longest_write in [usize::MAX, 13] {
            let disk = FaultyStorage::new().write_at_most(longest_write).crash_after(operation);
            let (acknowledged, asked) = run(&disk, &states);
            disk.crash();
            for survive in 0..=disk.at_risk() {
                let (_, replay) = Log::open(disk.reboot(survive), &mut Entropy::from_number(2)).unwrap();
                let (mut owner, mut count) = (Owner::new(), 0);
                for record in replay {
                    owner.replay(&record);
                    count += 1;
                }
                let what = format!("operation {operation}, {survive} bytes survive");
                assert!((acknowledged..=asked).contains(&count), "{what}: {acknowledged} {count} {asked}");
                assert_eq!(owner.state(), states[count], "{what}: exactly the first {count}");
                crashes += 1;
            }
        }
    }
    println!("{crashes} crashes");
    assert!(crashes > 1_000, "every byte of every write was a place to crash: {crashes}");
}
