use super::*;

const ALL: [Transport; 5] = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

fn uri(text: &str) -> SipUri {
    match text.parse().unwrap() {
        Uri::Sip(uri) => uri,
        other => panic!("{other}"),
    }
}

#[test]
fn a_uri_says_in_what_it_is_reached() {
    let cases = [
        ("sip:b@192.0.2.1", None),
        ("sip:b@192.0.2.1;transport=udp", Some(Transport::Udp)),
        ("sip:b@192.0.2.1;transport=TCP", Some(Transport::Tcp)),
        ("sip:b@192.0.2.1;transport=tls", Some(Transport::Tls)),
        ("sip:b@192.0.2.1;transport=ws", Some(Transport::Ws)),
        ("sip:b@192.0.2.1;transport=wss", Some(Transport::Wss)),
        ("sips:b@192.0.2.1", Some(Transport::Tls)),
        ("sips:b@192.0.2.1;transport=tcp", Some(Transport::Tls)),
        ("sips:b@192.0.2.1;transport=ws", Some(Transport::Wss)),
        ("sips:b@192.0.2.1;transport=udp", None),
        ("sip:b@192.0.2.1;transport=sctp", None),
    ];
    for (text, transport) in cases {
        assert_eq!(uri(text).transport(), transport, "{text}");
    }
}

#[test]
fn what_is_said_of_a_transport_is_understood_again() {
    for transport in ALL {
        let said = uri("sip:b@192.0.2.1;transport=sctp").over(transport);
        let understood = said.transport().unwrap_or(Transport::Udp);
        assert_eq!(understood, transport, "{said}");
    }
    assert_eq!(uri("sip:b@192.0.2.1;transport=tcp").over(Transport::Udp).to_string(), "sip:b@192.0.2.1");
    assert_eq!(uri("sips:b@192.0.2.1").over(Transport::Tls).to_string(), "sips:b@192.0.2.1");
    assert_eq!(uri("sips:b@192.0.2.1").over(Transport::Wss).to_string(), "sips:b@192.0.2.1;transport=ws");
}

#[test]
fn a_request_names_the_address_of_ours_that_fits_its_way() {
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    let at = |transport, text| LocalAddress { transport, address: address(text) };
    let ours = [
        at(Transport::Udp, "0.0.0.0:5060"),
        at(Transport::Udp, "192.0.2.1:5060"),
        at(Transport::Tls, "192.0.2.1:5061"),
        at(Transport::Tcp, "[2001:db8::1]:5060"),
    ];
    let cases = [
        (Transport::Udp, "192.0.2.9:5060", Some("192.0.2.1:5060")),
        (Transport::Tls, "192.0.2.9:5061", Some("192.0.2.1:5061")),
        (Transport::Tcp, "192.0.2.9:5060", Some("192.0.2.1:5060")),
        (Transport::Tls, "[2001:db8::9]:5061", Some("[2001:db8::1]:5060")),
    ];
    for (transport, remote, local) in cases {
        assert_eq!(
            local_toward(&ours, transport, address(remote)),
            local.map(address),
            "{transport} {remote}"
        );
    }
    assert_eq!(local_toward(&ours[..1], Transport::Udp, address("192.0.2.9:5060")), None);
}

#[test]
fn only_datagrams_need_repetition() {
    for transport in ALL {
        let hop = Hop::toward(transport, ([192, 0, 2, 1], 5060).into(), ([192, 0, 2, 2], 5060).into());
        let repeats = hop.delivery() == Delivery::Unreliable;
        assert_eq!(repeats, transport == Transport::Udp);
        assert_eq!(hop.stream_id(), None, "no stream stands yet");
        assert_eq!(hop.flow == Hop::ANY_STREAM, transport.is_reliable());
    }
}
