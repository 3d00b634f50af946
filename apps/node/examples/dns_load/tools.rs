//! Options, times and what an answer says.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write as _,
    net::Ipv4Addr,
    path::Path,
    time::{Duration, Instant},
};

use rove_dns::wire::{Header, Reader};

/// The words of the command line, each with the one after it.
pub(crate) struct Options(pub(crate) BTreeMap<String, String>);

impl Options {
    pub(crate) fn text(&self, name: &str) -> String {
        self.0.get(name).unwrap_or_else(|| panic_with(name)).clone()
    }

    pub(crate) fn number(&self, name: &str, default: u64) -> u64 {
        self.0.get(name).map_or(default, |text| text.parse().expect("a number"))
    }
}

fn panic_with(name: &str) -> ! {
    eprintln!("missing: {name}");
    std::process::exit(2)
}

/// What 300 small appends with fdatasync take.
pub(crate) fn fsync(folder: &Path) -> String {
    let path = folder.join("fsync.probe");
    let mut file = OpenOptions::new().append(true).create(true).open(&path).expect("a file");
    let mut times = Vec::new();
    for _ in 0..300 {
        file.write_all(&[7; 200]).expect("a write");
        let start = Instant::now();
        file.sync_data().expect("a sync");
        times.push(start.elapsed());
    }
    let _ = fs::remove_file(path);
    object(&[("fsync_ms", &quantiles(&mut times))])
}

/// A JSON object of what stands for JSON already.
pub(crate) fn object(fields: &[(&str, &dyn std::fmt::Display)]) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    format!("{{{}}}", fields.join(", "))
}

/// Median, 99th percentile and longest, in milliseconds.
pub(crate) fn quantiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = ((times.len() as f64 - 1.0) * share) as usize;
        times.get(index).map_or("null".to_owned(), |time| format!("{:.3}", time.as_secs_f64() * 1e3))
    };
    format!("{{\"p50\": {}, \"p99\": {}, \"max\": {}}}", at(0.5), at(0.99), at(1.0))
}

/// Processor time that a process has used, all of its threads.
pub(crate) fn cpu(pid: u64) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

/// The first address in the answer section.
pub(crate) fn address_in(bytes: &[u8]) -> Option<u32> {
    let mut reader = Reader::new(bytes);
    let Header { counts: [questions, answers, ..], .. } = reader.header().ok()?;
    for _ in 0..questions {
        reader.question().ok()?;
    }
    if answers == 0 {
        return None;
    }
    let record = reader.record().ok()?;
    let address: [u8; 4] = bytes.get(record.rdata)?.try_into().ok()?;
    Some(Ipv4Addr::from(address).to_bits())
}
