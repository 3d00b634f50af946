//! How associations begin and end.

use super::*;

#[test]
fn four_packets_make_an_association_and_three_end_it() {
    let mut world = World::up();
    let kinds: Vec<_> = world.sent.drain(..).map(|(end, bytes)| (end, chunks(&bytes)[0].0)).collect();
    let begin = [(0, kind::INIT), (1, kind::INIT_ACK), (0, kind::COOKIE_ECHO), (1, kind::COOKIE_ACK)];
    assert_eq!(kinds, begin);
    world.input(0, SctpInput::Close(OURS[0]));
    world.run(Duration::from_secs(1));
    let kinds: Vec<_> = world.sent.drain(..).map(|(end, bytes)| (end, chunks(&bytes)[0].0)).collect();
    assert_eq!(kinds, [(0, kind::SHUTDOWN), (1, kind::SHUTDOWN_ACK), (0, kind::SHUTDOWN_COMPLETE)]);
    assert!(matches!(world.told(1)[..], [SctpEvent::Closed { by: ClosedBy::Peer, .. }]));
    assert_eq!(world.told(0), [], "who closes knows");
    assert!(world.ends.iter().all(|end| end.peers[0].association.is_none()));
}

#[test]
fn what_was_sent_before_the_end_arrives_before_it() {
    let mut world = World::up();
    world.way = |chance, _| if chance.unit() < 0.3 { Fate::Lost } else { Fate::Arrives };
    for number in 0..50 {
        world.send(0, &data(number, 900));
    }
    world.input(0, SctpInput::Close(OURS[0]));
    world.run(Duration::from_secs(300));
    let mut told = world.told(1);
    assert!(matches!(told.pop(), Some(SctpEvent::Closed { by: ClosedBy::Peer, .. })));
    world.told[1] = told;
    assert_eq!(world.messages(1), (0..50).map(|number| data(number, 900)).collect::<Vec<_>>());
}

#[test]
fn when_both_begin_at_once_there_is_one_association() {
    for seed in 0..50 {
        let mut world = World::new(seed, |chance, _| match chance.next_u32() % 4 {
            0 => Fate::Late,
            1 => Fate::Twice,
            _ => Fate::Arrives,
        });
        world.connect(0);
        world.connect(1);
        world.run(Duration::from_secs(20));
        for (end, ours) in OURS.into_iter().enumerate() {
            assert_eq!(world.told(end), [connected(ours, false)], "seed {seed}");
            world.send(end, &data(7, 40));
        }
        world.run(Duration::from_secs(20));
        assert_eq!((world.messages(0), world.messages(1)), (vec![data(7, 40)], vec![data(7, 40)]));
    }
}

#[test]
fn an_end_that_was_started_again_is_heard_at_once_and_the_old_association_is_closed() {
    let mut world = World::up();
    let old = world.stream(1);
    world.ends[0] = end(0, 77);
    world.connect(0);
    world.run(Duration::from_millis(100));
    assert_eq!(world.told(0), [connected(OURS[0], false)]);
    let new = world.stream(1);
    assert_ne!(old, new);
    let closed = SctpEvent::Closed { stream: old, by: ClosedBy::Peer };
    assert_eq!(world.told(1), [closed, connected(new, true)]);
    world.send(1, &data(1, 40));
    world.run(Duration::from_secs(1));
    assert_eq!(world.messages(0), [data(1, 40)]);
}

#[test]
fn an_end_that_has_forgotten_the_association_says_so() {
    let mut world = World::up();
    world.ends[1] = end(1, 78);
    world.send(0, &data(1, 40));
    world.run(Duration::from_millis(100));
    assert_eq!(world.told(0), [SctpEvent::Closed { stream: OURS[0], by: ClosedBy::Failure }]);
}

#[test]
fn nobody_there_is_told_within_a_minute_and_a_dead_end_after_its_heartbeats() {
    let mut world = World::new(3, |_, _| Fate::Lost);
    world.connect(0);
    world.run(Duration::from_secs(60));
    assert_eq!(world.told(0), [SctpEvent::Closed { stream: OURS[0], by: ClosedBy::Failure }]);

    let mut world = World::up();
    world.run(Duration::from_secs(600));
    assert_eq!((world.told(0), world.told(1)), (vec![], vec![]), "silence alone is nothing");
    let beats = world.sent.iter().filter(|(end, bytes)| *end == 0 && chunks(bytes)[0].0 == kind::HEARTBEAT);
    assert!((15..=20).contains(&beats.count()));
    world.way = |_, _| Fate::Lost;
    world.run(Duration::from_secs(400));
    assert_eq!(world.told(0), [SctpEvent::Closed { stream: OURS[0], by: ClosedBy::Failure }]);
    assert!(matches!(world.told(1)[..], [SctpEvent::Closed { by: ClosedBy::Failure, .. }]));
}

#[test]
fn a_program_that_ends_tells_its_partners() {
    let mut world = World::up();
    world.ends[0].leave();
    world.run(Duration::from_secs(1));
    assert!(matches!(world.told(1)[..], [SctpEvent::Closed { by: ClosedBy::Failure, .. }]));
}

#[test]
fn a_cookie_is_good_for_a_minute() {
    let mut world = World::new(5, |_, bytes| match chunks(bytes)[0].0 {
        kind::COOKIE_ECHO => Fate::Lost,
        _ => Fate::Arrives,
    });
    world.connect(0);
    world.run(Duration::from_millis(500));
    let echo = world.sent.iter().rev().find(|(_, bytes)| chunks(bytes)[0].0 == kind::COOKIE_ECHO);
    let echo = echo.unwrap().1.clone();
    world.now = world.now.later(Duration::from_secs(61));
    world.sent.clear();
    world.input(1, SctpInput::Datagram { from: address(0), bytes: &echo });
    let answer = chunks(&world.sent[0].1);
    assert_eq!((answer[0].0, &answer[0].1[..4]), (kind::ERROR, &[0, 3, 0, 8][..]), "stale");
    assert!(world.ends[1].peers[0].association.is_none());
}
