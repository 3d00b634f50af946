//! What a home spends on a challenge, on an update of the location, and on a binding, proven and renewed; and how many
//! updates a second become durable on this disk.
#![allow(missing_docs, reason = "criterion's macros")]
#![expect(clippy::expect_used, clippy::panic, reason = "a bench may stop")]

use std::{collections::BTreeMap, sync::mpsc, time::Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rove_base::{Entropy, Now, Ticket};
use rove_io::journal::{Journal, Outcome as Written};
use rove_roam::{
    Addresses, BindClaim, Challenge, ChangeId, Generation, Imsi, Operation, Outcome, Profile, Proof,
    Services, Subscriber, VisitedNetwork,
    aka::{AkaKeys, BindingSecret, Usim, binding_proof},
    hlr::{Agreement, Command, Hlr, HlrConfig, HlrStep, Limits, RequestId},
    private::{DialogueId, PartnerId},
    subscriber::{Credential, Networks},
};

const SUBSCRIBERS: u32 = 100_000;
const PARTNER: PartnerId = PartnerId(0);

fn imsi(n: u32) -> Imsi {
    format!("00101{n:010}").parse().expect("an IMSI")
}

fn keys(n: u32) -> AkaKeys {
    let mut k = [9; 16];
    k[..4].copy_from_slice(&n.to_be_bytes());
    AkaKeys::new(k, [3; 16])
}

fn visited() -> VisitedNetwork {
    VisitedNetwork { vlr: "4412".parse().expect("a number"), network: "a.example".parse().expect("a name") }
}

/// A home with a hundred thousand subscribers, whose owner and partner answer at once.
struct Desk {
    home: Hlr,
    next: u64,
}

impl Desk {
    fn new() -> Self {
        let agreement = Agreement {
            partner: PARTNER,
            network: visited().network,
            prefixes: vec!["10.0.0.0/8".parse().expect("a prefix")],
            own: false,
        };
        let config = HlrConfig {
            hlr: "49300".parse().expect("a number"),
            domain: "home.example".parse().expect("a name"),
            plmns: vec!["00101".parse().expect("a network code")],
            agreements: vec![agreement],
            ttl: 5,
            limits: Limits::default(),
        };
        let mut desk = Self { home: Hlr::new(config, Entropy::from_number(1)), next: 0 };
        desk.home.start(Now::default());
        let services = Services { roaming: true, packet_data: true, ..Services::default() };
        for n in 0..SUBSCRIBERS {
            let one = Subscriber {
                imsi: imsi(n),
                msisdn: None,
                name: format!("t{n}.home.example").parse().expect("a name"),
                credential: Credential::Aka { keys: keys(n), amf: [0x80, 0] },
                profile: Profile { services, ..Profile::default() },
                networks: Networks::All,
                gives_name: true,
                ttl: None,
            };
            desk.home.administer(Now::default(), RequestId(u64::from(n)), Command::Add(Box::new(one)));
            desk.drain();
        }
        desk
    }

    fn ask(&mut self, operation: Operation) -> Outcome {
        self.next += 1;
        self.home.asked(Now::default(), PARTNER, DialogueId(self.next), operation);
        self.drain().unwrap_or_else(|| panic!("not answered"))
    }

    /// The last answer.
    fn drain(&mut self) -> Option<Outcome> {
        let mut answer = None;
        loop {
            match self.home.poll() {
                HlrStep::Ask { partner, id, .. } => {
                    self.home.answered(Now::default(), partner, id, Ok(Outcome::Done));
                }
                HlrStep::Answer { result, .. } => answer = Some(result.expect("granted")),
                HlrStep::Commit(change) => self.home.committed(Now::default(), change.id, Ok(())),
                HlrStep::Event(_) => {}
                HlrStep::Wait(_) => return answer,
            }
        }
    }

    fn authentication_info(&mut self, n: u32) -> Challenge {
        let ask = Operation::SendAuthenticationInfo {
            imsi: imsi(n),
            visited: visited(),
            count: 1,
            resynchronisation: None,
            eps: None,
        };
        let Outcome::AuthenticationInfo(mut challenges) = self.ask(ask) else { panic!("no challenge") };
        challenges.pop().expect("one")
    }

    fn update_location(&mut self, n: u32) -> Generation {
        let ask = Operation::UpdateLocation { imsi: imsi(n), visited: visited() };
        let Outcome::Located { generation, .. } = self.ask(ask) else { panic!("not located") };
        generation
    }

    /// A claim and its proof.
    fn claim(&self, n: u32, generation: Generation, secret: &BindingSecret) -> (BindClaim, Proof) {
        let [_, b, c, d] = n.to_be_bytes();
        let claim = BindClaim {
            imsi: imsi(n),
            generation,
            name: format!("t{n}.home.example").parse().expect("a name"),
            addresses: Addresses { v4: Some([10, b, c, d].into()), v6: None },
            network: visited().network,
        };
        let proof = binding_proof(secret, &claim.network, &claim);
        (claim, proof)
    }

    fn secret(&mut self, n: u32) -> BindingSecret {
        let Challenge::Aka(vector) = self.authentication_info(n) else { panic!("not AKA") };
        let answer = Usim::new(keys(n)).answer(&vector.rand, &vector.autn, &visited().network);
        answer.expect("the home's").binding_secret
    }
}

fn home(c: &mut Criterion) {
    let mut desk = Desk::new();
    let mut group = c.benchmark_group("roam/home");
    group.throughput(Throughput::Elements(1));
    let mut turn = (0..SUBSCRIBERS).cycle();
    let mut next = move || turn.next().unwrap_or(0);
    group.bench_function("authentication_info", |b| b.iter(|| desk.authentication_info(next())));
    group.bench_function("update_location", |b| b.iter(|| desk.update_location(next())));
    group.bench_function("bind", |b| {
        b.iter_custom(|count| {
            let mut spent = std::time::Duration::ZERO;
            for _ in 0..count {
                let n = next();
                let secret = desk.secret(n);
                let generation = desk.update_location(n);
                let (claim, proof) = desk.claim(n, generation, &secret);
                let start = Instant::now();
                desk.ask(Operation::Bind { claim, proof, lease: 30 });
                spent += start.elapsed();
            }
            spent
        });
    });
    let secret = desk.secret(1);
    let generation = desk.update_location(1);
    let (claim, proof) = desk.claim(1, generation, &secret);
    group.bench_function("renew", |b| {
        b.iter(|| desk.ask(Operation::Bind { claim: claim.clone(), proof: proof.clone(), lease: 30 }));
    });
    group.finish();
}

/// Updates of the location with a thousand under way, each answered when its record is on the disk.
fn durable(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let (tell, told) = mpsc::channel();
    let opened = Journal::open(&folder.path().join("journal"), move |outcome| drop(tell.send(outcome)));
    let (journal, _) = opened.expect("a journal");
    let mut desk = Desk::new();
    let mut turn = (0..SUBSCRIBERS).cycle();
    let mut group = c.benchmark_group("roam/durable");
    group.throughput(Throughput::Elements(WINDOW));
    let mut ticket = 0;
    group.bench_function("update_location_window_1000", |b| {
        b.iter(|| {
            let mut waiting: BTreeMap<u64, ChangeId> = BTreeMap::new();
            for n in turn.by_ref().take(WINDOW as usize) {
                desk.next += 1;
                let ask = Operation::UpdateLocation { imsi: imsi(n), visited: visited() };
                desk.home.asked(Now::default(), PARTNER, DialogueId(desk.next), ask);
            }
            let mut answered = 0;
            while answered < WINDOW {
                match desk.home.poll() {
                    HlrStep::Commit(change) => {
                        ticket += 1;
                        waiting.insert(ticket, change.id);
                        journal.append(Ticket(ticket), &change.record).expect("room");
                    }
                    HlrStep::Ask { partner, id, .. } => {
                        desk.home.answered(Now::default(), partner, id, Ok(Outcome::Done));
                    }
                    HlrStep::Answer { result, .. } => {
                        result.expect("granted");
                        answered += 1;
                    }
                    HlrStep::Event(_) => {}
                    HlrStep::Wait(_) => match told.recv().expect("a verdict") {
                        Written::Durable(ticket) => {
                            while let Some(first) =
                                waiting.first_entry().filter(|first| *first.key() <= ticket.0)
                            {
                                desk.home.committed(Now::default(), first.remove(), Ok(()));
                            }
                        }
                        failed => panic!("{failed:?}"),
                    },
                }
            }
        });
    });
    group.finish();
}

/// Updates under way at a time.
const WINDOW: u64 = 1_000;

criterion_group!(benches, home, durable);
criterion_main!(benches);
