//! Calls through a relay: a load for one that runs, and a bare forwarder to compare it with.
//!
//! ```text
//! relay_load forward LISTEN
//! relay_load turn|calls|bare SERVER PID CALLS SECONDS SECRET
//! relay_load ways FILE PID SECONDS
//! ```
//!
//! A load sends 172 bytes each 20 ms both ways in each call, and says in one line of JSON how many packets came through, what
//! processor time the server's process used meanwhile, and what memory it had before and with the calls. With 0 seconds the
//! calls are only begun. `ways` are calls that somebody else has set up: a line of the file is a call, and says of both ends where
//! it is and where it sends to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a tool of the benches")]

mod forward;
mod legs;

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use legs::{Kind, Leg, Pair};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["forward", listen] => forward::run(listen.parse().expect("an address")),
        ["ways", file, pid, seconds] => {
            let ways = legs::ways(&fs::read_to_string(file).expect("the file of ways"));
            let calls = ways.len() as u64;
            let begin = Box::new(move |call: u64| Pair::along(&ways[call as usize]));
            let load = Load { begin, pid: number(pid), calls, seconds: number(seconds) };
            println!("{}", load.run());
        }
        [kind, server, pid, calls, seconds, secret] => {
            let kind = Kind::read(kind).expect("turn, calls or bare");
            let server = server.parse().expect("an address");
            let secret = (*secret).to_owned();
            let begin = Box::new(move |call: u64| Pair::begin(kind, server, call, &secret));
            let load = Load { begin, pid: number(pid), calls: number(calls), seconds: number(seconds) };
            println!("{}", load.run());
        }
        _ => {
            eprintln!(
                "relay_load forward LISTEN | turn|calls|bare SERVER PID CALLS SECONDS SECRET | ways FILE PID SECONDS"
            );
            std::process::exit(2);
        }
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

struct Load {
    begin: Box<dyn Fn(u64) -> Pair>,
    pid: u64,
    calls: u64,
    seconds: u64,
}

impl Load {
    fn run(&self) -> String {
        let before = resident(self.pid);
        let held = self.seconds == 0;
        let mut pairs = Vec::new();
        for call in 0..self.calls {
            let pair = (self.begin)(call);
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
