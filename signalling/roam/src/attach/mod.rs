//! The attach protocol: how a terminal comes to a network that is not its own.
//!
//! ```text
//!  terminal                                   network (VLR)
//!   Identify ────────────────────────────────▶  agreement checked, home asked for a challenge
//!   Challenge ◀───────────────────────────────
//!   Response ────────────────────────────────▶  home told where the terminal is; profile comes; addresses reserved
//!   Assign ◀──────────────────────────────────
//!   Prove ───────────────────────────────────▶
//!   Accept (token) ◀──────────────────────────
//!   DHCP with the token, or Ready ───────────▶  bound at home, PTR durable
//!   Bound ◀─── and the DHCP acknowledgement ──
//! ```
//!
//! The wire format, limits and state diagrams stand in `attach.md` beside this crate's sources. It runs on TLS 1.3; the
//! network is who its certificate says, which the driver has checked.

mod code;
mod credential;
mod dialled;
mod message;
mod reason;
mod secret;
pub mod terminal;
mod wire;

pub(crate) use code::{Fields, Writer};
pub use credential::{Answer, Credential, CredentialError, SimCredential};
pub use dialled::{Dialled, DialledError};
pub use message::{CallId, CallRequest, Identify, Query, Response, ToNetwork, ToTerminal};
pub use reason::Reason;
pub use secret::Secret;
pub use wire::WireError;

/// Messages in a stream: a version and a type at least; a profile with three forwardings of the longest kind fits.
pub type Frames = rove_base::Frames<2, 2_048>;

#[cfg(test)]
mod tests;
