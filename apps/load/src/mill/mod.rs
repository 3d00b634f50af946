//! The mill: one thread that carries the media of all its calls, with no device and no thread for any one of them.
//!
//! ```text
//!  desk ── add, remove ──▶ FIFO ──▶ ┌ each 2 ms one slot of the wheel ─────────────────────────────────┐
//!                                   │ what is to leave in it ▶ sendmmsg                                  │
//!                                   │ recvmmsg at each tenth pair of sockets ▶ the inboxes of calls      │
//!                                   │ for each call that is looked after, once in 200 ms:                │
//!                                   │ inbox (▶ bad link) ▶ stream ▶ packet ring ▶ jitter buffer ▶ decoder    │
//!                                   │ clip ▶ stream ▶ encoder ▶ the slots of the next 200 ms             │
//!  desk ◀── news ◀── FIFO + wake ◀──└────────────────────────────────────────────────────────────────────┘
//! ```
//! Many calls share a pair of sockets ([`Pool`]): what comes is told apart by the addresses of both ends.
//! Packets carry the kernel's stamp, and what is played is played as it would have been at that time, so that neither jitter, loss nor
//! the jitter buffer depends on when a socket was looked at. Calls are spread over the slots, as phones are over time. How late
//! each slot begins is measured: a mill that is late is itself the limit of the run.

mod bad_link;
mod call;
mod ports;
mod wheel;
mod wires;

use std::{
    io,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError},
    thread::JoinHandle,
    time::Duration,
};

use rove_base::{Instant, Quality};
use rove_io::{clock::Clock, net::UdpSocket};

use self::{
    wheel::{PHASES, ROUND, Wheel},
    wires::Wires,
};

pub(crate) use self::{
    call::{Grist, TURN},
    ports::{FEW, Lease, MOST, Pool},
};

/// What the mill tells of a call.
#[derive(Debug)]
pub(crate) enum News {
    /// The first frame was decoded.
    FirstAudio(u64, Instant),
    /// It was removed; this is the whole of it.
    Stopped(u64, Box<Quality>),
    /// How late the slots of the last second began, in ms.
    Late(Vec<f64>),
}

enum Order {
    Open([UdpSocket; 2]),
    Add(Box<Grist>),
    Remove(u64),
}

/// The thread, and the desk's ends of its FIFOs. Dropping it ends the thread, and with it all calls.
#[derive(Debug)]
pub(crate) struct Mill {
    orders: Option<Sender<Order>>,
    news: Receiver<News>,
    thread: Option<JoinHandle<()>>,
}

impl Mill {
    /// Starts the thread. `wake` is called from it when there is news; it must not block.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(crate) fn start(clock: Clock, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let ((orders, inbox), (tell, news)) = (mpsc::channel(), mpsc::channel());
        let worker = Worker::new(clock, inbox, tell, Box::new(wake));
        let thread = std::thread::Builder::new().name("rove-mill".into()).spawn(move || worker.run())?;
        Ok(Self { orders: Some(orders), news, thread: Some(thread) })
    }

    /// Another pair of sockets, the next by number.
    pub(crate) fn open(&self, rtp: UdpSocket, rtcp: UdpSocket) {
        self.order(Order::Open([rtp, rtcp]));
    }

    /// Takes a call up.
    pub(crate) fn add(&self, grist: Grist) {
        self.order(Order::Add(Box::new(grist)));
    }

    /// Ends a call: it says goodbye in RTCP, and [`News::Stopped`] follows.
    pub(crate) fn remove(&self, call: u64) {
        self.order(Order::Remove(call));
    }

    /// The next piece of news, if there is one.
    pub(crate) fn next(&self) -> Option<News> {
        self.news.try_recv().ok()
    }

    fn order(&self, order: Order) {
        // Fails only when the thread is gone, which ends the run.
        let _ = self.orders.as_ref().map(|orders| orders.send(order));
    }
}

