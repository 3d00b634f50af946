use rove_base::UnixTime;

use super::*;

struct World {
    room: Room,
    at: Instant,
}

const A: CallId = CallId(1);
const B: CallId = CallId(2);
const C: CallId = CallId(3);

impl World {
    fn new(config: RoomConfig) -> Self {
        Self { room: Room::new(config), at: Instant::ZERO }
    }

    fn now(&self) -> Now {
        Now { mono: self.at, wall: UnixTime::default() }
    }

    fn asks(&mut self) -> Vec<RoomAsk> {
        let mut scratch = Scratch::default();
        core::iter::from_fn(|| match self.room.poll(&mut scratch) {
            Step::Event(ask) => Some(ask),
            _ => None,
        })
        .collect()
    }

    fn tell(&mut self, fact: RoomFact<'_>) -> Vec<RoomAsk> {
        self.room.handle(self.now(), fact);
        self.asks()
    }

    fn comes(&mut self, call: CallId, from: &str) -> Vec<RoomAsk> {
        assert_eq!(self.tell(RoomFact::Called { call, from }), [RoomAsk::Answer(call)]);
        self.tell(RoomFact::Up { call })
    }

    fn types(&mut self, call: CallId, keys: &str) -> Vec<RoomAsk> {
        keys.chars().flat_map(|key| self.tell(RoomFact::Key { call, key })).collect()
    }

    fn writes(&mut self, call: CallId, text: &str) -> Vec<RoomAsk> {
        self.tell(RoomFact::Wrote { call: Some(call), from: "", text })
    }
}

fn line(call: CallId, text: &str) -> RoomAsk {
    RoomAsk::Write { call, text: text.into() }
}

fn open() -> World {
    let mut world = World::new(RoomConfig::named("team@h.example"));
    world.comes(A, "\"Alice\" <sip:alice@h.example>;tag=1");
    world.comes(B, "<sip:bob@h.example>");
    world
}

#[test]
fn b12_whoever_comes_hears_those_who_are_there_and_whoever_leaves_is_heard_no_more() {
    let mut world = World::new(RoomConfig::named("team@h.example"));
    let asks = world.comes(A, "<sip:alice@h.example>");
    assert_eq!(asks[0], RoomAsk::Confer(vec![A]));
    let asks = world.comes(B, "<sip:bob@h.example>");
    assert_eq!(asks[0], RoomAsk::Confer(vec![A, B]));
    assert!(asks.contains(&line(A, "bob has come in")), "{asks:?}");
    assert!(asks.contains(&RoomAsk::Joined { name: "bob".into(), parties: 2 }));
    let asks = world.tell(RoomFact::Over { call: A });
    assert_eq!(
        asks,
        [
            RoomAsk::Confer(vec![B]),
            line(B, "alice has left"),
            RoomAsk::Left { name: "alice".into(), parties: 1 }
        ]
    );
    assert_eq!(world.tell(RoomFact::Over { call: A }), []);
}

#[test]
fn a_room_that_is_full_is_busy_until_somebody_leaves() {
    let mut world = World::new(RoomConfig { most: 2, ..RoomConfig::named("team@h.example") });
    world.comes(A, "<sip:alice@h.example>");
    world.tell(RoomFact::Called { call: B, from: "<sip:bob@h.example>" });
    let third = RoomFact::Called { call: C, from: "<sip:carol@h.example>" };
    assert_eq!(world.tell(third), [RoomAsk::Refuse(C)], "who is about to come in counts");
    world.tell(RoomFact::Over { call: B });
    assert_eq!(world.tell(third), [RoomAsk::Answer(C)]);
}

#[test]
fn nobody_is_heard_or_hears_before_the_pin_and_three_wrong_ones_or_half_a_minute_end_the_call() {
    let config = RoomConfig { pin: Some("1234".into()), ..RoomConfig::named("team@h.example") };
    let mut world = World::new(config);
    let asks = world.comes(A, "<sip:alice@h.example>");
    assert!(matches!(&asks[..], [RoomAsk::Write { call: A, .. }]), "{asks:?}");
    assert!(world.types(A, "12345#").iter().all(|ask| matches!(ask, RoomAsk::Write { .. })));
    let asks = world.types(A, "1234#");
    assert_eq!(asks[0], RoomAsk::Confer(vec![A]));
    world.comes(B, "<sip:bob@h.example>");
    assert!(!world.types(B, "1#12#").contains(&RoomAsk::HangUp(B)));
    assert!(world.types(B, "123#").contains(&RoomAsk::HangUp(B)));
    world.tell(RoomFact::Over { call: B });
    world.comes(C, "<sip:carol@h.example>");
    assert_eq!(world.writes(C, "let me in"), [], "nothing is passed on from outside");
    world.at = Instant::ZERO.later(PATIENCE);
    world.room.tick(world.now());
    assert_eq!(world.asks(), [RoomAsk::HangUp(C)]);
    assert_eq!(world.room.parties(), 1);
}

