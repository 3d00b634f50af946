//! Terminals that speak DHCPv6.

use core::net::Ipv6Addr;

use dhcproto::{
    Decodable, Decoder, Encodable,
    v6::{DhcpOption, DhcpOptions, IAAddr, IANA, Message, MessageType, OptionCode, Status},
};

use super::*;

const CLIENT: &str = "[fe80::7%3]:546";

fn dual(v4: bool) -> PoolConfig {
    let mut config = settings(5);
    config.v6 = Some(V6Config {
        prefix: "2001:db8:7:9::".parse().unwrap(),
        server: [2, 0, 0, 0, 0, 1],
        dns: vec!["2001:db8:7:9::1".parse().unwrap()],
        local: ("fe80::1".parse().unwrap(), 3),
    });
    if !v4 {
        config.v4 = None;
    }
    config
}

fn server_id() -> DhcpOption {
    DhcpOption::ServerId(vec![0, 3, 0, 1, 2, 0, 0, 0, 0, 1])
}

fn association(addresses: &[Ipv6Addr]) -> DhcpOption {
    let mut opts = DhcpOptions::new();
    for &addr in addresses {
        opts.insert(DhcpOption::IAAddr(IAAddr {
            addr,
            preferred_life: 0,
            valid_life: 0,
            opts: DhcpOptions::new(),
        }));
    }
    DhcpOption::IANA(IANA { id: 77, t1: 0, t2: 0, opts })
}

fn message(kind: MessageType, token: u8, options: Vec<DhcpOption>) -> Message {
    let mut message = Message::new_with_id(kind, [1, 2, 3]);
    message.opts_mut().insert(DhcpOption::ClientId([&[0, 4], &[token; 16][..]].concat()));
    options.into_iter().for_each(|option| message.opts_mut().insert(option));
    message
}

impl Network {
    fn say6(&mut self, message: &Message) -> Vec<Message> {
        let flow = Flow::udp("[ff02::1:2]:547".parse().unwrap(), CLIENT.parse().unwrap());
        self.pool.handle(self.now, Arrival::Datagram { flow, bytes: &message.to_vec().unwrap() });
        self.drain();
        self.answers6()
    }

    fn answers6(&mut self) -> Vec<Message> {
        let (theirs, rest): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.sent).into_iter().partition(|(flow, _)| flow.remote.is_ipv6());
        self.sent = rest;
        let read = |(flow, bytes): (UdpFlow, Vec<u8>)| {
            let ours = "[fe80::1%3]:547".parse().unwrap();
            assert_eq!((flow.local, flow.remote), (ours, CLIENT.parse().unwrap()));
            Message::decode(&mut Decoder::new(&bytes)).unwrap()
        };
        theirs.into_iter().map(read).collect()
    }

    fn attach6(&mut self, who: Imsi, token: Token) -> Ipv6Addr {
        let addresses = self.pool.reserve(self.now, who).unwrap();
        self.pool.grant(self.now, token, who);
        self.drain();
        addresses.v6.unwrap()
    }
}

/// Addresses with their valid lifetimes, T1, T2.
type Granted = (Vec<(Ipv6Addr, u32)>, u32, u32);

/// What an answer's association says.
fn granted(message: &Message) -> Result<Granted, Status> {
    let Some(DhcpOption::IANA(association)) = message.opts().get(OptionCode::IANA) else {
        panic!("{message:?}")
    };
    if let Some(DhcpOption::StatusCode(status)) = association.opts.get(OptionCode::StatusCode) {
        return Err(status.status);
    }
    let read = |option: &DhcpOption| match option {
        DhcpOption::IAAddr(address) => (address.addr, address.valid_life),
        other => panic!("{other:?}"),
    };
    let mut addresses: Vec<_> = association.opts.iter().map(read).collect();
    // The order of options is nobody's business.
    addresses.sort_by_key(|(_, secs)| core::cmp::Reverse(*secs));
    Ok((addresses, association.t1, association.t2))
}

#[test]
fn a27_a_terminal_solicits_requests_and_is_answered_only_when_bound() {
    let mut network = Network::of(dual(false), 1);
    let address = network.attach6(imsi(1), token(1));
    assert_eq!(address.segments()[..4], [0x2001, 0xdb8, 7, 9]);
    let [advertise] = &network.say6(&message(MessageType::Solicit, 1, vec![association(&[])]))[..] else {
        panic!("one answer")
    };
    assert_eq!((advertise.msg_type(), advertise.xid()), (MessageType::Advertise, [1, 2, 3]));
    assert_eq!(advertise.opts().get(OptionCode::ServerId), Some(&server_id()));

    let request = message(MessageType::Request, 1, vec![server_id(), association(&[address])]);
    assert_eq!(network.say6(&request), []);
    assert_eq!(network.say6(&request), []);
    assert_eq!(network.take_events(), [Event::Requested { holder: imsi(1), host_name: None }]);
    network.bind(imsi(1));
    let [reply] = &network.answers6()[..] else { panic!("one answer") };
    assert_eq!(reply.msg_type(), MessageType::Reply);
    assert_eq!(granted(reply), Ok((vec![(address, LEASE)], 60, 96)));
    assert!(reply.opts().get(OptionCode::DomainNameServers).is_some());
}

