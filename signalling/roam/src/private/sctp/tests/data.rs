//! Messages: whole, in order, each once, whatever the way does to packets.

use super::*;

fn bad(chance: &mut Entropy, _: &[u8]) -> Fate {
    match chance.next_u32() % 10 {
        0..=1 => Fate::Lost,
        2 => Fate::Twice,
        3..=4 => Fate::Late,
        _ => Fate::Arrives,
    }
}

#[test]
fn a_fifth_lost_and_as_much_late_changes_nothing_of_order_or_content() {
    for seed in 0..20 {
        let mut world = World::new(seed, bad);
        world.connect(0);
        world.run(Duration::from_secs(120));
        let lens = [20, 300, 1_190, 1_300, 5_000, 30_000];
        let sent =
            |end: usize| (0..60).map(move |n| data(n + 1_000 * end as u32, lens[n as usize % lens.len()]));
        world.told.iter_mut().for_each(Vec::clear);
        for (a, b) in sent(0).zip(sent(1)) {
            world.send(0, &a);
            world.send(1, &b);
            world.run(Duration::from_millis(30));
        }
        world.run(Duration::from_secs(600));
        assert_eq!(world.messages(1), sent(0).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(world.messages(0), sent(1).collect::<Vec<_>>(), "seed {seed}");
        for end in &world.ends {
            assert_eq!(end.peers[0].association.as_ref().unwrap().held(), 0);
        }
    }
}

#[test]
fn one_lost_packet_is_sent_again_long_before_its_time_is_up() {
    let mut world = World::up();
    world.send(0, &data(0, 40));
    world.run(Duration::from_secs(1));
    world.messages(1);
    world.way = |_, _| Fate::Lost;
    world.send(0, &data(1, 1_100));
    world.way = |_, _| Fate::Arrives;
    for number in 2..6 {
        world.send(0, &data(number, 1_100));
    }
    world.run(Duration::from_millis(100));
    assert_eq!(world.messages(1), (1..6).map(|number| data(number, 1_100)).collect::<Vec<_>>());
}

#[test]
fn management_goes_by_stream_0_and_signalling_by_another_and_both_are_m3ua() {
    let mut world = World::up();
    world.sent.clear();
    let mut both = vec![1, 0, 3, 1, 0, 0, 0, 8];
    both.extend(data(1, 40));
    world.send(0, &both);
    world.run(Duration::from_secs(1));
    let head = |value: &[u8]| (value[4..6].to_vec(), value[8..12].to_vec());
    let sent = chunks(&world.sent[0].1);
    let sent: Vec<_> = sent.iter().map(|(kind, value)| (*kind, head(value))).collect();
    let wanted = [[0, 0], [0, 1]].map(|stream| (kind::DATA, (stream.to_vec(), vec![0, 0, 0, 3])));
    assert_eq!(sent, wanted);
    assert_eq!(world.messages(1), [both[..8].to_vec(), both[8..].to_vec()]);
}

#[test]
fn a_message_that_is_not_one_of_m3ua_or_says_it_is_something_else_is_dropped() {
    let mut world = World::up();
    let one = world.ends[0].peers[0].association.as_mut().unwrap();
    for (protocol, message) in
        [(3, &b"nonsense"[..]), (46, &data(1, 40)), (3, &[data(1, 8), data(2, 8)].concat())]
    {
        assert!(one.send(false, protocol, message));
    }
    world.run(Duration::from_secs(2));
    world.send(0, &data(3, 40));
    world.run(Duration::from_secs(2));
    let message = SctpEvent::Message { stream: world.stream(1), bytes: data(3, 40) };
    let malformed = || SctpEvent::Malformed { peer: 0 };
    assert_eq!(world.told(1), [malformed(), malformed(), malformed(), message]);
}

#[test]
fn much_at_once_waits_for_room_and_more_than_is_kept_ends_the_association() {
    let mut world = World::up();
    for number in 0..900 {
        world.send(0, &data(number, 1_000));
    }
    let flying = world.flying.len();
    assert!((1..10).contains(&flying), "{flying} packets at once");
    world.run(Duration::from_secs(60));
    assert_eq!(world.messages(1).len(), 900);
    world.way = |_, _| Fate::Lost;
    let stream = world.stream(0);
    for number in 0..2_000 {
        world.input(0, SctpInput::Send { stream, bytes: &data(number, 1_000) });
    }
    assert_eq!(world.told(0), [SctpEvent::Closed { stream, by: ClosedBy::Failure }]);
}

#[test]
fn a_partner_that_sends_pieces_and_never_the_rest_is_held_to_a_bound() {
    let mut world = World::up();
    let (tag, first) = {
        let one = world.ends[1].peers[0].association.as_ref().unwrap();
        (one.own.tag, world.ends[0].peers[0].association.as_ref().unwrap().own.number)
    };
    let mut most = 0;
    // Middles of messages, with every other number missing.
    for n in 0..200_000_u32 {
        let number = first.wrapping_add(1 + n * 2 % 2_048);
        let head = [number.to_be_bytes(), [0, 1, 0, 0], 3_u32.to_be_bytes()].concat();
        let bytes = forged(tag, kind::DATA, 0, &[head, vec![0; 1_000]].concat());
        world.ends[1].handle(world.now, SctpInput::Datagram { from: address(0), bytes: &bytes });
        let mut scratch = Scratch::default();
        while !matches!(world.ends[1].poll(&mut scratch), Step::Wait(_)) {}
        most = most.max(world.ends[1].peers[0].association.as_ref().map_or(0, |one| one.held()));
    }
    assert!((200_000..700_000).contains(&most), "{most} bytes");
}
