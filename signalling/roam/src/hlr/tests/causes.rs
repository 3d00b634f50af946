//! Every cause for which a home refuses is provoked and counted once.

use super::{
    bench::{Terminal, imsi},
    *,
};
use crate::{Addresses, Operation, VisitedNetwork};

/// One subscriber, who is in a network.
fn there(change: impl FnOnce(&mut Subscriber)) -> (Bench, Terminal) {
    let mut one = subscriber(1);
    change(&mut one);
    let mut bench = Bench::with(&[one]);
    let mut terminal = bench.terminal(1);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    (bench, terminal)
}

fn here(n: u32, bench: &Bench, network: &str) -> Operation {
    let visited: VisitedNetwork = bench.visited(network);
    Operation::UpdateLocation { imsi: imsi(n), visited }
}

/// Who has been refused, and with what answer.
type Provoke = fn() -> (Bench, Option<Cause>);

fn asked(mut bench: Bench, from: &str, operation: Operation) -> (Bench, Option<Cause>) {
    let cause = bench.ask(from, operation).err();
    (bench, cause)
}

fn bound((mut bench, terminal): (Bench, Terminal), address: &str, lease: u32) -> (Bench, Option<Cause>) {
    let cause = bench.bind(&terminal, address, lease).err();
    (bench, cause)
}

fn purged(mut bench: Bench, network: &str, generation: u64) -> (Bench, Option<Cause>) {
    let cause = bench.purge(network, 1, generation).err();
    (bench, cause)
}

const TABLE: &[(Cause, Provoke)] = &[
    (Cause::UnknownSubscriber, || {
        let bench = Bench::with(&[]);
        let operation = here(9, &bench, VISITED_A);
        asked(bench, VISITED_A, operation)
    }),
    (Cause::RoamingNotAllowed, || {
        let mut one = subscriber(1);
        one.profile.services.roaming = false;
        let bench = Bench::with(&[one]);
        let operation = here(1, &bench, VISITED_A);
        asked(bench, VISITED_A, operation)
    }),
    (Cause::NoAgreement, || {
        let bench = Bench::with(&[subscriber(1)]);
        let operation = here(1, &bench, "stranger.example");
        asked(bench, "stranger.example", operation)
    }),
    (Cause::NotServing, || asked(there(|_| {}).0, VISITED_B, Operation::RestoreData { imsi: imsi(1) })),
    (Cause::WrongNetwork, || {
        let bench = Bench::with(&[subscriber(1)]);
        let operation = here(1, &bench, VISITED_B);
        asked(bench, VISITED_A, operation)
    }),
    (Cause::StaleGeneration, || purged(there(|_| {}).0, VISITED_A, 7)),
    (Cause::NameMismatch, || {
        let (bench, mut terminal) = there(|_| {});
        terminal.name = subscriber(2).name;
        bound((bench, terminal), "10.1.0.5", 30)
    }),
    (Cause::AddressNotAllowed, || bound(there(|_| {}), "10.2.0.5", 30)),
    (Cause::ProofInvalid, || {
        let (mut bench, terminal) = there(|_| {});
        let (claim, _) = terminal.clone_claim("10.1.0.5");
        let (_, proof) = terminal.clone_claim("10.1.0.6");
        let cause = bench.rebind(&(claim, proof), 30).err();
        (bench, cause)
    }),
    (Cause::NoPacketData, || bound(there(|one| one.profile.services.packet_data = false), "10.1.0.5", 30)),
    (Cause::Overload, || {
        let mut bench = there(|_| {}).0;
        bench.limit_changes(0);
        purged(bench, VISITED_A, 1)
    }),
    (Cause::SystemFailure, || {
        let mut bench = there(|_| {}).0;
        bench.disk_fails = true;
        purged(bench, VISITED_A, 1)
    }),
    (Cause::DataMissing, || {
        let (mut bench, terminal) = there(|_| {});
        let (mut claim, proof) = terminal.clone_claim("10.1.0.5");
        claim.addresses = Addresses::default();
        let cause = bench.rebind(&(claim, proof), 30).err();
        (bench, cause)
    }),
    (Cause::UnexpectedDataValue, || bound(there(|_| {}), "10.1.0.5", 0)),
    (Cause::NotSupported, || {
        let reset = Operation::Reset { hlr: bench::home_number() };
        asked(Bench::with(&[]), VISITED_A, reset)
    }),
];

#[test]
fn every_cause_that_a_home_refuses_for_is_provoked_told_and_counted_once() {
    for (cause, provoke) in TABLE {
        let (bench, told) = provoke();
        assert_eq!(told, Some(*cause));
        for (counted, count) in bench.home.refusals().iter() {
            assert_eq!(count, u64::from(counted == *cause), "{counted} where {cause} was told");
        }
    }
    for cause in Cause::ALL {
        // That is what whoever asks tells himself, when no answer comes.
        let told = TABLE.iter().any(|(known, _)| *known == cause) || cause == Cause::NoAnswer;
        assert!(told, "nobody has provoked {cause:?}");
    }
}
