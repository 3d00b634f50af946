//! Candidates and credentials of interactive connectivity establishment (RFC 8445), as they cross to and from signalling.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::net::SocketAddr;

use zeroize::Zeroizing;

use crate::{Entropy, Fingerprint};

/// One address at which a side may be reached (RFC 8445 §5.1). UDP only, and one component only: RTCP shares the port
/// of RTP (RFC 5761) wherever ICE is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// Where to.
    pub address: SocketAddr,
    /// How the address was learned.
    pub kind: CandidateKind,
    /// The higher, the rather it is used (RFC 8445 §5.1.2).
    pub priority: u32,
    /// Candidates of one foundation were learned alike (RFC 8445 §5.1.1.3).
    pub foundation: Foundation,
    /// The address it is derived from: the base of a reflexive one. `None` for a host candidate, or when not told.
    pub related: Option<SocketAddr>,
}

impl Candidate {
    /// A host candidate; `preference` orders those of one host, 65 535 first (RFC 8445 §5.1.2.1).
    #[must_use]
    pub fn host(address: SocketAddr, preference: u16) -> Self {
        let kind = CandidateKind::Host;
        let foundation = Foundation::of(kind, address);
        Self { address, kind, priority: kind.priority(preference), foundation, related: None }
    }

    /// A server-reflexive candidate: what a STUN server saw of `base`.
    #[must_use]
    pub fn server_reflexive(address: SocketAddr, base: SocketAddr, preference: u16) -> Self {
        let kind = CandidateKind::ServerReflexive;
        let foundation = Foundation::of(kind, base);
        Self { address, kind, priority: kind.priority(preference), foundation, related: Some(base) }
    }

    /// A relayed candidate: an address that a relay lends, which sees us at `mapped` (RFC 8839 §5.1).
    #[must_use]
    pub fn relayed(address: SocketAddr, mapped: SocketAddr, preference: u16) -> Self {
        let kind = CandidateKind::Relayed;
        let foundation = Foundation::of(kind, address);
        Self { address, kind, priority: kind.priority(preference), foundation, related: Some(mapped) }
    }
}

/// How a candidate was learned (RFC 8445 §5.1.1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CandidateKind {
    /// An address of the host itself.
    Host,
    /// Seen by the other side in a check.
    PeerReflexive,
    /// Seen by a STUN server.
    ServerReflexive,
    /// Lent by a relay.
    Relayed,
}

impl CandidateKind {
    /// The priority of a candidate of component 1 (RFC 8445 §5.1.2.1, with the type preferences recommended there).
    #[must_use]
    pub const fn priority(self, local_preference: u16) -> u32 {
        let kind: u32 = match self {
            Self::Host => 126,
            Self::PeerReflexive => 110,
            Self::ServerReflexive => 100,
            Self::Relayed => 0,
        };
        (kind << 24) | ((local_preference as u32) << 8) | 255
    }

    /// Its name in SDP (RFC 8839 §5.1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::PeerReflexive => "prflx",
            Self::ServerReflexive => "srflx",
            Self::Relayed => "relay",
        }
    }
}

/// 1 to 32 characters of letters, digits, `+` and `/` (RFC 8839 §5.1).
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Foundation {
    chars: [u8; 32],
    len: u8,
}

impl Foundation {
    /// Takes over a foundation; `None` when it is empty, too long, or of other characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > 32 || !text.bytes().all(is_ice_char) {
            return None;
        }
        let mut chars = [0; 32];
        chars.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        Some(Self { chars, len: u8::try_from(text.len()).ok()? })
    }

    /// One that is the same for the same kind and base, and another for others, as good as always.
    #[must_use]
    pub fn of(kind: CandidateKind, base: SocketAddr) -> Self {
        // FNV-1a over what makes a foundation: collisions cost a check that waits for another, nothing else.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut mix = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        kind.name().bytes().for_each(&mut mix);
        match base.ip() {
            std::net::IpAddr::V4(ip) => ip.octets().iter().copied().for_each(&mut mix),
            std::net::IpAddr::V6(ip) => ip.octets().iter().copied().for_each(&mut mix),
        }
        Self::new(&(hash >> 32).to_string()).unwrap_or(Self { chars: [b'1'; 32], len: 1 })
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.chars
            .get(..usize::from(self.len))
            .and_then(|chars| core::str::from_utf8(chars).ok())
            .unwrap_or("")
    }
}

impl fmt::Debug for Foundation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The user name fragment and password of one side (RFC 8445 §5.3). The password is wiped when dropped, never printed.
#[derive(Clone, Eq, PartialEq)]
pub struct IceCredentials {
    ufrag: String,
    password: Zeroizing<String>,
}

impl IceCredentials {
    /// Takes over what a peer told.
    ///
    /// # Errors
    ///
    /// [`IceCredentialsError`] when one is too short or too long, or has other characters than RFC 8839 §5.4 lets it.
    pub fn new(ufrag: &str, password: &str) -> Result<Self, IceCredentialsError> {
        if !(4..=256).contains(&ufrag.len()) || !ufrag.bytes().all(is_ice_char) {
            return Err(IceCredentialsError::Ufrag);
        }
        if !(22..=256).contains(&password.len()) || !password.bytes().all(is_ice_char) {
            return Err(IceCredentialsError::Password);
        }
        Ok(Self { ufrag: ufrag.into(), password: Zeroizing::new(password.into()) })
    }

