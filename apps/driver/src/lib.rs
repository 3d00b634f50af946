//! What carries a machine's steps to the world, for phone and node alike: datagram sockets in batches, and streams over
//! TCP, TLS, WebSocket, secure WebSocket and QUIC, asked for and accepted, IPv4 and IPv6.
//!
//! Everything here runs on one tokio runtime of one thread; machines never see it.

mod alarm;
mod carry;
mod fingerprint;
mod key_log;
mod listener;
mod numbers;
mod peers;
mod quic;
mod sockets;
mod streams;
mod tls;
mod voice;
mod websocket;

pub use alarm::Alarm;
pub use carry::Pipe;
pub use fingerprint::fingerprint;
pub use listener::{CannotBind, Listener, bind_pair};
pub use numbers::{NotForNumber, NumberAuthorities, certificates};
pub use peers::Trust;
pub use sockets::{Sockets, address_toward};
pub use streams::{StreamBounds, StreamEvent, Streams};
pub use tls::{Certificate, Tls, TlsError};
pub use voice::Beside;
