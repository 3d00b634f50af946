//! Who may speak for telephone numbers: certificates of networks, and the numbers that they are for (RFC 8226).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::path::Path;

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, UnixTime},
};

use crate::tls::{TlsError, provider, read_authorities, read_chain};

/// Authorities whose certificates may speak for numbers, and networks that are believed by their code.
#[derive(Debug)]
pub struct NumberAuthorities {
    roots: RootCertStore,
    codes: Vec<String>,
}

/// Why a certificate does not speak for a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotForNumber {
    /// No authority that is believed has given it, it is out of date, or there is none.
    #[error("the certificate is not from an authority that is believed, or out of date")]
    Chain,
    /// Its key is none of P-256.
    #[error("the certificate's key is not one of P-256")]
    Key,
    /// It is for other numbers, or for none.
    #[error("the certificate is for other numbers")]
    Scope,
}

impl NumberAuthorities {
    /// Those in a file in PEM. A certificate that is for a network's code (RFC 8226 §9) instead of numbers speaks for all
    /// numbers where the code is among `codes`, and for none otherwise.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file.
    pub fn read(path: &Path, codes: Vec<String>) -> Result<Self, TlsError> {
        Ok(Self { roots: read_authorities(path)?, codes })
    }

    /// The public key, an uncompressed point of P-256, of a certificate that speaks for `number` at this time: the first of
    /// the chain, in DER; `number` in digits.
    ///
    /// # Errors
    ///
    /// [`NotForNumber`].
    pub fn key_for(
        &self,
        number: u64,
        chain: &[Vec<u8>],
        now: rove_base::UnixTime,
    ) -> Result<[u8; 65], NotForNumber> {
        let chain: Vec<_> = chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let (own, between) = chain.split_first().ok_or(NotForNumber::Chain)?;
        let certificate = webpki::EndEntityCert::try_from(own).map_err(|_| NotForNumber::Chain)?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()));
        let algorithms = provider().signature_verification_algorithms.all;
        certificate
            .verify_for_usage(algorithms, &self.roots.roots, between, at, AnyUse, None, None)
            .map_err(|_| NotForNumber::Chain)?;
        let spoken_for = scope(own).ok_or(NotForNumber::Scope)?;
        if !spoken_for.iter().any(|entry| self.covers(entry, number)) {
            return Err(NotForNumber::Scope);
        }
        let info = certificate.subject_public_key_info();
        let point = info.as_ref().strip_prefix(P256).and_then(|point| point.try_into().ok());
        point.ok_or(NotForNumber::Key)
    }

    fn covers(&self, entry: &Entry, number: u64) -> bool {
        match entry {
            Entry::Code(code) => self.codes.contains(code),
            // Numbers of a range are as long as its first (RFC 8226 §9).
            Entry::Numbers { first, count } => number.checked_sub(*first).is_some_and(|after| after < *count),
        }
    }
}

/// What a certificate is for (TNEntry of RFC 8226 §9).
#[derive(Debug, Eq, PartialEq)]
enum Entry {
    Code(String),
    Numbers { first: u64, count: u64 },
}

/// Such certificates are for no use of TLS.
struct AnyUse;

impl webpki::ExtendedKeyUsageValidator for AnyUse {
    fn validate(&self, _: webpki::KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

/// The list of a certificate (TNAuthorizationList of RFC 8226 §9); `None` when it has none, or one that makes no sense.
fn scope(certificate: &[u8]) -> Option<Vec<Entry>> {
    let mut outer = Reader(certificate);
    let mut tbs = Reader(Reader(outer.expect(SEQUENCE)?).expect(SEQUENCE)?);
    let extensions = loop {
        let (tag, value) = tbs.next()?;
        if tag == EXTENSIONS {
            break Reader(value).expect(SEQUENCE)?;
        }
    };
    let mut extensions = Reader(extensions);
    loop {
        let mut one = Reader(extensions.expect(SEQUENCE)?);
        if one.expect(OID)? == TN_AUTH_LIST {
            let value = match one.next()? {
                (BOOLEAN, _) => one.expect(OCTETS)?,
                (OCTETS, value) => value,
                _ => return None,
            };
            return entries(value);
        }
    }
}

fn entries(list: &[u8]) -> Option<Vec<Entry>> {
    let (mut list, mut all) = (Reader(Reader(list).expect(SEQUENCE)?), Vec::new());
    while !list.0.is_empty() {
        let (tag, value) = list.next()?;
        let mut value = Reader(value);
        all.push(match tag {
            0xa0 => Entry::Code(core::str::from_utf8(value.expect(IA5)?).ok()?.to_owned()),
            0xa1 => {
                let mut range = Reader(value.expect(SEQUENCE)?);
                let first = number(range.expect(IA5)?)?;
                let count = range
                    .expect(INTEGER)?
                    .iter()
                    .try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)))?;
                // Not beyond numbers of as many digits.
                let room = 10_u64.checked_pow(first.ilog10().checked_add(1)?)?.checked_sub(first)?;
                Entry::Numbers { first, count: count.min(room) }
            }
            0xa2 => Entry::Numbers { first: number(value.expect(IA5)?)?, count: 1 },
            _ => return None,
        });
    }
    Some(all)
}

/// A number in digits, without the sign before it; never 0.
fn number(text: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(text).ok()?;
    let digits = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits && text.len() <= 15)
}

/// Reads tag, length and value off the front (X.690, DER, lengths below 64 KiB).
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, short], rest) = self.0.split_first_chunk()?;
        let (len, rest) = match short {
            0..=0x7f => (usize::from(short), rest),
            0x81 => rest.split_first().map(|(len, rest)| (usize::from(*len), rest))?,
            0x82 => {
                rest.split_first_chunk().map(|(len, rest)| (usize::from(u16::from_be_bytes(*len)), rest))?
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, value))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(have, _)| *have == tag).map(|(_, value)| value)
    }
}

/// The certificates of a file in PEM, in DER; what else is in it is passed over.
///
/// # Errors
///
/// [`TlsError`] names the file.
pub fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, TlsError> {
    Ok(read_chain(path)?.into_iter().map(|certificate| certificate.to_vec()).collect())
}

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const IA5: u8 = 0x16;
const SEQUENCE: u8 = 0x30;
/// Of a certificate, `[3]` (RFC 5280 §4.1).
const EXTENSIONS: u8 = 0xa3;
/// 1.3.6.1.5.5.7.1.26.
const TN_AUTH_LIST: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 26];
/// A public key of P-256 up to its point (RFC 5480 §2).
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3,
    1, 7, 3, 0x42, 0,
];

#[cfg(test)]
mod tests;
