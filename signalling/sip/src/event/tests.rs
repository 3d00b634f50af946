//! The documents of the packages, on the standards' own examples.
#![allow(clippy::indexing_slicing, clippy::type_complexity, reason = "a test that panics fails")]

use core::time::Duration;

use super::*;

#[test]
fn a_presence_document_of_rfc_3863_is_read_with_all_ways_to_reach_somebody() {
    let document = br#"<?xml version="1.0" encoding="UTF-8"?>
        <impp:presence xmlns:impp="urn:ietf:params:xml:ns:pidf" entity="pres:someone@example.com">
          <impp:tuple id="sg89ae">
            <impp:status><impp:basic>open</impp:basic></impp:status>
            <impp:contact priority="0.8">tel:+09012345678</impp:contact>
          </impp:tuple>
          <impp:tuple id="x"><impp:status><impp:basic>closed</impp:basic></impp:status>
            <impp:note xml:lang="en">Don&apos;t &#x44;isturb</impp:note></impp:tuple>
        </impp:presence>"#;
    let read = Presence::read(document).unwrap();
    assert_eq!(read.entity, "pres:someone@example.com");
    assert_eq!(read.tuples[0].contact.as_deref(), Some("tel:+09012345678"));
    assert_eq!((read.tuples[0].open, read.tuples[1].open), (Some(true), Some(false)));
    assert_eq!(read.tuples[1].note.as_deref(), Some("Don't Disturb"));
    assert_eq!(read.is_open(), Some(true));
}

#[test]
fn presence_reads_as_it_was_written_whatever_its_texts_are() {
    let written = Presence {
        entity: "sip:a&b\"<c>@example.com".into(),
        tuples: vec![Tuple {
            id: "t1".into(),
            open: Some(false),
            contact: Some("sip:a@192.0.2.1?x=1&y=2".into()),
            note: Some("off > on".into()),
        }],
        note: Some("ü".into()),
    };
    assert_eq!(Presence::read(written.write().as_bytes()), Ok(written));
}

#[test]
fn dialogs_read_as_they_were_written_and_those_of_rfc_4235_are_understood() {
    let written = DialogInfo {
        version: 7,
        full: true,
        entity: "sip:alice@example.com".into(),
        dialogs: vec![DialogEntry {
            id: "as7d900as8".into(),
            call_id: Some("a84b4c76e66710".into()),
            local_tag: Some("1928301774".into()),
            remote_tag: None,
            initiator: Some(true),
            state: DialogState::Early,
            remote: Some("sip:bob@example.com".into()),
        }],
    };
    assert_eq!(DialogInfo::read(written.write().as_bytes()), Ok(written));
    let partial = br#"<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="1" state="partial"
        entity="sip:alice@example.com"><dialog id="1"><state event="rejected" code="486">terminated</state></dialog>
        <dialog id="2"><state>dreaming</state></dialog></dialog-info>"#;
    let read = DialogInfo::read(partial).unwrap();
    assert!(!read.full);
    assert_eq!(read.dialogs.iter().map(|one| one.state).collect::<Vec<_>>(), [DialogState::Terminated]);
}

#[test]
fn documents_that_could_grow_or_are_something_else_are_refused() {
    let deep = "<presence>".repeat(100);
    let cases: [(&str, &[u8]); 7] = [
        ("a document type", b"<!DOCTYPE presence [<!ENTITY a \"b\">]><presence/>"),
        ("an entity of its own", b"<presence><note>&lol;</note></presence>"),
        ("too deep", deep.as_bytes()),
        ("another root", b"<html/>"),
        ("nothing", b""),
        ("unclosed", b"<presence>"),
        ("not UTF-8", b"<presence>\xff</presence>"),
    ];
    for (what, document) in cases {
        assert!(Presence::read(document).is_err(), "{what}");
    }
}

