//! What a whole home does in a second: questions come over its wire, answers leave by it, and changes are in its journal
//! on a disk before they are answered. TLS and sockets are left out; the asker's time is not counted.

use std::{
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use rove_base::{Arrival, Entropy, Flow, Machine, Scratch, Step, StreamId, Ticket, Transport};
use rove_io::{
    clock::Clock,
    journal::{Journal, Outcome as Written},
};
use rove_node::roam::{Roam, SubscriberForm};
use rove_roam::{
    Imsi, Operation, Outcome,
    hlr::{Command, RequestId},
    private::{DialogueId, PartnerId, PrivateNetwork as _, Told, map::Map},
};

use crate::network::{A, HOME, LINK};

/// The home, and the wire of a network that asks it.
struct Bench {
    home: Roam,
    asker: Map,
    clock: Clock,
    journal: Journal,
    told: Receiver<Written>,
    _folder: tempfile::TempDir,
    /// The asker's name for the stream between them.
    stream: Option<StreamId>,
    to_home: Vec<u8>,
    to_asker: Vec<u8>,
    scratch: Scratch,
}

/// What came of so many questions.
struct Figures {
    /// A second of the clock.
    rate: f64,
    /// A second of the home's own time.
    per_core: f64,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (tell, told) = channel();
        let path = folder.path().join("journal");
        let (journal, _) = Journal::open(&path, move |outcome| drop(tell.send(outcome))).unwrap();
        let clock = Clock::new();
        let mut home = HOME.roam(1);
        home.start(clock.now());
        let mut bench = Self {
            home,
            asker: A.map(Entropy::from_number(2)),
            clock,
            journal,
            told,
            _folder: folder,
            stream: None,
            to_home: Vec::new(),
            to_asker: Vec::new(),
            scratch: Scratch::default(),
        };
        for n in 0..SUBSCRIBERS {
            let form: SubscriberForm = serde_json::from_value(serde_json::json!({
                "imsi": imsi(n).as_str(), "name": format!("t{n}.{}", HOME.domain),
                "k": format!("{n:032x}"), "opc": "07".repeat(16),
            }))
            .unwrap();
            let (id, add) = (RequestId(n as u64), Command::Add(Box::new(form.read().unwrap())));
            assert!(bench.home.administer(bench.clock.now(), id, add));
            bench.serve();
            if n % 1_000 == 0 {
                bench.wait();
            }
        }
        bench.asker.tick(bench.clock.now());
        let mut none = 0;
        // The link stands after a few turns.
        for _ in 0..8 {
            bench.listen(&mut none);
            bench.serve();
        }
        bench
    }

    /// What the asker wants and hears; whether anything happened.
    fn listen(&mut self, answered: &mut usize) -> bool {
        let now = self.clock.now();
        if let Some(stream) = self.stream.filter(|_| !self.to_asker.is_empty()) {
            self.asker.handle(now, Arrival::Stream { stream, bytes: &self.to_asker });
            self.to_asker.clear();
        }
        let mut busy = false;
        self.scratch.clear();
        loop {
            match self.asker.poll(&mut self.scratch) {
                Step::Wait(_) => return busy,
                Step::Send(transmit) => self.to_home.extend_from_slice(self.scratch.get(transmit.range)),
                Step::Event(Told::Asked { partner, id, .. }) => {
                    self.asker.answer(now, partner, id, Ok(Outcome::Done));
                }
                Step::Event(Told::Answered { result, .. }) => {
                    result.expect("granted");
                    *answered += 1;
                }
                Step::Connect(connect) if connect.remote == HOME.at(LINK) => {
                    let (local, remote, transport) = (A.at(40_000), HOME.at(LINK), Transport::Tls);
                    self.stream = Some(connect.stream);
                    let stream = connect.stream;
                    self.asker.handle(now, Arrival::Connected { stream, local, remote, transport });
                    let (stream, local, remote) = (STREAM, remote, local);
                    self.home.handle(now, Arrival::Connected { stream, local, remote, transport });
                    self.home.handle(now, Arrival::Identified { stream, name: A.domain });
                }
                _ => {}
            }
            busy = true;
        }
    }

    /// What the home wants and hears; whether anything happened.
    fn serve(&mut self) -> bool {
        let now = self.clock.now();
        if !self.to_home.is_empty() {
            self.home.handle(now, Arrival::Stream { stream: STREAM, bytes: &self.to_home });
            self.to_home.clear();
        }
        let mut busy = false;
        self.scratch.clear();
        loop {
            match self.home.poll(&mut self.scratch) {
                Step::Wait(_) => return busy,
                Step::Append(append) => {
                    self.journal.append(append.ticket, self.scratch.get(append.range)).unwrap();
                }
                Step::Send(transmit) if transmit.flow == Flow::Stream(STREAM) => {
                    self.to_asker.extend_from_slice(self.scratch.get(transmit.range));
                }
                // It calls the others too; nobody is there.
                _ => {}
            }
            busy = true;
        }
    }

    /// Waits for the disk.
    fn wait(&mut self) {
        let newest = self.told.recv_timeout(Duration::from_secs(30)).unwrap();
        self.durable(&newest);
    }

    /// All that the disk has said; whether it has.
    fn hear(&mut self) -> bool {
        let mut heard = false;
        while let Ok(newest) = self.told.try_recv() {
            self.durable(&newest);
            heard = true;
        }
        heard
    }

    fn durable(&mut self, outcome: &Written) {
        let Written::Durable(Ticket(ticket)) = *outcome else { panic!("{outcome:?}") };
        self.home.handle(self.clock.now(), Arrival::Durable { ticket: Ticket(ticket) });
    }

    /// Asks `total` questions, `window` of them at once.
    fn run(&mut self, total: usize, window: usize, ask: impl Fn(usize) -> Operation) -> Figures {
        let (mut asked, mut answered, mut spent) = (0, 0, Duration::ZERO);
        let start = Instant::now();
        while answered < total {
            while asked < total && asked - answered < window {
                let now = self.clock.now();
                self.asker.ask(now, PartnerId(0), DialogueId(asked as u64), ask(asked));
                asked += 1;
            }
            let mut busy = self.listen(&mut answered);
            let began = Instant::now();
            busy |= self.hear();
            busy |= self.serve();
            spent += began.elapsed();
            if !busy && answered < total {
                self.wait();
            }
        }
        let rate = |time: Duration| total as f64 / time.as_secs_f64();
        Figures { rate: rate(start.elapsed()), per_core: rate(spent) }
    }
}

