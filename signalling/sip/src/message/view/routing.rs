//! What has to be known of a message to find its transaction and its next hop.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{CSeqView, MessageView, ParseErrorKind, UriView, ViaView};

/// All that routing needs, borrowed from the message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Routing<'a> {
    /// Of whom a request asks something; `None` for a response.
    pub uri: Option<UriView<'a>>,
    /// The topmost Via, with the branch.
    pub via: ViaView<'a>,
    /// Call-ID.
    pub call_id: &'a str,
    /// CSeq.
    pub cseq: CSeqView<'a>,
    /// The tag of From.
    pub from_tag: Option<&'a str>,
    /// The tag of To; `None` outside a dialog.
    pub to_tag: Option<&'a str>,
    /// Max-Forwards; `None` when it is not there.
    pub max_forwards: Option<u8>,
    /// The topmost Route; `None` when there is none.
    pub route: Option<UriView<'a>>,
}

impl<'a> MessageView<'a> {
    /// Reads what routing needs, and nothing else.
    ///
    /// # Errors
    ///
    /// [`ParseErrorKind`] for the first of them that is malformed, missing or repeated, and when CSeq is of another
    /// method than the request. [`refuse`](Self::refuse) makes the answer.
    #[inline]
    pub fn routing(&self) -> Result<Routing<'a>, ParseErrorKind> {
        let cseq = self.cseq()?;
        if !self.agrees(&cseq) {
            return Err(ParseErrorKind::MethodMismatch);
        }
        Ok(Routing {
            uri: self.uri()?,
            via: self.via()?,
            call_id: self.call_id()?,
            cseq,
            from_tag: self.from_tag()?,
            to_tag: self.to_tag()?,
            max_forwards: self.max_forwards()?,
            route: self.route()?.map(|route| route.uri),
        })
    }
}
