//! What terminals call themselves.

use dhcproto::v4::{DhcpOption, OptionCode, UnknownOption};

use super::{dhcp4::selecting, *};

/// What is shown, the options, what the register is told, what the client is.
type Named = (&'static str, Vec<DhcpOption>, Option<&'static str>, Option<&'static [u8]>);

fn cases() -> Vec<Named> {
    let labels = b"\x03bob\x04home\x07example\x00";
    let full = |flags: u8, name: &[u8]| {
        DhcpOption::Unknown(UnknownOption::new(OptionCode::ClientFQDN, [&[flags, 0, 0], name].concat()))
    };
    let host = |name: &str| DhcpOption::Hostname(name.to_owned());
    vec![
        ("none", vec![], None, None),
        ("a host name", vec![host("Bob")], Some("bob"), None),
        (
            "a full one, encoded",
            vec![full(5, labels)],
            Some("bob.home.example"),
            Some(b"\x05\xff\xff\x03bob\x04home\x07example\x00"),
        ),
        (
            "as text, in old clients",
            vec![full(1, b"bob.home.example")],
            Some("bob.home.example"),
            Some(b"\x01\xff\xffbob.home.example"),
        ),
        (
            "the client wants to update itself",
            vec![full(4, labels)],
            Some("bob.home.example"),
            Some(b"\x07\xff\xff\x03bob\x04home\x07example\x00"),
        ),
        ("only a label", vec![full(5, b"\x03bob")], Some("bob"), Some(b"\x05\xff\xff\x03bob")),
        (
            "both: the full one wins",
            vec![host("eve"), full(5, labels)],
            Some("bob.home.example"),
            Some(b"\x05\xff\xff\x03bob\x04home\x07example\x00"),
        ),
        ("left to the server", vec![host("bob"), full(5, b"")], Some("bob"), Some(b"\x05\xff\xff")),
        ("cut short", vec![full(5, b"\x09bob")], None, None),
        ("no host name", vec![host("b o b")], None, None),
        (
            "two bytes of a full name",
            vec![DhcpOption::Unknown(UnknownOption::new(OptionCode::ClientFQDN, vec![1, 0]))],
            None,
            None,
        ),
    ]
}

#[test]
fn names_come_up_as_the_client_gives_them() {
    for (what, options, name, answered) in cases() {
        let mut network = Network::new(5);
        let address = network.attach(imsi(1), token(1));
        let mut request = selecting(token(1), address);
        for option in &options {
            request.opts_mut().insert(option.clone());
        }
        network.say(&request);
        let host_name = name.map(str::to_owned);
        assert_eq!(network.take_events(), [Event::Requested { holder: imsi(1), host_name }], "{what}");
        network.bind(imsi(1));
        let (_, bytes) = &network.sent[0];
        let at = bytes.windows(2).position(|pair| pair[0] == 81 && pair[1] < 30 && pair[1] > 2);
        let got = at.map(|at| &bytes[at + 2..at + 2 + usize::from(bytes[at + 1])]);
        assert_eq!(got, answered, "{what}");
    }
}
