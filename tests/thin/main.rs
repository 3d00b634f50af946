//! Calls and other traffic of real programs over thin links: two networks joined by an Ethernet cable that `roved` compresses on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "what a test did not expect must be loud"
)]

mod calls;
mod capture;
mod memory;
mod mixed;
mod place;
mod rough;

/// Lets a test forbid allocation for a while.
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

/// Whether the long forms are wanted.
fn long() -> bool {
    std::env::var_os("ROVE_PROVE").is_some()
}
