//! The sound of calls, pushed and pulled. Nothing here allocates, waits or asks the system, so that it may be called where a
//! sound card calls back.

use core::slice;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::LazyLock,
};

use rove_phone::PortError;

use super::{RoveCall, Status};
use crate::config::PORTS;

/// Says `count` samples in a call, heard until now: mono, at the phone's `pcm_rate`. One thread at a time for a call.
///
/// # Safety
///
/// `samples` is null, or valid for reading `count` of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_call_push_pcm(call: RoveCall, samples: *const i16, count: usize) -> Status {
    // SAFETY: promised by the caller.
    unsafe { push(call, samples, count, |sample| f32::from(sample) / SCALE) }
}

/// The same with samples from -1 to 1.
///
/// # Safety
///
/// As [`rove_call_push_pcm`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_call_push_pcm_f32(call: RoveCall, samples: *const f32, count: usize) -> Status {
    // SAFETY: promised by the caller.
    unsafe { push(call, samples, count, |sample: f32| if sample.is_finite() { sample } else { 0.0 }) }
}

/// Fills `count` samples with what is heard in a call from now on: mono, at the phone's `pcm_rate`. One thread at a time for
/// a call. Where it answers anything but `ROVE_STATUS_OK`, they are silence.
///
/// # Safety
///
/// `samples` is null, or valid for writing `count` of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_call_pull_pcm(call: RoveCall, samples: *mut i16, count: usize) -> Status {
    // SAFETY: promised by the caller.
    unsafe { pull(call, samples, count, |sample| (sample * SCALE).clamp(-SCALE, SCALE - 1.0) as i16) }
}

/// The same with samples from -1 to 1.
///
/// # Safety
///
/// As [`rove_call_pull_pcm`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_call_pull_pcm_f32(call: RoveCall, samples: *mut f32, count: usize) -> Status {
    // SAFETY: promised by the caller.
    unsafe { pull(call, samples, count, |sample| sample) }
}

unsafe fn push<T: Copy>(
    call: RoveCall,
    samples: *const T,
    count: usize,
    to_f32: impl Fn(T) -> f32,
) -> Status {
    if count == 0 {
        return Status::Ok;
    }
    if samples.is_null() || count > MOST {
        return Status::Argument;
    }
    // SAFETY: not null; valid for so many, as the caller promises; no longer than memory is.
    let samples = unsafe { slice::from_raw_parts(samples, count) };
    catch_unwind(AssertUnwindSafe(|| LazyLock::force(&PORTS).push(call, samples, to_f32)))
        .map_or(Status::Panicked, told)
}

unsafe fn pull<T: Copy + Default>(
    call: RoveCall,
    samples: *mut T,
    count: usize,
    from_f32: impl Fn(f32) -> T,
) -> Status {
    if count == 0 {
        return Status::Ok;
    }
    if samples.is_null() || count > MOST {
        return Status::Argument;
    }
    // Memory that nobody has written yet must not be looked at: all zeros are samples.
    // SAFETY: not null, and valid for writing so many, as the caller promises; for `i16` and `f32` zeros are a value.
    unsafe { samples.write_bytes(0, count) };
    // SAFETY: as before, and written now.
    let samples = unsafe { slice::from_raw_parts_mut(samples, count) };
    catch_unwind(AssertUnwindSafe(|| LazyLock::force(&PORTS).pull(call, samples, from_f32)))
        .map_or(Status::Panicked, told)
}

fn told(done: Result<(), PortError>) -> Status {
    match done {
        Ok(()) => Status::Ok,
        Err(PortError::Busy) => Status::Busy,
        Err(_) => Status::NoSound,
    }
}

/// Samples of 16 bits are from -1 to 1 by this.
const SCALE: f32 = 32_768.0;
/// More samples than this at once are a mistake: 87 s at 48 kHz.
const MOST: usize = 1 << 22;
