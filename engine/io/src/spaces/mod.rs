//! Networks of their own inside of this machine: Linux's network namespaces, as any user may make them where user
//! namespaces are allowed.
//!
//! A socket belongs to the namespace of the thread that opened it, and a thread begins in that of its parent. So one
//! program holds several networks: what [`Space::run`] starts, threads and child processes with it, lives in that one.
//! Nothing has a name in the system; when the program ends, however it ends, its networks are gone.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as sys;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(not(target_os = "linux"))]
use portable as sys;

use std::{fs::File, io, process::Stdio};

/// One network.
#[derive(Debug)]
pub struct Space {
    file: File,
}

/// Moves this program into an empty network of its own, in which it may make more. Must be called while it has one thread.
/// Without the right to that it takes it in a new user namespace, where it is alone with what it owns already.
///
/// # Errors
///
/// What the system says: neither is allowed, or there is no such thing here. Nothing has changed then.
pub fn claim() -> io::Result<()> {
    sys::claim()
}

impl Space {
    /// A new network, with nothing in it but a loopback interface that is down.
    ///
    /// # Errors
    ///
    /// What the system says; without [`claim`], that it is not allowed.
    pub fn new() -> io::Result<Self> {
        // Only a thread can move, and there is no way back.
        let made = std::thread::scope(|scope| scope.spawn(sys::create).join());
        Ok(Self { file: made.map_err(|_| io::ErrorKind::Other)?? })
    }

    /// Runs `act` in this network and waits for it.
    ///
    /// # Errors
    ///
    /// What the system says when it cannot be entered, or [`io::ErrorKind::Other`] when `act` panicked.
    pub fn run<T: Send>(&self, act: impl FnOnce() -> T + Send) -> io::Result<T> {
        let inside = || sys::enter(&self.file).map(|()| act());
        let done = std::thread::scope(|scope| scope.spawn(inside).join());
        done.map_err(|_| io::Error::from(io::ErrorKind::Other))?
    }

    /// This network as the standard input of a child process, which finds it as `/proc/self/fd/0`.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn as_input(&self) -> io::Result<Stdio> {
        self.file.try_clone().map(Stdio::from)
    }
}

#[cfg(test)]
mod tests;
