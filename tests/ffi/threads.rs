//! Any thread may call anything.

use core::{
    ffi::{c_char, c_void},
    ptr,
};
use std::{
    ffi::CString,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rove_ffi::c::{
    RoveCall, RovePhone, Status, call as c_call,
    events::{EventKind, RoveEvent, rove_phone_set_callback},
    pcm, phone as c_phone, rove_version,
};

use crate::world::{PATIENCE, address, dial, last_error, long, next, phone, told};

/// One call of each function of the interface, with whatever numbers these are; nothing of it may be a fault.
fn everything(phone: RovePhone, call: RoveCall, target: &CString) {
    let (text, mut samples, mut number, mut port) = (c"text".as_ptr(), [0_i16; 480], 0, 0);
    let account = c_phone::RoveAccount {
        address: c"nobody@127.0.0.1:9".as_ptr(),
        user: ptr::null(),
        password: ptr::null(),
        server: ptr::null(),
        push_provider: c"fcm".as_ptr(),
        push_prid: c"token".as_ptr(),
        push_param: ptr::null(),
        expires_s: 60,
    };
    let mut floats = [0.0_f32; 480];
    let mut made = 0;
    let answers = unsafe {
        [
            c_phone::rove_phone_sip_port(phone, &raw mut port),
            c_phone::rove_phone_register(phone, &raw const account, &raw mut number),
            c_phone::rove_phone_woken(phone, number),
            c_phone::rove_phone_unregister(phone, number),
            c_phone::rove_phone_network_changed(phone),
            c_phone::rove_phone_audio_session_activated(phone, true),
            c_phone::rove_phone_send_message(phone, target.as_ptr(), text),
            c_call::rove_phone_dial(phone, target.as_ptr(), &raw mut made),
            c_call::rove_call_answer(call),
            c_call::rove_call_mute(call, true),
            c_call::rove_call_mute_peer(call, false),
            c_call::rove_call_hold(call),
            c_call::rove_call_resume(call),
            c_call::rove_call_press(call, b'1' as c_char, 40),
            c_call::rove_call_send_text(call, text),
            c_call::rove_call_transfer(call, target.as_ptr()),
            pcm::rove_call_push_pcm(call, samples.as_ptr(), samples.len()),
            pcm::rove_call_pull_pcm(call, samples.as_mut_ptr(), samples.len()),
            pcm::rove_call_push_pcm_f32(call, floats.as_ptr(), floats.len()),
            pcm::rove_call_pull_pcm_f32(call, floats.as_mut_ptr(), floats.len()),
            c_call::rove_call_decline(made),
            c_call::rove_call_refuse_busy(made),
            c_call::rove_call_hang_up(made),
        ]
    };
    assert!(!answers.contains(&Status::Panicked), "{}", last_error());
    assert!(!answers.contains(&Status::Argument), "{answers:?}: {}", last_error());
    assert!(!rove_version().is_null());
}

#[test]
fn every_function_is_called_by_eight_threads_while_a_ninth_frees() {
    let rounds = if long() { 2_000 } else { 20 };
    let other = phone(|config| config.most_calls = 4);
    let target = address(&other);
    for _ in 0..if long() { 50 } else { 3 } {
        let shared = phone(|_| {});
        let call = dial(&shared, &target);
        let (left, over) = (AtomicUsize::new(8), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..rounds {
                        everything(shared.0, call, &target);
                        drop(next(&shared, 0));
                    }
                    left.fetch_sub(1, Ordering::Relaxed);
                });
            }
            // As a finaliser would: in the midst of it, and again.
            scope.spawn(|| {
                let begin = Instant::now();
                while left.load(Ordering::Relaxed) == 8 && begin.elapsed() < Duration::from_secs(2) {
                    std::thread::yield_now();
                }
                let begin = Instant::now();
                assert_eq!(c_phone::rove_phone_free(shared.0), Status::Ok);
                assert!(begin.elapsed() < Duration::from_secs(2), "freeing waits for nothing");
                assert_eq!(c_phone::rove_phone_free(shared.0), Status::Gone, "twice");
                over.store(true, Ordering::Relaxed);
            });
        });
        assert!(over.load(Ordering::Relaxed));
        while next(&other, 0).is_some() {}
    }
}

