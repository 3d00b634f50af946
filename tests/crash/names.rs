//! Updates of names, the journal, and a disk that forgets.

use rove_base::{Arrival, Entropy, Flow, Instant, Machine as _, Now, Scratch, Step, Ticket, UnixTime};
use rove_dns::{
    server::{Server, ServerConfig},
    tsig::{TsigKey, sign},
    wire::Name,
    zones::{Record, ZoneConfig},
};
use rove_io::journal::{FaultyStorage, Log};
use zeroize::Zeroizing;

pub(super) const NOW: Now = Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_700_000_000) };
const NOERROR: u8 = 0;

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn key() -> TsigKey {
    let secret = Zeroizing::new(vec![7; 32]);
    TsigKey::new("update.home.example", secret).unwrap().allowing(name("home.example"))
}

fn server() -> Server {
    let zone = ZoneConfig {
        origin: name("home.example"),
        primary: name("ns.home.example"),
        hostmaster: name("hostmaster.home.example"),
        ttl: 60,
        negative_ttl: 5,
        records: Vec::new(),
    };
    Server::new(ServerConfig::new(vec![zone], vec![key()])).unwrap()
}

/// What a server visibly holds.
fn state(server: &Server) -> Vec<Record> {
    server.zones().get(&name("home.example")).unwrap().records()
}

/// One update: delete everything at a name, or add an address to it.
pub(super) type Deed = (&'static str, Option<u8>);

/// Groups of updates that wait for the disk together. Names come, move, go and come back.
const GROUPS: &[&[Deed]] = &[
    &[("bob", Some(1))],
    &[("bob", None), ("bob", Some(2)), ("alice", Some(3))],
    &[("alice", None)],
    &[("a.b.c", Some(4)), ("b.c", Some(5))],
    &[("bob", None), ("alice", Some(6)), ("a.b.c", None)],
];

pub(super) fn update(id: u16, (host, address): Deed) -> Vec<u8> {
    let mut message = [id, 0x2800, 1, 0, 1, 0].map(u16::to_be_bytes).concat();
    message.extend_from_slice(name("home.example").as_wire());
    message.extend_from_slice(&[0, 6, 0, 1]);
    message.extend_from_slice(name(&format!("{host}.home.example")).as_wire());
    match address {
        Some(last) => message.extend_from_slice(&[0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 127, 0, 0, last]),
        None => message.extend_from_slice(&[0, 255, 0, 255, 0, 0, 0, 0, 0, 0]),
    }
    sign(&mut message, &key(), NOW.wall, None);
    message
}

pub(super) fn arrival(bytes: &[u8]) -> Arrival<'_> {
    let flow = Flow::udp("127.0.0.1:53".parse().unwrap(), "127.0.0.1:4000".parse().unwrap());
    Arrival::Datagram { flow, bytes }
}

/// What one drain of the server brought.
#[derive(Default)]
pub(super) struct Drained {
    rcodes: Vec<u8>,
    pub(super) records: Vec<Vec<u8>>,
    pub(super) newest: Option<Ticket>,
}

pub(super) fn drain(server: &mut Server) -> Drained {
    let (mut scratch, mut drained) = (Scratch::default(), Drained::default());
    loop {
        match server.poll(&mut scratch) {
            Step::Send(transmit) => drained.rcodes.push(scratch.get(transmit.range)[3] & 0x0f),
            Step::Append(append) => {
                drained.records.push(scratch.get(append.range).to_vec());
                drained.newest = Some(append.ticket);
            }
            Step::Wait(_) => return drained,
            _ => {}
        }
    }
}

/// What must be true of any disk after the crash.
struct Expected {
    /// The zone after 0, 1, 2… updates.
    states: Vec<Vec<Record>>,
    /// How many were acknowledged.
    acknowledged: usize,
    /// How many had been sent.
    sent: usize,
}

