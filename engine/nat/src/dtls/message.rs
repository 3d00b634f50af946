//! Handshake messages (RFC 5246 §7.4, RFC 6347 §4.3.2), read and written.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::SrtpProfile;

use super::{
    record::VERSION,
    secrets::{PROFILES, SUITES, profile_number},
    verify::SCHEMES,
    wire::{self, Reader, pairs},
};

pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const HELLO_VERIFY: u8 = 3;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const SERVER_KEY: u8 = 12;
pub(super) const CERTIFICATE_REQUEST: u8 = 13;
pub(super) const HELLO_DONE: u8 = 14;
pub(super) const CERTIFICATE_VERIFY: u8 = 15;
pub(super) const CLIENT_KEY: u8 = 16;
pub(super) const FINISHED: u8 = 20;

/// A whole message, with the header it has when it is in one piece: so it counts in the transcript.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) seq: u16,
    pub(super) bytes: Vec<u8>,
}

impl Message {
    pub(super) fn new(kind: u8, seq: u16, body: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(body.len().saturating_add(HEADER));
        fragment_header(&mut bytes, kind, body.len(), seq, 0, body.len());
        bytes.extend(body);
        Self { kind, seq, bytes }
    }

    pub(super) fn body(&self) -> &[u8] {
        self.bytes.get(HEADER..).unwrap_or_default()
    }
}

/// Bytes of a message's header.
pub(super) const HEADER: usize = 12;

pub(super) fn fragment_header(
    out: &mut Vec<u8>,
    kind: u8,
    whole: usize,
    seq: u16,
    offset: usize,
    len: usize,
) {
    out.push(kind);
    wire::number::<3>(out, whole as u64);
    wire::number::<2>(out, seq.into());
    wire::number::<3>(out, offset as u64);
    wire::number::<3>(out, len as u64);
}

/// A piece of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    pub(super) kind: u8,
    /// Bytes of the whole message.
    pub(super) whole: usize,
    pub(super) seq: u16,
    pub(super) offset: usize,
    pub(super) bytes: &'a [u8],
}

/// The pieces in a record, up to the first that is none.
pub(super) fn fragments(body: &[u8]) -> impl Iterator<Item = Fragment<'_>> {
    let mut reader = Reader::new(body);
    core::iter::from_fn(move || {
        let (kind, whole) = (reader.byte()?, usize::try_from(reader.number::<3>()?).ok()?);
        let (seq, offset) = (reader.u16()?, usize::try_from(reader.number::<3>()?).ok()?);
        let bytes = reader.vector::<3>()?;
        let end = offset.checked_add(bytes.len())?;
        (end <= whole).then_some(Fragment { kind, whole, seq, offset, bytes })
    })
}

/// What a client offers.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientHello<'a> {
    pub(super) random: [u8; 32],
    pub(super) cookie: &'a [u8],
    pub(super) suites: &'a [u8],
    pub(super) extensions: Extensions<'a>,
}

impl<'a> ClientHello<'a> {
    /// `None` when it is malformed, of another version than DTLS 1.2, or without the null compression.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        // A higher version may be offered; this one then answers (RFC 5246 §E.1). They count downwards.
        let version = reader.u16()?;
        let random = *reader.array::<32>()?;
        reader.vector::<1>()?;
        let (cookie, suites) = (reader.vector::<1>()?, reader.vector::<2>()?);
        let compression = reader.vector::<1>()?;
        let extensions = Extensions::parse(&mut reader)?;
        let spoken = version >> 8 == 0xfe && version <= VERSION && compression.contains(&0);
        spoken.then_some(Self { random, cookie, suites, extensions })
    }
}

/// What a server chose.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerHello<'a> {
    pub(super) random: [u8; 32],
    pub(super) suite: u16,
    pub(super) extensions: Extensions<'a>,
}

impl<'a> ServerHello<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let version = reader.u16()?;
        let random = *reader.array::<32>()?;
        reader.vector::<1>()?;
        let (suite, compression) = (reader.u16()?, reader.byte()?);
        let extensions = Extensions::parse(&mut reader)?;
        (version == VERSION && compression == 0).then_some(Self { random, suite, extensions })
    }
}

