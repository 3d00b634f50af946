//! The loop of the media thread.

use std::{
    sync::mpsc::{Receiver, Sender, TryRecvError},
    time::Duration,
};

use rove_base::{Candidate, Instant};
use rove_nat::LinkInput;

use super::{
    MediaEvent,
    call::{Buffers, Call, Change, Reroute},
    losing::Losing,
    poll::Watch,
    priority,
    wake::Sleeper,
};
use crate::clock::Clock;

/// What control asks for.
#[derive(Debug)]
pub(super) enum Command {
    Add(Box<Call>),
    Remove(u64),
    Press { call: u64, key: char, duration: Duration },
    Candidate { call: u64, candidate: Option<Candidate> },
    Change { call: u64, change: Box<Change> },
    Reroute { call: u64, change: Reroute },
    Lose(Option<Losing>),
    Stop,
}

/// What control is told.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "boxing events would allocate for each of them")]
pub(super) enum Note {
    Event(MediaEvent),
    /// The parts of an ended call, to be dropped where dropping may take its time.
    Retired(Box<Call>),
    /// What a call has no more use for since its plan has changed.
    Left(Box<Change>),
}

pub(super) struct Worker {
    clock: Clock,
    commands: Receiver<Command>,
    sleeper: Sleeper,
    outward: Outward,
    /// By pointer: they are allocated and dropped by control.
    calls: Vec<Box<Call>>,
    watch: Watch,
    /// Which socket of which call each watched descriptor is, from the second on; the first is the sleeper's.
    watched: Vec<(usize, usize)>,
    buffers: Buffers,
}

/// The way to control.
struct Outward {
    notes: Sender<Note>,
    wake: Box<dyn Fn() + Send>,
    told: bool,
}

impl Outward {
    fn note(&mut self, note: Note) {
        // Control may have gone already; then nobody listens.
        let _ = self.notes.send(note);
        self.told = true;
    }

    fn wake(&mut self) {
        if std::mem::take(&mut self.told) {
            (self.wake)();
        }
    }
}

impl Worker {
    pub(super) fn new(
        clock: Clock,
        commands: Receiver<Command>,
        sleeper: Sleeper,
        notes: Sender<Note>,
        wake: Box<dyn Fn() + Send>,
    ) -> Self {
        let outward = Outward { notes, wake, told: false };
        let (calls, watch, watched) = (Vec::new(), Watch::default(), Vec::new());
        Self { clock, commands, sleeper, outward, calls, watch, watched, buffers: Buffers::new() }
    }

    pub(super) fn run(mut self) {
        priority::raise();
        self.watch_all();
        let mut next = None;
        loop {
            let now = self.clock.mono();
            self.watch.sleep(next.map(|next: Instant| next.since(now).max(SHORTEST_SLEEP)));
            if self.watch.is_ready(0) {
                self.sleeper.clear();
                if !self.obey() {
                    return;
                }
            }
            self.receive();
            next = self.turn();
            self.outward.wake();
        }
    }

    /// Does what control asked for. `false`: stop.
    fn obey(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Add(call)) => self.calls.push(call),
                Ok(Command::Remove(id)) => {
                    if let Some(index) = self.calls.iter().position(|call| call.id() == id) {
                        let call = self.calls.swap_remove(index);
                        self.retire(call);
                    }
                }
                Ok(Command::Press { call: id, key, duration }) => {
                    let clock = self.clock;
                    self.of(id).into_iter().for_each(|call| call.press(clock, key, duration));
                }
                Ok(Command::Candidate { call, candidate }) => {
                    self.tell_link(call, LinkInput::Candidate(candidate));
                }
                Ok(Command::Change { call: id, change }) => {
                    let clock = self.clock;
                    let left = match self.of(id) {
                        Some(call) => call.change(clock, change),
                        None => Some(change),
                    };
                    left.into_iter().for_each(|left| self.outward.note(Note::Left(left)));
                }
                Ok(Command::Reroute { call: id, change }) => {
                    let clock = self.clock;
                    self.of(id).into_iter().for_each(|call| call.reroute(clock, change));
                }
                Ok(Command::Lose(losing)) => self.buffers.losing = losing,
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => {
                    while let Some(call) = self.calls.pop() {
                        self.retire(call);
                    }
                    self.outward.wake();
                    return false;
                }
                Err(TryRecvError::Empty) => break,
            }
        }
        self.watch_all();
        true
    }

    fn of(&mut self, id: u64) -> Option<&mut Box<Call>> {
        self.calls.iter_mut().find(|call| call.id() == id)
    }

    fn tell_link(&mut self, id: u64, input: LinkInput<'_>) {
        let clock = self.clock;
        if let Some(call) = self.of(id) {
            call.tell_link(clock, input);
        }
    }

    fn retire(&mut self, mut call: Box<Call>) {
        let Self { clock, outward, buffers, .. } = self;
        call.stop(*clock, buffers, &mut |event| outward.note(Note::Event(event)));
        outward.note(Note::Retired(call));
    }

    fn watch_all(&mut self) {
        self.watch.clear();
        self.watched.clear();
        self.watch.add(self.sleeper.fd());
        for (call, sockets) in self.calls.iter().map(|call| call.sockets()).enumerate() {
            for (index, socket) in sockets.enumerate() {
                self.watch.add(std::os::fd::AsRawFd::as_raw_fd(socket));
                self.watched.push((call, index));
            }
        }
    }

    fn receive(&mut self) {
        for (place, &(call, socket)) in (1..).zip(&self.watched) {
            if self.watch.is_ready(place)
                && let Some(call) = self.calls.get_mut(call)
                && !call.receive(socket, self.clock, &mut self.buffers)
            {
                self.watch.ignore(place);
            }
        }
    }

    /// Lets every call do its work; answers when the next turn is due.
    fn turn(&mut self) -> Option<Instant> {
        let Self { clock, outward, calls, buffers, .. } = self;
        let mut next = None;
        let (mut captures, mut left) = (false, false);
        for call in calls {
            if let Some(change) = call.take_left(clock.mono()) {
                outward.note(Note::Left(change));
                left = true;
            }
            let due = call.turn(*clock, buffers, &mut |event| outward.note(Note::Event(event)));
            next = Instant::earliest(next, due);
            captures |= call.captures();
        }
        let capture = captures.then(|| clock.mono() + CAPTURE_TURN);
        if left {
            // Before the descriptors are watched again: they may be closed already.
            self.watch_all();
        }
        Instant::earliest(next, capture)
    }
}

/// Captured samples wait at most this long for the media thread.
pub const CAPTURE_TURN: Duration = Duration::from_millis(5);

/// Keeps a deadline that has passed from turning the loop into a spin.
const SHORTEST_SLEEP: Duration = Duration::from_micros(50);