/// Updates a server until its disk fails. `states` are those of a server whose disk does not.
fn run(disk: &FaultyStorage, states: &[Vec<Record>]) -> Expected {
    let (mut acknowledged, mut sent) = (0, 0);
    let mut entropy = Entropy::from_number(1);
    if let Ok((mut log, _)) = Log::open(disk.clone(), &mut entropy) {
        let mut server = server();
        for group in GROUPS {
            let before = state(&server);
            for deed in *group {
                let id = u16::try_from(sent).unwrap();
                server.handle(NOW, arrival(&update(id, *deed)));
                sent += 1;
            }
            let drained = drain(&mut server);
            assert_eq!(drained.rcodes, [], "nothing is acknowledged before it is durable");
            assert_eq!(state(&server), before, "nor visible");
            if log.commit(drained.records.iter().map(Vec::as_slice)).is_err() {
                break;
            }
            server.handle(NOW, Arrival::Durable { ticket: drained.newest.unwrap() });
            assert_eq!(drain(&mut server).rcodes, vec![NOERROR; group.len()]);
            acknowledged += group.len();
            if let Some(expected) = states.get(acknowledged) {
                assert_eq!(state(&server), *expected, "and then both");
            }
        }
    }
    Expected { states: states.to_vec(), acknowledged, sent }
}

/// The zone after each update, one by one.
fn states() -> Vec<Vec<Record>> {
    let mut server = server();
    let mut states = vec![state(&server)];
    for (id, deed) in (0..).zip(GROUPS.concat()) {
        server.handle(NOW, arrival(&update(id, deed)));
        let ticket = drain(&mut server).newest.unwrap();
        server.handle(NOW, Arrival::Durable { ticket });
        drain(&mut server);
        states.push(state(&server));
    }
    states
}

fn check(disk: FaultyStorage, expected: &Expected, what: &str) {
    let (_, replay) = Log::open(disk, &mut Entropy::from_number(2)).unwrap();
    let mut server = server();
    let mut count = 0;
    for record in replay {
        assert!(server.replay(&record).unwrap(), "{what}");
        count += 1;
    }
    let (acknowledged, sent) = (expected.acknowledged, expected.sent);
    assert!((acknowledged..=sent).contains(&count), "{what}: {acknowledged} <= {count} <= {sent}");
    assert_eq!(state(&server), expected.states[count], "{what}: exactly the first {count} updates");
    for (id, deed) in (0..).zip(GROUPS.concat()).take(count) {
        server.handle(NOW, arrival(&update(id, deed)));
        assert!(drain(&mut server).records.is_empty(), "{what}: a repeat is refused after the restart too");
    }
}

#[test]
fn a_crash_at_any_write_leaves_acknowledged_names_there_and_others_absent_or_whole() {
    let states = states();
    let faultless = FaultyStorage::new();
    let all = run(&faultless, &states);
    assert_eq!(all.acknowledged, GROUPS.concat().len());
    let mut crashes = 0;
    for operation in 0..=faultless.operations() {
        for longest_write in [usize::MAX, 11] {
            let disk = FaultyStorage::new().write_at_most(longest_write).crash_after(operation);
            let expected = run(&disk, &states);
            disk.crash();
            for survive in 0..=disk.at_risk() {
                let what =
                    format!("operation {operation}, writes of {longest_write}, {survive} bytes survive");
                check(disk.reboot(survive), &expected, &what);
                crashes += 1;
            }
        }
    }
    println!("{crashes} crashes");
    assert!(crashes > 1_000, "every byte of every write was a place to crash: {crashes}");
}

#[test]
fn what_a_failed_sync_lost_was_never_acknowledged() {
    let states = states();
    for sync in 0..=GROUPS.len() as u64 {
        let disk = FaultyStorage::new().fail_sync_after(sync);
        let expected = run(&disk, &states);
        disk.crash();
        for survive in 0..=disk.at_risk() {
            check(disk.reboot(survive), &expected, &format!("sync {sync} failed, {survive} bytes survive"));
        }
    }
}
