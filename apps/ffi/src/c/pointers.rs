//! What comes in and goes out by pointers.

use core::ffi::{CStr, c_char};

use crate::error::RoveError;

/// A text that has to be there.
///
/// # Safety
///
/// `text` is null, or ends with a zero and is not changed meanwhile.
pub(super) unsafe fn text<'a>(what: &str, text: *const c_char) -> Result<&'a str, RoveError> {
    // SAFETY: promised by the caller.
    let text = unsafe { optional(what, text) }?;
    text.ok_or_else(|| RoveError::argument(format!("{what} is null")))
}

/// A text that may be null.
///
/// # Safety
///
/// As [`text`].
pub(super) unsafe fn optional<'a>(what: &str, text: *const c_char) -> Result<Option<&'a str>, RoveError> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not null, and ends with a zero as the caller promises.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|_| RoveError::argument(format!("{what} is not UTF-8")))
}

/// Writes what is answered.
///
/// # Safety
///
/// `place` is null, or valid for writing a `T`.
pub(super) unsafe fn write<T>(what: &str, place: *mut T, value: T) -> Result<(), RoveError> {
    if place.is_null() {
        return Err(RoveError::argument(format!("{what} is null")));
    }
    // SAFETY: valid for writing, as the caller promises.
    unsafe { place.write(value) };
    Ok(())
}

/// Refuses a null pointer before anything is done that would have to be undone.
pub(super) fn given<T>(what: &str, place: *const T) -> Result<(), RoveError> {
    if place.is_null() { Err(RoveError::argument(format!("{what} is null"))) } else { Ok(()) }
}
