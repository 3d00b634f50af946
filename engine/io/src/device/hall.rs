//! A room in which many calls hear each other: one thread plays all of them, mixes, and speaks to each, every 20 ms.
//!
//! ```text
//!  call A: render ─▶ ┌────────────┐
//!  call B: render ─▶ │ Conference │ ─▶ capture of each: what all others say
//!  ...    render ─▶ └────────────┘
//! ```
//!
//! Beside [`join`](super::join), in which each call has a device of its own, for as many calls as a server holds: the work
//! grows with the calls, and not with their square.

use std::{
    io,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use rove_base::Instant;
use rove_core::mix::Conference;

use super::{
    ChunkedResampler, Ends, Fixed, Running,
    paced::{Pace, Woken},
};
use crate::clock::Clock;

/// A room and its thread, which ends when this is dropped.
#[derive(Debug)]
pub struct Hall {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    last: AtomicU64,
}

/// A call's place in the room.
#[derive(Debug)]
pub(super) struct Place {
    guest: u64,
    orders: Sender<Order>,
}

enum Order {
    Enter(Box<Guest>),
    /// These hear each other, and nobody else.
    Admit(Vec<u64>),
    Leave(u64),
}

impl Hall {
    /// An empty room for up to `seats` calls that hear each other, of whom the loudest `heard` are mixed.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn start(clock: Clock, seats: usize, heard: usize) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let room = Room::new(seats, heard);
        let thread =
            std::thread::Builder::new().name("rove-hall".into()).spawn(move || room.run(clock, &inbox))?;
        Ok(Self { orders: Some(orders), thread: Some(thread), last: AtomicU64::new(0) })
    }

    /// A call comes in; it hears nobody before it is admitted. `None` when there is no way between its rate and that of the
    /// room.
    #[must_use]
    pub fn enter(&self, ends: Ends) -> Option<Running> {
        let orders = self.orders.clone()?;
        let guest = self.last.fetch_add(1, Ordering::Relaxed);
        let _ = orders.send(Order::Enter(Box::new(Guest::new(guest, ends)?)));
        Some(Running::in_hall(Place { guest, orders }))
    }

    /// These calls hear each other from now on, as far as there are seats, and nobody else hears anybody.
    pub fn admit<'a>(&self, calls: impl Iterator<Item = &'a Running>) {
        let guests = calls.filter_map(Running::place).map(|place| place.guest).collect();
        if let Some(orders) = &self.orders {
            // Fails only when the thread is gone.
            let _ = orders.send(Order::Admit(guests));
        }
    }
}

impl Drop for Hall {
    fn drop(&mut self) {
        // Calls that are still there have ends of the way too, and keep the room until they leave.
        self.orders = None;
        drop(self.thread.take());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Leave(self.guest));
    }
}

/// What the thread owns.
struct Room {
    conference: Conference,
    guests: Vec<Guest>,
    block: Box<[f32]>,
}

struct Guest {
    id: u64,
    ends: Ends,
    /// From its rate to the room's, and back.
    convert: Option<(ChunkedResampler, ChunkedResampler)>,
    seat: Option<usize>,
}

impl Guest {
    fn new(id: u64, ends: Ends) -> Option<Self> {
        let convert = if ends.rate == RATE {
            None
        } else {
            Some((
                ChunkedResampler::new(ends.rate, RATE, BLOCK, Fixed::Output)?,
                ChunkedResampler::new(RATE, ends.rate, BLOCK, Fixed::Input)?,
            ))
        };
        Some(Self { id, ends, convert, seat: None })
    }

    /// What it says in this block.
    fn speak<'a>(&'a mut self, now: Instant, block: &'a mut [f32]) -> &'a [f32] {
        let render = &mut self.ends.render;
        match &mut self.convert {
            Some((up, _)) => up.pull(|room| render.render(now, room)),
            None => {
                render.render(now, block);
                block
            }
        }
    }

    fn listen(&mut self, now: Instant, block: &[f32]) {
        let capture = &mut self.ends.capture;
        match &mut self.convert {
            Some((_, down)) => down.push(block, |pcm| capture.capture(now, pcm)),
            None => capture.capture(now, block),
        }
    }
}

impl Room {
    fn new(seats: usize, heard: usize) -> Self {
        Self {
            conference: Conference::new(seats, heard, BLOCK, RATE),
            guests: Vec::new(),
            block: vec![0.0; BLOCK].into_boxed_slice(),
        }
    }