impl Drop for Mill {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Worker {
    clock: Clock,
    inbox: Receiver<Order>,
    tell: Sender<News>,
    wake: Box<dyn Fn() + Send>,
    wheel: Wheel<Grist>,
    wires: Wires,
    late: Vec<f64>,
    /// When the slot of number 0 began, or would have.
    start: Instant,
    /// The next one.
    slot: usize,
    /// What nobody hears.
    heard: Vec<f32>,
}

impl Worker {
    fn new(clock: Clock, inbox: Receiver<Order>, tell: Sender<News>, wake: Box<dyn Fn() + Send>) -> Self {
        let (wheel, wires) = (Wheel::new(), Wires::new());
        let (late, heard) = (Vec::new(), Vec::new());
        Self { clock, inbox, tell, wake, wheel, wires, late, start: clock.mono(), slot: 0, heard }
    }

    fn run(mut self) {
        while self.take_orders() {
            if self.wheel.is_empty() {
                match self.inbox.recv_timeout(IDLE) {
                    Ok(order) => self.obey(order),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                self.begin_now();
                continue;
            }
            let due = self.due();
            self.sleep_until(due);
            self.turn(due);
            self.slot += 1;
            if self.slot.is_multiple_of(SLOTS_PER_SECOND) {
                self.report();
            }
            if self.clock.mono().since(due) > STALL {
                // What stood still for this long is not caught up with: it is told as lateness, and goes on from here.
                self.begin_now();
            }
        }
    }

    /// When the next slot begins.
    fn due(&self) -> Instant {
        self.start + SLOT * u32::try_from(self.slot).unwrap_or(u32::MAX)
    }

    /// The next slot begins now; numbers go on, since what leaves waits by them.
    fn begin_now(&mut self) {
        self.slot %= ROUND;
        let before = SLOT * u32::try_from(self.slot).unwrap_or(0);
        self.start = self.clock.mono() - before;
    }

    /// Waits. The system wakes a little late, by its timer's slack.
    fn sleep_until(&self, due: Instant) {
        let wait = due.since(self.clock.mono());
        if wait > SHORTEST_SLEEP {
            std::thread::sleep(wait);
        }
    }

    /// Sends what leaves in this slot, and lets the calls of it do their work.
    fn turn(&mut self, due: Instant) {
        let Self { clock, wheel, wires, tell, late, wake, slot, heard, .. } = self;
        late.push(clock.mono().since(due).as_secs_f64() * 1_000.0);
        wires.flush(*slot);
        wires.receive(*slot, *clock);
        let mut told = false;
        wheel.visit(*slot, |call, turns| {
            if let Some(at) = call.turn(*clock, (*slot, due, turns), wires, heard) {
                told |= tell.send(News::FirstAudio(call.id(), at)).is_ok();
            }
        });
        wires.flush(*slot);
        if told {
            wake();
        }
    }

    fn report(&mut self) {
        let late = std::mem::take(&mut self.late);
        let _ = self.tell.send(News::Late(late));
        (self.wake)();
    }

    /// `false`: nobody gives orders any more.
    fn take_orders(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(order) => self.obey(order),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn obey(&mut self, order: Order) {
        let Self { clock, wheel, wires, slot, heard, .. } = self;
        match order {
            Order::Open(pair) => wires.open(pair),
            Order::Add(mut call) => {
                let (pair, flows) = call.place();
                call.sit(wires.seat(flows));
                // Calls of one pair leave together, in one system call.
                wheel.add(*call, *slot, pair % PHASES);
            }
            Order::Remove(id) => {
                let Some(mut call) = wheel.remove(|call| call.id() == id) else { return };
                let (pair, flows) = call.place();
                wires.receive(pair % PHASES, *clock);
                let quality = call.stop(*clock, *slot, wires, heard);
                wires.leave(call.seat(), flows);
                let _ = self.tell.send(News::Stopped(id, Box::new(quality)));
                (self.wake)();
            }
        }
    }
}

/// A slot of the wheel; a packet time has [`PHASES`] of them. Shorter ones would cost more wake-ups than calls where there are few.
const SLOT: Duration = Duration::from_millis(2);
const SLOTS_PER_SECOND: usize = 500;
/// Without calls it looks this often whether anybody is there.
const IDLE: Duration = Duration::from_millis(100);
/// Less is not worth a system call.
const SHORTEST_SLEEP: Duration = Duration::from_micros(20);
/// A delay that is not caught up with: more would only fill buffers.
const STALL: Duration = Duration::from_millis(200);
