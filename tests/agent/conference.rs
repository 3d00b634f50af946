//! Three phones in one conversation, which `rove answer` mixes.

use crate::{
    stage::{PATIENCE, answer, begin, json},
    tones::{heard, tone},
};

#[test]
fn three_phones_talk_with_each_other_and_who_watches_sees_them_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (mut bob, address) = answer(&format!(
        "--conference --tell everything --identity bob@h.example --json {}",
        path("bob.json").display()
    ));
    let target = format!("sip:bob@{address}");
    let speech = rove_tests::programs::root().join("apps/rove/assets/speech-alice.wav");
    let mut alice = begin(
        "call",
        &target,
        &format!("--identity alice@h.example --codec pcmu --play {} --repeat", speech.display()),
    );
    let (heard, carols) = (path("heard.wav"), path("carol.json"));
    let mut carol = begin(
        "call",
        &target,
        &format!(
            "--identity carol@h.example --codec opus --record {} --for 6 --json {}",
            heard.display(),
            carols.display()
        ),
    );
    let report = path("watch.json");
    let mut watch = loop {
        // There is nothing to watch before there is a conference.
        let mut watch = begin("watch", &target, &format!("--event conference --json {}", report.display()));
        if let Some(line) = watch.next_line(PATIENCE) {
            assert!(line.starts_with("3 in the conference: sip:bob@h.example (connected)"), "{line}");
            break watch;
        }
        assert!(alice.is_alive() && bob.is_alive(), "{}{}", alice.complaints(), bob.complaints());
    };
    assert_eq!(carol.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", carol.complaints());
    assert_eq!(
        watch.wait(PATIENCE).and_then(|status| status.code()),
        Some(0),
        "the conference of two is none"
    );
    let told = json(&report);
    assert_eq!(told["over"], "noresource", "{told:#}");
    assert_eq!(told["states"][0]["part"], "full");
    let samples = rove_io::device::read_mono(&heard, 48_000).unwrap();
    let loud = samples.iter().filter(|sample| sample.abs() > 0.02).count();
    assert!(loud > 2_000, "carol hears alice through bob: {loud} of {}", samples.len());
    alice.interrupt();
    assert_eq!(alice.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", alice.complaints());
    bob.interrupt();
    assert_eq!(bob.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", bob.complaints());
    assert_eq!(json(&path("bob.json"))["conference"]["parties"], 3);
}

#[test]
fn b12_two_more_are_called_and_joined_into_a_running_call_each_hears_the_others_and_one_may_leave() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let voice = |hertz| tone(dir.path(), hertz).display().to_string();
    let party = |name: &str, hertz, seconds| {
        answer(&format!(
            "--identity {name}@h.example --calls 1 --for {seconds} --play {} --repeat --record {}",
            voice(hertz),
            path(&format!("{name}.wav")).display()
        ))
    };
    let (mut bob, at_bob) = party("bob", 800, 60);
    let (mut carol, at_carol) = party("carol", 1_300, 60);
    let (mut dave, at_dave) = party("dave", 1_800, 5);
    let (report, told) = (path("call.json"), path("host.wav"));
    let host = begin(
        "call",
        &format!("sip:bob@{at_bob}"),
        &format!(
            "--join sip:carol@{at_carol} --join sip:dave@{at_dave} --for 10 --codec opus,pcmu --play {} --repeat \
             --record {} --json {}",
            voice(400),
            told.display(),
            report.display()
        ),
    );
    let (code, _, said) = host.outcome(PATIENCE);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("a conference of 3 calls"), "{said}");
    assert!(said.contains("has the floor"), "{said}");
    assert!(said.contains("a conference of 2 calls"), "one left, and the rest goes on: {said}");
    for phone in [&mut bob, &mut carol, &mut dave] {
        assert_eq!(phone.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", phone.complaints());
    }
    let told = json(&report);
    assert_eq!(told["conference"]["parties"], 4, "{told:#}");
    assert_eq!(told["conference"]["joined_ms"].as_array().map(Vec::len), Some(3), "{told:#}");
    let ([host, own, carol, dave], tenths) = heard(&path("bob.wav"), [400, 800, 1_300, 1_800]);
    let all = [host, own, carol, dave];
    assert!(host > 60 && carol > 60, "bob hears host and carol to the end: {all:?} of {tenths}");
    assert!((20..=65).contains(&dave), "and dave while he is there: {all:?} of {tenths}");
    assert!(own < 3, "and not himself: {all:?} of {tenths}");
    let ([host, bob, own], tenths) = heard(&path("carol.wav"), [400, 800, 1_300]);
    assert!(host > 60 && bob > 60 && own < 3, "carol: {host} {bob} {own} of {tenths}");
    let ([bob, carol, own], tenths) = heard(&path("dave.wav"), [800, 1_300, 1_800]);
    assert!(bob > 20 && carol > 20 && own < 3, "dave: {bob} {carol} {own} of {tenths}");
}
