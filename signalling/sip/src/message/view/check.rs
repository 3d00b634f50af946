//! What every message must have in good order before it is worked with.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{HeaderError, HeaderName, MessageView, NameAddrView, ParseErrorKind, ViaView};

impl MessageView<'_> {
    /// Checks the headers without which no transaction can be found, and those that may stand once only: what
    /// [`Message::parse`](super::super::Message::parse) demands.
    ///
    /// # Errors
    ///
    /// [`ParseErrorKind`] for the first flaw. [`refuse`](Self::refuse) makes the answer.
    pub fn check(&self) -> Result<(), ParseErrorKind> {
        self.uri()?;
        if self.table.first(&HeaderName::Via).is_none() {
            return Err(HeaderError::Missing(HeaderName::Via).into());
        }
        self.each(&HeaderName::Via, |cursor| ViaView::read(cursor).map(drop))?;
        self.from()?;
        self.to()?;
        self.call_id()?;
        let cseq = self.cseq()?;
        self.max_forwards()?;
        self.each(&HeaderName::Route, |cursor| NameAddrView::read(cursor).map(drop))?;
        self.each(&HeaderName::RecordRoute, |cursor| NameAddrView::read(cursor).map(drop))?;
        let wildcard =
            !self.table.is_repeated(&HeaderName::Contact) && self.raw(&HeaderName::Contact).eq(["*"]);
        if !wildcard {
            self.each(&HeaderName::Contact, |cursor| NameAddrView::read(cursor).map(drop))?;
        }
        if self.table.is_repeated(&HeaderName::ContentType) {
            return Err(HeaderError::Repeated(HeaderName::ContentType).into());
        }
        if self.agrees(&cseq) { Ok(()) } else { Err(ParseErrorKind::MethodMismatch) }
    }
}
