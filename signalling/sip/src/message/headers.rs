//! The headers of a message: an ordered list, read as types on demand.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::str::FromStr;

use super::{
    CSeq, HeaderError, HeaderName, MediaType, Method, NameAddr, SyntaxError, Via, Warning,
    lex::{Cursor, list},
};

/// Headers in the order of the message. Values are kept as they were received, unfolded and without space around.
///
/// Accessors named after a header parse it anew each time; those that answer a `Result` fail with [`HeaderError`]
/// when the header does not follow its grammar, when it is missing and has to be there, or when it stands twice and may
/// not.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Headers(Vec<(HeaderName, String)>);

impl Headers {
    /// No headers.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn with_capacity(headers: usize) -> Self {
        Self(Vec::with_capacity(headers))
    }

    /// Adds a header whose value has neither line ends nor space around it.
    pub(crate) fn push_line(&mut self, name: HeaderName, value: String) {
        self.0.push((name, value));
    }

    /// The first value of `name`.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of `name`, one for each line, in order.
    pub fn all<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// All headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &str)> {
        self.0.iter().map(|(name, value)| (name, value.as_str()))
    }

    /// Number of header lines.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a header at the end. Line ends in `value` become spaces, so that a value cannot forge a header.
    pub fn push(&mut self, name: HeaderName, value: impl Into<String>) {
        self.0.push((name, one_line(value.into())));
    }

    /// Gives `name` this one value: in place of its first, or at the end.
    pub fn set(&mut self, name: HeaderName, value: impl Into<String>) {
        let Some(at) = self.0.iter().position(|(have, _)| *have == name) else {
            return self.push(name, value);
        };
        let mut index = 0_usize;
        self.0.retain(|(have, _)| {
            let keep = index <= at || *have != name;
            index = index.saturating_add(1);
            keep
        });
        if let Some((_, slot)) = self.0.get_mut(at) {
            *slot = one_line(value.into());
        }
    }

    /// Adds a header before the first of its name, or at the front.
    pub fn prepend(&mut self, name: HeaderName, value: impl Into<String>) {
        let at = self.0.iter().position(|(have, _)| *have == name).unwrap_or(0);
        self.0.insert(at, (name, one_line(value.into())));
    }

    /// Drops all headers of this name.
    pub fn remove(&mut self, name: &HeaderName) {
        self.0.retain(|(have, _)| have != name);
    }

    /// Adds all headers of this name from `other`, in order.
    pub fn copy(&mut self, name: &HeaderName, other: &Self) {
        self.0.extend(other.0.iter().filter(|(have, _)| have == name).cloned());
    }
}

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
        let mut vias = self.vias()?;
        let first = vias.first_mut().ok_or(HeaderError::Missing(HeaderName::Via))?;
        first.clone_from(via);
        let first = self.0.iter().position(|(name, _)| *name == HeaderName::Via).unwrap_or(0);
        self.remove(&HeaderName::Via);
        for via in vias.iter().rev() {
            self.0.insert(first, (HeaderName::Via, via.to_string()));
        }
        Ok(())
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
        let value = self.single(&HeaderName::CallId)?;
        let fine = !value.is_empty() && !value.contains([' ', '\t']);
        fine.then_some(value).ok_or(malformed(HeaderName::CallId, SyntaxError::Expected("one word")))
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
        for value in self.all(name).filter(|value| !value.is_empty()) {
            list(value, "elements", |cursor| cursor.token("a token"), &mut tokens)
                .map_err(|error| malformed(name.clone(), error))?;
        }
        Ok(tokens)
    }

    /// Expires in seconds; more than 32 bits hold counts as the most they hold (RFC 3261 §20.19).
    pub fn expires(&self) -> Result<Option<u32>, HeaderError> {
        let seconds = self.number(&HeaderName::Expires)?;
        Ok(seconds.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)))
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

    fn optional<T: FromStr<Err = SyntaxError>>(&self, name: &HeaderName) -> Result<Option<T>, HeaderError> {
        match self.parsed(name) {
            Err(HeaderError::Missing(_)) => Ok(None),
            other => other.map(Some),
        }
    }

    /// A number that saturates: what matters of a huge one is that it is huge.
    fn number(&self, name: &HeaderName) -> Result<Option<u64>, HeaderError> {
        let value = match self.single(name) {
            Err(HeaderError::Missing(_)) => return Ok(None),
            other => other?,
        };
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed(name.clone(), SyntaxError::Expected("a number")));
        }
        Ok(Some(value.parse().unwrap_or(u64::MAX)))
    }

    pub(crate) fn elements<T>(
        &self,
        name: &HeaderName,
        read: impl Fn(&mut Cursor<'_>) -> Result<T, SyntaxError>,
    ) -> Result<Vec<T>, HeaderError> {
        let mut elements = Vec::new();
        for value in self.all(name) {
            list(value, "elements", &read, &mut elements).map_err(|error| malformed(name.clone(), error))?;
        }
        Ok(elements)
    }
}

const fn malformed(name: HeaderName, error: SyntaxError) -> HeaderError {
    HeaderError::Malformed { name, error }
}

fn one_line(value: String) -> String {
    let fine = !value.contains(['\r', '\n']) && value.trim_matches([' ', '\t']).len() == value.len();
    if fine { value } else { value.replace(['\r', '\n'], " ").trim_matches([' ', '\t']).to_owned() }
}
