//! Both sides of the program on loopback, and SIPp as the other side: what it says in JSON, and how it exits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::time::Duration;

use serde_json::Value;

use crate::world::{Answering, Outcome, free_port, load, sipp};

/// Calls whoever answers at `address` and reads the summary.
fn call(address: &str, more: &[&str]) -> (Outcome, Value) {
    let target = format!("sip:load@{address}");
    let args = ["call", &target, "--listen", "127.0.0.1:0", "--quiet", "--json", "-"];
    let outcome = load(&[&args[..], more].concat());
    let summary = serde_json::from_str(&outcome.said).unwrap_or(Value::Null);
    (outcome, summary)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn calls_with_media_both_ways_are_counted_alike_at_both_ends() {
    let answering = Answering::start(&[]);
    let (outcome, told) = call(&answering.address(), &["--rate", "10", "--for", "2s", "--hold", "3s"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let metrics = &told["metrics"];
    assert_eq!(metrics["calls"]["count"], 20, "{told:#}");
    assert_eq!(metrics["failed"]["count"], 0);
    assert_eq!(metrics["mos"]["count"], 20, "every call was heard: {told:#}");
    assert!(number(&metrics["mos"]["p5"]) > 3.5, "{told:#}");
    assert_eq!(told["causes"]["hung_up"], 20);
    let there = answering.finish();
    assert_eq!(there["metrics"]["calls"]["count"], 20, "{there:#}");
    assert_eq!(there["metrics"]["mos"]["count"], 20, "{there:#}");
    assert_eq!(there["causes"]["peer_hung_up"], 20);
    println!(
        "arrival error p99 {} ms, {} us a call and second here, {} there",
        metrics["arrival_error_ms"]["p99"], told["cpu_us_per_call_second"], there["cpu_us_per_call_second"]
    );
}

#[test]
fn calls_that_share_ports_are_told_apart() {
    let answering = Answering::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("calls.jsonl");
    // By then each end has heard how long the way is, without which there is no score.
    let more = ["--calls", "120", "--rate", "60", "--hold", "4s", "--jsonl", rows.to_str().unwrap()];
    let (outcome, told) = call(&answering.address(), &more);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(told["metrics"]["mos"]["count"], 120, "{told:#}");
    let rows = std::fs::read_to_string(rows).unwrap();
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let [sent, received, lost] = ["sent", "received", "lost"].map(|key| number(&row[key]));
        assert!(received > 180.0 && lost == 0.0 && (sent - received).abs() < 15.0, "{row:#}");
    }
    assert_eq!(answering.finish()["metrics"]["mos"]["count"], 120);
}

#[test]
fn each_codec_and_tcp_carry_calls() {
    for (codec, name) in [("pcma", "PCMA"), ("g722", "G722"), ("opus", "opus")] {
        let answering = Answering::start(&["--codec", codec]);
        let folder = tempfile::tempdir().unwrap();
        let rows = folder.path().join("calls.jsonl");
        let more = [
            "--codec",
            codec,
            "--calls",
            "2",
            "--rate",
            "4",
            "--hold",
            "3s",
            "--transport",
            "tcp",
            "--jsonl",
        ];
        let (outcome, told) = call(&answering.address(), &[&more[..], &[rows.to_str().unwrap()]].concat());
        assert_eq!(outcome.code, 0, "{codec}: {outcome:?}");
        assert_eq!(told["metrics"]["mos"]["count"], 2, "{codec}: {told:#}");
        let rows = std::fs::read_to_string(rows).unwrap();
        let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
        assert_eq!(rows.len(), 2);
        for row in rows {
            assert_eq!(row["codec"], name, "{row:#}");
            assert!(
                row["received"].as_u64().unwrap() > 100 && row["sent"].as_u64().unwrap() > 100,
                "{row:#}"
            );
        }
    }
}

#[test]
fn arrivals_beyond_the_limit_are_dropped_and_counted() {
    let answering = Answering::start(&[]);
    let args = ["--rate", "20", "--for", "1s", "--hold", "3s", "--most", "5"];
    let (outcome, told) = call(&answering.address(), &args);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(told["metrics"]["calls"]["count"], 5, "{told:#}");
    assert_eq!(told["metrics"]["dropped_arrivals"]["count"], 15);
    assert_eq!(told["metrics"]["dropped_arrivals"]["rate"], 0.75);
}

#[test]
fn thresholds_and_failures_have_their_exit_codes() {
    let answering = Answering::start(&[]);
    let short = ["--calls", "2", "--rate", "10", "--hold", "500ms"];
    let with = |more: &[&str]| call(&answering.address(), &[&short[..], more].concat());
    let (outcome, told) = with(&["--threshold", "setup_ms.p99<0.0001"]);
    assert_eq!((outcome.code, &told["thresholds"][0]["ok"]), (1, &Value::Bool(false)), "{outcome:?}");
    let (outcome, _) = with(&["--threshold", "setup_ms.p99<30000", "--threshold", "failed.rate<0.01"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let (outcome, _) = with(&["--threshold", "speed.p99<1"]);
    assert_eq!(outcome.code, 255);
    assert!(outcome.complained.contains("speed is not measured"), "{outcome:?}");
    let nobody = format!("127.0.0.1:{}", free_port());
    let (outcome, told) = call(&nobody, &["--calls", "1", "--ring-for", "1s"]);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert_eq!(told["metrics"]["failed"]["count"], 1, "{told:#}");
    assert_eq!(told["metrics"]["mos"], Value::Null);
    let (outcome, _) = call(&nobody, &["--rate", "0", "--for", "200ms"]);
    assert_eq!(outcome.code, 99, "no call at all");
}

#[test]
fn a_plan_that_this_machine_cannot_run_is_refused_with_its_sum() {
    let (outcome, _) = call("127.0.0.1:9", &["--rate", "100000", "--for", "1h", "--hold", "1h"]);
    assert_eq!(outcome.code, 255);
    for row in ["descriptors:", "UDP ports:", "cores:", "TOO MUCH", "--force"] {
        assert!(outcome.complained.contains(row), "{row}: {}", outcome.complained);
    }
}

#[test]
fn a_page_and_figures_for_prometheus_are_written() {
    let answering = Answering::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let [page, figures] = ["run.html", "run.prom"].map(|name| folder.path().join(name));
    let args =
        ["--calls", "4", "--rate", "4", "--hold", "2s", "--html", page.to_str().unwrap(), "--prometheus"];
    let (outcome, _) = call(&answering.address(), &[&args[..], &[figures.to_str().unwrap()]].concat());
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("<svg") && !page.contains("<script"));
    let figures = std::fs::read_to_string(figures).unwrap();
    assert!(figures.contains("rove_load_calls_total 4\n"), "{figures}");
}

#[test]
fn calls_to_sipp_succeed_and_sipp_counts_them_too() {
    let port = free_port().to_string();
    let Some(mut uas) = sipp(&["-sn", "uas", "-i", "127.0.0.1", "-p", &port, "-m", "50"]) else { return };
    let args = ["--calls", "50", "--rate", "50", "--hold", "500ms", "--no-media"];
    let (outcome, told) = call(&format!("127.0.0.1:{port}"), &args);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(told["metrics"]["answered"]["count"], 50, "{told:#}");
    assert_eq!(uas.wait(Duration::from_secs(20)), Some(0), "SIPp's own count");
}

#[test]
fn scenarios_of_sipp_and_of_ours_are_played_against_sipp_and_each_other() {
    let mut ours = Answering::scenario("uas");
    let address = ours.address();
    let outcome =
        load(&["scenario", "uac", &address, "--calls", "20", "--rate", "50", "--quiet", "--json", "-"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let told: Value = serde_json::from_str(&outcome.said).unwrap();
    assert_eq!(told["metrics"]["setup_ms"]["count"], 20, "{told:#}");
    ours.stop();
    let port = free_port().to_string();
    let Some(mut uas) = sipp(&["-sn", "uas", "-i", "127.0.0.1", "-p", &port, "-m", "20"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("uac.xml");
    std::fs::write(&file, world::sipp_scenario("uac")).unwrap();
    let address = format!("127.0.0.1:{port}");
    let file = file.to_str().unwrap();
    let outcome =
        load(&["scenario", file, &address, "--calls", "20", "--rate", "50", "--quiet", "--json", "-"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(uas.wait(Duration::from_secs(20)), Some(0), "SIPp's own count");
}
