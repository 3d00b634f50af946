//! Offers in the shape of browsers (RFC 8829), and the answers to them.

use super::*;

/// As Chromium says it: audio, video and a data channel in one bundle, nothing known of addresses yet.
fn chromium() -> String {
    let head = "v=0\r\no=- 3546004397921447048 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
        a=group:BUNDLE 0 1 2\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS stream\r\n";
    let transport = format!(
        "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:K3Yr\r\na=ice-pwd:{PWD}\r\n\
         a=ice-options:trickle\r\na=fingerprint:{FINGERPRINT}\r\na=setup:actpass\r\n"
    );
    let audio = format!(
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n{transport}a=mid:0\r\n\
         a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=sendrecv\r\na=msid:stream track\r\n\
         a=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n\
         a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n\
         a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\n\
         a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n\
         a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6\r\na=ssrc:3570614608 msid:stream track\r\n"
    );
    let video = format!(
        "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n{transport}a=mid:1\r\na=sendrecv\r\na=rtcp-mux\r\n\
         a=rtpmap:96 VP8/90000\r\n"
    );
    let data = format!(
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{transport}a=mid:2\r\na=sctp-port:5000\r\n"
    );
    [head, &audio, &video, &data].concat()
}

/// As Firefox says it: the fingerprint with the session, addresses hidden behind a name, rtcp-mux-only absent.
fn firefox() -> String {
    format!(
        "v=0\r\no=mozilla...THIS_IS_SDPARTA-99.0 5226414712430118459 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
         a=sendrecv\r\na=fingerprint:{FINGERPRINT}\r\na=group:BUNDLE 0\r\na=ice-options:trickle\r\n\
         a=msid-semantic:WMS *\r\nm=audio 59317 UDP/TLS/RTP/SAVPF 109 9 0 8 101\r\nc=IN IP4 198.51.100.9\r\n\
         a=candidate:0 1 UDP 2122252543 7a1b2c3d-0000-4000-8000-1234567890ab.local 59317 typ host\r\n\
         a=candidate:1 1 UDP 1686052863 198.51.100.9 59317 typ srflx raddr 0.0.0.0 rport 0\r\n\
         a=candidate:3 1 TCP 2105524479 7a1b2c3d-0000-4000-8000-1234567890ab.local 9 typ host tcptype active\r\n\
         a=sendrecv\r\na=end-of-candidates\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
         a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\na=fmtp:101 0-15\r\na=ice-pwd:{PWD}\r\n\
         a=ice-ufrag:9d1ffb3a\r\na=mid:0\r\na=msid:{{4a}} {{4b}}\r\na=rtcp-mux\r\na=rtpmap:109 opus/48000/2\r\n\
         a=rtpmap:9 G722/8000/1\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000/1\r\na=setup:actpass\r\na=ssrc:2846353464 cname:{{4c}}\r\n"
    )
}

/// A phone with all that a browser asks for.
fn web() -> Local {
    let dtls = Some(FINGERPRINT.parse().unwrap());
    let protection = Protection { dtls, ..Protection::default() };
    Local { protection, ice: Some(Ice { trickle: true, ended: true, ..ice("wEbu") }), ..phone() }
}

fn read(text: &str) -> Description {
    Description::parse(text.as_bytes()).unwrap()
}

