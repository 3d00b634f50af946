//! A device that runs only while its owner says so, such as while a platform lets the program use its sound. The ends of the
//! call outlive its stops: nothing is heard or said meanwhile, and nothing is agreed on anew.

use std::sync::{Arc, Mutex, TryLockError};

use rove_base::Instant;

use super::{Capture, DeviceConfig, DeviceError, Ends, Render, Running};
use crate::clock::Clock;

/// A device and the ends that it drives while it is awake. Dropping it stops it.
#[must_use]
pub struct Sleeper {
    config: DeviceConfig,
    clock: Clock,
    rate: u32,
    capture: Kept<dyn Capture>,
    render: Kept<dyn Render>,
    running: Option<Running>,
}

impl core::fmt::Debug for Sleeper {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Sleeper").field("running", &self.running).finish_non_exhaustive()
    }
}

/// Held by one device at a time, so that nobody ever waits for it.
type Kept<T> = Arc<Mutex<Box<T>>>;

struct Lent<T: ?Sized>(Kept<T>);

impl Sleeper {
    /// Asleep.
    pub fn new(config: DeviceConfig, clock: Clock, ends: Ends) -> Self {
        let Ends { rate, capture, render } = ends;
        let (capture, render) = (Arc::new(Mutex::new(capture)), Arc::new(Mutex::new(render)));
        Self { config, clock, rate, capture, render, running: None }
    }

    /// Starts the device, if it does not run.
    ///
    /// # Errors
    ///
    /// [`DeviceError`]; it sleeps on then.
    pub fn wake(&mut self) -> Result<(), DeviceError> {
        if self.running.is_none() {
            let capture = Box::new(Lent(Arc::clone(&self.capture)));
            let render = Box::new(Lent(Arc::clone(&self.render)));
            self.running = Some(self.config.start(self.clock, Ends { rate: self.rate, capture, render })?);
        }
        Ok(())
    }

    /// Stops the device.
    ///
    /// # Errors
    ///
    /// What went wrong while it ran.
    pub fn sleep(&mut self) -> Result<(), DeviceError> {
        self.running.take().map_or(Ok(()), Running::stop)
    }

    /// The device, while it runs.
    #[must_use]
    pub const fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }
}

impl Capture for Lent<dyn Capture> {
    fn capture(&mut self, now: Instant, pcm: &[f32]) {
        match self.0.try_lock() {
            Ok(mut inner) => inner.capture(now, pcm),
            Err(TryLockError::Poisoned(inner)) => inner.into_inner().capture(now, pcm),
            // A device that was stopped has its last period; it belongs to another by now.
            Err(TryLockError::WouldBlock) => {}
        }
    }
}

impl Render for Lent<dyn Render> {
    fn render(&mut self, now: Instant, out: &mut [f32]) {
        match self.0.try_lock() {
            Ok(mut inner) => inner.render(now, out),
            Err(TryLockError::Poisoned(inner)) => inner.into_inner().render(now, out),
            Err(TryLockError::WouldBlock) => out.fill(0.0),
        }
    }
}

#[cfg(test)]
mod tests;
