//! A value of which only the latest counts: what was not looked at in time is overwritten.
//!
//! A thin face of `triple_buffer`, the only place that names it.

use core::fmt;

/// The end that sets the value.
pub struct LatestTx<T: Copy + Send> {
    buffer: triple_buffer::Input<T>,
    value: T,
}

/// The end that looks at it.
pub struct LatestRx<T: Copy + Send>(triple_buffer::Output<T>);

/// Both ends of a value that begins as `value`. The only allocation.
#[must_use]
pub fn latest<T: Copy + Send>(value: T) -> (LatestTx<T>, LatestRx<T>) {
    let (buffer, output) = triple_buffer::triple_buffer(&value);
    (LatestTx { buffer, value }, LatestRx(output))
}

impl<T: Copy + Send> LatestTx<T> {
    /// Replaces the value.
    ///
    /// # Realtime
    ///
    /// Wait-free.
    #[inline]
    pub fn set(&mut self, value: T) {
        self.value = value;
        self.buffer.write(value);
    }

    /// What was set last.
    #[must_use]
    pub const fn get(&self) -> T {
        self.value
    }

    /// Changes a part of the value.
    pub fn update(&mut self, change: impl FnOnce(&mut T)) {
        let mut value = self.value;
        change(&mut value);
        self.set(value);
    }
}

impl<T: Copy + Send> LatestRx<T> {
    /// The value as it is now.
    ///
    /// # Realtime
    ///
    /// Wait-free.
    #[inline]
    pub fn get(&mut self) -> T {
        *self.0.read()
    }

    /// The value, if it was set since the last look.
    ///
    /// # Realtime
    ///
    /// Wait-free.
    #[inline]
    pub fn changed(&mut self) -> Option<T> {
        self.0.update().then(|| *self.0.output_buffer())
    }
}

impl<T: Copy + Send + fmt::Debug> fmt::Debug for LatestTx<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LatestTx").field(&self.value).finish()
    }
}

impl<T: Copy + Send> fmt::Debug for LatestRx<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LatestRx(..)")
    }
}