/// The extensions that matter here; others are passed over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extensions<'a> {
    /// Curves (RFC 8422 §5.1.1).
    pub(super) groups: Option<&'a [u8]>,
    /// Signature schemes (RFC 5246 §7.4.1.4.1).
    pub(super) schemes: Option<&'a [u8]>,
    /// Profiles for media (RFC 5764 §4.1.1).
    pub(super) profiles: Option<&'a [u8]>,
    /// The master secret follows from the whole handshake (RFC 7627).
    pub(super) extended_master: bool,
    /// Knows of the attack on renegotiation (RFC 5746).
    pub(super) renegotiation: bool,
}

impl<'a> Extensions<'a> {
    /// Reads them to the end of the message. `None` when they are malformed.
    fn parse(reader: &mut Reader<'a>) -> Option<Self> {
        let mut found = Self::default();
        if reader.is_empty() {
            return Some(found);
        }
        let mut each = Reader::new(reader.vector::<2>()?);
        while !each.is_empty() {
            let (kind, body) = (each.u16()?, each.vector::<2>()?);
            let mut inside = Reader::new(body);
            match kind {
                GROUPS => found.groups = Some(inside.vector::<2>()?),
                SCHEMES_EXTENSION => found.schemes = Some(inside.vector::<2>()?),
                USE_SRTP => found.profiles = Some(inside.vector::<2>()?),
                EXTENDED_MASTER => found.extended_master = true,
                RENEGOTIATION => found.renegotiation = true,
                _ => {}
            }
        }
        reader.is_empty().then_some(found)
    }

    /// The dearest of this side's profiles that the other one named.
    pub(super) fn profile(&self) -> Option<SrtpProfile> {
        let named = self.profiles?;
        let both = |profile: &&SrtpProfile| pairs(named).any(|number| number == profile_number(**profile));
        PROFILES.iter().find(both).copied()
    }
}

/// The certificate of the other side itself, the first of its chain. `None` when there is none.
pub(super) fn leaf(body: &[u8]) -> Option<&[u8]> {
    Reader::new(Reader::new(body).vector::<3>()?).vector::<3>()
}

/// The ephemeral key of a server and its signature (RFC 8422 §5.4).
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerKey<'a> {
    /// What is signed, behind the randoms.
    pub(super) signed: &'a [u8],
    pub(super) point: &'a [u8],
    pub(super) scheme: u16,
    pub(super) signature: &'a [u8],
}

impl<'a> ServerKey<'a> {
    /// `None` when it is malformed, or on another curve than P-256.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let named = *reader.array::<3>()? == [3, 0, 23];
        let point = reader.vector::<1>()?;
        let signed = body.get(..body.len().checked_sub(reader.rest().len())?)?;
        let (scheme, signature) = (reader.u16()?, reader.vector::<2>()?);
        (named && reader.is_empty()).then_some(Self { signed, point, scheme, signature })
    }
}

/// Scheme and signature of a CertificateVerify.
pub(super) fn certificate_verify(body: &[u8]) -> Option<(u16, &[u8])> {
    let mut reader = Reader::new(body);
    let verify = (reader.u16()?, reader.vector::<2>()?);
    reader.is_empty().then_some(verify)
}

/// The ephemeral key of a client.
pub(super) fn client_key(body: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(body);
    let point = reader.vector::<1>()?;
    reader.is_empty().then_some(point)
}

/// The cookie of a HelloVerifyRequest.
pub(super) fn cookie(body: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(body);
    reader.u16()?;
    let cookie = reader.vector::<1>()?;
    (reader.is_empty() && !cookie.is_empty()).then_some(cookie)
}

