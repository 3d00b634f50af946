//! Search among servers, where no domain says which one to ask: who holds a number, a unique id, a fixed address. Servers
//! and access points alone take part; terminals ask theirs.
//!
//! ```text
//!  registered ──▶ publish(key) ── pointer, signed ──▶ the twenty servers nearest to the key, again every few minutes
//!  asked      ──▶ find(key) ────▶ six ways at once ──▶ pointers ──▶ the server each names is asked by the IRMV protocol
//! ```

mod member;
mod neighbours;
mod network;
mod shelf;

pub use member::{Found, Me, Search, SearchCounts, Standing, multiaddr, start};
pub use neighbours::Neighbours;
pub use network::{Carrier, Speech, member, over_tcp};
pub use shelf::{NotKept, Shelf, ShelfLimits};

#[cfg(test)]
mod tests;
