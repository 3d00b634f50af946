//! SIP as machines without I/O: messages, transactions, dialogs, user agent (RFC 3261).

pub mod dialog;
pub mod digest;
pub mod event;
pub mod message;
pub mod passport;
mod proxy;
pub mod register;
pub mod registrar;
pub mod server;
mod sources;
pub mod transaction;
pub mod transport;
pub mod ua;
