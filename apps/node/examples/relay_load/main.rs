//! Calls through a relay: a load for one that runs, and a bare forwarder to compare it with.
//!
//! ```text
//! relay_load forward LISTEN
//! relay_load turn|calls|bare SERVER PID CALLS SECONDS SECRET
//! ```
//!
//! A load sends 172 bytes each 20 ms both ways in each call, and says in one line of JSON how many packets came through, what
//! processor time the server's process used meanwhile, and what memory it had before and with the calls. With 0 seconds the
//! calls are only begun.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a tool of the benches")]

mod forward;
mod legs;

use std::{
    fs,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use legs::{Kind, Leg, Pair};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["forward", listen] => forward::run(listen.parse().expect("an address")),
        [kind, server, pid, calls, seconds, secret] => {
            let kind = Kind::read(kind).expect("turn, calls or bare");
            let number = |text: &str| text.parse::<u64>().expect("a number");
            let load = Load {
                kind,
                server: server.parse().expect("an address"),
                pid: number(pid),
                calls: number(calls),
                seconds: number(seconds),
                secret: (*secret).to_owned(),
            };
            println!("{}", load.run());
        }
        _ => {
            eprintln!("relay_load forward LISTEN | turn|calls|bare SERVER PID CALLS SECONDS SECRET");
            std::process::exit(2);
        }
    }
}

struct Load {
    kind: Kind,
    server: SocketAddr,
    pid: u64,
    calls: u64,
    seconds: u64,
    secret: String,
}

impl Load {
    fn run(&self) -> String {
        let before = resident(self.pid);
        let held = self.seconds == 0;
        let mut pairs = Vec::new();
        for call in 0..self.calls {
            let pair = Pair::begin(self.kind, self.server, call, &self.secret);
            // What is only held needs no socket here any more.
            pairs.extend((!held).then_some(pair));
        }
        let with = resident(self.pid);
        if held {
            return format!("{{\"calls\": {}, \"kib_before\": {before}, \"kib_with\": {with}}}", self.calls);
        }
        let mut packets = [0_u8; 172];
        packets[0] = 0x80;
        talk(&mut pairs, Duration::from_secs(1), &packets);
        let cpu = cpu(self.pid);
        let (sent, heard) = talk(&mut pairs, Duration::from_secs(self.seconds), &packets);
        let cpu = self::cpu(self.pid) - cpu;
        let rate = heard as f64 / cpu;
        format!(
            "{{\"calls\": {}, \"sent\": {sent}, \"heard\": {heard}, \"cpu_s\": {cpu:.3}, \"per_cpu_s\": {rate:.0}, \
             \"kib_before\": {before}, \"kib_with\": {with}}}",
            self.calls
        )
    }
}

/// Each call both ways each 20 ms, spread over them. Answers what was sent and what was heard.
fn talk(pairs: &mut [Pair], time: Duration, packet: &[u8]) -> (u64, u64) {
    let (begin, mut slot) = (Instant::now(), 0_u32);
    let (mut sent, mut heard) = (0, 0);
    while begin.elapsed() < time {
        for pair in pairs.iter_mut().skip(slot as usize % SLOTS).step_by(SLOTS) {
            for leg in &mut pair.0 {
                heard += leg.hear();
                sent += leg.say(packet);
            }
        }
        slot += 1;
        let due = SLOT * slot;
        thread::sleep(due.saturating_sub(begin.elapsed()));
    }
    thread::sleep(Duration::from_millis(100));
    heard += pairs.iter_mut().flat_map(|pair| &mut pair.0).map(Leg::hear).sum::<u64>();
    (sent, heard)
}

/// Processor time that a process has used, all of its threads, in seconds.
fn cpu(pid: u64) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the server's process");
    let of = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    tasks.flatten().filter_map(of).sum::<f64>() / 1e9
}

/// Memory that a process has.
fn resident(pid: u64) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the server's process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Each call has its turn in one of so many slots of so long.
const SLOTS: usize = 20;
const SLOT: Duration = Duration::from_millis(1);
