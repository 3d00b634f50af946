//! What people do with calls that stand (RFC 5359): hold, consult, hand over, forward.

use core::time::Duration;

use rove_phone::{
    CallId, CodecId, Party, PhoneEvent, Progress,
    virtual_time::{VirtualConfig, VirtualPhone},
};
use rove_tests::{Handle, Impairments, Loss, Owner, PhoneHost, World};

use crate::scene::phone;

/// Three phones; Bob and Carol pick up.
struct Trio {
    world: World,
    alice: Handle<PhoneHost>,
    bob: Handle<PhoneHost>,
    carol: Handle<PhoneHost>,
}

const BOB: &str = "192.0.2.3";
const CAROL: &str = "192.0.2.4";
const SECOND: Duration = Duration::from_secs(1);

impl Trio {
    fn new(seed: u64) -> Self {
        Self::speaking(seed, &phone(2).codecs)
    }

    fn speaking(seed: u64, codecs: &[CodecId]) -> Self {
        let mut world = World::new(seed);
        let mut add = |name, host, owner| {
            let seed = seed ^ u64::from(host);
            let config = VirtualConfig { codecs: codecs.to_vec(), ..phone(host) };
            world.add(name, PhoneHost::new(VirtualPhone::new(config, seed), owner))
        };
        let alice = add("alice", 2, Owner::IsAway);
        let (bob, carol) = (add("bob", 3, Owner::Answers), add("carol", 4, Owner::Answers));
        Self { world, alice, bob, carol }
    }

    /// With losses on every link.
    fn lossy(seed: u64) -> Self {
        let mut trio = Self::new(seed);
        let link = Impairments::delay(Duration::from_millis(20)).with_loss(Loss::Independent(0.2));
        trio.world.set_default_link(link);
        trio
    }

    /// Alice calls, and talks for a second.
    fn call(&mut self, target: &str) -> CallId {
        let call = self.world.act(self.alice, |alice, now| alice.phone.dial(now, target)).unwrap();
        self.wait(self.alice, call, |progress| matches!(progress, Progress::Answered { .. }));
        self.world.run_for(SECOND);
        call
    }

    /// Waits until `phone` hears this of `call`.
    fn wait(&mut self, phone: Handle<PhoneHost>, call: CallId, like: impl Fn(&Progress) -> bool) {
        let seen = self.world.wait_for(Duration::from_secs(60), |world| told(world.get(phone), call, &like));
        assert!(seen, "{:#?}", self.world.trace().lines());
    }

    /// The only call of a phone.
    fn only(&self, phone: Handle<PhoneHost>) -> CallId {
        let calls = self.world.get(phone).events.iter().filter_map(|(_, event)| match event {
            PhoneEvent::Call { call, progress: Progress::Incoming { .. } } => Some(*call),
            _ => None,
        });
        let calls: Vec<CallId> = calls.collect();
        assert_eq!(calls.len(), 1);
        calls[0]
    }

    /// How loud the last half second of a call is at a phone: the mean of its samples' squares.
    fn loudness(&self, phone: Handle<PhoneHost>, call: CallId) -> f32 {
        let heard = self.world.get(phone).phone.heard(call);
        let last = &heard[heard.len().saturating_sub(24_000)..];
        last.iter().map(|sample| sample * sample).sum::<f32>() / 24_000.0
    }

    fn causes(&self, phone: Handle<PhoneHost>) -> Vec<&str> {
        self.world.get(phone).reports().map(|report| report.cause.as_str()).collect()
    }
}

fn told(phone: &PhoneHost, call: CallId, like: &impl Fn(&Progress) -> bool) -> bool {
    phone.saw(
        |event| matches!(event, PhoneEvent::Call { call: of, progress } if *of == call && like(progress)),
    )
}

