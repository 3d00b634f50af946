//! The TSIG record on the wire (RFC 8945 §4.2) and what of it is signed (§4.3.3).

use hmac::Mac as _;

use super::{TsigError, key};
use crate::wire::{Header, Name, Reader, class, rtype};

/// The TSIG record of a message, found but not yet verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signature {
    /// The key it names.
    pub key: Name,
    /// The algorithm it names.
    pub algorithm: Name,
    /// Unix time of signing in seconds.
    pub time: u64,
    /// Allowed distance of clocks in seconds.
    pub fudge: u16,
    /// The message id when it was signed.
    pub original_id: u16,
    /// One of [`super::code`].
    pub error: u16,
    /// Where the record starts: the length of the message without it.
    pub start: usize,
    pub(super) mac: Vec<u8>,
    pub(super) other: Vec<u8>,
}

impl Signature {
    /// Looks for the TSIG record, which stands last in the additional section.
    ///
    /// # Errors
    ///
    /// [`TsigError::Wire`] when the message cannot be read to its end, [`TsigError::Malformed`] when the record stands
    /// elsewhere, twice, or with fields of wrong value (RFC 8945 §5.1).
    pub fn find(message: &[u8]) -> Result<Option<Self>, TsigError> {
        let mut reader = Reader::new(message);
        let header = reader.header()?;
        let [questions, ..] = header.counts;
        for _ in 0..questions {
            reader.question()?;
        }
        let mut found = None;
        for _ in 0..header.records() {
            if found.is_some() {
                return Err(TsigError::Malformed("it is not the last record"));
            }
            found = Some(reader.record()?).filter(|record| record.rtype == rtype::TSIG);
        }
        reader.finish()?;
        let Some(record) = found else { return Ok(None) };
        let [.., additional] = header.counts;
        if additional == 0 {
            return Err(TsigError::Malformed("it is not in the additional section"));
        }
        if record.class != class::ANY || record.ttl != 0 {
            return Err(TsigError::Malformed("its class is not ANY or its TTL not 0"));
        }
        let mut fields = Reader::starting_at(message, record.rdata.start);
        let algorithm = fields.name()?.to_name();
        let [t0, t1, t2, t3, t4, t5] = fields.array("signature")?;
        let fudge = fields.u16("signature")?;
        let mac_len = usize::from(fields.u16("signature")?);
        let mac = fields.bytes(mac_len, "signature")?.to_vec();
        let (original_id, error) = (fields.u16("signature")?, fields.u16("signature")?);
        let other_len = usize::from(fields.u16("signature")?);
        let other = fields.bytes(other_len, "signature")?.to_vec();
        if fields.position() != record.rdata.end {
            return Err(TsigError::Malformed("its fields do not fill it"));
        }
        Ok(Some(Self {
            key: record.name.to_name(),
            algorithm,
            time: u64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5]),
            fudge,
            original_id,
            error,
            start: record.start,
            mac,
            other,
        }))
    }
}

impl Signature {
    /// Unix time in seconds at the other end, which an answer with BADTIME carries (RFC 8945 §5.2.3).
    #[must_use]
    pub fn time_there(&self) -> Option<u64> {
        let [t0, t1, t2, t3, t4, t5] = *self.other.as_array::<6>()?;
        Some(u64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5]))
    }
}

/// What the signer decides.
pub(super) struct Fields {
    /// Unix time in seconds.
    pub(super) time: u64,
    pub(super) fudge: u16,
    pub(super) error: u16,
    /// The server's Unix time in seconds, sent with BADTIME.
    pub(super) other: Option<u64>,
}

impl Fields {
    /// The other data and how many of its bytes are used.
    pub(super) fn other_data(&self) -> ([u8; 6], usize) {
        self.other.map_or(([0; 6], 0), |time| (time48(time), 6))
    }
}

/// The numbers of the record that are signed with it.
pub(super) struct Variables {
    /// Unix time in seconds.
    pub(super) time: u64,
    pub(super) fudge: u16,
    pub(super) error: u16,
}

impl Variables {
    pub(super) fn digest(&self, digest: &mut key::Hmac, key_name: &[u8], other: &[u8]) {
        digest.update(key_name);
        digest.update(&class::ANY.to_be_bytes());
        digest.update(&0_u32.to_be_bytes());
        digest.update(key::ALGORITHM);
        digest.update(&time48(self.time));
        digest.update(&self.fudge.to_be_bytes());
        digest.update(&self.error.to_be_bytes());
        digest.update(&u16::try_from(other.len()).unwrap_or(u16::MAX).to_be_bytes());
        digest.update(other);
    }

    /// All that is signed of the record in later messages of one answer (RFC 8945 §4.3.3.1).
    pub(super) fn digest_timers(&self, digest: &mut key::Hmac) {
        digest.update(&time48(self.time));
        digest.update(&self.fudge.to_be_bytes());
    }
}

/// Appends the record to `message` and counts it. The original id is the message's own.
pub(super) fn append(message: &mut Vec<u8>, key: &[u8], algorithm: &[u8], fields: &Fields, mac: &[u8]) {
    let (other, other_len) = fields.other_data();
    let other = other.get(..other_len).unwrap_or_default();
    let id = message.first_chunk::<2>().copied().unwrap_or_default();
    let len_of = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let fixed = algorithm.len().saturating_add(mac.len()).saturating_add(other.len()).saturating_add(16);

    message.extend_from_slice(key);
    message.extend_from_slice(&rtype::TSIG.to_be_bytes());
    message.extend_from_slice(&class::ANY.to_be_bytes());
    message.extend_from_slice(&0_u32.to_be_bytes());
    message.extend_from_slice(&u16::try_from(fixed).unwrap_or(u16::MAX).to_be_bytes());
    message.extend_from_slice(algorithm);
    message.extend_from_slice(&time48(fields.time));
    message.extend_from_slice(&fields.fudge.to_be_bytes());
    message.extend_from_slice(&len_of(mac).to_be_bytes());
    message.extend_from_slice(mac);
    message.extend_from_slice(&id);
    message.extend_from_slice(&fields.error.to_be_bytes());
    message.extend_from_slice(&len_of(other).to_be_bytes());
    message.extend_from_slice(other);
    if let Some((.., [hi, lo])) = message.get_mut(..Header::LEN).and_then(<[u8]>::split_last_chunk_mut::<2>) {
        [*hi, *lo] = u16::from_be_bytes([*hi, *lo]).saturating_add(1).to_be_bytes();
    }
}

const fn time48(secs: u64) -> [u8; 6] {
    let [_, _, rest @ ..] = secs.to_be_bytes();
    rest
}
