//! The loop: frames in, orders in, frames out when they are due.

use std::{
    io::{BufRead as _, Write as _},
    os::{fd::AsFd as _, unix::net::UnixDatagram},
};

use rove_base::{Entropy, Instant};
use serde_json::{Value, json};

use crate::{
    frames::{FrameSocket, hurry, wait},
    order::Order,
    truth::Ledger,
    wire::Lane,
};

/// A wire, with its two ends.
struct Wire {
    ends: [FrameSocket; 2],
    /// There, and back.
    lanes: [Lane; 2],
}

/// What the command line says.
struct Wanted {
    seed: u64,
    spared: Vec<u16>,
    interfaces: Vec<String>,
}

impl Wanted {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut wanted = Self { seed: 1, spared: Vec::new(), interfaces: Vec::new() };
        while let Some(word) = words.next() {
            let mut number = || {
                let number = words.next().and_then(|word| word.parse().ok());
                number.ok_or_else(|| format!("{word} wants a number"))
            };
            match word.as_str() {
                "--seed" => wanted.seed = number()?,
                "--spare" => {
                    let port = u16::try_from(number()?).map_err(|_| "a port ends at 65535".to_owned())?;
                    wanted.spared.push(port);
                }
                _ => wanted.interfaces.push(word),
            }
        }
        if wanted.interfaces.is_empty() || !wanted.interfaces.len().is_multiple_of(2) {
            return Err("name the interfaces, two for each wire".to_owned());
        }
        Ok(wanted)
    }

    fn open(&self) -> Result<Vec<Wire>, String> {
        let mut entropy = Entropy::from_number(self.seed);
        let open = |name: &String| FrameSocket::open(name).map_err(|error| format!("{name}: {error}"));
        let wire = |(number, names): (usize, &[String])| {
            let [one, other] = names else { return Err("two interfaces make a wire".to_owned()) };
            let lanes = [(); 2].map(|()| Lane::new(number, entropy.fork(), &self.spared));
            Ok(Wire { ends: [open(one)?, open(other)?], lanes })
        };
        self.interfaces.chunks(2).enumerate().map(wire).collect()
    }
}

/// Runs until standard input ends.
pub(crate) fn run(words: impl Iterator<Item = String>) -> Result<(), String> {
    let wanted = Wanted::read(words)?;
    let mut wires = wanted.open()?;
    let mut ledgers = [(); 2].map(|()| Ledger::new(wires.len()));
    let orders = orders().map_err(|error| format!("orders: {error}"))?;
    // It keeps its time less well where that is not allowed, which `latest_ms` tells.
    let hurries = hurry().is_ok();
    say(&json!({ "ready": true, "hurries": hurries }));
    let began = std::time::Instant::now();
    let clock = || Instant::from_nanos(1) + began.elapsed();
    let mut buffer = vec![0; LONGEST];
    loop {
        let due = wires.iter().flat_map(|wire| &wire.lanes).filter_map(Lane::due).min();
        let watched = wires.iter().flat_map(|wire| &wire.ends).map(|end| end.as_fd());
        let watched: Vec<_> = watched.chain([orders.as_fd()]).collect();
        wait(&watched, due.map(|due| due.since(clock())));
        for wire in &mut wires {
            for ((from, lane), ledger) in wire.ends.iter().zip(&mut wire.lanes).zip(&mut ledgers) {
                while let Some(frame) = from.next(&mut buffer) {
                    lane.give(clock(), frame, ledger);
                }
            }
            for ((to, lane), ledger) in wire.ends.iter().rev().zip(&mut wire.lanes).zip(&mut ledgers) {
                lane.put(clock(), ledger, |frame| to.put(frame).is_ok());
            }
        }
        match orders.recv(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                obey(&String::from_utf8_lossy(&buffer[..length]), &mut wires, &mut ledgers, clock())?;
            }
            Err(_) => {}
        }
    }
}

fn obey(line: &str, wires: &mut [Wire], ledgers: &mut [Ledger; 2], now: Instant) -> Result<(), String> {
    match Order::read(line)? {
        Order::Set { wire, there, back, bad } => {
            let wire = wires.get_mut(wire).ok_or_else(|| format!("{line}: there is no such wire"))?;
            for (lane, wanted) in wire.lanes.iter_mut().zip([there, back]) {
                if wanted {
                    lane.change((*bad).clone());
                }
            }
        }
        Order::Mark => {
            ledgers.iter_mut().for_each(|ledger| ledger.mark(now));
            wires.iter_mut().flat_map(|wire| &mut wire.lanes).for_each(Lane::mark);
        }
        Order::Tell => {
            let lanes = |at: usize| wires.iter().map(|wire| wire.lanes[at].tell()).collect::<Value>();
            let one = |at: usize| json!({ "voice": ledgers[at].tell(), "wires": lanes(at) });
            say(&json!({ "there": one(0), "back": one(1) }));
        }
    }
    Ok(())
}

/// Lines of standard input as datagrams, of which an empty one is the end.
fn orders() -> std::io::Result<UnixDatagram> {
    let (sender, orders) = UnixDatagram::pair()?;
    orders.set_nonblocking(true)?;
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if !line.is_empty() && sender.send(line.as_bytes()).is_err() {
                return;
            }
        }
        let _ = sender.send(&[]);
    });
    Ok(orders)
}

fn say(value: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}

/// More than any frame that an interface takes.
const LONGEST: usize = 1 << 16;