    fn run(mut self, clock: Clock, inbox: &Receiver<Order>) {
        let mut pace = Pace::begin(clock, PERIOD);
        loop {
            match pace.wait(inbox) {
                Woken::Period(now) => self.period(now),
                Woken::Order(order) => self.order(order),
                Woken::Gone => return,
            }
        }
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Enter(guest) => self.guests.push(*guest),
            Order::Admit(wanted) => {
                let Self { conference, guests, .. } = self;
                for guest in guests.iter_mut().filter(|guest| !wanted.contains(&guest.id)) {
                    if let Some(seat) = guest.seat.take() {
                        conference.leave(seat);
                    }
                }
                for guest in guests.iter_mut().filter(|guest| wanted.contains(&guest.id)) {
                    guest.seat = guest.seat.or_else(|| conference.join());
                }
            }
            Order::Leave(id) => {
                let gone = self.guests.iter().position(|guest| guest.id == id);
                let seat = gone.and_then(|gone| self.guests.swap_remove(gone).seat);
                if let Some(seat) = seat {
                    self.conference.leave(seat);
                }
            }
        }
    }

    /// 20 ms of everybody.
    ///
    /// # Realtime
    ///
    /// No allocation, no lock.
    fn period(&mut self, now: Instant) {
        let Self { conference, guests, block } = self;
        for guest in guests.iter_mut() {
            let seat = guest.seat;
            let said = guest.speak(now, block);
            if let Some(seat) = seat {
                conference.say(seat, said);
            }
        }
        conference.mix(BLOCK);
        for guest in guests.iter_mut() {
            match guest.seat {
                Some(seat) => conference.hear(seat, block),
                None => block.fill(0.0),
            }
            guest.listen(now - PERIOD, block);
        }
    }
}

impl core::fmt::Debug for Order {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Enter(guest) => write!(f, "Enter({})", guest.id),
            Self::Admit(guests) => write!(f, "Admit({guests:?})"),
            Self::Leave(guest) => write!(f, "Leave({guest})"),
        }
    }
}

/// The room's rate, that of Opus.
const RATE: u32 = 48_000;
const PERIOD: Duration = Duration::from_millis(20);
/// Samples of a period.
const BLOCK: usize = 960;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::testing::{Heard, last, side};

    fn guest(room: &mut Room, id: u64, says: f32, rate: u32) -> Heard {
        let (ends, heard) = side(says, rate);
        room.order(Order::Enter(Box::new(Guest::new(id, ends).unwrap())));
        heard
    }

    fn run(room: &mut Room, periods: u32) {
        (0..periods).for_each(|_| room.period(Instant::ZERO + PERIOD));
    }

    #[test]
    fn b12_each_in_the_room_hears_the_others_and_who_waits_hears_nobody() {
        let mut room = Room::new(8, 8);
        let heard: Vec<Heard> = [0.1, 0.02, 0.003]
            .into_iter()
            .zip(0..)
            .map(|(says, id)| guest(&mut room, id, says, RATE))
            .collect();
        let waits = guest(&mut room, 3, 0.5, RATE);
        room.order(Order::Admit(vec![0, 1, 2]));
        run(&mut room, 5);
        for (heard, expected) in heard.iter().zip([0.023, 0.103, 0.12]) {
            assert!((last(heard) - expected).abs() < 1e-6, "{} is not {expected}", last(heard));
        }
        assert_eq!(last(&waits), 0.0);
        room.order(Order::Leave(1));
        run(&mut room, 5);
        assert!((last(&heard[0]) - 0.003).abs() < 1e-6 && (last(&heard[2]) - 0.1).abs() < 1e-6);
        room.order(Order::Admit(vec![0, 3]));
        run(&mut room, 5);
        assert!((last(&waits) - 0.1).abs() < 1e-6 && last(&heard[2]) == 0.0);
    }

    #[test]
    fn calls_of_8_and_48_khz_hear_each_other_and_each_hears_as_long_as_it_lasts() {
        let mut room = Room::new(2, 2);
        let (narrow, wide) = (guest(&mut room, 0, 0.25, 8_000), guest(&mut room, 1, 0.125, RATE));
        room.order(Order::Admit(vec![0, 1]));
        run(&mut room, 50);
        assert!((last(&narrow) - 0.125).abs() < 0.01, "{}", last(&narrow));
        assert!((last(&wide) - 0.25).abs() < 0.01, "{}", last(&wide));
        let samples = |heard: &Heard| heard.lock().unwrap().len();
        assert_eq!(samples(&wide), 50 * BLOCK);
        assert!(samples(&narrow).abs_diff(8_000) < 200, "{} in a second", samples(&narrow));
    }

    #[test]
    fn a_room_for_two_lets_nobody_else_in() {
        let mut room = Room::new(2, 2);
        let heard: Vec<Heard> = (0..3).map(|id| guest(&mut room, id, 0.1, RATE)).collect();
        room.order(Order::Admit(vec![0, 1, 2]));
        run(&mut room, 5);
        assert!(last(&heard[0]) > 0.09 && last(&heard[1]) > 0.09 && last(&heard[2]) == 0.0);
    }

    #[test]
    fn a_period_of_fifty_calls_allocates_nothing() {
        let mut room = Room::new(50, 6);
        for id in 0..50 {
            let (ends, _) = side(0.01, if id % 2 == 0 { RATE } else { 8_000 });
            let deaf = Ends { capture: Box::new(crate::device::testing::Nobody), ..ends };
            room.order(Order::Enter(Box::new(Guest::new(id, deaf).unwrap())));
        }
        room.order(Order::Admit((0..50).collect()));
        run(&mut room, 3);
        assert_no_alloc::assert_no_alloc(|| room.period(Instant::ZERO + PERIOD));
    }
}
