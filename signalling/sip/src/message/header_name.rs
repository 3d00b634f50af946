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

            /// Its number; that of the header itself, not of its spelling.
            pub(crate) const fn id(&self) -> NameId {
                match self {
                    $(Self::$variant => NameId(Place::$variant as u8),)*
                    Self::Other(_) => NameId::OTHER,
                }
            }
        }

        /// The place of a name in [`KNOWN`].
        #[derive(Clone, Copy)]
        #[repr(u8)]
        enum Place {
            $($variant,)*
        }

        /// Every name there is, by number.
        static KNOWN: &[HeaderName] = &[$(HeaderName::$variant,)*];

        /// Every spelling there is, and the number it stands for.
        const SPELLINGS: &[(&str, u8)] = &[
            $(($name, Place::$variant as u8), $(($compact, Place::$variant as u8),)?)*
        ];
    };
}

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
    AcceptContact "Accept-Contact" "a";
    AcceptEncoding "Accept-Encoding";
    AcceptLanguage "Accept-Language";
    AcceptResourcePriority "Accept-Resource-Priority";
    AlertInfo "Alert-Info";
    AllowEvents "Allow-Events" "u";
    AuthenticationInfo "Authentication-Info";
    Authorization "Authorization";
    CallInfo "Call-Info";
    ContentDisposition "Content-Disposition";
    ContentEncoding "Content-Encoding" "e";
    ContentId "Content-ID";
    ContentLanguage "Content-Language";
    Date "Date";
    Diversion "Diversion";
    ErrorInfo "Error-Info";
    Event "Event" "o";
    FeatureCaps "Feature-Caps";
    FlowTimer "Flow-Timer";
    Geolocation "Geolocation";
    HistoryInfo "History-Info";
    Identity "Identity" "y";
    IdentityInfo "Identity-Info" "n";
    InReplyTo "In-Reply-To";
    InfoPackage "Info-Package";
    Join "Join";
    MimeVersion "MIME-Version";
    MinExpires "Min-Expires";
    MinSe "Min-SE";
    Organization "Organization";
    Path "Path";
    PAccessNetworkInfo "P-Access-Network-Info";
    PAssertedIdentity "P-Asserted-Identity";
    PAssociatedUri "P-Associated-URI";
    PCalledPartyId "P-Called-Party-ID";
    PChargingVector "P-Charging-Vector";
    PPreferredIdentity "P-Preferred-Identity";
    Priority "Priority";
    Privacy "Privacy";
    ProxyAuthenticate "Proxy-Authenticate";
    ProxyAuthorization "Proxy-Authorization";
    ProxyRequire "Proxy-Require";
    RAck "RAck";
    Reason "Reason";
    RecvInfo "Recv-Info";
    ReferredBy "Referred-By" "b";
    ReferSub "Refer-Sub";
    ReferTo "Refer-To" "r";
    RejectContact "Reject-Contact" "j";
    Replaces "Replaces";
    ReplyTo "Reply-To";
    RequestDisposition "Request-Disposition" "d";
    ResourcePriority "Resource-Priority";
    RetryAfter "Retry-After";
    RSeq "RSeq";
    SecurityClient "Security-Client";
    SecurityServer "Security-Server";
    SecurityVerify "Security-Verify";
    ServiceRoute "Service-Route";
    SessionExpires "Session-Expires" "x";
    SessionId "Session-ID";
    SipEtag "SIP-ETag";
    SipIfMatch "SIP-If-Match";
    Subject "Subject" "s";
    SubscriptionState "Subscription-State";
    SuppressIfMatch "Suppress-If-Match";
    TargetDialog "Target-Dialog";
    Timestamp "Timestamp";
    Unsupported "Unsupported";
    UserToUser "User-to-User";
    Warning "Warning";
    WwwAuthenticate "WWW-Authenticate";
}

impl HeaderName {
    /// The name with this number; `None` for that of all others.
    pub(crate) fn of(id: NameId) -> Option<&'static Self> {
        KNOWN.get(usize::from(id.0))
    }
}

impl HeaderName {
    /// A name that was checked and is none of those known.
    pub(crate) fn other(name: &str) -> Self {
        Self::Other(OtherName(Token::known(name)))
    }
}

/// The number of a header name that this crate knows. All others share one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NameId(u8);

impl NameId {
    /// A name this crate does not know.
    pub(crate) const OTHER: Self = Self(u8::MAX);
    /// How many numbers there are.
    pub(crate) const COUNT: usize = KNOWN.len();

    /// The number as an index below [`COUNT`](Self::COUNT), but for [`OTHER`](Self::OTHER).
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    /// The number of this spelling, long or compact, in any case.
    pub(crate) fn find(name: &[u8]) -> Self {
        let Some(mut slot) = slot(name) else { return Self::OTHER };
        loop {
            let Some(&(spelling, id)) = SLOTS.get(slot).and_then(|at| SPELLINGS.get(usize::from(*at))) else {
                return Self::OTHER;
            };
            if spelling.as_bytes() == name || spelling.as_bytes().eq_ignore_ascii_case(name) {
                return Self(id);
            }
            slot = slot.wrapping_add(1) & MASK;
        }
    }
}

/// Where the search for a name starts: its length and three of its letters tell nearly all names apart.
const fn slot(name: &[u8]) -> Option<usize> {
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return None };
    let middle = match name.split_at_checked(name.len() / 2) {
        Some((_, [middle, ..])) => middle,
        _ => first,
    };
    let [first, last, middle] = [*first as usize | 32, *last as usize | 32, *middle as usize | 32];
    let sum = name.len().wrapping_mul(231).wrapping_add(first.wrapping_mul(42));
    Some(sum.wrapping_add(last.wrapping_mul(245)).wrapping_add(middle.wrapping_mul(186)) & MASK)
}

#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "what goes wrong here does not compile"
)]
/// A hash table of [`SPELLINGS`] made at compile time: each slot is an index, or 255 where nothing stands.
static SLOTS: [u8; MASK + 1] = {
    let mut slots = [u8::MAX; MASK + 1];
    let mut at = 0;
    while at < SPELLINGS.len() {
        let Some(mut slot) = slot(SPELLINGS[at].0.as_bytes()) else { panic!("a name is not empty") };
        while slots[slot] != u8::MAX {
            slot = (slot + 1) & MASK;
        }
        slots[slot] = at as u8;
        at += 1;
    }
    slots
};

/// Slots of the table less one; more than twice as many as there are spellings, so that a search is short.
const MASK: usize = 255;
const _: () = assert!(SPELLINGS.len() < 128, "a table this full would be slow, and its indices would not fit");

impl FromStr for HeaderName {
    type Err = SyntaxError;

    /// Any token is a name.
    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        if let Some(known) = Self::of(NameId::find(text.as_bytes())) {
            return Ok(known.clone());
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
