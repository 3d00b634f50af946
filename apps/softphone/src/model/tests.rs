use std::net::SocketAddr;

use rove_phone::{CallId, CallReport, CodecId, Party, PhoneEvent, Progress, SecurityKind};

use super::*;

const ONE: CallId = CallId(1);
const TWO: CallId = CallId(2);

fn model() -> Model {
    let contacts = vec![Contact { name: "Bob".into(), address: "sip:bob@b.example".into() }];
    Model::new(Settings::default(), contacts, Vec::new())
}

fn tell(model: &mut Model, call: CallId, progress: Progress) {
    model.heard(&PhoneEvent::Call { call, progress });
}

fn remote() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], 4_000))
}

fn answered() -> Progress {
    Progress::Answered { codec: CodecId::Opus, remote: remote(), security: SecurityKind::Dtls }
}

/// What the model asks for, all of it.
fn asks(model: &mut Model) -> Vec<Ask> {
    core::iter::from_fn(|| model.next_ask()).collect()
}

fn report(cause: &str, seconds: Option<f64>) -> Box<CallReport> {
    let report = serde_json::json!({
        "side": "caller", "target": "", "peer": "", "protocol": "sip", "cause": cause, "cause_text": "",
        "seconds": seconds, "recordings": [], "played": [], "quality": []
    });
    Box::new(serde_json::from_value(report).unwrap())
}

fn end(model: &mut Model, call: CallId, cause: &str, seconds: Option<f64>) {
    model.heard(&PhoneEvent::Ended { call, report: report(cause, seconds) });
}

/// A model in which `ONE` stands, called from here.
fn talking() -> Model {
    let mut model = model();
    model.dialled("bob@b.example", Ok(ONE));
    tell(&mut model, ONE, answered());
    asks(&mut model);
    model
}

fn state(model: &Model, call: CallId) -> State {
    model.call(call).unwrap().state.clone()
}

#[test]
fn a_dialled_call_rings_only_when_the_other_side_says_so() {
    let mut model = model();
    model.drafts.target = " bob@b.example ".into();
    model.wish(Wish::Dial);
    assert_eq!(asks(&mut model), [Ask::Dial("bob@b.example".into())]);
    assert!(model.calls.is_empty(), "nothing is shown before the phone has begun");
    model.dialled("bob@b.example", Ok(ONE));
    assert_eq!((state(&model, ONE), model.drafts.target.as_str()), (State::Seeking, ""));
    let steps = [
        (Progress::Resolved { addresses: vec![remote()] }, State::Seeking),
        (Progress::Inviting { address: remote() }, State::Inviting),
        (Progress::Ringing, State::Ringing),
        (Progress::EarlyMedia { codec: CodecId::Pcmu, remote: remote() }, State::Early),
        (Progress::Ringing, State::Early),
        (Progress::Inviting { address: remote() }, State::Inviting),
        (Progress::Forwarded { to: "sip:carl@c.example".into() }, State::Seeking),
        (Progress::Ringing, State::Ringing),
        (answered(), State::Up),
        (Progress::Ringing, State::Up),
    ];
    for (progress, expected) in steps {
        let told = format!("{progress:?}");
        tell(&mut model, ONE, progress);
        assert_eq!(state(&model, ONE), expected, "{told}");
    }
}

#[test]
fn a_call_that_comes_in_waits_for_its_person() {
    let mut model = model();
    tell(&mut model, ONE, Progress::Incoming { from: "\"B\" <sip:bob@b.example>;tag=1".into() });
    assert_eq!(asks(&mut model), [Ask::Announce(ONE, "Bob".into())], "a contact's name goes first");
    assert_eq!(model.incoming().count(), 1);
    model.wish(Wish::Answer(ONE));
    assert_eq!(state(&model, ONE), State::Answering, "it stands when signalling says so");
    assert_eq!(asks(&mut model), [Ask::Answer(ONE), Ask::Withdraw(ONE)]);
    model.wish(Wish::Answer(ONE));
    assert_eq!(asks(&mut model), [], "it is answered once");
    tell(&mut model, ONE, answered());
    assert_eq!(state(&model, ONE), State::Up);
}

#[test]
fn a_call_that_is_declined_is_no_missed_one_and_one_that_nobody_took_is() {
    let mut model = model();
    for (cause, declined, expected) in
        [("declined", true, Outcome::Failed("declined".into())), ("cancelled", false, Outcome::Missed)]
    {
        tell(&mut model, ONE, Progress::Incoming { from: "sip:x@x.example".into() });
        if declined {
            model.wish(Wish::Decline(ONE));
        }
        end(&mut model, ONE, cause, None);
        assert_eq!(model.history[0].outcome, expected);
        assert_eq!(state(&model, ONE), State::Over(cause.into()));
    }
    assert_eq!(model.missed(), 1);
}

