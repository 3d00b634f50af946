//! Session descriptions: parse, write, offer and answer (RFC 8866, 3264).
//!
//! A [`Description`] keeps every line it was read from. A [`Session`] is the offers and answers of one call, from its first
//! to its last (RFC 3264); [`offer`], [`answer`] and [`accept`] are its first exchange alone. They speak about one audio
//! stream: Opus (RFC 7587) with redundant copies (RFC 2198), G.711 and G.722 (RFC 3551) with comfort noise (RFC 3389),
//! telephone events (RFC 4733), RTCP on the same port (RFC 5761) or another (RFC 3605), protected by keys in the
//! description (RFC 4568) or by DTLS (RFC 5763), reached by candidates (RFC 8839) that may follow later (RFC 8840).
//! `musts.md` beside this crate's manifest tells for each MUST of RFC 3264 how it is kept.

mod attribute;
mod codec;
mod connectivity;
mod crypto;
mod description;
mod error;
mod ice;
mod negotiate;
mod numbers;
mod offer;
mod parse;
mod protect;
mod session;
mod setup;
mod tls_id;
mod trickle;
mod write;

#[cfg(test)]
mod tests;

pub use attribute::{Fmtp, RtcpAddress, RtpMap};
pub use crypto::{Crypto, CryptoError, SdesKey};
pub use description::{Connection, Description, Line, Media, Origin};
pub use error::{Mismatch, ParseError};
pub use ice::{Candidate, Ice, MOST_CANDIDATES, RemoteCandidates};
pub use negotiate::{IceAgreed, Negotiated};
pub use offer::{Local, Wishes};
pub use parse::{MAX_BYTES, MAX_FORMATS, MAX_LINES, MAX_MEDIA};
pub use protect::{MediaSecurity, Protection, SecurityKind};
pub use session::{Session, accept, answer, held, offer};
pub use setup::Setup;
pub use tls_id::TlsId;
pub use trickle::{TrickleFragment, TrickleMedia};
