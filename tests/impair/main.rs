//! `impair [--seed N] [--spare PORT]... A B [A B]...`: a wire between each two interfaces, made as bad as it is told.
//!
//! ```text
//!  interface A ──▶ there: loss, delay, jitter, bit errors ──▶ interface B
//!              ◀── back:  the same, each for itself       ◀──
//! ```
//! Frames pass unchanged, whatever they are; UDP alone fares as it was told, but for datagrams of a spared port. Orders are
//! lines of JSON on standard input (see `order.rs`), answers lines on standard output; it ends when its input does. All that
//! is left to chance comes from the seed. What was done is counted, and so is which packets of voice came out, by any wire:
//! the truth that measurements are compared with.
#![allow(clippy::cast_precision_loss, reason = "counts stay far below 2⁵³")]
#![cfg_attr(
    target_os = "linux",
    allow(clippy::unwrap_used, clippy::panic, reason = "what a test did not expect must be loud")
)]

#[cfg(target_os = "linux")]
mod desk;
#[cfg(target_os = "linux")]
mod frames;
#[cfg(target_os = "linux")]
mod order;
#[cfg(target_os = "linux")]
mod packet;
#[cfg(target_os = "linux")]
mod truth;
#[cfg(target_os = "linux")]
mod wire;

fn main() -> std::process::ExitCode {
    #[cfg(target_os = "linux")]
    let done = desk::run(std::env::args().skip(1));
    #[cfg(not(target_os = "linux"))]
    let done: Result<(), String> = Err("frames are taken from interfaces on Linux alone".to_owned());
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("impair: {error}");
            std::process::ExitCode::from(2)
        }
    }
}
