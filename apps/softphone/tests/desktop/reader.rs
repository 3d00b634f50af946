//! What a screen reader is told, by AT-SPI on a session bus of its own.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use crate::{
    display::{Desktop, peer},
    programs::PATIENCE,
};

/// A session bus.
pub(crate) struct Reader {
    bus: Child,
    address: String,
    display: String,
    python: &'static str,
}

impl Reader {
    /// One for this desktop; `None` after saying what is missing.
    pub(crate) fn of(desktop: &Desktop) -> Option<Self> {
        let daemon = peer("dbus-daemon")?;
        let knows = ["-c", "import gi; gi.require_version('Atspi', '2.0'); from gi.repository import Atspi"];
        let reads = |python: &&str| {
            let mut command = Command::new(python);
            command.args(knows).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        // One that was installed beside the system's does not see the system's modules.
        let Some(python) = ["python3", "/usr/bin/python3"].into_iter().find(reads) else {
            println!("skipped: gir1.2-atspi-2.0 is not installed");
            return None;
        };
        let mut command = Command::new(daemon);
        command.args(["--session", "--nofork", "--print-address=1"]).env("DISPLAY", &desktop.display);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut bus = command.spawn().unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let display = desktop.display.clone();
        Some(Self { bus, address: address.trim().to_owned(), display, python })
    }

    /// What a program needs to be read.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        vec![("DBUS_SESSION_BUS_ADDRESS".into(), self.address.clone())]
    }

    /// Role and name of every control of the program.
    pub(crate) fn controls(&self) -> Vec<(String, String)> {
        let mut command = Command::new(self.python);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).env("DISPLAY", &self.display);
        command.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(WALK.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// A desktop's notifications.
pub(crate) struct Notifications {
    shown: Child,
    lines: mpsc::Receiver<String>,
}

impl Reader {
    /// Stands for a desktop that shows them, and is ready to.
    pub(crate) fn notifications(&self) -> Notifications {
        let mut command = Command::new(self.python);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).args(["-u", "-c", SHOW]);
        let mut shown = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(shown.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let notifications = Notifications { shown, lines };
        assert_eq!(notifications.next(), r#"["ready", 0]"#);
        notifications
    }
}

impl Notifications {
    /// What was asked for next.
    pub(crate) fn next(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        let _ = self.shown.kill();
        let _ = self.shown.wait();
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

/// Prints what is asked of it.
const SHOW: &str = include_str!("notifications.py");
/// Waits, with a deadline, for the program to be on the bus, and tells its controls as JSON.
const WALK: &str = include_str!("walk.py");
