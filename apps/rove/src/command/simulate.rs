//! `rove simulate`: what a call will sound like on a link, without the link.

use core::time::Duration;
use std::path::Path;

use rove_phone::{
    CodecId,
    netem::{DelayTrace, GilbertElliott, Impairments, Loss},
    simulate::{Scenario, Second, Simulated, SimulationError},
};

use super::{playout, progress};
use crate::{cli::tools::Simulate, failure::Failure, files, page, show::figure, stop::Stop, wav::Wav};

pub(crate) fn run(args: &Simulate, stop: &Stop) -> Result<(), Failure> {
    for (path, what) in
        [(&args.record, "the recording"), (&args.json, "the report"), (&args.html, "the page")]
    {
        files::check_output(path.as_deref(), what, &[&args.play])?;
    }
    let scenario = scenario(args)?;
    let rate = scenario.sample_rate().map_err(|error| refused(&scenario, &error))?;
    let clip = rove_io::device::read_mono(&args.play, rate)
        .map_err(|error| Failure::environment(error.to_string()))?;
    let samples =
        args.seconds.map_or(clip.len() as u64, |seconds| (seconds * f64::from(rate)).round() as u64);
    warn_of_short_trace(&scenario, samples, rate);
    let mut wav = args.record.as_deref().map(Wav::create).transpose()?;
    let bar = progress(samples * 1_000 / u64::from(rate));
    let mut write = |pcm: &[f32]| {
        if let Some(wav) = &mut wav {
            wav.write(pcm);
        }
    };
    let mut watch = |at: Duration| {
        bar.set_position(at.as_millis() as u64);
        !stop.wanted()
    };
    let simulated = scenario.run(&clip, samples, &mut write, &mut watch);
    bar.finish_and_clear();
    let simulated = simulated.map_err(|error| refused(&scenario, &error))?;
    wav.map_or(Ok(()), Wav::finish)?;
    if let Some(path) = &args.json {
        files::write_json(path, &simulated)?;
    }
    if let Some(path) = &args.html {
        files::write(path, &html(&simulated, args.record.as_deref()))?;
    }
    println!("{}", summary(&simulated));
    Ok(())
}

/// What the command line asks for.
fn scenario(args: &Simulate) -> Result<Scenario, Failure> {
    let packet_time = Duration::from_millis(args.packet_time);
    if args.codec.packet_time(packet_time) != packet_time {
        return Err(Failure::usage(format!("{} has no packets of {} ms", args.codec, args.packet_time)));
    }
    Ok(Scenario {
        codec: args.codec,
        packet_time,
        bitrate: args.bitrate.map(|kbit| bitrate(args.codec, kbit)).transpose()?,
        link: link(args)?,
        playout: playout(args.bounds)?,
        seed: args.seed,
    })
}

fn link(args: &Simulate) -> Result<Impairments, Failure> {
    let trace = args.delay_trace.as_deref().map(read_trace).transpose()?;
    let default = if trace.is_some() { Duration::ZERO } else { DEFAULT_DELAY };
    let mut link = Impairments {
        jitter: args.jitter,
        trace,
        loss: loss(args.loss, args.burst)?,
        ..Impairments::delay(args.delay.unwrap_or(default))
    };
    if let Some(kbit) = args.rate {
        let bits_per_second = (kbit * 1_000.0).round() as u64;
        let queue_bytes = (bits_per_second * args.queue / 8_000).max(LARGEST_PACKET);
        link = link.with_rate(bits_per_second, queue_bytes);
    }
    Ok(link)
}

fn loss(share: Option<f64>, burst: Option<f64>) -> Result<Loss, Failure> {
    let Some(share) = share.filter(|share| *share > 0.0) else { return Ok(Loss::None) };
    let Some(burst) = burst else { return Ok(Loss::Independent(share)) };
    // Between two bursts at least one packet arrives.
    if share > burst / (burst + 1.0) {
        return Err(Failure::usage(format!(
            "a loss of {share} in bursts of {burst} cannot be: between two bursts a packet arrives, so that bursts of \
             {burst} lose {:.3} at most",
            burst / (burst + 1.0)
        )));
    }
    Ok(Loss::Bursts(GilbertElliott::bursts(share, burst)))
}

fn read_trace(path: &Path) -> Result<DelayTrace, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::environment(format!("the delays in {} cannot be read: {error}", path.display()))
    })?;
    DelayTrace::parse(&text).map_err(|error| Failure::environment(format!("{}: {error}", path.display())))
}

/// Bits per second; a codec of one rate has no other.
fn bitrate(codec: CodecId, kbit: f64) -> Result<u32, Failure> {
    let bits = (kbit * 1_000.0).round() as u32;
    let fixed = match codec {
        CodecId::Pcmu | CodecId::Pcma | CodecId::G722 => 64_000,
        CodecId::L16 => 768_000,
        _ => return Ok(bits),
    };
    if bits < fixed {
        return Err(Failure::usage(format!(
            "--bitrate {kbit}: {codec} always takes {} kb/s; use opus",
            fixed / 1_000
        )));
    }
    Ok(bits)
}

