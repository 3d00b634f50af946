//! Two phones over the C interface call each other.

use std::time::{Duration, Instant};

use rove_ffi::{
    c::{
        RoveCall, Status,
        call::{
            rove_call_answer, rove_call_decline, rove_call_hang_up, rove_call_hold, rove_call_mute,
            rove_call_press, rove_call_resume, rove_call_send_text,
        },
        events::EventKind,
        pcm::{rove_call_pull_pcm_f32, rove_call_push_pcm_f32},
        phone::{ROVE_SOUND_SILENCE, rove_phone_audio_session_activated, rove_phone_close},
    },
    lifecycle::{EndReason, Party},
};

use crate::world::{Owned, RATE, address, dial, likeness, next, phone, told, voice};

/// A call that stands, its two ends.
fn connected(caller: &Owned, callee: &Owned) -> [RoveCall; 2] {
    let call = dial(caller, &address(callee));
    let theirs = told(callee, EventKind::Incoming).event.call;
    assert_eq!(rove_call_answer(theirs), Status::Ok);
    assert_eq!(told(caller, EventKind::Connected).event.call, call);
    assert_eq!(told(callee, EventKind::Connected).event.call, theirs);
    [call, theirs]
}

/// Drives both ends for as long as `said` lasts, as a sound card would; what the second heard.
fn drive(calls: [RoveCall; 2], said: &[f32]) -> Vec<f32> {
    const BLOCK: usize = RATE / 100;
    let (begin, mut heard, mut block) = (Instant::now(), Vec::new(), [0.0; BLOCK]);
    for (period, piece) in (0..).zip(said.chunks_exact(BLOCK)) {
        while begin.elapsed() < Duration::from_millis(10) * period {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        for (call, piece) in [(calls[0], piece), (calls[1], &[0.0; BLOCK][..])] {
            assert_eq!(unsafe { rove_call_push_pcm_f32(call, piece.as_ptr(), BLOCK) }, Status::Ok);
            assert_eq!(unsafe { rove_call_pull_pcm_f32(call, block.as_mut_ptr(), BLOCK) }, Status::Ok);
        }
        heard.extend_from_slice(&block);
    }
    heard
}

#[test]
fn what_one_phone_pushes_the_other_pulls() {
    let (caller, callee) = (phone(|_| {}), phone(|_| {}));
    let calls = connected(&caller, &callee);
    let said = voice(1, 3);
    let heard = drive(calls, &said);
    // The first second is left out: both ends settle.
    let (alike, other) =
        (likeness(&said[RATE..], &heard[RATE..]), likeness(&voice(2, 3)[RATE..], &heard[RATE..]));
    println!("likeness {alike:.3}; of another clip {other:.3}");
    assert!(
        alike > 0.85 && alike > other + 0.1,
        "heard is like said by {alike}, like another clip by {other}"
    );
    rove_call_mute(calls[0], true);
    let quiet = drive(calls, &said);
    let loudest = quiet[RATE..].iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
    assert!(loudest < 0.02, "muted, and still {loudest} is heard");
    rove_call_hang_up(calls[1]);
    let ended = told(&caller, EventKind::Ended);
    assert_eq!(ended.event.reason, EndReason::PeerHungUp);
    assert!(ended.event.figures.received > 100 && !ended.text.is_empty());
    assert_eq!(unsafe { rove_call_push_pcm_f32(calls[0], said.as_ptr(), 480) }, Status::NoSound);
}

#[test]
fn hold_keys_and_text_arrive_in_order() {
    let (caller, callee) = (phone(|_| {}), phone(|_| {}));
    let [call, theirs] = connected(&caller, &callee);
    assert_eq!(rove_call_hold(call), Status::Ok);
    assert_eq!(told(&caller, EventKind::Held).event.by, Party::Us);
    assert_eq!(told(&callee, EventKind::Held).event.by, Party::Peer);
    assert_eq!(rove_call_resume(call), Status::Ok);
    assert_eq!(told(&caller, EventKind::Resumed).event.by, Party::Us);
    assert_eq!(told(&callee, EventKind::Resumed).event.by, Party::Peer);
    assert_eq!(unsafe { rove_call_send_text(theirs, c"good day".as_ptr()) }, Status::Ok);
    assert_eq!(told(&caller, EventKind::Text).text, "good day");
    assert_eq!(rove_call_press(call, b'5' as core::ffi::c_char, 100), Status::Ok);
    drive([call, theirs], &voice(2, 1));
    assert_eq!(told(&callee, EventKind::Key).text, "5");
    assert_eq!(rove_call_press(call, b'!' as core::ffi::c_char, 100), Status::Argument);
    assert_eq!(rove_phone_close(caller.0, 10_000), Status::Ok, "calls that run are hung up");
    assert_eq!(told(&callee, EventKind::Ended).event.reason, EndReason::PeerHungUp);
    assert_eq!(told(&caller, EventKind::Ended).event.reason, EndReason::HungUp);
    assert_eq!(told(&caller, EventKind::Stopped).event.call, 0);
    assert!(next(&caller, 0).is_none());
}

#[test]
fn a_declined_call_is_told_as_such_and_begins_before_it_ends() {
    let (caller, callee) = (phone(|_| {}), phone(|_| {}));
    let call = dial(&caller, &address(&callee));
    assert_eq!(rove_call_decline(told(&callee, EventKind::Incoming).event.call), Status::Ok);
    let mut kinds = Vec::new();
    while kinds.last() != Some(&EventKind::Ended) {
        let told = next(&caller, 10_000).unwrap();
        assert_eq!(told.event.call, call);
        assert!(told.event.kind != EventKind::Ended || told.event.reason == EndReason::Declined);
        kinds.push(told.event.kind);
    }
    assert_eq!(kinds.first(), Some(&EventKind::Connecting));
}

#[test]
fn a_phone_whose_app_owns_the_sound_is_silent_until_the_session_is_active() {
    let callee = phone(|_| {});
    let caller = phone(|config| {
        config.sound = ROVE_SOUND_SILENCE;
        config.owns_session = true;
    });
    connected(&caller, &callee);
    let sent = |least: u64, seconds: u32| {
        let figures = (0..seconds).map(|_| told(&caller, EventKind::Quality).event.figures.sent);
        figures.into_iter().find(|sent| *sent >= least)
    };
    assert_eq!(sent(1, 2), None, "nothing drives the device yet");
    rove_phone_audio_session_activated(caller.0, true);
    assert!(sent(20, 5).is_some(), "the device runs");
    rove_phone_audio_session_activated(caller.0, false);
    let stopped = told(&caller, EventKind::Quality).event.figures.sent;
    assert_eq!(sent(stopped + 40, 2), None, "it is stopped again");
}
