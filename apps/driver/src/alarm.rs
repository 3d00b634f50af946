//! The one timer of a loop.

use core::pin::Pin;
use std::time::Instant;

use tokio::time::{Sleep, sleep_until};

/// Wakes a loop when its machine wants to be woken, or earlier.
///
/// A machine's next deadline changes with almost every message, most often to a later one. Setting the runtime's timer
/// each time would cost a system call each time, so a timer that is early enough stays as it is: to be woken too early
/// is harmless, and happens once for each deadline that has passed unused.
#[derive(Debug, Default)]
pub struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    /// What `sleep` is set to; `None` when it has rung.
    set_to: Option<Instant>,
}

impl Alarm {
    /// Returns at `wake` at the latest; with `None` perhaps never. May be dropped and asked again. Must be called on
    /// the runtime.
    pub async fn until(&mut self, wake: Option<Instant>) {
        let Some(wake) = wake else { return std::future::pending().await };
        let early_enough = self.set_to.is_some_and(|set_to| set_to <= wake);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(wake.into())));
        if !early_enough {
            sleep.as_mut().reset(wake.into());
            self.set_to = Some(wake);
        }
        sleep.as_mut().await;
        self.set_to = None;
    }
}

#[cfg(test)]
mod tests;
