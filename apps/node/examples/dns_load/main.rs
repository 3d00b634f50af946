//! Load for a name server, and what it bore: signed updates and questions over UDP in batches, each in a closed loop.
//!
//! ```text
//! dns_load fsync   --dir FOLDER                                        what one fsync takes there
//! dns_load query   --server A --zone Z --hosts N --window W --seconds S [--pid P]
//! dns_load update  --server A --zone Z --hosts N --window W --seconds S --key-file F [--probes PER_SECOND] [--pid P]
//! ```
//! Prints one JSON object. After updates every host is asked for, and whatever does not answer with what was last
//! acknowledged counts as lost.
#![expect(clippy::expect_used, reason = "a tool may stop")]

mod tools;

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use rove_base::{Dscp, Flow, Scratch, Transmit};
use rove_dns::{
    tsig::{TsigKey, sign},
    wire::Name,
};
use rove_driver::Sockets;
use rove_io::{clock::Clock, net::UdpSocket};

use tools::{Options, address_in, cpu, fsync, object, quantiles};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let options = Options(words.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect());
    let told = match words.first().map(String::as_str) {
        Some("fsync") => fsync(Path::new(&options.text("--dir"))),
        Some("query" | "update") => {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { Load::new(&options).run(&options).await })
        }
        _ => {
            eprintln!("usage: dns_load fsync|query|update OPTIONS");
            std::process::exit(2);
        }
    };
    println!("{told}");
}

/// A question or update that is on its way.
#[derive(Clone, Copy)]
struct Sent {
    at: rove_base::Instant,
    host: usize,
    /// The address it sets; `None` for a question.
    value: Option<u32>,
}

struct Load {
    server: SocketAddr,
    local: SocketAddr,
    sockets: Sockets,
    clock: Clock,
    scratch: Scratch,
    zone: Name,
    key: Option<TsigKey>,
    names: Vec<Name>,
    /// By message id.
    sent: Vec<Option<Sent>>,
    next_id: u16,
    under_way: usize,
    probes_under_way: usize,
    window: usize,
    /// Hosts with an update under way.
    busy: Vec<bool>,
    acknowledged: Vec<Option<u32>>,
    next_host: usize,
    value: u32,
    answered: u64,
    refused: u64,
    resent: u64,
    times: Vec<Duration>,
    probe_times: Vec<Duration>,
    random: u64,
}