#[test]
fn what_is_over_goes_into_the_history_with_how_long_it_stood() {
    let mut model = talking();
    model.wish(Wish::HangUp(ONE));
    assert_eq!((asks(&mut model), state(&model, ONE)), (vec![Ask::HangUp(ONE)], State::Ending));
    tell(&mut model, ONE, answered());
    assert_eq!(state(&model, ONE), State::Ending, "a late answer brings nothing back");
    end(&mut model, ONE, "hung_up", Some(7.0));
    assert_eq!(model.history[0].outcome, Outcome::Talked(7.0));
    assert!(asks(&mut model).contains(&Ask::KeepHistory));
    model.wish(Wish::PutAway(ONE));
    assert!(model.calls.is_empty());
}

#[test]
fn a_call_is_held_when_signalling_says_so_and_by_whom() {
    let mut model = talking();
    model.wish(Wish::Hold(ONE, true));
    assert_eq!(asks(&mut model), [Ask::Hold(ONE)]);
    assert!(!model.call(ONE).unwrap().held);
    tell(&mut model, ONE, Progress::Held { by: Party::Us });
    tell(&mut model, ONE, Progress::Held { by: Party::Peer });
    let call = model.call(ONE).unwrap();
    assert_eq!((call.held, call.held_by_peer), (true, true));
    model.wish(Wish::Hold(ONE, false));
    tell(&mut model, ONE, Progress::Resumed { by: Party::Us });
    assert_eq!(asks(&mut model), [Ask::Resume(ONE)]);
    assert!(!model.call(ONE).unwrap().held);
}

#[test]
fn who_talks_with_one_holds_the_other() {
    let mut model = talking();
    tell(&mut model, TWO, Progress::Incoming { from: "sip:carl@c.example".into() });
    asks(&mut model);
    model.wish(Wish::Answer(TWO));
    assert_eq!(asks(&mut model), [Ask::Hold(ONE), Ask::Answer(TWO), Ask::Withdraw(TWO)]);
    assert_eq!(model.selected, Some(TWO));
    tell(&mut model, ONE, Progress::Held { by: Party::Us });
    tell(&mut model, TWO, answered());
    asks(&mut model);
    model.wish(Wish::Call("dora.example".into()));
    assert_eq!(asks(&mut model), [Ask::Hold(TWO), Ask::Dial("dora.example".into())]);
}

#[test]
fn who_is_muted_is_so_in_calls_that_come_later() {
    let mut model = talking();
    model.wish(Wish::MuteAll(true));
    assert_eq!(asks(&mut model), [Ask::Mute(ONE, true)]);
    tell(&mut model, TWO, Progress::Incoming { from: "sip:carl@c.example".into() });
    tell(&mut model, TWO, answered());
    assert!(asks(&mut model).contains(&Ask::Mute(TWO, true)));
    model.wish(Wish::Mute(ONE, true));
    model.wish(Wish::Mute(ONE, false));
    assert_eq!(
        asks(&mut model),
        [Ask::Mute(ONE, true), Ask::Mute(ONE, true)],
        "muted everywhere all the same"
    );
    model.wish(Wish::Mute(TWO, true));
    asks(&mut model);
    model.wish(Wish::MuteAll(false));
    assert_eq!(asks(&mut model), [Ask::Mute(ONE, false), Ask::Mute(TWO, true)], "one's own stays");
}

#[test]
fn a_conference_needs_two_calls_and_is_what_the_phone_says() {
    let mut model = talking();
    model.wish(Wish::Confer);
    assert_eq!((asks(&mut model).len(), model.notice.is_some()), (0, true));
    tell(&mut model, TWO, Progress::Incoming { from: "sip:carl@c.example".into() });
    tell(&mut model, TWO, answered());
    asks(&mut model);
    model.wish(Wish::Confer);
    assert_eq!(asks(&mut model), [Ask::Confer(vec![ONE, TWO])]);
    assert!(model.conference.is_empty());
    model.heard(&PhoneEvent::Conference { calls: vec![ONE, TWO] });
    model.heard(&PhoneEvent::Speaker { call: Some(TWO) });
    assert_eq!((model.conference.len(), model.speaker), (2, Some(TWO)));
    model.wish(Wish::Part);
    assert_eq!(asks(&mut model), [Ask::Confer(Vec::new())]);
    model.heard(&PhoneEvent::Conference { calls: Vec::new() });
    assert_eq!((model.conference.len(), model.speaker), (0, None));
}