#[test]
fn numbers_and_pointers_that_name_nothing_are_answered() {
    assert_eq!(c_phone::rove_phone_free(0), Status::Gone);
    assert_eq!(c_call::rove_call_hang_up(0), Status::Gone);
    assert_eq!(c_call::rove_call_hang_up(u64::MAX), Status::Gone);
    assert!(last_error().contains("no call"), "{}", last_error());
    let (live, mut call) = (phone(|_| {}), 0);
    assert_eq!(unsafe { c_call::rove_phone_dial(live.0, ptr::null(), &raw mut call) }, Status::Argument);
    assert_eq!(last_error(), "target is null");
    assert_eq!(unsafe { c_call::rove_phone_dial(live.0, c"x".as_ptr(), ptr::null_mut()) }, Status::Argument);
    assert_eq!(
        unsafe { c_call::rove_phone_dial(live.0, c"not a target".as_ptr(), &raw mut call) },
        Status::Target
    );
    let broken = [0xff_u8, 0];
    assert_eq!(
        unsafe { c_phone::rove_phone_send_message(live.0, broken.as_ptr().cast(), c"x".as_ptr()) },
        Status::Argument
    );
    assert_eq!(unsafe { pcm::rove_call_push_pcm(0, ptr::null(), 1) }, Status::Argument);
    assert_eq!(unsafe { pcm::rove_call_push_pcm(0, [0].as_ptr(), 1) }, Status::NoSound);
}

/// What a callback is given.
#[derive(Default)]
struct Heard {
    phone: std::sync::OnceLock<RovePhone>,
    events: AtomicUsize,
    stopped: AtomicBool,
    released: AtomicUsize,
}

unsafe extern "C" fn frees(user_data: *mut c_void, event: *const RoveEvent) {
    let (heard, event) = unsafe { (&*user_data.cast::<Heard>(), &*event) };
    heard.events.fetch_add(1, Ordering::Relaxed);
    if event.kind == EventKind::Connecting {
        let phone = *heard.phone.wait();
        assert_eq!(
            c_phone::rove_phone_close(phone, 10_000),
            Status::Busy,
            "a callback cannot wait for itself"
        );
        assert_eq!(c_phone::rove_phone_free(phone), Status::Ok);
    }
    if event.kind == EventKind::Stopped {
        heard.stopped.store(true, Ordering::Release);
    }
}

unsafe extern "C" fn released(user_data: *mut c_void) {
    let heard = unsafe { Arc::from_raw(user_data.cast::<Heard>().cast_const()) };
    heard.released.fetch_add(1, Ordering::Release);
}

#[test]
fn a_phone_may_be_freed_inside_of_its_own_callback_and_lets_go_of_what_it_was_given_once() {
    let other = phone(|_| {});
    let heard = Arc::new(Heard::default());
    let ours = phone(|_| {});
    heard.phone.set(ours.0).unwrap();
    let given = Arc::into_raw(Arc::clone(&heard)).cast_mut().cast();
    assert_eq!(unsafe { rove_phone_set_callback(ours.0, Some(frees), given, Some(released)) }, Status::Ok);
    dial(&ours, &address(&other));
    let deadline = Instant::now() + PATIENCE;
    while heard.released.load(Ordering::Acquire) == 0 && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(heard.released.load(Ordering::Acquire), 1);
    assert!(heard.stopped.load(Ordering::Acquire) && heard.events.load(Ordering::Relaxed) >= 3);
    assert_eq!(Arc::strong_count(&heard), 1);
    told(&other, EventKind::Ended);
}
