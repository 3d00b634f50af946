//! `--chat`: lines of standard input are written to the other side of a call.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    sync::mpsc::{self, Receiver},
};

use rove_phone::{CallId, Phone};

/// Lines that are typed. Their end is not that of the call.
pub(super) struct Chat(Receiver<String>);

impl Chat {
    /// Begins to read, where that is wanted.
    pub(super) fn begin(wanted: bool) -> Option<Self> {
        let (typed, lines) = mpsc::sync_channel(LINES);
        let read = move || {
            let mut input = BufReader::new(std::io::stdin());
            loop {
                let mut line = Vec::new();
                let more = input.by_ref().take(LONGEST).read_until(b'\n', &mut line);
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if !matches!(more, Ok(1..)) || !text.is_empty() && typed.send(text).is_err() {
                    return;
                }
            }
        };
        // Without the thread nothing is ever typed.
        let thread = wanted.then(|| std::thread::Builder::new().name("rove-chat".into()).spawn(read));
        thread.is_some().then_some(Self(lines))
    }

    /// What was typed since the last look.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.try_iter()
    }

    /// Writes what was typed to these calls.
    pub(super) fn write_to(&self, phone: &Phone, calls: &[CallId]) {
        for line in self.lines() {
            calls.iter().for_each(|call| phone.write(*call, &line));
        }
    }
}

/// What somebody has written, on standard output.
pub(super) fn print(body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    let text: String = text.chars().filter(|char| !char.is_control()).collect();
    println!("{text}");
}

/// Lines that wait.
const LINES: usize = 64;
/// Bytes of a line; what is longer goes in pieces.
const LONGEST: u64 = 900;
