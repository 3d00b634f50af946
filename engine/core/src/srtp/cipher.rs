//! A packet of known index encrypted and tagged, or checked and decrypted, in place.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipherCore, consts::U16},
};
use ctr::{CtrCore, flavors::Ctr128BE};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Profile, gcm::Gcm, mac::Mac};

/// Session keys of one direction and one protocol, wiped from memory when dropped.
pub(super) struct Session {
    cipher: Cipher,
    /// The session salt as a number: 112 bits with counter mode, 96 with GCM.
    salt: Zeroizing<u128>,
}

/// Where a packet stands among those of its key: the two must never repeat together.
#[derive(Clone, Copy)]
pub(super) struct PacketId {
    pub(super) ssrc: u32,
    /// 48 bits in SRTP, rollover counter included; 31 bits in SRTCP.
    pub(super) index: u64,
}

enum Cipher {
    Counter(Box<CounterMode>),
    Gcm(Gcm),
}

struct CounterMode {
    aes: Aes128,
    mac: Mac,
    /// Bytes of a tag on the wire.
    tag: usize,
}

impl Session {
    /// Of `key` and `salt` as many bytes are used as `profile` asks for.
    ///
    /// `None` when the cipher refuses a key of that length, which none of [`Profile`] has.
    pub(super) fn new(
        profile: Profile,
        key: &[u8; 32],
        auth: &[u8; 20],
        salt: &[u8; 14],
        tag: usize,
    ) -> Option<Self> {
        let cipher = match profile {
            Profile::AesCm128HmacSha1_80 | Profile::AesCm128HmacSha1_32 => {
                let aes = Aes128::new(key.first_chunk::<16>()?.into());
                Cipher::Counter(Box::new(CounterMode { aes, mac: Mac::new(auth), tag }))
            }
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => {
                Cipher::Gcm(Gcm::new(key.get(..profile.key_len())?)?)
            }
        };
        let salt = salt.iter().take(profile.salt_len()).fold(0, |all, byte| (all << 8) | u128::from(*byte));
        Some(Self { cipher, salt: Zeroizing::new(salt) })
    }

    /// RFC 3711 §4.1.1 without its last 16 bits, and RFC 7714 §8.1 and §9.1: the three agree but for the width.
    fn nonce(&self, id: PacketId) -> u128 {
        *self.salt ^ (u128::from(id.ssrc) << 48) ^ u128::from(id.index)
    }

    /// Protects `packet`, whose header is `header` bytes long and whose end has room for the tag.
    ///
    /// `None` when that room or the header is not there.
    pub(super) fn seal_rtp(&self, id: PacketId, packet: &mut [u8], header: usize) -> Option<()> {
        let nonce = self.nonce(id);
        let counter = match &self.cipher {
            Cipher::Counter(counter) => counter,
            Cipher::Gcm(gcm) => {
                let (body, tag) = packet.split_last_chunk_mut::<16>()?;
                let (header, payload) = body.split_at_mut_checked(header)?;
                *tag = gcm.seal(gcm_nonce(nonce), header, payload)?;
                return Some(());
            }
        };
        let (body, tag) = packet.split_at_mut_checked(packet.len().checked_sub(counter.tag)?)?;
        keystream(&counter.aes, nonce << 16, body.get_mut(header..)?);
        counter.sign(body, Some(rollover(id)), tag);
        Some(())
    }

    /// Checks and decrypts `packet` in place and answers its length without the tag.
    ///
    /// `None`, with `packet` unspecified, when it is not authentic.
    pub(super) fn open_rtp(&self, id: PacketId, packet: &mut [u8], header: usize) -> Option<usize> {
        let nonce = self.nonce(id);
        let counter = match &self.cipher {
            Cipher::Counter(counter) => counter,
            Cipher::Gcm(gcm) => {
                let (body, tag) = packet.split_last_chunk_mut::<16>()?;
                let (header, payload) = body.split_at_mut_checked(header)?;
                gcm.open(gcm_nonce(nonce), header, payload, *tag)?;
                return Some(body.len());
            }
        };
        let (body, tag) = packet.split_at_mut_checked(packet.len().checked_sub(counter.tag)?)?;
        counter.verify(body, Some(rollover(id)), tag)?;
        keystream(&counter.aes, nonce << 16, body.get_mut(header..)?);
        Some(body.len())
    }

