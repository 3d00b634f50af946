//! The device without a sound card: a thread that hears a file or silence and plays into a file or to nobody, every
//! 10 ms by absolute deadlines.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use rove_base::Instant;

use super::{DeviceError, Ends, FileConfig, WavError, WavRecorder};
use crate::clock::Clock;

/// The running thread.
#[derive(Debug)]
pub(super) struct Paced {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<Result<(), WavError>>>,
    played_out: Arc<AtomicBool>,
}

/// Reads the file, begins the recording, then starts the thread.
pub(super) fn start(config: &FileConfig, clock: Clock, ends: Ends) -> Result<Paced, DeviceError> {
    let clip = config.play.as_ref().map(|clip| clip.at(ends.rate)).transpose()?;
    let recorder =
        config.record.as_deref().map(|path: &Path| WavRecorder::create(path, ends.rate)).transpose()?;
    let played_out = Arc::new(AtomicBool::new(false));
    let player = clip.map(|clip| Player { clip, at: 0, repeat: config.repeat });
    let worker = Worker { clock, ends, player, recorder, played_out: Arc::clone(&played_out) };
    let (stop, stopped) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("rove-device".into())
        .spawn(move || worker.run(&stopped))
        .map_err(DeviceError::Thread)?;
    Ok(Paced { stop: Some(stop), thread: Some(thread), played_out })
}

impl Paced {
    pub(super) fn played_out(&self) -> bool {
        self.played_out.load(Ordering::Acquire)
    }

    pub(super) fn stop(mut self) -> Result<(), DeviceError> {
        Ok(self.join()?)
    }

    fn join(&mut self) -> Result<(), WavError> {
        self.stop = None;
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or(Ok(()))
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        if let Err(error) = self.join() {
            tracing::warn!(target: "rove::device", %error, "recording is incomplete");
        }
    }
}

/// A clip that is being heard.
struct Player {
    clip: Arc<[f32]>,
    at: usize,
    repeat: bool,
}

impl Player {
    /// Fills `out` with what comes next, then silence. Answers whether the clip has ended for good.
    fn fill(&mut self, mut out: &mut [f32]) -> bool {
        while !out.is_empty() {
            let rest = self.clip.get(self.at..).unwrap_or_default();
            if rest.is_empty() && !self.repeat {
                out.fill(0.0);
                break;
            }
            let (now, later) = out.split_at_mut(rest.len().min(out.len()));
            now.copy_from_slice(rest.get(..now.len()).unwrap_or_default());
            self.at = if rest.is_empty() { 0 } else { self.at + now.len() };
            out = later;
        }
        !self.repeat && self.at >= self.clip.len()
    }
}

/// Periods by absolute deadlines.
pub(super) struct Pace {
    clock: Clock,
    period: Duration,
    start: Instant,
    done: u64,
}

/// What ended a wait.
pub(super) enum Woken<T> {
    /// The next period is due, at this moment.
    Period(Instant),
    /// Somebody wants something.
    Order(T),
    /// Nobody can want anything any more.
    Gone,
}

impl Pace {
    /// The first period is due now.
    pub(super) fn begin(clock: Clock, period: Duration) -> Self {
        Self { clock, period, start: clock.mono(), done: 0 }
    }

    /// Waits for the next period or an order, whichever is first.
    pub(super) fn wait<T>(&mut self, orders: &Receiver<T>) -> Woken<T> {
        let due = self.start + Duration::from_nanos(self.period.as_nanos() as u64 * self.done);
        match orders.recv_timeout(due.since(self.clock.mono())) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(order) => return Woken::Order(order),
            Err(RecvTimeoutError::Disconnected) => return Woken::Gone,
        }
        let now = self.clock.mono();
        if now.since(due) > STALL {
            // The program stood still: what the device would have heard meanwhile is gone.
            (self.start, self.done) = (now, 0);
        }
        self.done += 1;
        Woken::Period(now)
    }
}

struct Worker {
    clock: Clock,
    ends: Ends,
    player: Option<Player>,
    recorder: Option<WavRecorder>,
    played_out: Arc<AtomicBool>,
}

impl Worker {
    fn run(mut self, stopped: &Receiver<()>) -> Result<(), WavError> {
        let mut pace = Pace::begin(self.clock, PERIOD);
        let mut block = vec![0.0; (u64::from(self.ends.rate) * PERIOD.as_millis() as u64 / 1_000) as usize];
        let mut failure = None;
        while let Woken::Period(now) = pace.wait(stopped) {
            if let Err(error) = self.period(now, &mut block) {
                self.recorder = None;
                failure.get_or_insert(error);
            }
        }
        match failure {
            Some(error) => Err(error),
            None => self.recorder.take().map_or(Ok(()), WavRecorder::finish),
        }
    }

    fn period(&mut self, now: Instant, block: &mut [f32]) -> Result<(), WavError> {
        match &mut self.player {
            Some(player) => {
                if player.fill(block) {
                    self.played_out.store(true, Ordering::Release);
                }
            }
            None => block.fill(0.0),
        }
        self.ends.capture.capture(now - PERIOD, block);
        self.ends.render.render(now, block);
        self.recorder.as_mut().map_or(Ok(()), |recorder| recorder.write(block))
    }
}

/// Samples are handed over in blocks of this length.
const PERIOD: Duration = Duration::from_millis(10);

/// A delay that is not caught up with: more would only fill buffers.
const STALL: Duration = Duration::from_millis(200);
