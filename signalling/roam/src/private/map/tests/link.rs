//! Streams: opened by one or both, broken, restarted, by strangers.

use super::*;

#[test]
fn when_both_dial_at_once_one_stream_stays() {
    let mut world = World::new(true, true);
    world.run(Duration::from_millis(500));
    assert_eq!(world.streams(), 4, "both ends of both");
    world.run(Duration::from_secs(10));
    assert_eq!(world.streams(), 2, "both ends of one");
    assert_eq!(world.told(0), [Told::Up(VISITED)]);
    assert_eq!(world.told(1), [Told::Up(HOME)]);
    world.run(Duration::from_secs(600));
    assert_eq!((world.streams(), world.told(0), world.told(1)), (2, vec![], vec![]), "and goes on to stay");
}

#[test]
fn questions_asked_while_one_of_two_streams_goes_are_all_answered() {
    let mut world = World::new(true, true);
    world.run(Duration::from_millis(5));
    for id in 0..4_000 {
        world.ask(1, HOME, id, Operation::RestoreData { imsi: imsi() });
        world.run(Duration::from_millis(1));
        for told in world.told(0) {
            if let Told::Asked { id, .. } = told {
                world.answer(0, VISITED, id, Ok(Outcome::Restored { hlr: "491770000001".parse().unwrap() }));
            }
        }
    }
    world.run(Duration::from_millis(20));
    let told = world.told(1);
    let good = told.iter().filter(|told| matches!(told, Told::Answered { result: Ok(_), .. })).count();
    let bad = told.iter().filter(|told| matches!(told, Told::Answered { result: Err(_), .. })).count();
    // Those before the first stream stood are refused at once, by their asker's own adapter.
    assert!(bad <= 5 && good + bad == 4_000 - world.told(0).len(), "{good} and {bad}");
}

#[test]
fn a_broken_stream_answers_what_waits_and_is_opened_again() {
    let mut world = World::up();
    world.ask(1, HOME, 1, Operation::RestoreData { imsi: imsi() });
    world.run(Duration::from_millis(10));
    world.told(0);
    world.cut = true;
    world.break_all();
    world.run(Duration::from_millis(1));
    let answered = Told::Answered { partner: HOME, id: DialogueId(1), result: Err(Cause::NoAnswer) };
    assert_eq!(world.told(1), [Told::Down(HOME), answered]);
    assert_eq!(world.told(0), [Told::Down(VISITED)]);
    world.ask(1, HOME, 2, Operation::RestoreData { imsi: imsi() });
    let answered = Told::Answered { partner: HOME, id: DialogueId(2), result: Err(Cause::NoAnswer) };
    assert_eq!(world.told(1), [answered], "at once");
    world.run(Duration::from_secs(300));
    world.cut = false;
    world.run(Duration::from_secs(46));
    assert_eq!(world.told(1), [Told::Up(HOME)]);
}

#[test]
fn a_partner_that_was_started_again_is_heard_at_once_and_the_dead_stream_goes() {
    for both in [false, true] {
        let mut world = World::new(both, true);
        world.run(Duration::from_secs(10));
        world.told(0);
        world.told(1);
        world.restart(1, node(VISITED, HOME, Some(0), 3));
        world.run(Duration::from_millis(100));
        world.ask(1, HOME, 1, Operation::RestoreData { imsi: imsi() });
        world.run(Duration::from_millis(10));
        let told = world.told(0);
        let Some(Told::Asked { id, .. }) = told.last() else { panic!("{told:?}") };
        let outcome = Outcome::Restored { hlr: "491770000001".parse().unwrap() };
        world.answer(0, VISITED, *id, Ok(outcome));
        world.run(Duration::from_millis(10));
        assert!(matches!(world.told(1).last(), Some(Told::Answered { result: Ok(_), .. })));
        world.run(Duration::from_secs(30));
        assert_eq!(world.streams(), 2);
        let operation = Operation::CancelLocation {
            imsi: imsi(),
            reason: CancelReason::UpdateProcedure,
            generation: Generation(1),
        };
        world.ask(0, VISITED, 2, operation);
        world.run(Duration::from_millis(10));
        assert!(matches!(world.told(1).last(), Some(Told::Asked { .. })), "the home asks on the new stream");
    }
}

