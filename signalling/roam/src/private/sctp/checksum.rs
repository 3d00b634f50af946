//! CRC32c, which every packet of SCTP carries (RFC 9260 appendix A).

/// The checksum of `pieces`, one after the other.
pub(super) fn crc32c(pieces: &[&[u8]]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        let [low, ..] = sum.to_le_bytes();
        let change = TABLE.get(usize::from(low ^ byte)).copied().unwrap_or_default();
        change ^ (sum >> 8)
    };
    !pieces.iter().flat_map(|piece| piece.iter()).fold(u32::MAX, step)
}

const TABLE: [u32; 256] = table();

#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "worked out by the compiler")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
}

/// Castagnoli's, bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;