pub(super) fn write_client_hello(random: &[u8; 32], cookie: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    wire::number::<2>(&mut out, VERSION.into());
    out.extend(random);
    wire::vector::<1>(&mut out, |_| {});
    wire::vector::<1>(&mut out, |out| out.extend(cookie));
    wire::vector::<2>(&mut out, |out| {
        SUITES.iter().for_each(|suite| wire::number::<2>(out, suite.id.into()));
        wire::number::<2>(out, 0x00ff); // RFC 5746 §3.3
    });
    out.extend([1, 0]);
    wire::vector::<2>(&mut out, |out| {
        extension(out, GROUPS, |out| wire::vector::<2>(out, |out| wire::number::<2>(out, P256.into())));
        extension(out, POINTS, |out| out.extend([1, 0]));
        extension(out, SCHEMES_EXTENSION, |out| wire::vector::<2>(out, write_schemes));
        extension(out, EXTENDED_MASTER, |_| {});
        extension(out, USE_SRTP, |out| {
            wire::vector::<2>(out, |out| {
                PROFILES.iter().for_each(|profile| wire::number::<2>(out, profile_number(*profile).into()));
            });
            out.push(0);
        });
    });
    out
}

/// What the server says of a client's offer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen {
    pub(super) suite: u16,
    pub(super) profile: SrtpProfile,
    pub(super) extended_master: bool,
    pub(super) renegotiation: bool,
}

pub(super) fn write_server_hello(random: &[u8; 32], chosen: &Chosen) -> Vec<u8> {
    let mut out = Vec::with_capacity(80);
    wire::number::<2>(&mut out, VERSION.into());
    out.extend(random);
    wire::vector::<1>(&mut out, |_| {});
    wire::number::<2>(&mut out, chosen.suite.into());
    out.push(0);
    wire::vector::<2>(&mut out, |out| {
        if chosen.renegotiation {
            extension(out, RENEGOTIATION, |out| out.push(0));
        }
        if chosen.extended_master {
            extension(out, EXTENDED_MASTER, |_| {});
        }
        extension(out, POINTS, |out| out.extend([1, 0]));
        extension(out, USE_SRTP, |out| {
            wire::vector::<2>(out, |out| wire::number::<2>(out, profile_number(chosen.profile).into()));
            out.push(0);
        });
    });
    out
}

pub(super) fn write_hello_verify(cookie: &[u8]) -> Vec<u8> {
    let mut out = super::record::OLD_VERSION.to_be_bytes().to_vec();
    wire::vector::<1>(&mut out, |out| out.extend(cookie));
    out
}

pub(super) fn write_certificate(certificate: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(certificate.len().saturating_add(6));
    wire::vector::<3>(&mut out, |out| wire::vector::<3>(out, |out| out.extend(certificate)));
    out
}

/// What of a server's key is signed: the curve and the point.
pub(super) fn write_key_parameters(point: &[u8]) -> Vec<u8> {
    let mut out = vec![3, 0, 23];
    wire::vector::<1>(&mut out, |out| out.extend(point));
    out
}

pub(super) fn write_certificate_request() -> Vec<u8> {
    let mut out = vec![2, 64, 1]; // ecdsa_sign, rsa_sign
    wire::vector::<2>(&mut out, write_schemes);
    wire::vector::<2>(&mut out, |_| {});
    out
}

pub(super) fn write_signature(scheme: u16, signature: &[u8]) -> Vec<u8> {
    let mut out = scheme.to_be_bytes().to_vec();
    wire::vector::<2>(&mut out, |out| out.extend(signature));
    out
}

pub(super) fn write_client_key(point: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(66);
    wire::vector::<1>(&mut out, |out| out.extend(point));
    out
}

fn write_schemes(out: &mut Vec<u8>) {
    SCHEMES.iter().for_each(|scheme| wire::number::<2>(out, (*scheme).into()));
}

fn extension(out: &mut Vec<u8>, kind: u16, write: impl FnOnce(&mut Vec<u8>)) {
    wire::number::<2>(out, kind.into());
    wire::vector::<2>(out, write);
}

/// The curve P-256 (RFC 8422 §5.1.1).
pub(super) const P256: u16 = 23;
const GROUPS: u16 = 10;
const POINTS: u16 = 11;
const SCHEMES_EXTENSION: u16 = 13;
const USE_SRTP: u16 = 14;
const EXTENDED_MASTER: u16 = 23;
const RENEGOTIATION: u16 = 0xff01;