    /// Protects `packet`, whose end has room for tag and index word (RFC 3711 §3.4, RFC 7714 §9).
    ///
    /// `None` when that room or the header is not there.
    pub(super) fn seal_rtcp(&self, id: PacketId, packet: &mut [u8]) -> Option<()> {
        let nonce = self.nonce(id);
        let word = (ENCRYPTED | u32::try_from(id.index).ok()?).to_be_bytes();
        let counter = match &self.cipher {
            Cipher::Counter(counter) => counter,
            Cipher::Gcm(gcm) => {
                let (rest, last) = packet.split_last_chunk_mut::<4>()?;
                let (body, tag) = rest.split_last_chunk_mut::<16>()?;
                let (header, payload) = body.split_first_chunk_mut::<RTCP_CLEAR>()?;
                *tag = gcm.seal(gcm_nonce(nonce), &joined(*header, word), payload)?;
                *last = word;
                return Some(());
            }
        };
        let (rest, tag) = packet.split_at_mut_checked(packet.len().checked_sub(counter.tag)?)?;
        let (body, last) = rest.split_last_chunk_mut::<4>()?;
        keystream(&counter.aes, nonce << 16, body.get_mut(RTCP_CLEAR..)?);
        *last = word;
        counter.sign(body, Some(word), tag);
        Some(())
    }

    /// Checks and decrypts `packet` in place and answers its length without tag and index word.
    ///
    /// `None`, with `packet` unspecified, when it is not authentic.
    pub(super) fn open_rtcp(&self, id: PacketId, encrypted: bool, packet: &mut [u8]) -> Option<usize> {
        let nonce = self.nonce(id);
        let counter = match &self.cipher {
            Cipher::Counter(counter) => counter,
            Cipher::Gcm(gcm) => return open_rtcp_gcm(gcm, gcm_nonce(nonce), encrypted, packet),
        };
        let (rest, tag) = packet.split_at_mut_checked(packet.len().checked_sub(counter.tag)?)?;
        counter.verify(rest, None, tag)?;
        let (body, _) = rest.split_last_chunk_mut::<4>()?;
        if encrypted {
            keystream(&counter.aes, nonce << 16, body.get_mut(RTCP_CLEAR..)?);
        }
        Some(body.len())
    }

    /// The index word of a protected RTCP packet: whether it is encrypted, and its index. Not to be believed yet.
    pub(super) fn rtcp_index(&self, packet: &[u8]) -> Option<(bool, u64)> {
        let behind = match &self.cipher {
            Cipher::Counter(counter) => counter.tag,
            Cipher::Gcm(_) => 0,
        };
        let (_, word) = packet.get(..packet.len().checked_sub(behind)?)?.split_last_chunk::<4>()?;
        let word = u32::from_be_bytes(*word);
        Some((word & ENCRYPTED != 0, u64::from(word & !ENCRYPTED)))
    }
}

impl CounterMode {
    fn sign(&self, body: &[u8], behind: Option<[u8; 4]>, tag: &mut [u8]) {
        tag.iter_mut().zip(self.mac.code(body, behind)).for_each(|(to, from)| *to = from);
    }

    /// Compares in the same time always.
    fn verify(&self, body: &[u8], behind: Option<[u8; 4]>, tag: &[u8]) -> Option<()> {
        let code = self.mac.code(body, behind);
        bool::from(code.get(..tag.len())?.ct_eq(tag)).then_some(())
    }
}

/// Adds the key stream of counter mode that begins at block `iv` (RFC 3711 §4.1.1).
pub(super) fn keystream<C>(aes: &C, iv: u128, data: &mut [u8])
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let blocks = CtrCore::<&C, Ctr128BE>::inner_iv_init(aes, (&iv.to_be_bytes()).into());
    // Fails only beyond 2¹²⁸ blocks.
    _ = blocks.try_apply_keystream_partial(data.into());
}

/// What is authenticated behind an SRTP packet without being sent (RFC 3711 §4.2).
fn rollover(id: PacketId) -> [u8; 4] {
    ((id.index >> 16) as u32).to_be_bytes()
}

fn open_rtcp_gcm(gcm: &Gcm, nonce: [u8; 12], encrypted: bool, packet: &mut [u8]) -> Option<usize> {
    let (rest, last) = packet.split_last_chunk_mut::<4>()?;
    let (body, tag) = rest.split_last_chunk_mut::<16>()?;
    let (len, tag, word) = (body.len(), *tag, *last);
    if encrypted {
        let (header, payload) = body.split_first_chunk_mut::<RTCP_CLEAR>()?;
        gcm.open(nonce, &joined(*header, word), payload, tag)?;
        return Some(len);
    }
    // All is associated data, which must be in one piece: the word takes the tag's place.
    let (clear, _) = packet.split_at_mut_checked(len.checked_add(4)?)?;
    *clear.last_chunk_mut::<4>()? = word;
    gcm.open(nonce, clear, &mut [], tag).map(|()| len)
}

fn gcm_nonce(nonce: u128) -> [u8; 12] {
    let [_, _, _, _, rest @ ..] = nonce.to_be_bytes();
    rest
}

fn joined(header: [u8; RTCP_CLEAR], word: [u8; 4]) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = header;
    let [i, j, k, l] = word;
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

/// Bytes of an RTCP packet that are never encrypted: its first header, up to the SSRC.
pub(super) const RTCP_CLEAR: usize = 8;

/// The E bit of the index word (RFC 3711 §3.4).
const ENCRYPTED: u32 = 1 << 31;
