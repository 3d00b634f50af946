//! The roam as one page with a timeline, for a person.

use std::{fmt::Write as _, path::Path};

use serde_json::Value;

use super::super::html;
use crate::{failure::Failure, files, page, report::Report, show::figure};

pub(super) fn write(path: &Path, report: &Report, timeline: &[(f64, String)]) -> Result<(), Failure> {
    let mut text = page::head("rove demo --roam", "A name that follows its terminal");
    text.push_str(&picture(timeline));
    for roam in &report.roams {
        let number = |key: &str, unit: &str| figure(roam[key].as_f64(), unit, 1);
        text.push_str(&page::table(&[
            ("from", roam["from"].as_str().unwrap_or("–").to_owned()),
            ("to", roam["to"].as_str().unwrap_or("–").to_owned()),
            ("the name follows after", number("resolvable_ms", " ms")),
            ("the reverse name after", number("reverse_ms", " ms")),
            ("without a packet", number("audio_gap_ms", " ms")),
            ("packets lost", number("packets_lost", "")),
            ("media packets at the home's router", number("home_router_media_packets", "")),
            ("bytes of them", number("home_router_media_bytes", "")),
            ("addresses are of", roam["family"].as_str().unwrap_or("–").to_owned()),
            ("the terminal has them from", roam["addresses_from"].as_str().unwrap_or("–").to_owned()),
            ("sound is", roam["media_security"].as_str().unwrap_or("–").to_owned()),
        ]));
        text.push_str(&paths(roam));
        text.push_str(&tunnel(&roam["tunnel"]));
    }
    for call in &report.calls {
        let _ = write!(
            text,
            "<section><h2>{} → {}</h2>{}{}</section>",
            page::escape(&call.side),
            page::escape(&call.target),
            page::table(&[("talk", figure(call.seconds, " s", 1)), ("MOS", figure(call.mos, "", 2))]),
            html::plots(call)
        );
    }
    text.push_str(page::FOOT);
    files::write(path, &text)
}

/// Which routers the packets passed, before and after the roam.
fn paths(roam: &Value) -> String {
    let mut text = String::new();
    for (key, title) in [("path_before", "before the roam"), ("path_after", "from the roam on")] {
        let Some(routers) = roam[key].as_array() else { continue };
        let _ = write!(text, "<h2>Sound at the routers, {title}</h2>");
        let cells: Vec<_> = routers
            .iter()
            .map(|router| {
                let (packets, bytes) = (&router["media_packets"], &router["media_bytes"]);
                (router["router"].as_str().unwrap_or("–"), format!("{packets} packets, {bytes} bytes"))
            })
            .collect();
        text.push_str(&page::table(&cells));
    }
    text
}

/// What a tunnel through home would have cost, beside the direct way.
fn tunnel(told: &Value) -> String {
    if told.is_null() {
        return String::new();
    }
    let number = |key: &str, unit: &str| figure(told[key].as_f64(), unit, 3);
    let table = page::table(&[
        ("there and back, straight", number("direct_rtt_ms", " ms")),
        ("through the tunnel", number("tunnel_rtt_ms", " ms")),
        ("added, one way", number("added_ms", " ms")),
        ("packets at the home's router, straight", number("home_router_packets_direct", "")),
        ("through the tunnel, both ways", number("home_router_packets_tunnel", "")),
    ]);
    format!("<h2>To compare: a home address kept by a tunnel</h2>{table}")
}

/// A line of time with what happened on it, one below the other.
fn picture(timeline: &[(f64, String)]) -> String {
    let end = timeline.last().map_or(1.0, |(at, _)| at.max(1.0));
    let height = 30 + timeline.len() * 22;
    let mut svg = format!(
        "<svg style=\"max-width:100%\" viewBox=\"0 0 900 {height}\" font-family=\"sans-serif\" font-size=\"13\">\
         <line x1=\"10\" y1=\"12\" x2=\"310\" y2=\"12\" stroke=\"black\"/>"
    );
    for (row, (at, what)) in timeline.iter().enumerate() {
        let (x, y) = (10.0 + at / end * 300.0, 36 + row * 22);
        let _ = write!(
            svg,
            "<path d=\"M{x:.1} 12 V{y} H330\" fill=\"none\" stroke=\"steelblue\"/>\
             <circle cx=\"{x:.1}\" cy=\"12\" r=\"3\" fill=\"steelblue\"/>\
             <text x=\"335\" y=\"{}\">{at:.2} s: {}</text>",
            y + 4,
            page::escape(what)
        );
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_happened_stands_in_the_picture_in_order() {
        let svg = picture(&[(0.0, "<a>".into()), (2.5, "b".into())]);
        assert!(svg.find("0.00 s: &lt;a&gt;") < svg.find("2.50 s: b"), "{svg}");
    }
}
