//! Robust header compression of IP/UDP/RTP (RFC 3095, profile 0x0001, with the corrections of RFC 4815), sans I/O.
//!
//! A [`Compressor`] turns whole IP packets into packets for a link, a [`Decompressor`] at its other end turns them back, byte by
//! byte. Each direction of a link has one of each; what a decompressor has to say ([`Feedback`]) goes the other way, to the
//! compressor of the same direction. A link without a way back works as well (unidirectional mode): contexts are then
//! refreshed now and then. With a way back it is the bidirectional optimistic mode; the reliable mode is not here.
//!
//! Packets that are not RTP go uncompressed (profile 0x0000) on a context of their own, the last one. An RTP packet that never
//! was in an IP packet on this side gets its headers from an [`RtpFlow`], which makes them cost nothing.
//!
//! # What is promised
//!
//! As long as no more packets in a row are lost than [`Config::loss_run`] says, and none is overtaken by a later one, every packet
//! that comes out is the one that went in. Beyond that the checksums decide: three bits in the smallest header, seven
//! or eight in the others, and sixteen more where a flow has UDP checksums. Two sides that are told the time ([`Compressor::at`],
//! [`Decompressor::at`]) know a pause of a flow from a loss, and after a loss that was too long small headers are not believed before several
//! agree (RFC 3095 §5.3.2.2.4); so does a link that knows for how long nothing came ([`Decompressor::silence`]).
//!
//! # Patents
//!
//! RFC 3095 appeared in July 2001. The IETF was notified of patent rights claimed in regard to it; what was disclosed is listed
//! under <https://datatracker.ietf.org/ipr/search/?rfc=3095&submit=rfc>. A patent generally lasts twenty years from its
//! application, and the text is prior art for later ones. Whether a particular patent is in force in a particular country was
//! not examined, and this is no legal advice. RFC 5225 (version 2 of the profiles, 2008) is not implemented here, and its
//! disclosures were not looked at.

mod bits;
mod chain;
mod cid;
mod compress;
mod crc;
mod decompress;
mod error;
mod feedback;
mod flow;
mod headers;
pub mod link;
mod list;

pub use cid::{Cids, split_feedback};
pub use compress::{Compressor, Config, Written};
pub use decompress::{Decompressor, Received};
pub use error::RohcError;
pub use feedback::{Acknowledgement, Feedback, Mode};
pub use flow::{RtpFlow, rtp_of};

#[cfg(test)]
mod tests;
