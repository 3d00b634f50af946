//! The system calls of datagram sockets: batched on Linux, one by one elsewhere. Nothing above this folder knows which.

#[cfg(target_os = "linux")]
mod address;
#[cfg(target_os = "linux")]
mod control;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(super) use linux::{Inbox, Outbox, configure, keep_to, without_stamps};

#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::{Inbox, Outbox, configure, keep_to, without_stamps};
