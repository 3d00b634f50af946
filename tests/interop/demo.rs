//! `rove demo`: the main job, from one command.

use std::{fs, path::Path, time::Duration};

use serde_json::Value;

use crate::{
    sound::likeness_within,
    stage::{PATIENCE, rove},
};

/// What Opus makes of speech at 32 kb/s has 0.93 and more by waveform and 0.97 by envelope; the other speech 0.1 and 0.4.
const SAME_WAVEFORM: f64 = 0.85;
const SAME_ENVELOPE: f64 = 0.9;
const MOST_SHIFT: Duration = Duration::from_secs(2);

#[test]
fn the_demo_calls_a_name_and_both_sides_hear_what_the_other_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (json, html) = (path("d.json"), path("d.html"));
    let (code, said, complaints) =
        rove(&["demo", "--seed", "7", "--dir", &path("files"), "--json", &json, "--html", &html]);
    assert_eq!(code, 0, "{said}\n{complaints}");
    let report: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(report["seed"], 7);
    let calls = report["calls"].as_array().unwrap();
    assert_eq!(
        calls.iter().map(|call| call["side"].as_str().unwrap()).collect::<Vec<_>>(),
        ["caller", "callee"]
    );
    for call in calls {
        measured(call);
        let recording = Path::new(call["recordings"][0].as_str().unwrap());
        assert!(recording.is_absolute());
    }
    for (speaker, listener) in [(0, 1), (1, 0)] {
        let said = Path::new(calls[speaker]["played"][0].as_str().unwrap());
        let heard = Path::new(calls[listener]["recordings"][0].as_str().unwrap());
        let (waveform, envelope) = likeness_within(said, heard, MOST_SHIFT);
        println!("heard by {}: waveform {waveform:.3}, envelope {envelope:.3}", calls[listener]["side"]);
        assert!(waveform >= SAME_WAVEFORM && envelope >= SAME_ENVELOPE, "{waveform} {envelope}");
        let (waveform, envelope) =
            likeness_within(Path::new(calls[listener]["played"][0].as_str().unwrap()), heard, MOST_SHIFT);
        println!("against the other speech: waveform {waveform:.3}, envelope {envelope:.3}");
        assert!(
            waveform < SAME_WAVEFORM && envelope < SAME_ENVELOPE,
            "the measure cannot tell: {waveform} {envelope}"
        );
    }
    assert!(calls[0]["resolve_ms"].as_f64().unwrap() > 0.0 && calls[0]["setup_ms"].as_f64().unwrap() > 0.0);
    assert!(calls[0]["first_audio_ms"].as_f64().unwrap() < PATIENCE.as_secs_f64() * 1_000.0);
    assert!(fs::read_to_string(&html).unwrap().contains("<svg"));
}

/// Nothing was lost, and every figure is a measurement.
fn measured(call: &Value) {
    assert_eq!(call["lost"], 0, "{call:#}");
    assert_eq!(call["protocol"], "sip");
    assert_eq!(call["route"], "direct");
    let figure = |key: &str| call[key].as_f64().unwrap_or_else(|| panic!("{key} was not measured: {call:#}"));
    let sent = figure("sent");
    assert!((300.0..=450.0).contains(&sent), "8 s are 400 packets of 20 ms: {sent}");
    assert!(figure("received") > 0.95 * sent && figure("loss_percent") == 0.0);
    assert!(figure("jitter_ms") < 20.0);
    assert!((20.0..400.0).contains(&figure("delay_ms")));
    assert!((3.0..=5.0).contains(&figure("mos")) && figure("mos_lq") >= figure("mos") - 0.01);
    assert!(call["mos_band"].as_str().unwrap().ends_with("band"));
}
