//! The flows of RFC 4317, with one audio stream: each step is what one side says and what comes of it.

use super::*;

fn pcmu_pcma_ilbc(port: u16) -> [String; 4] {
    [
        format!("m=audio {port} RTP/AVP 0 8 97"),
        "a=rtpmap:0 PCMU/8000".into(),
        "a=rtpmap:8 PCMA/8000".into(),
        "a=rtpmap:97 iLBC/8000".into(),
    ]
}

fn video(port: u16) -> String {
    format!("m=video {port} RTP/AVP 31 32")
}

fn offered(parts: &[&[String]]) -> Description {
    let lines: Vec<_> = parts.iter().flat_map(|part| part.iter().map(String::as_str)).collect();
    theirs(&lines)
}

fn ports(description: &Description) -> Vec<u16> {
    description.media.iter().map(|media| media.port).collect()
}

/// A phone that has these codecs.
fn with(codecs: &[CodecId]) -> Local {
    Local { codecs: codecs.to_vec(), ..phone() }
}

#[test]
fn audio_and_video_where_one_codec_is_taken() {
    // §2.1 and §2.2: the first in common; video is another medium, here refused.
    let offer = offered(&[&pcmu_pcma_ilbc(49_170), &[video(51_372)]]);
    let (answer, agreed) = answer(&offer, &with(&[CodecId::Pcma, CodecId::Pcmu])).unwrap();
    assert_eq!((agreed.codec.id, ports(&answer)), (CodecId::Pcmu, vec![40_000, 0]));
    assert_eq!(answer.media[0].formats, ["0"]);
}

#[test]
fn a_second_offer_narrows_the_codecs() {
    // §2.2: the answer has several, then one of them is offered alone.
    let local = with(&[CodecId::Pcmu, CodecId::Pcma]);
    let mut session = Session::default();
    let first = session.offer(&local);
    let answer = theirs(&["m=audio 49174 RTP/AVP 8 0"]);
    assert_eq!(session.accept(&answer, &local).unwrap().codec.id, CodecId::Pcma, "the answerer's first");
    let local = with(&[CodecId::Pcma]);
    let second = session.offer(&local);
    assert_eq!(second.media[0].formats, ["8", "101", "13"]);
    assert_ne!(first.origin.version, second.origin.version);
    let answer = theirs(&["m=audio 49174 RTP/AVP 8"]);
    assert_eq!(session.accept(&answer, &local).unwrap().codec.id, CodecId::Pcma);
}

#[test]
fn video_first_then_audio_keeps_the_order() {
    // §2.3 turned around: the refused medium stays in front.
    let offer = offered(&[&[video(51_372)], &pcmu_pcma_ilbc(49_170)]);
    let (answer, agreed) = answer(&offer, &phone()).unwrap();
    assert_eq!((ports(&answer), agreed.remote_rtp.port()), (vec![0, 40_000], 49_170));
    assert_eq!(answer.media[0].formats, ["31", "32"], "a refused medium still lists formats");
}

#[test]
fn of_two_audio_streams_one_is_taken() {
    // §2.4: the second stream is for keys; one stream carries both here.
    let keys = ["m=audio 49172 RTP/AVP 98".to_owned(), "a=rtpmap:98 telephone-event/8000".into()];
    let (answer, agreed) = answer(&offered(&[&pcmu_pcma_ilbc(49_170), &keys]), &phone()).unwrap();
    assert_eq!((ports(&answer), agreed.remote_rtp.port()), (vec![40_000, 0], 49_170));
}

#[test]
fn a_stream_of_one_direction_and_its_mirror() {
    // §2.5: keys are sent one way.
    let offer = theirs(&["m=audio 49170 RTP/AVP 0", "a=sendonly"]);
    let (answer, agreed) = answer(&offer, &phone()).unwrap();
    assert_eq!(answer.direction(&answer.media[0]), Direction::RecvOnly);
    assert_eq!(agreed.direction, Direction::RecvOnly);
}

#[test]
fn hold_and_unhold_with_one_stream() {
    // §3.1
    let mut session = Session::default();
    let flowing = theirs(&["m=audio 49170 RTP/AVP 0"]);
    session.answer(&flowing, &phone()).unwrap();
    let steps = [
        ("a=sendonly", Direction::RecvOnly),
        ("a=sendrecv", Direction::SendRecv),
        ("a=inactive", Direction::Inactive),
        ("a=sendrecv", Direction::SendRecv),
    ];
    for (attribute, direction) in steps {
        let (answer, agreed) =
            session.answer(&theirs(&["m=audio 49170 RTP/AVP 0", attribute]), &phone()).unwrap();
        assert_eq!((agreed.direction, answer.direction(&answer.media[0])), (direction, direction));
    }
}

