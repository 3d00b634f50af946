//! Media passed on for those who cannot reach each other, sans I/O.
//!
//! [`turn`] lends addresses to clients of any kind (RFC 8656); [`calls`] joins the two ends of a call on one port, by tokens
//! that a server has given them. Both write what is to leave straight into the driver's scratch as it comes in, so that a
//! packet costs one copy and no allocation; [`policy`] says whom nothing is ever sent to. Both work at one desk or at several,
//! one for each processor, that share the ports ([`desks`]).

pub mod accounts;
pub mod calls;
pub mod counts;
pub mod credit;
pub mod desks;
pub mod policy;
mod table;
pub mod turn;
