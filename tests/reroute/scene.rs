//! Two phones with two ways between them, of which one is the first choice and gets worse while they talk.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rove_tests::{
    programs::{Running, peer, program, root},
    wires::{Truth, Wires},
};
use serde_json::{Value, json};

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long a wire takes one way, in ms.
pub(crate) const DELAY: f64 = 20.0;
/// There and back.
pub(crate) const ROUND_TRIP: f64 = 2.0 * DELAY;
/// By then both ends know the other way, and that they have words for it.
pub(crate) const KNOWN: f64 = 5.0;

/// Whether the long proofs are wanted.
pub(crate) fn proves() -> bool {
    std::env::var_os("ROVE_PROVE").is_some()
}

/// What becomes of the first way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bad {
    /// Nothing passes.
    Cut,
    /// The caller's interface goes down.
    Down,
    /// The caller's address there becomes another.
    Address,
    /// Such a share of packets does not pass.
    Loses(f64),
    /// They take so many ms longer.
    Late(f64),
    /// They take up to so many ms longer, each for itself.
    Uneven(f64),
    /// Such a share of bits arrives changed.
    Bits(f64),
}

impl Bad {
    /// What a user says who minds.
    pub(crate) const fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Bits(_) => &["--max-bit-errors", "0.00003"],
            _ => &[],
        }
    }
}

/// One end of a call, and what the wires say of what was sent to it.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) truth: Truth,
    pub(crate) report: Value,
}

/// A switch, as the end tells it whose peer was moved.
#[derive(Clone, Debug)]
pub(crate) struct Switch {
    pub(crate) at: f64,
    pub(crate) cause: String,
    pub(crate) to: String,
    pub(crate) gap: Option<f64>,
    pub(crate) lost: Option<f64>,
}

impl End {
    /// Packets that never came, of the whole call.
    pub(crate) fn lost(&self) -> f64 {
        self.report["calls"][0]["lost"].as_f64().unwrap_or_else(|| panic!("{}", self.report))
    }

    pub(crate) fn switches(&self) -> Vec<Switch> {
        let told = self.report["reroutes"].as_array().unwrap_or_else(|| panic!("{}", self.report));
        let switch = |one: &Value| Switch {
            at: one["at_s"].as_f64().unwrap(),
            cause: one["cause"].as_str().unwrap_or("nothing").to_owned(),
            to: one["to"].as_str().unwrap_or("nothing").to_owned(),
            gap: one["gap_ms"].as_f64(),
            lost: one["packets_lost"].as_f64(),
        };
        told.iter().map(switch).collect()
    }

    /// A figure of each second that began at `from` or later, in seconds of the call, and ended by `until`.
    pub(crate) fn each_second(&self, key: &str, from: f64, until: f64) -> Vec<f64> {
        let seconds =
            self.report["calls"][0]["quality"].as_array().unwrap_or_else(|| panic!("{}", self.report));
        let at = |second: &Value| second["at_s"].as_f64().unwrap();
        let counted = seconds.iter().filter(|second| at(second) >= from + 1.0 && at(second) <= until);
        counted.filter_map(|second| second[key].as_f64()).collect()
    }
}

/// The caller's address on a wire ends with this at first, and with the other one when it became another.
const FIRST: u8 = 1;
const SECOND: u8 = 9;

pub(crate) struct Scene {
    pub(crate) wires: Wires,
    folder: tempfile::TempDir,
    began: std::cell::Cell<Instant>,
    /// The last number of the caller's address on each wire.
    hosts: std::cell::Cell<[u8; 2]>,
    flags: [Vec<String>; 2],
}

impl Scene {
    /// `None`, said aloud, where it cannot be.
    pub(crate) fn new(count: usize, seed: u64) -> Option<Self> {
        peer("ip")?;
        // Signalling goes on, whatever happens to voice.
        let wires = Wires::between(["alice", "bob"], count, seed, &[5060])?;
        let scene = Self {
            wires,
            folder: tempfile::tempdir().unwrap(),
            began: Instant::now().into(),
            hosts: [FIRST; 2].into(),
            flags: [(); 2].map(|()| Vec::new()),
        };
        (0..count).for_each(|wire| scene.mend(wire));
        Some(scene)
    }

    /// The same, with more words for both phones.
    pub(crate) fn with(mut self, flags: &[&str]) -> Self {
        self.flags.iter_mut().for_each(|own| own.extend(flags.iter().map(|flag| (*flag).to_owned())));
        self
    }

