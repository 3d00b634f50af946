//! People who want to be found by words are, across operators; nobody else is.

use rove_base::UnixTime;

use super::world::{START, World, key};
use crate::{
    Card, Listing, Message, Reason, SearchKey, Words,
    client::ClientEvent,
    server::{ServerConfig, ServerEvent},
};

fn words(text: &str) -> Words {
    Words::new(text.split_whitespace()).unwrap()
}

/// Servers of which each asks all others.
fn acquainted(domains: &[&str]) -> World {
    let config = |domain: &&str| {
        let others = domains.iter().filter(|other| *other != domain);
        ServerConfig { asked: others.map(|one| (*one).to_owned()).collect(), ..ServerConfig::open(domain) }
    };
    World::with(domains.iter().map(config).collect())
}

/// Somebody who is listed by these words.
fn listed(world: &mut World, who: &'static str, server: usize, by: &str) -> usize {
    let name = format!("{who}@{}", world.servers[server].domain);
    let client = world.client(who, server);
    let presence = crate::client::Presence { listed: true, ..world.presence(client, &name) };
    let now = world.now;
    world.register(client, presence);
    world.clients[client].machine.list(now, words(by));
    world.run(1.0);
    assert!(world.clients[client].events.contains(&ClientEvent::Listed { result: Ok(()) }), "{who}");
    client
}

/// Whom a terminal finds, or why none.
fn finds(world: &mut World, client: usize, by: &str) -> Result<Vec<String>, Reason> {
    let now = world.now;
    let asked = world.clients[client].machine.search(now, words(by));
    world.run(6.0);
    let (mut names, mut ended) = (Vec::new(), false);
    for event in world.clients[client].events.drain(..) {
        if let ClientEvent::Found { id, result, last } = event
            && id == asked
        {
            assert!(!ended, "nothing comes after the last answer");
            ended = last;
            names.extend(result?.into_iter().map(|listing| listing.card.name.to_string()));
        }
    }
    assert!(ended, "the search has an end");
    names.sort();
    Ok(names)
}

#[test]
fn b19_people_are_found_by_all_of_the_words_that_they_have_given_whoever_their_operator_is() {
    let mut world = acquainted(&["a.example", "b.example", "c.example"]);
    let alice = listed(&mut world, "alice", 0, "Göteborg svenska smith");
    listed(&mut world, "bob", 1, "göteborg english smith");
    listed(&mut world, "carol", 2, "malmö svenska baker");
    let all = ["alice@a.example", "bob@b.example"];
    assert_eq!(finds(&mut world, alice, "smith").unwrap(), all);
    assert_eq!(finds(&mut world, alice, "GÖTEBORG Smith").unwrap(), all);
    assert_eq!(finds(&mut world, alice, "svenska").unwrap(), ["alice@a.example", "carol@c.example"]);
    assert_eq!(finds(&mut world, alice, "svenska baker").unwrap(), ["carol@c.example"]);
    assert_eq!(finds(&mut world, alice, "smith baker").unwrap(), [""; 0]);
}

#[test]
fn b19_who_does_not_want_to_be_found_or_has_left_or_thinks_otherwise_is_not() {
    let mut world = acquainted(&["a.example", "b.example"]);
    let alice = world.client("alice", 0);
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.run(1.0);
    let bob = listed(&mut world, "bob", 1, "smith");
    let carol = listed(&mut world, "carol", 1, "smith baker");
    let dave = listed(&mut world, "dave", 1, "smith");
    assert_eq!(finds(&mut world, alice, "smith").unwrap().len(), 3);
    let now = world.now;
    // His record says that he is not listed, though his card still does.
    world.register(bob, world.presence(bob, "bob@b.example"));
    world.clients[carol].machine.list(now, words("baker"));
    world.clients[dave].machine.leave(now);
    world.run(1.0);
    assert_eq!(finds(&mut world, alice, "smith").unwrap(), [""; 0]);
    assert_eq!(finds(&mut world, alice, "baker").unwrap(), ["carol@b.example"]);
    let now = world.now;
    world.clients[carol].machine.list(now, Words::default());
    world.run(1.0);
    assert_eq!(finds(&mut world, alice, "baker").unwrap(), [""; 0]);
}

