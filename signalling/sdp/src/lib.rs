//! Session descriptions: parse, write, offer and answer (RFC 8866, 3264).
//!
//! A [`Description`] keeps every line it was read from. [`offer`], [`answer`] and [`accept`] speak about one audio
//! stream: Opus (RFC 7587) with redundant copies (RFC 2198), G.711 and G.722 (RFC 3551) with comfort noise (RFC 3389),
//! telephone events (RFC 4733), RTCP on the same port (RFC 5761) or another (RFC 3605).

mod attribute;
mod codec;
mod description;
mod error;
mod negotiate;
mod offer;
mod parse;
mod write;

#[cfg(test)]
mod tests;

pub use attribute::{Fmtp, RtcpAddress, RtpMap};
pub use description::{Connection, Description, Line, Media, Origin};
pub use error::{Mismatch, ParseError};
pub use negotiate::{Negotiated, accept, answer};
pub use offer::{Local, Wishes, offer};
pub use parse::{MAX_BYTES, MAX_FORMATS, MAX_LINES, MAX_MEDIA};
