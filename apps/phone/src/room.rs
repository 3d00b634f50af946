//! A conference room on a phone of its own.

use core::time::Duration;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use rove_base::{Machine as _, Now, Scratch, Step};
use rove_io::clock::Clock;
use rove_session::{CallId, Progress, Room, RoomAsk, RoomConfig, RoomFact};

use crate::{Audio, Phone, PhoneConfig, PhoneEvent, StartError};

/// A room that takes calls until it is dropped, which ends them.
pub struct RoomHost {
    sip: Vec<SocketAddr>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RoomHost {
    /// Opens `room` on a phone with these settings: what it listens at, its identity and codecs. Its sound and how many may
    /// call are the room's.
    ///
    /// # Errors
    ///
    /// As [`Phone::start`].
    pub fn start(phone: PhoneConfig, room: RoomConfig) -> Result<Self, StartError> {
        // Who is one too many is told so by the room.
        let most_calls = room.most.saturating_add(BUSY_CALLS);
        let audio = Audio::Room { seats: room.most };
        let phone = Phone::start(PhoneConfig { audio, most_calls, most_ringing: most_calls, ..phone })?;
        let (sip, stop) = (phone.sip_addresses().to_vec(), Arc::new(AtomicBool::new(false)));
        let porter = Porter { phone, name: room.name.clone(), room: Room::new(room), clock: Clock::new() };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("rove-room".into())
            .spawn(move || porter.work(&stopped))
            .map_err(StartError::Thread)?;
        Ok(Self { sip, stop, thread: Some(thread) })
    }

    /// Where it takes calls.
    #[must_use]
    pub fn sip_addresses(&self) -> &[SocketAddr] {
        &self.sip
    }
}

impl Drop for RoomHost {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Who carries what happens to the room, and what it wants to the phone.
struct Porter {
    phone: Phone,
    room: Room,
    name: String,
    clock: Clock,
}

impl Porter {
    fn work(mut self, stop: &AtomicBool) {
        let mut scratch = Scratch::default();
        while !stop.load(Ordering::Acquire) {
            if let Some(event) = self.phone.next_event(GLANCE) {
                self.happened(self.clock.now(), &event);
            }
            self.room.tick(self.clock.now());
            while let Step::Event(ask) = self.room.poll(&mut scratch) {
                self.carry(ask);
            }
        }
    }

    fn happened(&mut self, now: Now, event: &PhoneEvent) {
        let text;
        let fact = match event {
            PhoneEvent::Call { call, progress: Progress::Incoming { from } } => {
                RoomFact::Called { call: *call, from }
            }
            PhoneEvent::Call { call: by, progress: Progress::Referred { to, call } } => {
                RoomFact::Invited { by: *by, call: *call, to }
            }
            PhoneEvent::Call { call, progress: Progress::Answered { .. } } => RoomFact::Up { call: *call },
            PhoneEvent::Call { call, progress: Progress::Key { key, .. } } => {
                RoomFact::Key { call: *call, key: *key }
            }
            PhoneEvent::Digit { call, digit } => RoomFact::Key { call: *call, key: digit.key },
            PhoneEvent::Message { call, from, body, .. } => {
                text = String::from_utf8_lossy(body);
                RoomFact::Wrote { call: *call, from, text: &text }
            }
            PhoneEvent::Speaker { call } => RoomFact::Floor { call: *call },
            PhoneEvent::Ended { call, report } => {
                tracing::info!(target: "rove::room", room = self.name, call = call.0, received = report.received, mos = report.mos, "a call is over");
                RoomFact::Over { call: *call }
            }
            _ => return,
        };
        self.room.handle(now, fact);
    }

    fn carry(&self, ask: RoomAsk) {
        let room = &self.name;
        match ask {
            RoomAsk::Answer(call) => self.phone.answer(call),
            RoomAsk::Refuse(call) => self.phone.refuse_busy(call),
            RoomAsk::HangUp(call) => self.phone.hang_up(call),
            RoomAsk::Confer(calls) => self.phone.confer(&calls),
            RoomAsk::Mute { call, muted } => self.phone.mute(call, muted),
            RoomAsk::Write { call, text } => self.write(call, &text),
            RoomAsk::Joined { name, parties } => {
                tracing::info!(target: "rove::room", room, name, parties, "somebody has come in");
            }
            RoomAsk::Left { name, parties } => {
                tracing::info!(target: "rove::room", room, name, parties, "somebody has left");
            }
            RoomAsk::Floor { name } => tracing::debug!(target: "rove::room", room, name, "has the floor"),
            _ => {}
        }
    }

    fn write(&self, call: CallId, text: &str) {
        self.phone.write(call, text);
    }
}

/// Calls beyond those of the room that may wait to be told that it is full.
const BUSY_CALLS: usize = 32;
/// How long events are waited for before the clock is looked at.
const GLANCE: Duration = Duration::from_millis(100);
