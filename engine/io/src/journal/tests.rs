use std::{
    io,
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use proptest::{collection::vec, prelude::*};
use rove_base::{Entropy, Ticket};

use super::*;

type Records = Vec<Vec<u8>>;

fn entropy() -> Entropy {
    Entropy::from_number(1)
}

fn open(storage: &FaultyStorage) -> Result<(Log<FaultyStorage>, Replay), JournalError> {
    Log::open(storage.clone(), &mut entropy())
}

fn replayed(storage: &FaultyStorage) -> Records {
    open(storage).unwrap().1.collect()
}

/// One thing done to a log, and the records it is about.
#[derive(Clone, Debug)]
enum Deed {
    Commit(Records),
    Rewrite(Records),
    /// Begins a rewrite, and commits records that are to follow it.
    Draft(Records),
    /// Ends it with these records before all that came since.
    Adopt(Records),
}

fn deeds() -> Vec<Deed> {
    let record = |n: u8| vec![n; usize::from(n) % 5];
    vec![
        Deed::Commit(vec![record(1)]),
        Deed::Commit(vec![record(2), record(10), record(4)]),
        Deed::Rewrite(vec![record(6), record(7)]),
        Deed::Commit(vec![record(8), record(9)]),
        Deed::Commit(vec![record(11)]),
        Deed::Draft(vec![record(12), record(13)]),
        Deed::Adopt(vec![record(14), record(16)]),
        Deed::Commit(vec![record(17)]),
    ]
}

/// What the storage may hold after a crash.
struct Expected {
    acknowledged: Records,
    /// What was under way: records after the acknowledged ones, or instead of them.
    under_way: Option<Deed>,
}

impl Expected {
    fn check(&self, found: &Records, what: &str) {
        let sound = match &self.under_way {
            None => *found == self.acknowledged,
            Some(Deed::Rewrite(all)) => found == all || *found == self.acknowledged,
            Some(Deed::Adopt(all)) => {
                *found == self.acknowledged || *found == adopted(&self.acknowledged, all)
            }
            Some(Deed::Commit(more) | Deed::Draft(more)) => {
                let all: Records = self.acknowledged.iter().chain(more).cloned().collect();
                found.len() >= self.acknowledged.len() && all.starts_with(found)
            }
        };
        assert!(sound, "{what}: found {found:?}, acknowledged {:?}", self.acknowledged);
    }
}

/// What a log holds after [`Deed::Adopt`]: what came since the last [`Deed::Draft`] follows.
fn adopted(before: &Records, all: &Records) -> Records {
    all.iter().chain(before.iter().rev().take(2).rev()).cloned().collect()
}

/// Does all deeds until the first failure.
fn run(storage: &FaultyStorage) -> Expected {
    let mut expected = Expected { acknowledged: Vec::new(), under_way: None };
    let Ok((mut log, replay)) = open(storage) else { return expected };
    expected.acknowledged = replay.collect();
    for deed in deeds() {
        let result = match &deed {
            Deed::Commit(records) => log.commit(records.iter().map(Vec::as_slice)),
            Deed::Rewrite(records) => log.rewrite(records, &mut entropy()),
            Deed::Draft(records) => {
                log.begin_draft(&mut entropy()).and_then(|()| log.commit(records.iter().map(Vec::as_slice)))
            }
            Deed::Adopt(records) => {
                records.chunks(1).try_for_each(|one| log.extend_draft(one)).and_then(|()| log.adopt_draft())
            }
        };
        match (result, deed) {
            (Ok(()), Deed::Commit(records) | Deed::Draft(records)) => expected.acknowledged.extend(records),
            (Ok(()), Deed::Adopt(records)) => {
                expected.acknowledged = adopted(&expected.acknowledged, &records);
            }
            (Ok(()), Deed::Rewrite(records)) => expected.acknowledged = records,
            (Err(_), deed) => {
                expected.under_way = Some(deed);
                assert!(log.commit([&b"x"[..]]).is_err(), "nothing more is taken");
                return expected;
            }
        }
    }
    expected
}

/// Reopens `disk`, checks it, and that it still takes and keeps a record.
fn check_reopened(disk: &FaultyStorage, expected: &Expected, what: &str) {
    let (mut log, replay) = open(disk).unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut found: Records = replay.collect();
    expected.check(&found, what);
    log.commit([&b"after"[..]]).unwrap();
    found.push(b"after".to_vec());
    assert_eq!(replayed(disk), found, "{what}: after another commit");
}

#[test]
fn a_crash_at_every_write_and_every_byte_keeps_the_acknowledged_and_tears_nothing() {
    let faultless = FaultyStorage::new();
    run(&faultless);
    let mut checked = 0;
    for operation in 0..faultless.operations() {
        for longest_write in [usize::MAX, 7] {
            let disk = FaultyStorage::new().write_at_most(longest_write).crash_after(operation);
            let expected = run(&disk);
            for survive in 0..=disk.at_risk() {
                let what = format!("crash in operation {operation}, {survive} of {}", disk.at_risk());
                check_reopened(&disk.reboot(survive), &expected, &what);
                checked += 1;
            }
        }
    }
    assert!(checked > 300, "only {checked} crashes");
}

#[test]
fn a_second_crash_during_the_repair_loses_nothing_either() {
    let faultless = FaultyStorage::new();
    run(&faultless);
    for operation in 0..faultless.operations() {
        let disk = FaultyStorage::new().crash_after(operation);
        let expected = run(&disk);
        for survive in 0..=disk.at_risk() {
            for repair in 0..3 {
                let again = disk.reboot(survive).crash_after(repair);
                let _ = open(&again);
                for survive in 0..=again.at_risk() {
                    check_reopened(&again.reboot(survive), &expected, "second crash");
                }
            }
        }
    }
}

#[test]
fn pages_that_reached_the_disk_out_of_order_are_no_damage() {
    let faultless = FaultyStorage::new();
    run(&faultless);
    for operation in 0..faultless.operations() {
        let disk = FaultyStorage::new().crash_after(operation);
        let expected = run(&disk);
        for at in 0..disk.at_risk() {
            for hole in [1, 16, 64] {
                let what = format!("operation {operation}, {hole} zeros at {at}");
                check_reopened(&disk.reboot_with_hole(at, hole), &expected, &what);
            }
        }
    }
}

#[test]
fn what_a_failed_sync_lost_is_never_acknowledged() {
    for sync in 1..5 {
        let disk = FaultyStorage::new().fail_sync_after(sync);
        let expected = run(&disk);
        assert!(expected.under_way.is_some());
        check_reopened(&disk.reboot(0), &expected, "failed sync");
    }
}

#[test]
fn a_damaged_byte_is_named_or_costs_the_last_commit_alone() {
    let disk = FaultyStorage::new();
    let (mut log, _) = open(&disk).unwrap();
    let records: Records = (1..=6).map(|n| vec![n; 9]).collect();
    records.iter().for_each(|record| log.commit([record.as_slice()]).unwrap());
    let file = disk.clone().read().unwrap();
    let last = file.len() - (frame::FRAME_HEADER + 9);
    for at in 0..file.len() {
        let mut bytes = file.clone();
        bytes[at] ^= 0x40;
        match open(&FaultyStorage::holding(bytes)) {
            Err(JournalError::NotAJournal) => assert!(at < 8, "byte {at}"),
            Err(JournalError::Damaged { offset }) => assert!(at < last && offset <= at as u64, "byte {at}"),
            Ok((_, replay)) => {
                assert!(at >= last, "byte {at}");
                assert_eq!(replay.cut().unwrap().offset, last as u64);
                assert_eq!(replay.collect::<Records>(), records[..5]);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn frames_inside_a_record_are_never_taken_for_records() {
    let disk = FaultyStorage::new();
    let (mut log, _) = open(&disk).unwrap();
    let mut forged = Vec::new();
    frame::write(&mut forged, frame::Salt([0; 8]), 900, 900, b"forged");
    log.commit([forged.as_slice()]).unwrap();
    let mut file = disk.clone().read().unwrap();
    file[frame::FILE_HEADER + 4] ^= 1;
    let (_, replay) = open(&FaultyStorage::holding(file)).unwrap();
    assert!(replay.cut().is_some());
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let disk = FaultyStorage::holding(b"#!/bin/sh\necho hello\n".to_vec());
    assert!(matches!(open(&disk), Err(JournalError::NotAJournal)));
    assert_eq!(disk.operations(), 0);
}

proptest! {
    #[test]
    fn opening_never_panics_whatever_the_file_holds(bytes in vec(any::<u8>(), 0..200), whole_header: bool) {
        let mut file = if whole_header { frame::Salt([3; 8]).file_header().to_vec() } else { Vec::new() };
        file.extend(bytes);
        let _ = open(&FaultyStorage::holding(file));
    }

    #[test]
    fn records_come_back_as_they_went(records in vec(vec(any::<u8>(), 0..100), 0..20)) {
        let disk = FaultyStorage::new();
        let (mut log, _) = open(&disk).unwrap();
        for group in records.chunks(3) {
            log.commit(group.iter().map(Vec::as_slice)).unwrap();
        }
        prop_assert_eq!(log.records(), records.len() as u64);
        prop_assert_eq!(replayed(&disk), records);
    }
}

/// A storage whose syncs wait for the test.
struct Gated {
    storage: FaultyStorage,
    entered: Sender<()>,
    gate: Receiver<()>,
}

impl Storage for Gated {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        self.storage.read()
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.storage.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        let _ = self.entered.send(());
        let _ = self.gate.recv();
        self.storage.sync()
    }
    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.storage.truncate(len)
    }
    fn begin_draft(&mut self) -> io::Result<()> {
        self.storage.begin_draft()
    }
    fn extend_draft(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.storage.extend_draft(bytes)
    }
    fn adopt_draft(&mut self) -> io::Result<()> {
        self.storage.adopt_draft()
    }
}

const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn one_sync_serves_all_that_wait() {
    let disk = FaultyStorage::new();
    let (entered_tx, entered) = mpsc::channel();
    let (gate, gate_rx) = mpsc::channel();
    let gated = Gated { storage: disk.clone(), entered: entered_tx, gate: gate_rx };
    gate.send(()).unwrap();
    let (tell, told) = mpsc::channel();
    let (journal, _) = Journal::start(gated, entropy(), move |outcome| tell.send(outcome).unwrap()).unwrap();
    entered.recv_timeout(PATIENCE).unwrap();
    journal.append(Ticket(0), b"first").unwrap();
    entered.recv_timeout(PATIENCE).unwrap();
    (1..=1_000).for_each(|n| journal.append(Ticket(n), b"waits").unwrap());
    assert!(told.try_recv().is_err(), "acknowledged before its sync");
    gate.send(()).unwrap();
    gate.send(()).unwrap();
    for n in 0..=1_000 {
        let outcome = told.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(outcome, Outcome::Durable(Ticket(ticket)) if ticket == n), "{outcome:?}");
    }
    assert_eq!(disk.syncs(), 3, "the header's, the first record's, that of the thousand");
    drop(journal);
    assert_eq!(replayed(&disk).len(), 1_001);
}

#[test]
fn a_failing_disk_is_told_once_and_nothing_is_acknowledged_after() {
    let disk = FaultyStorage::new().fail_sync_after(1);
    let (tell, told) = mpsc::channel();
    let (journal, _) = Journal::start(disk, entropy(), move |outcome| tell.send(outcome).unwrap()).unwrap();
    journal.append(Ticket(1), b"lost").unwrap();
    let outcome = told.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert!(matches!(journal.append(Ticket(2), b"too late"), Err(JournalError::Poisoned)));
    drop(journal);
    assert!(told.try_recv().is_err());
}

#[test]
fn a_journal_file_survives_reopening_rewriting_and_a_second_program() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let (tell, told) = mpsc::channel();
    let tell = move || {
        let tell = tell.clone();
        move |outcome| drop(tell.send(outcome))
    };
    let (journal, replay) = Journal::open(&path, tell()).unwrap();
    assert_eq!(replay.count(), 0);
    assert!(matches!(Journal::open(&path, |_| {}), Err(JournalError::InUse)));
    for n in 0..10 {
        journal.append(Ticket(n), &n.to_be_bytes()).unwrap();
    }
    let too_long = vec![0; MAX_RECORD + 1];
    assert!(matches!(journal.append(Ticket(10), &too_long), Err(JournalError::TooLong { .. })));
    drop(journal);
    assert_eq!(told.try_iter().count(), 10, "dropping commits what waits");

    let (journal, replay) = Journal::open(&path, tell()).unwrap();
    assert_eq!(
        replay.collect::<Records>(),
        (0..10_u64).map(|n| n.to_be_bytes().to_vec()).collect::<Records>()
    );
    journal.rewrite().unwrap();
    journal.append(Ticket(11), b"and more").unwrap();
    journal.rewrite_with(vec![b"all ".to_vec()]).unwrap();
    journal.append(Ticket(12), b"and yet more").unwrap();
    journal.rewrite_with(vec![b"of it".to_vec()]).unwrap();
    journal.rewritten().unwrap();
    drop(journal);

    assert_eq!(told.try_iter().count(), 2);
    let (journal, replay) = Journal::open(&path, tell()).unwrap();
    let all = [&b"all "[..], b"of it", b"and more", b"and yet more"].map(<[u8]>::to_vec);
    assert_eq!(replay.collect::<Records>(), all);
    journal.rewrite().unwrap();
    journal.rewrite_with(vec![b"never finished".to_vec()]).unwrap();
    drop(journal);
    let (_journal, replay) = Journal::open(&path, tell()).unwrap();
    assert_eq!(replay.collect::<Records>(), all, "half a rewrite is none");
}