    /// Draws new ones: 48 random bits of fragment and 144 of password (RFC 8445 §5.3 asks for 24 and 128).
    #[must_use]
    pub fn draw(entropy: &mut Entropy) -> Self {
        let mut text = |count: usize| -> String {
            let letters = (0..count).map(|_| ALPHABET.get((entropy.next_u32() >> 26) as usize).copied());
            letters.flatten().map(char::from).collect()
        };
        Self { ufrag: text(8), password: Zeroizing::new(text(24)) }
    }

    /// The user name fragment.
    #[must_use]
    pub fn ufrag(&self) -> &str {
        &self.ufrag
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCredentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// Why [`IceCredentials`] cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IceCredentialsError {
    /// Not 4 to 256 letters, digits, `+` and `/`.
    #[error("a user name fragment has 4 to 256 letters, digits, + or /")]
    Ufrag,
    /// Not 22 to 256 letters, digits, `+` and `/`.
    #[error("a password has 22 to 256 letters, digits, + or /")]
    Password,
}

/// Which side decides on the pair that is used (RFC 8445 §6.1.1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum IceRole {
    /// This one does: it made the offer, or its peer is a lite one.
    Controlling,
    /// The peer does.
    Controlled,
}

/// What was agreed on connectivity. Checks need no more than this, and the sockets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IcePlan {
    /// What this side told.
    pub local: IceCredentials,
    /// What the peer told.
    pub remote: IceCredentials,
    /// This side's candidates, as they were told; the bases of the host ones are the call's sockets.
    pub local_candidates: Vec<Candidate>,
    /// The peer's candidates so far; more may come (RFC 8838).
    pub remote_candidates: Vec<Candidate>,
    /// No more of the peer's candidates will come.
    pub complete: bool,
    /// Who decides.
    pub role: IceRole,
    /// The peer is a lite one (RFC 8445 §2.5): it answers checks and makes none.
    pub lite_peer: bool,
    /// A STUN server that tells how the world sees this host; `None` when there is none to ask, or it was asked already.
    pub stun_server: Option<SocketAddr>,
}

/// What this side knows of itself once its media port is open, before anything is offered or answered: an offer or an
/// answer tells it, and what comes back makes an [`IcePlan`] and a [`DtlsPlan`](crate::DtlsPlan).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LocalPath {
    /// For the checks of this call.
    pub credentials: IceCredentials,
    /// The addresses of the port, the dearest first. What a STUN server sees of them comes later, as events.
    pub candidates: Vec<Candidate>,
    /// Of the certificate that a handshake will show.
    pub fingerprint: Fingerprint,
}

impl LocalPath {
    /// For a port that is bound to `addresses`, the dearest first, none of them unspecified.
    #[must_use]
    pub fn draw(addresses: &[SocketAddr], fingerprint: Fingerprint, entropy: &mut Entropy) -> Self {
        let preferences = (0..=u16::MAX).rev();
        let host = |(address, preference): (&SocketAddr, u16)| Candidate::host(*address, preference);
        Self {
            credentials: IceCredentials::draw(entropy),
            candidates: addresses.iter().zip(preferences).map(host).collect(),
            fingerprint,
        }
    }
}

const fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

/// All that [`is_ice_char`] lets pass.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn priorities_follow_rfc8445_5_1_2_1() {
        let cases = [
            ("a host with the highest preference", CandidateKind::Host, 65_535, 2_130_706_431),
            ("one seen by a server", CandidateKind::ServerReflexive, 65_535, 1_694_498_815),
            ("a relayed one", CandidateKind::Relayed, 65_535, 16_777_215),
        ];
        for (what, kind, preference, priority) in cases {
            assert_eq!(kind.priority(preference), priority, "{what}");
        }
    }

    #[test]
    fn credentials_are_unguessable_checked_and_never_shown() {
        let mut entropy = Entropy::from_number(1);
        let (one, other) = (IceCredentials::draw(&mut entropy), IceCredentials::draw(&mut entropy));
        assert_ne!(one, other);
        assert_eq!(IceCredentials::new(one.ufrag(), one.password()).as_ref(), Ok(&one));
        assert!(!format!("{one:?}").contains(one.password()));
        assert_eq!(IceCredentials::new("abc", &"p".repeat(22)), Err(IceCredentialsError::Ufrag));
        assert_eq!(IceCredentials::new("abcd", &"p".repeat(21)), Err(IceCredentialsError::Password));
        assert_eq!(IceCredentials::new("ab:d", &"p".repeat(22)), Err(IceCredentialsError::Ufrag));
    }

    #[test]
    fn the_first_address_of_a_port_is_the_dearest() {
        let addresses = [([192, 0, 2, 1], 4_000).into(), ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 4_000).into()];
        let path = LocalPath::draw(&addresses, Fingerprint([7; 32]), &mut Entropy::from_number(1));
        let told: Vec<_> = path.candidates.iter().map(|one| (one.address, one.priority)).collect();
        assert_eq!(told, [(addresses[0], 2_130_706_431), (addresses[1], 2_130_706_175)]);
    }

    #[test]
    fn foundations_tell_kinds_and_bases_apart() {
        let [one, other] = [([10, 0, 0, 1], 5).into(), ([10, 0, 0, 2], 5).into()];
        assert_eq!(Foundation::of(CandidateKind::Host, one), Foundation::of(CandidateKind::Host, one));
        assert_ne!(Foundation::of(CandidateKind::Host, one), Foundation::of(CandidateKind::Host, other));
        assert_ne!(Foundation::of(CandidateKind::Host, one), Foundation::of(CandidateKind::Relayed, one));
        assert_eq!(Foundation::new("a b"), None);
        assert_eq!(Foundation::new("842163049").unwrap().as_str(), "842163049");
    }
}