fn imsi(n: usize) -> Imsi {
    format!("{}{n:010}", HOME.plmn).parse().unwrap()
}

fn location(n: usize) -> Operation {
    Operation::UpdateLocation { imsi: imsi(n % SUBSCRIBERS), visited: A.asks_as() }
}

fn authentication(n: usize) -> Operation {
    let (imsi, visited) = (imsi(n % SUBSCRIBERS), A.asks_as());
    Operation::SendAuthenticationInfo { imsi, visited, count: 1, resynchronisation: None, eps: None }
}

#[test]
fn a_home_answers_hundreds_of_questions_that_wait_at_once_and_each_of_them() {
    let mut bench = Bench::new();
    bench.run(500, 100, location);
    bench.run(500, 100, authentication);
}

#[test]
#[ignore = "figures, not a verdict: cargo test --release -p rove-tests --test nodes -- --ignored --nocapture throughput"]
fn what_a_home_does_in_a_second_throughput() {
    let mut bench = Bench::new();
    bench.run(2_000, WINDOW, location);
    let durable = bench.run(50_000, WINDOW, location);
    let proven = bench.run(100_000, WINDOW, authentication);
    let verdict = |good: bool| if good { "within" } else { "beyond" };
    println!(
        "durable UpdateLocation through MAP and journal, {WINDOW} at once: {:.0}/s ({:.0} a second of the home's own time); \
         wanted 5000/s: {}",
        durable.rate,
        durable.per_core,
        verdict(durable.rate >= 5_000.0)
    );
    println!(
        "authentication info through MAP: {:.0} a second of one core; wanted 20000: {}",
        proven.per_core,
        verdict(proven.per_core >= 20_000.0)
    );
}

const SUBSCRIBERS: usize = 10_000;
const WINDOW: usize = 1_000;
const STREAM: StreamId = StreamId(1);
