//! What every function answers.

use core::{
    cell::RefCell,
    ffi::{CStr, c_char},
};

use crate::error::{RoveError, contained};

/// What a function answers. [`rove_last_error`] has the sentence to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// An argument cannot be used; a pointer that must not be null is.
    Argument = 1,
    /// The phone or call is not there, or not any more.
    Gone = 2,
    /// The phone could not be started.
    Start = 3,
    /// The target cannot be dialled.
    Target = 4,
    /// Nothing came in time.
    Timeout = 5,
    /// Another thread does the same at this moment, or this one must not wait.
    Busy = 6,
    /// The call has no sound now: not yet, or not any more.
    NoSound = 7,
    /// A fault of this library, which has been contained.
    Panicked = 8,
}

thread_local! {
    /// The sentence to the last status of this thread that was not [`Status::Ok`].
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

impl From<&RoveError> for Status {
    fn from(error: &RoveError) -> Self {
        match error {
            RoveError::Argument { .. } => Self::Argument,
            RoveError::Gone { .. } => Self::Gone,
            RoveError::Start { .. } => Self::Start,
            RoveError::Target { .. } => Self::Target,
            RoveError::Timeout { .. } => Self::Timeout,
            RoveError::Busy { .. } => Self::Busy,
            RoveError::NoSound { .. } => Self::NoSound,
            RoveError::Panicked { .. } => Self::Panicked,
        }
    }
}

/// Does something, keeps the sentence where it fails, and answers how it went.
pub(super) fn answered(act: impl FnOnce() -> Result<(), RoveError>) -> Status {
    let Err(error) = contained(act) else { return Status::Ok };
    // A thread that is about to end has no place for it any more.
    let _ = LAST.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = error.to_string();
        }
    });
    Status::from(&error)
}

/// Writes the sentence to the last failure of this thread into `text`, cut to `room` bytes with its ending zero. Answers the
/// bytes that it needs, with the ending zero; 1 where nothing has failed.
///
/// # Safety
///
/// `text` is null, or has room for `room` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_last_error(text: *mut c_char, room: usize) -> usize {
    let last = LAST.try_with(|last| last.try_borrow().map(|last| last.clone()).unwrap_or_default());
    let last = last.unwrap_or_default();
    if !text.is_null() && room > 0 {
        let mut count = last.len().min(room - 1);
        while !last.is_char_boundary(count) {
            count -= 1;
        }
        // SAFETY: `count` bytes and a zero fit into `room`, which the caller promises; they are the caller's alone.
        unsafe {
            core::ptr::copy_nonoverlapping(last.as_ptr().cast(), text, count);
            *text.add(count) = 0;
        }
    }
    last.len() + 1
}

/// The version of this library, for ever.
#[unsafe(no_mangle)]
pub extern "C" fn rove_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"unknown",
        };
    VERSION.as_ptr()
}
