//! Random histories against a model that is as simple as can be: a row for each address.

use std::collections::BTreeMap;

use super::*;

/// Seconds since the beginning.
type Secs = u64;

/// What is true of one address.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Truth {
    Free,
    Reserved {
        holder: u32,
        until: Secs,
    },
    Bound {
        holder: u32,
        until: Secs,
        written: Secs,
    },
    /// `holder` is `None` once a crash has made it unknown.
    Resting {
        holder: Option<u32>,
        until: Secs,
        written: Secs,
    },
}

struct Model {
    truth: BTreeMap<Ipv4Addr, Truth>,
    now: Secs,
}

const ADDRESSES: u8 = 7;
const HOLDERS: u64 = 9;
const REST: Secs = 60;
const PATIENCE: Secs = 30;

impl Model {
    fn pass(&mut self, secs: Secs) {
        self.now += secs;
        for truth in self.truth.values_mut() {
            match *truth {
                Truth::Reserved { holder, until } | Truth::Bound { holder, until, .. }
                    if until <= self.now =>
                {
                    let end = until + REST;
                    *truth = Truth::Resting { holder: Some(holder), until: end, written: end + 1 };
                }
                _ => {}
            }
            if matches!(*truth, Truth::Resting { until, .. } if until <= self.now) {
                *truth = Truth::Free;
            }
        }
    }

    fn of(&mut self, who: u32) -> Option<(Ipv4Addr, &mut Truth)> {
        let holds = |truth: &Truth| matches!(*truth, Truth::Reserved { holder, .. } | Truth::Bound { holder, .. } if holder == who);
        self.truth.iter_mut().find(|(_, truth)| holds(truth)).map(|(address, truth)| (*address, truth))
    }

    fn end(&mut self, who: u32) {
        let end = self.now + REST;
        if let Some((_, truth)) = self.of(who) {
            *truth = Truth::Resting { holder: Some(who), until: end, written: end + 1 };
        }
    }

    /// The crash of a node whose every record is durable: whose lease stands, and what must rest at least how long.
    fn crash(&mut self) {
        let rest = self.now + REST;
        for truth in self.truth.values_mut() {
            match truth {
                Truth::Free => {}
                Truth::Reserved { holder, .. } => {
                    *truth = Truth::Resting { holder: Some(*holder), until: rest, written: rest };
                }
                Truth::Bound { until, written, .. } | Truth::Resting { until, written, .. } => {
                    *until = *written;
                }
            }
        }
    }

    fn reserved(&mut self, who: u32, given: Result<Addresses, Full>, free: usize) {
        let until = self.now + PATIENCE;
        if let Some((address, Truth::Reserved { until: end, .. })) = self.of(who) {
            assert_eq!(given.unwrap().v4, Some(address), "a reservation is kept");
            *end = until;
            return;
        }
        self.end(who);
        let own = |truth: &&Truth| matches!(truth, Truth::Resting { holder, .. } if *holder == Some(who));
        let own = self.truth.values().filter(own).count();
        let Ok(addresses) = given else {
            assert!(free == 0 && own < shelf::MAX_RESTING, "refused, {free} free: {:?}", self.truth);
            return;
        };
        let truth = self.truth.get_mut(&addresses.v4.unwrap()).unwrap();
        match *truth {
            Truth::Free => assert!(own < shelf::MAX_RESTING),
            Truth::Resting { holder, .. } if holder == Some(who) => {
                assert!(own >= shelf::MAX_RESTING, "its own though others are free");
            }
            _ => panic!("{who} got {:?}, which is {truth:?}", addresses.v4),
        }
        *truth = Truth::Reserved { holder: who, until };
    }

    fn check(&self, pool: &Pool) {
        for (address, truth) in &self.truth {
            let owner = match *truth {
                Truth::Reserved { holder, .. } | Truth::Bound { holder, .. } => Some(imsi(holder)),
                Truth::Free | Truth::Resting { .. } => None,
            };
            assert_eq!(pool.holder_of((*address).into()), owner, "{address} is {truth:?}");
        }
    }
}

/// One history: the same steps for the pool and for the model.
fn history(seed: u64, steps: u32) {
    let mut random = Entropy::from_number(seed);
    let mut network = Network::of(settings(ADDRESSES), seed);
    let addresses = (0..ADDRESSES).map(|at| (Ipv4Addr::new(10, 9, 0, 10 + at), Truth::Free));
    let mut model = Model { truth: addresses.collect(), now: 0 };
    for _ in 0..steps {
        let who = (random.next_u64() % HOLDERS) as u32;
        match random.next_u64() % 16 {
            0..6 => {
                let held = model.of(who).is_some_and(|(_, truth)| matches!(truth, Truth::Reserved { .. }));
                let free = network.pool.occupancy().free;
                let given = network.pool.reserve(network.now, imsi(who));
                model.reserved(who, given, if held { 0 } else { free });
            }
            6..9 => {
                let until = model.now + Secs::from(LEASE);
                if let Some((_, truth)) = model.of(who) {
                    *truth = Truth::Bound { holder: who, until, written: until + 1 };
                    network.bind(imsi(who));
                }
            }
            9 => {
                network.release(imsi(who));
                model.end(who);
            }
            10 => {
                network.pool.refused(network.now, imsi(who));
                model.end(who);
            }
            11 if random.next_u64().is_multiple_of(4) => {
                network = network.restart(settings(ADDRESSES), seed ^ 1, &network.journal);
                model.crash();
                learn_what_rests(&mut model, &network.pool);
            }
            _ => {
                let secs = random.next_u64() % 40;
                network.pass(Duration::from_secs(secs));
                model.pass(secs);
            }
        }
        network.drain();
        model.check(&network.pool);
    }
}

/// After a crash the pool may let rest what was free, because it had said that it might give it out, and may let rest for
/// longer; never for a shorter time.
fn learn_what_rests(model: &mut Model, pool: &Pool) {
    let resting: BTreeMap<_, _> = pool.v4.as_ref().unwrap().resting().collect();
    for (address, truth) in &mut model.truth {
        let rest = resting.get(&IpAddr::V4(*address));
        let until = rest.map(|rest| model.now + rest.until.since(pool.now.mono).as_secs());
        let by = rest.and_then(|rest| rest.holder);
        let holder = (0..HOLDERS as u32).find(|number| Some(imsi(*number)) == by);
        match (&mut *truth, until) {
            (Truth::Resting { until: least, holder: last, .. }, Some(until)) => {
                assert!(until >= *least, "{address} rests until {until}, not {least}");
                assert!(holder.is_none() || last.is_none() || holder == *last, "{address}");
            }
            (Truth::Resting { until, .. }, None) => assert!(*until <= model.now, "{address} does not rest"),
            (Truth::Free, Some(until)) => assert!(until <= model.now + REST + 1),
            (Truth::Free | Truth::Bound { .. }, None) => continue,
            (other, _) => panic!("{address} rests, and is {other:?}"),
        }
        *truth = match until {
            Some(until) if until > model.now => Truth::Resting { holder, until, written: until },
            _ => Truth::Free,
        };
    }
}

#[test]
fn a21_random_histories_agree_with_a_model_of_one_row_an_address() {
    let histories = if std::env::var_os("ROVE_PROVE").is_some() { 1_000_000 } else { 10_000 };
    for seed in 0..histories {
        history(seed, 60);
    }
}