#[test]
fn a_lease_is_renewed_rebound_released_and_a_wrong_address_is_over() {
    let mut network = Network::of(dual(false), 1);
    let address = network.attach6(imsi(1), token(1));
    network.bind(imsi(1));
    let other: Ipv6Addr = "2001:db8:7:9::bad".parse().unwrap();
    network.pass(Duration::from_secs(60));
    let renew = message(MessageType::Renew, 1, vec![server_id(), association(&[address, other])]);
    let [reply] = &network.say6(&renew)[..] else { panic!("one answer") };
    assert_eq!(granted(reply), Ok((vec![(address, LEASE), (other, 0)], 60, 96)));
    network.pass(Duration::from_secs(100));
    let rebind = message(MessageType::Rebind, 1, vec![association(&[address])]);
    let [reply] = &network.say6(&rebind)[..] else { panic!("one answer") };
    assert_eq!(granted(reply), Ok((vec![(address, LEASE)], 60, 96)));

    let wrong = message(MessageType::Release, 1, vec![server_id(), association(&[other])]);
    let [reply] = &network.say6(&wrong)[..] else { panic!("one answer") };
    assert_eq!(granted(reply), Err(Status::NoBinding));
    assert_eq!(network.take_events(), []);
    let release = message(MessageType::Release, 1, vec![server_id(), association(&[address])]);
    assert_eq!(network.say6(&release).len(), 1);
    assert_eq!(network.take_events(), [Event::Released { holder: imsi(1) }]);
    assert_eq!(network.pool.holder_of(address.into()), None);
}

#[test]
fn strangers_and_questions_to_other_servers_get_no_answer() {
    let mut network = Network::of(dual(false), 1);
    let address = network.attach6(imsi(1), token(1));
    let elsewhere = DhcpOption::ServerId(vec![0, 3, 0, 1, 9, 9, 9, 9, 9, 9]);
    let cases: &[(&str, Message)] = &[
        ("a token of nobody", message(MessageType::Solicit, 9, vec![association(&[])])),
        ("another server", message(MessageType::Request, 1, vec![elsewhere, association(&[address])])),
        ("no server", message(MessageType::Request, 1, vec![association(&[address])])),
        (
            "a server where none may stand",
            message(MessageType::Solicit, 1, vec![server_id(), association(&[])]),
        ),
        ("a server's message", message(MessageType::Reply, 1, vec![server_id()])),
        ("no association", message(MessageType::Solicit, 1, vec![])),
    ];
    for (what, question) in cases {
        assert_eq!((network.say6(question), network.take_events()), (vec![], vec![]), "{what}");
    }
    let mut nameless = Message::new_with_id(MessageType::Solicit, [1, 2, 3]);
    nameless.opts_mut().insert(association(&[]));
    assert_eq!(network.say6(&nameless), []);
    let Counters { malformed, without_token, unknown_token, elsewhere, .. } = network.pool.counters();
    assert_eq!((malformed, without_token, unknown_token, elsewhere), (1, 1, 1, 3));
}

#[test]
fn a27_both_families_are_one_stay() {
    let mut network = Network::of(dual(true), 1);
    let addresses = network.pool.reserve(network.now, imsi(1)).unwrap();
    network.pool.grant(network.now, token(1), imsi(1));
    let (v4, v6) = (addresses.v4.unwrap(), addresses.v6.unwrap());
    let request = message(MessageType::Request, 1, vec![server_id(), association(&[v6])]);
    assert_eq!(network.say6(&request), []);
    network.datagram("0.0.0.0:68".parse().unwrap(), &dhcp4::selecting(token(1), v4).to_vec().unwrap());
    assert_eq!(network.take_events(), [Event::Requested { holder: imsi(1), host_name: None }], "asked once");
    network.bind(imsi(1));
    assert_eq!((network.answers6().len(), network.sent.len()), (1, 1), "both are answered");
    network.release(imsi(1));
    assert_eq!(network.pool.occupancy().resting, 2);
    let after = network.restart(dual(true), 2, &network.journal);
    assert_eq!(after.pool.occupancy().resting, 2 + 4, "and all others were opened");
}
