//! Cookies (RFC 7873) as RFC 9018 makes them: who shows one has been heard at his address before, so that his
//! questions are not forged. Nothing is kept for any client.

use core::{net::IpAddr, time::Duration};

use rove_base::{Entropy, Instant, Now, UnixTime};

/// What a request brings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cookie {
    pub(super) client: [u8; 8],
    /// `None`: nothing that could be one of ours.
    pub(super) server: Option<[u8; 16]>,
}

impl Cookie {
    /// Reads the contents of the option; `None` when their length is wrong (RFC 7873 §5.2.2: FORMERR).
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (client, server) = bytes.split_first_chunk::<8>()?;
        matches!(server.len(), 0 | 8..=32).then(|| Self { client: *client, server: server.try_into().ok() })
    }
}

/// The secrets that cookies are made with.
#[derive(Debug)]
pub(super) struct Cookies {
    entropy: Entropy,
    current: [u8; 16],
    previous: [u8; 16],
    renew_at: Instant,
}

impl Cookies {
    pub(super) fn new(mut entropy: Entropy) -> Self {
        let (mut current, mut previous) = ([0; 16], [0; 16]);
        entropy.fill(&mut current);
        entropy.fill(&mut previous);
        Self { entropy, current, previous, renew_at: Instant::ZERO.later(RENEWAL) }
    }

    /// Draws a new secret when the old one has been in use for long.
    pub(super) fn renew(&mut self, now: Instant) {
        if self.renew_at <= now {
            self.previous = self.current;
            self.entropy.fill(&mut self.current);
            self.renew_at = now.later(RENEWAL);
        }
    }

    /// Whether who asks from `address` was given `cookie` there, not long ago.
    pub(super) fn knows(&self, now: Now, address: IpAddr, cookie: &Cookie) -> bool {
        let Some(server) = &cookie.server else { return false };
        let [1, 0, 0, 0, t0, t1, t2, t3, ..] = *server else { return false };
        let made = u32::from_be_bytes([t0, t1, t2, t3]);
        // The clock of 32 bits wraps, and is compared on the circle (RFC 9018 §4.3).
        let age = seconds(now.wall).wrapping_sub(made).cast_signed();
        let fresh = (-FUTURE..=LIFETIME).contains(&age);
        let is = |secret| make(secret, made, address, cookie.client) == *server;
        fresh && (is(&self.current) || is(&self.previous))
    }

    /// The contents of the option that answers `client`.
    pub(super) fn give(&self, now: UnixTime, address: IpAddr, client: [u8; 8]) -> [u8; 24] {
        let server = make(&self.current, seconds(now), address, client);
        let mut both = [0; 24];
        for (to, from) in both.iter_mut().zip(client.into_iter().chain(server)) {
            *to = from;
        }
        both
    }
}

fn seconds(now: UnixTime) -> u32 {
    let [.., s0, s1, s2, s3] = now.as_secs().to_be_bytes();
    u32::from_be_bytes([s0, s1, s2, s3])
}

/// RFC 9018 §4: version, reserved, time, and a keyed hash of these with the client's cookie and address.
fn make(secret: &[u8; 16], time: u32, address: IpAddr, client: [u8; 8]) -> [u8; 16] {
    let mut message = Vec::with_capacity(32);
    message.extend_from_slice(&client);
    let [t0, t1, t2, t3] = time.to_be_bytes();
    message.extend_from_slice(&[1, 0, 0, 0, t0, t1, t2, t3]);
    match address.to_canonical() {
        IpAddr::V4(v4) => message.extend_from_slice(&v4.octets()),
        IpAddr::V6(v6) => message.extend_from_slice(&v6.octets()),
    }
    let [h0, h1, h2, h3, h4, h5, h6, h7] = siphash24(secret, &message).to_le_bytes();
    [1, 0, 0, 0, t0, t1, t2, t3, h0, h1, h2, h3, h4, h5, h6, h7]
}

/// SipHash-2-4.
pub(super) fn siphash24(key: &[u8; 16], message: &[u8]) -> u64 {
    let [k0, k1] = [0, 8].map(|at| word(key.get(at..).unwrap_or_default()));
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let mut chunks = message.chunks_exact(8);
    for chunk in &mut chunks {
        absorb(&mut v, word(chunk));
    }
    let [len, ..] = message.len().to_le_bytes();
    absorb(&mut v, word(chunks.remainder()) | u64::from(len) << 56);
    v[2] ^= 0xff;
    (0..4).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn absorb(v: &mut [u64; 4], word: u64) {
    v[3] ^= word;
    (0..2).for_each(|_| round(v));
    v[0] ^= word;
}

fn round(v: &mut [u64; 4]) {
    let [mut a, mut b, mut c, mut d] = *v;
    a = a.wrapping_add(b);
    b = b.rotate_left(13) ^ a;
    a = a.rotate_left(32);
    c = c.wrapping_add(d);
    d = d.rotate_left(16) ^ c;
    a = a.wrapping_add(d);
    d = d.rotate_left(21) ^ a;
    c = c.wrapping_add(b);
    b = b.rotate_left(17) ^ c;
    c = c.rotate_left(32);
    *v = [a, b, c, d];
}

/// Up to eight bytes as a number, the first the lowest.
fn word(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// How long a cookie is good, in seconds (RFC 9018 §4.3).
const LIFETIME: i32 = 3_600;
/// How far ahead the clock that made it may be.
const FUTURE: i32 = 300;
/// How long a secret makes cookies; what it made is good for as long again.
const RENEWAL: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    /// The first example of the appendix of RFC 9018.
    #[test]
    fn cookies_are_those_of_rfc9018() {
        let secret = 0xe5e9_73e5_a6b2_a43f_48e7_dc84_9e37_bfcf_u128.to_be_bytes();
        let client = 0x2464_c4ab_cf10_c957_u64.to_be_bytes();
        let server = make(&secret, 1_559_731_985, [198, 51, 100, 100].into(), client);
        assert_eq!(u128::from_be_bytes(server), 0x0100_0000_5cf7_9f11_1f81_30c3_eee2_9480);
    }

    #[test]
    fn a_cookie_is_good_for_an_hour_at_its_address_alone_and_outlives_one_renewal() {
        let mut cookies = Cookies::new(Entropy::from_number(1));
        let now = Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_700_000_000) };
        let (here, there): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let given = Cookie::parse(&cookies.give(now.wall, here, [7; 8])).unwrap();
        let later = |secs| now.later(Duration::from_secs(secs));
        assert!(cookies.knows(now, here, &given) && cookies.knows(later(3_600), here, &given));
        assert!(!cookies.knows(later(3_601), here, &given) && !cookies.knows(now, there, &given));
        assert!(!cookies.knows(now, here, &Cookie { client: [8; 8], ..given }));
        cookies.renew(Instant::ZERO.later(RENEWAL));
        assert!(cookies.knows(now, here, &given));
        cookies.renew(Instant::ZERO.later(RENEWAL * 2));
        assert!(!cookies.knows(now, here, &given));
        assert_eq!(Cookie::parse(&[0; 7]), None);
        assert_eq!(Cookie::parse(&[0; 12]), None);
        assert_eq!(Cookie::parse(&[0; 41]), None);
        assert_eq!(Cookie::parse(&[0; 20]).unwrap().server, None, "not of our length");
    }
}
