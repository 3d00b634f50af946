//! Globally routable user agent URIs (RFC 5627): public ones name the device, temporary ones name nobody.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rove_base::Entropy;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::{Aor, Binding};
use crate::message::{SipUri, Uri};

/// Makes GRUUs and reads them again without keeping any: a temporary one carries, sealed, whom it stands for.
pub struct Gruus {
    seal: Hmac<Sha256>,
    veil: Hmac<Sha256>,
    entropy: Entropy,
}

/// Which bindings a GRUU stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gruu {
    /// Whose device.
    pub aor: Aor,
    /// Its URN.
    pub urn: String,
    /// The Call-ID of the registration it was made in; `None` for a public one, which stays.
    pub call_id: Option<String>,
}

impl Gruus {
    /// Nobody else can make or read what this makes.
    #[must_use]
    pub fn new(entropy: &mut Entropy) -> Self {
        let mut key = || {
            let mut key = zeroize::Zeroizing::new([0; 32]);
            entropy.fill(&mut *key);
            // HMAC takes keys of any length.
            Hmac::new_from_slice(&*key).unwrap_or_else(|_| Hmac::new(&Default::default()))
        };
        let (seal, veil) = (key(), key());
        Self { seal, veil, entropy: entropy.fork() }
    }

    /// The public and a temporary GRUU of a binding with an instance.
    pub(super) fn make(&mut self, address: &Uri, aor: &Aor, binding: &Binding) -> (String, String) {
        let Some(sip) = address.as_sip() else { return Default::default() };
        let urn = binding.instance.as_ref().map_or("", |instance| instance.urn.as_str());
        let mut public = sip.clone();
        public.params.set("gr", Some(urn));
        let mut temporary = SipUri::new(sip.host.clone()).with_user(&self.sealed(aor, urn, &binding.call_id));
        temporary.secure = sip.secure;
        temporary.params.set("gr", None);
        (public.to_string(), temporary.to_string())
    }

    /// What a URI with the parameter `gr` stands for. `None` for any other, and for what was not made here.
    #[must_use]
    pub fn read(&self, uri: &SipUri) -> Option<Gruu> {
        match uri.params.find("gr")? {
            Some(urn) => {
                let urn = String::from_utf8(crate::message::unescape(urn)).ok()?;
                Some(Gruu { aor: Aor::of(uri), urn, call_id: None })
            }
            None => self.unsealed(uri.user()?),
        }
    }

    /// First 16 bytes that seal the rest, and veil it: equal contents never look alike.
    fn sealed(&mut self, aor: &Aor, urn: &str, call_id: &str) -> String {
        let mut clear = self.entropy.next_u64().to_be_bytes().to_vec();
        for part in [aor.as_bytes(), urn.as_bytes(), call_id.as_bytes()] {
            let part = part.get(..MAX_PART).unwrap_or(part);
            clear.extend_from_slice(&u16::try_from(part.len()).unwrap_or(0).to_be_bytes());
            clear.extend_from_slice(part);
        }
        let tag = self.tag(&clear);
        self.veil(&tag, &mut clear);
        let mut out = String::from(PREFIX);
        for byte in tag.iter().chain(&clear) {
            out.push_str(&format!("{byte:02x}"));
        }
        out
    }

    fn unsealed(&self, user: &str) -> Option<Gruu> {
        let digits = user.strip_prefix(PREFIX)?.as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok();
        let bytes = digits.chunks(2).map(byte).collect::<Option<Vec<_>>>()?;
        let (tag, rest) = bytes.split_first_chunk::<16>()?;
        let mut clear = rest.to_vec();
        self.veil(tag, &mut clear);
        let sealed: bool = self.tag(&clear).ct_eq(tag).into();
        let mut rest = clear.get(8..).filter(|_| sealed)?;
        let mut part = || {
            let (len, more) = rest.split_first_chunk::<2>()?;
            let (part, more) = more.split_at_checked(u16::from_be_bytes(*len).into())?;
            rest = more;
            Some(part)
        };
        let (aor, urn, call_id) = (part()?, part()?, part()?);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(Gruu { aor: Aor::from_bytes(aor), urn: text(urn)?, call_id: Some(text(call_id)?) })
    }

    fn tag(&self, clear: &[u8]) -> [u8; 16] {
        let mut mac = self.seal.clone();
        mac.update(clear);
        mac.finalize().into_bytes().first_chunk::<16>().copied().unwrap_or_default()
    }

    fn veil(&self, tag: &[u8; 16], text: &mut [u8]) {
        for (number, block) in text.chunks_mut(32).enumerate() {
            let mut mac = self.veil.clone();
            mac.update(tag);
            mac.update(&number.to_be_bytes());
            block.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(byte, mask)| *byte ^= mask);
        }
    }
}

impl Gruu {
    /// Whether it stands for this binding.
    #[must_use]
    pub fn is_for(&self, binding: &Binding) -> bool {
        let device = binding.instance.as_ref().is_some_and(|instance| instance.urn == self.urn);
        device && self.call_id.as_ref().is_none_or(|call_id| *call_id == binding.call_id)
    }
}

impl fmt::Debug for Gruus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gruus(..)")
    }
}

const PREFIX: &str = "tgruu.";
/// Bytes of each part of a temporary GRUU; longer ones do not work.
const MAX_PART: usize = 512;