/// RFC 5359 §2.1.
#[test]
fn a_held_call_is_silent_on_both_sides_for_a_minute_and_then_heard_again() {
    let mut trio = Trio::new(1);
    let (alice, bob) = (trio.alice, trio.bob);
    let call = trio.call(BOB);
    let bobs = trio.only(bob);
    assert!(trio.loudness(alice, call) > 0.05 && trio.loudness(bob, bobs) > 0.05);
    trio.world.act(alice, |alice, now| alice.phone.hold(now, call));
    trio.wait(alice, call, |progress| *progress == Progress::Held { by: Party::Us });
    trio.wait(bob, bobs, |progress| *progress == Progress::Held { by: Party::Peer });
    trio.world.run_for(60 * SECOND);
    assert!(trio.loudness(alice, call) < 0.001 && trio.loudness(bob, bobs) < 0.001);
    trio.world.act(alice, |alice, now| alice.phone.resume(now, call));
    trio.wait(alice, call, |progress| *progress == Progress::Resumed { by: Party::Us });
    trio.wait(bob, bobs, |progress| *progress == Progress::Resumed { by: Party::Peer });
    trio.world.run_for(2 * SECOND);
    assert!(trio.loudness(alice, call) > 0.05 && trio.loudness(bob, bobs) > 0.05, "nobody has given up");
    trio.world.act(alice, |alice, now| alice.phone.hang_up(now, call));
    trio.world.run_for(SECOND);
    assert_eq!((trio.causes(alice), trio.causes(bob)), (vec!["hung_up"], vec!["peer_hung_up"]));
}

/// RFC 5359 §2.2, and call waiting: two calls at once, one of them held.
#[test]
fn consulting_a_third_leaves_the_first_call_held_and_back_again() {
    for seed in 0..4 {
        let mut trio = Trio::lossy(seed);
        let (alice, bob) = (trio.alice, trio.bob);
        let first = trio.call(BOB);
        let bobs = trio.only(bob);
        trio.world.act(alice, |alice, now| alice.phone.hold(now, first));
        trio.wait(alice, first, |progress| *progress == Progress::Held { by: Party::Us });
        let second = trio.call(CAROL);
        assert!(trio.loudness(alice, second) > 0.03, "Carol is heard");
        trio.world.run_for(5 * SECOND);
        let heard = trio.loudness(bob, bobs);
        assert!(heard < 0.02, "Bob hears nothing of it: {heard}, seed {seed}");
        trio.world.act(alice, |alice, now| alice.phone.hang_up(now, second));
        trio.world.act(alice, |alice, now| alice.phone.resume(now, first));
        trio.wait(alice, first, |progress| *progress == Progress::Resumed { by: Party::Us });
        trio.world.run_for(2 * SECOND);
        assert!(trio.loudness(alice, first) > 0.03);
    }
}

/// RFC 5359 §2.4.
#[test]
fn an_unattended_transfer_connects_the_other_two_and_ends_the_transferors_call() {
    for seed in 0..4 {
        let mut trio = Trio::lossy(seed);
        let (alice, bob, carol) = (trio.alice, trio.bob, trio.carol);
        let call = trio.call(BOB);
        let bobs = trio.only(bob);
        trio.world.act(alice, |alice, now| alice.phone.transfer(now, call, CAROL)).unwrap();
        trio.wait(alice, call, |progress| matches!(progress, Progress::Ended { .. }));
        assert!(told(trio.world.get(bob), bobs, &|progress| matches!(progress, Progress::Referred { .. })));
        trio.world.run_for(3 * SECOND);
        let carols = trio.only(carol);
        assert!(trio.loudness(carol, carols) > 0.03, "Carol hears Bob");
        trio.world.run_for(40 * SECOND);
        assert_eq!((trio.causes(alice), trio.causes(bob)), (vec!["transferred"], vec!["peer_hung_up"]));
        assert_eq!(trio.causes(carol), Vec::<&str>::new(), "their call goes on");
    }
}

/// RFC 5359 §2.5, RFC 5589 §7.
#[test]
fn an_attended_transfer_leaves_one_call_between_the_other_two() {
    for seed in 0..4 {
        let mut trio = Trio::lossy(seed);
        let (alice, bob, carol) = (trio.alice, trio.bob, trio.carol);
        let first = trio.call(BOB);
        trio.world.act(alice, |alice, now| alice.phone.hold(now, first));
        trio.wait(alice, first, |progress| *progress == Progress::Held { by: Party::Us });
        let second = trio.call(CAROL);
        trio.world.act(alice, |alice, now| alice.phone.transfer_to(now, first, second));
        trio.wait(alice, first, |progress| matches!(progress, Progress::Ended { .. }));
        trio.wait(alice, second, |progress| matches!(progress, Progress::Ended { .. }));
        trio.world.run_for(45 * SECOND);
        assert_eq!(trio.causes(bob), ["peer_hung_up"]);
        assert_eq!(trio.causes(carol), ["transferred"], "the call with Alice was replaced");
        let mut causes = trio.causes(alice);
        causes.sort_unstable();
        assert_eq!(causes, ["peer_hung_up", "transferred"]);
        let mut calls = trio.world.get(carol).events.iter().filter_map(|(_, event)| match event {
            PhoneEvent::Call { call, progress: Progress::Incoming { .. } } => Some(*call),
            _ => None,
        });
        let last = calls.next_back().unwrap();
        assert!(trio.loudness(carol, last) > 0.03, "Carol hears Bob");
    }
}

