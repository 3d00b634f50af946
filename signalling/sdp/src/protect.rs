//! How media is protected: what is offered, taken and accepted (RFC 4568 §5, RFC 5763 §5).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

use rove_base::{DtlsPlan, DtlsRole, Fingerprint, Security, SrtpKeys};

use crate::{Crypto, CryptoError, Description, Line, Media, Mismatch, SdesKey, Setup, TlsId};

/// Whether media have to be protected.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum MediaSecurity {
    /// They go as they are, and nothing else is agreed to.
    Never,
    /// They are protected where the other side can.
    #[default]
    Optional,
    /// They are protected, or there is no call.
    Required,
}

/// How this side can protect media.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Protection {
    /// Whether they have to be.
    pub wanted: MediaSecurity,
    /// Our keys, one for each cipher, best first. Empty where descriptions cross a hop that others can read (RFC 4568
    /// §8.3).
    pub sdes: Vec<SdesKey>,
    /// Our certificate's fingerprint. `None` where DTLS is not spoken.
    pub dtls: Option<Fingerprint>,
    /// What this side calls the DTLS association: the same in all descriptions as long as it goes on (RFC 8842 §5.1). `None`:
    /// it has no name.
    pub tls_id: Option<TlsId>,
}

impl Protection {
    /// Whether what is wanted can be offered at all.
    #[must_use]
    pub const fn is_possible(&self) -> bool {
        !matches!(self.wanted, MediaSecurity::Required) || self.dtls.is_some() || !self.sdes.is_empty()
    }
}

/// How the keys came about, without the keys. Its `Display` is for the person at the phone.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SecurityKind {
    /// There are none: whoever sees the packets can listen.
    None,
    /// They went with the signalling: whoever carries that can listen.
    Sdes,
    /// The two ends made them between themselves.
    Dtls,
}

impl From<&Security> for SecurityKind {
    fn from(security: &Security) -> Self {
        match security {
            Security::Clear => Self::None,
            Security::Srtp(_) => Self::Sdes,
            Security::Dtls(_) => Self::Dtls,
        }
    }
}

impl SecurityKind {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sdes => "sdes",
            Self::Dtls => "dtls",
        }
    }
}

impl fmt::Display for SecurityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "not encrypted: whoever carries the packets can listen",
            Self::Sdes => "encrypted with keys that the signalling carried (SRTP, SDES)",
            Self::Dtls => "encrypted with keys that only the two ends have (SRTP, DTLS)",
        })
    }
}

/// What a transport says about keys (RFC 3264 §6.1: an answer has that of its offer).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Profile {
    /// Keys, if any, come on top.
    Plain,
    /// There are keys, by whatever way.
    Keys,
    /// There are keys, by DTLS.
    Dtls,
}

impl Profile {
    fn of(media: &Media) -> Result<Self, Mismatch> {
        const ALL: [(&str, Profile); 6] = [
            ("RTP/AVP", Profile::Plain),
            ("RTP/AVPF", Profile::Plain),
            ("RTP/SAVP", Profile::Keys),
            ("RTP/SAVPF", Profile::Keys),
            ("UDP/TLS/RTP/SAVP", Profile::Dtls),
            ("UDP/TLS/RTP/SAVPF", Profile::Dtls),
        ];
        let known = ALL.iter().find(|(name, _)| media.protocol.eq_ignore_ascii_case(name));
        known.map(|(_, profile)| *profile).ok_or_else(|| unspoken(media))
    }
}

/// The profile of an offer of ours, and its lines. With best effort, keys stand under the plain profile, where whoever
/// does not know them passes them over.
pub(crate) fn offer(ours: &Protection) -> (&'static str, Vec<Line>) {
    let Protection { wanted, sdes, dtls, tls_id } = ours;
    let mut lines = Vec::new();
    if *wanted == MediaSecurity::Never {
        return ("RTP/AVP", lines);
    }
    if let Some(fingerprint) = dtls {
        lines.extend(dtls_lines(fingerprint, Setup::ActPass, tls_id.as_ref()));
    }
    for (tag, key) in (1..).zip(sdes) {
        lines.push(Line::attribute(Crypto { tag, key: key.clone() }.line()));
    }
    let profile = match (wanted, sdes.is_empty()) {
        (MediaSecurity::Required, true) => "UDP/TLS/RTP/SAVP",
        // Whoever speaks DTLS finds the fingerprint under this profile as well (RFC 8829 §5.1.2).
        (MediaSecurity::Required, false) => "RTP/SAVP",
        _ => "RTP/AVP",
    };
    (profile, lines)
}

