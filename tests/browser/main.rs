//! A browser with JsSIP registers through `roved` over secure WebSocket and calls `rove answer`: Opus, ICE, DTLS-SRTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test did not expect must be loud"
)]

mod page;
mod place;
#[path = "../interop/sound.rs"]
mod sound;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, Instant},
};

use rove_io::device::{WavRecorder, read_mono};
use rove_tests::programs::{Running, peer, program, root};
use serde_json::{Value, json};

use self::{
    page::{Told, script, serve},
    place::Place,
    sound::likeness_within,
};

/// What Opus makes of speech; see the demo's own test. The other speech has 0.1 and 0.4.
const SAME_WAVEFORM: f64 = 0.8;
const SAME_ENVELOPE: f64 = 0.9;

#[test]
fn a_browser_registers_over_secure_websocket_and_both_hear_each_other_through_dtls_srtp() {
    let (Some(chromium), Some(npm), Some(_)) = (peer("chromium"), peer("npm"), peer("ip")) else { return };
    let Some(place) = Place::new() else {
        println!("skipped: no network namespace may be made here");
        return;
    };
    let Some(script) = script(&npm) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (said_here, played_here) = speech(folder.path(), "bob");
    let (said_there, played_there) = speech(folder.path(), "alice");
    let mut roved = server(&place, folder.path());
    let edge = roved.ready(PATIENCE);
    let wss = of_transport(&edge, "wss");
    let heard = folder.path().join("heard.wav");
    let report = folder.path().join("report.json");
    let mut rove = phone(&place, &played_here, &heard, &report);
    let target = rove.ready(PATIENCE)["sip"][0].as_str().unwrap().to_owned();
    let setup = json!({
        "server": format!("wss://{wss}"),
        "uri": "sip:alice@rove.example",
        "password": "wonder",
        "target": format!("sip:bob@{target}"),
        "calls": CALLS.map(|(hang_up, trickle)| json!({ "hangUp": hang_up, "trickle": trickle, "talk": TALK_MS })),
    });
    let listener = place.listen();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let told = serve(listener, &script, &setup);
    let mut browser = place.start(&chromium, flags(folder.path(), &played_there, &url));

    let ears = follow(&told, folder.path(), &mut [&mut browser, &mut roved, &mut rove]);
    let (code, said, complaints) = rove.outcome(PATIENCE);
    assert_eq!(code, 0, "{said}\n{complaints}");
    let calls: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    let calls = calls["calls"].as_array().unwrap().clone();
    assert_eq!(calls.len(), CALLS.len());
    for (number, call) in calls.iter().enumerate() {
        assert_eq!(call["media_security"], "dtls", "{call:#}");
        assert!(call["received"].as_u64().unwrap() > 300, "{call:#}");
        let recording = PathBuf::from(call["recordings"][0].as_str().unwrap());
        same(&format!("call {}, heard by rove", number + 1), &said_there, &recording, &said_here);
        same(&format!("call {}, heard by the browser", number + 1), &said_here, &ears[number], &said_there);
    }
}

/// Whether the browser hangs up, else rove; and whether it says that candidates may follow.
const CALLS: [(bool, bool); 4] = [(true, true), (false, true), (true, false), (false, false)];

/// Reads what the browser says to its end; what it heard in each call, in files.
fn follow(told: &mpsc::Receiver<Told>, folder: &Path, programs: &mut [&mut Running; 3]) -> Vec<PathBuf> {
    let mut ears = Vec::new();
    let deadline = Instant::now() + PATIENCE * 5;
    loop {
        let Ok(told) = told.recv_timeout(deadline.saturating_duration_since(Instant::now())) else {
            panic!("the browser says no more: {}", complaints(programs));
        };
        match told {
            Told::Heard { call, rate, pcm } => {
                assert_eq!(call, ears.len() + 1);
                let file = folder.join(format!("browser-{call}.wav"));
                let mut recorder = WavRecorder::create(&file, rate).unwrap();
                recorder.write(&pcm).and_then(|()| recorder.finish()).unwrap();
                ears.push(file);
            }
            Told::News(news) => match news["what"].as_str().unwrap() {
                "registered" => assert_eq!(news["status"], 200),
                "sdp" => println!("{} of {}:\n{}", news["type"], news["by"], news["sdp"].as_str().unwrap()),
                "call" => connected(&news, CALLS[ears.len() - 1].0),
                "done" => return ears,
                _ => panic!("{}\n{}", news["why"].as_str().unwrap_or_default(), complaints(programs)),
            },
        }
    }
}

/// What the browser measured of a call is what was to be shown.
fn connected(news: &Value, by_browser: bool) {
    let stats = &news["stats"];
    let transport = &stats["transport"];
    println!(
        "call {}: {} {} {}, {} to {}, rtt {}",
        news["number"],
        transport["dtlsState"],
        transport["tlsVersion"],
        transport["srtpCipher"],
        stats["near"]["candidateType"],
        stats["far"]["candidateType"],
        stats["pair"]["currentRoundTripTime"],
    );
    assert_eq!(transport["dtlsState"], "connected", "{stats:#}");
    assert_eq!(transport["iceState"], "connected", "{stats:#}");
    assert!(transport["srtpCipher"].as_str().is_some_and(|cipher| cipher.contains("AES")), "{stats:#}");
    assert_eq!(stats["pair"]["state"], "succeeded", "{stats:#}");
    assert_eq!(stats["pair"]["nominated"], true, "{stats:#}");
    for codec in [&stats["codec"], &stats["codecSent"]] {
        assert_eq!(codec["mimeType"], "audio/opus", "{stats:#}");
    }
    assert!(stats["received"]["packetsReceived"].as_u64().unwrap() > 300, "{stats:#}");
    assert_eq!(stats["received"]["packetsLost"], 0, "{stats:#}");
    assert_eq!(news["by"], if by_browser { "local" } else { "remote" });
}

