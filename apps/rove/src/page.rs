//! Pages with plots, for a person: each is one file that needs no other and no network.

use plotters::prelude::*;

/// The beginning of a page.
pub(crate) fn head(title: &str, heading: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title><style>\
         body{{font:16px system-ui,sans-serif;margin:2em;max-width:64em}}th{{text-align:left;padding-right:1em}}\
         svg{{max-width:31em}}section{{margin-bottom:3em}}</style></head><body><h1>{}</h1>\n",
        escape(title),
        escape(heading)
    )
}

/// The end of a page.
pub(crate) const FOOT: &str = "</body></html>\n";

/// Names and values, one pair a row.
pub(crate) fn table(cells: &[(&str, String)]) -> String {
    let row = |(name, value): &(&str, String)| {
        format!("<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value))
    };
    format!("<table>{}</table>", cells.iter().map(row).collect::<String>())
}

/// A sound to be heard from its file.
pub(crate) fn audio(path: &std::path::Path) -> String {
    let path = escape(&path.display().to_string());
    format!("<p>heard: <audio controls src=\"file://{path}\"></audio> {path}</p>")
}

/// A curve through points of seconds and values, as SVG; `None` when there are none. `least_top` is the least its scale
/// reaches to; `marks` are seconds at which something happened, drawn as upright lines.
pub(crate) fn plot(title: &str, least_top: f64, points: &[(f64, f64)], marks: &[f64]) -> Option<String> {
    let end = points.last()?.0.max(1.0);
    let top = points.iter().map(|p| p.1).fold(least_top, f64::max) * 1.05;
    let mut svg = String::new();
    let drawn = (|| -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let area = SVGBackend::with_string(&mut svg, (460, 200)).into_drawing_area();
        let style = ("sans-serif", 14).into_font();
        let mut chart = ChartBuilder::on(&area)
            .caption(title, style)
            .margin(8)
            .x_label_area_size(24)
            .y_label_area_size(36)
            .build_cartesian_2d(0.0..end, 0.0..top)?;
        chart.configure_mesh().x_labels(6).y_labels(5).light_line_style(WHITE).draw()?;
        chart.draw_series(LineSeries::new(points.iter().copied(), BLUE.stroke_width(2)))?;
        let mark = |at: &f64| PathElement::new(vec![(*at, 0.0), (*at, top)], RED.stroke_width(1));
        chart.draw_series(marks.iter().map(mark))?;
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 2, BLUE.filled())))?;
        area.present()
    })();
    drawn.is_ok().then_some(svg)
}

/// Text as HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_page_cannot_be_taken_for_its_markup() {
        assert_eq!(escape("<b> & \"x\""), "&lt;b&gt; &amp; &quot;x&quot;");
        assert!(table(&[("<i>", "&".into())]).contains("<th>&lt;i&gt;</th><td>&amp;</td>"));
    }

    #[test]
    fn nothing_measured_is_no_plot() {
        assert!(plot("MOS", 5.0, &[], &[1.0]).is_none());
        let points = [(0.0, 4.0), (1.0, 4.2)];
        let plain = plot("MOS", 5.0, &points, &[]).unwrap();
        let marked = plot("MOS", 5.0, &points, &[0.5]).unwrap();
        assert!(plain.starts_with("<svg") && marked.contains("#FF0000") && !plain.contains("#FF0000"));
    }
}
