//! Scripts on events: a command is run for each event, with the event as one line of JSON on its standard input.
//!
//! Bounded whatever happens: [`AT_ONCE`] run at a time, [`WAITING`] events wait, and none runs longer than [`LONGEST`].

use core::time::Duration;
use std::{
    collections::VecDeque,
    io::Write as _,
    process::{Child, Command, Stdio},
    time::Instant,
};

use rove_phone::{PhoneEvent, Progress};
use serde_json::{Value, json};

/// The command, and those of it that run.
pub(crate) struct Scripts {
    command: String,
    running: Vec<(Child, Instant)>,
    waiting: VecDeque<String>,
    /// Events for which there was no room.
    dropped: u64,
}

impl Scripts {
    pub(crate) const fn new(command: String) -> Self {
        Self { command, running: Vec::new(), waiting: VecDeque::new(), dropped: 0 }
    }

    /// Has the command run for an event, if it is one that scripts are told.
    pub(crate) fn tell(&mut self, event: &PhoneEvent) {
        let Some(event) = as_json(event) else { return };
        if self.waiting.len() >= WAITING {
            self.waiting.pop_front();
            self.dropped += 1;
            tracing::warn!(target: "rove::script", dropped = self.dropped, "scripts are too slow");
        }
        self.waiting.push_back(event.to_string());
        self.turn();
    }

    /// Takes away what has ended, ends what has run too long, starts what waits.
    pub(crate) fn turn(&mut self) {
        let now = Instant::now();
        self.running.retain_mut(|(child, since)| match child.try_wait() {
            Ok(None) if now.saturating_duration_since(*since) < LONGEST => true,
            Ok(None) => {
                let (_, _) = (child.kill(), child.wait());
                tracing::warn!(target: "rove::script", "a script ran too long and was ended");
                false
            }
            Ok(Some(_)) | Err(_) => false,
        });
        while self.running.len() < AT_ONCE
            && let Some(event) = self.waiting.pop_front()
        {
            match start(&self.command, &event) {
                Ok(child) => self.running.push((child, now)),
                Err(error) => tracing::warn!(target: "rove::script", %error, "a script cannot be started"),
            }
        }
    }

    /// Lets all scripts end, for [`LONGEST`] at most.
    pub(crate) fn finish(mut self) {
        let until = Instant::now() + LONGEST;
        while !(self.running.is_empty() && self.waiting.is_empty()) && Instant::now() < until {
            self.turn();
            std::thread::sleep(Duration::from_millis(10));
        }
        for (child, _) in &mut self.running {
            let (_, _) = (child.kill(), child.wait());
        }
    }
}

fn start(command: &str, event: &str) -> std::io::Result<Child> {
    let mut child =
        Command::new("sh").arg("-c").arg(command).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A line is shorter than a pipe holds, and who does not read it misses it.
        let _ = writeln!(stdin, "{event}");
    }
    Ok(child)
}

/// What scripts are told of an event; stable keys. `None` for what happens every second, and what is for people alone.
fn as_json(event: &PhoneEvent) -> Option<Value> {
    Some(match event {
        PhoneEvent::Call { call, progress } => {
            let mut told = progress_json(progress)?;
            if let Value::Object(told) = &mut told {
                told.insert("call".into(), call.0.into());
            }
            told
        }
        PhoneEvent::Digit { call, digit } => json!({
            "event": "key", "call": call.0, "key": digit.key.to_string(), "ms": millis(digit.duration),
        }),
        PhoneEvent::Switched { call, switched } => json!({
            "event": "switched", "call": call.0, "gap_ms": switched.gap.map(millis), "lost": switched.lost,
        }),
        PhoneEvent::Rerouted { call, rerouted } => json!({
            "event": "rerouted", "call": call.0, "cause": rerouted.cause.name(),
            "from": rerouted.kinds[0].map(|kind| kind.name()), "to": rerouted.kinds[1].map(|kind| kind.name()),
            "detected_ms": millis(rerouted.decided.since(rerouted.suspected)),
            "gap_ms": rerouted.gap.map(millis), "packets_lost": rerouted.lost,
        }),
        PhoneEvent::Route { call, kind } => json!({ "event": "route", "call": call.0, "kind": kind.name() }),
        PhoneEvent::Complaint { call, complaint } => json!({
            "event": "complaint", "call": call.0, "cause": complaint.cause.name(),
            "loss_percent": complaint.second.interval_loss.map(|loss| 100.0 * loss),
            "mos": complaint.second.mos, "delay_ms": complaint.second.path_delay().map(millis),
        }),
        PhoneEvent::Ended { call, report } => json!({
            "event": "ended", "call": call.0, "cause": report.cause, "report": report,
        }),
        PhoneEvent::Message { from, kind, body, .. } => message_json(from, kind, body),
        PhoneEvent::Conference { calls } => {
            let calls: Vec<u64> = calls.iter().map(|call| call.0).collect();
            json!({ "event": "conference", "calls": calls })
        }
        PhoneEvent::Speaker { call } => json!({ "event": "speaker", "call": call.map(|call| call.0) }),
        PhoneEvent::Watched { package, by } => json!({ "event": "watched", "package": package, "by": by }),
        PhoneEvent::Registered { name } => json!({ "event": "registered", "name": name }),
        PhoneEvent::Unregistered { name } => json!({ "event": "unregistered", "name": name }),
        PhoneEvent::RegistrationFailed(error) => {
            json!({ "event": "registration_failed", "why": error.to_string() })
        }
        _ => return None,
    })
}