/// What an offered medium comes down to, and our lines for it. DTLS first, then keys in the description. `before` is what
/// stood until now: what was protected stays protected.
pub(crate) fn take(
    offer: &Description,
    theirs: &Media,
    ours: &Protection,
    before: &Security,
) -> Result<(Security, Vec<Line>), Mismatch> {
    let profile = Profile::of(theirs)?;
    if ours.wanted == MediaSecurity::Never {
        return if profile == Profile::Plain { Ok(CLEAR) } else { Err(unspoken(theirs)) };
    }
    let source = offer.transport_of(theirs);
    let mut why = None;
    if let (Some(fingerprint), true) = (&ours.dtls, offer.attribute(source, "fingerprint").is_some()) {
        // Who offers without a name is answered without (RFC 8842 §5.3).
        let tls_id = ours.tls_id.as_ref().filter(|_| named(offer, source).is_some());
        match take_dtls(offer, theirs, source, before) {
            Ok(plan) => {
                let lines = dtls_lines(fingerprint, plan.role.into(), tls_id);
                return Ok((Security::Dtls(plan), lines));
            }
            Err(mismatch) => why = Some(mismatch),
        }
    }
    if profile != Profile::Dtls && theirs.attribute("crypto").is_some() {
        match take_sdes(theirs, ours) {
            Ok((keys, answer)) => return Ok((Security::Srtp(keys), vec![Line::attribute(answer.line())])),
            Err(mismatch) => why = Some(why.unwrap_or(mismatch)),
        }
    }
    let needed = ours.wanted == MediaSecurity::Required || *before != Security::Clear;
    match profile {
        Profile::Plain if needed => Err(why.unwrap_or(Mismatch::NotProtected)),
        Profile::Plain => Ok(CLEAR),
        _ => Err(why.unwrap_or_else(|| unspoken(theirs))),
    }
}

/// What the answer to our offer of `ours` comes down to.
pub(crate) fn accept(
    offer: &Media,
    answer: &Description,
    theirs: &Media,
    ours: &Protection,
    before: &Security,
) -> Result<Security, Mismatch> {
    let (offered, profile) = (Profile::of(offer)?, Profile::of(theirs)?);
    let source = answer.transport_of(theirs);
    let dtls = offer.attribute("fingerprint").is_some() && answer.attribute(source, "fingerprint").is_some();
    let sdes = offer.attribute("crypto").is_some() && theirs.attribute("crypto").is_some();
    if dtls {
        if !(offer.rtcp_mux() && theirs.rtcp_mux()) {
            return Err(Mismatch::RtcpMux);
        }
        // Unsaid, an answer waits (RFC 4145 §4).
        let role = match setup(answer, source, Setup::Passive)? {
            Setup::Active => DtlsRole::Passive,
            Setup::Passive => DtlsRole::Active,
            Setup::ActPass | Setup::HoldConn => return Err(Mismatch::Setup),
        };
        return Ok(Security::Dtls(DtlsPlan { role, fingerprint: fingerprint(answer, source)? }));
    }
    if sdes && profile != Profile::Dtls {
        return accept_sdes(offer, theirs).map(Security::Srtp);
    }
    let needed = ours.wanted == MediaSecurity::Required || *before != Security::Clear;
    match (offered, profile) {
        (Profile::Plain, Profile::Plain) if !needed => Ok(Security::Clear),
        (Profile::Plain, Profile::Keys | Profile::Dtls) if ours.wanted == MediaSecurity::Never => {
            Err(unspoken(theirs))
        }
        _ => Err(Mismatch::NotProtected),
    }
}

