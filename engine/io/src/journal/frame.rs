//! The bytes of a journal file: one header, then one frame per record.
//!
//! ```text
//! file   = magic(8) salt(8) checksum(4) frame*
//! frame  = length(4) checksum(4) sequence(8) group(8) payload(length)      little endian
//! ```
//! `sequence` counts records from 0. `group` is the sequence of the first record that went to disk in the same commit,
//! so that after a crash a half-written last commit can be told from damage to records that were durable. The checksum
//! (CRC-32, ISO-HDLC) of a frame covers the salt and all of the frame but itself; the salt is random, so nobody who gets
//! bytes of his choice into a record can make them look like a frame. That of the header covers magic and salt.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::ops::Range;

/// Begins every journal file; its last byte is the version of the format.
pub(super) const MAGIC: [u8; 8] = *b"rovejrn1";
/// Bytes of the file header.
pub(super) const FILE_HEADER: usize = 20;
/// Bytes of a frame before its payload.
pub(super) const FRAME_HEADER: usize = 24;
/// The longest record, in bytes.
pub const MAX_RECORD: usize = 1 << 20;

/// The random part of a file's header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Salt(pub(super) [u8; 8]);

impl Salt {
    pub(super) fn file_header(self) -> [u8; FILE_HEADER] {
        let mut header = [0; FILE_HEADER];
        let checksum = self.header_checksum().to_le_bytes();
        for (to, from) in header.iter_mut().zip(MAGIC.iter().chain(&self.0).chain(&checksum)) {
            *to = *from;
        }
        header
    }

    fn header_checksum(self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&MAGIC);
        hasher.update(&self.0);
        hasher.finalize()
    }

    fn checksum(self, length: [u8; 4], rest: &[u8], payload: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.0);
        hasher.update(&length);
        hasher.update(rest);
        hasher.update(payload);
        hasher.finalize()
    }
}

/// How a file begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Opening {
    /// With a sound header.
    Journal(Salt),
    /// With nothing, or with what a crash may leave of a header that was being written.
    Unfinished,
    /// With a header that was whole once.
    Damaged,
    /// With something else.
    Foreign,
}

/// Reads the beginning of `file`.
pub(super) fn opening(file: &[u8]) -> Opening {
    if let Some((magic, rest)) = file.split_first_chunk::<8>()
        && let Some((salt, rest)) = rest.split_first_chunk::<8>()
        && let Some(checksum) = rest.first_chunk::<4>()
        && *magic == MAGIC
        && Salt(*salt).header_checksum() == u32::from_le_bytes(*checksum)
    {
        return Opening::Journal(Salt(*salt));
    }
    let ours = file.iter().zip(MAGIC).all(|(&have, want)| have == want || have == 0);
    match (ours, file.len() > FILE_HEADER) {
        (false, _) => Opening::Foreign,
        (true, true) => Opening::Damaged,
        (true, false) => Opening::Unfinished,
    }
}

/// One frame that was found whole.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Frame {
    pub(super) sequence: u64,
    pub(super) group: u64,
    /// Where its payload lies in the file.
    pub(super) payload: Range<usize>,
}

/// Appends the frame of one record. `payload` is at most [`MAX_RECORD`] long; the caller has checked.
pub(super) fn write(out: &mut Vec<u8>, salt: Salt, sequence: u64, group: u64, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut rest = [0; 16];
    for (to, from) in rest.iter_mut().zip(sequence.to_le_bytes().into_iter().chain(group.to_le_bytes())) {
        *to = from;
    }
    out.extend_from_slice(&length);
    out.extend_from_slice(&salt.checksum(length, &rest, payload).to_le_bytes());
    out.extend_from_slice(&rest);
    out.extend_from_slice(payload);
}

/// The frame at `offset`, when a whole and undamaged one lies there.
pub(super) fn read(file: &[u8], offset: usize, salt: Salt) -> Option<Frame> {
    read_if(file, offset, salt, |_, _| true)
}

/// As [`read`], but looks at the payload only when `plausible(sequence, group)`.
fn read_if(file: &[u8], offset: usize, salt: Salt, plausible: impl Fn(u64, u64) -> bool) -> Option<Frame> {
    let (length, after) = file.get(offset..)?.split_first_chunk::<4>()?;
    let (checksum, after) = after.split_first_chunk::<4>()?;
    let (rest, body) = after.split_first_chunk::<16>()?;
    let (sequence, group) = rest.split_first_chunk::<8>()?;
    let sequence = u64::from_le_bytes(*sequence);
    let group = u64::from_le_bytes(*group.first_chunk::<8>()?);
    let len = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if len > MAX_RECORD || group > sequence || !plausible(sequence, group) {
        return None;
    }
    let payload = body.get(..len)?;
    if salt.checksum(*length, rest, payload) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let start = offset.checked_add(FRAME_HEADER)?;
    Some(Frame { sequence, group, payload: start..start.checked_add(len)? })
}

/// What a journal file holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Contents {
    /// Whole records up to `end`; what lies behind it is the rest of a commit that a crash cut short.
    Sound { payloads: Vec<Range<usize>>, end: usize },
    /// The frame at `offset` is damaged, though a later commit followed it.
    Damaged { offset: usize },
}

/// Reads all frames of `file`, whose header has been read as `salt`.
pub(super) fn scan(file: &[u8], salt: Salt) -> Contents {
    let (mut payloads, mut end) = (Vec::new(), FILE_HEADER);
    let (mut expected, mut group) = (0_u64, 0_u64);
    while end < file.len() {
        match read(file, end, salt) {
            Some(frame)
                if frame.sequence == expected && (frame.group == group || frame.group == expected) =>
            {
                group = frame.group;
                expected = expected.saturating_add(1);
                end = frame.payload.end;
                payloads.push(frame.payload);
            }
            _ if has_later_commit(file, end, salt, expected) => return Contents::Damaged { offset: end },
            _ => break,
        }
    }
    Contents::Sound { payloads, end }
}

/// Whether behind `from` lies a frame of a commit that began after record `missing`: then that record had been durable.
fn has_later_commit(file: &[u8], from: usize, salt: Salt, missing: u64) -> bool {
    let mut offset = from;
    while let Some(left) = file.len().checked_sub(offset).filter(|&left| left >= FRAME_HEADER) {
        let farthest = missing.saturating_add(u64::try_from(left).unwrap_or(u64::MAX));
        let plausible = |sequence: u64, _| (missing..=farthest).contains(&sequence);
        offset = match read_if(file, offset, salt, plausible) {
            Some(frame) if frame.group > missing => return true,
            Some(frame) => frame.payload.end,
            None => offset.saturating_add(1),
        };
    }
    false
}
