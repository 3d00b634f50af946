//! Sequence numbers (3GPP TS 33.102 annex C).

/// A 48-bit sequence number: 43 bits of SEQ, then 5 bits of IND (annex C.1.1.1), which let vectors be used out of order.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Sqn(u64);

impl Sqn {
    /// The `count`th vector of a subscriber: both parts grow by one with each (annex C.1.2).
    #[must_use]
    pub const fn of_vector(count: u64) -> Self {
        Self::new(count, count & IND_MASK)
    }

    /// From its parts; SEQ is taken modulo 2⁴³, IND modulo 32.
    #[must_use]
    pub const fn new(seq: u64, ind: u64) -> Self {
        Self(((seq << IND_BITS) & MAX) | (ind & IND_MASK))
    }

    /// As AUTN and AUTS carry it.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = bytes;
        Self(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    /// As AUTN and AUTS carry it.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 6] {
        let [_, _, a, b, c, d, e, f] = self.0.to_be_bytes();
        [a, b, c, d, e, f]
    }

    /// How many vectors were made.
    #[must_use]
    pub const fn seq(self) -> u64 {
        self.0 >> IND_BITS
    }

    /// Which slot of the terminal's array remembers it.
    #[must_use]
    pub const fn ind(self) -> u64 {
        self.0 & IND_MASK
    }
}

/// The terminal's memory: for each IND the highest SEQ it took (annex C.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Taken(pub(super) [u64; SLOTS]);

impl Taken {
    /// Takes `sqn` if it is fresh.
    ///
    /// # Errors
    ///
    /// The highest number ever taken, when `sqn` was seen before, is too old or too far ahead (annex C.2.1, C.2.2).
    pub(super) fn take(&mut self, sqn: Sqn) -> Result<(), Sqn> {
        let highest = self.highest();
        let ahead = sqn.seq().saturating_sub(highest.seq());
        let behind = highest.seq().saturating_sub(sqn.seq());
        let slot = usize::try_from(sqn.ind()).ok().and_then(|ind| self.0.get_mut(ind));
        match slot {
            Some(slot) if sqn.seq() > *slot && ahead <= MOST_AHEAD && behind <= MOST_BEHIND => {
                *slot = sqn.seq();
                Ok(())
            }
            _ => Err(highest),
        }
    }

    /// SQN_MS (annex C.2.2).
    pub(super) fn highest(&self) -> Sqn {
        let pairs = (0_u64..).zip(self.0);
        pairs.map(|(ind, seq)| Sqn::new(seq, ind)).max().unwrap_or_default()
    }
}

/// Bits of IND.
const IND_BITS: u32 = 5;

/// Values of IND.
pub(super) const SLOTS: usize = 32;

const IND_MASK: u64 = 31;

/// 48 bits.
const MAX: u64 = (1 << 48) - 1;

/// Δ of annex C.2.1: a number so far ahead would use up those there are.
const MOST_AHEAD: u64 = 1 << 28;

/// L of annex C.2.2: vectors older than so many are of no use. More than a home skips when it is started again.
const MOST_BEHIND: u64 = 4_096;
