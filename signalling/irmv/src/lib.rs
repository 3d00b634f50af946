//! A registry of who is where, that anybody can run: records signed by their user, the protocol by which terminals
//! register and ask, and how servers ask each other. The wire is specified in `signalling/irmv/irmv.md`.
//!
//! ```text
//!  Client ── Register ─▶ Server ── Append ─▶ journal        Client ── Query ─▶ Server A ── Query ─▶ Server B
//!         ◀─ Registered ─       ◀─ Durable ─                       ◀─ Answer ─         ◀─ Answer ─
//! ```

pub mod client;
mod id;
mod identifier;
mod invite;
mod message;
mod pointer;
mod record;
mod registry;
pub mod server;
mod wire;

pub use id::{BadUid, Uid, UserKey};
pub use identifier::{BadIdentifier, Identifier, Name, Number};
pub use invite::{BadInvite, Invite};
pub use message::{Carry, CarryId, Message, Reason, RelayTicket, Stage};
pub use pointer::{BadPointer, Pointer, SearchKey};
pub use record::{Attestation, Claim, Contact, Distrust, Proof, Record, Status};
pub use registry::{Conflict, Face, News, Registry, RegistryLimits, SharedRegistry, Way, Ways};
pub use wire::WireError;

/// Messages in a stream. A description of a session inside of a set-up fits into one.
pub type Frames = rove_base::Frames<1, 8_192>;

/// What is spoken, as the handshake names it (RFC 7301).
pub const PROTOCOL: &[u8] = b"rove-irmv/1";

#[cfg(test)]
mod tests;
