//! Tells apart what may arrive on one UDP port (RFC 7983, and RFC 5761 §4 for RTCP).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// Which protocol a datagram belongs to, judged by its first two bytes alone.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// Media (RFC 3550).
    Rtp,
    /// Its control (RFC 3550).
    Rtcp,
    /// Connectivity checks (RFC 8489).
    Stun,
    /// Key agreement (RFC 9147).
    Dtls,
    /// Channel data of a relay (RFC 8656 §12).
    Turn,
    /// Key agreement in the media path (RFC 6189).
    Zrtp,
    /// None of these, or empty.
    Unknown,
}

/// Which protocol `datagram` belongs to (RFC 7983 §7). What that protocol's parser says of the rest is another matter.
///
/// RTP and RTCP share the range 128 to 191; the packet type decides: 192 to 223 is RTCP, which is why payload types 64 to
/// 95 must not be used for RTP beside it (RFC 5761 §4).
#[inline]
#[must_use]
pub const fn kind(datagram: &[u8]) -> Kind {
    match *datagram {
        [0..=3, ..] => Kind::Stun,
        [16..=19, ..] => Kind::Zrtp,
        [20..=63, ..] => Kind::Dtls,
        [64..=79, ..] => Kind::Turn,
        [128..=191, 192..=223, ..] => Kind::Rtcp,
        [128..=191, _, ..] => Kind::Rtp,
        _ => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_bytes_decide_as_in_rfc7983_and_rfc5761() {
        let cases: &[(&str, &[u8], Kind)] = &[
            ("nothing", &[], Kind::Unknown),
            ("a STUN binding request", &[0, 1], Kind::Stun),
            ("the last STUN byte", &[3], Kind::Stun),
            ("unassigned", &[4], Kind::Unknown),
            ("unassigned below ZRTP", &[15], Kind::Unknown),
            ("a ZRTP hello", &[16, 0], Kind::Zrtp),
            ("a DTLS change of cipher", &[20], Kind::Dtls),
            ("a DTLS client hello", &[22, 254], Kind::Dtls),
            ("the last DTLS byte", &[63], Kind::Dtls),
            ("TURN channel 0x4000", &[64, 0], Kind::Turn),
            ("the last TURN byte", &[79], Kind::Turn),
            ("unassigned above TURN", &[80], Kind::Unknown),
            ("a SIP response", b"SIP/2.0 200 OK", Kind::Unknown),
            ("one byte of RTP or RTCP", &[128], Kind::Unknown),
            ("PCMU without marker", &[128, 0], Kind::Rtp),
            ("PCMU with marker", &[128, 128], Kind::Rtp),
            ("payload type 111 with marker", &[128, 239], Kind::Rtp),
            ("the lowest RTCP type", &[128, 192], Kind::Rtcp),
            ("a sender report", &[129, 200], Kind::Rtcp),
            ("a padded farewell", &[161, 203], Kind::Rtcp),
            ("the highest RTCP type", &[191, 223], Kind::Rtcp),
            ("above RTCP", &[191, 224], Kind::Rtp),
            ("unassigned above RTP", &[192, 200], Kind::Unknown),
        ];
        for &(what, datagram, expected) in cases {
            assert_eq!(kind(datagram), expected, "{what}");
        }
    }
}
