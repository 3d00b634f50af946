//! What a question on the private network costs: its bytes, and its way through two adapters and back.
#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rove_base::Entropy;
use rove_roam::{
    Challenge, Generation, Operation, Outcome,
    private::{
        PrivateNetwork as _, Told, ber, m3ua,
        map::{Kind, Map, MapConfig, argument},
        sccp, tcap,
    },
};
use rove_tests::private::{HOME, Pair, VISITED, authentication, imsi, other, partner, quintuplet, visited};

fn pair() -> Pair<Map> {
    let end = |own, seed| {
        let known = partner(own);
        let (network, title, partners) = (known.name, known.title, vec![partner(other(own))]);
        Map::new(MapConfig { network, title, point_code: None, partners }, Entropy::from_number(seed))
    };
    Pair::new(end(HOME, 1), end(VISITED, 2))
}

/// One UpdateLocation, from the operation to the bytes of its stream.
fn encode(operation: &Operation, tcap: &mut Vec<u8>, wire: &mut Vec<u8>) {
    let (own, home) = (partner(VISITED).title, partner(HOME).title);
    let kind = Kind::of(operation);
    let (ours, theirs) = kind.subsystems();
    let write = |out: &mut ber::Writer<'_>| argument::write(operation, &own, false, out);
    let invoke = tcap::Outgoing::Invoke { id: 1, operation: kind.code(), argument: &write };
    tcap.clear();
    tcap::begin(tcap, tcap::TransactionId::new(1), kind.context(), &invoke);
    wire.clear();
    let (called, calling) = (sccp::Address::new(home, theirs), sccp::Address::new(own, ours));
    assert!(sccp::write(&called, &calling, tcap, 1, |unit| m3ua::write_data(wire, (1, 2), unit)));
}

/// And back.
fn decode(wire: &[u8]) -> Operation {
    let data = m3ua::Message::parse(wire).unwrap().data().unwrap();
    let unit = sccp::Message::parse(data.user).unwrap();
    let tcap::Message::Begin { mut components, .. } = tcap::Message::parse(unit.data).unwrap() else {
        panic!("no begin")
    };
    let Some(tcap::Component::Invoke { operation, argument, .. }) = components.take().unwrap() else {
        panic!("no invoke")
    };
    let network = partner(VISITED).name;
    let around = argument::Around { imsi: None, title: unit.calling.title.unwrap(), network: &network };
    argument::read(Kind::from_code(operation).unwrap(), argument, &around).unwrap()
}

/// So many questions under way at once.
const BATCH: usize = 64;

fn batch(pair: &mut Pair<Map>, operation: &Operation, outcome: &Outcome) {
    for _ in 0..BATCH {
        pair.ask(VISITED, operation.clone());
    }
    pair.exchange();
    for told in core::mem::take(&mut pair.told[HOME.0]) {
        let Told::Asked { partner, id, .. } = told else { panic!("{told:?}") };
        pair.ends[HOME.0].answer(pair.now, partner, id, Ok(outcome.clone()));
    }
    pair.exchange();
    let answered = core::mem::take(&mut pair.told[VISITED.0]);
    assert_eq!(answered.len(), BATCH);
    black_box(answered);
}

fn private(c: &mut Criterion) {
    let location = Operation::UpdateLocation { imsi: imsi(), visited: visited() };
    let located = Outcome::Located { hlr: partner(HOME).title, generation: Generation(7) };
    let vector = Outcome::AuthenticationInfo(vec![Challenge::Aka(Box::new(quintuplet(1)))]);

    let mut group = c.benchmark_group("private/map");
    group.throughput(Throughput::Elements(1));
    let (mut tcap, mut wire) = (Vec::new(), Vec::new());
    group.bench_function("update_location_encode_decode", |b| {
        b.iter(|| {
            encode(black_box(&location), &mut tcap, &mut wire);
            decode(black_box(&wire))
        });
    });
    group.throughput(Throughput::Elements(u64::try_from(BATCH).unwrap()));
    let mut pair = pair();
    group.bench_function("authentication_through_two_adapters_64_under_way", |b| {
        b.iter(|| batch(&mut pair, &authentication(1), &vector));
    });
    group.bench_function("update_location_through_two_adapters_64_under_way", |b| {
        b.iter(|| batch(&mut pair, &location, &located));
    });
    group.finish();
}

criterion_group!(benches, private);
criterion_main!(benches);
