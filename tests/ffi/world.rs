//! Phones over the C interface, and what they tell.

use core::{ffi::c_char, mem::MaybeUninit};
use std::{
    ffi::{CStr, CString},
    path::PathBuf,
    time::{Duration, Instant},
};

use rove_ffi::c::{
    RoveCall, RovePhone, Status,
    call::rove_phone_dial,
    events::{EventKind, RoveEvent, rove_event_clear, rove_phone_next_event},
    phone::{
        ROVE_SOUND_PCM, RoveConfig, rove_config_init, rove_phone_create, rove_phone_free, rove_phone_sip_port,
    },
    rove_last_error,
};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A phone that is given up in the end.
pub(crate) struct Owned(pub(crate) RovePhone);

impl Drop for Owned {
    fn drop(&mut self) {
        rove_phone_free(self.0);
    }
}

/// A phone on loopback whose sound is pushed and pulled, set up further by `more`.
pub(crate) fn phone(more: impl FnOnce(&mut RoveConfig)) -> Owned {
    let mut config = MaybeUninit::uninit();
    assert_eq!(unsafe { rove_config_init(config.as_mut_ptr()) }, Status::Ok);
    let mut config = unsafe { config.assume_init() };
    config.listen = c"127.0.0.1:0".as_ptr();
    config.sound = ROVE_SOUND_PCM;
    more(&mut config);
    let mut phone = 0;
    let status = unsafe { rove_phone_create(&raw const config, &raw mut phone) };
    assert_eq!(status, Status::Ok, "{}", last_error());
    Owned(phone)
}

/// Where it takes calls.
pub(crate) fn address(phone: &Owned) -> CString {
    let mut port = 0;
    assert_eq!(unsafe { rove_phone_sip_port(phone.0, &raw mut port) }, Status::Ok);
    CString::new(format!("127.0.0.1:{port}")).unwrap()
}

/// Dials.
pub(crate) fn dial(from: &Owned, to: &CStr) -> RoveCall {
    let mut call = 0;
    let status = unsafe { rove_phone_dial(from.0, to.as_ptr(), &raw mut call) };
    assert_eq!(status, Status::Ok, "{}", last_error());
    call
}

/// What an event told, its texts as ours.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) event: RoveEvent,
    pub(crate) text: String,
}

/// The next event of this kind; those before it are passed over.
pub(crate) fn told(phone: &Owned, kind: EventKind) -> Told {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(told) = next(phone, 500)
            && told.event.kind == kind
        {
            return told;
        }
    }
    panic!("{kind:?} did not come");
}

/// The next event.
pub(crate) fn next(phone: &Owned, patience_ms: u32) -> Option<Told> {
    let mut event = MaybeUninit::uninit();
    if unsafe { rove_phone_next_event(phone.0, patience_ms, event.as_mut_ptr()) } != Status::Ok {
        return None;
    }
    let mut event = unsafe { event.assume_init() };
    let told = Told { event, text: text(event.text) };
    assert_eq!(unsafe { rove_event_clear(&raw mut event) }, Status::Ok);
    assert!(event.text.is_null() && event.kind == EventKind::None);
    Some(told)
}

/// The sentence to this thread's last failure.
pub(crate) fn last_error() -> String {
    let mut room = [0 as c_char; 256];
    let needed = unsafe { rove_last_error(room.as_mut_ptr(), room.len()) };
    assert!(needed <= room.len());
    text(room.as_mut_ptr())
}

fn text(text: *mut c_char) -> String {
    if text.is_null() { String::new() } else { unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned() }
}

/// How alike what was heard is to what was said: the median over pieces of a tenth of a second, each at its best shift of up to
/// a second, since a playout stretches pauses. 1 for the same shape.
pub(crate) fn likeness(said: &[f32], heard: &[f32]) -> f32 {
    let coarse = |clip: &[f32]| clip.chunks_exact(4).map(|four| four.iter().sum()).collect::<Vec<f32>>();
    let (said, heard) = (coarse(said), coarse(heard));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let piece = RATE / 40;
    let alike = |(at, said): (usize, &[f32])| {
        let shifts = at..(at + RATE / 4).min(heard.len().saturating_sub(piece));
        let part = |shift: usize| &heard[shift..shift + piece];
        let at = |shift| {
            dot(said, part(shift)) / (dot(said, said) * dot(part(shift), part(shift))).sqrt().max(1e-9)
        };
        shifts.map(at).fold(0.0, f32::max)
    };
    let mut pieces: Vec<f32> = (0..).step_by(piece).zip(said.chunks_exact(piece)).map(alike).collect();
    pieces.sort_by(f32::total_cmp);
    pieces[pieces.len() / 2]
}

/// Noise that is shaped like speech: a hum with a pitch that glides, in syllables, the same for each `seed`.
pub(crate) fn voice(seed: u32, seconds: usize) -> Vec<f32> {
    let mut phase = 0.0_f32;
    (0..seconds * RATE)
        .map(|n| {
            let time = n as f32 / RATE as f32;
            let syllable = (time * 4.0 + seed as f32).fract();
            let pitch = 200.0 + 50.0 * (time * 1.3 + seed as f32).sin() + 130.0 * seed as f32;
            phase = (phase + pitch / RATE as f32).fract();
            let tone: f32 =
                (1..4).map(|k| (core::f32::consts::TAU * phase * k as f32).sin() / k as f32).sum();
            0.2 * tone * (core::f32::consts::PI * syllable).sin().powi(2)
        })
        .collect()
}

/// Samples per second of all clips here.
pub(crate) const RATE: usize = 48_000;

/// The library as this test was built with it.
pub(crate) fn library() -> PathBuf {
    let file = std::env::current_exe().unwrap().with_file_name(libname());
    assert!(file.is_file(), "{} was not built", file.display());
    file
}

fn libname() -> String {
    format!("{}rove_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// Whether the long forms run.
pub(crate) fn long() -> bool {
    std::env::var_os("ROVE_PROVE").is_some()
}
