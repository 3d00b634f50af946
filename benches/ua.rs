//! What one whole call costs a user agent, on either side: INVITE, 180, 200, ACK, BYE, 200.
#![expect(clippy::expect_used, reason = "a bench may stop")]

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rove_base::{Arrival, Entropy, Flow, Machine, Now, Scratch, Step};
use rove_sip::{
    message::{NameAddr, StatusCode},
    transport::{Hop, LocalAddress},
    ua::{Event, OutgoingInvite, UaConfig, UserAgent},
};
use rustix::time::{ClockId, clock_gettime};

/// Two agents without a wire between them. Each call is [`PACE`] after the last one, so that as many transactions
/// absorb repetitions as at that rate in earnest.
struct Pair {
    sides: [Side; 2],
    now: Now,
}

struct Side {
    agent: UserAgent,
    address: SocketAddr,
    scratch: Scratch,
    busy: Duration,
}

impl Pair {
    fn new() -> Self {
        let side = |last: u8| {
            let address = SocketAddr::from(([192, 0, 2, last], 5060));
            let config = UaConfig { local: vec![LocalAddress::udp(address)], ..UaConfig::default() };
            let agent = UserAgent::new(config, Entropy::from_number(last.into()));
            Side { agent, address, scratch: Scratch::with_capacity(4_096), busy: Duration::ZERO }
        };
        let mut pair = Self { sides: [side(1), side(2)], now: Now::default() };
        (0..40_000).for_each(|_| pair.call());
        pair
    }

    /// One call from side 0 to side 1, ended by side 0.
    fn call(&mut self) {
        let outgoing = outgoing(self.sides[0].address, self.sides[1].address);
        let ours = self.act(0, |agent, now| agent.invite(now, outgoing));
        let mut ended = 0;
        let mut turn = 0;
        while ended < 2 {
            let to = 1 - turn;
            while let Some(step) = self.next(turn) {
                let event = match step {
                    Taken::Datagram(bytes) => {
                        self.deliver(to, &bytes);
                        continue;
                    }
                    Taken::Event(event) => *event,
                };
                match event {
                    Event::Incoming { call, .. } => {
                        self.act(turn, |agent, now| agent.ring(now, call, StatusCode::RINGING, None));
                        self.act(turn, |agent, now| agent.accept(now, call, SDP.to_vec()));
                    }
                    Event::Answered { .. } => self.act(turn, |agent, now| agent.hang_up(now, ours)),
                    Event::Ended { .. } => ended += 1,
                    _ => {}
                }
            }
            turn = to;
        }
        self.now = self.now.later(PACE);
        self.act(0, UserAgent::tick);
        self.act(1, UserAgent::tick);
    }

    fn act<R>(&mut self, side: usize, act: impl FnOnce(&mut UserAgent, Now) -> R) -> R {
        let side = &mut self.sides[side];
        let start = Instant::now();
        let answer = act(&mut side.agent, self.now);
        side.busy += start.elapsed();
        answer
    }

    fn next(&mut self, side: usize) -> Option<Taken> {
        let side = &mut self.sides[side];
        side.scratch.clear();
        let start = Instant::now();
        let step = side.agent.poll(&mut side.scratch);
        side.busy += start.elapsed();
        match step {
            Step::Send(transmit) => Some(Taken::Datagram(side.scratch.get(transmit.range).to_vec())),
            Step::Event(event) => Some(Taken::Event(Box::new(event))),
            _ => None,
        }
    }

    fn deliver(&mut self, side: usize, bytes: &[u8]) {
        let (local, remote) = (self.sides[side].address, self.sides[1 - side].address);
        let arrival = Arrival::Datagram { flow: Flow::udp(local, remote), bytes };
        self.act(side, |agent, now| agent.handle(now, arrival));
    }
}

enum Taken {
    Datagram(Vec<u8>),
    Event(Box<Event>),
}

/// What this thread has used of a processor.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.try_into().unwrap_or(0))
}

fn outgoing(local: SocketAddr, remote: SocketAddr) -> OutgoingInvite {
    let to: NameAddr = format!("<sip:bob@{remote}>").parse().expect("an address");
    OutgoingInvite {
        hop: Hop::udp(local, remote),
        name: None,
        uri: to.uri.clone(),
        from: format!("\"Alice\" <sip:alice@{local}>").parse().expect("an address"),
        to,
        body: SDP.to_vec(),
        private: false,
        headers: Vec::new(),
    }
}

fn call(c: &mut Criterion) {
    let mut group = c.benchmark_group("sip/call");
    group.throughput(Throughput::Elements(1));
    for (side, name) in ["caller", "callee"].into_iter().enumerate() {
        let mut pair = Pair::new();
        group.bench_function(name, |b| {
            b.iter_custom(|calls| {
                pair.sides.iter_mut().for_each(|side| side.busy = Duration::ZERO);
                let start = cpu_time();
                (0..calls).for_each(|_| pair.call());
                let [caller, callee] = pair.sides.each_ref().map(|side| side.busy);
                // The thread's own time, by the shares of the sides: other programs on this machine do not count.
                let share = pair.sides[side].busy.as_secs_f64() / (caller + callee).as_secs_f64();
                (cpu_time() - start).mul_f64(share)
            });
        });
    }
    group.finish();
}

/// A thousand calls a second.
const PACE: Duration = Duration::from_millis(1);

const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 111 0 8 101\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=rtcp-mux\r\n";

criterion_group!(benches, call);
criterion_main!(benches);
