//! Headers of a view as types.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::super::{
    HeaderError, HeaderName, Method, ParseErrorKind, SyntaxError,
    lex::{Cursor, list},
};
use super::{MessageView, NameAddrView, StartView, UriView, ViaView, address::tag};

/// A sequence number and the method it counts, borrowed from the message (RFC 3261 §20.16).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CSeqView<'a> {
    /// Grows by one with each request of a dialog, but for ACK and CANCEL.
    pub number: u32,
    /// The method of the request; a token.
    pub method: &'a str,
}

impl<'a> CSeqView<'a> {
    #[inline]
    pub(crate) fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let number = cursor.digits("a number")?.parse().map_err(|_| SyntaxError::Range("sequence number"))?;
        if !cursor.at_space() {
            return Err(SyntaxError::Expected("space after the number"));
        }
        cursor.skip_space();
        let method = cursor.token("a method")?;
        cursor.finish("the method")?;
        Ok(Self { number, method })
    }
}

/// Those that answer a `Result` fail when the header does not follow its grammar, when it is missing and has to be
/// there, or when it stands twice and may not.
impl<'a> MessageView<'a> {
    /// Of whom a request asks something; `None` for a response.
    ///
    /// # Errors
    ///
    /// As [`Message::parse`](super::super::Message::parse): too long, malformed, or with headers in it.
    #[inline]
    pub fn uri(&self) -> Result<Option<UriView<'a>>, ParseErrorKind> {
        let StartView::Request { uri, .. } = self.start else { return Ok(None) };
        if uri.len() > super::super::MAX_URI {
            return Err(ParseErrorKind::UriTooLong);
        }
        let uri = UriView::parse(uri).map_err(ParseErrorKind::RequestUri)?;
        if uri.as_sip().is_some_and(|uri| uri.has_headers()) {
            return Err(ParseErrorKind::UriHeaders);
        }
        Ok(Some(uri))
    }

    /// The topmost Via.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] as above; so with all below.
    #[inline]
    pub fn via(&self) -> Result<ViaView<'a>, HeaderError> {
        let name = HeaderName::Via;
        let value = self.first(&name).ok_or(HeaderError::Missing(HeaderName::Via))?;
        ViaView::read(&mut Cursor::new(value)).map_err(|error| malformed(&name, error))
    }

    /// From.
    pub fn from(&self) -> Result<NameAddrView<'a>, HeaderError> {
        self.single(&HeaderName::From, NameAddrView::parse)
    }

    /// To.
    pub fn to(&self) -> Result<NameAddrView<'a>, HeaderError> {
        self.single(&HeaderName::To, NameAddrView::parse)
    }

    /// The tag of From; what else stands there is not looked at, but for where it ends.
    #[inline]
    pub fn from_tag(&self) -> Result<Option<&'a str>, HeaderError> {
        self.single(&HeaderName::From, tag)
    }

    /// The tag of To, in the same way.
    #[inline]
    pub fn to_tag(&self) -> Result<Option<&'a str>, HeaderError> {
        self.single(&HeaderName::To, tag)
    }

    /// Call-ID.
    #[inline]
    pub fn call_id(&self) -> Result<&'a str, HeaderError> {
        self.single(&HeaderName::CallId, word)
    }

    /// CSeq.
    #[inline]
    pub fn cseq(&self) -> Result<CSeqView<'a>, HeaderError> {
        self.single(&HeaderName::CSeq, CSeqView::parse)
    }

    /// Max-Forwards; numbers above 255 count as 255. `None` when it is not there, as with RFC 2543.
    #[inline]
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        let name = HeaderName::MaxForwards;
        if self.first(&name).is_none() {
            return Ok(None);
        }
        let hops = number(&name, self.single(&name, Ok)?)?;
        Ok(Some(u8::try_from(hops).unwrap_or(u8::MAX)))
    }

    /// The topmost Route: the next hop. `None` when there is none.
    #[inline]
    pub fn route(&self) -> Result<Option<NameAddrView<'a>>, HeaderError> {
        let name = HeaderName::Route;
        let Some(value) = self.first(&name) else { return Ok(None) };
        NameAddrView::read(&mut Cursor::new(value)).map(Some).map_err(|error| malformed(&name, error))
    }

    /// The first value of a known name, folds included.
    #[inline]
    fn first(&self, name: &HeaderName) -> Option<&'a str> {
        self.table.first(name).map(|entry| super::raw(self.head, entry))
    }

    /// The value of a known name that stands once.
    #[inline]
    fn single<T>(
        &self,
        name: &HeaderName,
        read: impl FnOnce(&'a str) -> Result<T, SyntaxError>,
    ) -> Result<T, HeaderError> {
        let Some(value) = self.first(name) else { return Err(HeaderError::Missing(name.clone())) };
        if self.table.is_repeated(name) {
            return Err(HeaderError::Repeated(name.clone()));
        }
        read(value).map_err(|error| malformed(name, error))
    }

    /// Reads every element of a known name and keeps none.
    pub(super) fn each(
        &self,
        name: &HeaderName,
        mut read: impl FnMut(&mut Cursor<'a>) -> Result<(), SyntaxError>,
    ) -> Result<(), HeaderError> {
        if self.first(name).is_none() {
            return Ok(());
        }
        let mut count = 0;
        for value in self.raw(name) {
            list(value, "elements", &mut count, &mut read).map_err(|error| malformed(name, error))?;
        }
        Ok(())
    }

    /// Whether CSeq is of the method of a request; responses have none.
    pub(super) fn agrees(&self, cseq: &CSeqView<'_>) -> bool {
        self.method().is_none_or(|method| method == cseq.method && Method::is_valid(method))
    }
}

/// The value of a Call-ID: one word.
pub(crate) fn word(value: &str) -> Result<&str, SyntaxError> {
    let fine = !value.is_empty() && value.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    if fine { Ok(value) } else { Err(SyntaxError::Expected("one word")) }
}

/// A number that saturates: what matters of a huge one is that it is huge.
pub(crate) fn number(name: &HeaderName, value: &str) -> Result<u64, HeaderError> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed(name, SyntaxError::Expected("a number")));
    }
    Ok(value.parse().unwrap_or(u64::MAX))
}

pub(super) fn malformed(name: &HeaderName, error: SyntaxError) -> HeaderError {
    HeaderError::Malformed { name: name.clone(), error }
}
