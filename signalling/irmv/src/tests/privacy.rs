//! Who may see whom, and what a stranger cannot tell.

use std::time::Instant;

use rove_base::{Arrival, Entropy, Flow, Machine as _, Now, Scratch, Step, StreamId, Transport, UnixTime};

use super::world::{START, World, key};
use crate::{
    Frames, Identifier, Message, Name, Number, Proof, Reason, Record, Speaker, Status, UserKey,
    client::{ClientEvent, RequestId},
    server::{Account, Server, ServerConfig},
};

/// Where nobody is shown to whom it has not admitted.
fn discreet(domain: &str) -> ServerConfig {
    ServerConfig { shown_to_all: false, ..ServerConfig::open(domain) }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Alice and Carol of one operator, Bob of the other; all are there.
fn three() -> (World, usize, usize, usize) {
    let mut world = World::with(vec![discreet("a.example"), discreet("b.example")]);
    let all = [("alice", 0, "alice@a.example"), ("carol", 0, "carol@a.example"), ("bob", 1, "bob@b.example")];
    let clients = all.map(|(who, server, name)| {
        let client = world.client(who, server);
        world.register(client, world.presence(client, name));
        world.run(0.5);
        client
    });
    let [alice, carol, bob] = clients;
    (world, alice, carol, bob)
}

fn asks(world: &mut World, client: usize, about: &str) -> Result<Option<Box<Record>>, Reason> {
    let now = world.now;
    let asked = world.clients[client].machine.query(now, about.parse().unwrap());
    world.run(1.0);
    let answer = world.clients[client].events.drain(..).find_map(|event| match event {
        ClientEvent::Answer { id, result, .. } if id == asked => Some(result),
        _ => None,
    });
    answer.unwrap()
}

fn admits(world: &mut World, client: usize, whom: &str, may: bool) -> RequestId {
    let now = world.now;
    let id = world.clients[client].machine.admit(now, name(whom), may);
    world.run(1.0);
    id
}

fn seen(world: &mut World, client: usize) -> Vec<Option<Status>> {
    let seen = |event| match event {
        ClientEvent::Seen { record, .. } => Some(record.map(|record| record.claim.status)),
        _ => None,
    };
    world.clients[client].events.drain(..).filter_map(seen).collect()
}

#[test]
fn a_user_is_found_by_whom_it_admits_also_of_another_operator_and_by_nobody_else() {
    let (mut world, alice, carol, bob) = three();
    assert_eq!(asks(&mut world, alice, "bob@b.example"), Ok(None));
    let id = admits(&mut world, bob, "alice@a.example", true);
    let told = ClientEvent::Admitted { id, result: Ok(()) };
    assert_eq!(world.clients[bob].events.pop_back(), Some(told));
    let found = asks(&mut world, alice, "bob@b.example").unwrap().unwrap();
    assert_eq!(found.claim.uid(), key(bob).uid());
    assert_eq!(asks(&mut world, carol, "bob@b.example"), Ok(None));
    assert!(asks(&mut world, bob, "bob@b.example").unwrap().is_some(), "everybody sees himself");
    admits(&mut world, bob, "alice@a.example", false);
    assert_eq!(asks(&mut world, alice, "bob@b.example"), Ok(None));
}

#[test]
fn who_watches_sees_a_user_from_when_it_is_admitted_until_it_is_not() {
    let (mut world, alice, carol, bob) = three();
    for client in [alice, carol] {
        let now = world.now;
        world.clients[client].machine.watch(now, "bob@b.example".parse().unwrap());
    }
    world.run(1.0);
    admits(&mut world, bob, "alice@a.example", true);
    let mut presence = world.presence(bob, "bob@b.example");
    presence.status = Status::Busy;
    world.register(bob, presence);
    world.run(1.0);
    admits(&mut world, bob, "alice@a.example", false);
    assert_eq!(seen(&mut world, carol), [None], "and nothing when he changes");
    assert_eq!(seen(&mut world, alice), [None, Some(Status::Online), Some(Status::Busy), None]);
}

#[test]
fn whom_a_user_admits_is_kept_through_a_crash_and_belongs_to_the_user_and_not_to_the_name() {
    let (mut world, alice, _, bob) = three();
    admits(&mut world, bob, "alice@a.example", true);
    admits(&mut world, bob, "dave@a.example", true);
    admits(&mut world, bob, "dave@a.example", false);
    let snapshot = world.servers[1].machine.as_ref().unwrap().snapshot().unwrap();
    assert_eq!(snapshot.len(), 2, "his registration, and Alice");
    world.servers[1].journal = snapshot;
    world.kill(1);
    world.restart(1, discreet("b.example"));
    world.run(10.0);
    assert!(asks(&mut world, alice, "bob@b.example").unwrap().is_some());
    let now = world.now;
    world.clients[bob].machine.leave(now);
    world.run(3_700.0);
    let other = world.client("other", 1);
    world.register(other, world.presence(other, "bob@b.example"));
    world.run(1.0);
    assert_eq!(asks(&mut world, alice, "bob@b.example"), Ok(None), "another Bob");
}

#[test]
fn who_is_listed_is_found_by_anybody_and_the_operator_may_admit_for_whom_cannot() {
    let mut config = discreet("a.example");
    let account = Account { contacts: [name("alice@a.example")].into(), ..Account::default() };
    config.accounts.insert(name("carol@a.example"), account);
    let mut world = World::with(vec![config]);
    let [alice, bob, carol, stranger] = ["alice", "bob", "carol", "stranger"].map(|who| world.client(who, 0));
    let mut listed = world.presence(bob, "bob@a.example");
    listed.listed = true;
    world.register(bob, listed);
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.register(carol, world.presence(carol, "carol@a.example"));
    world.run(1.0);
    assert!(asks(&mut world, stranger, "bob@a.example").unwrap().is_some());
    assert!(asks(&mut world, alice, "carol@a.example").unwrap().is_some());
    assert_eq!(asks(&mut world, bob, "carol@a.example"), Ok(None));
}

#[test]
fn nobody_asks_or_admits_in_anothers_name() {
    let (mut world, alice, carol, _) = three();
    admits(&mut world, carol, "dave@b.example", true);
    let server = world.servers[0].machine.as_mut().unwrap();
    let stream = StreamId(1);
    let now = world.now;
    let said = |message: &Message| Frames::frame(&message.encode());
    for whom in ["dave@b.example", "carol@a.example"] {
        // Alice is there on the first stream.
        let bytes = said(&Message::Query {
            id: 900,
            identifier: "carol@a.example".parse().unwrap(),
            asker: Some(name(whom)),
        });
        server.handle(now, Arrival::Stream { stream, bytes: &bytes });
    }
    let bytes = said(&Message::Admit {
        id: 901,
        user: name("carol@a.example"),
        whom: name("alice@a.example"),
        may: true,
    });
    server.handle(now, Arrival::Stream { stream, bytes: &bytes });
    let heard = heard(server);
    assert_eq!(
        heard,
        [
            Message::Answer { id: 900, record: None },
            Message::Answer { id: 900, record: None },
            Message::Refused { id: 901, reason: Reason::Taken },
        ]
    );
    let _ = alice;
}

/// Another link of a user, with its key, that registers nothing.
fn desk(world: &mut World, server: usize, of: usize, as_whom: &str) -> (usize, Result<(), Reason>) {
    let desk = world.client("desk", server);
    let now = world.now;
    world.clients[desk].machine.speak(now, key(of), name(as_whom));
    world.run(1.0);
    let known = world.clients[desk].events.drain(..).find_map(|event| match event {
        ClientEvent::Known { result } => Some(result),
        _ => None,
    });
    (desk, known.unwrap())
}

#[test]
fn a_user_asks_and_admits_by_another_link_and_its_registration_stays_where_it_is() {
    let (mut world, alice, carol, bob) = three();
    let (bobs, known) = desk(&mut world, 1, bob, "bob@b.example");
    assert_eq!(known, Ok(()));
    let id = admits(&mut world, bobs, "alice@a.example", true);
    assert!(world.clients[bobs].events.contains(&ClientEvent::Admitted { id, result: Ok(()) }));
    let (alices, known) = desk(&mut world, 0, alice, "alice@a.example");
    assert_eq!(known, Ok(()));
    let found = asks(&mut world, alices, "bob@b.example").unwrap().unwrap();
    assert_eq!(
        found.claim.contacts,
        world.presence(bob, "bob@b.example").contacts,
        "his phone, not his desk"
    );
    let (carols, known) = desk(&mut world, 0, carol, "carol@a.example");
    assert_eq!((known, asks(&mut world, carols, "bob@b.example")), (Ok(()), Ok(None)));
    world.kill(0);
    world.restart(0, discreet("a.example"));
    world.run(20.0);
    assert!(asks(&mut world, alices, "bob@b.example").unwrap().is_some(), "it says who it is on each link");
}

#[test]
fn nobody_speaks_in_anothers_name_by_another_link_and_what_is_said_of_that_is_good_for_one_server_and_minutes()
 {
    let (mut world, alice, carol, bob) = three();
    admits(&mut world, bob, "alice@a.example", true);
    let (mallory, known) = desk(&mut world, 0, carol, "alice@a.example");
    assert_eq!((known, asks(&mut world, mallory, "bob@b.example")), (Err(Reason::Taken), Ok(None)));
    let id = admits(&mut world, mallory, "carol@a.example", true);
    assert!(!world.clients[mallory].events.contains(&ClientEvent::Admitted { id, result: Ok(()) }));
    let (ours, others, wall) = (key(8).public(), key(9).public(), UnixTime::from_secs(START));
    let speaker = Speaker::sign(name("alice@a.example"), wall, &ours, &key(alice));
    let at = |seconds| UnixTime::from_secs(seconds);
    assert!(speaker.verify(&ours, wall) && speaker.verify(&ours, at(START + Speaker::FRESH)));
    assert!(!speaker.verify(&others, wall), "another server");
    assert!(
        !speaker.verify(&ours, at(START + Speaker::FRESH + 1)) && !speaker.verify(&ours, at(START - 301))
    );
    let renamed = Speaker { name: name("carol@a.example"), ..speaker.clone() };
    let forged = Speaker { key: key(carol).public(), ..speaker };
    assert!(!renamed.verify(&ours, wall) && !forged.verify(&ours, wall));
}

/// What a server sends, in order.
fn heard(server: &mut Server) -> Vec<Message> {
    let frames = sent(server);
    frames.iter().map(|frame| Message::decode(frame).unwrap()).collect()
}

fn sent(server: &mut Server) -> Vec<Vec<u8>> {
    let (mut out, mut all) = (Scratch::default(), Vec::new());
    loop {
        match server.poll(&mut out) {
            Step::Wait(_) => break,
            Step::Send(transmit) => {
                assert!(matches!(transmit.flow, Flow::Stream(_)));
                all.extend_from_slice(out.get(transmit.range));
            }
            _ => {}
        }
    }
    let (mut rest, mut frames) = (&all[..], Vec::new());
    let mut reader = Frames::default();
    while let Some(frame) = reader.next(&mut rest).unwrap() {
        frames.push(frame.to_vec());
    }
    frames
}

/// A server with a thousand users, a number of one, and a stranger's stream.
fn with_a_stranger(numbers: u32) -> (Server, Now) {
    let operator = UserKey::from_seed(&[100; 32]);
    let mut config = discreet("a.example");
    (config.limits.questions, config.limits.numbers) = (u32::MAX, numbers);
    let number: Number = "+46701234567".parse().unwrap();
    config.accounts.insert(name("user7@a.example"), Account { number: Some(number), ..Account::default() });
    let mut server = Server::new(config, operator.clone(), Entropy::from_number(1));
    for user in 0..1_000_u32 {
        let mut seed = [3; 32];
        seed[..4].copy_from_slice(&user.to_be_bytes());
        let user_key = UserKey::from_seed(&seed);
        let claim = crate::Claim {
            key: user_key.public(),
            sequence: 1,
            expires: UnixTime::from_secs(START + 3_600),
            status: Status::Busy,
            listed: false,
            name: name(&format!("user{user}@a.example")),
            number: (user == 7).then_some(number),
            fixed: None,
            contacts: vec![crate::Contact {
                transport: Transport::Udp,
                address: ([192, 0, 2, 1], 5_060).into(),
            }],
        };
        let signature = claim.sign(&user_key);
        let record = Record::attest(claim, signature, (Proof::Attested, Proof::Nothing), &operator);
        assert_eq!(server.replay(&record.encode()), Ok(true));
    }
    let now = Now { wall: UnixTime::from_secs(START), ..Now::default() };
    let (stream, end) = (StreamId(1), ([198, 51, 100, 1], 9).into());
    server.handle(now, Arrival::Connected { stream, local: end, remote: end, transport: Transport::Quic });
    let hello = Frames::frame(&Message::Hello { server: None }.encode());
    server.handle(now, Arrival::Stream { stream, bytes: &hello });
    assert_eq!(sent(&mut server).len(), 1);
    (server, now)
}

fn ask(server: &mut Server, now: Now, identifier: &str) -> Vec<Vec<u8>> {
    let question = Message::Query { id: 5, identifier: identifier.parse().unwrap(), asker: None };
    server.handle(now, Arrival::Stream { stream: StreamId(1), bytes: &Frames::frame(&question.encode()) });
    sent(server)
}

/// The median, in nanoseconds, of what each takes; asked in turns.
fn medians(server: &mut Server, now: Now, identifiers: [&str; 2], rounds: usize) -> [u128; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (times, identifier) in times.iter_mut().zip(identifiers) {
            let start = Instant::now();
            assert_eq!(ask(server, now, identifier).len(), 1);
            times.push(start.elapsed().as_nanos());
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

#[test]
fn a_stranger_gets_the_same_bytes_in_the_same_time_for_a_user_and_for_nobody() {
    let (mut server, now) = with_a_stranger(u32::MAX);
    let (known, unknown) = ("user7@a.example", "user7777@a.example");
    assert_eq!(ask(&mut server, now, known), ask(&mut server, now, unknown));
    let [there, nobody] = medians(&mut server, now, [known, unknown], 4_000);
    println!("a user {there} ns, nobody {nobody} ns");
    assert!(there.abs_diff(nobody) < there.max(nobody) / 3 + 500, "{there} ns, {nobody} ns");
}

#[test]
fn a_number_tells_a_stranger_whose_it_is_and_nothing_else_so_many_times_a_minute() {
    let (mut server, now) = with_a_stranger(4);
    let answer = |frames: &[Vec<u8>]| Message::decode(&frames[0]).unwrap();
    let known = ask(&mut server, now, "+46701234567");
    let Message::Answer { record: Some(record), .. } = answer(&known) else { panic!("{known:?}") };
    assert_eq!((record.claim.name.as_str(), record.claim.status), ("user7@a.example", Status::Offline));
    assert!(record.claim.contacts.is_empty() && record.verify(None, now.wall).is_ok());
    assert_eq!(record.attestation.number, Proof::Attested);
    let unknown = ask(&mut server, now, "+46701234568");
    assert_eq!(answer(&unknown), Message::Answer { id: 5, record: None });
    assert_eq!(known[0].len(), unknown[0].len());
    ask(&mut server, now, "+46701234569");
    ask(&mut server, now, "+46701234567");
    for number in ["+46701234567", "+46701234568"] {
        let refused = Message::Refused { id: 5, reason: Reason::Full };
        assert_eq!(answer(&ask(&mut server, now, number)), refused);
    }
    let later = now.later(core::time::Duration::from_secs(60));
    assert!(matches!(
        answer(&ask(&mut server, later, "+46701234567")),
        Message::Answer { record: Some(_), .. }
    ));

    let (mut server, now) = with_a_stranger(u32::MAX);
    let [there, nobody] = medians(&mut server, now, ["+46701234567", "+46701234568"], 200);
    println!("a number {there} ns, one that nobody has {nobody} ns");
    assert!(there.abs_diff(nobody) < there.max(nobody) / 3, "{there} ns, {nobody} ns");
}

#[test]
fn an_answer_is_as_long_for_a_user_that_is_there_as_for_one_that_is_not() {
    let mut config = ServerConfig::open("a.example");
    config.limits.questions = u32::MAX;
    let world = World::with(vec![config]);
    let mut record = None;
    let mut world = world;
    let alice = world.client("alice", 0);
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.run(1.0);
    for event in world.clients[alice].events.drain(..) {
        if let ClientEvent::Registered { record: is } = event {
            record = Some(*is);
        }
    }
    let long = |record| Message::Answer { id: 1, record }.encode().len();
    assert_eq!(long(record.clone()), long(None));
    let notify = |record| Message::Notify { id: 1, record }.encode().len();
    assert_eq!(notify(record), notify(None));
    let _ = Identifier::Name(name("alice@a.example"));
}
