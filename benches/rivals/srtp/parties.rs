//! Three implementations of SRTP behind one face: ours, libsrtp2 on OpenSSL, rtc-srtp on ring.

use std::{
    mem::MaybeUninit,
    ptr::{NonNull, null_mut},
    sync::Once,
};

use rove_core::srtp::{MasterKey, Profile, SrtpContext};
use rtc_srtp::{
    context::Context,
    crypto::default_provider,
    option::{srtcp_replay_protection, srtp_replay_protection},
    protection_profile::ProtectionProfile,
};

/// What is compared.
pub const PROFILES: [Profile; 4] = [
    Profile::AesCm128HmacSha1_80,
    Profile::AesCm128HmacSha1_32,
    Profile::AeadAes128Gcm,
    Profile::AeadAes256Gcm,
];

/// A packet, and room behind it for what protection adds.
#[derive(Clone, Debug)]
#[repr(C, align(8))]
pub struct Packet {
    bytes: [u8; ROOM],
    len: usize,
}

impl Packet {
    pub fn new(plain: &[u8]) -> Self {
        let mut packet = Self { bytes: [0; ROOM], len: 0 };
        packet.put(plain);
        packet
    }

    /// Its bytes.
    pub fn get(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[..bytes.len()].copy_from_slice(bytes);
        self.len = bytes.len();
    }
}

/// One end of one direction. Each call says whether it did as it was told.
pub trait Party {
    fn protect_rtp(&mut self, packet: &mut Packet) -> bool;
    fn unprotect_rtp(&mut self, packet: &mut Packet) -> bool;
    fn protect_rtcp(&mut self, packet: &mut Packet) -> bool;
    fn unprotect_rtcp(&mut self, packet: &mut Packet) -> bool;
}

/// A party under `profile` and the key that all of them share, to send or to receive.
pub type Make = fn(Profile, Role) -> Box<dyn Party>;

/// All of them by name, ours first.
pub const PARTIES: [(&str, Make); 3] = [
    ("rove", |profile, _| Box::new(Ours::new(profile))),
    ("libsrtp2", |profile, role| Box::new(Libsrtp::new(profile, role))),
    ("rtc-srtp", |profile, _| Box::new(Rtc::new(profile))),
];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    Sends,
    Receives,
}

/// Key and salt as one.
fn key(profile: Profile) -> Vec<u8> {
    (0..profile.key_len() + profile.salt_len()).map(|i| (i * 7 + 3) as u8).collect()
}

struct Ours(SrtpContext);

impl Ours {
    fn new(profile: Profile) -> Self {
        let master = MasterKey::from_joined(profile, &key(profile)).unwrap();
        Self(SrtpContext::new(profile, &master).unwrap())
    }
}

impl Party for Ours {
    fn protect_rtp(&mut self, packet: &mut Packet) -> bool {
        self.0.protect_rtp(&mut packet.bytes, packet.len).map(|len| packet.len = len).is_ok()
    }

    fn unprotect_rtp(&mut self, packet: &mut Packet) -> bool {
        self.0.unprotect_rtp(&mut packet.bytes[..packet.len]).map(|len| packet.len = len).is_ok()
    }

    fn protect_rtcp(&mut self, packet: &mut Packet) -> bool {
        self.0.protect_rtcp(&mut packet.bytes, packet.len).map(|len| packet.len = len).is_ok()
    }

    fn unprotect_rtcp(&mut self, packet: &mut Packet) -> bool {
        self.0.unprotect_rtcp(&mut packet.bytes[..packet.len]).map(|len| packet.len = len).is_ok()
    }
}

/// Its protected packets are new buffers; they are put where the others leave theirs.
struct Rtc(Context);

impl Rtc {
    fn new(profile: Profile) -> Self {
        let theirs = match profile {
            Profile::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
            Profile::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
            Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            Profile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        };
        let key = key(profile);
        let (key, salt) = key.split_at(profile.key_len());
        let (rtp, rtcp) = (Some(srtp_replay_protection(128)), Some(srtcp_replay_protection(128)));
        let crypto = default_provider().unwrap();
        Self(Context::new(key, salt, theirs, rtp, rtcp, crypto.crypto()).unwrap())
    }
}

impl Party for Rtc {
    fn protect_rtp(&mut self, packet: &mut Packet) -> bool {
        self.0.encrypt_rtp(packet.get()).map(|bytes| packet.put(&bytes)).is_ok()
    }

    fn unprotect_rtp(&mut self, packet: &mut Packet) -> bool {
        self.0.decrypt_rtp(packet.get()).map(|bytes| packet.put(&bytes)).is_ok()
    }

