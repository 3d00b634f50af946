//! The headers of the core as types.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::str::FromStr;

use super::super::{
    CSeq, HeaderError, HeaderName, Headers, MediaType, Method, NameAddr, SyntaxError, Via, Warning,
    lex::{Cursor, is_token, list},
    view,
};

/// Headers as types.
impl Headers {
    /// The topmost Via.
    pub fn via(&self) -> Result<Via, HeaderError> {
        let value = self.required(&HeaderName::Via)?;
        Via::read(&mut Cursor::new(value)).map_err(|error| malformed(HeaderName::Via, error))
    }

    /// All Via, topmost first. Never empty.
    pub fn vias(&self) -> Result<Vec<Via>, HeaderError> {
        self.required(&HeaderName::Via)?;
        self.elements(&HeaderName::Via, Via::read)
    }

    /// Puts `via` in place of the topmost one and leaves the others.
    pub fn replace_top_via(&mut self, via: &Via) -> Result<(), HeaderError> {
        let place = self.place(&HeaderName::Via).unwrap_or(0);
        let mut cursor = Cursor::new(self.required(&HeaderName::Via)?);
        if view::ViaView::read(&mut cursor).is_ok() && cursor.finish("a Via").is_ok() {
            // It has its line for itself.
            let line = self.keep(HeaderName::Via, &via.to_string());
            if let Some(top) = self.lines.get_mut(place) {
                *top = line;
            }
            return Ok(());
        }
        let mut vias = self.vias()?;
        let first = vias.first_mut().ok_or(HeaderError::Missing(HeaderName::Via))?;
        first.clone_from(via);
        let first = self.place(&HeaderName::Via).unwrap_or(0);
        self.remove(&HeaderName::Via);
        for via in vias.iter().rev() {
            let line = self.keep(HeaderName::Via, &via.to_string());
            self.lines.insert(first, line);
        }
        Ok(())
    }

    /// Drops the topmost Via, and leaves the others.
    pub(crate) fn drop_top_via(&mut self) -> Result<(), HeaderError> {
        let place = self.place(&HeaderName::Via).ok_or(HeaderError::Missing(HeaderName::Via))?;
        let value = self.required(&HeaderName::Via)?;
        let mut cursor = Cursor::new(value);
        view::ViaView::read(&mut cursor).map_err(|error| malformed(HeaderName::Via, error))?;
        cursor.skip_space();
        match cursor.eat(b',') {
            false => drop(self.lines.remove(place)),
            true => {
                let rest = cursor.rest().trim_ascii_start().to_owned();
                let line = self.keep(HeaderName::Via, &rest);
                if let Some(top) = self.lines.get_mut(place) {
                    *top = line;
                }
            }
        }
        Ok(())
    }

    /// The tag of From, where there is one; what else stands there is not looked at.
    pub(crate) fn tag_of_from(&self) -> Option<&str> {
        view::tag(self.single(&HeaderName::From).ok()?).ok().flatten()
    }

    /// The tag of To, in the same way.
    pub(crate) fn to_tag(&self) -> Result<Option<&str>, HeaderError> {
        view::tag(self.single(&HeaderName::To)?).map_err(|error| malformed(HeaderName::To, error))
    }

    /// The number of CSeq; 0 where that cannot be read.
    pub(crate) fn cseq_number(&self) -> u32 {
        let cseq = self.single(&HeaderName::CSeq).ok().and_then(|value| view::CSeqView::parse(value).ok());
        cseq.map_or(0, |cseq| cseq.number)
    }

