//! The program under test, as a child that does not outlive its test.

use std::{
    io::Read as _,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use serde_json::Value;

pub(crate) use crate::display::Desktop;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A window with folders of its own.
pub(crate) struct Softphone {
    child: Child,
    folder: tempfile::TempDir,
    display: String,
}

impl Softphone {
    /// Alice and Bob, each on a desktop; Bob has it bright, and in German.
    pub(crate) fn two(desktops: [&Desktop; 2]) -> Option<[Self; 2]> {
        let [left, right] = desktops;
        Some([Self::start(left, "alice", "", Vec::new())?, Self::start(right, "bob", BRIGHT, Vec::new())?])
    }

    /// One of them, with these settings and with more in its environment; `None` after saying that no window can be opened here.
    pub(crate) fn start(
        desktop: &Desktop,
        who: &str,
        settings: &str,
        more: Vec<(String, String)>,
    ) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("rove-softphone");
        std::fs::create_dir(&kept).unwrap();
        std::fs::write(kept.join("settings.toml"), settings).unwrap();
        let mut command = program(folder.path(), &desktop.display);
        command.envs(more).args(["--listen", "127.0.0.1:0", "--play", SPEECH, "--repeat", "--identity"]);
        command.arg(format!("{who}@{who}.example")).stdin(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let mut phone = Self { child, folder, display: desktop.display.clone() };
        let deadline = Instant::now() + PATIENCE;
        while phone.ctl(&["status"]).is_err() {
            if let Some(status) = phone.child.try_wait().unwrap() {
                let mut said = String::new();
                phone.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                assert_eq!(status.code(), Some(3), "{said}");
                println!("skipped: OpenGL under Xvfb ({})", said.trim());
                return None;
            }
            assert!(Instant::now() < deadline, "{who} does not come to answer");
            pause();
        }
        Some(phone)
    }

    /// Where its SIP listens.
    pub(crate) fn address(&mut self) -> String {
        self.status()["sip"][0].as_str().unwrap().to_owned()
    }

    /// What it tells of itself.
    pub(crate) fn status(&mut self) -> Value {
        serde_json::from_str(&self.ctl(&["status"]).unwrap()).unwrap()
    }

    /// Waits until it tells what `done` wants to see.
    pub(crate) fn until(&mut self, what: &str, done: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            if done(&status) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: {status}");
            pause();
        }
    }

    /// Has it do something; `Err` with what was complained of.
    pub(crate) fn ctl(&self, order: &[&str]) -> Result<String, String> {
        self.again(&[&["ctl"], order].concat())
    }

    /// Starts the program once more, by the same user.
    pub(crate) fn started_again_with(&self, link: &str) -> Result<String, String> {
        self.again(&[link])
    }

    fn again(&self, args: &[&str]) -> Result<String, String> {
        let mut command = program(self.folder.path(), &self.display);
        let output = command.args(args).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// Ends it in order.
    pub(crate) fn quit(mut self) {
        self.ctl(&["quit"]).unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return assert!(status.success(), "{status}");
            }
            assert!(Instant::now() < deadline, "it does not end");
            pause();
        }
    }
}

impl Drop for Softphone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(folder: &std::path::Path, display: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rove-softphone"));
    for name in ["WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "ROVE_LISTEN", "ROVE_IDENTITY"] {
        command.env_remove(name);
    }
    command.env("DISPLAY", display).env("LIBGL_ALWAYS_SOFTWARE", "1").env("LC_ALL", "C.UTF-8");
    for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(name, folder);
    }
    command
}

/// What both say, again and again.
const SPEECH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../rove/assets/speech-alice.wav");
/// Settings of who likes it so.
const BRIGHT: &str = "look = 'light'\nlanguage = 'de'\n";

/// Between two looks; what is looked for has a deadline of its own.
pub(crate) fn pause() {
    let (_sender, receiver) = mpsc::channel::<()>();
    let _ = receiver.recv_timeout(Duration::from_millis(50));
}
