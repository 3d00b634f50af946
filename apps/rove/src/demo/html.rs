//! The report as one page with plots, for a person.

use std::path::Path;

use plotters::prelude::*;
use rove_phone::{CallReport, QualitySample};

use crate::{failure::Failure, report::Report, show::figure};

/// Writes the page; it needs no other file and no network.
pub(super) fn write(path: &Path, report: &Report) -> Result<(), Failure> {
    let mut page = String::from(HEAD);
    for call in &report.calls {
        page.push_str(&section(call));
    }
    page.push_str("</body></html>\n");
    std::fs::write(path, page).map_err(|error| {
        Failure::environment(format!("the page {} cannot be written: {error}", path.display()))
    })
}

fn section(call: &CallReport) -> String {
    let cells = [
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
    ];
    let row = |(name, value): &(&str, String)| format!("<tr><th>{name}</th><td>{}</td></tr>", escape(value));
    let table: String = cells.iter().map(row).collect();
    let audio: String = call
        .recordings
        .iter()
        .map(|path| {
            format!(
                "<p>heard: <audio controls src=\"file://{0}\"></audio> {0}</p>",
                escape(&path.display().to_string())
            )
        })
        .collect();
    let plots: String = PLOTS.iter().filter_map(|plot| plot.draw(&call.quality)).collect();
    format!(
        "<section><h2>{} → {}</h2><p>{}</p><table>{table}</table>{plots}{audio}</section>\n",
        escape(&call.side),
        escape(&call.target),
        escape(&call.cause_text)
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

impl Plot {
    /// The curve as SVG; `None` when nothing was measured.
    fn draw(&self, samples: &[QualitySample]) -> Option<String> {
        let points: Vec<(f64, f64)> =
            samples.iter().filter_map(|s| Some((s.at_s, (self.value)(s)?))).collect();
        let end = points.last()?.0.max(1.0);
        let top = points.iter().map(|p| p.1).fold(self.least_top, f64::max) * 1.05;
        let mut svg = String::new();
        let drawn = (|| -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
            let area = SVGBackend::with_string(&mut svg, (460, 200)).into_drawing_area();
            let style = ("sans-serif", 14).into_font();
            let mut chart = ChartBuilder::on(&area)
                .caption(self.title, style)
                .margin(8)
                .x_label_area_size(24)
                .y_label_area_size(36)
                .build_cartesian_2d(0.0..end, 0.0..top)?;
            chart.configure_mesh().x_labels(6).y_labels(5).light_line_style(WHITE).draw()?;
            chart.draw_series(LineSeries::new(points.iter().copied(), BLUE.stroke_width(2)))?;
            chart.draw_series(points.iter().map(|&point| Circle::new(point, 2, BLUE.filled())))?;
            area.present()
        })();
        drawn.is_ok().then_some(svg)
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>rove demo</title><style>\
body{font:16px system-ui,sans-serif;margin:2em;max-width:64em}th{text-align:left;padding-right:1em}\
svg{max-width:31em}section{margin-bottom:3em}</style></head><body><h1>A call by name</h1>\n";
