//! Session descriptions.

use core::time::Duration;

use rove_base::{CodecId, Direction};
use rove_sdp::{Description, Local, Protection, Wishes, accept, answer, offer};

/// What is read is written so that it reads the same; what is agreed on is fit for an engine; an answer of ours fits its
/// offer.
///
/// # Panics
///
/// When that does not hold.
pub fn check(bytes: &[u8]) {
    let Ok(description) = Description::parse(bytes) else { return };
    assert_eq!(Description::parse(&description.to_bytes()).as_ref(), Ok(&description));
    let local = Local {
        address: ([192, 0, 2, 1], 40_000).into(),
        rtcp: ([192, 0, 2, 1], 40_001).into(),
        codecs: vec![CodecId::Opus, CodecId::Pcmu, CodecId::Pcma],
        packet_time: Duration::from_millis(20),
        session_id: 7,
        direction: Direction::SendRecv,
        wishes: Wishes::default(),
        protection: Protection::default(),
        ice: None,
    };
    if let Ok((answered, agreed)) = answer(&description, &local) {
        assert_eq!(answered.media.len(), description.media.len());
        assert!((10..=60).contains(&agreed.codec.packet_time.as_millis()));
        assert!(agreed.remote_rtp.port() != 0 && agreed.remote_rtcp.port() != 0);
        assert!(!agreed.remote_rtp.ip().is_multicast() && !agreed.remote_rtcp.ip().is_multicast());
        assert_eq!(Description::parse(&answered.to_bytes()).as_ref(), Ok(&answered));
    }
    _ = accept(&offer(&local), &description, &local);
}
