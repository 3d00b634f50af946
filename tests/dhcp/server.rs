//! The pool on its socket, with a register that follows a script: it binds whoever asks.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rove_base::{Arrival, Entropy, Flow, Machine, Now, Scratch, Step};
use rove_io::{Clock, raw::DhcpSocket};
use rove_roam::{
    Addresses, Imsi,
    pool::{Event, Pool, PoolConfig, Range4, Token, V4Config, V6Config},
};

use crate::place::{NETWORK, Place, SERVER};

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The pool at work; ends when it is dropped.
pub(crate) struct Server {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    over: AtomicBool,
    clock: Clock,
}

/// What a test looks at.
pub(crate) struct State {
    pub(crate) pool: Pool,
    /// What the register was told, commits left out.
    pub(crate) events: Vec<Event>,
    /// How many messages left.
    pub(crate) sent: usize,
    /// Seconds that the register grants.
    lease: u32,
}

impl Server {
    pub(crate) fn start(place: &Place, lease: u32) -> Self {
        let server = Ipv4Addr::from(SERVER);
        let sockets = place.in_network(move || {
            let v4 = DhcpSocket::open(NETWORK, server, 67).expect("a DHCP socket");
            [v4, DhcpSocket::open_v6(NETWORK, 547).expect("a DHCPv6 socket")]
        });
        let pool = Pool::new(settings(), Entropy::from_number(7)).unwrap();
        let state = State { pool, events: Vec::new(), sent: 0, lease };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            over: AtomicBool::new(false),
            clock: Clock::new(),
        });
        let theirs = shared.clone();
        let thread = std::thread::spawn(move || theirs.run(sockets));
        let server = Self { shared, thread: Some(thread) };
        server.wait("an opened pool", |state| state.pool.reserve(Now::default(), imsi(999)).is_ok());
        server.with(|state, now| state.pool.release(now, imsi(999)));
        server
    }

    /// Looks at the pool, or changes it.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State, Now) -> T) -> T {
        act(&mut self.shared.state.lock().unwrap(), self.shared.clock.now())
    }

    /// What the register does once a terminal has proved itself.
    pub(crate) fn attach(&self, holder: Imsi, token: Token) -> Addresses {
        self.with(|state, now| {
            let addresses = state.pool.reserve(now, holder).unwrap();
            state.pool.grant(now, token, holder);
            addresses
        })
    }

    /// Waits until `done`.
    pub(crate) fn wait(&self, what: &str, mut done: impl FnMut(&mut State) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.state.lock().unwrap();
        while !done(&mut state) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{what} did not happen: {:?}, {:?}",
                state.events,
                state.pool.counters()
            );
            state = self.shared.changed.wait_timeout(state, left.min(GLANCE)).unwrap().0;
        }
    }
}

impl Shared {
    fn run(&self, mut sockets: [DhcpSocket; 2]) {
        while !self.over.load(Ordering::Relaxed) {
            let _ = sockets[0].wait(GLANCE);
            let mut state = self.state.lock().unwrap();
            for socket in &mut sockets {
                while let Ok((flow, bytes)) = socket.recv() {
                    let arrival = Arrival::Datagram { flow: Flow::Udp(flow), bytes };
                    state.pool.handle(self.clock.now(), arrival);
                }
            }
            state.pool.tick(self.clock.now());
            state.drain(self.clock.now(), &mut sockets);
            self.changed.notify_all();
        }
    }
}

impl State {
    fn drain(&mut self, now: Now, sockets: &mut [DhcpSocket; 2]) {
        let mut out = Scratch::default();
        loop {
            match self.pool.poll(&mut out) {
                Step::Send(transmit) => {
                    let Flow::Udp(flow) = transmit.flow else { continue };
                    let socket = &mut sockets[usize::from(flow.remote.is_ipv6())];
                    socket.send(flow, out.get(transmit.range)).expect("it leaves");
                    self.sent += 1;
                }
                Step::Event(Event::Commit(change)) => self.pool.committed(now, change.id, true),
                Step::Event(event) => {
                    if let Event::Requested { holder, .. } = event {
                        self.pool.bound(now, holder, self.lease);
                    }
                    self.events.push(event);
                }
                _ => return,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub(crate) fn settings() -> PoolConfig {
    let server = Ipv4Addr::from(SERVER);
    let range = Range4 { first: Ipv4Addr::new(10, 9, 0, 100), last: Ipv4Addr::new(10, 9, 0, 199) };
    PoolConfig {
        v4: Some(V4Config {
            ranges: vec![range],
            server,
            prefix_len: 24,
            router: Some(server),
            dns: vec![server],
            server_port: 67,
            client_port: 68,
            to_source: false,
        }),
        v6: Some(V6Config {
            prefix: Ipv6Addr::new(0x2001, 0xdb8, 7, 9, 0, 0, 0, 0),
            server: [2, 0, 0, 0, 0, 1],
            dns: Vec::new(),
            local: (Ipv6Addr::UNSPECIFIED, 0),
        }),
        name_ttl: Duration::from_secs(5),
        patience: PATIENCE,
    }
}

pub(crate) fn imsi(number: u32) -> Imsi {
    format!("00101{number:010}").parse().unwrap()
}

const GLANCE: Duration = Duration::from_millis(20);
