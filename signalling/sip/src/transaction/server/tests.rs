use core::time::Duration;

use super::*;
use Delivery::{Reliable, Unreliable};

const START: Instant = Instant::from_nanos(7_000_000_000);

fn at(ms: u64) -> Instant {
    START + Duration::from_millis(ms)
}

#[test]
fn timer_j_answers_repeated_requests_for_32_seconds() {
    let mut machine = Server::start(Unreliable);
    assert!(machine.respond(at(10), 200));
    assert!(machine.request_again());
    assert_eq!(machine.deadline(), Some(at(32_010)));
    assert_eq!(machine.tick(at(32_009)), Fired::Nothing);
    assert_eq!(machine.tick(at(32_010)), Fired::Finished);
    assert!(machine.is_terminated());
}

#[test]
fn over_a_stream_the_final_response_ends_it_at_once() {
    let mut machine = Server::start(Reliable);
    assert!(machine.respond(at(10), 200));
    assert!(machine.is_terminated());
    assert_eq!(machine.deadline(), None);
}

#[test]
fn a_repeated_request_is_absorbed_until_something_was_answered() {
    let mut machine = Server::start(Unreliable);
    assert!(!machine.request_again());
    assert!(machine.respond(at(1), 100));
    assert!(machine.request_again());
    assert!(machine.respond(at(2), 200));
    assert!(!machine.respond(at(3), 500), "a final response stands");
}
