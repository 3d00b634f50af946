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
    /// Every name this crate knows.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        KNOWN.iter()
    }

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

    /// The number of this spelling, long or compact, in any case. `name` has no control characters.
    pub(crate) fn find(name: &[u8]) -> Self {
        Self::of(&Key::of(name), name)
    }

    /// The number of the name that `line` starts with, and where its colon stands. `None` where that takes a longer
    /// look: when the name is long, or unknown, or has space after it.
    #[inline]
    pub(crate) fn before_colon(line: &[u8]) -> Option<(Self, usize)> {
        let (first, rest) = line.split_first_chunk::<8>()?;
        let first = u64::from_le_bytes(*first);
        let key = match colon(first) {
            Some(len) => Key { first: small(first, len), second: 0, len },
            None => {
                let second = u64::from_le_bytes(*rest.first_chunk::<8>()?);
                let len = colon(second)?;
                Key { first: small(first, 8), second: small(second, len), len: len.wrapping_add(8) }
            }
        };
        let id = Self::of(&key, line);
        (id != Self::OTHER).then_some((id, key.len))
    }

    #[inline]
    fn of(key: &Key, name: &[u8]) -> Self {
        let spelling = SLOTS.get(key.slot()).and_then(|index| KEYS.get(usize::from(*index)));
        match spelling {
            Some((same, id)) if same == key && (key.len <= 16 || is_spelling(*id, name)) => Self(*id),
            _ => Self::OTHER,
        }
    }
}

/// Where the first colon stands among eight bytes. (Of the difference to eight colons, the lowest byte that is zero is
/// the lowest to borrow from its own highest bit.)
#[inline]
const fn colon(word: u64) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let difference = word ^ ONES.wrapping_mul(b':' as u64);
    let found = difference.wrapping_sub(ONES) & !difference & (ONES << 7);
    if found == 0 { None } else { Some((found.trailing_zeros() / 8) as usize) }
}

/// The first `len` of eight bytes, with bit 5 set: capitals become small, hyphens and digits stay as they are.
#[inline]
const fn small(word: u64, len: usize) -> u64 {
    const SMALL: u64 = 0x2020_2020_2020_2020;
    let unused = 64_u32.wrapping_sub((len as u32).wrapping_mul(8));
    match u64::MAX.checked_shr(unused) {
        Some(mask) => (word | SMALL) & mask,
        None => 0,
    }
}

/// Whether a long `name` is the long form of this number; its [`Key`] does not hold all of it.
fn is_spelling(id: u8, name: &[u8]) -> bool {
    HeaderName::of(NameId(id)).is_some_and(|known| known.as_str().as_bytes().eq_ignore_ascii_case(name))
}

/// What a name of up to 16 bytes is compared by: its bytes as two [small](small) words, and its length.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Key {
    first: u64,
    second: u64,
    len: usize,
}

impl Key {
    const fn of(name: &[u8]) -> Self {
        let mut bytes = [0; 16];
        let (kept, _) = match name.split_at_checked(16) {
            Some(parts) => parts,
            None => (name, name),
        };
        bytes.split_at_mut(kept.len()).0.copy_from_slice(kept);
        let words = u128::from_le_bytes(bytes);
        let (first, second) = (words as u64, (words >> 64) as u64);
        let len = kept.len();
        let (start, rest) = if len < 8 { (len, 0) } else { (8, len.wrapping_sub(8)) };
        Self { first: small(first, start), second: small(second, rest), len: name.len() }
    }

    /// Where the table has this name, if it is one of those known: no two of them share a place.
    #[inline]
    const fn slot(&self) -> usize {
        let mixed = self.first ^ self.second.rotate_left(23) ^ self.len as u64;
        (mixed.wrapping_mul(0x9f7b_1f22_fbb8_3419) >> SHIFT) as usize
    }
}

/// The keys of all [`SPELLINGS`], with what they stand for.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "worked out by the compiler")]
static KEYS: [(Key, u8); SPELLINGS.len()] = {
    let mut keys = [(Key { first: 0, second: 0, len: 0 }, 0); SPELLINGS.len()];
    let mut at = 0;
    while at < keys.len() {
        keys[at] = (Key::of(SPELLINGS[at].0.as_bytes()), SPELLINGS[at].1);
        at += 1;
    }
    keys
};

/// Where each key stands in [`KEYS`], by its [slot](Key::slot).
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "worked out by the compiler, which finds two names in one place"
)]
static SLOTS: [u8; 1 << (64 - SHIFT)] = {
    let mut slots = [u8::MAX; 1 << (64 - SHIFT)];
    let mut at = 0;
    while at < SPELLINGS.len() {
        let slot = Key::of(SPELLINGS[at].0.as_bytes()).slot();
        assert!(slots[slot] == u8::MAX && at < 255, "another multiplier is needed");
        slots[slot] = at as u8;
        at += 1;
    }
    slots
};

/// Bits of a product that do not choose the slot.
const SHIFT: u32 = 55;

impl FromStr for HeaderName {
    type Err = SyntaxError;

    /// Any token is a name.
    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let token = Token::new(text).ok_or(SyntaxError::Expected("a header name"))?;
        let known = Self::of(NameId::find(text.as_bytes())).cloned();
        Ok(known.unwrap_or(Self::Other(OtherName(token))))
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