#[test]
fn hold_of_one_among_several_streams() {
    // §3.2: audio is held, video (refused here) is not spoken of.
    let mut session = Session::default();
    session.answer(&offered(&[&pcmu_pcma_ilbc(49_170), &[video(51_372)]]), &phone()).unwrap();
    let hold = ["a=sendonly".to_owned()];
    let (answer, agreed) =
        session.answer(&offered(&[&pcmu_pcma_ilbc(49_170), &hold, &[video(51_372)]]), &phone()).unwrap();
    assert_eq!((agreed.direction, ports(&answer)), (Direction::RecvOnly, vec![40_000, 0]));
}

#[test]
fn a_stream_is_added_and_taken_away() {
    // §4: a second stream comes, then the first goes.
    let mut session = Session::default();
    session.answer(&offered(&[&pcmu_pcma_ilbc(49_170)]), &phone()).unwrap();
    let (answer, _) =
        session.answer(&offered(&[&pcmu_pcma_ilbc(49_170), &[video(49_172)]]), &phone()).unwrap();
    assert_eq!(ports(&answer), [40_000, 0]);
    let (answer, agreed) =
        session.answer(&offered(&[&pcmu_pcma_ilbc(0), &[video(49_172)]]), &phone()).unwrap();
    assert_eq!((ports(&answer), agreed.removed), (vec![0, 0], true));
}

#[test]
fn a_third_party_puts_two_phones_together() {
    // §5: the offer of one, got without an offer, goes to the other; then the answer comes back.
    let (alice, bob) = (phone(), Local { address: address("192.0.2.2:5000"), ..phone() });
    let (mut at_alice, mut at_bob) = (Session::default(), Session::default());
    let from_alice = at_alice.offer(&alice);
    let (from_bob, at_bobs) = at_bob.answer(&from_alice, &bob).unwrap();
    let at_alices = at_alice.accept(&from_bob, &alice).unwrap();
    assert_eq!((at_alices.remote_rtp, at_bobs.remote_rtp), (bob.address, alice.address));
    // Held by the third party: nowhere to send, then back.
    let mut silent = from_bob.clone();
    silent.connection = Some(Connection::new("0.0.0.0".parse().unwrap()));
    silent.bump_version();
    let (_, held) = at_alice.answer(&silent, &alice).unwrap();
    assert!(!held.direction.sends());
    assert_eq!(at_alice.answer(&from_bob, &alice).unwrap().1.direction, Direction::SendRecv);
}

#[test]
fn addresses_of_both_families_meet_only_in_their_own() {
    // The shapes of RFC 5118 §4.8 to §4.10: addresses with the media, IPv6 alone, IPv4 inside IPv6.
    let text = |connection: &str, media: &str| {
        format!("v=0\r\no=u 1 1 IN IP6 2001:db8::20\r\ns=-\r\n{connection}t=0 0\r\n{media}")
    };
    let v6 = Local { address: address("[2001:db8::1]:4000"), rtcp: address("[2001:db8::1]:4001"), ..phone() };
    let mixed = "m=video 6024 RTP/AVP 107\r\nc=IN IP6 2001:db8::1\r\nm=audio 6000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n";
    let plain = "m=audio 6000 RTP/AVP 0\r\n";
    let cases = [
        ("each medium its own", text("", mixed), Ok("192.0.2.1:6000"), Err(Mismatch::AddressFamily)),
        (
            "IPv6 alone",
            text("c=IN IP6 2001:db8::20\r\n", plain),
            Err(Mismatch::AddressFamily),
            Ok("[2001:db8::20]:6000"),
        ),
        (
            "IPv4 inside IPv6",
            text("c=IN IP6 ::ffff:192.0.2.2\r\n", plain),
            Ok("192.0.2.2:6000"),
            Ok("[::ffff:192.0.2.2]:6000"),
        ),
        ("no address at all", text("", plain), Err(Mismatch::Address), Err(Mismatch::Address)),
    ];
    for (what, text, at_v4, at_v6) in cases {
        let offer = Description::parse(text.as_bytes()).expect(what);
        for (local, expected) in [(&phone(), at_v4), (&v6, at_v6)] {
            let met = answer(&offer, local).map(|(_, agreed)| agreed.remote_rtp);
            assert_eq!(met, expected.map(address), "{what}");
        }
    }
}
