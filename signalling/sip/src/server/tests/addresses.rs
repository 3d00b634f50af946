//! A server that listens at all addresses of its host.

use rove_base::{Arrival, Entropy, Flow, Machine, Now, Scratch, Step, Transport};

use super::world::{addr, config, register, request};
use crate::{
    message::{HeaderName, Message},
    server::SipServer,
    transport::LocalAddress,
};

/// What the server sends when this comes to `at` from `from`.
fn say(server: &mut SipServer, at: &str, from: &str, text: &str) -> Vec<(Flow, Message)> {
    let arrival = Arrival::Datagram { flow: Flow::udp(addr(at), addr(from)), bytes: text.as_bytes() };
    server.handle(Now::default(), arrival);
    let (mut sent, mut scratch) = (Vec::new(), Scratch::default());
    loop {
        match server.poll(&mut scratch) {
            Step::Send(transmit) => {
                sent.push((transmit.flow, Message::parse(scratch.get(transmit.range)).unwrap()));
            }
            Step::Wait(_) => return sent,
            _ => {}
        }
    }
}

fn everywhere() -> SipServer {
    let mut config = config("192.0.2.1:5060", &[]);
    config.local.push(LocalAddress::udp(addr("127.0.0.1:5060")));
    config.everywhere = vec![LocalAddress { transport: Transport::Udp, address: addr("0.0.0.0:5060") }];
    SipServer::new(config, Entropy::from_number(1))
}

#[test]
fn via_and_record_route_name_the_address_that_each_side_reaches() {
    // Where bob is and where the server is reached from there, alice likewise.
    let cases = [
        ("both by the way to everybody", "198.51.100.7:5060", "192.0.2.1", "203.0.113.9:5060", "192.0.2.1"),
        ("bob in a network of ours", "10.1.2.9:5060", "10.1.2.3", "203.0.113.9:5060", "192.0.2.1"),
        ("alice in one", "198.51.100.7:5060", "192.0.2.1", "10.1.2.9:5060", "10.1.2.3"),
        ("each in another", "172.16.5.9:5060", "172.16.5.1", "10.1.2.9:5060", "10.1.2.3"),
        ("bob on this host", "127.0.0.1:5062", "127.0.0.1", "10.1.2.9:5060", "10.1.2.3"),
    ];
    for (what, bob, to_bob, alice, to_alice) in cases {
        let mut server = everywhere();
        let at = |ip: &str| format!("{ip}:5060");
        say(&mut server, &at(to_bob), bob, &register("bob", bob, "", ""));
        let sent =
            say(&mut server, &at(to_alice), alice, &request("INVITE", "sip:bob@home.example", alice, ""));
        let copy = sent.iter().find_map(|(flow, message)| match message {
            Message::Request(copy) => Some((flow, copy)),
            Message::Response(_) => None,
        });
        let (flow, copy) = copy.unwrap_or_else(|| panic!("{what}: {sent:?}"));
        assert_eq!(*flow, Flow::udp(addr(&at(to_bob)), addr(bob)), "{what}");
        let via = copy.headers.get(&HeaderName::Via).unwrap();
        assert!(via.starts_with(&format!("SIP/2.0/UDP {};", at(to_bob))), "{what}: {via}");
        let routes: Vec<&str> = copy.headers.all(&HeaderName::RecordRoute).collect();
        let mut expected = vec![at(to_bob), at(to_alice)];
        expected.dedup();
        assert_eq!(routes.len(), expected.len(), "{what}: {routes:?}");
        for (route, address) in routes.iter().zip(&expected) {
            assert!(route.starts_with(&format!("<sip:{address};")), "{what}: {route}");
        }
    }
}

#[test]
fn a_request_to_an_address_that_it_was_reached_at_is_for_the_server_and_one_to_another_is_not() {
    let mut server = everywhere();
    for (uri, at, status) in [
        ("sip:10.1.2.3", "10.1.2.3:5060", 200),
        ("sip:10.1.2.3:5070", "10.1.2.3:5060", 503),
        ("sip:[2001:db8::1]", "10.1.2.3:5060", 500),
    ] {
        let sent = say(&mut server, at, "10.1.2.9:5060", &request("OPTIONS", uri, "10.1.2.9:5060", ""));
        let status_of = |message: &Message| match message {
            Message::Response(response) => response.status.code(),
            Message::Request(_) => 503,
        };
        assert_eq!(sent.first().map(|(_, message)| status_of(message)), Some(status), "{uri}: {sent:?}");
    }
    // Nor does what comes to other ports make those ours.
    assert!(server.core.config.local.iter().all(|one| one.address.port() == 5060));
}

#[test]
fn addresses_that_are_learned_are_bounded() {
    let mut server = everywhere();
    for n in 0..1_000_u32 {
        let at = format!("10.1.{}.{}:5060", n / 250, n % 250 + 1);
        say(&mut server, &at, "10.1.2.9:5060", &request("OPTIONS", "sip:home.example", "10.1.2.9:5060", ""));
    }
    assert!(server.core.config.local.len() <= 128);
}
