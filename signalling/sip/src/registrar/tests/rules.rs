//! The rules of RFC 3261 §10.3.

use super::{Desk, contacts, of_bob};
use crate::{
    message::{HeaderName, Message},
    registrar::date,
};
use rove_base::UnixTime;

#[test]
fn a_binding_is_made_told_changed_and_removed() {
    let mut desk = Desk::new();
    let none = desk.register(&of_bob("a", 1, ""));
    assert_eq!((none.status.code(), contacts(&none).len()), (200, 0));
    assert_eq!(none.headers.get(&HeaderName::Date), Some("Sat, 13 Nov 2010 00:00:00 GMT"));
    let made = desk.register(&of_bob(
        "a",
        2,
        "Contact: <sip:bob@192.0.2.7>;q=0.7;expires=120\nContact: <sip:bob@192.0.2.8>",
    ));
    assert_eq!(
        contacts(&made),
        ["<sip:bob@192.0.2.7>;q=0.700;expires=120", "<sip:bob@192.0.2.8>;expires=3600"]
    );
    desk.later(60);
    let told = desk.register(&of_bob("a", 3, ""));
    assert_eq!(
        contacts(&told),
        ["<sip:bob@192.0.2.7>;q=0.700;expires=60", "<sip:bob@192.0.2.8>;expires=3540"]
    );
    desk.later(60);
    assert_eq!(desk.bindings().len(), 1, "the first one's time has passed");
    let changed = desk.register(&of_bob("a", 4, "Contact: <sip:bob@192.0.2.8>\nExpires: 600"));
    assert_eq!(contacts(&changed), ["<sip:bob@192.0.2.8>;expires=600"]);
    let removed = desk.register(&of_bob("a", 5, "Contact: <sip:bob@192.0.2.8>;expires=0"));
    assert_eq!((removed.status.code(), contacts(&removed).len()), (200, 0));
    assert!(crate::registrar::RegistryStore::is_empty(&desk.store));
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let star = "Contact: *\nExpires: 0";
    let cases: &[(&str, &str, u16)] = &[
        ("star that stays", "Contact: *\nExpires: 60", 400),
        ("star without an end", "Contact: *", 400),
        ("too short", "Contact: <sip:bob@192.0.2.9>;expires=59", 423),
        (
            "one of two too short",
            "Contact: <sip:bob@192.0.2.9>\nContact: <sip:bob@192.0.2.10>;expires=1",
            423,
        ),
        ("unknown extension", "Require: teleport\nContact: <sip:bob@192.0.2.9>", 420),
        ("too many", "Contact: <sip:a@h>, <sip:b@h>, <sip:c@h>", 403),
        (
            "two flows at once",
            "Contact: <sip:a@h>;reg-id=1;+sip.instance=\"<u>\", <sip:b@h>;reg-id=2;+sip.instance=\"<u>\"",
            400,
        ),
        ("not a number: the usual time", "Contact: <sip:bob@192.0.2.9>;expires=soon", 200),
        ("more than 32 bits: the usual time", "Contact: <sip:bob@192.0.2.9>;expires=4294967296", 200),
        ("everything goes", star, 200),
    ];
    let mut desk = Desk::new();
    assert_eq!(desk.register(&of_bob("a", 1, "Contact: <sip:bob@192.0.2.7>")).status.code(), 200);
    for (number, (what, lines, status)) in (2..).zip(cases) {
        let before = desk.bindings();
        let response = desk.register(&of_bob("b", number, lines));
        assert_eq!(response.status.code(), *status, "{what}");
        match status {
            200 if *lines == star => assert!(desk.bindings().is_empty(), "{what}"),
            200 => assert!(
                contacts(&response).contains(&"<sip:bob@192.0.2.9>;expires=3600".to_owned()),
                "{what}"
            ),
            _ => assert_eq!(desk.bindings(), before, "{what}"),
        }
        match status {
            423 => assert_eq!(response.headers.get(&HeaderName::MinExpires), Some("60")),
            420 => assert_eq!(response.headers.get(&HeaderName::Unsupported), Some("teleport")),
            _ => {}
        }
    }
}

#[test]
fn others_domains_and_other_schemes_have_no_users_here() {
    let mut desk = Desk::new();
    let to = |to: &str| {
        of_bob("a", 1, "Contact: <sip:x@h>").replace("To: <sip:bob@home.example>", &format!("To: {to}"))
    };
    for (to_, status) in [
        ("<sip:bob@elsewhere.example>", 404),
        ("<isbn:2983792873>", 400),
        ("<tel:+123>", 400),
        ("<sip:bob@HOME.example:5070;maddr=1.2.3.4>", 200),
        ("<sips:bob@[2001:db8::10]>", 200),
    ] {
        assert_eq!(desk.register(&to(to_)).status.code(), status, "{to_}");
    }
    assert_eq!(desk.bindings().len(), 1, "port and parameters are not part of an address of record");
}

