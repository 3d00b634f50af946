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
use aes_gcm::{AeadInOut, Aes128Gcm, Aes256Gcm};
use ctr::{CtrCore, flavors::Ctr128BE};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

use super::Profile;

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
    Gcm128(Box<Aes128Gcm>),
    Gcm256(Box<Aes256Gcm>),
}

struct CounterMode {
    aes: Aes128,
    mac: Hmac<Sha1>,
    /// Bytes of a tag on the wire.
    tag: usize,
}

impl Session {
    /// Of `key` and `salt` as many bytes are used as `profile` asks for.
    pub(super) fn new(
        profile: Profile,
        key: &[u8; 32],
        auth: &[u8; 20],
        salt: &[u8; 14],
        tag: usize,
    ) -> Self {
        let (short, _) = key.split_at(16);
        let short = Zeroizing::new(std::array::from_fn::<u8, 16, _>(|i| short.get(i).copied().unwrap_or(0)));
        let cipher = match profile {
            Profile::AesCm128HmacSha1_80 | Profile::AesCm128HmacSha1_32 => {
                let mut block = Zeroizing::new([0; 64]);
                block.iter_mut().zip(auth).for_each(|(to, from)| *to = *from);
                // A key shorter than a block is padded with zeros (RFC 2104 §2), so this is the key itself.
                let mac = Hmac::new((&*block).into());
                Cipher::Counter(Box::new(CounterMode { aes: Aes128::new((&*short).into()), mac, tag }))
            }
            Profile::AeadAes128Gcm => Cipher::Gcm128(Box::new(Aes128Gcm::new((&*short).into()))),
            Profile::AeadAes256Gcm => Cipher::Gcm256(Box::new(Aes256Gcm::new(key.into()))),
        };
        let salt = salt.iter().take(profile.salt_len()).fold(0, |all, byte| (all << 8) | u128::from(*byte));
        Self { cipher, salt: Zeroizing::new(salt) }
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
        let Cipher::Counter(counter) = &self.cipher else {
            let (body, tag) = packet.split_last_chunk_mut::<16>()?;
            let (header, payload) = body.split_at_mut_checked(header)?;
            *tag = self.cipher.seal(nonce, header, payload)?;
            return Some(());
        };
        let (body, tag) = packet.split_at_mut_checked(packet.len().checked_sub(counter.tag)?)?;
        keystream(&counter.aes, nonce << 16, body.get_mut(header..)?);
        tag_into(counter.mac(body, &rollover(id)), tag);
        Some(())
    }

    /// Checks and decrypts `packet` in place and answers its length without the tag.
    ///
    /// `None`, with `packet` untouched, when it is not authentic.
    pub(super) fn open_rtp(&self, id: PacketId, packet: &mut [u8], header: usize) -> Option<usize> {
        let nonce = self.nonce(id);
        let Cipher::Counter(counter) = &self.cipher else {
            let (body, tag) = packet.split_last_chunk_mut::<16>()?;
            let (header, payload) = body.split_at_mut_checked(header)?;
            self.cipher.open(nonce, header, payload, tag)?;
            return Some(body.len());
        };
        let (body, tag) = packet.split_at_mut_checked(packet.len().checked_sub(counter.tag)?)?;
        counter.mac(body, &rollover(id)).verify_truncated_left(tag).ok()?;
        keystream(&counter.aes, nonce << 16, body.get_mut(header..)?);
        Some(body.len())
    }

    /// Protects `packet`, whose end has room for tag and index word (RFC 3711 §3.4, RFC 7714 §9).
    ///
    /// `None` when that room or the header is not there.
    pub(super) fn seal_rtcp(&self, id: PacketId, packet: &mut [u8]) -> Option<()> {
        let nonce = self.nonce(id);
        let word = (ENCRYPTED | u32::try_from(id.index).ok()?).to_be_bytes();
        let Cipher::Counter(counter) = &self.cipher else {
            let (rest, last) = packet.split_last_chunk_mut::<4>()?;
            let (body, tag) = rest.split_last_chunk_mut::<16>()?;
            let (header, payload) = body.split_first_chunk_mut::<RTCP_CLEAR>()?;
            *tag = self.cipher.seal(nonce, &joined(*header, word), payload)?;
            *last = word;
            return Some(());
        };
        let (rest, tag) = packet.split_at_mut_checked(packet.len().checked_sub(counter.tag)?)?;
        let (body, last) = rest.split_last_chunk_mut::<4>()?;
        keystream(&counter.aes, nonce << 16, body.get_mut(RTCP_CLEAR..)?);
        *last = word;
        tag_into(counter.mac(body, &word), tag);
        Some(())
    }

