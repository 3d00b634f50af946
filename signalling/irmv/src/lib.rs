//! A registry of who is where, that anybody can run: records signed by their user, the protocol by which terminals
//! register and ask, and how servers ask each other. The wire is specified in `signalling/irmv/irmv.md`.
//!
//! ```text
//!  Client ── Register ─▶ Server ── Append ─▶ journal        Client ── Query ─▶ Server A ── Query ─▶ Server B
//!         ◀─ Registered ─       ◀─ Durable ─                       ◀─ Answer ─         ◀─ Answer ─
//! ```

mod card;
pub mod client;
mod id;
mod identifier;
mod invite;
mod message;
mod pointer;
mod proof;
mod record;
mod registry;
pub mod server;
mod speaker;
mod wire;
mod words;

pub use card::{Card, Listing};
pub use id::{BadUid, Uid, UserKey};
pub use identifier::{BadIdentifier, Identifier, Name, Number};
pub use invite::{BadInvite, Invite};
pub use message::{Carry, CarryId, Message, Reason, RelayTicket, Stage};
pub use pointer::{BadPointer, Pointer, SearchKey};
pub use proof::NumberProof;
pub use record::{Attestation, Claim, Contact, Distrust, Proof, Record, Status};
pub use registry::{
    Conflict, Face, News, Registry, RegistryLimits, SharedRegistry, Shelf, Signatures, Way, Ways,
};
pub use speaker::Speaker;
pub use wire::WireError;
pub use words::{BadWord, Words};

/// Messages in a stream. A description of a session inside of a set-up fits into one.
pub type Frames = rove_base::Frames<1, 8_192>;

/// What is spoken, as the handshake names it (RFC 7301).
pub const PROTOCOL: &[u8] = b"rove-irmv/1";

#[cfg(test)]
mod tests;
