//! What a proxy decides (RFC 3261 §16, RFC 5393, RFC 5626 §5), without transactions: where a request goes, what its
//! copies look like, and which of their responses goes back.

mod fork;
mod forward;
mod loops;
mod routes;
mod target;
mod token;

#[cfg(test)]
mod tests;

pub(crate) use fork::{Fork, Next};
pub(crate) use forward::{Copy, Passage};
pub(crate) use loops::Loops;
pub(crate) use routes::{Marks, Ours, Routed};
pub(crate) use target::{MAX_BREADTH, Target, groups};
pub(crate) use token::Tokens;
