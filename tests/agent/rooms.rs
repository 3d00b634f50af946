//! Rooms of `roved`: who calls them by name hears all others, and writes to them.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rove_phone::{Audio, CallId, CodecId, Phone, PhoneConfig, PhoneEvent, Progress};
use rove_tests::programs::{Running, program};

use crate::{
    stage::PATIENCE,
    tones::{heard, tone},
};

/// `roved` with a registrar, a proxy and the room `team`, and where calls to it go.
fn server(folder: &Path, room: &str) -> (Running, String) {
    let config = folder.join("roved.toml");
    let text = format!(
        "[sip]\ndomains = [\"home.example\"]\nauth = false\n[sip.listen]\nudp = [\"127.0.0.1:0\"]\n\
         [conference]\nlisten = \"127.0.0.1\"\n[[conference.room]]\nname = \"team@home.example\"\n{room}\n"
    );
    std::fs::write(&config, text).unwrap();
    let mut process = Running::start(
        &program("roved"),
        ["--config", config.to_str().unwrap(), "--ready-json", "--log", "info"],
    );
    let ready = process.ready(PATIENCE);
    let proxy = ready["sip"][0].as_str().unwrap().trim_start_matches("sip:").to_owned();
    assert_eq!(ready["rooms"][0]["name"], "team@home.example", "{ready}");
    (process, format!("sip:team@{proxy}"))
}

/// One who calls the room.
struct Caller {
    phone: Phone,
    call: CallId,
    up: bool,
    /// Sound has come for a second, so keys go there as well.
    hears: bool,
    said: Vec<String>,
    over: Option<String>,
    recording: PathBuf,
}

impl Caller {
    fn new(folder: &Path, name: &str, target: &str, play: Option<PathBuf>, codec: CodecId) -> Self {
        let recording = folder.join(format!("{name}.wav"));
        let phone = Phone::start(PhoneConfig {
            identity: format!("sip:{name}@home.example"),
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            dns_servers: vec!["127.0.0.1:9".parse().unwrap()],
            codecs: vec![codec],
            audio: Audio::Files { play, repeat: true, record: Some(recording.clone()) },
            ..PhoneConfig::default()
        })
        .unwrap();
        let call = phone.dial(target).unwrap();
        Self { phone, call, up: false, hears: false, said: Vec::new(), over: None, recording }
    }

    fn look(&mut self, patience: Duration) {
        match self.phone.next_event(patience) {
            Some(PhoneEvent::Call { progress: Progress::Answered { .. }, .. }) => self.up = true,
            Some(PhoneEvent::Quality { .. }) => self.hears = true,
            Some(PhoneEvent::Message { body, .. }) => self.said.push(String::from_utf8(body).unwrap()),
            Some(PhoneEvent::Ended { report, .. }) => self.over = Some(report.cause_text.clone()),
            _ => {}
        }
    }

    /// Looks at what happens until that is so.
    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "{what}: {:?} {:?}", self.said, self.over);
            self.look(Duration::from_millis(100));
        }
    }

    fn is_told(&mut self, part: &str) {
        self.until(part, |caller| caller.said.iter().any(|line| line.contains(part)));
    }

    fn leaves(mut self) -> PathBuf {
        self.phone.hang_up(self.call);
        self.until("the end", |caller| caller.over.is_some());
        self.recording
    }
}

/// Seconds of the processor that a process has used.
fn processor_seconds(process: &Running) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    ticks as f64 / 100.0
}

#[test]
fn b12_all_in_a_room_hear_the_others_in_whatever_codec_and_one_more_than_its_seats_is_busy() {
    let dir = tempfile::tempdir().unwrap();
    let parties = if std::env::var_os("ROVE_PROVE").is_some() { 50 } else { 8 };
    let (server, target) = server(dir.path(), &format!("most = {parties}"));
    let hertz: [u32; 8] = core::array::from_fn(|i| 500 + 300 * i as u32);
    let mut callers: Vec<Caller> = (0..parties)
        .map(|number| {
            let play = hertz.get(number).map(|hertz| tone(dir.path(), *hertz));
            let codec = if number % 2 == 0 { CodecId::Opus } else { CodecId::Pcmu };
            let mut caller = Caller::new(dir.path(), &format!("p{number}"), &target, play, codec);
            caller.until("an answer", |caller| caller.up);
            caller
        })
        .collect();
    let mut late = Caller::new(dir.path(), "late", &target, None, CodecId::Pcmu);
    late.until("a refusal", |caller| caller.over.is_some());
    assert!(late.over.as_ref().is_some_and(|why| why.contains("busy")), "{:?}", late.over);
    callers[0].phone.write(callers[0].call, "hello all");
    callers.iter_mut().skip(1).for_each(|caller| caller.is_told("p0: hello all"));
    let (began, used) = (Instant::now(), processor_seconds(&server));
    while began.elapsed() < Duration::from_secs(5) {
        callers.iter_mut().for_each(|caller| caller.look(Duration::from_millis(5)));
    }
    let load = (processor_seconds(&server) - used) / began.elapsed().as_secs_f64();
    println!("{parties} parties: {:.1} % of a core", 100.0 * load);
    let recordings: Vec<PathBuf> = callers.into_iter().map(Caller::leaves).collect();
    for (own, recording) in recordings.iter().enumerate() {
        let (tones, tenths) = heard(recording, hertz);
        for (other, count) in tones.into_iter().enumerate() {
            if own == other {
                assert!(count < 3, "{own} hears itself: {tones:?} of {tenths}");
            } else {
                // The last five seconds at least, a few tenths of which may have been lost on a busy machine.
                assert!(count > 40, "{own} hears {other}: {tones:?} of {tenths}");
            }
        }
    }
    assert!(load < 1.0, "{parties} parties in real time on less than one core: {load}");
}

#[test]
fn b12_a_pin_opens_the_room_and_a_moderator_mutes_whoever_is_too_loud() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, target) = server(dir.path(), "pin = \"1234\"\nmoderator_pin = \"9999\"");
    let caller = |name: &str, hertz, pin: &str| {
        let mut caller = Caller::new(dir.path(), name, &target, Some(tone(dir.path(), hertz)), CodecId::Pcmu);
        caller.is_told("press the keys");
        caller.until("sound", |caller| caller.hears);
        for key in pin.chars() {
            caller.phone.press(caller.call, key, Duration::from_millis(60));
        }
        caller.is_told(&format!("you are {name}"));
        caller
    };
    let (mut alice, mut bob) = (caller("alice", 700, "9999#"), caller("bob", 1_300, "1234#"));
    bob.phone.write(bob.call, "/mute alice");
    bob.is_told("only a moderator");
    alice.phone.write(alice.call, "/mute bob");
    bob.is_told("nobody hears you");
    let muted = Instant::now();
    while muted.elapsed() < Duration::from_secs(3) {
        alice.look(Duration::from_millis(10));
        bob.look(Duration::from_millis(10));
    }
    let (alice, bob) = (alice.leaves(), bob.leaves());
    let ([own, other], tenths) = heard(&bob, [1_300, 700]);
    assert!(other > 20 && own < 3, "the muted one hears on: {own} {other} of {tenths}");
    let ([_, other], tenths) = heard(&alice, [700, 1_300]);
    assert!(other + 20 < tenths, "and is not heard any more: {other} of {tenths}");
}
