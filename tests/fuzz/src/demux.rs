//! Telling protocols apart.

use rove_core::{
    demux::{Kind, kind},
    rtcp,
    rtp::RtpView,
};

/// No parser accepts what was told apart as another protocol's.
///
/// # Panics
///
/// When that does not hold.
pub fn check(datagram: &[u8]) {
    let kind = kind(datagram);
    if RtpView::parse(datagram).is_ok() {
        assert!(matches!(kind, Kind::Rtp | Kind::Rtcp));
    }
    if rtcp::parse(datagram).is_ok() {
        assert_eq!(kind, Kind::Rtcp);
    }
    assert_eq!(kind == Kind::Unknown, datagram.is_empty() || !known(datagram));
}

fn known(datagram: &[u8]) -> bool {
    match datagram {
        [0..=3 | 16..=79, ..] => true,
        [first, _, ..] => (128..=191).contains(first),
        _ => false,
    }
}
