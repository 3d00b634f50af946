//! Terminals, each with a stream of its own.

mod told;

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use rove_base::{Arrival, Connect, Flow, Instant, Machine as _, Scratch, Step, StreamId};
use rove_driver::{StreamEvent, Streams, Tls, Trust};
use rove_io::{clock::Clock, entropy::os_entropy};
use rove_roam::{
    aka::{AkaKeys, Usim},
    attach::{
        SimCredential,
        terminal::{Access, Terminal, TerminalConfig, TerminalEvent},
    },
};

use crate::{
    imsi,
    names::{Names, Right, Wanted, Way},
    tools::{cpu, object},
};

pub(crate) const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
pub(crate) const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

pub(crate) struct Plan {
    pub(crate) access: SocketAddr,
    pub(crate) authority: PathBuf,
    pub(crate) servers: [SocketAddr; 2],
    /// Number of the first subscriber.
    pub(crate) first: u64,
    pub(crate) count: usize,
    pub(crate) domain: String,
    /// Attaches a second; 0: one after the other.
    pub(crate) rate: u64,
    pub(crate) pids: Vec<u64>,
}

struct Member {
    terminal: Terminal,
    wake: Option<Instant>,
    began: Option<Instant>,
    /// When the network said that it is attached.
    told: Option<Instant>,
    address: Option<Ipv4Addr>,
    /// When the name led there, and the address back.
    there: [Option<Instant>; 2],
    left: Option<Instant>,
    gone: [Option<Instant>; 2],
    /// When both still led there, in the end.
    swept: [Option<Instant>; 2],
    refused: bool,
    ended: bool,
}

pub(crate) struct Crowd {
    plan: Plan,
    clock: Clock,
    streams: Streams,
    names: Names,
    scratch: Scratch,
    members: Vec<Member>,
    /// By the driver's name: whose stream, and what its terminal calls it.
    outer: HashMap<StreamId, (usize, StreamId)>,
    inner: HashMap<(usize, StreamId), StreamId>,
    next_stream: u64,
    reasons: HashMap<String, u64>,
    shaken: usize,
    sweeping: bool,
}

impl Crowd {
    pub(crate) fn new(plan: Plan) -> Self {
        let trust = Trust { authorities: vec![plan.authority.clone()], pinned: Vec::new() };
        let tls = Tls::default().with_peers(&trust, None).expect("an authority");
        let mut entropy = os_entropy().expect("randomness");
        let bits = |text: &str| u128::from_str_radix(text, 16).expect("a key").to_be_bytes();
        let member = |number: u64| {
            let config =
                TerminalConfig { imsi: imsi(number).parse().expect("an identity"), name: None, dhcp: false };
            let credential = SimCredential::new(Usim::new(AkaKeys::new(bits(K), bits(OPC))));
            Member {
                terminal: Terminal::new(config, Box::new(credential), entropy.fork()),
                wake: None,
                began: None,
                told: None,
                address: None,
                there: [None; 2],
                left: None,
                gone: [None; 2],
                swept: [None; 2],
                refused: false,
                ended: false,
            }
        };
        let members = (plan.first..plan.first + plan.count as u64).map(member).collect();
        Self {
            names: Names::new(plan.servers, plan.domain.clone()),
            plan,
            clock: Clock::new(),
            streams: Streams::new(tls),
            scratch: Scratch::default(),
            members,
            outer: HashMap::new(),
            inner: HashMap::new(),
            next_stream: 2,
            reasons: HashMap::new(),
            shaken: 0,
            sweeping: false,
        }
    }

    fn now(&self) -> Instant {
        self.clock.now().mono
    }

