//! What a registration costs in memory, and a question in time, without the wire.

use std::{
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use rove_base::{Arrival, Entropy, Machine as _, Now, Scratch, Step, StreamId, Transport, UnixTime};
use rove_irmv::{
    Attestation, Claim, Contact, Frames, Identifier, Message, Proof, Record, Registry, RegistryLimits,
    Status, UserKey,
    server::{Server, ServerConfig},
};
use rove_node::SignatureFile;

/// One that can be found by all four identifiers. Its signatures are as long as real ones.
fn record(user: u32) -> Record {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&user.to_be_bytes());
    let claim = Claim {
        key,
        sequence: 1,
        expires: UnixTime::from_secs(1_800_000_000 + u64::from(user % 3_600)),
        status: Status::Online,
        listed: false,
        name: format!("user{user}@a.example").parse().unwrap(),
        number: rove_irmv::Number::new(46_700_000_000 + u64::from(user)),
        fixed: Some(std::net::Ipv6Addr::from(u128::from(user) + (0x2001 << 112)).into()),
        contacts: vec![Contact { transport: Transport::Udp, address: ([192, 0, 2, 1], 5_060).into() }],
    };
    let attestation =
        Attestation { number: Proof::Attested, fixed: Proof::Routable, server: [0; 32], signature: [7; 64] };
    Record { claim, signature: [7; 64], attestation }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
}

/// Whether this is a process in which `test` is alone: what it needs is not what others have left. Where it is not, makes one,
/// which has to pass.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let output =
        Command::new(program).args(["--exact", test, "--nocapture"]).env(ALONE, "1").output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    false
}

const ALONE: &str = "ROVE_TEST_ALONE";

/// What each of so many registrations takes, in bytes, and that they are found.
fn bytes_each(users: u32, mut registry: Registry) -> u64 {
    let before = resident_bytes();
    let start = Instant::now();
    for user in 0..users {
        registry.put(&record(user)).unwrap();
    }
    let put = start.elapsed();
    let each = (resident_bytes() - before) / u64::from(users);
    let start = Instant::now();
    for user in (0..users).step_by(7) {
        let name = format!("user{user}@a.example").parse().unwrap();
        let found = registry.find(&Identifier::Name(name)).unwrap();
        assert_eq!((found.claim.contacts.len(), found.signature), (1, [7; 64]));
    }
    let (found, count) = (start.elapsed(), users.div_ceil(7));
    let rate = |count: u32, time: std::time::Duration| f64::from(count) / time.as_secs_f64();
    println!(
        "{users} registrations of {each} bytes each, {:.1} million in a GiB; {:.0} put and {:.0} found a second",
        f64::from(1 << 30) / each as f64 / 1e6,
        rate(users, put),
        rate(count, found),
    );
    each
}

fn registry() -> Registry {
    let limits = RegistryLimits { records: 10_000_000, bytes: 4 << 30 };
    Registry::new(limits, &UserKey::from_seed(&[1; 32]), &mut Entropy::from_number(1))
}

/// Just past a growth of every table and of the slots, the short form would tell of nothing but that.
fn users(long: u32) -> u32 {
    if std::env::var_os("ROVE_PROVE").is_some() { long } else { 110_000 }
}

#[test]
fn three_million_registrations_with_four_indexes_fit_into_a_gibibyte() {
    if !is_alone("figures::three_million_registrations_with_four_indexes_fit_into_a_gibibyte") {
        return;
    }
    let _alone = alone();
    let each = bytes_each(users(3_000_000), registry());
    assert!(each <= (1 << 30) / 3_000_000, "{each} bytes");
}

#[test]
fn five_million_fit_with_their_signatures_in_a_file() {
    if !is_alone("figures::five_million_fit_with_their_signatures_in_a_file") {
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let file = SignatureFile::create(&folder.path().join("signatures")).unwrap();
    let each = bytes_each(users(5_000_000), registry().with_shelf(Box::new(file)));
    assert!(each <= (1 << 30) / 5_000_000, "{each} bytes");
}

/// Memory is that of the whole program: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_server_answers_each_of_many_questions_that_come_together() {
    let _alone = alone();
    let rounds = if std::env::var_os("ROVE_PROVE").is_some() { 20_000 } else { 500 };
    let key = UserKey::from_seed(&[1; 32]);
    let mut config = ServerConfig::open("a.example");
    config.limits.questions = u32::MAX;
    let mut server = Server::new(config, key.clone(), Entropy::from_number(1));
    for user in 0..10_000 {
        let Record { claim, signature, .. } = record(user);
        let record = Record::attest(claim, signature, (Proof::Attested, Proof::Routable), &key);
        assert_eq!(server.replay(&record.encode()), Ok(true));
    }
    let now = Now { wall: UnixTime::from_secs(1_799_999_000), ..Now::default() };
    let (stream, end) = (StreamId(1), ([127, 0, 0, 1], 1).into());
    let transport = Transport::Quic;
    server.handle(now, Arrival::Connected { stream, local: end, remote: end, transport });
    let hello = Frames::frame(&Message::Hello { server: None }.encode());
    server.handle(now, Arrival::Stream { stream, bytes: &hello });
    let question = |user: u32| {
        let name = format!("user{}@a.example", user % 10_000).parse().unwrap();
        Frames::frame(&Message::Query { id: user, identifier: Identifier::Name(name), asker: None }.encode())
    };
    let batches: Vec<Vec<u8>> =
        (0..64).map(|at| (0..200).flat_map(|user| question(at * 151 + user)).collect()).collect();
    let (mut out, mut answered, mut bytes_out) = (Scratch::default(), 0_u64, 0);
    let start = Instant::now();
    for round in 0..rounds {
        server.handle(now, Arrival::Stream { stream, bytes: &batches[round % 64] });
        loop {
            match server.poll(&mut out) {
                Step::Send(transmit) => bytes_out += transmit.range.len(),
                Step::Wait(_) => break,
                _ => {}
            }
        }
        out.clear();
        answered += 200;
    }
    let took = start.elapsed();
    println!(
        "{:.0} look-ups a second, {:.0} MB/s of answers",
        answered as f64 / took.as_secs_f64(),
        bytes_out as f64 / 1e6 / took.as_secs_f64()
    );
    assert!(bytes_out as u64 > answered * 230, "each is answered with a record: {bytes_out} bytes");
}
