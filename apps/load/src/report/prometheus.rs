//! Figures in the text format of Prometheus, version 0.0.4.

use core::fmt::Write as _;
use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{run::Count, stats::Stats, threshold::Figure};

/// All figures. What was not measured is left out.
pub(super) fn text(count: &Count, active: usize) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, kind: &str, value: f64| {
        let _ = writeln!(text, "# TYPE rove_load_{name} {kind}\nrove_load_{name} {value}");
    };
    #[expect(clippy::cast_precision_loss, reason = "calls under way are few")]
    gauge("active", "gauge", active as f64);
    for name in Stats::COUNTED {
        if let Some(value) = count.stats.figure(name, Figure::Count) {
            gauge(&format!("{name}_total"), "counter", value);
        }
    }
    for name in Stats::NAMES.iter().filter(|name| !Stats::COUNTED.contains(name)) {
        let Some(mean) = count.stats.figure(name, Figure::Mean) else { continue };
        let all = count.stats.figure(name, Figure::Count).unwrap_or(0.0);
        let _ = writeln!(text, "# TYPE rove_load_{name} summary");
        for percent in crate::stats::PERCENTILES {
            if let Some(value) = count.stats.percentile(name, *percent) {
                let _ = writeln!(text, "rove_load_{name}{{quantile=\"{}\"}} {value}", percent / 100.0);
            }
        }
        let _ = writeln!(text, "rove_load_{name}_sum {}\nrove_load_{name}_count {all}", mean * all);
    }
    for (cause, times) in count.stats.causes() {
        let _ = writeln!(text, "rove_load_ended_total{{cause=\"{cause}\"}} {times}");
    }
    text
}

/// Answers one request, whatever it asks for.
pub(super) async fn answer(mut stream: TcpStream, text: String) {
    let told = async {
        let mut request = [0; 4_096];
        let mut got = 0;
        while let Some(room) = request.get_mut(got..).filter(|room| !room.is_empty()) {
            got += match stream.read(room).await? {
                0 => break,
                count => count,
            };
            if request.get(..got).is_some_and(|request| request.windows(4).any(|end| end == b"\r\n\r\n")) {
                break;
            }
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            text.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await
    };
    // Whoever is too slow asks again.
    let _ = timeout(PATIENCE, told).await;
}

const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Outcome;

    #[test]
    fn figures_that_were_not_measured_are_left_out() {
        let mut count = Count::default();
        count.add(&Outcome { setup_ms: Some(1.0), cause: "hung_up".into(), ..Outcome::default() });
        let text = text(&count, 3);
        assert!(text.contains("rove_load_active 3\n"));
        assert!(text.contains("rove_load_setup_ms{quantile=\"0.99\"} 1\n"), "{text}");
        assert!(text.contains("rove_load_setup_ms_sum 1\nrove_load_setup_ms_count 1\n"));
        assert!(text.contains("rove_load_ended_total{cause=\"hung_up\"} 1\n"));
        assert!(!text.contains("mos"));
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (_, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
}