#[test]
fn keys_texts_and_transfers_go_into_a_call_that_stands() {
    let mut model = talking();
    model.drafts.text = "hello".into();
    model.drafts.transfer = "carl.example".into();
    for wish in [Wish::Press(ONE, '5'), Wish::Write(ONE), Wish::Transfer(ONE), Wish::Press(TWO, '5')] {
        model.wish(wish);
    }
    let expected =
        [Ask::Press(ONE, '5'), Ask::Write(ONE, "hello".into()), Ask::Transfer(ONE, "carl.example".into())];
    assert_eq!(asks(&mut model), expected);
    let body = b"hi\x07".to_vec();
    let from = "sip:bob@b.example".into();
    model.heard(&PhoneEvent::Message { call: Some(ONE), from, kind: "text/plain".into(), body });
    let said: Vec<_> =
        model.call(ONE).unwrap().said.iter().map(|said| (said.ours, said.text.as_str())).collect();
    assert_eq!(said, [(true, "hello"), (false, "hi")]);
    model.drafts.text = "x".repeat(901);
    model.wish(Wish::Write(ONE));
    assert_eq!((asks(&mut model).len(), model.drafts.text.len()), (0, 901), "nothing is cut off");
}

#[test]
fn a_referral_is_a_call_of_its_own() {
    let mut model = talking();
    tell(&mut model, ONE, Progress::Referred { to: "<sip:carl@c.example>".into(), call: TWO });
    assert_eq!((state(&model, TWO), model.selected), (State::Seeking, Some(TWO)));
    assert_eq!(model.call(TWO).unwrap().peer.address, "carl@c.example");
}

#[test]
fn what_cannot_be_dialled_is_told_and_stays_typed() {
    let mut model = model();
    model.drafts.target = "h323:bob".into();
    model.wish(Wish::Dial);
    model.dialled("h323:bob", Err("cannot-dial-scheme".into()));
    assert_eq!(model.notice.as_ref().unwrap().about, "h323:bob");
    assert_eq!(model.drafts.target, "h323:bob");
    model.wish(Wish::Dismiss);
    assert_eq!(model.notice, None);
}

#[test]
fn settings_that_need_another_phone_wait_for_the_last_call() {
    let mut model = talking();
    model.wish(Wish::Show(Screen::Settings));
    model.drafts.settings.look = Look::Dark;
    model.wish(Wish::TakeSettings);
    assert_eq!(asks(&mut model), [Ask::LookForDevices, Ask::KeepSettings], "a look needs no other phone");
    model.drafts.settings.min_mos = Some(4.0);
    model.wish(Wish::TakeSettings);
    assert_eq!(asks(&mut model), [Ask::KeepSettings, Ask::Tolerate], "nor does a threshold");
    model.drafts.settings.identity = Some("me.example".into());
    model.wish(Wish::TakeSettings);
    assert_eq!(asks(&mut model), [Ask::KeepSettings]);
    assert_eq!(model.notice.as_ref().unwrap().key, "notice-after-the-calls");
    end(&mut model, ONE, "peer_hung_up", Some(1.0));
    assert_eq!(asks(&mut model).last(), Some(&Ask::Restart));
    model.drafts.settings.identity = None;
    model.wish(Wish::TakeSettings);
    assert_eq!(asks(&mut model), [Ask::KeepSettings, Ask::Restart], "at once without a call");
}

#[test]
fn contacts_are_kept_by_name_once_for_each_address() {
    let mut model = model();
    for (name, address) in [("zoe", "z.example"), ("Al", "al.example"), ("Robert", "SIP:bob@b.example")] {
        (model.drafts.name, model.drafts.address) = (name.into(), address.into());
        model.wish(Wish::AddContact);
    }
    let names: Vec<_> = model.contacts.iter().map(|contact| contact.name.as_str()).collect();
    assert_eq!(names, ["Al", "Robert", "zoe"]);
    model.wish(Wish::RemoveContact(1));
    assert_eq!(model.contacts.len(), 2);
    model.wish(Wish::RemoveContact(9));
    model.wish(Wish::AddContact);
    assert_eq!(model.notice.as_ref().unwrap().key, "notice-contact-without-address");
}

#[test]
fn a_link_is_shown_and_not_called() {
    let mut model = model();
    model.screen = Screen::History;
    model.wish(Wish::Prepare("sip:bob@b.example".into()));
    assert_eq!((asks(&mut model).len(), model.screen), (0, Screen::Phone));
    assert_eq!(model.drafts.target, "sip:bob@b.example");
}