#[test]
fn b19_servers_that_nobody_names_are_found_by_the_search_network() {
    let configs = ["a.example", "b.example", "c.example", "d.example"]
        .map(|domain| ServerConfig { searches: true, ..ServerConfig::open(domain) });
    let mut world = World::with(configs.to_vec());
    let alice = listed(&mut world, "alice", 0, "smith");
    listed(&mut world, "bob", 1, "smith göteborg");
    listed(&mut world, "carol", 2, "baker");
    world.kill(3);
    assert_eq!(finds(&mut world, alice, "smith").unwrap(), ["alice@a.example", "bob@b.example"]);
    assert_eq!(finds(&mut world, alice, "göteborg smith").unwrap(), ["bob@b.example"]);
    assert_eq!(finds(&mut world, alice, "baker").unwrap(), ["carol@c.example"]);
    let sought = world.servers[0].events.iter().filter(|event| matches!(event, ServerEvent::Seek { .. }));
    assert_eq!(sought.count(), 4, "one for each word");
    assert!(!world.arrows.contains(&"a.example -> d.example search".to_owned()));
    let passed_on =
        world.arrows.iter().filter(|arrow| arrow.starts_with("b.example -> ") && arrow.ends_with("search"));
    assert_eq!(passed_on.count(), 0, "a question that came from a server is not passed on");
}

#[test]
fn b19_each_account_searches_so_often_a_minute_whichever_server_it_comes_by() {
    let mut configs = ["a.example", "b.example"].map(ServerConfig::open);
    configs[0].asked = vec!["b.example".into()];
    (configs[0].limits.searches, configs[1].limits.searches) = (3, 2);
    let mut world = World::with(configs.to_vec());
    let alice = listed(&mut world, "alice", 0, "smith");
    let dave = listed(&mut world, "dave", 0, "smith");
    listed(&mut world, "bob", 1, "smith");
    let both = ["alice@a.example", "bob@b.example", "dave@a.example"];
    assert_eq!(finds(&mut world, alice, "smith").unwrap(), both);
    assert_eq!(finds(&mut world, alice, "smith").unwrap(), both);
    assert_eq!(
        finds(&mut world, alice, "smith").unwrap(),
        ["alice@a.example", "dave@a.example"],
        "b has had enough"
    );
    assert_eq!(finds(&mut world, alice, "smith"), Err(Reason::Full));
    assert_eq!(finds(&mut world, dave, "smith").unwrap(), both);
    world.run(60.0);
    assert_eq!(finds(&mut world, alice, "smith").unwrap(), both);
}

#[test]
fn b19_an_answer_is_bounded_and_a_server_that_is_dead_does_not_keep_it_from_coming() {
    let mut world = acquainted(&["a.example", "b.example", "c.example"]);
    let alice = world.client("alice", 0);
    world.register(alice, world.presence(alice, "alice@a.example"));
    for _ in 0..12 {
        let client = world.client("many", 1);
        let name = format!("many{client}@b.example");
        let now = world.now;
        let presence = crate::client::Presence { listed: true, ..world.presence(client, &name) };
        world.register(client, presence);
        world.clients[client].machine.list(now, words("smith"));
    }
    world.run(1.0);
    world.kill(2);
    assert_eq!(finds(&mut world, alice, "smith").unwrap().len(), Listing::TOGETHER);
}

#[test]
fn who_may_be_found_is_so_after_a_crash_by_what_the_journal_says_and_by_its_snapshot() {
    for snapshot in [false, true] {
        let mut world = acquainted(&["a.example", "b.example"]);
        let alice = listed(&mut world, "alice", 0, "baker");
        listed(&mut world, "bob", 1, "smith");
        let config = world.servers[1].machine.as_ref().unwrap().config().clone();
        if snapshot {
            let records = world.servers[1].machine.as_ref().unwrap().snapshot().unwrap();
            assert_eq!(records.len(), 2, "his registration, and his card");
            world.servers[1].journal = records;
        }
        world.kill(1);
        world.clients[1].machine = crate::client::Client::new(
            crate::client::ClientConfig {
                server: ([192, 0, 2, 9], 1).into(),
                further: Vec::new(),
                domain: "b.example".into(),
            },
            rove_base::Entropy::from_number(1),
        );
        world.restart(1, config);
        world.run(10.0);
        assert_eq!(finds(&mut world, alice, "smith").unwrap(), ["bob@b.example"]);
        world.run(3_700.0);
        assert_eq!(finds(&mut world, alice, "smith").unwrap(), [""; 0], "his registration has ended");
    }
}

fn listing(name: &str, by: &str) -> Listing {
    let (user, operator) = (key(7), key(8));
    let expires = UnixTime::from_secs(START + 60);
    let card =
        Card { key: user.public(), sequence: 1, expires, name: name.parse().unwrap(), words: words(by) };
    let signature = card.sign(&user);
    Listing::attest(card, signature, &operator)
}

#[test]
fn no_bit_of_a_listing_can_be_changed_and_it_is_good_for_its_time_and_server_alone() {
    let one = listing("alice@a.example", "smith göteborg");
    let now = UnixTime::from_secs(START);
    assert_eq!(one.verify(Some(&key(8).public()), now), Ok(()));
    assert!(one.verify(Some(&key(9).public()), now).is_err());
    assert!(one.verify(None, one.card.expires).is_err());
    let bytes = one.encode();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let believed = Listing::decode(&changed).is_ok_and(|listing| listing.verify(None, now).is_ok());
        assert!(!believed, "bit {bit}");
    }
}

