//! The C interface: numbers for phones and calls, a status for every call, and sound that is pushed and pulled.
//!
//! What C code promises is said at each function; numbers need no promise: one that names nothing, or nothing any more, is
//! answered with [`Status::Gone`], and is never given to something else.
#![allow(unsafe_code)]

pub mod call;
pub mod events;
pub mod pcm;
pub mod phone;
mod pointers;
mod registry;
pub(crate) use registry::draw;
mod status;

pub use status::{Status, rove_last_error, rove_version};

/// A phone, until it is freed. 0 is none. Numbers are never used again.
pub type RovePhone = u64;
/// A call of a phone. 0 is none. It needs not be freed: its phone forgets it when it is over.
pub type RoveCall = u64;

#[cfg(test)]
mod tests;
