//! Two phones on this machine's loopback: what they agree on about protection, over real sockets and the media thread.

use core::time::Duration;

use rove_phone::{Audio, CallReport, MediaSecurity, Phone, PhoneConfig, PhoneEvent, Progress, SecurityKind};

fn phone(media_security: MediaSecurity) -> Phone {
    let listen = vec![([127, 0, 0, 1], 0).into()];
    Phone::start(PhoneConfig { listen, audio: Audio::Null, media_security, ..PhoneConfig::default() })
        .expect("a phone")
}

/// Alice calls bob and hangs up after a second; what she was told of the protection, and her report.
fn call(alice: MediaSecurity, bob: MediaSecurity) -> (Option<SecurityKind>, CallReport) {
    let (alice, bob) = (phone(alice), phone(bob));
    let target = bob.sip_addresses()[0].to_string();
    let callee = std::thread::spawn(move || {
        loop {
            match bob.next_event(PATIENCE).expect("in time") {
                PhoneEvent::Call { call, progress: Progress::Incoming { .. } } => bob.answer(call),
                PhoneEvent::Ended { report, .. } => return *report,
                _ => {}
            }
        }
    });
    let ours = alice.dial(&target).expect("an address");
    let mut told = None;
    let report = loop {
        match alice.next_event(PATIENCE).expect("the call goes on") {
            PhoneEvent::Call { progress: Progress::Answered { security, .. }, .. } => told = Some(security),
            // The figures of the first whole second: media have flowed.
            PhoneEvent::Quality { .. } => alice.hang_up(ours),
            PhoneEvent::Ended { report, .. } => break *report,
            _ => {}
        }
    };
    let theirs = callee.join().expect("the callee's end");
    assert_eq!(theirs.media_security, report.media_security);
    (told, report)
}

#[test]
fn best_effort_over_udp_is_dtls_and_whoever_does_not_want_it_talks_in_clear() {
    use MediaSecurity::{Never, Optional, Required};
    let cases = [
        (Optional, Optional, SecurityKind::Dtls),
        (Required, Required, SecurityKind::Dtls),
        (Optional, Never, SecurityKind::None),
        (Never, Optional, SecurityKind::None),
    ];
    for (ours, theirs, kind) in cases {
        let (told, report) = call(ours, theirs);
        assert!(report.succeeded(), "{ours:?} {theirs:?}: {report:?}");
        assert_eq!(told, Some(kind), "{ours:?} {theirs:?}");
        assert_eq!(report.media_security.as_deref(), Some(kind.name()));
        assert!(report.received.unwrap() >= 30, "{ours:?} {theirs:?}: {report:?}");
        assert!(report.first_audio_ms.is_some(), "{ours:?} {theirs:?}: {report:?}");
        println!("{ours:?} {theirs:?}: first audio after {:?} ms", report.first_audio_ms);
    }
}

#[test]
fn whoever_demands_it_of_a_phone_without_it_is_told_so() {
    let (told, report) = call(MediaSecurity::Required, MediaSecurity::Never);
    assert_eq!((told, report.cause.as_str()), (None, "media_security"), "{report:?}");
    assert!(report.cause_text.contains("--srtp"), "{}", report.cause_text);
}

const PATIENCE: Duration = Duration::from_secs(30);