#[test]
fn words_are_written_in_one_way_and_bounded() {
    assert_eq!(words("Smith GÖTEBORG smith").to_string(), "göteborg smith");
    for bad in ["", "two words", "-a", "a!", &"x".repeat(33)] {
        assert!(Words::new([bad]).is_err(), "{bad:?}");
    }
    assert!(Words::new((0..9).map(|at| format!("w{at}"))).is_err(), "nine");
    let search = |by: &[u8]| {
        let message = [&[16, 0, 0, 0, 1][..], by, &[0]].concat();
        Message::decode(&message)
    };
    assert!(search(b"\x02\x01a\x01b").is_ok());
    for bad in [&b"\x00"[..], b"\x02\x01b\x01a", b"\x02\x01a\x01a", b"\x01\x01A", b"\x01\x00", b"\x01\x02 a"]
    {
        assert!(search(bad).is_err(), "{bad:?}");
    }
    let all = vec![listing(&format!("{}@{}.example", "u".repeat(64), "d".repeat(60)), &"x".repeat(32)); 10];
    let found = Message::Found { id: 1, last: true, listings: all };
    assert_eq!(Message::decode(&found.encode()).unwrap(), found);
}

#[test]
fn each_word_is_sought_by_a_key_of_its_own() {
    let keys: Vec<SearchKey> = SearchKey::of_words(&words("a b c")).collect();
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
    assert_ne!(SearchKey::of(&"a@b.example".parse().unwrap()), keys[0]);
}

/// What a terminal hears of its server when another one answers its search with these.
fn passed_on(listings: &[Listing]) -> Vec<Message> {
    use rove_base::{Arrival, Entropy, Machine as _, Now, Scratch, Step, StreamId, Transport};
    let config = ServerConfig { asked: vec!["b.example".into()], ..ServerConfig::open("a.example") };
    let mut server = crate::server::Server::new(config, key(1), Entropy::from_number(1));
    let now = Now { wall: UnixTime::from_secs(START), ..Now::default() };
    let end = ([192, 0, 2, 1], 1).into();
    let connected =
        |stream| Arrival::Connected { stream, local: end, remote: end, transport: Transport::Quic };
    let (terminal, mut out, mut heard) = (StreamId(1), Scratch::default(), Vec::new());
    let say = |server: &mut crate::server::Server, stream, message: &Message| {
        let bytes = crate::Frames::frame(&message.encode());
        server.handle(now, Arrival::Stream { stream, bytes: &bytes });
    };
    server.handle(now, connected(terminal));
    say(&mut server, terminal, &Message::Hello { server: None });
    say(&mut server, terminal, &Message::Search { id: 7, words: words("smith"), asker: None });
    loop {
        match server.poll(&mut out) {
            Step::Wait(_) => return heard,
            Step::Event(ServerEvent::Resolve { domain }) => server.resolved(now, &domain, &[end]),
            Step::Connect(connect) => {
                server.handle(now, connected(connect.stream));
                let welcome = Message::Welcome { domain: "b.example".into(), key: key(8).public() };
                say(&mut server, connect.stream, &welcome);
            }
            Step::Send(transmit) => {
                let rove_base::Flow::Stream(stream) = transmit.flow else { panic!("no datagrams") };
                let mut bytes = out.get(transmit.range);
                while let Some(frame) = crate::Frames::default().next(&mut bytes).unwrap() {
                    match Message::decode(&frame).unwrap() {
                        Message::Search { id, .. } => {
                            let found = Message::Found { id, last: true, listings: listings.to_vec() };
                            say(&mut server, stream, &found);
                        }
                        message if stream == terminal => heard.push(message),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

#[test]
fn b19_a_server_that_lies_about_people_is_not_passed_on() {
    let told = |listings: Vec<Listing>| {
        let heard = passed_on(&listings).into_iter().skip(1);
        heard
            .map(|message| match message {
                Message::Found { listings, .. } => listings.len(),
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    let right = listing("bob@b.example", "smith");
    assert_eq!(told(vec![right.clone()]), [1, 0], "somebody, and the end");
    let of_another_domain = listing("bob@c.example", "smith");
    let by_other_words = listing("bob@b.example", "baker");
    let mut changed = right.clone();
    changed.card.words = words("smith rich");
    let mut by_another = right.clone();
    by_another = Listing::attest(by_another.card, by_another.signature, &key(9));
    for lie in [of_another_domain, by_other_words, changed, by_another] {
        assert_eq!(told(vec![right.clone(), lie]), [0], "the end alone");
    }
}
