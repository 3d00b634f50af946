//! The report as one page with plots, for a person.

use std::path::Path;

use rove_phone::{CallReport, QualitySample};

use crate::{failure::Failure, page, report::Report, show::figure};

/// Writes the page; it needs no other file and no network.
pub(super) fn write(path: &Path, report: &Report) -> Result<(), Failure> {
    let mut text = page::head("rove demo", "A call by name");
    for call in &report.calls {
        text.push_str(&section(call));
    }
    text.push_str(page::FOOT);
    std::fs::write(path, text).map_err(|error| {
        Failure::environment(format!("the page {} cannot be written: {error}", path.display()))
    })
}

fn section(call: &CallReport) -> String {
    let table = page::table(&[
        ("resolve", figure(call.resolve_ms, " ms", 1)),
        ("set-up", figure(call.setup_ms, " ms", 1)),
        ("first audio", figure(call.first_audio_ms, " ms", 0)),
        ("talk", figure(call.seconds, " s", 1)),
        ("codec", call.codec.clone().unwrap_or_else(|| "–".into())),
        ("loss", figure(call.loss_percent, " %", 2)),
        ("jitter", figure(call.jitter_ms, " ms", 2)),
        ("delay", figure(call.delay_ms, " ms", 0)),
        ("MOS", figure(call.mos, "", 2)),
        ("band", call.mos_band.clone().unwrap_or_else(|| "–".into())),
    ]);
    let audio: String = call.recordings.iter().map(|path| page::audio(path)).collect();
    let plots = plots(call);
    format!(
        "<section><h2>{} → {}</h2><p>{}</p>{table}{plots}{audio}</section>\n",
        page::escape(&call.side),
        page::escape(&call.target),
        page::escape(&call.cause_text)
    )
}

/// One curve over the seconds of a call.
struct Plot {
    title: &'static str,
    value: fn(&QualitySample) -> Option<f64>,
    least_top: f64,
}

const PLOTS: &[Plot] = &[
    Plot { title: "MOS", value: |s| s.mos, least_top: 5.0 },
    Plot { title: "mouth to ear, ms", value: |s| s.delay_ms, least_top: 100.0 },
    Plot { title: "jitter, ms", value: |s| s.jitter_ms, least_top: 5.0 },
    Plot { title: "loss, %", value: |s| s.loss_percent, least_top: 5.0 },
];

/// How a call was, second by second, with its moves to other routes marked, and told below.
pub(super) fn plots(call: &CallReport) -> String {
    let marks: Vec<f64> = call.reroutes.iter().map(|moved| moved.at_s).collect();
    let mut text: String = PLOTS.iter().filter_map(|plot| plot.draw(&call.quality, &marks)).collect();
    for moved in &call.reroutes {
        let kind = |kind: &Option<String>| kind.clone().unwrap_or_else(|| "another way".into());
        let told = format!(
            "{:.1} s: {} left for {} because of {}; {} without a packet, {} lost; MOS {} before, {} after",
            moved.at_s,
            kind(&moved.from),
            kind(&moved.to),
            moved.cause,
            figure(moved.gap_ms, " ms", 0),
            moved.packets_lost.map_or_else(|| "–".into(), |lost| lost.to_string()),
            figure(moved.mos_before, "", 2),
            figure(moved.mos_after, "", 2),
        );
        text.push_str(&format!("<p style=\"color:#a00\">{}</p>", page::escape(&told)));
    }
    text
}

impl Plot {
    fn draw(&self, samples: &[QualitySample], marks: &[f64]) -> Option<String> {
        let points: Vec<(f64, f64)> =
            samples.iter().filter_map(|s| Some((s.at_s, (self.value)(s)?))).collect();
        page::plot(self.title, self.least_top, &points, marks)
    }
}
