//! Time that is paid for, second by second.

use core::time::Duration;

use rove_nat::stun::turn::Method;

use super::world::{World, config};
use crate::{counts::Cause, credit::Credits};

#[test]
fn b26_an_address_is_taken_back_when_its_credit_is_spent_and_told_of_before() {
    let mut world = World::new(config());
    world.server.set_credits(Credits::new([("alice".to_owned(), Duration::from_secs(5))]));
    let (mut alice, mut bob) = (world.alice(), world.client("bob", "secret of bob"));
    // Nobody has an address, and nobody pays.
    world.now = world.now.later(Duration::from_secs(100));
    world.allocate(&mut alice);
    world.allocate(&mut bob);
    for second in 1..5 {
        world.later(1);
        assert_eq!(world.server.next_spent(), None, "after {second} s");
    }
    world.later(1);
    assert_eq!(world.server.next_spent().as_deref(), Some(&b"alice"[..]));
    assert_eq!((world.server.next_spent(), world.bound.len()), (None, 2), "told once, and not cut yet");
    world.later(1);
    assert_eq!(world.bound.len(), 1, "who pays nothing keeps what he has");
    let said = world.ask(&mut alice, Method::Allocate, |ask| ask.transport(17));
    assert_eq!(said.error, Some(486));
    assert_eq!(world.server.counts().refused(Cause::NoCredit), 1);
    // More is bought: it goes on where it ended.
    let more = Credits::new([("alice".to_owned(), Duration::from_secs(9))]).after(world.server.credits());
    world.server.set_credits(more);
    world.allocate(&mut alice);
    assert_eq!(world.bound.len(), 2);
}