    /// From.
    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        self.parsed(&HeaderName::From)
    }

    /// To.
    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.parsed(&HeaderName::To)
    }

    /// Call-ID.
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        view::word(self.single(&HeaderName::CallId)?).map_err(|error| malformed(HeaderName::CallId, error))
    }

    /// CSeq.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        self.parsed(&HeaderName::CSeq)
    }

    /// Max-Forwards; numbers above 255 count as 255. `None` when it is not there, as with RFC 2543.
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        let hops = self.number(&HeaderName::MaxForwards)?;
        Ok(hops.map(|hops| u8::try_from(hops).unwrap_or(u8::MAX)))
    }

    /// The first Contact. `None` when there is none, or when it is `*`.
    pub fn contact(&self) -> Result<Option<NameAddr>, HeaderError> {
        Ok(self.contacts()?.into_iter().next())
    }

    /// All Contacts. Empty for `*`.
    pub fn contacts(&self) -> Result<Vec<NameAddr>, HeaderError> {
        if self.is_wildcard_contact() {
            return Ok(Vec::new());
        }
        self.elements(&HeaderName::Contact, NameAddr::read)
    }

    /// Whether Contact is `*`: all bindings of an address of record (RFC 3261 §10.2.2).
    #[must_use]
    pub fn is_wildcard_contact(&self) -> bool {
        self.all(&HeaderName::Contact).eq(["*"])
    }

    /// Record-Route, in the order of the message.
    pub fn record_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.elements(&HeaderName::RecordRoute, NameAddr::read)
    }

    /// Route, next hop first.
    pub fn routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.elements(&HeaderName::Route, NameAddr::read)
    }

    /// Content-Type.
    pub fn content_type(&self) -> Result<Option<MediaType>, HeaderError> {
        self.optional(&HeaderName::ContentType)
    }

    /// Content-Length in bytes; numbers beyond 64 bits count as the largest.
    pub fn content_length(&self) -> Result<Option<u64>, HeaderError> {
        self.number(&HeaderName::ContentLength)
    }

    /// Option tags the other side must understand (RFC 3261 §20.32).
    pub fn require(&self) -> Result<Vec<&str>, HeaderError> {
        self.tokens(&HeaderName::Require)
    }

    /// Option tags the sender understands (RFC 3261 §20.37).
    pub fn supported(&self) -> Result<Vec<&str>, HeaderError> {
        self.tokens(&HeaderName::Supported)
    }

    /// Methods the sender understands (RFC 3261 §20.5).
    pub fn allow(&self) -> Result<Vec<Method>, HeaderError> {
        let parse = |text: &str| text.parse().map_err(|error| malformed(HeaderName::Allow, error));
        self.tokens(&HeaderName::Allow)?.into_iter().map(parse).collect()
    }

    /// The tokens of a comma-separated header. An empty value has none.
    pub fn tokens(&self, name: &HeaderName) -> Result<Vec<&str>, HeaderError> {
        let mut tokens = Vec::new();
        let mut count = 0;
        for value in self.all(name).filter(|value| !value.is_empty()) {
            list(value, "elements", &mut count, |cursor| {
                tokens.push(cursor.token("a token")?);
                Ok(())
            })
            .map_err(|error| malformed(name.clone(), error))?;
        }
        Ok(tokens)
    }

    /// Expires in seconds; more than 32 bits hold counts as the most they hold (RFC 3261 §20.19).
    pub fn expires(&self) -> Result<Option<u32>, HeaderError> {
        self.seconds(&HeaderName::Expires)
    }

    /// The seconds of Retry-After, without its comment and parameters (RFC 3261 §20.33).
    pub fn retry_after(&self) -> Result<Option<u32>, HeaderError> {
        let Some(value) = self.get(&HeaderName::RetryAfter) else { return Ok(None) };
        let digits = Cursor::new(value).digits("seconds");
        let digits = digits.map_err(|error| malformed(HeaderName::RetryAfter, error))?;
        Ok(Some(digits.parse().unwrap_or(u32::MAX)))
    }

    /// The first Warning (RFC 3261 §20.43).
    pub fn warning(&self) -> Result<Option<Warning>, HeaderError> {
        let Some(value) = self.get(&HeaderName::Warning) else { return Ok(None) };
        let read = Warning::read(&mut Cursor::new(value));
        read.map(Some).map_err(|error| malformed(HeaderName::Warning, error))
    }

    fn required(&self, name: &HeaderName) -> Result<&str, HeaderError> {
        self.get(name).ok_or_else(|| HeaderError::Missing(name.clone()))
    }

    fn single(&self, name: &HeaderName) -> Result<&str, HeaderError> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(HeaderError::Missing(name.clone())),
            (Some(_), Some(_)) => Err(HeaderError::Repeated(name.clone())),
        }
    }

    fn parsed<T: FromStr<Err = SyntaxError>>(&self, name: &HeaderName) -> Result<T, HeaderError> {
        self.single(name)?.parse().map_err(|error| malformed(name.clone(), error))
    }

    pub(crate) fn optional<T: FromStr<Err = SyntaxError>>(
        &self,
        name: &HeaderName,
    ) -> Result<Option<T>, HeaderError> {
        match self.parsed(name) {
            Err(HeaderError::Missing(_)) => Ok(None),
            other => other.map(Some),
        }
    }

    /// A header of which each line is one value.
    pub(crate) fn each_line<T: FromStr<Err = SyntaxError>>(
        &self,
        name: &HeaderName,
    ) -> Result<Vec<T>, HeaderError> {
        let parse = |value: &str| value.parse().map_err(|error| malformed(name.clone(), error));
        self.all(name).map(parse).collect()
    }

    /// A header that is one token.
    pub(crate) fn one_token(&self, name: &HeaderName) -> Result<Option<&str>, HeaderError> {
        let value = match self.single(name) {
            Err(HeaderError::Missing(_)) => return Ok(None),
            other => other?,
        };
        let fine = !value.is_empty() && value.bytes().all(is_token);
        fine.then_some(Some(value)).ok_or(malformed(name.clone(), SyntaxError::Expected("a token")))
    }

    /// A number that 32 bits hold, or the most they hold.
    pub(crate) fn seconds(&self, name: &HeaderName) -> Result<Option<u32>, HeaderError> {
        let seconds = self.number(name)?;
        Ok(seconds.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)))
    }

    /// A number that saturates: what matters of a huge one is that it is huge.
    fn number(&self, name: &HeaderName) -> Result<Option<u64>, HeaderError> {
        let value = match self.single(name) {
            Err(HeaderError::Missing(_)) => return Ok(None),
            other => other?,
        };
        view::number(name, value).map(Some)
    }

    pub(crate) fn elements<T>(
        &self,
        name: &HeaderName,
        read: impl Fn(&mut Cursor<'_>) -> Result<T, SyntaxError>,
    ) -> Result<Vec<T>, HeaderError> {
        let mut elements = Vec::new();
        let mut count = 0;
        for value in self.all(name) {
            list(value, "elements", &mut count, |cursor| {
                elements.push(read(cursor)?);
                Ok(())
            })
            .map_err(|error| malformed(name.clone(), error))?;
        }
        Ok(elements)
    }
}

const fn malformed(name: HeaderName, error: SyntaxError) -> HeaderError {
    HeaderError::Malformed { name, error }
}