fn warn_of_short_trace(scenario: &Scenario, samples: u64, rate: u32) {
    let Some(trace) = &scenario.link.trace else { return };
    let packets = samples as f64 / f64::from(rate) / scenario.packet_time.as_secs_f64();
    // Not for the packet or two that carry the codec's last word.
    if packets > trace.len() as f64 + 2.0 {
        eprintln!(
            "rove: {packets:.0} packets are sent and the trace has {} delays: it begins again",
            trace.len()
        );
    }
}

fn refused(scenario: &Scenario, error: &SimulationError) -> Failure {
    match error {
        SimulationError::Stopped => Failure::call("stopped before the end"),
        _ => Failure::usage(format!("{} cannot be simulated: {error}", scenario.codec)),
    }
}

/// The figures as lines for a person.
fn summary(simulated: &Simulated) -> String {
    let (truth, wait) = (&simulated.truth, &simulated.playout_delay_ms);
    let burst = truth.mean_burst.map_or_else(String::new, |burst| format!(" in bursts of {burst:.1}"));
    let count = |value: Option<u64>| value.map_or_else(|| "–".into(), |value| value.to_string());
    [
        format!(
            "{} s of {} at {}",
            simulated.seconds,
            simulated.codec,
            figure(simulated.bitrate_kbps, " kb/s", 1)
        ),
        format!(
            "  on the way: sent {}, lost {} ({}{burst}), jitter {}, delay {}",
            count(truth.sent),
            count(truth.lost),
            figure(truth.loss_percent, " %", 2),
            figure(truth.jitter_ms, " ms", 1),
            figure(truth.delay_ms, " ms", 1),
        ),
        format!(
            "  played: {} after arrival ({} for 95 of 100), {} invented",
            figure(wait.mean, " ms", 1),
            figure(wait.p95, " ms", 1),
            figure(simulated.concealed_percent, " %", 2),
        ),
        format!(
            "  MOS {}, listening only {} ({}), mouth to ear {}",
            figure(simulated.mos, "", 2),
            figure(simulated.mos_lq, "", 2),
            simulated.mos_band,
            figure(simulated.mouth_to_ear_ms, " ms", 0),
        ),
    ]
    .join("\n")
}

fn html(simulated: &Simulated, recording: Option<&Path>) -> String {
    let mut text = page::head("rove simulate", "A call over a simulated link");
    let both = |what: fn(&rove_phone::simulate::Path) -> Option<f64>, unit: &str, digits| {
        format!(
            "{}, reported {}",
            figure(what(&simulated.truth), unit, digits),
            figure(what(&simulated.reported), unit, digits)
        )
    };
    text.push_str(&page::table(&[
        ("codec", format!("{} at {}", simulated.codec, figure(simulated.bitrate_kbps, " kb/s", 1))),
        ("loss", both(|path| path.loss_percent, " %", 2)),
        ("mean burst", both(|path| path.mean_burst, "", 2)),
        ("jitter", both(|path| path.jitter_ms, " ms", 2)),
        ("delay one way", both(|path| path.delay_ms, " ms", 1)),
        ("waited before playing", figure(simulated.playout_delay_ms.mean, " ms", 1)),
        ("invented", figure(simulated.concealed_percent, " %", 2)),
        ("MOS", format!("{} ({})", figure(simulated.mos, "", 2), simulated.mos_band)),
        ("listening MOS", figure(simulated.mos_lq, "", 2)),
        ("seed", simulated.seed.to_string()),
    ]));
    for (title, least_top, value) in PLOTS {
        let points: Vec<(f64, f64)> =
            simulated.quality.iter().filter_map(|second| Some((second.at_s, value(second)?))).collect();
        text.extend(page::plot(title, *least_top, &points, &[]));
    }
    text.extend(recording.and_then(|path| std::path::absolute(path).ok()).map(|path| page::audio(&path)));
    text.push_str(page::FOOT);
    text
}

/// Title, least top and value of each plot.
type Plot = (&'static str, f64, fn(&Second) -> Option<f64>);

const PLOTS: &[Plot] = &[
    ("MOS", 5.0, |second| second.mos),
    ("mouth to ear, ms", 100.0, |second| second.mouth_to_ear_ms),
    ("waited before playing, ms", 100.0, |second| second.playout_delay_ms),
    ("jitter, ms", 5.0, |second| second.jitter_ms),
    ("loss, %", 5.0, |second| second.loss_percent),
    ("invented so far, %", 5.0, |second| second.concealed_percent),
];

/// Across a country and back to the exchange.
const DEFAULT_DELAY: Duration = Duration::from_millis(40);
/// A queue always has room for one packet, in bytes.
const LARGEST_PACKET: u64 = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_that_cannot_lose_as_much_are_refused() {
        assert!(loss(Some(0.5), Some(1.0)).is_ok());
        let error = loss(Some(0.9), Some(2.0)).unwrap_err().to_string();
        assert!(error.contains("0.667"), "{error}");
        assert_eq!(loss(Some(0.0), Some(2.0)).unwrap(), Loss::None);
        assert_eq!(loss(Some(1.0), None).unwrap(), Loss::Independent(1.0));
    }

    #[test]
    fn a_codec_of_one_rate_is_not_promised_at_another() {
        assert_eq!(bitrate(CodecId::Opus, 34.0).unwrap(), 34_000);
        assert_eq!(bitrate(CodecId::Pcmu, 64.0).unwrap(), 64_000);
        assert!(bitrate(CodecId::Pcma, 34.0).unwrap_err().to_string().contains("64 kb/s"));
    }
}