#[test]
fn a_transfer_to_nobody_leaves_the_call_as_it_was() {
    let mut trio = Trio::new(5);
    let (alice, bob) = (trio.alice, trio.bob);
    let call = trio.call(BOB);
    trio.world.act(alice, |alice, now| alice.phone.transfer(now, call, "192.0.2.99")).unwrap();
    trio.wait(alice, call, |progress| matches!(progress, Progress::TransferFailed { .. }));
    trio.world.run_for(2 * SECOND);
    assert!(trio.loudness(alice, call) > 0.05, "and is heard");
    assert_eq!(trio.causes(alice), Vec::<&str>::new());
    assert_eq!(trio.causes(bob), ["unreachable"], "Bob's attempt, not the call");
}

/// RFC 5359 §2.8.
#[test]
fn a_forwarded_call_reaches_whom_it_is_forwarded_to() {
    let mut trio = Trio::new(6);
    let (alice, carol) = (trio.alice, trio.carol);
    let mut add = |host, to: &'static str| {
        let dave = PhoneHost::new(VirtualPhone::new(phone(host), 7), Owner::Forwards(to));
        trio.world.add("dave", dave)
    };
    let dave = add(5, CAROL);
    let call = trio.call("192.0.2.5");
    assert!(told(trio.world.get(alice), call, &|progress| matches!(progress, Progress::Forwarded { .. })));
    let carols = trio.only(carol);
    assert!(trio.loudness(carol, carols) > 0.05);
    assert_eq!(trio.causes(dave), ["forwarded"]);
}

#[test]
fn two_phones_that_forward_to_each_other_do_not_keep_the_caller_for_ever() {
    let mut trio = Trio::new(8);
    let mut add = |name, host, to| {
        trio.world.add(name, PhoneHost::new(VirtualPhone::new(phone(host), 7), Owner::Forwards(to)))
    };
    add("dave", 5, "192.0.2.6");
    add("erin", 6, "192.0.2.5");
    let alice = trio.alice;
    let call = trio.world.act(alice, |alice, now| alice.phone.dial(now, "192.0.2.5")).unwrap();
    trio.wait(alice, call, |progress| matches!(progress, Progress::Ended { .. }));
    trio.world.run_for(SECOND);
    assert_eq!(trio.causes(alice), ["refused"]);
}

#[test]
fn a_key_told_by_sip_arrives_once() {
    let mut trio = Trio::lossy(9);
    let (alice, bob) = (trio.alice, trio.bob);
    let call = trio.call(BOB);
    let bobs = trio.only(bob);
    let duration = Duration::from_millis(200);
    trio.world.act(alice, |alice, now| alice.phone.send_dtmf(now, call, '5', duration));
    trio.wait(bob, bobs, |progress| *progress == Progress::Key { key: '5', duration });
    trio.world.run_for(35 * SECOND);
    let keys = trio.world.get(bob).events.iter();
    let keys =
        keys.filter(|(_, event)| matches!(event, PhoneEvent::Call { progress: Progress::Key { .. }, .. }));
    assert_eq!(keys.count(), 1);
}

/// A call of an hour is refreshed, and one whose other end has vanished ends by itself (RFC 4028).
#[test]
fn a_phone_that_vanishes_does_not_keep_the_other_in_the_call() {
    let mut trio = Trio::speaking(10, &[CodecId::Pcmu]);
    let (alice, bob) = (trio.alice, trio.bob);
    trio.call(BOB);
    trio.world.set_link(alice, bob, Impairments::delay(SECOND / 50).with_loss(Loss::Independent(1.0)));
    trio.world.run_for(1_900 * SECOND);
    assert_eq!((trio.causes(alice), trio.causes(bob)), (vec!["lost"], vec!["lost"]));
}
