//! The torture messages of RFC 4475 and RFC 5118: each is accepted or refused as the standard recommends.
//!
//! The messages lie beside the repository, in `../shared/vectors`; without them these tests say so and pass.
use std::{fs, net::IpAddr, path::PathBuf, time::Duration};

use rove_base::{CodecId, Direction};
use rove_sdp::{Description, Local, Mismatch, Protection, Wishes, answer};
use rove_sip::message::{HeaderName, Host, Message, ParseError, Request, Uri};
use serde_json::Value;

#[test]
fn every_torture_message_gets_the_verdict_of_its_standard() {
    let Some(vectors) = vectors() else { return };
    let mut wrong = Vec::new();
    for vector in &vectors {
        let parsed = Message::parse(&vector.bytes);
        let verdict = if parsed.is_ok() { "accept" } else { "reject" };
        if vector.verdict != "either" && vector.verdict != verdict {
            wrong.push(format!("{}: {parsed:?}", vector.name));
        }
    }
    assert_eq!(vectors.len(), 61);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn refused_requests_say_which_status_to_answer_and_refused_responses_say_none() {
    let Some(vectors) = vectors() else { return };
    let cases = [
        ("badinv01", Some(400)),
        ("clerr", Some(400)),
        ("ncl", Some(400)),
        ("scalar02", Some(400)),
        ("scalarlg", None),
        ("badvers", Some(505)),
        ("mismatch01", Some(400)),
        ("mismatch02", Some(501)),
        ("bigcode", None),
        ("insuf", Some(400)),
        ("multi01", Some(400)),
        ("mcl01", Some(400)),
        ("ipv6-bad", Some(400)),
        ("quotbal", Some(400)),
        ("ltgtruri", Some(400)),
        ("lwsruri", Some(400)),
        ("lwsstart", Some(400)),
        ("trws", Some(400)),
        ("escruri", Some(400)),
        ("regbadct", Some(400)),
        ("badaspec", Some(400)),
        ("baddn", Some(400)),
    ];
    for (name, status) in cases {
        let refused = parse(&vectors, name).expect_err(name);
        assert_eq!(
            refused.rejection.map(|rejection| rejection.status.code()),
            status,
            "{name}: {}",
            refused.kind
        );
    }
}

#[test]
fn accepted_messages_are_the_same_after_writing_and_reading_again() {
    let Some(vectors) = vectors() else { return };
    for vector in &vectors {
        let Ok(mut first) = Message::parse(&vector.bytes) else { continue };
        let mut written = Vec::new();
        first.write(&mut written);
        if let Message::Request(Request { headers, body, .. }) = &mut first {
            // Writing adds it where it was missing.
            headers.set(HeaderName::ContentLength, body.len().to_string());
        }
        let second = Message::parse(&written).expect(&vector.name);
        match (&first, &second) {
            (Message::Request(a), Message::Request(b)) => {
                assert_eq!((&a.method, &a.uri, &a.body), (&b.method, &b.uri, &b.body), "{}", vector.name);
            }
            (Message::Response(a), Message::Response(b)) => {
                assert_eq!((a.status, &a.reason, &a.body), (b.status, &b.reason, &b.body), "{}", vector.name);
            }
            _ => panic!("{}: a request became a response or the reverse", vector.name),
        }
        assert!(same_headers(&first, &second), "{}", vector.name);
    }
}

#[test]
fn torture_messages_are_understood_not_only_accepted() {
    let Some(vectors) = vectors() else { return };
    let request = |name: &str| match parse(&vectors, name) {
        Ok(Message::Request(request)) => request,
        other => panic!("{name}: {other:?}"),
    };
    let invite = request("wsinv");
    assert_eq!(invite.headers.max_forwards(), Ok(Some(68)));
    assert_eq!(invite.headers.from().unwrap().display.as_deref(), Some("J Rosenberg \\\""));
    let branches: Vec<_> =
        invite.headers.vias().unwrap().iter().map(|via| via.branch().map(String::from)).collect();
    assert_eq!(branches, ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"].map(|branch| Some(branch.to_owned())));
    assert_eq!(
        invite.headers.get(&"newfangledheader".parse().unwrap()),
        Some("newfangled value continued newfangled value")
    );

    let user = |uri: &Uri| uri.as_sip().and_then(|uri| uri.user_bytes());
    assert_eq!(user(&request("semiuri").uri).as_deref(), Some(&b"user;par=u@example.net"[..]));
    let contact = request("esc01").headers.contact().unwrap().unwrap();
    let contact = contact.uri.as_sip().unwrap();
    assert!(contact.is_loose_router());
    assert_eq!(contact.params.get("name"), Some("v%61lue%25%34%31"));
    let contacts = request("escnull").headers.contacts().unwrap();
    let users: Vec<_> = contacts.iter().filter_map(|contact| user(&contact.uri)).collect();
    assert_eq!(users, [vec![0], vec![0, 0]]);
    assert_eq!(request("dblreq").body, b"");

    let contact = |name: &str| request(name).headers.contact().unwrap().unwrap();
    assert!(contact("cparam01").params.has("unknownparam"));
    assert!(contact("cparam02").uri.as_sip().unwrap().params.has("unknownparam"));
    assert!(!contact("cparam02").params.has("unknownparam"));
    let routed = contact("regescrt").uri;
    assert_eq!(routed.as_sip().unwrap().headers().next(), Some(("Route", "%3Csip:sip.example.com%3E")));

    let place = |name: &str| match request(name).uri {
        Uri::Sip(uri) => (uri.host, uri.port),
        other => panic!("{other}"),
    };
    let ipv6 = |text: &str| Host::Ipv6(text.parse().unwrap());
    assert_eq!(place("port-ambiguous"), (ipv6("2001:db8::10:5070"), None));
    assert_eq!(place("port-unambiguous"), (ipv6("2001:db8::10"), Some(5070)));
    assert_eq!(place("ipv6-bug-abnf-3-colons"), place("ipv6-correct-abnf-2-colons"));
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        let received = request(name).headers.via().unwrap().received();
        assert_eq!(received, Some("2001:db8::9:255".parse().unwrap()), "{name}");
    }
}

#[test]
fn every_description_in_them_is_read_with_the_address_of_each_medium() {
    let Some(vectors) = vectors() else { return };
    let cases = [
        ("wsinv", ["192.0.2.4", "192.0.2.4"]),
        ("ipv6-in-sdp", ["2001:db8::20", "2001:db8::20"]),
        ("mult-ip-in-sdp", ["192.0.2.1", "2001:db8::1"]),
        ("ipv4-mapped-ipv6", ["::ffff:192.0.2.2", "::ffff:192.0.2.2"]),
    ];
    for (name, addresses) in cases {
        let Ok(Message::Request(request)) = parse(&vectors, name) else { panic!("{name}") };
        let read = Description::parse(&request.body).expect(name);
        let found: Vec<_> = read.media.iter().filter_map(|media| read.address(media)).collect();
        assert_eq!(found, addresses.map(|address| address.parse::<IpAddr>().unwrap()), "{name}");
    }
}

#[test]
fn what_they_offer_is_answered_medium_by_medium_or_refused_with_the_reason() {
    let Some(vectors) = vectors() else { return };
    let at = |text: &str| text.parse().expect(text);
    let local = |address: &str| Local {
        address: at(address),
        rtcp: at(address),
        codecs: vec![CodecId::Pcmu],
        packet_time: Duration::from_millis(20),
        session_id: 1,
        direction: Direction::SendRecv,
        wishes: Wishes::default(),
        protection: Protection::default(),
        ice: None,
    };
    let (v4, v6) = (local("192.0.2.7:4000"), local("[2001:db8::7]:4000"));
    let cases = [
        ("wsinv", &v4, Ok("192.0.2.4:49217")),
        ("mult-ip-in-sdp", &v4, Ok("192.0.2.1:22334")),
        ("mult-ip-in-sdp", &v6, Err(Mismatch::AddressFamily)),
        ("ipv6-in-sdp", &v6, Err(Mismatch::NoCommonCodec)),
        ("ipv4-mapped-ipv6", &v4, Err(Mismatch::NoCommonCodec)),
    ];
    for (name, local, expected) in cases {
        let Ok(Message::Request(request)) = parse(&vectors, name) else { panic!("{name}") };
        let offer = Description::parse(&request.body).expect(name);
        let met = answer(&offer, local).map(|(answer, agreed)| {
            let ports: Vec<_> = answer.media.iter().map(|media| media.port).collect();
            assert_eq!(ports, [4_000, 0], "{name}");
            agreed.remote_rtp
        });
        assert_eq!(met, expected.map(at), "{name}");
    }
}

/// One message and what is to be made of it.
struct Vector {
    name: String,
    verdict: String,
    bytes: Vec<u8>,
}

fn parse(vectors: &[Vector], name: &str) -> Result<Message, ParseError> {
    let vector = vectors.iter().find(|vector| vector.name == name).expect(name);
    Message::parse(&vector.bytes)
}

fn same_headers(a: &Message, b: &Message) -> bool {
    let others = |message: &Message| -> Vec<(HeaderName, String)> {
        let kept = message.headers().iter().filter(|(name, _)| **name != HeaderName::ContentLength);
        kept.map(|(name, value)| (name.clone(), value.to_owned())).collect()
    };
    others(a) == others(b)
}

fn vectors() -> Option<Vec<Vector>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/sip");
    let Ok(manifest) = fs::read(folder.join("manifest.json")) else {
        println!("skipped: ../shared/vectors is absent");
        return None;
    };
    let manifest: Value = serde_json::from_slice(&manifest).expect("the manifest is JSON");
    let text = |entry: &Value, key: &str| entry[key].as_str().expect(key).to_owned();
    let vector = |entry: &Value| Vector {
        name: text(entry, "name"),
        verdict: text(entry, "parser"),
        bytes: fs::read(folder.join(text(entry, "file"))).expect("the manifest names files that are there"),
    };
    Some(manifest.as_array().expect("the manifest is a list").iter().map(vector).collect())
}
