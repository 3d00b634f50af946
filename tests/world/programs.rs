//! The programs under test and foreign peers, as child processes that cannot outlive their test.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    time::{Duration, Instant},
};

use serde_json::Value;

/// The program `name` of this workspace, built like the test that asks; builds all programs when it is not there.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(build).join(name)
}

fn build() -> PathBuf {
    let folder = folder();
    build_into(&folder, &["--bins"]);
    folder
}

/// The example `name` of a package of this workspace, built as this test is where it is not there yet.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    let folder = folder();
    let file = folder.join("examples").join(name);
    if !file.is_file() {
        build_into(&folder, &["--example", name]);
    }
    file
}

/// `roved` as it is built for access points.
#[must_use]
pub fn server_for_access_points() -> PathBuf {
    let folder = folder();
    let mut script = Command::new(root().join(".ci/access-point.sh"));
    script.arg(folder.parent().expect("a profile's folder lives in the target folder"));
    done(script);
    folder.with_file_name("access-point").join("roved")
}

/// The folder that this test's own profile is built into.
fn folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    test.parent().and_then(Path::parent).expect("tests live in target/PROFILE/deps").to_owned()
}

/// Has cargo build something of the whole workspace as this test is built.
fn build_into(folder: &Path, what: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    let target = folder.parent().expect("a profile's folder lives in the target folder");
    cargo.args(["build", "--locked", "--workspace", "--target-dir"]).arg(target).args(what);
    if folder.file_name() == Some(OsStr::new("release")) {
        cargo.arg("--release");
    }
    done(cargo);
}

fn done(mut command: Command) {
    // What cargo tells this test about its own package would have others built anew.
    for (name, _) in std::env::vars_os() {
        let own = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_"];
        if own.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    let status = command.current_dir(root()).status().expect("cargo runs");
    assert!(status.success(), "the programs do not build");
}

/// The root of the checkout.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests live in the checkout")
}

/// The foreign program `name`, or `None` after saying that its test is skipped.
#[must_use]
pub fn peer(name: &str) -> Option<PathBuf> {
    let wanted = std::env::var_os("ROVE_PEERS").is_none_or(|peers| peers != "none");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if let (true, Some(found)) = (wanted, found) {
        return Some(found);
    }
    println!("skipped: {name} {}", if wanted { "is not installed" } else { "is a foreign peer" });
    None
}

/// Does something to this machine's networks, as `ip` from iproute2 does it. `false`: that is not allowed here, or not there.
#[must_use]
pub fn ip(args: &[&str]) -> bool {
    Command::new("ip").args(args).output().is_ok_and(|output| output.status.success())
}

/// A child process; dropping it ends it.
pub struct Running {
    child: Child,
    what: String,
    lines: mpsc::Receiver<String>,
    complaints: mpsc::Receiver<String>,
}

impl Running {
    /// Starts `program`. Its standard input stays open until it is dropped.
    pub fn start<S: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new(program);
        command.args(args);
        Self::spawn(command)
    }

    /// Starts a prepared command.
    pub fn spawn(mut command: Command) -> Self {
        let what = format!("{command:?}");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{what}: {error}"));
        let lines = follow(child.stdout.take().expect("piped"));
        let complaints = follow(child.stderr.take().expect("piped"));
        Self { child, what, lines, complaints }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its first line on standard output and reads it as JSON.
    pub fn ready(&mut self, patience: Duration) -> Value {
        match self.lines.recv_timeout(patience) {
            Ok(line) => {
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{}: {line:?}: {error}", self.what))
            }
            Err(_) => panic!("{} did not get ready: {}", self.what, self.complaints()),
        }
    }

    /// Types a line into its standard input.
    pub fn types(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("piped");
        writeln!(input, "{line}").unwrap_or_else(|error| panic!("{}: {error}", self.what));
    }

    /// Waits for its next line on standard output; `None` when none has come in time.
    pub fn next_line(&mut self, patience: Duration) -> Option<String> {
        self.lines.recv_timeout(patience).ok()
    }

    /// Waits for a line on standard output that has `part`; those before it are passed over.
    pub fn line_with(&mut self, part: &str, patience: Duration) -> String {
        let deadline = Instant::now() + patience;
        let mut seen = Vec::new();
        while let Some(line) = self.next_line(deadline.saturating_duration_since(Instant::now())) {
            if line.contains(part) {
                return line;
            }
            seen.push(line);
        }
        panic!("{} did not say {part:?}, but {seen:#?}: {}", self.what, self.complaints());
    }

    /// As [`Self::ready`]; `None` when it ends without a word, or is not heard in time.
    pub fn try_ready(&mut self, patience: Duration) -> Option<Value> {
        serde_json::from_str(&self.lines.recv_timeout(patience).ok()?).ok()
    }

    /// What it wrote to standard error so far.
    pub fn complaints(&self) -> String {
        self.complaints.try_iter().collect::<Vec<_>>().join("\n")
    }

    /// What it wrote to standard output so far.
    pub fn said(&self) -> String {
        self.lines.try_iter().collect::<Vec<_>>().join("\n")
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Resident memory in KiB; `None` when it is gone.
    #[must_use]
    pub fn resident_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// Asks it to end, as Ctrl-C would.
    pub fn interrupt(&self) {
        let kill = Command::new("kill").args(["-INT", &self.id().to_string()]).status();
        assert!(kill.is_ok_and(|status| status.success()), "{} cannot be interrupted", self.what);
    }

    /// Waits for its end; `None` when it has not come in time.
    pub fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => std::thread::park_timeout(GLANCE),
                _ => return None,
            }
        }
    }

    /// Waits for its end and answers its exit code, and what it said and complained about.
    pub fn outcome(mut self, patience: Duration) -> (i32, String, String) {
        let status = self
            .wait(patience)
            .unwrap_or_else(|| panic!("{} does not end: {}", self.what, self.complaints()));
        let rest = |lines: &mpsc::Receiver<String>| lines.iter().collect::<Vec<_>>().join("\n");
        (status.code().unwrap_or(-1), rest(&self.lines), rest(&self.complaints))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines as they come, so that the child never waits for a reader.
fn follow(from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(from);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(count) if count > 0) {
            if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    lines
}

const GLANCE: Duration = Duration::from_millis(10);
