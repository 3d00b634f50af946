//! Stretches speech to and fro, to be compared with what it was: it becomes `MS` milliseconds longer, and 400 ms later
//! as much shorter, again and again, as a playout would do it that pulls 10 ms at a time and has 60 ms in hand.
//!
//! `stretch RATE [MS] [SIMILARITY] < IN > OUT`, both raw mono 16-bit little-endian. Every splice goes to standard error:
//! its place in the output, its fade, the jump of the content (negative: heard again), all in samples, similarity, quiet.

use std::io::{Read as _, Write as _};

use rove_core::playout::stretch::{Care, Splice, Stretcher};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let rate: u32 = args.next().ok_or("stretch RATE [MS] [SIMILARITY] < IN > OUT")?.parse()?;
    let amount: usize = args.next().map_or(Ok(20), |ms| ms.parse())?;
    let care = args.next().map_or(Ok(Care::Inaudible), |least| least.parse().map(Care::Similar))?;
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let speech: Vec<f32> =
        bytes.as_chunks::<2>().0.iter().map(|b| f32::from(i16::from_le_bytes(*b)) / 32_768.0).collect();
    let out = to_and_fro(&speech, rate, amount, care)?;
    let sample = |x: &f32| ((x * 32_768.0).clamp(-32_768.0, 32_767.0).round() as i16).to_le_bytes();
    std::io::stdout().write_all(&out.iter().flat_map(sample).collect::<Vec<u8>>())?;
    Ok(())
}

fn to_and_fro(
    speech: &[f32],
    rate: u32,
    amount: usize,
    care: Care,
) -> Result<Vec<f32>, std::num::TryFromIntError> {
    let ms = usize::try_from(rate / 1_000)?;
    let (tick, hand, history) = (10 * ms, 60 * ms, 40 * ms);
    let mut stretcher = Stretcher::new(rate);
    let mut out = Vec::new();
    let mut pcm = vec![0.0_f32; 400 * ms];
    let (mut len, mut from) = (0, 0);
    let mut wanted: isize = 0;
    let mut ticks = speech.chunks_exact(tick);
    for pull in 0.. {
        while len - from < hand
            && let Some(heard) = ticks.next()
        {
            stretcher.heard(heard);
            pcm[len..len + tick].copy_from_slice(heard);
            len += tick;
        }
        if len - from < tick {
            break;
        }
        if pull % 40 == 20 {
            let amount = isize::try_from(amount * ms)?;
            wanted += if pull % 80 == 20 { amount } else { -amount };
        }
        let most = wanted.unsigned_abs();
        let splice = match wanted {
            0 => None,
            1.. => stretcher.lengthen(&mut pcm, len, from, most, care),
            _ => stretcher.shorten(&mut pcm, len, from, most, care),
        };
        if let Some(splice) = splice {
            let jump = isize::try_from(splice.samples)? * -wanted.signum();
            len = len.saturating_add_signed(-jump);
            wanted += jump;
            tell(out.len() + splice.at - from, jump, splice);
        }
        out.extend_from_slice(&pcm[from..from + tick]);
        from += tick;
        let old = from.saturating_sub(history);
        pcm.copy_within(old..len, 0);
        (len, from) = (len - old, from - old);
    }
    Ok(out)
}

fn tell(at: usize, jump: isize, splice: Splice) {
    let (fade, quality) = (splice.fade, splice.quality);
    eprintln!("{at} {fade} {jump} {} {}", quality.similarity, quality.quiet);
}
