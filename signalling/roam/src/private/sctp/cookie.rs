//! The cookie: all that is known of an association before its other end has shown that it is where it says it is. It is
//! kept by the other end, so that nothing is kept here (RFC 9260 §5.1.3).

use core::{net::SocketAddr, time::Duration};

use hmac::{Hmac, KeyInit as _, Mac as _};
use rove_base::Instant;
use sha2::Sha256;

use super::init::Init;

/// What an association will be made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cookie {
    /// When it was baked.
    pub(super) made: Instant,
    /// What this end will call it, and where its numbers begin.
    pub(super) tag: u32,
    pub(super) number: u32,
    /// The other end's.
    pub(super) theirs: Init,
    /// Its port.
    pub(super) port: u16,
    /// Names the association that there was when it was baked; 0 for none (§5.2.2).
    pub(super) tie: u64,
}

impl Cookie {
    /// Sealed with `secret`, for the end at `remote` alone.
    pub(super) fn seal(&self, secret: &[u8; 32], remote: SocketAddr) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend_from_slice(&self.made.as_nanos().to_be_bytes());
        bytes.extend_from_slice(&self.tie.to_be_bytes());
        for number in [self.tag, self.number, self.theirs.tag, self.theirs.number, self.theirs.window] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for number in [self.theirs.outbound, self.theirs.inbound, self.port] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        let mac = mac(secret, remote, &bytes).map(|mac| mac.finalize().into_bytes());
        bytes.extend_from_slice(mac.as_deref().unwrap_or_default());
        bytes
    }

    /// One of ours that came back from `remote`. `None`: it is not, whatever is wrong with it.
    pub(super) fn open(bytes: &[u8], secret: &[u8; 32], remote: SocketAddr) -> Option<Self> {
        let (content, seal) = bytes.split_at_checked(LEN.checked_sub(SEAL)?)?;
        mac(secret, remote, content)?.verify_slice(seal).ok()?;
        let mut rest = content;
        let made = Instant::from_nanos(u64::from_be_bytes(take(&mut rest)?));
        let tie = u64::from_be_bytes(take(&mut rest)?);
        let mut number = || take(&mut rest).map(u32::from_be_bytes);
        let (tag, own, their_tag, their_number, window) =
            (number()?, number()?, number()?, number()?, number()?);
        let mut half = || take(&mut rest).map(u16::from_be_bytes);
        let (outbound, inbound, port) = (half()?, half()?, half()?);
        let theirs = Init { tag: their_tag, window, outbound, inbound, number: their_number };
        Some(Self { made, tag, number: own, theirs, port, tie })
    }

    /// Whether it is too old.
    pub(super) fn is_stale(&self, now: Instant) -> bool {
        now.since(self.made) > LIFE
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}

fn mac(secret: &[u8; 32], remote: SocketAddr, content: &[u8]) -> Option<Hmac<Sha256>> {
    // Keys of any length are taken; the error cannot occur.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(remote.to_string().as_bytes());
    mac.update(&[0]);
    mac.update(content);
    Some(mac)
}

/// HMAC-SHA256.
const SEAL: usize = 32;
const LEN: usize = 74;
/// Valid.Cookie.Life (§16).
const LIFE: Duration = Duration::from_secs(60);