    /// The same, with more words for the phone that calls.
    pub(crate) fn caller(mut self, flags: &[&str]) -> Self {
        self.flags[0].extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    /// The same, with what the second phone hears written to a file.
    pub(crate) fn recorded(mut self, file: &str) -> Self {
        let path = self.path(file);
        self.flags[1].extend(["--record".to_owned(), path.to_str().unwrap().to_owned()]);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn rove(&self, at: usize, args: &[&str]) -> Running {
        let mut command = self.wires.networks().command(self.wires.places()[at], &program("rove"));
        command.args(args).args(&self.flags[at]);
        Running::spawn(command)
    }

    /// A call of so many seconds with speech. What each end tells, caller first, and what the wires told last.
    pub(crate) fn call(&self, seconds: f64, during: impl FnOnce(&Self) -> [Truth; 2]) -> [End; 2] {
        let speech = root().join("apps/rove/assets/speech-alice.wav");
        self.call_saying(&speech, seconds, during)
    }

    pub(crate) fn call_saying(
        &self,
        speech: &Path,
        seconds: f64,
        during: impl FnOnce(&Self) -> [Truth; 2],
    ) -> [End; 2] {
        let voice = ["--play", speech.to_str().unwrap(), "--repeat"];
        let reports = ["alice.json", "bob.json"].map(|name| self.path(name));
        let json = reports.each_ref().map(|path| path.to_str().unwrap());
        let own = ["answer", "--calls", "1", "--ready-json", "--listen", "0.0.0.0:5060", "--json", json[1]];
        let mut bob = self.rove(1, &[&own[..], &voice].concat());
        bob.ready(PATIENCE);
        let lasts = seconds.to_string();
        let own = ["call", "10.60.0.2", "--for", &lasts, "--json", json[0]];
        let alice = self.rove(0, &[&own[..], &voice].concat());
        self.began.set(Instant::now());
        let [there, back] = during(self);
        let patience = PATIENCE + Duration::from_secs_f64(seconds);
        for (who, end) in [("alice", alice), ("bob", bob)] {
            let (code, said, complaints) = end.outcome(patience);
            assert_eq!(code, 0, "{who}: {said} {complaints}");
        }
        let read = |path: &PathBuf| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let [alice, bob] = reports.each_ref().map(read);
        [End { truth: back, report: alice }, End { truth: there, report: bob }]
    }

    /// A call to somebody else, of so many seconds: what the caller tells, and what the wires told last.
    pub(crate) fn calls(
        &self,
        seconds: f64,
        flags: &[&str],
        during: impl FnOnce(&Self) -> [Truth; 2],
    ) -> (Value, [Truth; 2]) {
        let speech = root().join("apps/rove/assets/speech-alice.wav");
        let (file, lasts) = (self.path("alice.json"), seconds.to_string());
        let own = ["call", "10.60.0.2", "--for", &lasts, "--json", file.to_str().unwrap()];
        let voice = ["--play", speech.to_str().unwrap(), "--repeat"];
        let alice = self.rove(0, &[&own[..], &voice, flags].concat());
        self.began.set(Instant::now());
        let truth = during(self);
        let (code, said, complaints) = alice.outcome(PATIENCE + Duration::from_secs_f64(seconds));
        assert_eq!(code, 0, "{said} {complaints}");
        (serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap(), truth)
    }

    /// Seconds since the call began, as good as.
    pub(crate) fn time(&self) -> f64 {
        self.began.get().elapsed().as_secs_f64()
    }

    /// Waits until the call is so old.
    pub(crate) fn until(&self, seconds: f64) {
        loop {
            let left = seconds - self.time();
            if left <= 0.0 {
                return;
            }
            std::thread::park_timeout(Duration::from_secs_f64(left));
        }
    }

    /// A wire is as it was at first.
    pub(crate) fn mend(&self, wire: usize) {
        self.wires.set(wire, "both", &json!({ "delay_ms": DELAY }));
    }

    /// What was done to the caller's own place is over.
    pub(crate) fn restore(&self, wire: usize, bad: Bad) {
        match bad {
            Bad::Down => self.wires.networks().ip("alice", &format!("link set eth{wire} up")),
            Bad::Address => self.address("add", wire, FIRST),
            _ => {}
        }
    }

    fn address(&self, what: &str, wire: usize, host: u8) {
        let address = format!("address {what} 10.{}.0.{host}/24 dev eth{wire}", 60 + wire);
        self.wires.networks().ip("alice", &address);
    }

    pub(crate) fn spoil(&self, wire: usize, way: &str, bad: Bad) {
        let networks = self.wires.networks();
        match bad {
            Bad::Cut => self.wires.set(wire, way, &json!({ "cut": true })),
            Bad::Down => networks.ip("alice", &format!("link set eth{wire} down")),
            Bad::Address => {
                let mut hosts = self.hosts.get();
                let old = hosts[wire];
                hosts[wire] = if old == FIRST { SECOND } else { FIRST };
                self.hosts.set(hosts);
                // The other way round both would be gone: what shares a net with an address goes with it.
                self.address("delete", wire, old);
                self.address("add", wire, hosts[wire]);
            }
            Bad::Loses(loss) => self.wires.set(wire, way, &json!({ "delay_ms": DELAY, "loss": loss })),
            Bad::Late(ms) => self.wires.set(wire, way, &json!({ "delay_ms": DELAY + ms })),
            Bad::Uneven(ms) => self.wires.set(wire, way, &json!({ "delay_ms": DELAY, "jitter_ms": ms })),
            Bad::Bits(share) => self.wires.set(wire, way, &json!({ "delay_ms": DELAY, "bit_errors": share })),
        }
    }
}

/// Makes so many scenes that happen at the same time. `None` where there can be none.
pub(crate) fn together<T: Send>(count: u64, one: impl Fn(u64) -> Option<T> + Sync) -> Option<Vec<T>> {
    std::thread::scope(|scope| {
        let one = &one;
        let running: Vec<_> = (0..count).map(|round| scope.spawn(move || one(round))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// The value that a share of them does not pass.
pub(crate) fn at(share: f64, mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}
