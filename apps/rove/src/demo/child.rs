//! A process of the demo: this program again, with another command.

use core::time::Duration;
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::mpsc,
    time::Instant,
};

use serde::de::DeserializeOwned;

use crate::{command::GLANCE, failure::Failure, stop::Stop};

/// A running child. Its standard input stays open as long as it is wanted; dropping it ends the process.
pub(super) struct Child {
    what: &'static str,
    process: std::process::Child,
    lines: mpsc::Receiver<String>,
    stop: Stop,
}

impl Child {
    /// Starts this program with `args`.
    pub(super) fn start(what: &'static str, args: &[String], stop: &Stop) -> Result<Self, Failure> {
        let failed = |error| Failure::environment(format!("{what} cannot be started: {error}"));
        let program = std::env::current_exe().map_err(failed)?;
        let mut process = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (sender, lines) = mpsc::channel();
        if let Some(output) = process.stdout.take() {
            std::thread::spawn(move || {
                BufReader::new(output).lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
            });
        }
        Ok(Self { what, process, lines, stop: stop.clone() })
    }

    /// Waits for the line of JSON that says it is ready.
    pub(super) fn ready<T: DeserializeOwned>(&mut self, patience: Duration) -> Result<T, Failure> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if self.stop.wanted() {
                return Err(stopped());
            }
            match self.lines.recv_timeout(GLANCE) {
                Ok(line) => {
                    return serde_json::from_str(&line).map_err(|error| {
                        Failure::environment(format!("{} said {line:?}: {error}", self.what))
                    });
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        Err(self.complaint("did not get ready"))
    }

    /// Waits until it ends, and says what it complained about when it did not end well. Lets it leave when the person
    /// wants to stop.
    pub(super) fn finish(&mut self, patience: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + patience;
        loop {
            let leaving = self.stop.wanted();
            if leaving {
                drop(self.process.stdin.take());
            }
            match self.process.try_wait() {
                Ok(Some(_)) if leaving => return Err(stopped()),
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(_)) => return Err(self.complaint("failed")),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(GLANCE),
                Ok(None) => return Err(self.complaint("did not end in time")),
                Err(error) => return Err(Failure::environment(format!("{}: {error}", self.what))),
            }
        }
    }

    /// Ends the process and repeats its last words.
    fn complaint(&mut self, what: &str) -> Failure {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let said = self
            .process
            .stderr
            .take()
            .and_then(|stderr| std::io::read_to_string(stderr).ok())
            .unwrap_or_default();
        let last = said.lines().last().unwrap_or("it said nothing");
        Failure::call(format!("{} {what}: {last}", self.what))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The end of its standard input lets it leave in order.
        drop(self.process.stdin.take());
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline {
            if matches!(self.process.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(GLANCE);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn stopped() -> Failure {
    Failure::call("stopped before the call was over")
}

/// How long a child may take to leave in order.
const FAREWELL: Duration = Duration::from_secs(2);
