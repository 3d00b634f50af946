//! A way to the peer, and keys for it.

pub mod dtls;
pub mod stun;