/// The recording is of `said`, and the measure can tell it from `other`.
fn same(what: &str, said: &Path, heard: &Path, other: &Path) {
    let (waveform, envelope) = likeness_within(said, heard, MOST_SHIFT);
    let (else_waveform, else_envelope) = likeness_within(other, heard, MOST_SHIFT);
    println!(
        "{what}: waveform {waveform:.3}, envelope {envelope:.3}; the other speech {else_waveform:.3}, {else_envelope:.3}"
    );
    assert!(waveform >= SAME_WAVEFORM && envelope >= SAME_ENVELOPE, "{what}: {waveform} {envelope}");
    assert!(else_waveform < SAME_WAVEFORM && else_envelope < SAME_ENVELOPE, "the measure cannot tell");
}

/// Some speech, and the same after a pause in which the call comes to stand: files to compare with, and to play.
fn speech(folder: &Path, who: &str) -> (PathBuf, PathBuf) {
    let mut pcm = read_mono(&root().join(format!("apps/rove/assets/speech-{who}.wav")), RATE).unwrap();
    pcm.truncate(RATE as usize * SPEECH_MS / 1_000);
    let write = |name: &str, pause: usize| {
        let file = folder.join(name);
        let mut recorder = WavRecorder::create(&file, RATE).unwrap();
        recorder.write(&vec![0.0; RATE as usize * pause / 1_000]).unwrap();
        recorder.write(&pcm).and_then(|()| recorder.finish()).unwrap();
        file
    };
    (write(&format!("{who}.wav"), 0), write(&format!("{who}-after-a-pause.wav"), PAUSE_MS))
}

/// `roved` with a registrar that asks for passwords, and a certificate that it signed itself.
fn server(place: &Place, folder: &Path) -> Running {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![Place::ADDRESS.to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.join("certificate.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    let at = format!("[\"{}:0\"]", Place::ADDRESS);
    // JsSIP knows nothing better than MD5.
    let text = format!(
        "[sip]\ndomains = [\"rove.example\"]\nalgorithms = [\"MD5\"]\n\
         user = [{{ name = \"alice\", password = \"wonder\" }}]\n\
         [sip.listen]\nudp = {at}\ntcp = {at}\nwss = {at}\n\
         [sip.tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n"
    );
    let file = folder.join("roved.toml");
    fs::write(&file, text).unwrap();
    place.start(&program("roved"), ["--config", &file.display().to_string(), "--ready-json"])
}

/// `rove answer` for all the calls.
fn phone(place: &Place, play: &Path, record: &Path, report: &Path) -> Running {
    let (listen, calls) = (format!("{}:0", Place::ADDRESS), CALLS.len().to_string());
    let [play, record, report] = [play, record, report].map(|path| path.display().to_string());
    let args = [
        "answer",
        "--listen",
        &listen,
        "--ready-json",
        "--dns-server",
        "127.0.0.1:9",
        "--srtp",
        "required",
        "--codec",
        "opus",
        "--play",
        &play,
        "--record",
        &record,
        "--json",
        &report,
        "--calls",
        &calls,
        "--for",
        HANG_UP_S,
    ];
    place.start(&program("rove"), args)
}

/// A browser without a window, whose microphone hears `says`.
fn flags(folder: &Path, says: &Path, url: &str) -> Vec<String> {
    let mut flags: Vec<String> = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--ignore-certificate-errors",
    ]
    .map(str::to_owned)
    .into();
    flags.push(format!("--user-data-dir={}", folder.join("browser").display()));
    flags.push(format!("--use-file-for-fake-audio-capture={}%noloop", says.display()));
    flags.push(url.to_owned());
    flags
}

/// The address in `ready["sip"]` of the transport with this name.
fn of_transport(ready: &Value, name: &str) -> String {
    let mark = format!("transport={name}");
    let all = ready["sip"].as_array().unwrap_or_else(|| panic!("{ready}"));
    let uri = all.iter().filter_map(Value::as_str).find(|uri| uri.ends_with(&mark));
    let uri = uri.unwrap_or_else(|| panic!("{ready}"));
    uri.trim_start_matches("sips:").trim_start_matches("sip:").split(';').next().unwrap().to_owned()
}

fn complaints(programs: &mut [&mut Running; 3]) -> String {
    programs.iter().map(|program| program.complaints()).collect::<Vec<_>>().join("\n---\n")
}

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const RATE: u32 = 48_000;
const PAUSE_MS: usize = 2_500;
const SPEECH_MS: usize = 5_000;
/// What is heard may begin with a longer pause than what was played.
const MOST_SHIFT: Duration = Duration::from_secs(4);
/// From the browser's first sound on.
const TALK_MS: u64 = 9_000;
/// Later than the browser hangs up.
const HANG_UP_S: &str = "13";
