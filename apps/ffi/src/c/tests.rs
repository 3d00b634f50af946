//! What touches pointers, without a phone: small enough for miri.

use core::{
    ffi::{CStr, c_char, c_void},
    mem::MaybeUninit,
    ptr,
};

use super::{
    Status,
    events::{EventKind, RoveEvent, rove_event_clear, rove_phone_next_event, rove_phone_set_callback},
    pcm::{rove_call_pull_pcm, rove_call_push_pcm},
    phone::{RoveConfig, rove_config_init, rove_phone_create},
    rove_last_error, rove_version,
    status::answered,
};
use crate::{
    event::{Event, Report},
    lifecycle::EndReason,
};

fn last_error() -> String {
    let mut room = [0 as c_char; 128];
    unsafe {
        rove_last_error(room.as_mut_ptr(), room.len());
        CStr::from_ptr(room.as_ptr()).to_str().unwrap().to_owned()
    }
}

#[test]
fn a_panic_inside_is_an_error_outside() {
    assert_eq!(answered(|| panic!("oh no")), Status::Panicked);
    assert_eq!(last_error(), "a fault inside: oh no");
}

#[test]
fn a_sentence_is_cut_where_a_letter_ends() {
    answered(|| Err(crate::error::RoveError::argument("ü is two bytes")));
    let mut room = [1 as c_char; 4];
    unsafe {
        assert_eq!(rove_last_error(room.as_mut_ptr(), 2), 16);
        assert_eq!(CStr::from_ptr(room.as_ptr()).to_bytes(), b"");
        assert_eq!(rove_last_error(room.as_mut_ptr(), 4), 16);
        assert_eq!(CStr::from_ptr(room.as_ptr()).to_str().unwrap(), "ü ");
        assert_eq!(rove_last_error(ptr::null_mut(), 0), 16);
        assert!(!CStr::from_ptr(rove_version()).is_empty());
    }
}

#[test]
fn the_texts_of_an_event_are_freed_once_and_may_hold_anything() {
    let report = Report { peer: "a\0b".into(), cause_text: "the end".into(), ..Report::default() };
    let mut event = RoveEvent::from(Event::Ended { call: 7, reason: EndReason::Busy, report });
    assert_eq!((event.kind, event.call, event.reason), (EventKind::Ended, 7, EndReason::Busy));
    unsafe {
        assert_eq!(CStr::from_ptr(event.who).to_bytes(), b"a");
        assert_eq!(CStr::from_ptr(event.text).to_bytes(), b"the end");
        assert_eq!(rove_event_clear(&raw mut event), Status::Ok);
        assert!(event.who.is_null() && event.text.is_null() && event.detail.is_null());
        assert_eq!(rove_event_clear(&raw mut event), Status::Ok, "twice is harmless");
        assert_eq!(rove_event_clear(ptr::null_mut()), Status::Argument);
    }
}

#[test]
fn settings_are_filled_in_and_refused_when_they_are_of_another_version() {
    let mut config = MaybeUninit::<RoveConfig>::uninit();
    let mut phone = 0;
    unsafe {
        assert_eq!(rove_config_init(config.as_mut_ptr()), Status::Ok);
        let mut config = config.assume_init();
        assert!(config.threshold_mos.is_nan() && config.identity.is_null());
        config.size -= 8;
        assert_eq!(rove_phone_create(&raw const config, &raw mut phone), Status::Argument);
        config.size += 8;
        config.sound = 9;
        assert_eq!(rove_phone_create(&raw const config, &raw mut phone), Status::Argument);
        config.listen = c"here,there".as_ptr();
        config.sound = 0;
        assert_eq!(rove_phone_create(&raw const config, &raw mut phone), Status::Argument);
        assert_eq!(rove_phone_create(&raw const config, ptr::null_mut()), Status::Argument);
    }
    assert_eq!(phone, 0);
}

#[test]
fn sound_of_a_call_that_is_not_there_is_silence() {
    // As C gives it: memory that nobody has written.
    let mut samples = [const { MaybeUninit::<i16>::uninit() }; 4];
    unsafe {
        assert_eq!(rove_call_pull_pcm(7, samples.as_mut_ptr().cast(), 4), Status::NoSound);
        assert_eq!(samples.map(|sample| sample.assume_init()), [0; 4]);
        assert_eq!(rove_call_push_pcm(7, [1, 2].as_ptr(), 2), Status::NoSound);
        assert_eq!(rove_call_push_pcm(7, ptr::null(), 0), Status::Ok);
        assert_eq!(rove_call_push_pcm(7, ptr::null(), 2), Status::Argument);
        assert_eq!(rove_call_push_pcm(7, [1].as_ptr(), usize::MAX), Status::Argument);
    }
}

unsafe extern "C" fn count(user_data: *mut c_void) {
    unsafe { *user_data.cast::<u32>() += 1 };
}

unsafe extern "C" fn ignore(_: *mut c_void, _: *const RoveEvent) {}

#[test]
fn what_a_callback_was_given_is_let_go_of_once_also_when_there_is_no_phone() {
    let mut released = 0_u32;
    let given = (&raw mut released).cast();
    let mut event = MaybeUninit::uninit();
    unsafe {
        assert_eq!(rove_phone_set_callback(99, Some(ignore), given, Some(count)), Status::Gone);
        assert_eq!(rove_phone_next_event(99, 0, event.as_mut_ptr()), Status::Gone);
        assert_eq!(rove_phone_next_event(99, 0, ptr::null_mut()), Status::Argument);
    }
    assert_eq!(released, 1);
}
