//! Terminals that speak DHCPv4.

use std::net::SocketAddr;

use dhcproto::{
    Decodable, Decoder, Encodable,
    v4::{DhcpOption, Flags, Message, MessageType, OptionCode, UnknownOption},
};

use super::*;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 68);

/// A client's message; `has` is ciaddr.
pub(super) fn message(
    kind: MessageType,
    client_id: Option<&[u8]>,
    has: Option<Ipv4Addr>,
    options: &[DhcpOption],
) -> Message {
    let none = Ipv4Addr::UNSPECIFIED;
    let mut message = Message::new_with_id(0x1234_5678, has.unwrap_or(none), none, none, none, &MAC);
    message.opts_mut().insert(DhcpOption::MessageType(kind));
    if let Some(id) = client_id {
        message.opts_mut().insert(DhcpOption::ClientIdentifier(id.to_vec()));
    }
    for option in options {
        message.opts_mut().insert(option.clone());
    }
    message
}

impl Network {
    pub(super) fn say(&mut self, message: &Message) -> Vec<(SocketAddr, Message)> {
        self.datagram(NOBODY, &message.to_vec().unwrap());
        self.answers()
    }

    pub(super) fn answers(&mut self) -> Vec<(SocketAddr, Message)> {
        let read = |(flow, bytes): (UdpFlow, Vec<u8>)| {
            assert_eq!(flow.local, (SERVER, 67).into());
            (flow.remote, Message::decode(&mut Decoder::new(&bytes)).unwrap())
        };
        core::mem::take(&mut self.sent).into_iter().map(read).collect()
    }

    pub(super) fn one(&mut self, message: &Message) -> (SocketAddr, Message) {
        let mut answers = self.say(message);
        assert_eq!(answers.len(), 1);
        answers.remove(0)
    }
}

fn secs(message: &Message, code: OptionCode) -> Option<u32> {
    match message.opts().get(code)? {
        DhcpOption::AddressLeaseTime(secs) | DhcpOption::Renewal(secs) | DhcpOption::Rebinding(secs) => {
            Some(*secs)
        }
        other => panic!("{other:?}"),
    }
}

pub(super) fn selecting(token: Token, address: Ipv4Addr) -> Message {
    let options = [DhcpOption::RequestedIpAddress(address), DhcpOption::ServerIdentifier(SERVER)];
    message(MessageType::Request, Some(&token.0), None, &options)
}

/// From attach to ACK.
pub(super) fn leased(network: &mut Network, who: Imsi, token: Token) -> Ipv4Addr {
    let address = network.attach(who, token);
    assert_eq!(network.say(&selecting(token, address)).len(), 0);
    network.bind(who);
    assert_eq!(network.answers()[0].1.opts().msg_type(), Some(MessageType::Ack));
    network.take_events();
    address
}

#[test]
fn a_terminal_discovers_requests_and_is_acknowledged_only_when_bound() {
    let mut network = Network::new(5);
    let address = network.attach(imsi(1), token(1));
    let (to, offer) = network.one(&message(MessageType::Discover, Some(&[1; 16]), None, &[]));
    assert_eq!(to, (address, 68).into());
    assert_eq!(
        (offer.opts().msg_type(), offer.yiaddr(), offer.xid()),
        (Some(MessageType::Offer), address, 0x1234_5678)
    );
    assert_eq!(offer.chaddr(), MAC);

    let mut request = selecting(token(1), address);
    request.opts_mut().insert(DhcpOption::Hostname("Bob".to_owned()));
    assert_eq!(network.say(&request), []);
    let asked = Event::Requested { holder: imsi(1), host_name: Some("bob".to_owned()) };
    assert_eq!(network.take_events(), [asked]);
    assert_eq!(network.say(&request), [], "nothing before the binding is durable");
    assert_eq!(network.take_events(), [], "asked once");

    network.bind(imsi(1));
    let [(to, ack)] = &network.answers()[..] else { panic!("one answer") };
    assert_eq!(
        (*to, ack.opts().msg_type(), ack.yiaddr()),
        ((address, 68).into(), Some(MessageType::Ack), address)
    );
    assert_eq!(secs(ack, OptionCode::AddressLeaseTime), Some(LEASE));
    assert_eq!((secs(ack, OptionCode::Renewal), secs(ack, OptionCode::Rebinding)), (Some(60), Some(105)));
    let expected = [
        DhcpOption::SubnetMask(Ipv4Addr::new(255, 255, 255, 0)),
        DhcpOption::Router(vec![SERVER]),
        DhcpOption::DomainNameServer(vec![SERVER]),
        DhcpOption::ServerIdentifier(SERVER),
        DhcpOption::ClientIdentifier(vec![1; 16]),
    ];
    for option in expected {
        assert_eq!(ack.opts().get(OptionCode::from(&option)), Some(&option));
    }
}

