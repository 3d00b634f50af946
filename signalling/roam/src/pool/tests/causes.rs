//! Every cause that a pool counts is provoked and counted once.

use dhcproto::v4::{DhcpOption, MessageType};

use super::{
    dhcp4::{leased, message, selecting},
    *,
};

/// What provokes a cause.
type Provoke = fn(&mut Network);

const TABLE: &[(&str, Provoke)] = &[
    ("malformed", |network| network.datagram(([0, 0, 0, 0], 68).into(), &[])),
    ("without token", |network| drop(network.say(&message(MessageType::Discover, None, None, &[])))),
    ("unknown token", |network| {
        drop(network.say(&message(MessageType::Discover, Some(&[9; 16]), None, &[])));
    }),
    ("spoofed", |network| {
        // Its release of what is another's; a request for that would be refused besides.
        let address = leased(network, imsi(1), token(1));
        let other = Ipv4Addr::from(u32::from(address).wrapping_add(1));
        let options = [DhcpOption::ServerIdentifier(SERVER)];
        drop(network.say(&message(MessageType::Release, Some(&[1; 16]), Some(other), &options)));
    }),
    ("elsewhere", |network| {
        let address = leased(network, imsi(1), token(1));
        let mut request = selecting(token(1), address);
        request.opts_mut().insert(DhcpOption::ServerIdentifier(Ipv4Addr::new(10, 9, 0, 99)));
        drop(network.say(&request));
    }),
    ("refused", |network| {
        let address = network.attach(imsi(1), token(1));
        network.say(&selecting(token(1), address));
        network.pool.refused(network.now, imsi(1));
        network.drain();
    }),
    ("declined", |network| {
        let address = leased(network, imsi(1), token(1));
        let options = [DhcpOption::ServerIdentifier(SERVER), DhcpOption::RequestedIpAddress(address)];
        drop(network.say(&message(MessageType::Decline, Some(&[1; 16]), None, &options)));
    }),
    ("starved", |network| {
        (1..=9).map(imsi).find(|who| network.pool.reserve(network.now, *who).is_err()).unwrap();
    }),
];

#[test]
fn every_cause_that_a_pool_counts_is_provoked_and_counted_once() {
    for (cause, provoke) in TABLE {
        let mut network = Network::new(5);
        provoke(&mut network);
        for (counted, count) in network.pool.counters().by_cause() {
            assert_eq!(count, u64::from(counted == *cause), "{counted} where {cause} was provoked");
        }
    }
    for (cause, _) in Network::new(5).pool.counters().by_cause() {
        assert!(TABLE.iter().any(|(known, _)| *known == cause), "nobody has provoked {cause:?}");
    }
}