    fn protect_rtcp(&mut self, packet: &mut Packet) -> bool {
        self.0.encrypt_rtcp(packet.get()).map(|bytes| packet.put(&bytes)).is_ok()
    }

    fn unprotect_rtcp(&mut self, packet: &mut Packet) -> bool {
        self.0.decrypt_rtcp(packet.get()).map(|bytes| packet.put(&bytes)).is_ok()
    }
}

struct Libsrtp(NonNull<srtp2_sys::srtp_ctx_t_>);

impl Libsrtp {
    fn new(profile: Profile, role: Role) -> Self {
        static ONCE: Once = Once::new();
        srtp2_sys::__ensure_openssl_linked();
        ONCE.call_once(|| {
            // SAFETY: called once, before anything else of the library.
            assert_eq!(unsafe { srtp2_sys::srtp_init() }, OK);
        });
        let mut key = key(profile);
        let (rtp, rtcp): (SetPolicy, SetPolicy) = match profile {
            Profile::AesCm128HmacSha1_80 => (
                srtp2_sys::srtp_crypto_policy_set_rtp_default,
                srtp2_sys::srtp_crypto_policy_set_rtcp_default,
            ),
            Profile::AesCm128HmacSha1_32 => (
                srtp2_sys::srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32,
                srtp2_sys::srtp_crypto_policy_set_rtcp_default,
            ),
            Profile::AeadAes128Gcm => (
                srtp2_sys::srtp_crypto_policy_set_aes_gcm_128_16_auth,
                srtp2_sys::srtp_crypto_policy_set_aes_gcm_128_16_auth,
            ),
            Profile::AeadAes256Gcm => (
                srtp2_sys::srtp_crypto_policy_set_aes_gcm_256_16_auth,
                srtp2_sys::srtp_crypto_policy_set_aes_gcm_256_16_auth,
            ),
        };
        let mut session = null_mut();
        // SAFETY: all zeros is a policy of the library's, with no list behind it; the setters fill the two they are
        // given; the key, of the length that the policy asks for, is copied before it goes.
        let status = unsafe {
            let mut policy: srtp2_sys::srtp_policy_t = MaybeUninit::zeroed().assume_init();
            rtp(&mut policy.rtp);
            rtcp(&mut policy.rtcp);
            policy.key = key.as_mut_ptr();
            policy.window_size = 128;
            policy.ssrc.type_ = match role {
                Role::Sends => srtp2_sys::srtp_ssrc_type_t_ssrc_any_outbound,
                Role::Receives => srtp2_sys::srtp_ssrc_type_t_ssrc_any_inbound,
            };
            srtp2_sys::srtp_create(&mut session, &policy)
        };
        assert_eq!(status, OK);
        Self(NonNull::new(session).unwrap())
    }

    fn call(&mut self, function: Function, packet: &mut Packet) -> bool {
        let mut len = i32::try_from(packet.len).unwrap();
        // SAFETY: the session lives as long as this; the packet has the room that the library asks for behind it,
        // SRTP_MAX_TRAILER_LEN, and lies on a boundary of words.
        let status = unsafe { function(self.0.as_ptr(), packet.bytes.as_mut_ptr().cast(), &mut len) };
        packet.len = usize::try_from(len).unwrap();
        status == OK
    }
}

impl Party for Libsrtp {
    fn protect_rtp(&mut self, packet: &mut Packet) -> bool {
        self.call(srtp2_sys::srtp_protect, packet)
    }

    fn unprotect_rtp(&mut self, packet: &mut Packet) -> bool {
        self.call(srtp2_sys::srtp_unprotect, packet)
    }

    fn protect_rtcp(&mut self, packet: &mut Packet) -> bool {
        self.call(srtp2_sys::srtp_protect_rtcp, packet)
    }

    fn unprotect_rtcp(&mut self, packet: &mut Packet) -> bool {
        self.call(srtp2_sys::srtp_unprotect_rtcp, packet)
    }
}

impl Drop for Libsrtp {
    fn drop(&mut self) {
        // SAFETY: created by `new`, and used no more.
        unsafe { srtp2_sys::srtp_dealloc(self.0.as_ptr()) };
    }
}

type SetPolicy = unsafe extern "C" fn(*mut srtp2_sys::srtp_crypto_policy_t);
type Function = unsafe extern "C" fn(
    *mut srtp2_sys::srtp_ctx_t_,
    *mut std::ffi::c_void,
    *mut std::ffi::c_int,
) -> srtp2_sys::srtp_err_status_t;

const OK: srtp2_sys::srtp_err_status_t = srtp2_sys::srtp_err_status_t_srtp_err_status_ok;

/// 172 bytes, and what the longest trailer of libsrtp takes, 144 and 4.
const ROOM: usize = 400;