#[test]
fn without_a_granted_token_there_is_no_answer_and_nothing_left_behind() {
    let mut network = Network::new(5);
    network.attach(imsi(1), token(1));
    let before = network.pool.occupancy();
    let memory = format!("{:?} {:?}", network.pool.book, network.pool.v4);
    for number in 0..1_000_u16 {
        let stranger = [number.to_be_bytes(), [7, 7]].concat();
        for id in [None, Some(&stranger[..]), Some(&[9; 16]), Some(&[0; 200])] {
            let mut discover = message(MessageType::Discover, id, None, &[]);
            discover.set_chaddr(&[2, 1, 1, 1, (number >> 8) as u8, number as u8]);
            assert_eq!(network.say(&discover), []);
            discover.opts_mut().insert(DhcpOption::MessageType(MessageType::Inform));
            assert_eq!(network.say(&discover), []);
        }
    }
    assert_eq!(format!("{:?} {:?}", network.pool.book, network.pool.v4), memory);
    assert_eq!((network.pool.occupancy(), network.take_events()), (before, vec![]));
    let counters = network.pool.counters();
    assert_eq!((counters.without_token, counters.unknown_token), (6_000, 2_000));
}

#[test]
fn every_form_of_the_token_opens_the_same_lease() {
    let bytes: [u8; 16] = core::array::from_fn(|at| 0xa0 + at as u8);
    let text = bytes.map(|byte| format!("{byte:02x}")).concat();
    let after = |head: &[u8], rest: &[u8]| [head, rest].concat();
    let cases: &[(&str, Vec<u8>, bool)] = &[
        ("the bytes", bytes.to_vec(), true),
        ("after the type of an opaque identifier", after(&[0], &bytes), true),
        ("digits", text.clone().into_bytes(), true),
        ("capital digits", text.to_ascii_uppercase().into_bytes(), true),
        ("digits after a type", after(&[0], text.as_bytes()), true),
        ("RFC 4361 with a UUID", after(&[255, 0, 0, 0, 1, 0, 4], &bytes), true),
        (
            "RFC 4361 with an enterprise's own",
            after(&[255, 0, 0, 0, 1, 0, 2, 0, 0, 0x7d, 0xd9], &bytes),
            true,
        ),
        ("an Ethernet address", after(&[1], &MAC), false),
        ("one byte too many", after(&bytes, &[0]), false),
        ("signs among the digits", text.replacen("a1", "+1", 1).into_bytes(), false),
        ("nothing", Vec::new(), false),
    ];
    for (what, id, good) in cases {
        let mut network = Network::new(5);
        network.attach(imsi(1), Token(bytes));
        let answers = network.say(&message(MessageType::Discover, Some(id), None, &[]));
        assert_eq!(answers.len(), usize::from(*good), "{what}");
    }
}

#[test]
fn answers_find_their_way() {
    let relay = Ipv4Addr::new(10, 9, 0, 254);
    let to = |ip: Ipv4Addr, port: u16| SocketAddr::from((ip, port));
    let mut network = Network::new(5);
    let address = network.attach(imsi(1), token(1));
    let plain = message(MessageType::Discover, Some(&[1; 16]), None, &[]);
    let mut broadcast = plain.clone();
    broadcast.set_flags(Flags::default().set_broadcast());
    let mut relayed = plain.clone();
    relayed.set_giaddr(relay);
    let circuit = UnknownOption::new(OptionCode::RelayAgentInformation, vec![1, 3, 9, 9, 9]);
    relayed.opts_mut().insert(DhcpOption::Unknown(circuit));
    let cases: &[(&str, &Message, SocketAddr)] = &[
        ("to the address it will have", &plain, to(address, 68)),
        ("to all, as it asks", &broadcast, to(Ipv4Addr::BROADCAST, 68)),
        ("to the relay, at the port of servers", &relayed, to(relay, 67)),
    ];
    for (what, discover, expected) in cases {
        assert_eq!(network.one(discover).0, *expected, "{what}");
    }
    let (_, offer) = network.one(&relayed);
    let echoed = offer.opts().get(OptionCode::RelayAgentInformation);
    assert_eq!(echoed, relayed_option().as_ref(), "the relay finds its own words again (RFC 3046)");
    assert_eq!(offer.giaddr(), relay);

    let mut config = settings(5);
    config.v4.as_mut().unwrap().to_source = true;
    let mut network = Network::of(config, 1);
    network.attach(imsi(1), token(1));
    let source = "127.0.0.5:6868".parse().unwrap();
    network.datagram(source, &plain.to_vec().unwrap());
    assert_eq!(network.sent[0].0.remote, source);
}