impl Load {
    fn new(options: &Options) -> Self {
        let server: SocketAddr = options.text("--server").parse().expect("an address");
        let here: SocketAddr =
            if server.is_ipv4() { ([127, 0, 0, 1], 0).into() } else { ([0_u16; 8], 0).into() };
        let socket = UdpSocket::bind(here).expect("a socket");
        let local = socket.local_addr();
        let zone: Name = options.text("--zone").parse().expect("a zone");
        let hosts = usize::try_from(options.number("--hosts", 10_000)).expect("a number");
        let names = (0..hosts).map(|n| format!("host{n}.{zone}").parse().expect("a name")).collect();
        let key = options.0.get("--key-file").map(|path| {
            TsigKey::from_key_file(&fs::read_to_string(path).expect("a key file")).expect("a key")
        });
        Self {
            server,
            local,
            sockets: Sockets::new(vec![socket]).expect("a runtime"),
            clock: Clock::new(),
            scratch: Scratch::default(),
            zone,
            key,
            names,
            sent: vec![None; 65_536],
            next_id: 0,
            under_way: 0,
            probes_under_way: 0,
            window: usize::try_from(options.number("--window", 90)).expect("a number"),
            busy: vec![false; hosts],
            acknowledged: vec![None; hosts],
            next_host: 0,
            // No two runs send the same updates: the second would be repeats.
            value: std::process::id().wrapping_mul(0x9e37_79b9),
            answered: 0,
            refused: 0,
            resent: 0,
            times: Vec::new(),
            probe_times: Vec::new(),
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    async fn run(mut self, options: &Options) -> String {
        let pid = options.number("--pid", 0);
        let seconds = Duration::from_secs(options.number("--seconds", 5));
        let probes = options.number("--probes", 0);
        let (cpu_before, start) = (cpu(pid), Instant::now());
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        let mut probed = 0_u64;
        while start.elapsed() < seconds {
            self.fill();
            tokio::select! {
                index = self.sockets.readable() => self.receive(index),
                _ = ticks.tick() => {
                    let due = probes * u64::try_from(start.elapsed().as_millis()).unwrap_or(0) / 1_000;
                    while probed < due.min(probed + 50) {
                        self.probe();
                        probed += 1;
                    }
                    self.sockets.flush(&self.scratch);
                    self.scratch.clear();
                    self.resend();
                }
            }
        }
        let (took, cpu_after, answered) = (start.elapsed().as_secs_f64(), cpu(pid), self.answered);
        self.settle().await;
        let lost = if self.key.is_some() { self.lost().await } else { 0 };
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = answered as f64 / took;
        let used = cpu_after.zip(cpu_before).map(|(after, before)| after - before);
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let per_cpu = used.map_or("null".to_owned(), |used| format!("{:.0}", answered as f64 / used));
        let probe =
            if self.probe_times.is_empty() { "null".to_owned() } else { quantiles(&mut self.probe_times) };
        object(&[
            ("per_second", &format!("{rate:.0}")),
            ("per_cpu_second", &per_cpu),
            ("ms", &quantiles(&mut self.times)),
            ("probe_ms", &probe),
            ("probes", &self.probe_times.len()),
            ("answered", &answered),
            ("refused", &self.refused),
            ("resent", &self.resent),
            ("lost", &lost),
        ])
    }

    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn fresh_id(&mut self) -> u16 {
        loop {
            self.next_id = self.next_id.wrapping_add(1);
            if self.sent.get(usize::from(self.next_id)).is_some_and(Option::is_none) {
                return self.next_id;
            }
        }
    }

    /// Sends until the window is full.
    fn fill(&mut self) {
        while self.under_way < self.window {
            if self.key.is_some() {
                self.update();
            } else {
                self.question();
            }
            self.under_way += 1;
        }
        self.sockets.flush(&self.scratch);
        self.scratch.clear();
    }

    fn note(&mut self, id: u16, host: usize, value: Option<u32>) {
        let at = self.clock.now().mono;
        if let Some(slot) = self.sent.get_mut(usize::from(id)) {
            *slot = Some(Sent { at, host, value });
        }
    }

    fn question(&mut self) {
        let host = usize::try_from(self.random() % self.names.len() as u64).expect("an index");
        self.ask(host);
    }

    fn probe(&mut self) {
        if self.probes_under_way < 1_000 {
            self.probes_under_way += 1;
            self.question();
        }
    }

    fn ask(&mut self, host: usize) {
        let id = self.fresh_id();
        let name = self.names.get(host).expect("a host").clone();
        let range = self.scratch.write(|out| {
            out.extend_from_slice(&[id, 0, 1, 0, 0, 0].map(u16::to_be_bytes).concat());
            out.extend_from_slice(name.as_wire());
            out.extend_from_slice(&[0, 1, 0, 1]);
        });
        self.push(range);
        self.note(id, host, None);
    }

    fn push(&mut self, range: rove_base::Span) {
        let flow = Flow::udp(self.local, self.server);
        self.sockets.push(Transmit { flow, range, dscp: Dscp::default() }, &self.scratch);
    }

    /// Moves the next host that has no update under way.
    fn update(&mut self) {
        let host = loop {
            self.next_host = (self.next_host + 1) % self.names.len();
            if self.busy.get(self.next_host) == Some(&false) {
                break self.next_host;
            }
        };
        self.value = self.value.wrapping_add(1) & 0x00ff_ffff;
        let value = 0x0a00_0000 | self.value;
        self.send_update(host, value);
    }

    fn send_update(&mut self, host: usize, value: u32) {
        let id = self.fresh_id();
        let name = self.names.get(host).expect("a host").clone();
        let mut message = [id, 0x2800, 1, 0, 2, 0].map(u16::to_be_bytes).concat();
        message.extend_from_slice(self.zone.as_wire());
        message.extend_from_slice(&[0, 6, 0, 1]);
        message.extend_from_slice(name.as_wire());
        message.extend_from_slice(&[0, 1, 0, 255, 0, 0, 0, 0, 0, 0]);
        message.extend_from_slice(name.as_wire());
        message.extend_from_slice(&[0, 1, 0, 1, 0, 0, 0, 5, 0, 4]);
        message.extend_from_slice(&value.to_be_bytes());
        let wall = self.clock.now().wall;
        sign(&mut message, self.key.as_ref().expect("a key"), wall, None);
        let range = self.scratch.push(&message);
        self.push(range);
        self.note(id, host, Some(value));
        if let Some(busy) = self.busy.get_mut(host) {
            *busy = true;
        }
    }

    fn receive(&mut self, index: usize) {
        let mut answers = Vec::new();
        self.sockets.receive(index, self.clock, |received| {
            if let [id0, id1, _, flags, ..] = received.bytes {
                let address = address_in(received.bytes);
                answers.push((u16::from_be_bytes([*id0, *id1]), flags & 0x0f, received.arrived, address));
            }
        });
        for (id, rcode, arrived, _) in answers {
            self.take(id, rcode, arrived);
        }
    }

    fn take(&mut self, id: u16, rcode: u8, arrived: rove_base::Instant) {
        let Some(sent) = self.sent.get_mut(usize::from(id)).and_then(Option::take) else { return };
        let took = arrived.since(sent.at);
        match sent.value {
            Some(value) => {
                self.under_way -= 1;
                if let Some(busy) = self.busy.get_mut(sent.host) {
                    *busy = false;
                }
                if rcode == 0 {
                    self.answered += 1;
                    self.times.push(took);
                    if let Some(last) = self.acknowledged.get_mut(sent.host) {
                        *last = Some(value);
                    }
                } else {
                    self.refused += 1;
                }
            }
            None if self.key.is_some() => {
                self.probes_under_way -= 1;
                self.probe_times.push(took);
            }
            None => {
                self.under_way -= 1;
                self.answered += 1;
                self.times.push(took);
            }
        }
    }

    /// Sends again, anew signed, what nobody answered for two seconds.
    fn resend(&mut self) {
        let now = self.clock.now().mono;
        if self.sent.iter().flatten().next().is_none() {
            return;
        }
        let old = |sent: &Sent| now.since(sent.at) > Duration::from_secs(2);
        let late: Vec<usize> = (0..self.sent.len())
            .filter(|&id| self.sent.get(id).and_then(Option::as_ref).is_some_and(old))
            .collect();
        for id in late {
            let Some(sent) = self.sent.get_mut(id).and_then(Option::take) else { continue };
            self.resent += 1;
            match sent.value {
                Some(value) => self.send_update(sent.host, value),
                None => self.ask(sent.host),
            }
        }
        self.sockets.flush(&self.scratch);
        self.scratch.clear();
    }

    /// Waits for what is still under way.
    async fn settle(&mut self) {
        let until = Instant::now() + Duration::from_secs(5);
        while self.under_way + self.probes_under_way > 0 && Instant::now() < until {
            tokio::select! {
                index = self.sockets.readable() => self.receive(index),
                () = tokio::time::sleep(Duration::from_millis(100)) => self.resend(),
            }
        }
    }

    /// Hosts that do not answer with what was acknowledged last.
    async fn lost(&mut self) -> usize {
        let mut lost = 0;
        for host in 0..self.names.len() {
            let Some(Some(expected)) = self.acknowledged.get(host).copied() else { continue };
            if self.busy.get(host) == Some(&true) {
                continue;
            }
            lost += usize::from(self.address_of(host).await != Some(expected));
        }
        lost
    }

    async fn address_of(&mut self, host: usize) -> Option<u32> {
        for _ in 0..3 {
            self.ask(host);
            let asked = self.next_id;
            self.sockets.flush(&self.scratch);
            self.scratch.clear();
            let until = tokio::time::sleep(Duration::from_secs(2));
            tokio::pin!(until);
            loop {
                let mut found = None;
                tokio::select! {
                    index = self.sockets.readable() => {
                        self.sockets.receive(index, self.clock, |received| {
                            if received.bytes.get(..2) == Some(&asked.to_be_bytes()) {
                                found = Some(address_in(received.bytes));
                            }
                        });
                    }
                    () = &mut until => break,
                }
                if let Some(address) = found {
                    if let Some(slot) = self.sent.get_mut(usize::from(asked)) {
                        *slot = None;
                    }
                    return address;
                }
            }
        }
        None
    }
}