fn take_dtls(
    offer: &Description,
    theirs: &Media,
    source: &Media,
    before: &Security,
) -> Result<DtlsPlan, Mismatch> {
    if !theirs.rtcp_mux() {
        return Err(Mismatch::RtcpMux);
    }
    let fingerprint = fingerprint(offer, source)?;
    // Unsaid, an offer opens (RFC 4145 §4).
    let role = match (setup(offer, source, Setup::Active)?, before) {
        // A connection that stands is kept, and with it who opened it (RFC 8842 §5.3).
        (Setup::ActPass, Security::Dtls(known)) if known.fingerprint == fingerprint => known.role,
        (setup, _) => setup.answered().ok_or(Mismatch::Setup)?,
    };
    Ok(DtlsPlan { role, fingerprint })
}

/// The first key of theirs that can be used, and ours for its cipher, under the same tag (RFC 4568 §5.1.2).
fn take_sdes(theirs: &Media, ours: &Protection) -> Result<(SrtpKeys, Crypto), Mismatch> {
    if ours.sdes.is_empty() {
        return Err(Mismatch::KeysInClear);
    }
    let mut why = CryptoError::Suite;
    for text in theirs.attributes("crypto").take(MOST_KEYS) {
        let crypto: Crypto = match text.parse() {
            Ok(crypto) => crypto,
            Err(error) => {
                why = if why == CryptoError::Suite { error } else { why };
                continue;
            }
        };
        let profile = crypto.key.profile();
        let Some(key) = ours.sdes.iter().find(|key| key.profile() == profile) else { continue };
        let keys = SrtpKeys::new(profile, key.joined(), crypto.key.joined());
        let keys = keys.map_err(|_| Mismatch::KeyChoice)?;
        return Ok((keys, Crypto { tag: crypto.tag, key: key.clone() }));
    }
    Err(Mismatch::Keys(why))
}

/// One key of theirs, for one that was offered (RFC 4568 §5.1.3).
fn accept_sdes(offer: &Media, theirs: &Media) -> Result<SrtpKeys, Mismatch> {
    let mut chosen = theirs.attributes("crypto");
    let (Some(text), None) = (chosen.next(), chosen.next()) else { return Err(Mismatch::KeyChoice) };
    let theirs: Crypto = text.parse().map_err(Mismatch::Keys)?;
    let mut offered = offer.attributes("crypto").filter_map(|text| text.parse::<Crypto>().ok());
    let profile = theirs.key.profile();
    let ours = offered.find(|ours| ours.tag == theirs.tag && ours.key.profile() == profile);
    let ours = ours.ok_or(Mismatch::KeyChoice)?;
    SrtpKeys::new(profile, ours.key.joined(), theirs.key.joined()).map_err(|_| Mismatch::KeyChoice)
}

/// The fingerprint to hold their certificate against: the first by SHA-256, which everybody must have (RFC 8122 §5).
fn fingerprint(of: &Description, source: &Media) -> Result<Fingerprint, Mismatch> {
    let all = of.attributes(source, "fingerprint");
    all.into_iter().find_map(|text| text.parse().ok()).ok_or(Mismatch::Fingerprint)
}

fn setup(of: &Description, source: &Media, unsaid: Setup) -> Result<Setup, Mismatch> {
    of.attribute(source, "setup").map_or(Ok(unsaid), |text| Setup::read(text).ok_or(Mismatch::Setup))
}

/// What they call the association. `None`: nothing that can be understood.
pub(crate) fn named(of: &Description, source: &Media) -> Option<TlsId> {
    of.attribute(source, "tls-id").and_then(TlsId::read)
}

fn dtls_lines(fingerprint: &Fingerprint, setup: Setup, tls_id: Option<&TlsId>) -> Vec<Line> {
    let mut lines = vec![
        Line::attribute(format!("fingerprint:{fingerprint}")),
        Line::attribute(format!("setup:{}", setup.name())),
    ];
    lines.extend(tls_id.map(|tls_id| Line::attribute(format!("tls-id:{tls_id}"))));
    lines
}

fn unspoken(media: &Media) -> Mismatch {
    Mismatch::Profile(media.protocol.clone())
}

const CLEAR: (Security, Vec<Line>) = (Security::Clear, Vec::new());
/// Keys of one medium that are read.
const MOST_KEYS: usize = 32;
