//! Three phones in one conversation, which `rove answer` mixes.

use crate::stage::{PATIENCE, answer, begin, json};

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
