//! Calls whose media are protected: over TLS with keys in the signalling, and what is agreed is told.

use core::time::Duration;

use rove_phone::{MediaSecurity, Progress, SecurityKind, virtual_time::VirtualConfig};
use rove_phone::{PhoneEvent, virtual_time::Voice};
use rove_tests::{Impairments, Loss, Owner};

use crate::scene::{Scene, phone};

const OVER_UDP: &str = "192.0.2.3";
const OVER_TLS: &str = "sip:192.0.2.3;transport=tls";

fn wanting(host: u8, media_security: MediaSecurity) -> VirtualConfig {
    VirtualConfig { media_security, ..phone(host) }
}

/// What both phones were told about the protection of their call.
fn told(scene: &Scene) -> Vec<SecurityKind> {
    let phones = [scene.alice, scene.bob];
    let events = phones.iter().flat_map(|phone| &scene.world.get(*phone).events);
    let answered = events.filter_map(|(_, event)| match event {
        PhoneEvent::Call { progress: Progress::Answered { security, .. }, .. } => Some(*security),
        _ => None,
    });
    answered.collect()
}

#[test]
fn two_phones_over_tls_hear_each_other_through_srtp() {
    for (target, kind) in [(OVER_TLS, SecurityKind::Sdes), (OVER_UDP, SecurityKind::None)] {
        let mut scene = Scene::new(3, phone(2), phone(3), Owner::Answers);
        let lossy = Impairments::delay(Duration::from_millis(20)).with_loss(Loss::Independent(0.02));
        scene.world.set_default_link(lossy);
        let report = scene.call(target, Duration::from_secs(5));
        assert!(report.succeeded(), "{report:?}");
        assert_eq!(told(&scene), [kind, kind], "{target}");
        assert_eq!(report.media_security.as_deref(), Some(kind.name()), "{target}");
        // Whoever has another key hears nothing: of 250 packets a way that loses 2 % brings all but a few.
        assert!(report.received.unwrap() > 230, "{report:?}");
        assert!(report.mos.unwrap() > 3.5, "{report:?}");
        for phone in [scene.alice, scene.bob] {
            let heard = scene.world.get(phone).phone.heard(rove_phone::CallId(1));
            let loud = heard.iter().filter(|sample| sample.abs() > 0.2).count();
            assert!(loud * 3 > heard.len(), "{target}: {loud} of {} samples are loud", heard.len());
        }
    }
}

#[test]
fn whoever_demands_protection_has_no_call_without_it() {
    use MediaSecurity::{Never, Optional, Required};
    let cases = [
        ("over UDP there are no keys", Required, Optional, OVER_UDP, "media_security"),
        ("the callee demands it over UDP", Optional, Required, OVER_UDP, "media_security"),
        ("the callee does not have it", Required, Never, OVER_TLS, "media_security"),
        ("both want it over TLS", Required, Required, OVER_TLS, "hung_up"),
        ("nobody wants it", Never, Never, OVER_TLS, "hung_up"),
    ];
    for (what, ours, theirs, target, cause) in cases {
        let mut scene = Scene::new(4, wanting(2, ours), wanting(3, theirs), Owner::Answers);
        let report = scene.call(target, Duration::from_secs(1));
        assert_eq!(report.cause, cause, "{what}: {report:?}");
        let protected = report.media_security.as_deref() == Some("sdes");
        assert_eq!(protected, ours == Required && cause == "hung_up", "{what}");
    }
}

#[test]
fn keys_are_found_nowhere_but_in_the_stream_that_protects_them() {
    let silent = |host| VirtualConfig { voice: Voice::Silence, ..wanting(host, MediaSecurity::Required) };
    let mut scene = Scene::new(5, silent(2), silent(3), Owner::Answers);
    let report = scene.call(OVER_TLS, Duration::from_secs(1));
    assert!(report.succeeded(), "{report:?}");
    let trace = scene.world.trace().lines();
    assert!(trace.iter().all(|line| !line.contains("inline:")), "{trace:#?}");
    assert!(!format!("{report:?}").contains("inline:"));
}