fn relayed_option() -> Option<DhcpOption> {
    use dhcproto::v4::relay::{RelayAgentInformation, RelayInfo};
    let mut information = RelayAgentInformation::default();
    information.insert(RelayInfo::AgentCircuitId(vec![9; 3]));
    Some(DhcpOption::RelayAgentInformation(information))
}

#[test]
fn a_request_for_anything_but_the_holders_address_is_refused() {
    let other = Ipv4Addr::new(10, 9, 0, 99);
    let mut network = Network::new(5);
    let address = leased(&mut network, imsi(1), token(1));
    let renewing = |has| message(MessageType::Request, Some(&[1; 16]), Some(has), &[]);
    let rebooting =
        |wants| message(MessageType::Request, Some(&[1; 16]), None, &[DhcpOption::RequestedIpAddress(wants)]);
    let cases: &[(&str, Message, MessageType)] = &[
        ("selecting its own", selecting(token(1), address), MessageType::Ack),
        ("selecting another", selecting(token(1), other), MessageType::Nak),
        ("after a restart, its own", rebooting(address), MessageType::Ack),
        ("after a restart, another", rebooting(other), MessageType::Nak),
        ("renewing its own", renewing(address), MessageType::Ack),
        ("renewing another", renewing(other), MessageType::Nak),
        ("asking for nothing", message(MessageType::Request, Some(&[1; 16]), None, &[]), MessageType::Nak),
    ];
    for (what, request, kind) in cases {
        let (to, answer) = network.one(request);
        assert_eq!(answer.opts().msg_type(), Some(*kind), "{what}");
        if *kind == MessageType::Nak {
            assert_eq!(to, (Ipv4Addr::BROADCAST, 68).into(), "{what}");
            assert!(answer.yiaddr().is_unspecified() && answer.ciaddr().is_unspecified(), "{what}");
        }
    }
    assert_eq!(network.pool.counters().spoofed, 4);
    let mut elsewhere = selecting(token(1), address);
    elsewhere.opts_mut().insert(DhcpOption::ServerIdentifier(other));
    assert_eq!(network.say(&elsewhere), [], "it has chosen another server");
    assert_eq!(network.pool.counters().elsewhere, 1);
}

#[test]
fn a_lease_is_renewed_once_that_is_durable() {
    let mut network = Network::new(5);
    let address = leased(&mut network, imsi(1), token(1));
    let renewing = message(MessageType::Request, Some(&[1; 16]), Some(address), &[]);
    let before = network.journal.len();
    let (_, ack) = network.one(&renewing);
    assert_eq!(secs(&ack, OptionCode::AddressLeaseTime), Some(LEASE));
    assert_eq!(network.journal.len(), before, "fresh: nothing new to write");

    for round in 0..3 {
        network.pass(Duration::from_secs(60));
        network.stalled = true;
        assert_eq!(network.say(&renewing), [], "not before it is durable");
        assert_eq!(network.say(&renewing), []);
        assert_eq!(network.held.len(), 1, "written once");
        network.stalled = false;
        let change = network.held.remove(0);
        network.write(change);
        network.drain();
        let [(to, ack)] = &network.answers()[..] else { panic!("one answer") };
        assert_eq!(
            (*to, secs(ack, OptionCode::AddressLeaseTime)),
            ((address, 68).into(), Some(LEASE)),
            "{round}"
        );
    }
    network.pass(Duration::from_secs(119));
    assert_eq!(network.take_events(), []);
    let after = network.restart(settings(5), 3, &network.journal);
    assert_eq!(after.pool.holder_of(address.into()), Some(imsi(1)), "the journal knows of the renewal");
}

