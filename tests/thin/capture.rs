//! What passes an interface, as tshark has it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, peer};

use crate::place::{PATIENCE, Place};

/// A capture that runs.
pub(crate) struct Capture {
    running: Running,
    file: PathBuf,
    tshark: PathBuf,
}

impl Capture {
    /// Begins at a side's interface. `None`, said aloud, without tshark.
    pub(crate) fn begin(place: &Place, side: usize, interface: &str, filter: &str) -> Option<Self> {
        let tshark = peer("tshark")?;
        let file = place.file(&format!("{side}-{interface}.pcapng"));
        let mut command = place.command(side, &tshark);
        command.args(["-i", interface, "-f", filter, "-B", "16", "-w"]).arg(&file);
        let mut running = Running::spawn(command);
        let deadline = Instant::now() + PATIENCE;
        while !running.complaints().contains("Capturing on") {
            assert!(running.is_alive() && Instant::now() < deadline, "tshark captures at {interface}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Some(Self { running, file, tshark })
    }

    /// Ends, once nothing more is written.
    pub(crate) fn end(mut self) -> Captured {
        let length = || std::fs::metadata(&self.file).map_or(0, |data| data.len());
        let mut last = (length(), Instant::now());
        let deadline = Instant::now() + PATIENCE;
        while last.1.elapsed() < Duration::from_millis(1_500) && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(50));
            if length() != last.0 {
                last = (length(), Instant::now());
            }
        }
        self.running.interrupt();
        self.running.wait(PATIENCE).expect("tshark ends when interrupted");
        Captured { file: self.file, tshark: self.tshark }
    }
}

/// A capture that has ended.
pub(crate) struct Captured {
    file: PathBuf,
    tshark: PathBuf,
}

impl Captured {
    /// The columns of the frames that pass a filter.
    pub(crate) fn fields(&self, filter: &str, columns: &[&str]) -> Vec<Vec<String>> {
        fields(&self.tshark, &self.file, filter, columns)
    }

    /// The payloads of datagrams with an RTP packet from an address, in their order: its number, and all bytes.
    pub(crate) fn rtp(&self, from: &str) -> Vec<(u16, String)> {
        let layer = if from.contains(':') { "ipv6" } else { "ip" };
        let rows = self.fields(&format!("udp and {layer}.src == {from}"), &["udp.payload"]);
        let payloads = rows.into_iter().filter_map(|row| row.into_iter().next());
        let is_rtp = |hex: &String| {
            let byte =
                |at: usize| hex.get(at * 2..at * 2 + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
            byte(0).is_some_and(|first| first >> 6 == 2)
                && byte(1).is_some_and(|second| !(192..=223).contains(&second))
        };
        let with_number = |hex: String| {
            let number = u16::from_str_radix(&hex[4..8], 16).unwrap();
            (number, hex)
        };
        payloads.filter(is_rtp).map(with_number).collect()
    }
}

fn fields(tshark: &Path, file: &Path, filter: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new(tshark);
    command.arg("-r").arg(file).args(["-Y", filter, "-T", "fields", "-n"]);
    for column in columns {
        command.args(["-e", column]);
    }
    let output = command.output().expect("tshark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}