/// A message that somebody has sent; what is no text of UTF-8 is replaced where it is not, and what is too long cut.
pub(crate) fn message_json(from: &str, kind: &str, body: &[u8]) -> Value {
    let text: String = String::from_utf8_lossy(body).chars().take(LONGEST_TEXT).collect();
    json!({ "event": "message", "from": from, "kind": kind, "text": text })
}

fn progress_json(progress: &Progress) -> Option<Value> {
    Some(match progress {
        Progress::Incoming { from } => json!({ "event": "incoming", "from": from }),
        Progress::Ringing => json!({ "event": "ringing" }),
        Progress::Answered { codec, remote, security } => json!({
            "event": "answered", "codec": codec.to_string(), "remote": remote.to_string(),
            "security": security.to_string(),
        }),
        Progress::Held { by } => json!({ "event": "held", "by": party(*by) }),
        Progress::Resumed { by } => json!({ "event": "resumed", "by": party(*by) }),
        Progress::Moved { remote } => json!({ "event": "moved", "remote": remote.to_string() }),
        Progress::Adapted { codec, security } => json!({
            "event": "adapted", "codec": codec.to_string(), "security": security.to_string(),
        }),
        Progress::Key { key, duration } => {
            json!({ "event": "key", "key": key.to_string(), "ms": millis(*duration) })
        }
        Progress::Referred { to, call } => json!({ "event": "referred", "to": to, "new_call": call.0 }),
        Progress::Forwarded { to } => json!({ "event": "forwarded", "to": to }),
        _ => return None,
    })
}

const fn party(party: rove_phone::Party) -> &'static str {
    match party {
        rove_phone::Party::Us => "us",
        rove_phone::Party::Peer => "peer",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Scripts that run at a time.
const AT_ONCE: usize = 8;
/// Events that wait for their script; of more, the oldest are dropped.
const WAITING: usize = 256;
/// Characters of a message that a script is told: a line is shorter than a pipe holds.
const LONGEST_TEXT: usize = 8_000;
/// No script runs longer.
const LONGEST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use rove_phone::CallId;

    use super::*;

    fn incoming(call: u64) -> PhoneEvent {
        let progress = Progress::Incoming { from: format!("<sip:caller{call}@h.example>") };
        PhoneEvent::Call { call: CallId(call), progress }
    }

    #[test]
    fn each_event_is_one_line_of_json_for_the_command() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("told");
        let mut scripts = Scripts::new(format!("cat >> '{}'", file.display()));
        for call in 0..20 {
            scripts.tell(&incoming(call));
        }
        scripts.finish();
        let text = std::fs::read_to_string(&file).unwrap();
        let mut calls: Vec<u64> = text
            .lines()
            .map(|line| {
                let value: Value = serde_json::from_str(line).unwrap();
                assert_eq!(value["event"], "incoming");
                value["call"].as_u64().unwrap()
            })
            .collect();
        calls.sort_unstable();
        assert_eq!(calls, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn scripts_that_hang_neither_pile_up_nor_keep_more_events_than_there_is_room_for() {
        let mut scripts = Scripts::new("exec sleep 60".into());
        for call in 0..1_000 {
            scripts.tell(&incoming(call));
        }
        assert_eq!((scripts.running.len(), scripts.waiting.len()), (AT_ONCE, WAITING));
        assert_eq!(scripts.dropped, 1_000 - (AT_ONCE + WAITING) as u64);
        for (child, since) in &mut scripts.running {
            *since = Instant::now().checked_sub(LONGEST).unwrap();
            assert!(child.try_wait().unwrap().is_none());
        }
        scripts.waiting.clear();
        scripts.turn();
        assert!(scripts.running.is_empty(), "ended by force");
    }
}
