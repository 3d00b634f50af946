//! One registry under two faces, and what a journal keeps of it.

use core::time::Duration;

use rove_base::{Entropy, StreamId, Transport};
use rove_irmv::{Proof, RegistryLimits, Status, UserKey};
use rove_sip::{
    message::NameAddr,
    registrar::{Edit, MemoryStore},
};

use super::*;

fn at(seconds: u64) -> Now {
    let start = Now {
        mono: Instant::from_nanos(7_000_000_123),
        wall: UnixTime::from_nanos(1_800_000_000_000_000_456),
    };
    start.later(Duration::from_secs(seconds))
}

fn key() -> UserKey {
    UserKey::from_seed(&[9; 32])
}

fn registry() -> SharedRegistry {
    let registry = Registry::new(RegistryLimits::default(), &key(), &mut Entropy::from_number(1));
    SharedRegistry::new(registry.speaking(&key(), "a.example", Duration::from_secs(7_200)))
}

fn store(registry: &SharedRegistry, keeps: bool) -> NodeStore {
    NodeStore::new(registry.clone(), MemoryLimits::default(), Some("a.example".into()), keeps)
}

fn binding(contact: &str, until: Instant, cseq: u32, flow: Option<Hop>) -> Binding {
    let NameAddr { uri, params, .. } = contact.parse().unwrap();
    let call_id = "call@192.0.2.1".into();
    Binding { contact: uri, params, q: 1_000, until, call_id, cseq, path: Vec::new(), instance: None, flow }
}

fn set(now: Now, cseq: u32, flow: Option<Hop>) -> Change {
    let until = now.mono.later(Duration::from_secs(600));
    let edit = Edit::Set(binding("<sip:bob@192.0.2.4:5062>", until, cseq, flow));
    Change { call_id: "call@192.0.2.1".into(), cseq, edits: Edits::Each(vec![edit]) }
}

fn bob() -> Aor {
    Aor::from_parts(b"bob", "a.example")
}

fn asked(store: &mut NodeStore, now: Now, ask: Ask) -> Option<Answer> {
    store.ask(now, AskId(1), ask);
    store.poll().map(|(_, answer)| answer)
}

fn contacts(answer: Option<Answer>) -> Vec<String> {
    let Some(Answer::Bindings(bindings)) = answer else { panic!("{answer:?}") };
    bindings.iter().map(|one| one.contact.to_string()).collect()
}

/// Somebody who has registered by IRMV, with a number.
fn record(name: &str, until: UnixTime) -> Record {
    let user = UserKey::from_seed(&[1; 32]);
    let contact = Contact { transport: Transport::Tcp, address: ([192, 0, 2, 7], 5_060).into() };
    let claim = Claim {
        key: user.public(),
        sequence: 1,
        expires: until,
        status: Status::Online,
        name: name.parse().unwrap(),
        number: Some("+46701234567".parse().unwrap()),
        fixed: None,
        contacts: vec![contact],
    };
    let signature = claim.sign(&user);
    Record::attest(claim, signature, (Proof::Attested, Proof::Nothing), &key())
}

#[test]
fn who_registers_by_one_face_is_found_by_the_other_at_once() {
    let registry = registry();
    let mut store = store(&registry, false);
    let said = contacts(asked(&mut store, at(0), Ask::Change(bob(), set(at(0), 1, None))));
    assert_eq!(said, ["sip:bob@192.0.2.4:5062"]);
    let name = Identifier::Name("bob@a.example".parse().unwrap());
    let found = registry.lock().present(&name, at(0).wall).unwrap();
    assert_eq!(found.claim.contacts[0].address, "192.0.2.4:5062".parse().unwrap());

    registry.lock().put(&record("carol@a.example", at(60).wall)).unwrap();
    let carol = "sip:carol@192.0.2.7:5060;transport=tcp";
    let seek = |store: &mut NodeStore, now, user: &[u8], host: &str| {
        contacts(asked(store, now, Ask::Find(Aor::from_parts(user, host))))
    };
    assert_eq!(seek(&mut store, at(1), b"carol", "a.example"), [carol]);
    assert_eq!(seek(&mut store, at(1), b"carol", "127.0.0.1"), [carol], "a server's address is its domain");
    let fallen: Vec<Aor> = core::iter::from_fn(|| store.fallen()).collect();
    assert_eq!(fallen, [Aor::from_parts(b"carol", "a.example")], "whoever watches her by SIP is told");
    let domains = ["a.example".parse().unwrap()];
    let called = store.called_by(at(1), "+46701234567", &domains).unwrap();
    assert_eq!(called.to_string(), "sip:carol@a.example");
    assert!(seek(&mut store, at(61), b"carol", "a.example").is_empty());
    assert!(seek(&mut store, at(601), b"bob", "a.example").is_empty());
    assert_eq!(registry.lock().present(&name, at(601).wall), None);
}

