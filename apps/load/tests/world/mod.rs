//! The programs of these tests as child processes that cannot outlive them.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use serde_json::Value;

/// What became of a program.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) said: String,
    pub(crate) complained: String,
}

/// A child that is ended when it is dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Its exit code; `None` when it does not end in time.
    pub(crate) fn wait(&mut self, patience: Duration) -> Option<i32> {
        let (tell, ended) = mpsc::channel::<()>();
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(tell);
                return None;
            }
            let _ = ended.recv_timeout(left.min(Duration::from_millis(20)));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rove-load"))
}

/// Runs the program to its end, at most a minute and a half.
pub(crate) fn load(args: &[&str]) -> Outcome {
    let mut command = program();
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let said = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = out.read_to_string(&mut text);
        text
    });
    let complained = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = err.read_to_string(&mut text);
        text
    });
    let mut running = Running(child);
    let code = running.wait(PATIENCE);
    drop(running);
    let (said, complained) = (said.join().unwrap(), complained.join().unwrap());
    let code = code.unwrap_or_else(|| panic!("{args:?} did not end: {said} {complained}"));
    Outcome { code, said, complained }
}

/// The answering side.
pub(crate) struct Answering {
    running: Running,
    ready: Value,
    rest: Option<std::thread::JoinHandle<String>>,
}

impl Answering {
    /// Answers calls with media.
    pub(crate) fn start(more: &[&str]) -> Self {
        let args = ["answer", "--listen", "127.0.0.1:0", "--until-stdin-closes", "--quiet", "--json", "-"];
        Self::run(&[&args[..], more].concat())
    }

    /// Answers calls by a scenario.
    pub(crate) fn scenario(file: &str) -> Self {
        let args =
            ["--listen", "127.0.0.1:0", "--until-stdin-closes", "--quiet", "--for", "1h", "--json", "-"];
        Self::run(&[&["scenario", file][..], &args[..]].concat())
    }

    fn run(args: &[&str]) -> Self {
        let mut command = program();
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (tell, first) = mpsc::channel();
        let rest = std::thread::spawn(move || {
            let mut line = String::new();
            let _ = out.read_line(&mut line);
            let _ = tell.send(line);
            let mut rest = String::new();
            let _ = out.read_to_string(&mut rest);
            rest
        });
        let line = first.recv_timeout(PATIENCE).expect("it gets ready");
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        Self { running: Running(child), ready, rest: Some(rest) }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        self.ready["sip"][0].as_str().unwrap().to_owned()
    }

    /// Where it listens for streams in `transport`.
    #[allow(dead_code, reason = "not every test speaks over streams")]
    pub(crate) fn stream(&self, transport: &str) -> String {
        self.ready["streams"][transport].as_str().unwrap().to_owned()
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) -> String {
        drop(self.running.0.stdin.take());
        assert!(self.running.wait(PATIENCE).is_some(), "it leaves when its input ends");
        self.rest.take().unwrap().join().unwrap()
    }

    /// Ends it, and reads its summary.
    pub(crate) fn finish(mut self) -> Value {
        let told = self.stop();
        serde_json::from_str(&told).unwrap_or_else(|error| panic!("{told}: {error}"))
    }
}

/// Starts SIPp; `None` after saying that the test is skipped.
pub(crate) fn sipp(args: &[&str]) -> Option<Running> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let wanted = std::env::var_os("ROVE_PEERS").is_none_or(|peers| peers != "none");
    let found: Option<PathBuf> =
        std::env::split_paths(&path).map(|folder| folder.join("sipp")).find(|file| file.is_file());
    let Some(found) = found.filter(|_| wanted) else {
        println!("skipped: sipp");
        return None;
    };
    let mut command = Command::new(found);
    command.args(args).args(["-nostdin"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Some(Running(command.spawn().unwrap()))
}

/// A scenario that SIPp has built in, as it prints it.
pub(crate) fn sipp_scenario(name: &str) -> Vec<u8> {
    Command::new("sipp").args(["-sd", name]).output().unwrap().stdout
}

/// A UDP port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

const PATIENCE: Duration = Duration::from_secs(90);
