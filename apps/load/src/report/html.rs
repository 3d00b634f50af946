//! The page of a run: one file with its plots inside, that needs no other and no network.

use core::fmt::Write as _;

use plotters::prelude::*;

use super::summary::Summary;
use crate::{run::series::Second, stats::Stats};

/// The whole page.
pub(super) fn page(summary: &Summary<'_>) -> String {
    let title = escape(&format!("rove-load {} {}", summary.what, summary.target));
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>\
         body{{font:16px system-ui,sans-serif;margin:2em;max-width:64em}}th,td{{text-align:right;padding:0 1em 0 0}}\
         th:first-child{{text-align:left}}svg{{max-width:31em}}.bad{{color:#b00020}}</style></head><body><h1>{title}</h1>\n"
    );
    if let Some(why) = summary.own_limit() {
        let _ = writeln!(
            page,
            "<p class=\"bad\">The generator itself was the limit of this run: {}.</p>",
            escape(&why)
        );
    }
    let stats = &summary.count.stats;
    page.push_str("<table>");
    for name in Stats::COUNTED {
        let _ = write!(page, "<tr><th>{name}</th><td>{}</td></tr>", stats.counted(name));
    }
    for (cause, times) in stats.causes() {
        let _ = write!(page, "<tr><th>ended: {}</th><td>{times}</td></tr>", escape(cause));
    }
    page.push_str("</table>\n");
    page.push_str(&verdicts(summary));
    page.push_str(&percentiles(stats));
    for (title, value) in PLOTS {
        let points: Vec<(f64, f64)> = summary
            .count
            .series
            .seconds
            .iter()
            .filter_map(|second| Some((second.at_s, value(second)?)))
            .collect();
        page.push_str(&plot(title, &points).unwrap_or_default());
    }
    page.push_str("</body></html>\n");
    page
}

fn verdicts(summary: &Summary<'_>) -> String {
    let mut list = String::from("<ul>");
    for verdict in summary.verdicts() {
        let class = if verdict.ok { "" } else { " class=\"bad\"" };
        let _ = write!(list, "<li{class}>{}</li>", escape(&verdict.to_string()));
    }
    list + "</ul>\n"
}

fn percentiles(stats: &Stats) -> String {
    let mut table = String::from("<table><tr><th></th>");
    for percent in crate::stats::PERCENTILES {
        let _ = write!(table, "<th>p{percent}</th>");
    }
    table.push_str("</tr>");
    for name in Stats::NAMES.iter().filter(|name| !Stats::COUNTED.contains(name)) {
        if stats.percentile(name, 50.0).is_none() {
            continue;
        }
        let _ = write!(table, "<tr><th>{name}</th>");
        for value in crate::stats::PERCENTILES.iter().filter_map(|percent| stats.percentile(name, *percent)) {
            let _ = write!(table, "<td>{value:.3}</td>");
        }
        table.push_str("</tr>");
    }
    table + "</table>\n"
}

/// A curve through points of seconds and values, as SVG; `None` when there are none.
fn plot(title: &str, points: &[(f64, f64)]) -> Option<String> {
    let end = points.last()?.0.max(1.0);
    let top = points.iter().map(|point| point.1).fold(1.0, f64::max) * 1.05;
    let mut svg = String::new();
    let drawn = (|| -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let area = SVGBackend::with_string(&mut svg, (460, 200)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 14).into_font())
            .margin(8)
            .x_label_area_size(24)
            .y_label_area_size(48)
            .build_cartesian_2d(0.0..end, 0.0..top)?;
        chart.configure_mesh().x_labels(6).y_labels(5).light_line_style(WHITE).draw()?;
        chart.draw_series(LineSeries::new(points.iter().copied(), BLUE.stroke_width(2)))?;
        area.present()
    })();
    drawn.is_ok().then_some(svg)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

type Take = fn(&Second) -> Option<f64>;

#[expect(clippy::cast_precision_loss, reason = "calls of a second are few")]
const PLOTS: &[(&str, Take)] = &[
    ("calls begun a second", |second| Some(second.begun as f64)),
    ("calls under way", |second| Some(second.active as f64)),
    ("set-up, p50 of each second, ms", |second| second.setup_p50_ms),
    ("set-up, p99 of each second, ms", |second| second.setup_p99_ms),
    ("failed a second", |second| Some(second.failed as f64)),
    ("arrivals dropped a second", |second| Some(second.dropped as f64)),
    ("least MOS of the calls that ended", |second| second.least_mos),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{run::Count, stats::Outcome};

    #[test]
    fn a_page_has_its_plots_inside_and_nothing_from_elsewhere() {
        let mut count = Count::default();
        for at in 1..=3 {
            count.add(&Outcome {
                setup_ms: Some(5.0),
                mos: Some(4.3),
                cause: "<b>".into(),
                ..Outcome::default()
            });
            count.series.answered(5.0);
            count.series.close(f64::from(at), 1);
        }
        let thresholds = ["setup_ms.p99<2".parse().unwrap()];
        let late_bound = std::time::Duration::from_millis(10);
        let summary = Summary {
            count: &count,
            what: "call",
            target: "sip:<bob>",
            seed: 1,
            thresholds: &thresholds,
            late_bound,
        };
        let page = page(&summary);
        assert!(page.matches("<svg").count() >= 6, "{page}");
        assert!(page.contains("sip:&lt;bob&gt;") && page.contains("ended: &lt;b&gt;"));
        assert!(page.contains("<li class=\"bad\">missed: setup_ms.p99&lt;2 (it was 5"), "{page}");
        for outside in ["<script", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
