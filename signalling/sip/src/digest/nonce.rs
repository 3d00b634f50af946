//! Nonces that prove themselves, and the counts that were used up (RFC 7616 §3.3, §3.4, §5.5).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::{collections::BTreeMap, net::IpAddr};

use hmac::{Hmac, KeyInit as _, Mac as _};
use rove_base::{Entropy, Instant};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::algorithm::Hex;

/// Makes nonces and knows them again without remembering them. Remembers the counts of those used with success, up to
/// [`MAX_USED`]; to make room for more, the oldest are declared stale.
pub(super) struct Nonces {
    mac: Hmac<Sha256>,
    lifetime: Duration,
    next: u64,
    used: BTreeMap<u64, Used>,
    /// Nonces with a smaller number are stale.
    floor: u64,
}

/// Which counts of one nonce were used.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    highest: u32,
    /// Bit n stands for the count `highest - n`.
    window: u64,
}

/// What a nonce is worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Worth {
    /// Ours, made for this peer, young. Its number.
    Good(u64),
    /// Not ours, made for another peer, or too old.
    Stale,
}

impl Nonces {
    pub(super) fn new(entropy: &mut Entropy, lifetime: Duration) -> Self {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        entropy.fill(&mut *key);
        // HMAC takes keys of any length.
        let mac = Hmac::new_from_slice(&*key).unwrap_or_else(|_| Hmac::new(&Default::default()));
        Self { mac, lifetime, next: 0, used: BTreeMap::new(), floor: 0 }
    }

    /// A nonce for `peer` and `realm`.
    pub(super) fn make(&mut self, now: Instant, realm: &str, peer: IpAddr) -> String {
        let number = self.next;
        self.next = number.saturating_add(1);
        let mut bytes = [0; 32];
        let (head, tag) = bytes.split_at_mut(16);
        head.copy_from_slice(&pack(number, now));
        tag.copy_from_slice(&self.tag(head, realm, peer));
        Hex::of(&bytes).as_str().to_owned()
    }

    /// Whether a nonce is worth an answer.
    pub(super) fn worth(&self, now: Instant, nonce: &str, realm: &str, peer: IpAddr) -> Worth {
        let Some(bytes) = unhex(nonce) else { return Worth::Stale };
        let Some((head, tag)) = bytes.split_first_chunk::<16>() else { return Worth::Stale };
        let ours: bool = self.tag(head, realm, peer).ct_eq(tag).into();
        let (number, made) = unpack(*head);
        let young = made <= now && now.since(made) < self.lifetime;
        if ours && young && number >= self.floor { Worth::Good(number) } else { Worth::Stale }
    }

    /// Uses up `count` of nonce `number`; `false` when it was used before, or so long ago that nobody knows.
    pub(super) fn use_up(&mut self, number: u64, count: u32) -> bool {
        if count == 0 || number < self.floor {
            return false;
        }
        if !self.used.contains_key(&number) && self.used.len() >= MAX_USED {
            self.make_room();
        }
        self.used.entry(number).or_default().take(count)
    }

    fn make_room(&mut self) {
        for _ in 0..MAX_USED / 8 {
            if let Some((oldest, _)) = self.used.pop_first() {
                self.floor = oldest.saturating_add(1);
            }
        }
    }

    fn tag(&self, head: &[u8], realm: &str, peer: IpAddr) -> [u8; 16] {
        let mut mac = self.mac.clone();
        mac.update(head);
        match peer {
            IpAddr::V4(ip) => mac.update(&ip.to_ipv6_mapped().octets()),
            IpAddr::V6(ip) => mac.update(&ip.octets()),
        }
        mac.update(realm.as_bytes());
        let whole = mac.finalize().into_bytes();
        whole.first_chunk::<16>().copied().unwrap_or_default()
    }
}

impl Used {
    fn take(&mut self, count: u32) -> bool {
        if count > self.highest {
            let ahead = count.saturating_sub(self.highest);
            self.window = self.window.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let behind = self.highest.saturating_sub(count);
        let Some(bit) = 1_u64.checked_shl(behind) else { return false };
        let fresh = self.window & bit == 0;
        self.window |= bit;
        fresh
    }
}

impl core::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Nonces({} used)", self.used.len())
    }
}

fn pack(number: u64, now: Instant) -> [u8; 16] {
    let mut head = [0; 16];
    let (a, b) = head.split_at_mut(8);
    a.copy_from_slice(&number.to_be_bytes());
    b.copy_from_slice(&now.as_nanos().to_be_bytes());
    head
}

fn unpack(head: [u8; 16]) -> (u64, Instant) {
    let whole = u128::from_be_bytes(head);
    let [number, nanos] =
        [whole >> 64, whole & u128::from(u64::MAX)].map(|half| half.try_into().unwrap_or(0));
    (number, Instant::from_nanos(nanos))
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |digit: Option<&u8>| char::from(*digit?).to_digit(16);
        *byte = u8::try_from((digit(pair.first())? << 4) | digit(pair.get(1))?).ok()?;
    }
    Some(bytes)
}

/// Nonces whose used counts are remembered; 40 bytes each.
pub(super) const MAX_USED: usize = 65_536;