#[test]
fn a_silent_partner_is_asked_and_then_given_up() {
    let mut world = World::up();
    world.restart(0, node(HOME, VISITED, None, 4));
    world.run(Duration::from_secs(14));
    assert_eq!(world.told(1), []);
    world.run(Duration::from_secs(4));
    assert_eq!(world.told(1), [Told::Down(HOME), Told::Up(HOME)]);
}

/// An accepted stream of nobody known yet.
fn accept(world: &mut World, stream: u64, transport: Transport) {
    let address = ([127, 0, 0, 1], 9).into();
    let stream = StreamId(stream);
    world.nodes[0]
        .map
        .handle(world.now, Arrival::Connected { stream, local: address, remote: address, transport });
}

fn closed(world: &mut World) -> Vec<StreamId> {
    let (mut scratch, mut closed) = (Scratch::default(), Vec::new());
    loop {
        match world.nodes[0].map.poll(&mut scratch) {
            Step::Close(stream) => closed.push(stream),
            Step::Wait(_) => return closed,
            Step::Send(_) => panic!("something is said to a stranger"),
            _ => {}
        }
    }
}

#[test]
fn strangers_get_nothing() {
    let mut world = World::new(false, false);
    world.run(Duration::from_secs(1));
    accept(&mut world, 1, Transport::Tls);
    world.nodes[0].map.handle(world.now, Arrival::Identified { stream: StreamId(1), name: "evil.example" });
    assert_eq!(closed(&mut world), [StreamId(1)], "a name of no partner");
    accept(&mut world, 3, Transport::Tls);
    world.nodes[0]
        .map
        .handle(world.now, Arrival::Stream { stream: StreamId(3), bytes: &[1, 0, 3, 1, 0, 0, 0, 8] });
    assert_eq!(closed(&mut world), [StreamId(3)], "bytes before a name");
    accept(&mut world, 5, Transport::Tcp);
    assert_eq!(closed(&mut world), [StreamId(5)], "nothing secures it");
    accept(&mut world, 9, Transport::Udp);
    let name = "visited.example";
    world.nodes[0].map.handle(world.now, Arrival::Identified { stream: StreamId(9), name });
    assert_eq!(closed(&mut world), [StreamId(9)], "a partner of whom a certificate is wanted comes without");
    accept(&mut world, 7, Transport::Tls);
    assert_eq!(closed(&mut world), []);
    let later = world.now.later(Duration::from_secs(6));
    world.nodes[0].map.tick(later);
    assert_eq!(closed(&mut world), [StreamId(7)], "no name in time");
    (0..64).for_each(|n| accept(&mut world, 101 + 2 * n, Transport::Tls));
    assert_eq!(closed(&mut world), []);
    accept(&mut world, 999, Transport::Tls);
    assert_eq!(closed(&mut world), [StreamId(999)], "more than there is room for");
}

#[test]
fn bytes_that_frame_no_message_end_the_stream() {
    let mut world = World::up();
    let stream = *world.ends.keys().find(|(node, _)| *node == 0).map(|(_, stream)| stream).unwrap();
    world.nodes[0].map.handle(world.now, Arrival::Stream { stream, bytes: b"GET / HTTP/1.1\r\n" });
    world.run(Duration::from_millis(10));
    assert_eq!(world.told(0), [Told::Malformed(VISITED), Told::Down(VISITED)]);
}

proptest! {
    #[test]
    fn any_bytes_of_a_partner_end_in_order(pieces in vec(vec(any::<u8>(), 0..60), 1..4), kind in prop::sample::select(vec![0x09_u8, 0x11, 0x0a])) {
        let mut world = World::up();
        let stream = *world.ends.keys().find(|(node, _)| *node == 0).map(|(_, stream)| stream).unwrap();
        for mut piece in pieces {
            piece.insert(0, kind);
            let mut message = Vec::new();
            crate::private::m3ua::write_data(&mut message, (1, 2), &piece);
            world.nodes[0].map.handle(world.now, Arrival::Stream { stream, bytes: &message });
        }
        world.run(Duration::from_millis(10));
        prop_assert!(world.told(0).iter().all(|told| *told == Told::Malformed(VISITED)));
    }
}