#[test]
fn requests_out_of_order_change_nothing() {
    let mut desk = Desk::new();
    let contact = "Contact: <sip:bob@192.0.2.7>";
    assert_eq!(desk.register(&of_bob("a", 5, contact)).status.code(), 200);
    let before = desk.bindings();
    for (what, call_id, cseq, lines) in [
        ("the same number for something else", "a", 5, "Contact: <sip:bob@192.0.2.7>;q=0.1"),
        ("the same number to remove it", "a", 5, "Contact: <sip:bob@192.0.2.7>;expires=0"),
        ("an earlier one", "a", 4, "Contact: <sip:bob@192.0.2.7>;expires=0"),
        ("an earlier one beside a new contact", "a", 4, "Contact: <sip:new@192.0.2.9>, <sip:bob@192.0.2.7>"),
        ("an earlier star", "a", 3, "Contact: *\nExpires: 0"),
    ] {
        assert_eq!(desk.register(&of_bob(call_id, cseq, lines)).status.code(), 500, "{what}");
        assert_eq!(desk.bindings(), before, "{what}");
    }
    desk.later(100);
    let again = desk.register(&of_bob("a", 5, contact));
    assert_eq!(again.status.code(), 200, "the very same again, when its transaction is forgotten");
    assert_eq!(desk.bindings(), before, "it renews nothing");
    assert_eq!(desk.register(&of_bob("b", 1, contact)).status.code(), 200, "the client has started anew");
    assert_eq!(desk.register(&of_bob("c", 1, "Contact: *\nExpires: 0")).status.code(), 200);
    assert!(desk.bindings().is_empty());
}

#[test]
fn a_full_store_takes_no_more_but_renews_what_it_has() {
    let mut desk = Desk::new();
    for user in ["a", "b"] {
        let text = of_bob("x", 1, "Contact: <sip:1@h>, <sip:2@h>")
            .replace("sip:bob@home", &format!("sip:{user}@home"));
        assert_eq!(desk.register(&text).status.code(), 200);
    }
    assert_eq!(desk.register(&of_bob("x", 1, "Contact: <sip:1@h>")).status.code(), 200);
    let refused = desk.register(&of_bob("x", 2, "Contact: <sip:2@h>"));
    assert_eq!((refused.status.code(), refused.headers.get(&HeaderName::RetryAfter)), (503, Some("60")));
    assert_eq!(desk.register(&of_bob("x", 3, "Contact: <sip:1@h>")).status.code(), 200);
    desk.later(3_601);
    assert_eq!(desk.register(&of_bob("x", 4, "Contact: <sip:2@h>")).status.code(), 200, "time makes room");
}

/// The classes of RFC 4475 §3.1.1.4, §3.3.12 to §3.3.14, in messages of our own.
#[test]
fn contacts_are_kept_as_they_were_registered() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "bytes of zero",
            "Contact: <sip:%00@h>\nContact: <sip:%00%00@h>",
            &["<sip:%00@h>", "<sip:%00%00@h>"],
        ),
        ("a parameter of the header", "Contact: sip:+1@gw.example;strange", &["<sip:+1@gw.example>;strange"]),
        ("a parameter of the URI", "Contact: <sip:+1@gw.example;strange>", &["<sip:+1@gw.example;strange>"]),
        (
            "a header of the URI",
            "Contact: <sip:bob@h?Route=%3Csip:p.example%3E>",
            &["<sip:bob@h?Route=%3Csip:p.example%3E>"],
        ),
        (
            "push (RFC 8599)",
            "Contact: <sip:bob@h;pn-provider=acme;pn-prid=ZTY4ZDJlMzODE1>",
            &["<sip:bob@h;pn-provider=acme;pn-prid=ZTY4ZDJlMzODE1>"],
        ),
    ];
    for (what, lines, expected) in cases {
        let mut desk = Desk::new();
        let response = desk.register(&of_bob("a", 1, lines));
        let told: Vec<_> = contacts(&response).iter().map(|text| text.replace(";expires=3600", "")).collect();
        assert_eq!(told, *expected, "{what}");
        let mut bytes = Vec::new();
        response.write(&mut bytes);
        assert!(Message::parse(&bytes).is_ok(), "{what}");
    }
}

#[test]
fn escapes_of_an_address_of_record_do_not_count() {
    let mut desk = Desk::new();
    let text = of_bob("a", 1, "Contact: <sip:x@h>").replace("To: <sip:bob@", "To: <sip:%62o%62@");
    assert_eq!(desk.register(&text).status.code(), 200);
    assert_eq!(desk.bindings().len(), 1);
}

#[test]
fn dates_are_those_of_the_calendar() {
    for (secs, expected) in [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_709_210_096, "Thu, 29 Feb 2024 12:34:56 GMT"),
        (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
    ] {
        assert_eq!(date(UnixTime::from_secs(secs)), expected);
    }
}