    /// Streams as fast as they go, sixteen at a time: what handshakes alone cost both ends.
    pub(crate) async fn shake(mut self) -> String {
        let (count, start) = (self.plan.count, std::time::Instant::now());
        let (mut open, mut begun) = (0, 0);
        let before: Vec<_> = self.plan.pids.iter().map(|pid| cpu(*pid)).collect();
        while self.shaken < count {
            while open < 16 && begun < count {
                let stream = StreamId(self.next_stream);
                self.next_stream += 2;
                let (remote, transport) = (self.plan.access, rove_base::Transport::Tls);
                self.streams.connect(Connect { stream, remote, transport, name: None });
                open += 1;
                begun += 1;
            }
            match self.streams.next().await {
                StreamEvent::Identified { stream, .. } => {
                    self.streams.close(stream);
                    self.shaken += 1;
                    open -= 1;
                }
                StreamEvent::Closed { by: rove_base::ClosedBy::Failure, .. } => open -= 1,
                _ => {}
            }
            self.streams.read_on();
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = count as f64 / start.elapsed().as_secs_f64();
        let used = self.used(&before);
        object(&[("handshakes", &count), ("per_second", &format!("{rate:.0}")), ("cpu_s", &used)])
    }

    pub(crate) async fn run(mut self) -> String {
        let before: Vec<_> = self.plan.pids.iter().map(|pid| cpu(*pid)).collect();
        let start = self.now();
        let mut begun = 0;
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        let mut deadline = None;
        while !self.is_over(begun) {
            let now = self.now();
            if begun == self.plan.count && deadline.is_none() {
                deadline = Some(now.later(PATIENCE));
            }
            if deadline.is_some_and(|deadline| deadline <= now) {
                break;
            }
            while begun < self.plan.count && self.is_due(begun, start, now) {
                self.begin(begun);
                begun += 1;
            }
            self.names.flush();
            tokio::select! {
                event = self.streams.next() => self.happened(&event),
                index = self.names.readable() => self.answered(index),
                _ = ticks.tick() => self.tick(),
            }
        }
        let took = self.now().since(start);
        let used = self.used(&before);
        let resolvable = if self.plan.rate > 0 { Some(self.sweep().await) } else { None };
        self.told(took, &used, resolvable)
    }

    fn is_due(&self, next: usize, start: Instant, now: Instant) -> bool {
        match (self.plan.rate, next.checked_sub(1).and_then(|last| self.members.get(last))) {
            (0, Some(last)) => last.refused || last.gone.iter().all(Option::is_some),
            (0, None) => true,
            (rate, _) => {
                let nanos = next as u64 * 1_000_000_000 / rate;
                start.later(Duration::from_nanos(nanos)) <= now
            }
        }
    }

    fn is_over(&self, begun: usize) -> bool {
        let done = |member: &Member| match self.plan.rate {
            0 => member.refused || member.gone.iter().all(Option::is_some),
            _ => member.refused || member.there.iter().all(Option::is_some),
        };
        begun == self.plan.count && self.members.iter().rev().all(done)
    }

    fn begin(&mut self, who: usize) {
        let now = self.clock.now();
        let access = Access { address: self.plan.access, network: None };
        if let Some(member) = self.members.get_mut(who) {
            member.began = Some(now.mono);
            member.terminal.attach(now, access);
        }
        self.drain(who);
    }

    fn happened(&mut self, event: &StreamEvent) {
        let now = self.clock.now();
        let arrival = event.arrival();
        let (Arrival::Connected { stream, .. }
        | Arrival::Identified { stream, .. }
        | Arrival::Stream { stream, .. }
        | Arrival::Closed { stream, .. }) = arrival
        else {
            return;
        };
        let Some((who, inner)) = self.outer.get(&stream).copied() else { return self.streams.read_on() };
        let arrival = match arrival {
            Arrival::Connected { local, remote, transport, .. } => {
                Arrival::Connected { stream: inner, local, remote, transport }
            }
            Arrival::Identified { name, .. } => Arrival::Identified { stream: inner, name },
            Arrival::Stream { bytes, .. } => Arrival::Stream { stream: inner, bytes },
            Arrival::Closed { by, .. } => Arrival::Closed { stream: inner, by },
            other => other,
        };
        if let Some(member) = self.members.get_mut(who) {
            member.terminal.handle(now, arrival);
        }
        self.drain(who);
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        let due = |member: &Member| member.wake.is_some_and(|wake| wake <= now.mono);
        let due: Vec<usize> =
            self.members.iter().enumerate().filter(|(_, member)| due(member)).map(|(who, _)| who).collect();
        for who in due {
            if let Some(member) = self.members.get_mut(who) {
                member.terminal.tick(now);
            }
            self.drain(who);
        }
        self.names.tick(now.mono);
    }

    fn drain(&mut self, who: usize) {
        self.scratch.clear();
        loop {
            let Some(member) = self.members.get_mut(who) else { return };
            match member.terminal.poll(&mut self.scratch) {
                Step::Send(transmit) => {
                    if let Flow::Stream(stream) = transmit.flow
                        && let Some(outer) = self.inner.get(&(who, stream))
                    {
                        self.streams.send(*outer, self.scratch.get(transmit.range));
                    }
                }
                Step::Connect(connect) => {
                    let stream = StreamId(self.next_stream);
                    self.next_stream += 2;
                    self.outer.insert(stream, (who, connect.stream));
                    self.inner.insert((who, connect.stream), stream);
                    self.streams.connect(Connect { stream, ..connect });
                }
                Step::Close(stream) => {
                    if let Some(outer) = self.inner.remove(&(who, stream)) {
                        self.outer.remove(&outer);
                        self.streams.close(outer);
                    }
                }
                Step::Event(event) => self.heard(who, &event),
                Step::Append(_) => {}
                Step::Wait(until) => {
                    member.wake = until;
                    return self.streams.read_on();
                }
            }
        }
    }

    fn heard(&mut self, who: usize, event: &TerminalEvent) {
        let now = self.now();
        let number = self.plan.first + who as u64;
        let Some(member) = self.members.get_mut(who) else { return };
        match event {
            TerminalEvent::Attached { addresses, .. } if member.told.is_none() => {
                let address = addresses.v4.expect("IPv4");
                (member.told, member.address) = (Some(now), Some(address));
                for way in [Way::Forward, Way::Reverse] {
                    self.names.ask(now, who, way, Wanted::There, number, address);
                }
            }
            TerminalEvent::Refused(reason) => {
                member.refused = true;
                *self.reasons.entry(reason.to_string()).or_default() += 1;
            }
            TerminalEvent::Ended(reason) => {
                member.ended = true;
                *self.reasons.entry(format!("ended: {reason}")).or_default() += 1;
            }
            _ => {}
        }
    }

    fn answered(&mut self, index: usize) {
        for Right { who, way, at } in self.names.receive(index, self.clock) {
            let number = self.plan.first + who as u64;
            let now = self.clock.now();
            let Some(member) = self.members.get_mut(who) else { continue };
            let times = match (self.sweeping, member.left) {
                (true, _) => &mut member.swept,
                (false, Some(_)) => &mut member.gone,
                (false, None) => &mut member.there,
            };
            let [forward, reverse] = times;
            let time = if way == Way::Forward { forward } else { reverse };
            time.get_or_insert(at);
            if self.plan.rate == 0 && member.left.is_none() && member.there.iter().all(Option::is_some) {
                member.left = Some(now.mono);
                member.terminal.detach(now);
                let address = member.address.unwrap_or(Ipv4Addr::UNSPECIFIED);
                self.drain(who);
                for way in [Way::Forward, Way::Reverse] {
                    self.names.ask(now.mono, who, way, Wanted::Gone, number, address);
                }
            }
        }
    }

    /// Asks for every name once more; how many lead there and back.
    async fn sweep(&mut self) -> usize {
        self.names.forget();
        self.sweeping = true;
        let attached: Vec<_> = self
            .members
            .iter()
            .enumerate()
            .filter_map(|(who, member)| Some((who, member.address?)))
            .collect();
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        let deadline = self.now().later(SWEEP);
        let mut next = attached.iter();
        loop {
            let now = self.now();
            while self.names.waiting() < 200
                && let Some((who, address)) = next.next()
            {
                for way in [Way::Forward, Way::Reverse] {
                    let number = self.plan.first + *who as u64;
                    self.names.ask(now, *who, way, Wanted::There, number, *address);
                }
            }
            self.names.flush();
            if deadline <= now || self.names.waiting() == 0 {
                return self.members.iter().filter(|member| member.swept.iter().all(Option::is_some)).count();
            }
            tokio::select! {
                event = self.streams.next() => self.happened(&event),
                index = self.names.readable() => self.answered(index),
                _ = ticks.tick() => self.tick(),
            }
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
const SWEEP: Duration = Duration::from_secs(10);
