//! `rove replay`: what happened in a call, from a capture of it.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

use core::time::Duration;

use rove_phone::replay::{Capture, CaptureError, FormatMap, Replay, ReplayError, Replayed, Row, Source};

use super::{playout, progress};
use crate::{cli::tools, failure::Failure, files, show::figure, stop::Stop, wav::Wav};

pub(crate) fn run(args: &tools::Replay, stop: &Stop) -> Result<(), Failure> {
    for (path, what) in [(&args.wav, "the recording"), (&args.csv, "the table"), (&args.json, "the report")] {
        files::check_output(path.as_deref(), what, &[&args.capture])?;
    }
    let mut formats = FormatMap::default();
    args.pt.iter().for_each(|(number, format)| formats.set(*number, *format));
    let replay = Replay {
        phase: Duration::from_micros(args.pull_phase_us),
        formats,
        ssrc: args.ssrc,
        playout: playout(args.bounds)?,
    };
    let file = read(&args.capture)?;
    let capture = Capture::read(&file).map_err(|error| unplayable(&args.capture, &error))?;
    let mut wav = args.wav.as_deref().map(Wav::create).transpose()?;
    let mut table = args.csv.as_deref().map(Table::create).transpose()?;
    let bar = progress(0);
    let replayed = replay.run(&capture, &mut |row, pcm| {
        if let Some(wav) = &mut wav {
            wav.write(pcm);
        }
        if let Some(table) = &mut table {
            table.write(row);
        }
        bar.set_position(row.t_us / 1_000);
        !stop.wanted()
    });
    bar.finish_and_clear();
    let replayed = replayed.map_err(|error| match error {
        ReplayError::Capture(error) => unplayable(&args.capture, &error),
        ReplayError::Stopped => Failure::call("stopped before the end"),
        error => Failure::usage(format!("{} cannot be played: {error}", args.capture.display())),
    })?;
    wav.map_or(Ok(()), Wav::finish)?;
    table.map_or(Ok(()), Table::finish)?;
    if let Some(path) = &args.json {
        files::write_json(path, &replayed)?;
    }
    tell_of_the_rest(&replayed);
    println!("{}", summary(&replayed));
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable =
        |why: String| Failure::environment(format!("the capture {} cannot be read: {why}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if length > LARGEST {
        return Err(unreadable(format!("it is larger than {} GiB", LARGEST >> 30)));
    }
    std::fs::read(path).map_err(|error| unreadable(error.to_string()))
}

/// What a user asked for in vain is a matter of usage, the rest one of the file.
fn unplayable(path: &Path, error: &CaptureError) -> Failure {
    let text = format!("the capture {} cannot be played: {error}", path.display());
    match error {
        CaptureError::NoSource(_) | CaptureError::NoCodec(_) => Failure::usage(text),
        _ => Failure::environment(text),
    }
}

/// The rows, one a line.
struct Table<'a> {
    file: BufWriter<File>,
    path: &'a Path,
    failed: Option<std::io::Error>,
}

impl<'a> Table<'a> {
    fn create(path: &'a Path) -> Result<Self, Failure> {
        let failed =
            |error| Failure::environment(format!("the table {} cannot be written: {error}", path.display()));
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        writeln!(file, "{}", Row::HEADER).map_err(failed)?;
        Ok(Self { file, path, failed: None })
    }

    fn write(&mut self, row: &Row) {
        if self.failed.is_none() {
            self.failed = writeln!(self.file, "{row}").err();
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.failed.take().map_or(Ok(()), Err).and_then(|()| self.file.flush()).map_err(|error| {
            Failure::environment(format!("the table {} cannot be written: {error}", self.path.display()))
        })
    }
}

/// What is not played but worth knowing, on standard error.
fn tell_of_the_rest(replayed: &Replayed) {
    let (file, streams) = (&replayed.file, &replayed.streams);
    if file.cut_short {
        eprintln!("rove: the capture ends in the middle of a frame; it is played up to there");
    }
    if file.fragments > 0 {
        eprintln!("rove: {} fragments of IP packets are left out", file.fragments);
    }
    if file.incomplete > 0 {
        eprintln!("rove: {} frames were not captured whole and are left out", file.incomplete);
    }
    if streams.len() > 1 {
        eprintln!("rove: {} streams; --ssrc chooses another one:", streams.len());
        streams.iter().take(MOST_LINES).for_each(|source| eprintln!("{}", line(source)));
    }
}

fn line(source: &Source) -> String {
    let way = source.addresses.map_or_else(String::new, |(from, to)| format!(" {from} → {to}"));
    let types: Vec<String> = source.payload_types.iter().map(ToString::to_string).collect();
    let played = if source.played { " (played)" } else { "" };
    format!(
        "  {:#010x}{way}: {} packets of payload type {}{played}",
        source.ssrc,
        source.packets,
        types.join(", ")
    )
}

/// The figures as lines for a person.
fn summary(replayed: &Replayed) -> String {
    let wait = &replayed.playout_delay_ms;
    [
        format!("{} s of {}", replayed.seconds, replayed.codec),
        format!(
            "  received {}, lost {} ({}), refused {}, twice {}, late {}, jitter {}",
            replayed.received,
            replayed.lost,
            figure(replayed.loss_percent, " %", 2),
            replayed.refused,
            replayed.duplicates,
            replayed.late,
            figure(replayed.jitter_ms, " ms", 1),
        ),
        format!(
            "  played: {} after arrival ({} for 95 of 100), {} invented",
            figure(wait.mean, " ms", 1),
            figure(wait.p95, " ms", 1),
            figure(replayed.concealed_percent, " %", 2),
        ),
        format!("  listening MOS {} ({})", figure(replayed.mos_lq, "", 2), replayed.mos_band),
    ]
    .join("\n")
}

/// A capture is read into memory whole.
const LARGEST: u64 = 4 << 30;
/// More streams than this are not listed.
const MOST_LINES: usize = 20;