#[test]
fn only_a_moderator_mutes_and_sends_away() {
    let config = RoomConfig { moderator_pin: Some("99".into()), ..RoomConfig::named("team@h.example") };
    let mut world = World::new(config);
    world.comes(A, "<sip:alice@h.example>");
    world.comes(B, "<sip:bob@h.example>");
    assert_eq!(world.writes(A, "/mute bob"), [line(A, "only a moderator may do that")]);
    assert_eq!(world.types(A, "99#"), [line(A, "you are a moderator now")]);
    assert_eq!(world.writes(A, "/mute bob")[0], RoomAsk::Mute { call: B, muted: true });
    assert_eq!(world.writes(B, "/who"), [line(B, "2 here: alice (moderator), bob (muted)")]);
    assert_eq!(world.writes(A, "/unmute bob")[0], RoomAsk::Mute { call: B, muted: false });
    assert_eq!(world.writes(A, "/mute nobody"), [line(A, "nobody here is called nobody")]);
    assert_eq!(world.writes(A, "/kick bob"), [RoomAsk::HangUp(B)]);
}

#[test]
fn b11_a_line_goes_to_all_others_and_is_kept_only_where_that_was_wanted() {
    let mut world = open();
    assert_eq!(world.writes(A, "hello\r\n"), [line(B, "alice: hello")]);
    let outside = RoomFact::Wrote { call: None, from: "<sip:bob@h.example>;tag=9", text: "and hello" };
    assert_eq!(world.tell(outside), [line(A, "bob: and hello")], "from outside of the call as well");
    let stranger = RoomFact::Wrote { call: None, from: "<sip:eve@h.example>", text: "psst" };
    assert_eq!(world.tell(stranger), []);
    let lines =
        |asks: &[RoomAsk]| asks.iter().filter(|ask| matches!(ask, RoomAsk::Write { call: C, .. })).count();
    assert_eq!(lines(&world.comes(C, "<sip:carol@h.example>")), 1, "the greeting alone");
    let mut world = World::new(RoomConfig { history: 2, ..RoomConfig::named("team@h.example") });
    world.comes(A, "<sip:alice@h.example>");
    (0..5).for_each(|number| drop(world.writes(A, &format!("line {number}"))));
    let asks = world.comes(C, "<sip:carol@h.example>");
    assert!(asks.contains(&line(C, "alice: line 3")) && asks.contains(&line(C, "alice: line 4")), "{asks:?}");
    assert_eq!(lines(&asks), 3);
}

#[test]
fn who_writes_too_much_is_told_so_and_names_are_not_shared() {
    let mut world = open();
    world.comes(C, "<sip:bob@elsewhere.example>");
    assert_eq!(world.writes(C, "it is me"), [line(A, "bob-2: it is me"), line(B, "bob-2: it is me")]);
    let passed = (0..100).filter(|_| world.writes(A, "again").contains(&line(B, "alice: again"))).count();
    assert_eq!(passed, 20);
    world.at = Instant::ZERO.later(Duration::from_secs(10));
    assert_eq!(world.writes(A, "now"), [line(B, "alice: now"), line(C, "alice: now")]);
    assert_eq!(
        world.tell(RoomFact::Floor { call: Some(C) }),
        [RoomAsk::Floor { name: Some("bob-2".into()) }]
    );
}

#[test]
fn b12_who_is_in_has_another_called_who_needs_no_pin_and_who_is_not_in_cannot() {
    let config = RoomConfig { pin: Some("1234".into()), ..RoomConfig::named("team@h.example") };
    let mut world = World::new(config);
    world.comes(A, "<sip:alice@h.example>");
    let invited = RoomFact::Invited { by: A, call: B, to: "sip:bob@h.example" };
    assert_eq!(world.tell(invited), [RoomAsk::HangUp(B)], "from the door nobody is called");
    world.types(A, "1234#");
    assert_eq!(world.tell(invited), []);
    assert_eq!(world.tell(RoomFact::Up { call: B })[0], RoomAsk::Confer(vec![A, B]));
}
