//! A user agent that takes every call at once: `callee ADDRESS:PORT`. The smallest whole program around a machine, and
//! what `benches/anchors/sip.py` measures.
#![expect(clippy::expect_used, reason = "an example may stop")]

use std::net::SocketAddr;

use rove_base::{Arrival, Entropy, Flow, Instant, Machine, Scratch, Step};
use rove_driver::{Alarm, Sockets};
use rove_io::{clock::Clock, net::UdpSocket};
use rove_sip::{
    message::StatusCode,
    transport::LocalAddress,
    ua::{Event, UaConfig, UserAgent},
};

/// As the programs have it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let address: SocketAddr = std::env::args().nth(1).and_then(|it| it.parse().ok()).expect("ADDRESS:PORT");
    let socket = UdpSocket::bind(address).expect("a free address");
    let config = UaConfig {
        local: vec![LocalAddress::udp(address)],
        max_calls: MOST,
        max_transactions: 10 * MOST,
        ..UaConfig::default()
    };
    let mut agent = UserAgent::new(config, Entropy::from_number(std::process::id().into()));
    let mut sockets = Sockets::new(vec![socket]).expect("a socket to watch");
    let mut scratch = Scratch::with_capacity(64 * 1_024);
    let (clock, mut alarm) = (Clock::new(), Alarm::default());
    loop {
        let wake = drain(&mut agent, &mut sockets, &mut scratch, clock);
        tokio::select! {
            index = sockets.readable() => sockets.receive(index, clock, |received| {
                let flow = Flow::Udp(received.flow);
                agent.handle(clock.now(), Arrival::Datagram { flow, bytes: received.bytes });
            }),
            () = alarm.until(wake.map(|at| clock.std_instant(at))) => agent.tick(clock.now()),
        }
    }
}

/// Sends what is to be sent, takes whoever calls, and answers when to look again.
fn drain(
    agent: &mut UserAgent,
    sockets: &mut Sockets,
    scratch: &mut Scratch,
    clock: Clock,
) -> Option<Instant> {
    let wake = loop {
        match agent.poll(scratch) {
            Step::Send(transmit) => sockets.push(transmit, scratch),
            Step::Event(Event::Incoming { call, .. }) => {
                let now = clock.now();
                agent.ring(now, call, StatusCode::RINGING, None);
                agent.accept(now, call, SDP.to_vec());
            }
            Step::Wait(wake) => break wake,
            _ => {}
        }
    };
    sockets.flush(scratch);
    scratch.clear();
    wake
}

const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n";
/// Calls at a time.
const MOST: usize = 100_000;