#[test]
fn chromium_gets_audio_by_ice_and_dtls_and_no_video() {
    let mut session = Session::default();
    let (answer, agreed) = session.answer(&read(&chromium()), &web()).unwrap();
    assert_eq!(
        answer.to_string().lines().collect::<Vec<_>>(),
        [
            "v=0",
            "o=- 7 7 IN IP4 192.0.2.1",
            "s=-",
            "c=IN IP4 192.0.2.1",
            "t=0 0",
            "a=group:BUNDLE 0",
            "m=audio 40000 UDP/TLS/RTP/SAVPF 111 63 110",
            "a=rtpmap:111 opus/48000/2",
            "a=fmtp:111 minptime=10;useinbandfec=1",
            "a=rtpmap:63 red/48000/2",
            "a=fmtp:63 111/111",
            "a=rtpmap:110 telephone-event/48000",
            "a=fmtp:110 0-15",
            "a=ptime:20",
            "a=sendrecv",
            "a=rtcp-mux",
            &format!("a=fingerprint:{FINGERPRINT}"),
            "a=setup:active",
            "a=ice-ufrag:wEbu",
            &format!("a=ice-pwd:{PWD}"),
            "a=ice-options:trickle",
            "a=candidate:1 1 UDP 2130706431 192.0.2.1 40000 typ host",
            "a=end-of-candidates",
            "a=mid:0",
            "m=video 0 UDP/TLS/RTP/SAVPF 96",
            "a=mid:1",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
            "a=mid:2",
        ]
    );
    assert_eq!(SecurityKind::from(&agreed.security), SecurityKind::Dtls);
    assert_eq!((agreed.direction, agreed.rtcp_mux), (Direction::SendRecv, true), "0.0.0.0 is no hold here");
    assert_eq!(agreed.remote_rtp, address("0.0.0.0:9"), "no candidate yet");
    let ice = agreed.ice.unwrap();
    assert!(ice.remote.trickle && ice.remote.candidates.is_empty() && !ice.controlling);
    let text = format!(
        "a=ice-ufrag:K3Yr\r\na=ice-pwd:{PWD}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
         a=candidate:1 1 udp 2122260223 198.51.100.9 46243 typ host generation 0 ufrag K3Yr\r\n"
    );
    let fragment = TrickleFragment::parse(text.as_bytes()).unwrap();
    let (new, ended) = session.trickled(&fragment).unwrap();
    assert_eq!((new[0].socket(), ended), (Some(address("198.51.100.9:46243")), false));
}

#[test]
fn firefox_gets_audio_and_its_hidden_addresses_are_passed_over() {
    let (answer, agreed) = answer(&read(&firefox()), &web()).unwrap();
    assert_eq!(agreed.codec.id, CodecId::Opus);
    assert_eq!(agreed.codec.telephone_event, None, "events at another clock rate than the codec's");
    assert_eq!(agreed.remote_rtp, address("198.51.100.9:59317"));
    assert_eq!(
        SecurityKind::from(&agreed.security),
        SecurityKind::Dtls,
        "the fingerprint stands with the session"
    );
    let ice = agreed.ice.unwrap().remote;
    assert_eq!((ice.candidates.len(), ice.ended), (3, true));
    let sockets: Vec<_> = ice.candidates.iter().filter_map(Candidate::socket).collect();
    assert_eq!(sockets, [address("198.51.100.9:59317")]);
    assert_eq!(answer.session_attribute("group"), Some("BUNDLE 0"));
}

#[test]
fn a_browser_s_answer_to_our_offer_is_taken() {
    let mut session = Session::default();
    let offered = session.offer(&web());
    assert_eq!(offered.session_attribute("group"), Some("BUNDLE 0"));
    assert_eq!(offered.media[0].mid(), Some("0"));
    let answer = read(&firefox().replace("setup:actpass", "setup:active"));
    let agreed = session.accept(&answer, &web()).unwrap();
    assert!(matches!(agreed.security, Security::Dtls(DtlsPlan { role: DtlsRole::Passive, .. })));
    assert!(agreed.ice.unwrap().controlling);
}

#[test]
fn a_phone_without_dtls_says_why_it_refuses_a_browser() {
    assert_eq!(
        answer(&read(&chromium()), &phone()).unwrap_err(),
        Mismatch::Profile("UDP/TLS/RTP/SAVPF".into())
    );
}

#[test]
fn audio_that_lives_in_its_bundle_alone_has_the_transport_of_the_first() {
    let print = format!("a=fingerprint:{FINGERPRINT}");
    let pwd = format!("a=ice-pwd:{PWD}");
    let offered = |audio: &[&str]| {
        let video = ["m=video 9100 UDP/TLS/RTP/SAVPF 96", "a=mid:v", "a=rtcp-mux", "a=ice-ufrag:abcd"];
        let rest = [&*pwd, &print, "a=setup:actpass", "a=candidate:1 1 UDP 1 198.51.100.9 9100 typ host"];
        let lines = [&video[..], &rest, audio].concat();
        let mut offered = theirs(&lines);
        offered.lines.push(Line::attribute("group:BUNDLE v a"));
        offered
    };
    let alone = ["m=audio 0 UDP/TLS/RTP/SAVPF 0", "a=mid:a", "a=rtcp-mux", "a=bundle-only"];
    let (answered, agreed) = answer(&offered(&alone), &web()).unwrap();
    assert_eq!(agreed.remote_rtp, address("198.51.100.9:9100"));
    assert_eq!(SecurityKind::from(&agreed.security), SecurityKind::Dtls);
    assert_eq!(agreed.ice.unwrap().remote.ufrag, "abcd");
    assert_eq!(answered.session_attribute("group"), Some("BUNDLE a"), "video is refused and leaves");
    assert_eq!((answered.media[0].port, answered.media[1].port), (0, 40_000));
    let off = ["m=audio 0 UDP/TLS/RTP/SAVPF 0", "a=mid:a", "a=rtcp-mux"];
    assert_eq!(answer(&offered(&off), &web()).unwrap_err(), Mismatch::NoAudio, "switched off is off");
}

