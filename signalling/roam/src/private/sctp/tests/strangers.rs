//! What comes from elsewhere, or says that it comes from a partner.

use super::*;

fn stranger(n: u32) -> SocketAddr {
    ([198, 51, 100, (n >> 8) as u8], 1_024 + (n & 0xff) as u16).into()
}

fn memory(sctp: &Sctp) -> usize {
    let out = sctp.out.packets.capacity() + sctp.out.events.capacity();
    let kept = sctp.peers.iter().filter(|peer| peer.association.is_some()).count();
    kept * 1_000_000 + sctp.peers.len() + out
}

#[test]
fn a_hundred_thousand_inits_of_strangers_are_counted_and_nothing_is_kept_or_said() {
    let mut sctp = end(0, 1);
    let before = memory(&sctp);
    let mut scratch = Scratch::default();
    for n in 0..100_000 {
        let bytes = forged(0, kind::INIT, 0, &init(n + 1));
        sctp.handle(Now::default(), SctpInput::Datagram { from: stranger(n), bytes: &bytes });
        assert_eq!(sctp.poll(&mut scratch), Step::Wait(None));
    }
    assert_eq!((memory(&sctp), sctp.counts().strangers), (before, 100_000));
}

#[test]
fn a_hundred_thousand_inits_with_a_partners_address_are_answered_and_nothing_is_kept() {
    let mut sctp = end(0, 1);
    let mut answered = 0;
    let mut most = 0;
    for n in 0..100_000 {
        let bytes = forged(0, kind::INIT, 0, &init(n + 1));
        sctp.handle(Now::default(), SctpInput::Datagram { from: address(1), bytes: &bytes });
        let mut scratch = Scratch::default();
        while let Step::Send(transmit) = sctp.poll(&mut scratch) {
            answered += 1;
            // Whoever is at that address is not flooded by it: the answer is no multiple of what asks for it.
            assert!(scratch.get(transmit.range).len() <= bytes.len() * 5);
        }
        most = most.max(memory(&sctp));
    }
    assert_eq!(answered, 100_000);
    assert!(most < 100, "{most}");
    assert!(sctp.peers[0].association.is_none());
}

#[test]
fn forged_packets_with_another_tag_change_nothing_of_an_association() {
    let mut world = World::up();
    let tag = world.ends[1].peers[0].association.as_ref().unwrap().own.tag;
    let data_head = [[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 3]].concat();
    for wrong in [tag ^ 1, tag.wrapping_add(1), 1, 0] {
        for (kind, flags, value) in [
            (kind::ABORT, 0, vec![]),
            (kind::ABORT, 1, vec![]),
            (kind::SHUTDOWN, 0, vec![0; 4]),
            (kind::SHUTDOWN_ACK, 0, vec![]),
            (kind::SHUTDOWN_COMPLETE, 1, vec![]),
            (kind::DATA, 3, [data_head.clone(), b"forged!!".to_vec()].concat()),
            (kind::SACK, 0, vec![0xff; 12]),
            (kind::COOKIE_ECHO, 0, vec![7; 74]),
            (kind::COOKIE_ACK, 0, vec![]),
            (kind::ERROR, 0, vec![0, 3, 0, 8, 0, 0, 0, 0]),
        ] {
            let bytes = forged(wrong, kind, flags, &value);
            world.sent.clear();
            world.input(1, SctpInput::Datagram { from: address(0), bytes: &bytes });
            assert_eq!(world.sent, [], "{kind} is not answered");
        }
    }
    assert_eq!(world.told(1), []);
    assert_eq!(world.ends[1].counts().forged, 40);
    // INIT of whoever forges the partner's address: the answer goes to the partner, who has not asked and says nothing.
    world.input(1, SctpInput::Datagram { from: address(0), bytes: &forged(0, kind::INIT, 0, &init(9)) });
    world.run(Duration::from_secs(5));
    world.send(0, &data(1, 40));
    world.run(Duration::from_secs(1));
    assert_eq!(world.messages(1), [data(1, 40)], "and it goes on");
    assert_eq!(world.told(0), []);
}

#[test]
fn a_cookie_that_was_not_baked_here_or_for_another_makes_no_association() {
    let mut world = World::new(9, |_, bytes| match chunks(bytes)[0].0 {
        kind::COOKIE_ECHO => Fate::Lost,
        _ => Fate::Arrives,
    });
    world.connect(0);
    world.run(Duration::from_millis(500));
    let echo = world.sent.iter().rev().find(|(_, bytes)| chunks(bytes)[0].0 == kind::COOKIE_ECHO);
    let echo = echo.unwrap().1.clone();
    let (tag, cookie) = (Packet::parse(&echo).unwrap().tag, chunks(&echo)[0].1.clone());
    for at in 0..cookie.len() {
        let mut other = cookie.clone();
        other[at] ^= 1;
        let bytes = forged(tag, kind::COOKIE_ECHO, 0, &other);
        world.ends[1].handle(world.now, SctpInput::Datagram { from: address(0), bytes: &bytes });
        assert!(world.ends[1].peers[0].association.is_none(), "byte {at}");
    }
    // A node with another secret: the same one, started again.
    let mut again = end(1, 4_000);
    again.handle(world.now, SctpInput::Datagram { from: address(0), bytes: &echo });
    assert!(again.peers[0].association.is_none());
    world.input(1, SctpInput::Datagram { from: address(0), bytes: &echo });
    assert!(world.ends[1].peers[0].association.is_some(), "as it was, it is good");
}

#[test]
fn packets_to_another_port_or_with_a_wrong_checksum_are_not_read() {
    let mut sctp = end(0, 1);
    let mut elsewhere = Writer::new((2_905, 3_868), 0);
    elsewhere.chunk(kind::INIT, 0, &[&init(1)]);
    let mut changed = forged(0, kind::INIT, 0, &init(1));
    changed[20] ^= 1;
    let unsummed = {
        let mut bytes = forged(0, kind::INIT, 0, &init(1));
        bytes[8..12].fill(0);
        bytes
    };
    for bytes in [elsewhere.finish(), changed, unsummed, vec![], vec![0; 12]] {
        sctp.handle(Now::default(), SctpInput::Datagram { from: address(1), bytes: &bytes });
        assert_eq!(sctp.poll(&mut Scratch::default()), Step::Wait(None));
    }
    assert_eq!(sctp.counts().malformed, 5);
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    // RFC 3720 §B.4.
    for (bytes, sum) in
        [(vec![0; 32], 0x8a91_36aa), (vec![0xff; 32], 0x62a8_ab43), ((0..32).collect(), 0x46dd_794e)]
    {
        assert_eq!(super::super::checksum::crc32c(&[&bytes[..7], &bytes[7..]]), sum);
    }
}
