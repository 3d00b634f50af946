//! Stretches speech to and fro, to be compared with what it was: every 400 ms it becomes `MS` milliseconds longer,
//! then as much shorter, as a playout would do it that pulls 10 ms at a time.
//!
//! `stretch RATE [MS] [CARE] < IN > OUT`, both raw mono 16-bit little-endian; what was done goes to standard error.

use std::io::{Read as _, Write as _};

use rove_core::playout::stretch::{Care, Splice, Stretcher};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let rate: u32 = args.next().ok_or("stretch RATE [MS] [CARE] < IN > OUT")?.parse()?;
    let amount: usize = args.next().map_or(Ok(20), |ms| ms.parse())?;
    let care = args.next().map_or(Ok(Care::Inaudible), |least| least.parse().map(Care::Similar))?;
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let speech: Vec<f32> =
        bytes.as_chunks::<2>().0.iter().map(|b| f32::from(i16::from_le_bytes(*b)) / 32_768.0).collect();
    let (out, tally) = to_and_fro(&speech, usize::try_from(rate / 1_000)?, rate, amount, care);
    let bytes: Vec<u8> = out
        .iter()
        .flat_map(|x| ((x * 32_768.0).clamp(-32_768.0, 32_767.0).round() as i16).to_le_bytes())
        .collect();
    std::io::stdout().write_all(&bytes)?;
    eprintln!("{tally:?}");
    Ok(())
}

/// What was done.
#[derive(Debug, Default)]
struct Tally {
    seconds: f32,
    longer_ms: usize,
    shorter_ms: usize,
    splices: usize,
    quiet: usize,
    refused: usize,
    least_similar: f32,
    worst_us: u128,
    mean_us: f32,
}

impl Tally {
    fn note(&mut self, splice: Option<Splice>, ms: usize, longer: bool) {
        let Some(splice) = splice else {
            self.refused += 1;
            return;
        };
        self.splices += 1;
        if longer {
            self.longer_ms += splice.samples
        } else {
            self.shorter_ms += splice.samples
        }
        let _ = ms;
        if splice.quality.quiet {
            self.quiet += 1
        } else {
            self.least_similar = self.least_similar.min(splice.quality.similarity)
        }
    }
}

fn to_and_fro(speech: &[f32], ms: usize, rate: u32, amount: usize, care: Care) -> (Vec<f32>, Tally) {
    let (tick, hand, history) = (10 * ms, 60 * ms, 40 * ms);
    let mut stretcher = Stretcher::new(rate);
    let (mut out, mut tally) = (
        Vec::new(),
        Tally { seconds: speech.len() as f32 / rate as f32, least_similar: 1.0, ..Tally::default() },
    );
    let mut pcm = vec![0.0_f32; 400 * ms];
    let (mut len, mut from, mut taken) = (0, 0, 0);
    let mut wanted: isize = 0;
    let mut calls = 0_usize;
    let mut spent = 0_u128;
    for pull in 0.. {
        while len - from < hand && taken + tick <= speech.len() {
            stretcher.heard(&speech[taken..taken + tick]);
            pcm[len..len + tick].copy_from_slice(&speech[taken..taken + tick]);
            (len, taken) = (len + tick, taken + tick);
        }
        if len - from < tick {
            break;
        }
        match pull % 40 {
            20 if pull % 80 == 20 => wanted += (amount * ms) as isize,
            20 => wanted -= (amount * ms) as isize,
            _ => {}
        }
        let most = wanted.unsigned_abs();
        if most > 2 * ms {
            let begun = std::time::Instant::now();
            let splice = if wanted > 0 {
                stretcher.lengthen(&mut pcm, len, from, most, care)
            } else {
                stretcher.shorten(&mut pcm, len, from, most, care)
            };
            let us = begun.elapsed().as_nanos();
            calls += 1;
            spent += us;
            tally.worst_us = tally.worst_us.max(us / 1000);
            tally.note(splice, ms, wanted > 0);
            if let Some(splice) = splice && std::env::var_os("SPLICES").is_some() {
                let at = out.len() + splice.at - from.min(splice.at);
                eprintln!("S {at} {} {} {} {} {} {}", splice.fade, if wanted > 0 { -(splice.samples as isize) } else { splice.samples as isize }, splice.quality.similarity, splice.quality.quiet, splice.at, from);
            }
            let moved = splice.map_or(0, |splice| splice.samples);
            if wanted > 0 {
                (len, wanted) = (len + moved, wanted - moved as isize)
            } else {
                (len, wanted) = (len - moved, wanted + moved as isize)
            }
        }
        out.extend_from_slice(&pcm[from..from + tick]);
        from += tick;
        if from > history {
            pcm.copy_within(from - history..len, 0);
            (len, from) = (len - (from - history), history);
        }
    }
    tally.longer_ms /= ms;
    tally.shorter_ms /= ms;
    tally.mean_us = spent as f32 / 1000.0 / calls.max(1) as f32;
    (out, tally)
}
