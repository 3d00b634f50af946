//! How messages come and go (RFC 3261 §18): hops, streams and their framing, keep-alive, flows that outlast a message.

mod connection;
mod connections;
mod datagrams;
mod framing;
mod hop;
mod limits;
mod outbound;
mod stun;

pub use connections::{Connections, News};
pub use framing::{Framer, Piece};
pub(crate) use hop::is_sips;
pub use hop::{Hop, LocalAddress, local_toward};
pub use limits::Limits;
pub use outbound::{FlowTokens, Instance};