#[test]
fn a_message_summary_of_rfc_3842_is_read() {
    let document = b"Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\n\
        Voice-Message: 2/8 (0/2)\r\n";
    let read = Waiting::read(document).unwrap();
    assert_eq!(read.voice, Some(Count { new: 2, old: 8 }));
    assert!(read.any);
    assert_eq!(Waiting::read(b"Messages-Waiting: no").map(|read| read.any), Some(false));
    assert_eq!(Waiting::read(b"Voice-Message: 2/8"), None);
}

#[test]
fn subscription_state_is_read_with_its_time_and_reason() {
    let seconds = |s| Some(Duration::from_secs(s));
    let ended = |reason, retry_after| Some(State::Terminated { reason, retry_after });
    let cases = [
        ("active;expires=599", Some(State::Active(seconds(599)))),
        ("Pending", Some(State::Pending(None))),
        ("terminated;reason=timeout", ended(Some(Reason::Timeout), None)),
        ("terminated ; reason=probation;retry-after=60", ended(Some(Reason::Probation), seconds(60))),
        ("asleep;expires=1", Some(State::Other("asleep".into()))),
        ("", None),
        ("active;;", None),
    ];
    for (text, expected) in cases {
        assert_eq!(State::parse(text), expected, "{text}");
    }
}

/// The conference of two that a document tells of.
fn conference() -> Conference {
    let user = |name: &str, status: &str| User {
        entity: format!("sip:{name}@example.com"),
        name: Some(name.into()),
        endpoints: vec![Endpoint {
            entity: format!("sip:{name}@192.0.2.7"),
            status: Some(status.into()),
            joined: Some("dialed-in".into()),
        }],
        ..User::default()
    };
    Conference {
        entity: "sip:conf@example.com".into(),
        subject: Some("a < b".into()),
        most_users: Some(8),
        count: Some(2),
        users: vec![user("alice", "connected"), user("bob", "on-hold")],
        ..Conference::default()
    }
}

#[test]
fn a_conference_of_rfc_4575_is_understood_and_reads_as_it_was_written() {
    let written = conference();
    assert_eq!(Conference::read(written.write().as_bytes()), Ok(written));
    let document = br#"<conference-info xmlns="urn:ietf:params:xml:ns:conference-info"
        entity="sips:conf233@example.com" state="full" version="1">
        <conference-description><subject>Agenda: This month's goals</subject></conference-description>
        <conference-state><user-count>33</user-count></conference-state>
        <users><user entity="sip:bob@example.com" state="full"><display-text>Bob Hoskins</display-text>
        <endpoint entity="sip:bob@pc33.example.com"><display-text>Bob's Laptop</display-text>
        <status>disconnected</status><disconnection-method>departed</disconnection-method>
        <joining-method>mixed-in</joining-method></endpoint></user></users></conference-info>"#;
    let read = Conference::read(document).unwrap();
    assert_eq!((read.version, read.part, read.count), (1, Part::Full, Some(33)));
    assert_eq!(read.users[0].endpoints[0].status.as_deref(), Some("disconnected"));
    assert_eq!(read.users[0].name.as_deref(), Some("Bob Hoskins"));
}

#[test]
fn who_follows_the_changes_of_a_conference_knows_what_a_whole_document_says() {
    let first = conference();
    let mut second = first.clone();
    second.users.remove(0);
    second.users[0].endpoints[0].status = Some("connected".into());
    second.users.push(User { entity: "sip:carol@example.com".into(), ..User::default() });
    (second.count, second.version) = (Some(2), 1);
    let told =
        EventState::Conference(second.clone()).document(1, Some(&EventState::Conference(first.clone())));
    let told = Conference::read(&told).unwrap();
    let parts: Vec<(&str, Part)> = told.users.iter().map(|user| (&*user.entity, user.part)).collect();
    assert_eq!(
        parts,
        [
            ("sip:bob@example.com", Part::Full),
            ("sip:carol@example.com", Part::Full),
            ("sip:alice@example.com", Part::Deleted)
        ]
    );
    let mut known = first;
    assert!(known.take(&told) && known.take(&told), "what was told before changes nothing");
    assert_eq!(known, second);
    assert!(!known.take(&Conference { version: 3, ..told }), "one was missed");
    assert_eq!(known, second);
}
