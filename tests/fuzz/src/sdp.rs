//! Session descriptions, and the attributes whose values are read.

use core::time::Duration;

use rove_base::{CodecId, Direction, Entropy, Fingerprint, Security};
use rove_sdp::{
    Candidate, Crypto, Description, Ice, Local, Mismatch, Negotiated, Protection, RemoteCandidates, SdesKey,
    Session, TrickleFragment, Wishes, accept, offer,
};

/// What is read is written so that it reads the same; what is agreed on is fit for an engine; an answer of ours fits its
/// offer; a session that was answered goes on.
///
/// # Panics
///
/// When that does not hold.
pub fn check(bytes: &[u8]) {
    let Ok(description) = Description::parse(bytes) else { return };
    assert_eq!(Description::parse(&description.to_bytes()).as_ref(), Ok(&description));
    for media in &description.media {
        if let Some(ice) = Ice::of(&description, media) {
            assert!(ice.candidates.len() <= rove_sdp::MOST_CANDIDATES);
        }
    }
    for local in [plain(), everything()] {
        let mut session = Session::default();
        if let Ok((answered, agreed)) = session.answer(&description, &local) {
            assert_eq!(answered.media.len(), description.media.len());
            sound(&agreed);
            assert_eq!(Description::parse(&answered.to_bytes()).as_ref(), Ok(&answered));
            match session.answer(&description, &local) {
                Ok((again, _)) => assert_eq!(again, answered, "the same offer, another answer"),
                // Their offers may be answered once and not again: a number in them means two things.
                Err(mismatch) => assert_eq!(mismatch, Mismatch::NoCommonCodec),
            }
            let next = session.offer(&local);
            assert_eq!(next.media.len(), answered.media.len());
        }
        if let Ok(agreed) = accept(&offer(&local), &description, &local) {
            sound(&agreed);
        }
    }
}

/// A value of an attribute, or the body that trickles, is written so that it reads the same.
///
/// # Panics
///
/// When that does not hold.
pub fn attribute(bytes: &[u8]) {
    if let Ok(fragment) = TrickleFragment::parse(bytes) {
        assert_eq!(TrickleFragment::parse(&fragment.to_bytes()), Ok(fragment));
    }
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    if let Ok(crypto) = text.parse::<Crypto>() {
        let line = crypto.line();
        assert_eq!(line.strip_prefix("crypto:").map(str::parse), Some(Ok(crypto)));
    }
    if let Ok(candidate) = text.parse::<Candidate>() {
        assert_eq!(candidate.to_string().parse().as_ref(), Ok(&candidate));
        assert!(candidate.socket().is_none_or(|to| to.port() != 0 && !to.ip().is_multicast()));
    }
    if let Ok(fingerprint) = text.parse::<Fingerprint>() {
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    }
    if let Ok(remote) = text.parse::<RemoteCandidates>() {
        assert_eq!(remote.to_string().parse(), Ok(remote));
    }
}

fn sound(agreed: &Negotiated) {
    if agreed.removed {
        return;
    }
    assert!((10..=60).contains(&agreed.codec.packet_time.as_millis()));
    assert!(agreed.remote_rtp.port() != 0 && agreed.remote_rtcp.port() != 0);
    assert!(!agreed.remote_rtp.ip().is_multicast() && !agreed.remote_rtcp.ip().is_multicast());
    if let Security::Srtp(keys) = &agreed.security {
        assert_ne!(keys.send(), keys.receive());
    }
}

fn plain() -> Local {
    Local {
        address: ([192, 0, 2, 1], 40_000).into(),
        rtcp: ([192, 0, 2, 1], 40_001).into(),
        codecs: vec![CodecId::Opus, CodecId::Pcmu, CodecId::Pcma],
        packet_time: Duration::from_millis(20),
        session_id: 7,
        direction: Direction::SendRecv,
        wishes: Wishes::default(),
        protection: Protection::default(),
        ice: None,
    }
}

/// A phone that can do all that is agreed on by descriptions.
fn everything() -> Local {
    let protection = Protection {
        sdes: SdesKey::all(&mut Entropy::from_number(1)),
        dtls: Some(Fingerprint([7; 32])),
        ..Protection::default()
    };
    let ice = Ice {
        ufrag: "abcd".into(),
        pwd: "0123456789012345678901".into(),
        lite: false,
        trickle: true,
        ended: true,
        candidates: "1 1 UDP 1 192.0.2.1 40000 typ host".parse().into_iter().collect(),
        remote: RemoteCandidates::default(),
    };
    Local { protection, ice: Some(ice), ..plain() }
}