#[test]
fn a_release_of_its_holder_frees_the_address_and_nobody_elses_does() {
    let mut network = Network::new(5);
    let address = leased(&mut network, imsi(1), token(1));
    leased(&mut network, imsi(2), token(2));
    let release = |token: u8, has, server| {
        let options = [DhcpOption::ServerIdentifier(server)];
        message(MessageType::Release, Some(&[token; 16]), Some(has), &options)
    };
    let spoofs = [
        release(2, address, SERVER),
        release(9, address, SERVER),
        release(1, address, Ipv4Addr::new(10, 9, 0, 2)),
    ];
    for spoof in spoofs {
        assert_eq!((network.say(&spoof), network.take_events()), (vec![], vec![]));
        assert_eq!(network.pool.holder_of(address.into()), Some(imsi(1)));
    }
    assert_eq!(network.say(&release(1, address, SERVER)), [], "a RELEASE is not answered");
    assert_eq!(network.take_events(), [Event::Released { holder: imsi(1) }]);
    assert_eq!(network.pool.holder_of(address.into()), None);
    assert_eq!(network.pool.occupancy().resting, 1);
    // Its token is over: who goes on with the address is told to stop.
    let (_, nak) = network.one(&message(MessageType::Request, Some(&[1; 16]), Some(address), &[]));
    assert_eq!(nak.opts().msg_type(), Some(MessageType::Nak));
}

#[test]
fn a_declined_address_ends_the_stay_and_rests() {
    let mut network = Network::new(5);
    let address = leased(&mut network, imsi(1), token(1));
    let options = [DhcpOption::ServerIdentifier(SERVER), DhcpOption::RequestedIpAddress(address)];
    assert_eq!(network.say(&message(MessageType::Decline, Some(&[1; 16]), None, &options)), []);
    assert_eq!(network.take_events(), [Event::Released { holder: imsi(1) }]);
    assert_eq!((network.pool.counters().declined, network.pool.occupancy().resting), (1, 1));
}

#[test]
fn a_refused_terminal_hears_a_nak() {
    let mut network = Network::new(5);
    let address = network.attach(imsi(1), token(1));
    network.say(&selecting(token(1), address));
    network.pool.refused(network.now, imsi(1));
    network.drain();
    let [(_, nak)] = &network.answers()[..] else { panic!("one answer") };
    assert_eq!(nak.opts().msg_type(), Some(MessageType::Nak));
    assert_eq!(network.pool.addresses_of(imsi(1)), None);
}

#[test]
fn inform_tells_all_but_an_address() {
    let mut network = Network::new(5);
    let address = leased(&mut network, imsi(1), token(1));
    let (to, ack) = network.one(&message(MessageType::Inform, Some(&[1; 16]), Some(address), &[]));
    assert_eq!((to, ack.yiaddr(), ack.ciaddr()), ((address, 68).into(), Ipv4Addr::UNSPECIFIED, address));
    assert_eq!(secs(&ack, OptionCode::AddressLeaseTime), None);
    assert!(ack.opts().contains(OptionCode::DomainNameServer));
}

#[test]
fn malformed_messages_are_dropped_and_counted() {
    let good = message(MessageType::Discover, Some(&[1; 16]), None, &[]).to_vec().unwrap();
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        bytes
    };
    let with = |more: &[u8]| [&good[..good.len() - 1], more].concat();
    let cases: &[(&str, Vec<u8>)] = &[
        ("empty", Vec::new()),
        ("cut in the fixed part", good[..235].to_vec()),
        ("without a cookie", good[..236].to_vec()),
        ("another cookie", changed(236, 98)),
        ("an answer", changed(0, 2)),
        ("a hardware address of 17 bytes", changed(2, 17)),
        ("an option without a length", with(&[12])),
        ("an option beyond the end", with(&[12, 9, b'b'])),
        ("a server of three bytes", with(&[54, 3, 1, 2, 3])),
        ("two kinds", with(&[53, 1, 3])),
        ("longer than a frame", with(&[0; 1_500])),
        ("no kind", good[..240].to_vec()),
    ];
    let mut network = Network::new(5);
    network.attach(imsi(1), token(1));
    for (number, (what, bytes)) in cases.iter().enumerate() {
        network.datagram(NOBODY, bytes);
        assert_eq!((network.sent.len(), network.pool.counters().malformed), (0, number as u64 + 1), "{what}");
    }
    network.datagram(NOBODY, &with(&[94, 1, 1, 80, 3, 1, 1, 1, 151, 0, 255]));
    assert_eq!(network.sent.len(), 1, "options that are not used are not read");
}