#[test]
fn a_change_is_answered_and_shows_when_it_is_durable_and_is_there_after_a_crash() {
    let first = registry();
    let mut one = store(&first, true);
    let flow = Hop::stream(
        StreamId(3),
        Transport::Tcp,
        "192.0.2.1:5060".parse().unwrap(),
        "192.0.2.5:4000".parse().unwrap(),
    );
    assert_eq!(asked(&mut one, at(0), Ask::Change(bob(), set(at(0), 1, None))), None);
    assert_eq!(
        asked(&mut one, at(0), Ask::Change(bob(), set(at(0), 2, None))),
        None,
        "goes on from what waits"
    );
    let alice = Aor::from_parts(b"alice", "a.example");
    assert_eq!(asked(&mut one, at(0), Ask::Change(alice.clone(), set(at(0), 1, Some(flow)))), None);
    assert!(contacts(asked(&mut one, at(0), Ask::Find(bob()))).is_empty());
    assert_eq!(one.snapshot(), None);
    let journal: Vec<_> = core::iter::from_fn(|| one.next_record()).collect();
    assert_eq!(journal.len(), 3);
    one.durable(journal[1].0);
    assert_eq!(one.answers.len(), 2);
    assert_eq!(contacts(one.poll().map(|(_, answer)| answer)), ["sip:bob@192.0.2.4:5062"]);
    one.durable(journal[2].0);
    assert!(one.snapshot().is_some_and(|all| all.len() == 2) && one.keeping.latest.is_empty());
    one.flow_lost(flow);
    assert!(one.fallen() == Some(alice.clone()) && one.flows.of.is_empty() && one.flows.users.is_empty());

    let second = registry();
    let mut two = store(&second, true);
    for (_, record) in &journal {
        assert_eq!(two.replay(record), Ok(true));
    }
    let kept = asked(&mut two, at(1), Ask::Find(bob()));
    assert_eq!(kept, asked(&mut one, at(1), Ask::Find(bob())));
    assert_eq!(contacts(kept), ["sip:bob@192.0.2.4:5062"]);
    assert!(
        contacts(asked(&mut two, at(1), Ask::Find(alice))).is_empty(),
        "her stream died with the process"
    );
    assert!(two.replay(b"\0\x03bob!").is_err());
}

#[test]
fn when_the_journal_fails_what_waits_is_refused_and_so_is_what_follows() {
    let mut store = store(&registry(), true);
    assert_eq!(asked(&mut store, at(0), Ask::Change(bob(), set(at(0), 1, None))), None);
    store.journal_failed();
    assert_eq!(store.poll(), Some((AskId(1), Answer::Unavailable)));
    assert_eq!(asked(&mut store, at(0), Ask::Change(bob(), set(at(0), 2, None))), Some(Answer::Unavailable));
    assert_eq!(store.next_record(), None);
}

#[test]
fn a_refresh_costs_about_what_it_does_where_bindings_are_kept_as_they_are() {
    let limits = MemoryLimits::default();
    let users: Vec<Aor> =
        (0..5_000).map(|user| Aor::from_parts(format!("user{user}").as_bytes(), "a.example")).collect();
    let rounds = if std::env::var_os("ROVE_PROVE").is_some() { 100 } else { 4 };
    let measure = |store: &mut dyn RegistryStore| {
        let mut best = f64::MAX;
        for round in 1..=rounds {
            let now = at(u64::from(round));
            let changes: Vec<_> =
                users.iter().map(|user| Ask::Change(user.clone(), set(now, round, None))).collect();
            let start = std::time::Instant::now();
            for ask in changes {
                store.ask(now, AskId(1), ask);
                assert!(matches!(store.poll(), Some((_, Answer::Bindings(_)))));
            }
            best = best.min(start.elapsed().as_secs_f64() / users.len() as f64 * 1e9);
        }
        best
    };
    let plain = measure(&mut MemoryStore::new(limits, &mut Entropy::from_number(1)));
    let shared = measure(&mut store(&registry(), false));
    println!("a refresh takes {shared:.0} ns in the node's registry, {plain:.0} ns in a map of its own");
    assert!(shared < plain * 4.0, "{shared:.0} ns, {plain:.0} ns");
}
