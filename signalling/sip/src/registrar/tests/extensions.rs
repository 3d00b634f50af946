//! Path, Service-Route, outbound flows, GRUUs.

use rove_base::{StreamId, Transport};

use super::{Desk, contacts, of_bob};
use crate::{
    message::{HeaderName, SipUri, Uri},
    registrar::RegistryStore as _,
    transport::Hop,
};

const INSTANCE: &str = "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\"";

fn stream(number: u64) -> Hop {
    Hop::stream(
        StreamId(number),
        Transport::Wss,
        "192.0.2.1:443".parse().unwrap(),
        "192.0.2.7:50000".parse().unwrap(),
    )
}

#[test]
fn path_is_kept_and_told_and_service_routes_are_told() {
    let mut desk = Desk::new();
    desk.config.service_route = vec!["<sip:out.home.example;lr>".parse().unwrap()];
    let lines =
        "Contact: <sip:bob@192.0.2.7>\nSupported: path\nPath: <sip:p2.example;lr>, <sip:p1.example;lr>";
    let response = desk.register(&of_bob("a", 1, lines));
    let paths: Vec<_> = response.headers.all(&HeaderName::Path).collect();
    assert_eq!(paths, ["<sip:p2.example;lr>", "<sip:p1.example;lr>"]);
    assert_eq!(response.headers.get(&HeaderName::ServiceRoute), Some("<sip:out.home.example;lr>"));
    let kept: Vec<_> = desk.bindings()[0].path.iter().map(ToString::to_string).collect();
    assert_eq!(kept, paths);
}

#[test]
fn a_device_renews_its_flow_whatever_contact_it_has_now() {
    let mut desk = Desk::new();
    desk.hop = stream(1);
    let flow = |contact: &str, id: u32| {
        format!("Supported: outbound, path\nContact: <sip:{contact}>;reg-id={id};{INSTANCE}")
    };
    let first = desk.register(&of_bob("a", 1, &flow("bob@192.0.2.7", 1)));
    assert_eq!(first.headers.get(&HeaderName::Require), Some("outbound"));
    assert_eq!(desk.bindings()[0].flow, Some(stream(1)));
    desk.hop = stream(3);
    desk.register(&of_bob("b", 1, &flow("bob@198.51.100.9", 1)));
    let bindings = desk.bindings();
    assert_eq!((bindings.len(), bindings[0].flow), (1, Some(stream(3))));
    let two = desk.register(&of_bob("b", 2, &flow("bob@198.51.100.9", 2)));
    assert_eq!(contacts(&two).len(), 2, "another flow of the same device");
    assert!(contacts(&two)[0].contains(&format!(";{INSTANCE};reg-id=1")), "{:?}", contacts(&two));
    desk.store.flow_lost(stream(3));
    assert!(desk.bindings().is_empty(), "both went with their stream");
}

#[test]
fn whoever_cannot_be_reached_by_its_contact_is_reached_the_way_it_came() {
    let mut desk = Desk::new();
    desk.register(&of_bob("a", 1, "Contact: <sip:bob@192.0.2.7>"));
    assert_eq!(desk.bindings()[0].flow, None, "it is where it says");
    let nat = of_bob("a", 2, "Contact: <sip:bob@192.0.2.7>").replace("UDP 192.0.2.7", "UDP 10.0.0.1");
    desk.register(&nat);
    assert_eq!(desk.bindings()[0].flow, Some(desk.hop), "behind a translator");
    let over = of_bob("a", 3, "Contact: <sip:bob@192.0.2.7>\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx");
    desk.register(&over);
    assert_eq!(desk.bindings()[0].flow, None, "somebody between knows the way");
}

#[test]
fn a_first_hop_that_keeps_no_flows_is_told_to_clients_that_care() {
    let through = "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx";
    let contact = format!("Contact: <sip:bob@10.0.0.1>;reg-id=1;{INSTANCE}");
    let cases = [
        ("no Path", format!("{through}\nSupported: outbound\n{contact}"), 439, false),
        ("no ob", format!("{through}\nSupported: outbound\nPath: <sip:p.example;lr>\n{contact}"), 439, false),
        ("ob", format!("{through}\nSupported: outbound\nPath: <sip:p.example;lr;ob>\n{contact}"), 200, true),
        ("a client that does not care", format!("{through}\n{contact}"), 200, false),
    ];
    for (what, lines, status, outbound) in cases {
        let mut desk = Desk::new();
        let response = desk.register(&of_bob("a", 1, &lines));
        assert_eq!(response.status.code(), status, "{what}");
        assert_eq!(response.headers.get(&HeaderName::Require).is_some(), outbound, "{what}");
    }
}

#[test]
fn gruus_name_the_device_or_nobody_and_die_with_their_registration() {
    let mut desk = Desk::new();
    let lines = format!("Supported: gruu\nContact: <sip:bob@192.0.2.7>;{INSTANCE}");
    let response = desk.register(&of_bob("a", 1, &lines));
    let told = response.headers.contact().unwrap().unwrap();
    let gruu = |name: &str| match told.params.text(name).unwrap().parse().unwrap() {
        Uri::Sip(uri) => uri,
        other => panic!("{other}"),
    };
    let (public, temporary): (SipUri, SipUri) = (gruu("pub-gruu"), gruu("temp-gruu"));
    assert_eq!(public.to_string(), "sip:bob@home.example;gr=urn:uuid:00000000-0000-1000-8000-000a95a0e128");
    assert!(!temporary.to_string().contains("bob"));
    let again = desk.register(&of_bob("a", 2, &lines));
    let other = again.headers.contact().unwrap().unwrap().params.text("temp-gruu").unwrap().into_owned();
    assert_ne!(other, temporary.to_string(), "two of them cannot be linked");
    let binding = &desk.bindings()[0];
    for uri in [&public, &temporary] {
        let read = desk.gruus.read(uri).unwrap();
        assert_eq!(read.aor.to_string(), "bob@home.example");
        assert!(read.is_for(binding));
    }
    let forged = temporary.to_string().replace("tgruu.0", "tgruu.1").replace("tgruu.f", "tgruu.0");
    if let Uri::Sip(forged) = forged.parse().unwrap()
        && forged != temporary
    {
        assert_eq!(desk.gruus.read(&forged), None);
    }
    desk.register(&of_bob("b", 1, &lines));
    let binding = &desk.bindings()[0];
    assert!(desk.gruus.read(&public).unwrap().is_for(binding));
    assert!(!desk.gruus.read(&temporary).unwrap().is_for(binding), "it died with its Call-ID");
}