#[test]
fn connectivity_is_checked_only_where_both_do_and_the_default_is_a_candidate() {
    let pwd = format!("a=ice-pwd:{PWD}");
    let lines = |more: &[&'static str]| -> Description {
        let head = ["m=audio 9000 RTP/AVP 0", "a=ice-ufrag:abcd", &pwd];
        theirs(&[&head[..], more].concat())
    };
    let here = "a=candidate:1 1 UDP 1 198.51.100.9 9000 typ host";
    let elsewhere = "a=candidate:1 1 UDP 1 198.51.100.9 9002 typ host";
    let named = "a=candidate:1 1 UDP 1 x.local 9002 typ host";
    let cases: [(&str, &[&str], bool, bool); 6] = [
        ("both do", &["a=rtcp-mux", here], true, false),
        ("the default was changed on its way", &["a=rtcp-mux", elsewhere], false, true),
        ("candidates will follow", &["a=rtcp-mux", elsewhere, "a=ice-options:trickle"], true, false),
        ("a name may be the default", &["a=rtcp-mux", named], true, false),
        ("RTCP has a port of its own", &[here], false, false),
        ("no candidates at all", &["a=rtcp-mux"], false, true),
    ];
    for (what, more, checks, mismatch) in cases {
        let (answered, agreed) = answer(&lines(more), &web()).unwrap();
        assert_eq!(agreed.ice.is_some(), checks, "{what}");
        assert_eq!(answered.media[0].attribute("ice-mismatch").is_some(), mismatch, "{what}");
        assert_eq!(answered.media[0].attribute("ice-ufrag").is_some(), checks, "{what}");
        let agreed = accept(&offer(&web()), &lines(more), &web()).unwrap();
        assert_eq!(agreed.ice.is_some(), checks, "{what}");
        assert_eq!(answer(&lines(more), &phone()).unwrap().1.ice, None, "{what}: not without ours");
    }
    let told = lines(&["a=rtcp-mux", here, "a=ice-mismatch"]);
    assert_eq!(accept(&offer(&web()), &told, &web()).unwrap().ice, None, "they saw a mismatch");
}

#[test]
fn a_peer_that_only_answers_checks_leaves_the_choice_to_us() {
    let mut offered = read(&chromium());
    offered.lines.push(Line::attribute("ice-lite"));
    assert!(answer(&offered, &web()).unwrap().1.ice.unwrap().controlling);
}

#[test]
fn another_family_is_no_matter_where_a_candidate_is_of_ours() {
    let pwd = format!("a=ice-pwd:{PWD}");
    let offered = theirs(&[
        "m=audio 9000 RTP/AVP 0",
        "c=IN IP6 2001:db8::9",
        "a=rtcp-mux",
        "a=ice-ufrag:abcd",
        &pwd,
        "a=candidate:1 1 UDP 20 2001:db8::9 9000 typ host",
        "a=candidate:2 1 UDP 10 198.51.100.9 9002 typ host",
        "a=candidate:3 2 UDP 30 198.51.100.9 9003 typ host",
    ]);
    assert_eq!(answer(&offered, &web()).unwrap().1.remote_rtp, address("198.51.100.9:9002"));
    assert_eq!(answer(&offered, &phone()).unwrap_err(), Mismatch::AddressFamily);
}

#[test]
fn what_is_not_understood_is_kept_when_read() {
    for text in [chromium(), firefox()] {
        let description = read(&text);
        let again = description.to_string();
        assert_eq!(read(&again), description);
        for line in text.lines() {
            assert!(again.lines().any(|have| have == line), "{line}");
        }
        assert!(description.media[0].attributes("ssrc").count() > 0);
        assert!(description.media[0].attribute("msid").is_some());
    }
}
