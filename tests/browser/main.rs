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
    let file = |name: &str| folder.path().join(name);
    let mut rove = answer(&place, &played_here, &file("heard.wav"), &file("answered.json"));
    let target = rove.ready(PATIENCE)["sip"][0].as_str().unwrap().to_owned();
    let plan = |call: &Plan| json!({ "called": call.called, "hangUp": call.hangs_up, "trickle": call.trickle, "talk": TALK_MS });
    let setup = json!({
        "server": format!("wss://{}", of_transport(&edge, "wss")),
        "uri": format!("sip:alice@{}", Place::ADDRESS),
        "password": "wonder",
        "target": format!("sip:bob@{target}"),
        "calls": CALLS.iter().map(plan).collect::<Vec<_>>(),
    });
    let listener = place.listen();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let told = serve(listener, &script, &setup);
    let mut browser = place.start(&chromium, flags(folder.path(), &played_there, &url));

    let alice = format!("sip:alice@{}", of_transport(&edge, "udp"));
    let dial = || dial(&place, &alice, &played_here, &file("heard-back.wav"), &file("called.json"));
    let (ears, caller) = follow(&told, folder.path(), dial, &mut [&mut browser, &mut roved, &mut rove]);
    let mut calls = Vec::new();
    for (program, report) in
        [(rove, "answered.json"), (caller.expect("a call to the browser"), "called.json")]
    {
        let (code, said, complaints) = program.outcome(PATIENCE);
        assert_eq!(code, 0, "{said}\n{complaints}");
        let report: Value = serde_json::from_str(&fs::read_to_string(file(report)).unwrap()).unwrap();
        calls.extend(report["calls"].as_array().unwrap().iter().cloned());
    }
    assert_eq!((calls.len(), ears.len()), (CALLS.len(), CALLS.len()));
    for ((number, call), ear) in (1..).zip(&calls).zip(&ears) {
        assert_eq!(call["media_security"], "dtls", "{call:#}");
        assert!(call["received"].as_u64().unwrap() > 300 && call["lost"] == 0, "{call:#}");
        // Only the browser's reports tell it.
        assert!(call["delay_ms"].as_f64().is_some(), "{call:#}");
        let recording = PathBuf::from(call["recordings"][0].as_str().unwrap());
        same(&format!("call {number}, heard by rove"), &said_there, &recording, &said_here);
        same(&format!("call {number}, heard by the browser"), &said_here, ear, &said_there);
    }
}

struct Plan {
    /// Whether the browser is called.
    called: bool,
    /// Whether the browser hangs up, else rove.
    hangs_up: bool,
    /// Whether the browser says that candidates may follow.
    trickle: bool,
}

const CALLS: [Plan; 5] = [
    Plan { called: false, hangs_up: true, trickle: true },
    Plan { called: false, hangs_up: false, trickle: true },
    Plan { called: false, hangs_up: true, trickle: false },
    Plan { called: false, hangs_up: false, trickle: false },
    Plan { called: true, hangs_up: false, trickle: true },
];

/// Reads what the browser says to its end, and calls it when it waits for that: what it heard in each call, in files, and
/// the caller.
fn follow(
    told: &mpsc::Receiver<Told>,
    folder: &Path,
    dial: impl Fn() -> Running,
    programs: &mut [&mut Running; 3],
) -> (Vec<PathBuf>, Option<Running>) {
    let mut ears = Vec::new();
    let mut caller = None;
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
                "sdp" => described(&news),
                "call" => connected(&news, CALLS[ears.len() - 1].hangs_up),
                "waiting" => caller = Some(dial()),
                "done" => return (ears, caller),
                _ => {
                    let caller = caller.iter().map(Running::complaints).collect::<String>();
                    panic!(
                        "{}\n{}\n{caller}",
                        news["why"].as_str().unwrap_or_default(),
                        complaints(programs)
                    );
                }
            },
        }
    }
}

/// What the browser says of itself is as planned.
fn described(news: &Value) {
    let sdp = news["sdp"].as_str().unwrap();
    println!("call {}: {} of {}:\n{sdp}", news["number"], news["type"], news["by"]);
    let plan = &CALLS[usize::try_from(news["number"].as_u64().unwrap()).unwrap() - 1];
    if news["by"] == "local" {
        assert_eq!(sdp.contains("a=ice-options:trickle"), plan.trickle);
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
    assert_eq!(stats["reported"]["packetsLost"], 0, "rove's word of what it received: {stats:#}");
    assert!(
        stats["reports"]["packetsSent"].as_u64().unwrap() > 100,
        "rove's word of what it sent: {stats:#}"
    );
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
        "[sip]\ndomains = [\"{}\"]\nalgorithms = [\"MD5\"]\n\
         user = [{{ name = \"alice\", password = \"wonder\" }}]\n\
         [sip.listen]\nudp = {at}\ntcp = {at}\nwss = {at}\n\
         [sip.tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n",
        Place::ADDRESS
    );
    let file = folder.join("roved.toml");
    fs::write(&file, text).unwrap();
    place.start(&program("roved"), ["--config", &file.display().to_string(), "--ready-json"])
}

/// `rove answer` for the calls from the browser.
fn answer(place: &Place, play: &Path, record: &Path, report: &Path) -> Running {
    let calls = CALLS.iter().filter(|call| !call.called).count().to_string();
    rove(place, &["answer", "--ready-json", "--calls", &calls], [play, record, report])
}

/// `rove call` to the browser.
fn dial(place: &Place, target: &str, play: &Path, record: &Path, report: &Path) -> Running {
    rove(place, &["call", target], [play, record, report])
}

fn rove(place: &Place, first: &[&str], files: [&Path; 3]) -> Running {
    let listen = format!("{}:0", Place::ADDRESS);
    let [play, record, report] = files.map(|path| path.display().to_string());
    let rest = [
        ["--listen", &listen],
        ["--dns-server", "127.0.0.1:9"],
        ["--srtp", "required"],
        ["--codec", "opus"],
        ["--play", &play],
        ["--record", &record],
        ["--json", &report],
        ["--for", HANG_UP_S],
    ];
    place.start(&program("rove"), [first, rest.as_flattened()].concat())
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