    /// Checks and decrypts `packet` in place and answers its length without tag and index word.
    ///
    /// `None`, with `packet` untouched, when it is not authentic.
    pub(super) fn open_rtcp(&self, id: PacketId, encrypted: bool, packet: &mut [u8]) -> Option<usize> {
        let nonce = self.nonce(id);
        let Cipher::Counter(counter) = &self.cipher else {
            return self.cipher.open_rtcp(nonce, encrypted, packet);
        };
        let (rest, tag) = packet.split_at_mut_checked(packet.len().checked_sub(counter.tag)?)?;
        counter.mac(rest, &[]).verify_truncated_left(tag).ok()?;
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
            Cipher::Gcm128(_) | Cipher::Gcm256(_) => 0,
        };
        let (_, word) = packet.get(..packet.len().checked_sub(behind)?)?.split_last_chunk::<4>()?;
        let word = u32::from_be_bytes(*word);
        Some((word & ENCRYPTED != 0, u64::from(word & !ENCRYPTED)))
    }
}

impl Cipher {
    fn seal(&self, nonce: u128, clear: &[u8], payload: &mut [u8]) -> Option<[u8; 16]> {
        let nonce = gcm_nonce(nonce);
        let tag = match self {
            Self::Gcm128(gcm) => gcm.encrypt_inout_detached((&nonce).into(), clear, payload.into()),
            Self::Gcm256(gcm) => gcm.encrypt_inout_detached((&nonce).into(), clear, payload.into()),
            Self::Counter(_) => return None,
        };
        tag.ok().map(Into::into)
    }

    /// The tag is compared in constant time, and before anything is decrypted.
    fn open(&self, nonce: u128, clear: &[u8], payload: &mut [u8], tag: &[u8; 16]) -> Option<()> {
        let nonce = gcm_nonce(nonce);
        match self {
            Self::Gcm128(gcm) => {
                gcm.decrypt_inout_detached((&nonce).into(), clear, payload.into(), tag.into())
            }
            Self::Gcm256(gcm) => {
                gcm.decrypt_inout_detached((&nonce).into(), clear, payload.into(), tag.into())
            }
            Self::Counter(_) => return None,
        }
        .ok()
    }

    fn open_rtcp(&self, nonce: u128, encrypted: bool, packet: &mut [u8]) -> Option<usize> {
        let (rest, last) = packet.split_last_chunk_mut::<4>()?;
        let (body, tag) = rest.split_last_chunk_mut::<16>()?;
        let len = body.len();
        if encrypted {
            let (header, payload) = body.split_first_chunk_mut::<RTCP_CLEAR>()?;
            self.open(nonce, &joined(*header, *last), payload, tag)?;
            return Some(len);
        }
        // All is associated data, which must be in one piece: the word takes the tag's place until it is checked.
        let tag = *tag;
        let word = *last;
        let (clear, _) = packet.split_at_mut_checked(len.checked_add(4)?)?;
        *clear.last_chunk_mut::<4>()? = word;
        let opened = self.open(nonce, clear, &mut [], &tag);
        let (_, behind) = packet.split_at_mut_checked(len)?;
        *behind.first_chunk_mut::<16>()? = tag;
        opened.map(|()| len)
    }
}

impl CounterMode {
    fn mac(&self, body: &[u8], behind: &[u8]) -> Hmac<Sha1> {
        let mut mac = self.mac.clone();
        mac.update(body);
        mac.update(behind);
        mac
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

fn tag_into(mac: Hmac<Sha1>, tag: &mut [u8]) {
    tag.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
}

/// What is authenticated behind an SRTP packet without being sent (RFC 3711 §4.2).
fn rollover(id: PacketId) -> [u8; 4] {
    ((id.index >> 16) as u32).to_be_bytes()
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
