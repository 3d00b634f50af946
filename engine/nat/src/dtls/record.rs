//! The record layer (RFC 6347 §4.1): pieces of a datagram, protected from the second epoch on (RFC 5288).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::wire::{self, Reader};

/// One record as it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: u8,
    version: u16,
    pub(super) epoch: u16,
    /// 48 bits.
    pub(super) sequence: u64,
    pub(super) body: &'a [u8],
}

pub(super) const ALERT: u8 = 21;
pub(super) const CHANGE_CIPHER: u8 = 20;
pub(super) const HANDSHAKE: u8 = 22;

/// DTLS 1.2.
pub(super) const VERSION: u16 = 0xfefd;
/// DTLS 1.0, which a server names before the version is agreed on (RFC 6347 §4.2.1).
pub(super) const OLD_VERSION: u16 = 0xfeff;

/// The records of a datagram, up to the first that is none.
pub(super) fn records(datagram: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut reader = Reader::new(datagram);
    core::iter::from_fn(move || {
        let (kind, version) = (reader.byte()?, reader.u16()?);
        let (epoch, sequence) = (reader.u16()?, reader.number::<6>()?);
        let body = reader.vector::<2>()?;
        matches!(version, VERSION | OLD_VERSION).then_some(Record { kind, version, epoch, sequence, body })
    })
}

/// Writes an unprotected record.
pub(super) fn write(out: &mut Vec<u8>, kind: u8, version: u16, sequence: u64, body: &[u8]) {
    header(out, kind, version, sequence, body.len());
    out.extend(body);
}

fn header(out: &mut Vec<u8>, kind: u8, version: u16, epoch_and_sequence: u64, len: usize) {
    out.push(kind);
    wire::number::<2>(out, version.into());
    wire::number::<8>(out, epoch_and_sequence);
    wire::number::<2>(out, len as u64);
}

/// The keys with which one side protects its records.
pub(super) struct RecordKeys {
    key: LessSafeKey,
    salt: [u8; 4],
}

impl RecordKeys {
    pub(super) fn new(key: &[u8], salt: [u8; 4]) -> Option<Self> {
        let algorithm = if key.len() == 32 { &AES_256_GCM } else { &AES_128_GCM };
        Some(Self { key: LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?), salt })
    }

    /// Writes a protected record. `sequence` is never used twice.
    pub(super) fn seal(&self, out: &mut Vec<u8>, kind: u8, sequence: u64, body: &[u8]) -> Option<()> {
        let numbered = 1 << 48 | sequence;
        let mut sealed = body.to_vec();
        let aad = Aad::from(associated(numbered, kind, VERSION, body.len()));
        self.key.seal_in_place_append_tag(self.nonce(numbered.to_be_bytes()), aad, &mut sealed).ok()?;
        header(out, kind, VERSION, numbered, sealed.len().saturating_add(EXPLICIT));
        out.extend(numbered.to_be_bytes());
        out.extend(sealed);
        Some(())
    }

    /// The content of a protected record, once it is authentic.
    pub(super) fn open(&self, record: &Record<'_>) -> Option<Vec<u8>> {
        let (explicit, sealed) = record.body.split_first_chunk::<EXPLICIT>()?;
        let len = sealed.len().checked_sub(TAG)?;
        let numbered = u64::from(record.epoch) << 48 | record.sequence;
        let aad = Aad::from(associated(numbered, record.kind, record.version, len));
        let mut opened = sealed.to_vec();
        let len = self.key.open_in_place(self.nonce(*explicit), aad, &mut opened).ok()?.len();
        opened.truncate(len);
        Some(opened)
    }

    fn nonce(&self, explicit: [u8; EXPLICIT]) -> Nonce {
        let mut nonce = [0; 12];
        nonce.iter_mut().zip(self.salt.iter().chain(&explicit)).for_each(|(to, from)| *to = *from);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// What is authenticated beside the content (RFC 5246 §6.2.3.3).
fn associated(numbered: u64, kind: u8, version: u16, len: usize) -> [u8; 13] {
    let mut bytes = Vec::with_capacity(13);
    wire::number::<8>(&mut bytes, numbered);
    bytes.push(kind);
    wire::number::<2>(&mut bytes, version.into());
    wire::number::<2>(&mut bytes, len as u64);
    bytes.first_chunk().copied().unwrap_or_default()
}

/// Bytes of the explicit part of the nonce.
const EXPLICIT: usize = 8;
const TAG: usize = 16;
/// Bytes that protection adds to a record, its header counted.
pub(super) const OVERHEAD: usize = HEADER + EXPLICIT + TAG;
/// Bytes of a record's header.
pub(super) const HEADER: usize = 13;

/// Which protected records were there before (RFC 6347 §4.1.2.6).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Replay {
    /// One more than the highest seen.
    next: u64,
    /// Bit n: the one n before the highest was seen.
    seen: u64,
}

impl Replay {
    /// Whether a record may be new.
    pub(super) const fn is_new(&self, sequence: u64) -> bool {
        match self.next.checked_sub(sequence.saturating_add(1)) {
            None => true,
            Some(age) => age < 64 && self.seen >> age & 1 == 0,
        }
    }

    /// Remembers an authentic one.
    pub(super) fn keep(&mut self, sequence: u64) {
        let after = sequence.saturating_add(1);
        if let Some(age) = self.next.checked_sub(after) {
            self.seen |= u32::try_from(age).ok().and_then(|age| 1_u64.checked_shl(age)).unwrap_or(0);
        } else {
            let ahead = u32::try_from(after.saturating_sub(self.next)).unwrap_or(u32::MAX);
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.next = after;
        }
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    #[test]
    fn a_protected_record_is_opened_once_changed_nowhere_and_by_its_key_alone() {
        let keys = RecordKeys::new(&[7; 16], [1, 2, 3, 4]).unwrap();
        let other = RecordKeys::new(&[8; 16], [1, 2, 3, 4]).unwrap();
        let mut datagram = Vec::new();
        keys.seal(&mut datagram, HANDSHAKE, 5, b"finished").unwrap();
        let record = records(&datagram).next().unwrap();
        assert_eq!((record.epoch, record.sequence, datagram.len()), (1, 5, 8 + OVERHEAD));
        assert_eq!(keys.open(&record).as_deref(), Some(&b"finished"[..]));
        assert_eq!(other.open(&record), None);
        for bit in 0..datagram.len() * 8 {
            let mut forged = datagram.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(records(&forged).next().is_none_or(|record| keys.open(&record).is_none()), "bit {bit}");
        }
    }

    #[test]
    fn the_window_knows_what_was_there() {
        let mut replay = Replay::default();
        assert!(replay.is_new(0));
        for sequence in [0, 2, 70] {
            replay.keep(sequence);
        }
        let cases = [(70, false), (71, true), (69, true), (7, true), (6, false), (2, false), (0, false)];
        for (sequence, expected) in cases {
            assert_eq!(replay.is_new(sequence), expected, "{sequence}");
        }
        replay.keep(1 << 40);
        assert!(!replay.is_new(71) && replay.is_new((1 << 40) - 1));
    }
}
