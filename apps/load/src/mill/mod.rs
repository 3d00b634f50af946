//! The mill: one thread that carries the media of all its calls, with no device and no thread for any one of them.
//!
//! ```text
//!  desk ── add, remove ──▶ FIFO ──▶ ┌ each 2 ms one slot of the wheel ─────────────────────────────────┐
//!                                   │ for each call in it, once a packet time:                           │
//!                                   │ clip ▶ stream ▶ encoder ▶ sendmmsg                                 │
//!                                   │ and once in ten of them:                                           │
//!                                   │ recvmmsg (▶ bad link) ▶ stream ▶ packet ring ▶ jitter buffer ▶ decoder │
//!  desk ◀── news ◀── FIFO + wake ◀──└────────────────────────────────────────────────────────────────────┘
//! ```
//! Packets carry the kernel's stamp, and what is played is played as it would have been at that time, so that neither jitter, loss nor
//! the jitter buffer depends on when a socket was looked at. Calls are spread over the slots, as phones are over time. How late
//! each slot begins is measured: a mill that is late is itself the limit of the run.

mod bad_link;
mod call;
mod wheel;

use std::{
    io,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError},
    thread::JoinHandle,
    time::Duration,
};

use rove_base::{Instant, Quality};
use rove_io::clock::Clock;

use self::{call::Buffers, wheel::Wheel};

pub(crate) use self::call::{Grist, TURN};

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
        let worker =
            Worker { clock, inbox, tell, wake: Box::new(wake), wheel: Wheel::new(), late: Vec::new() };
        let thread = std::thread::Builder::new().name("rove-mill".into()).spawn(move || worker.run())?;
        Ok(Self { orders: Some(orders), news, thread: Some(thread) })
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
    late: Vec<f64>,
}

impl Worker {
    fn run(mut self) {
        let mut buffers = Buffers::new();
        let (mut start, mut slot) = (self.clock.mono(), 0_u64);
        while self.take_orders(&mut buffers) {
            if self.wheel.is_empty() {
                match self.inbox.recv_timeout(IDLE) {
                    Ok(order) => self.obey(order, &mut buffers),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                (start, slot) = (self.clock.mono(), 0);
                continue;
            }
            let due = start + SLOT * u32::try_from(slot).unwrap_or(u32::MAX);
            self.sleep_until(due);
            self.turn(usize::try_from(slot).unwrap_or(0), due, &mut buffers);
            slot += 1;
            if slot.is_multiple_of(SLOTS_PER_SECOND) {
                self.report();
            }
            if self.clock.mono().since(due) > STALL {
                // What stood still for this long is not caught up with: it is told as lateness, and goes on from here.
                (start, slot) = (self.clock.mono(), 0);
            }
        }
    }

    /// Waits. The system wakes a little late, by its timer's slack.
    fn sleep_until(&self, due: Instant) {
        let wait = due.since(self.clock.mono());
        if wait > SHORTEST_SLEEP {
            std::thread::sleep(wait);
        }
    }

    /// Lets the calls of one slot do their work.
    fn turn(&mut self, slot: usize, due: Instant, buffers: &mut Buffers) {
        let Self { clock, wheel, tell, late, wake, .. } = self;
        let now = clock.now();
        late.push(now.mono.since(due).as_secs_f64() * 1_000.0);
        let mut told = false;
        for call in wheel.slot(slot) {
            if let Some(at) = call.turn(*clock, buffers) {
                told |= tell.send(News::FirstAudio(call.id(), at)).is_ok();
            }
        }
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
    fn take_orders(&mut self, buffers: &mut Buffers) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(order) => self.obey(order, buffers),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn obey(&mut self, order: Order, buffers: &mut Buffers) {
        match order {
            Order::Add(call) => self.wheel.add(*call),
            Order::Remove(id) => {
                let Some(mut call) = self.wheel.remove(|call| call.id() == id) else { return };
                let quality = call.stop(self.clock, buffers);
                let _ = self.tell.send(News::Stopped(id, Box::new(quality)));
                (self.wake)();
            }
        }
    }
}

/// A slot of the wheel; a packet time has [`wheel::SLOTS`] of them. Shorter ones would cost more wake-ups than calls where there are few.
const SLOT: Duration = Duration::from_millis(2);
const SLOTS_PER_SECOND: u64 = 500;
/// Without calls it looks this often whether anybody is there.
const IDLE: Duration = Duration::from_millis(100);
/// Less is not worth a system call.
const SHORTEST_SLEEP: Duration = Duration::from_micros(20);
/// A delay that is not caught up with: more would only fill buffers.
const STALL: Duration = Duration::from_millis(200);
