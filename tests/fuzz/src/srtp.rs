//! SRTP and SRTCP packets.

use rove_core::srtp::{MasterKey, Profile, SrtpContext};

/// Bytes that nobody protected are never accepted, whatever they claim; once protected, they come out as they were.
///
/// # Panics
///
/// When that does not hold.
pub fn check(datagram: &[u8]) {
    for profile in PROFILES {
        let mut receiver = context(profile);
        assert!(receiver.unprotect_rtp(&mut datagram.to_vec()).is_err());
        assert!(receiver.unprotect_rtcp(&mut datagram.to_vec()).is_err());
        round(profile, datagram, SrtpContext::protect_rtp, SrtpContext::unprotect_rtp);
        round(profile, datagram, SrtpContext::protect_rtcp, SrtpContext::unprotect_rtcp);
    }
}

fn round<E: core::fmt::Debug>(
    profile: Profile,
    datagram: &[u8],
    protect: fn(&mut SrtpContext, &mut [u8], usize) -> Result<usize, E>,
    unprotect: fn(&mut SrtpContext, &mut [u8]) -> Result<usize, E>,
) {
    let mut packet = datagram.to_vec();
    packet.resize(datagram.len() + LONGEST_TRAILER, 0);
    let Ok(len) = protect(&mut context(profile), &mut packet, datagram.len()) else {
        assert_eq!(packet[..datagram.len()], *datagram);
        return;
    };
    let mut receiver = context(profile);
    let mut again = packet[..len].to_vec();
    assert_eq!(unprotect(&mut receiver, &mut packet[..len]).ok(), Some(datagram.len()));
    assert_eq!(packet[..datagram.len()], *datagram);
    assert!(unprotect(&mut receiver, &mut again).is_err());
}

fn context(profile: Profile) -> SrtpContext {
    let joined = [0x5a; 44];
    let len = profile.key_len() + profile.salt_len();
    MasterKey::from_joined(profile, &joined[..len]).and_then(|key| SrtpContext::new(profile, &key)).unwrap()
}

const PROFILES: [Profile; 4] = [
    Profile::AesCm128HmacSha1_80,
    Profile::AesCm128HmacSha1_32,
    Profile::AeadAes128Gcm,
    Profile::AeadAes256Gcm,
];

/// A tag of 16 bytes and the word with the index.
const LONGEST_TRAILER: usize = 20;
