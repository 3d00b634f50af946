//! The names of headers, long and compact.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use super::{SyntaxError, Token};

macro_rules! header_names {
    ($($variant:ident $name:literal $($compact:literal)?;)*) => {
        /// The name of a header. Case does not count, and a compact form is the same as its long form (RFC 3261 §7.3).
        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum HeaderName {
            $(#[doc = concat!("`", $name, "`", $(", in short `", $compact, "`",)? ".")] $variant,)*
            /// Any other.
            Other(OtherName),
        }

        impl HeaderName {
            /// The long form, as the standards write it; other names as they were.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name.0.as_str(),
                }
            }

            fn known(text: &str) -> Option<Self> {
                $(if text.eq_ignore_ascii_case($name) $(|| text.eq_ignore_ascii_case($compact))? {
                    return Some(Self::$variant);
                })*
                None
            }
        }
    };
}

// The usual ones first, since they are looked through in this order.
header_names! {
    Via "Via" "v";
    From "From" "f";
    To "To" "t";
    CallId "Call-ID" "i";
    CSeq "CSeq";
    MaxForwards "Max-Forwards";
    Contact "Contact" "m";
    ContentLength "Content-Length" "l";
    ContentType "Content-Type" "c";
    Route "Route";
    RecordRoute "Record-Route";
    Allow "Allow";
    Supported "Supported" "k";
    UserAgent "User-Agent";
    Server "Server";
    Expires "Expires";
    Require "Require";
    Accept "Accept";
    AcceptEncoding "Accept-Encoding";
    AcceptLanguage "Accept-Language";
    AlertInfo "Alert-Info";
    AllowEvents "Allow-Events" "u";
    AuthenticationInfo "Authentication-Info";
    Authorization "Authorization";
    CallInfo "Call-Info";
    ContentDisposition "Content-Disposition";
    ContentEncoding "Content-Encoding" "e";
    ContentLanguage "Content-Language";
    Date "Date";
    ErrorInfo "Error-Info";
    Event "Event" "o";
    InReplyTo "In-Reply-To";
    MimeVersion "MIME-Version";
    MinExpires "Min-Expires";
    MinSe "Min-SE";
    Organization "Organization";
    Path "Path";
    PAssertedIdentity "P-Asserted-Identity";
    Priority "Priority";
    Privacy "Privacy";
    ProxyAuthenticate "Proxy-Authenticate";
    ProxyAuthorization "Proxy-Authorization";
    ProxyRequire "Proxy-Require";
    RAck "RAck";
    Reason "Reason";
    ReferTo "Refer-To" "r";
    ReferredBy "Referred-By" "b";
    Replaces "Replaces";
    ReplyTo "Reply-To";
    RetryAfter "Retry-After";
    RSeq "RSeq";
    ServiceRoute "Service-Route";
    SessionExpires "Session-Expires" "x";
    Subject "Subject" "s";
    SubscriptionState "Subscription-State";
    Timestamp "Timestamp";
    Unsupported "Unsupported";
    Warning "Warning";
    WwwAuthenticate "WWW-Authenticate";
}

impl FromStr for HeaderName {
    type Err = SyntaxError;

    /// Any token is a name.
    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        if let Some(known) = Self::known(text) {
            return Ok(known);
        }
        let token = Token::new(text).ok_or(SyntaxError::Expected("a header name"))?;
        Ok(Self::Other(OtherName(token)))
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a header that this crate does not know, in its sender's spelling. Compares without case.
#[derive(Clone, Debug)]
pub struct OtherName(Token);

impl PartialEq for OtherName {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str().eq_ignore_ascii_case(other.0.as_str())
    }
}

impl Eq for OtherName {}

impl Hash for OtherName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().bytes().for_each(|byte| byte.to_ascii_lowercase().hash(state));
    }
}
