//! Every operation between two adapters.

use super::*;

const HOME_NODE: usize = 0;
const VISITED_NODE: usize = 1;

/// Asks, and answers as the other side's owner; what the asker is told.
fn ask_and_answer(
    world: &mut World,
    asker: usize,
    operation: &Operation,
    result: Result<Outcome, Cause>,
) -> Result<Outcome, Cause> {
    let (partner, asked) = if asker == HOME_NODE { (VISITED, VISITED_NODE) } else { (HOME, HOME_NODE) };
    let back = if asker == HOME_NODE { HOME } else { VISITED };
    world.ask(asker, partner, 77, operation.clone());
    world.run(Duration::from_millis(10));
    let told = world.told(asked);
    let [Told::Asked { partner: from, id, operation: heard }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((*from, heard), (back, operation));
    world.answer(asked, back, *id, result);
    world.run(Duration::from_millis(10));
    let mut told = world.told(asker);
    let Some(Told::Answered { partner: from, id: DialogueId(77), result }) = told.pop() else {
        panic!("{told:?}")
    };
    assert_eq!((from, told.len()), (partner, 0));
    result
}

fn authentication(count: u8, resynchronisation: Option<Resynchronisation>) -> Operation {
    Operation::SendAuthenticationInfo {
        imsi: imsi(),
        visited: visited(),
        count,
        resynchronisation,
        eps: None,
    }
}

fn bind() -> Operation {
    Operation::Bind { claim: claim(), proof: Proof(vec![9; 32]), lease: 30 }
}

fn cancel(reason: CancelReason) -> Operation {
    Operation::CancelLocation { imsi: imsi(), reason, generation: Generation(6) }
}

#[test]
fn every_operation_arrives_as_it_was_asked_and_its_answer_as_it_was_given() {
    let mut world = World::up();
    let hlr = "491770000001".parse().unwrap();
    let aka = |seed| Challenge::Aka(Box::new(quintuplet(seed)));
    let key = Challenge::Ed25519 { nonce: [5; 32], public_key: [6; 32] };
    let resynchronisation = Some(Resynchronisation { rand: [1; 16], auts: [2; 14] });
    let location = Operation::UpdateLocation { imsi: imsi(), visited: visited() };
    let purge = Operation::PurgeMs { imsi: imsi(), visited: visited(), generation: Generation(u64::MAX) };
    let insert = Operation::InsertSubscriberData { imsi: imsi(), subscription: subscription() };
    let delete = Operation::DeleteSubscriberData { imsi: imsi(), services: services(0b00110) };
    let cases: Vec<(usize, Operation, Outcome)> = vec![
        (VISITED_NODE, authentication(1, None), Outcome::AuthenticationInfo(vec![aka(1)])),
        (
            VISITED_NODE,
            authentication(5, resynchronisation),
            Outcome::AuthenticationInfo((1..6).map(aka).collect()),
        ),
        (VISITED_NODE, authentication(1, None), Outcome::AuthenticationInfo(vec![key])),
        (VISITED_NODE, location, Outcome::Located { hlr, generation: Generation(1 << 40) }),
        (VISITED_NODE, bind(), Outcome::Bound { lease: 30 }),
        (VISITED_NODE, purge, Outcome::Done),
        (VISITED_NODE, Operation::RestoreData { imsi: imsi() }, Outcome::Restored { hlr }),
        (HOME_NODE, insert, Outcome::Done),
        (HOME_NODE, delete, Outcome::Done),
        (HOME_NODE, cancel(CancelReason::UpdateProcedure), Outcome::Done),
        (HOME_NODE, cancel(CancelReason::SubscriptionWithdrawn), Outcome::Done),
    ];
    for (asker, operation, outcome) in cases {
        assert_eq!(
            ask_and_answer(&mut world, asker, &operation, Ok(outcome.clone())),
            Ok(outcome),
            "{operation:?}"
        );
    }
}

#[test]
fn a_reset_is_told_and_needs_no_answer() {
    let mut world = World::up();
    let operation = Operation::Reset { hlr: "491770000001".parse().unwrap() };
    world.ask(HOME_NODE, VISITED, 5, operation.clone());
    let answered = Told::Answered { partner: VISITED, id: DialogueId(5), result: Ok(Outcome::Done) };
    assert_eq!(world.told(HOME_NODE), [answered]);
    world.run(Duration::from_secs(60));
    let told = world.told(VISITED_NODE);
    let [Told::Asked { id, operation: heard, .. }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(*heard, operation);
    world.answer(VISITED_NODE, HOME, *id, Ok(Outcome::Done));
    world.run(Duration::from_secs(60));
    assert_eq!(world.told(HOME_NODE), []);
}

#[test]
fn every_cause_of_refusal_comes_through_whatever_was_asked() {
    let mut world = World::up();
    for cause in crate::private::REFUSALS {
        assert_eq!(ask_and_answer(&mut world, VISITED_NODE, &bind(), Err(cause)), Err(cause));
        let cancel = cancel(CancelReason::UpdateProcedure);
        assert_eq!(ask_and_answer(&mut world, HOME_NODE, &cancel, Err(cause)), Err(cause));
        let insert = Operation::InsertSubscriberData { imsi: imsi(), subscription: subscription() };
        assert_eq!(ask_and_answer(&mut world, HOME_NODE, &insert, Err(cause)), Err(cause));
    }
}

#[test]
fn subscriber_data_comes_inside_of_the_update_that_asked_for_it() {
    for restore in [false, true] {
        let mut world = World::up();
        let hlr = "491770000001".parse().unwrap();
        let (question, outcome) = if restore {
            (Operation::RestoreData { imsi: imsi() }, Outcome::Restored { hlr })
        } else {
            let question = Operation::UpdateLocation { imsi: imsi(), visited: visited() };
            (question, Outcome::Located { hlr, generation: Generation(3) })
        };
        world.ask(VISITED_NODE, HOME, 1, question);
        world.run(Duration::from_millis(10));
        let Some(Told::Asked { id: update, .. }) = world.told(HOME_NODE).pop() else { panic!("no question") };
        let insert = Operation::InsertSubscriberData { imsi: imsi(), subscription: subscription() };
        world.wire.clear();
        world.ask(HOME_NODE, VISITED, 2, insert.clone());
        // A Continue, with the acceptance of the context.
        assert_eq!((world.wire.len(), tcap_of(&world.wire[0])[0]), (1, 0x65));
        world.run(Duration::from_millis(10));
        let told = world.told(VISITED_NODE);
        let [Told::Asked { id, operation, .. }] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(*operation, insert);
        world.answer(VISITED_NODE, HOME, *id, Ok(Outcome::Done));
        world.run(Duration::from_millis(10));
        let answered = Told::Answered { partner: VISITED, id: DialogueId(2), result: Ok(Outcome::Done) };
        assert_eq!(world.told(HOME_NODE), [answered]);
        world.answer(HOME_NODE, VISITED, update, Ok(outcome.clone()));
        world.run(Duration::from_millis(10));
        let answered = Told::Answered { partner: HOME, id: DialogueId(1), result: Ok(outcome) };
        assert_eq!(world.told(VISITED_NODE), [answered]);
        assert_eq!(world.nodes[0].map.user.dialogues.of(0), Vec::<u32>::new());
        assert_eq!(world.nodes[1].map.user.dialogues.of(0), Vec::<u32>::new());
    }
}

/// The message of TCAP in a DATA with a UDT.
fn tcap_of(message: &[u8]) -> &[u8] {
    let message = super::super::super::m3ua::Message::parse(message).unwrap();
    super::super::super::sccp::Message::parse(message.data().unwrap().user).unwrap().data
}

#[test]
fn a_question_that_nobody_answers_is_answered_by_time() {
    let mut world = World::up();
    world.ask(VISITED_NODE, HOME, 1, authentication(1, None));
    world.run(Duration::from_secs(9));
    assert_eq!(world.told(VISITED_NODE), []);
    world.run(Duration::from_secs(2));
    let answered = Told::Answered { partner: HOME, id: DialogueId(1), result: Err(Cause::NoAnswer) };
    assert_eq!(world.told(VISITED_NODE), [answered]);
    // The home's owner answers too late: nobody is bothered.
    let Some(Told::Asked { id, .. }) = world.told(HOME_NODE).pop() else { panic!("no question") };
    world.answer(HOME_NODE, VISITED, id, Err(Cause::Overload));
    world.run(Duration::from_secs(40));
    assert_eq!(world.told(VISITED_NODE), []);
    world.answer(HOME_NODE, VISITED, id, Err(Cause::Overload));
    assert_eq!(world.nodes[HOME_NODE].map.user.dialogues.of(0), Vec::<u32>::new());
}

#[test]
fn an_answer_to_another_partners_question_goes_nowhere() {
    let mut world = World::up();
    world.ask(VISITED_NODE, HOME, 1, authentication(1, None));
    world.run(Duration::from_millis(10));
    let Some(Told::Asked { id, .. }) = world.told(HOME_NODE).pop() else { panic!("no question") };
    world.answer(HOME_NODE, PartnerId(9), id, Err(Cause::Overload));
    world.run(Duration::from_millis(10));
    assert_eq!(world.told(VISITED_NODE), []);
}

#[test]
fn what_is_asked_beyond_the_bounds_is_refused_as_overload() {
    let mut world = World::up();
    let bound = u64::try_from(dialogues::MAX_ASKED).unwrap();
    for id in 0..=bound {
        world.ask(VISITED_NODE, HOME, id, Operation::RestoreData { imsi: imsi() });
    }
    world.run(Duration::from_millis(100));
    let answered = Told::Answered { partner: HOME, id: DialogueId(bound), result: Err(Cause::Overload) };
    assert_eq!(world.told(VISITED_NODE), [answered]);
    assert_eq!(world.told(HOME_NODE).len(), dialogues::MAX_ASKED);
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof!["[0-9]{1,15}", "sip:[a-z]{1,20}@home\\.example", "[^\\x00]{1,20}"]
}

prop_compose! {
    fn any_subscription()(
        msisdn in proptest::option::of("[0-9]{1,15}"),
        name in proptest::option::of("[a-z]{1,20}\\.example"),
        bits in 0_u8..32,
        always in proptest::option::of(target()),
        busy in proptest::option::of(target()),
        no_answer in proptest::option::of((target(), any::<u16>())),
    ) -> Subscription {
        Subscription {
            msisdn: msisdn.map(|number| number.parse().unwrap()),
            name: name.map(|name| name.parse().unwrap()),
            profile: Profile { services: services(bits), forwarding: Forwarding { always, busy, no_answer } },
        }
    }
}

fn round_trip(operation: &Operation) -> Operation {
    let mut out = Vec::new();
    let own = visited().vlr;
    argument::write(operation, &own, false, &mut crate::private::ber::Writer::new(&mut out));
    let network = "visited.example".parse().unwrap();
    let around = argument::Around { imsi: None, title: own, network: &network };
    argument::read(Kind::of(operation), &out, &around).unwrap()
}

proptest! {
    #[test]
    fn any_subscription_comes_through(subscription in any_subscription()) {
        let operation = Operation::InsertSubscriberData { imsi: imsi(), subscription };
        prop_assert_eq!(round_trip(&operation), operation);
    }

    #[test]
    fn any_services_are_withdrawn(bits in 0_u8..32, imsi in "[0-9]{6,15}") {
        let operation = Operation::DeleteSubscriberData { imsi: imsi.parse().unwrap(), services: services(bits) };
        prop_assert_eq!(round_trip(&operation), operation);
    }

    #[test]
    fn any_claim_comes_through(generation: u64, v4: Option<[u8; 4]>, v6: Option<[u8; 16]>, proof in vec(any::<u8>(), 1..=64), lease: u32) {
        let addresses = Addresses { v4: v4.map(Into::into), v6: v6.map(Into::into) };
        let claim = BindClaim { generation: Generation(generation), addresses, ..claim() };
        let operation = Operation::Bind { claim, proof: Proof(proof), lease };
        prop_assert_eq!(round_trip(&operation), operation);
    }

    #[test]
    fn any_argument_or_result_is_read_or_refused(bytes in vec(any::<u8>(), 0..100), code in prop::sample::select(vec![2_u8, 3, 7, 8, 37, 56, 57, 67]), outer in prop::sample::select(vec![0x30_u8, 0xa3])) {
        let kind = Kind::from_code(code).unwrap();
        let mut wrapped = vec![outer, u8::try_from(bytes.len()).unwrap()];
        wrapped.extend_from_slice(&bytes);
        let network = "visited.example".parse().unwrap();
        let around = argument::Around { imsi: None, title: visited().vlr, network: &network };
        for bytes in [&bytes, &wrapped] {
            let _ = argument::read(kind, bytes, &around);
            let _ = outcome::read(kind, bytes);
            let _ = outcome::read_error(code, bytes);
        }
    }
}
