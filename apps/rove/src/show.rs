//! What a person sees while a call goes on: one line that changes on a terminal, plain lines elsewhere.

use core::time::Duration;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use rove_phone::{CallReport, PhoneEvent, Progress};

/// The line on standard error.
pub(crate) struct Show {
    line: Option<ProgressBar>,
}

impl Show {
    pub(crate) fn new() -> Self {
        let line = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let line = ProgressBar::new_spinner().with_style(style);
            line.enable_steady_tick(Duration::from_millis(120));
            line
        });
        Self { line }
    }

    /// Replaces the line, or adds one where lines cannot change.
    pub(crate) fn say(&self, text: impl Into<String>) {
        match &self.line {
            Some(line) => line.set_message(text.into()),
            None => eprintln!("{}", text.into()),
        }
    }

    /// A line that stays.
    pub(crate) fn keep(&self, text: &str) {
        match &self.line {
            Some(line) => line.println(text),
            None => eprintln!("{text}"),
        }
    }

    /// Says what an event means; the figures of each second only where lines can change.
    pub(crate) fn event(&self, event: &PhoneEvent) {
        match event {
            PhoneEvent::Call { progress, .. } => {
                if let Some(text) = progress_text(progress) {
                    self.say(text);
                }
            }
            PhoneEvent::Quality { quality, .. } => {
                if let Some(line) = &self.line {
                    line.set_message(quality_text(quality));
                }
            }
            PhoneEvent::Registered { name } => self.say(format!("{name} leads here now")),
            PhoneEvent::Unregistered { name } => self.say(format!("{name} leads nowhere any more")),
            _ => {}
        }
    }

    /// Takes the line away.
    pub(crate) fn done(&self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }
}

fn progress_text(progress: &Progress) -> Option<String> {
    Some(match progress {
        Progress::Resolved { addresses } => {
            let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("found at {}", list.join(", "))
        }
        Progress::Inviting { address } => format!("calling {address}"),
        Progress::Ringing => "ringing".into(),
        Progress::Incoming { from } => format!("call from {from}"),
        Progress::Answered { codec, remote } => format!("talking with {remote} in {codec}"),
        _ => return None,
    })
}

fn quality_text(quality: &rove_phone::Quality) -> String {
    let ms = |time: Option<Duration>| figure(time.map(|t| t.as_secs_f64() * 1_000.0), " ms", 0);
    format!(
        "talking: MOS {}, loss {}, jitter {}, delay {}",
        figure(quality.mos.map(f64::from), "", 2),
        figure(quality.interval_loss.map(|loss| f64::from(loss) * 100.0), " %", 1),
        ms(quality.jitter),
        ms(quality.mouth_to_ear),
    )
}

/// A measured figure with its unit, or a dash.
pub(crate) fn figure(value: Option<f64>, unit: &str, digits: usize) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.digits$}{unit}"))
}

/// A call's report as lines for a person.
pub(crate) fn call_table(report: &CallReport) -> String {
    let count = |value: Option<u64>| value.map_or_else(|| "–".into(), |value| value.to_string());
    let mut lines = vec![
        format!("{} → {}: {}", report.side, report.target, report.cause_text),
        format!(
            "  resolve {}, set-up {}, first audio {}, {} of talk in {}",
            figure(report.resolve_ms, " ms", 1),
            figure(report.setup_ms, " ms", 1),
            figure(report.first_audio_ms, " ms", 0),
            figure(report.seconds, " s", 1),
            report.codec.as_deref().unwrap_or("–"),
        ),
        format!(
            "  sent {}, received {}, lost {} ({}), jitter {}, delay {}, MOS {} ({})",
            count(report.sent),
            count(report.received),
            count(report.lost),
            figure(report.loss_percent, " %", 2),
            figure(report.jitter_ms, " ms", 2),
            figure(report.delay_ms, " ms", 0),
            figure(report.mos, "", 2),
            report.mos_band.as_deref().unwrap_or("not measured"),
        ),
    ];
    lines.extend(report.recordings.iter().map(|path| format!("  heard: {}", path.display())));
    lines.join("\n")
}
