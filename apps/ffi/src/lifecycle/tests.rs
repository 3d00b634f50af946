use proptest::{collection::vec, prelude::*};

use super::*;

fn told(facts: &[Fact]) -> Vec<Step> {
    let (mut call, mut steps) = (Lifecycle::default(), Vec::new());
    facts.iter().for_each(|fact| call.on(*fact, |step| steps.push(step)));
    steps
}

#[test]
fn an_outgoing_call_is_connecting_before_it_is_connected() {
    let facts = [Fact::Dialled, Fact::Alerted, Fact::Answered, Fact::Over(EndReason::PeerHungUp)];
    let steps = [Step::Connecting, Step::Ringing, Step::Connected, Step::Ended(EndReason::PeerHungUp)];
    assert_eq!(told(&facts), steps);
    assert_eq!(
        told(&[Fact::Answered]),
        [Step::Connecting, Step::Connected],
        "the platform learns of it first"
    );
}

#[test]
fn an_incoming_call_is_told_before_anything_else_and_its_end_without_an_answer_once() {
    let over = Fact::Over(EndReason::Missed);
    assert_eq!(
        told(&[Fact::CalledUs, over, over, Fact::Answered]),
        [Step::Incoming, Step::Ended(EndReason::Missed)]
    );
}

#[test]
fn what_comes_late_or_twice_is_not_told() {
    let facts = [
        Fact::Dialled,
        Fact::HeldBy(Party::Peer),
        Fact::Alerted,
        Fact::Alerted,
        Fact::Early,
        Fact::Answered,
        Fact::Early,
        Fact::Answered,
        Fact::ResumedBy(Party::Us),
    ];
    assert_eq!(told(&facts), [Step::Connecting, Step::Ringing, Step::EarlyMedia, Step::Connected]);
}

#[test]
fn each_party_holds_and_resumes_by_itself() {
    let facts = [
        Fact::CalledUs,
        Fact::Answered,
        Fact::HeldBy(Party::Us),
        Fact::HeldBy(Party::Peer),
        Fact::HeldBy(Party::Us),
        Fact::ResumedBy(Party::Us),
        Fact::ResumedBy(Party::Peer),
    ];
    let held = [
        Step::Held(Party::Us),
        Step::Held(Party::Peer),
        Step::Resumed(Party::Us),
        Step::Resumed(Party::Peer),
    ];
    assert_eq!(told(&facts).get(2..), Some(&held[..]));
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let party = prop_oneof![Just(Party::Us), Just(Party::Peer)];
    vec(
        prop_oneof![
            Just(Fact::CalledUs),
            Just(Fact::Dialled),
            Just(Fact::Alerted),
            Just(Fact::Early),
            Just(Fact::Answered),
            party.clone().prop_map(Fact::HeldBy),
            party.prop_map(Fact::ResumedBy),
            Just(Fact::Over(EndReason::Failed)),
        ],
        0..40,
    )
}

proptest! {
    #[test]
    fn whatever_happens_in_whatever_order_the_platform_is_told_in_its_own(facts in facts()) {
        let steps = told(&facts);
        let count = |wanted: Step| steps.iter().filter(|step| **step == wanted).count();
        let at = |wanted: Step| steps.iter().position(|step| *step == wanted);
        let begins = |step: &Step| matches!(step, Step::Incoming | Step::Connecting);
        prop_assert!(steps.first().is_none_or(begins));
        prop_assert!(steps.iter().skip(1).all(|step| !begins(step)));
        for once in [Step::Ringing, Step::EarlyMedia, Step::Connected, Step::Ended(EndReason::Failed)] {
            prop_assert!(count(once) <= 1, "{once:?}");
        }
        if let Some(end) = at(Step::Ended(EndReason::Failed)) {
            prop_assert_eq!(end + 1, steps.len());
        }
        let connected = at(Step::Connected).unwrap_or(usize::MAX);
        for (before, step) in steps.iter().enumerate() {
            match step {
                Step::Ringing | Step::EarlyMedia => prop_assert!(before < connected),
                Step::Held(_) | Step::Resumed(_) => prop_assert!(before > connected),
                _ => {}
            }
        }
        for party in [Party::Us, Party::Peer] {
            let turns = steps.iter().filter_map(|step| match step {
                Step::Held(who) if *who == party => Some(true),
                Step::Resumed(who) if *who == party => Some(false),
                _ => None,
            });
            prop_assert!(turns.enumerate().all(|(turn, held)| held == (turn % 2 == 0)), "{steps:?}");
        }
    }
}
