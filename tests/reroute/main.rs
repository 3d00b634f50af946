//! Calls of real programs over two ways between them, of which one gets worse while they talk. The wires count what they do
//! (`tests/impair`): what is asserted of gaps and losses is what they say, not what the phones do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "what a test did not expect must be loud"
)]

mod chosen;
mod figures;
mod hold;
mod last;
mod leaves;
mod plain;
mod planned;
mod scene;
mod stays;
