//! Sound by hand: the ends of calls, driven by whoever knows their numbers, from any two threads, as a sound card would.
//!
//! ```text
//!  owner's thread ── push ──▶ ear: channels, rate ──▶ Capture     (towards the network)
//!  owner's thread ◀── pull ── mouth: channels, rate ◀── Render    (from the network)
//! ```

use std::sync::{
    Arc, Mutex, MutexGuard, TryLockError,
    atomic::{AtomicU64, Ordering},
};

use super::{
    DeviceError, Ends, Kind, Running,
    adapt::{CardCapture, CardRender},
};
use crate::clock::Clock;

/// Places for calls whose sound is pushed and pulled. Made once; nothing is allocated when sound goes through.
#[derive(Debug)]
pub struct Ports {
    slots: Box<[Slot]>,
}

/// Why sound did not go through.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PortError {
    /// No call of this number has sound now: not yet, or not any more.
    #[error("the call has no sound now: wait for its answer")]
    Absent,
    /// Another thread does the same with this call at this moment, or the call is just ending.
    #[error("another thread is at it: push from one thread, and pull from one")]
    Busy,
}

#[derive(Default)]
struct Slot {
    /// Whose it is; 0: nobody's.
    key: AtomicU64,
    ear: Mutex<Option<Ear>>,
    mouth: Mutex<Option<Mouth>>,
}

impl core::fmt::Debug for Slot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Slot").field("key", &self.key).finish_non_exhaustive()
    }
}

struct Ear {
    clock: Clock,
    capture: CardCapture,
}

struct Mouth {
    clock: Clock,
    render: CardRender,
}

/// A call's place among the ports; dropping it gives it up.
#[derive(Debug)]
pub(super) struct Berth {
    ports: Arc<Ports>,
    slot: usize,
}

impl Ports {
    /// Places for so many calls at once.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self { slots: (0..places.max(1)).map(|_| Slot::default()).collect() }
    }

    /// Lets the call `key`, which is not 0 and is given to no other, be driven at `rate` samples per second, mono.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NoPlace`] when all places are taken, [`DeviceError::Card`] when there is no way from its rate to `rate`.
    pub fn attach(
        self: &Arc<Self>,
        key: u64,
        clock: Clock,
        rate: u32,
        ends: Ends,
    ) -> Result<Running, DeviceError> {
        let Ends { rate: stream, capture, render } = ends;
        let ear = Ear { clock, capture: CardCapture::new(capture, stream, rate, 1)? };
        let mouth = Mouth { clock, render: CardRender::new(render, stream, rate, 1)? };
        let free = |slot: &usize| {
            self.slots.get(*slot).is_some_and(|slot| {
                slot.key.compare_exchange(0, key, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            })
        };
        let slot = self.order(key).find(free).ok_or(DeviceError::NoPlace)?;
        if let Some(slot) = self.slots.get(slot) {
            *settled(&slot.ear) = Some(ear);
            *settled(&slot.mouth) = Some(mouth);
        }
        Ok(Running(Kind::Port(Berth { ports: Arc::clone(self), slot })))
    }

    /// Says `pcm` in the call `key`, as heard until now.
    ///
    /// # Errors
    ///
    /// [`PortError`]; nothing was said then.
    ///
    /// # Realtime
    ///
    /// No allocation, waiting or system call.
    pub fn push<T: Copy>(&self, key: u64, pcm: &[T], to_f32: impl Fn(T) -> f32) -> Result<(), PortError> {
        let slot = self.find(key).ok_or(PortError::Absent)?;
        let mut ear = glance(&slot.ear).ok_or(PortError::Busy)?;
        let ear =
            ear.as_mut().filter(|_| slot.key.load(Ordering::Acquire) == key).ok_or(PortError::Absent)?;
        ear.capture.heard(ear.clock.mono(), pcm, to_f32);
        Ok(())
    }

    /// Fills `out` with what is to be heard in the call `key` from now on.
    ///
    /// # Errors
    ///
    /// [`PortError`]; `out` is as it was then.
    ///
    /// # Realtime
    ///
    /// As [`Ports::push`].
    pub fn pull<T>(&self, key: u64, out: &mut [T], from_f32: impl Fn(f32) -> T) -> Result<(), PortError> {
        let slot = self.find(key).ok_or(PortError::Absent)?;
        let mut mouth = glance(&slot.mouth).ok_or(PortError::Busy)?;
        let mouth =
            mouth.as_mut().filter(|_| slot.key.load(Ordering::Acquire) == key).ok_or(PortError::Absent)?;
        mouth.render.play(mouth.clock.mono(), out, from_f32);
        Ok(())
    }

    /// How many calls have a place now.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.slots.iter().filter(|slot| slot.key.load(Ordering::Relaxed) != 0).count()
    }

    fn find(&self, key: u64) -> Option<&Slot> {
        let mut slots = self.order(key).filter_map(|slot| self.slots.get(slot));
        slots.find(|slot| key != 0 && slot.key.load(Ordering::Acquire) == key)
    }

    /// All places, beginning with the one that is the likeliest for `key`.
    fn order(&self, key: u64) -> impl Iterator<Item = usize> {
        let count = self.slots.len();
        // Fibonacci hashing: numbers that follow each other lie far apart.
        let first = key.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(24) as usize % count;
        (first..count).chain(0..first)
    }
}

impl Drop for Berth {
    fn drop(&mut self) {
        let Some(slot) = self.ports.slots.get(self.slot) else { return };
        let ends = (settled(&slot.ear).take(), settled(&slot.mouth).take());
        slot.key.store(0, Ordering::Release);
        drop(ends);
    }
}

/// What a lock holds, where nobody else has it. A panic while it was held changes nothing about that.
fn glance<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match lock.try_lock() {
        Ok(held) => Some(held),
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// The same as soon as nobody has it: those who drive a call hold it for microseconds, and are never made to wake anybody.
fn settled<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    loop {
        if let Some(held) = glance(lock) {
            return held;
        }
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests;
