//! What an existing Kea answers to the commands of an address pool.

use core::time::Duration;

use rove_base::{Entropy, Machine as _, Now, Scratch, Step};
use rove_roam::{
    Imsi,
    pool::{Event, PoolConfig, Range4, Token, V4Config, kea::KeaPool},
};

/// Each line is an answer. Whatever Kea says, it counts as serving only after it said yes to every step that leaves it
/// without a free address; and once it says yes to everything, it serves, and a terminal's lease is told to it.
///
/// # Panics
///
/// When that does not hold.
pub fn answers(bytes: &[u8]) {
    let mut kea = Kea::new();
    for answer in bytes.split(|byte| *byte == b'\n').take(64) {
        if !kea.obeys((!answer.is_empty()).then_some(answer)) {
            kea.stay();
        }
    }
    let mut left = 40;
    while kea.obeys(Some(YES)) {
        left -= 1;
        assert!(left > 0, "it is told and told again");
    }
    assert!(kea.pool.is_serving(), "it serves in the end");
}

struct Kea {
    pool: KeaPool,
    now: Now,
    holder: Imsi,
    /// Successes without a failure between them.
    row: usize,
}

impl Kea {
    fn new() -> Self {
        let server = [10, 9, 0, 1].into();
        let v4 = V4Config {
            ranges: vec![Range4 { first: [10, 9, 0, 10].into(), last: [10, 9, 0, 13].into() }],
            server,
            prefix_len: 24,
            router: None,
            dns: Vec::new(),
            server_port: 67,
            client_port: 68,
            to_source: false,
        };
        let (name_ttl, patience) = (Duration::from_secs(5), Duration::from_secs(30));
        let config = PoolConfig { v4: Some(v4), v6: None, name_ttl, patience };
        let pool = KeaPool::new(config, 1, Entropy::from_number(1)).expect("settings that work");
        let holder = "001010000000001".parse().expect("an identity");
        let mut kea = Self { pool, now: Now::default(), holder, row: 0 };
        kea.pool.tick(kea.now);
        kea.drain();
        kea
    }

    /// One command, and what Kea says to it; `false` when there is none.
    fn obeys(&mut self, answer: Option<&[u8]>) -> bool {
        self.now = self.now.later(Duration::from_millis(1_001));
        self.pool.tick(self.now);
        self.drain();
        let Some(command) = self.pool.command(self.now) else { return false };
        assert!(command.starts_with('{') && command.ends_with('}'), "{command}");
        assert_eq!(self.pool.command(self.now), None, "one at a time");
        let before = self.pool.failures();
        self.pool.answered(self.now, answer);
        self.row = if self.pool.failures() == before { self.row + 1 } else { 0 };
        // To stop, each of the four addresses, to go on.
        assert!(!self.pool.is_serving() || self.row >= 6, "it serves after {} answers", self.row);
        self.drain();
        true
    }

    /// A terminal comes, or goes, while there is nothing to say to Kea.
    fn stay(&mut self) {
        let (now, holder) = (self.now, self.holder);
        if self.pool.pool().addresses_of(holder).is_some() {
            self.pool.release(now, holder);
        } else if self.pool.reserve(now, holder).is_ok() {
            self.pool.grant(now, Token([7; 16]), holder);
            self.pool.bound(now, holder, 30);
        }
        self.drain();
    }

    fn drain(&mut self) {
        let mut out = Scratch::default();
        loop {
            match self.pool.poll(&mut out) {
                Step::Event(Event::Commit(change)) => self.pool.committed(self.now, change.id, true),
                Step::Wait(_) => return,
                _ => {}
            }
        }
    }
}

const YES: &[u8] = br#"{"result": 0, "text": "done"}"#;
