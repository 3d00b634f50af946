use super::*;

#[test]
fn the_offerers_order_decides_on_the_codec_and_its_numbers_are_kept() {
    let cases: [(&str, &[&str], _); 5] = [
        ("static types need no rtpmap", &["m=audio 9000 RTP/AVP 0 8"], (CodecId::Pcmu, 0, None)),
        ("A-law first", &["m=audio 9000 RTP/AVP 8 0"], (CodecId::Pcma, 8, None)),
        (
            "Opus under another number, events at its clock rate",
            &[
                "m=audio 9000 RTP/AVP 96 97 101 102",
                "a=rtpmap:96 speex/16000",
                "a=rtpmap:97 opus/48000/2",
                "a=rtpmap:101 telephone-event/8000",
                "a=rtpmap:102 telephone-event/48000",
            ],
            (CodecId::Opus, 97, Some(102)),
        ),
        (
            "events at another clock rate than the codec's are left alone",
            &["m=audio 9000 RTP/AVP 97 101", "a=rtpmap:97 opus/48000/2", "a=rtpmap:101 telephone-event/8000"],
            (CodecId::Opus, 97, None),
        ),
        (
            "a static number with another meaning",
            &["m=audio 9000 RTP/AVP 0 8", "a=rtpmap:0 L16/8000"],
            (CodecId::Pcma, 8, None),
        ),
    ];
    for (what, lines, expected) in cases {
        let (answer, agreed) = answer(&theirs(lines), &phone()).expect(what);
        let sent = agreed.codec.send_payload_type;
        assert_eq!(answer.media[0].formats[0], sent.number().to_string(), "{what}");
        assert_eq!(sent, agreed.codec.receive_payload_type, "{what}");
        let event = agreed.codec.telephone_event.map(|numbers| numbers.send.number());
        assert_eq!((agreed.codec.id, sent.number(), event), expected, "{what}");
    }
}

#[test]
fn offers_with_nothing_to_take_are_refused_with_the_reason() {
    let cases: [(&str, &[&str], Mismatch); 12] = [
        (
            "Opus without its two channels is no Opus",
            &["m=audio 9000 RTP/AVP 97", "a=rtpmap:97 opus/48000"],
            Mismatch::NoCommonCodec,
        ),
        ("nothing in common", &["m=audio 9000 RTP/AVP 3 4 18"], Mismatch::NoCommonCodec),
        ("numbers beyond 127", &["m=audio 9000 RTP/AVP 128 256 -1 x"], Mismatch::NoCommonCodec),
        ("video only", &["m=video 9000 RTP/AVP 31"], Mismatch::NoAudio),
        ("audio switched off", &["m=audio 0 RTP/AVP 0"], Mismatch::NoAudio),
        ("no media", &[], Mismatch::NoAudio),
        ("keys", &["m=audio 9000 RTP/SAVP 0"], Mismatch::Profile("RTP/SAVP".into())),
        ("a multicast address", &["m=audio 9000 RTP/AVP 0", "c=IN IP4 224.0.0.1/1"], Mismatch::Address),
        ("the broadcast address", &["m=audio 9000 RTP/AVP 0", "c=IN IP4 255.255.255.255"], Mismatch::Address),
        ("a host name", &["m=audio 9000 RTP/AVP 0", "c=IN IP4 host.example.com"], Mismatch::Address),
        (
            "IPv6 to an IPv4 phone",
            &["m=audio 9000 RTP/AVP 0", "c=IN IP6 2001:db8::1"],
            Mismatch::AddressFamily,
        ),
        ("no port above for RTCP", &["m=audio 65535 RTP/AVP 0"], Mismatch::Address),
    ];
    for (what, lines, expected) in cases {
        assert_eq!(answer(&theirs(lines), &phone()), Err(expected), "{what}");
    }
}

#[test]
fn media_we_cannot_take_are_refused_one_for_one() {
    let offered = theirs(&[
        "m=video 9000 RTP/AVP 31",
        "m=audio 9002 RTP/SAVP 0",
        "m=audio 9004 RTP/AVPF 0",
        "a=mid:x",
        "m=audio 9006 RTP/AVP 0",
    ]);
    let (answered, agreed) = answer(&offered, &phone()).unwrap();
    let lines: Vec<_> =
        answered.to_string().lines().filter(|line| line.starts_with("m=")).map(String::from).collect();
    assert_eq!(
        lines,
        ["m=video 0 RTP/AVP 31", "m=audio 0 RTP/SAVP 0", "m=audio 40000 RTP/AVPF 0", "m=audio 0 RTP/AVP 0"]
    );
    assert_eq!(agreed.remote_rtp, address("198.51.100.9:9004"));
}

#[test]
fn what_the_other_side_can_take_limits_what_we_send() {
    let opus = |lines: &[&str]| {
        let head = ["m=audio 9000 RTP/AVP 97", "a=rtpmap:97 opus/48000/2"];
        let lines: Vec<_> = head.iter().chain(lines).copied().collect();
        answer(&theirs(&lines), &phone()).unwrap().1.codec
    };
    let plain = opus(&[]);
    assert_eq!((plain.bitrate, plain.inband_fec, plain.dtx), (None, false, false));
    let full = opus(&["a=fmtp:97 useinbandfec=1;usedtx=1;maxaveragebitrate=16000"]);
    assert_eq!((full.bitrate, full.inband_fec, full.dtx), (Some(16_000), true, true));
    let absurd = [("1", Some(6_000)), ("4294967295", Some(510_000)), ("99999999999", None), ("-1", None)];
    for (value, bitrate) in absurd {
        assert_eq!(opus(&[&format!("a=fmtp:97 maxaveragebitrate={value}")]).bitrate, bitrate, "{value}");
    }
    let times = [
        ("our own wish", &[][..], 20),
        ("theirs", &["a=ptime:40"], 40),
        ("no more than they can take", &["a=maxptime:10"], 10),
        ("both, and Opus has no 30 ms", &["a=ptime:60", "a=maxptime:30"], 20),
        ("rounded down to what Opus has", &["a=ptime:25"], 20),
        ("at least ten", &["a=ptime:3"], 10),
        ("at most sixty", &["a=ptime:120"], 60),
        ("nonsense", &["a=ptime:-20"], 20),
    ];
    for (what, lines, millis) in times {
        assert_eq!(opus(lines).packet_time, Duration::from_millis(millis), "{what}");
    }
}

#[test]
fn rtcp_shares_the_port_only_when_both_want_it() {
    let cases: &[(&str, &[&str], bool, &str)] = &[
        ("not offered: the next port", &[], false, "198.51.100.9:9001"),
        ("offered", &["a=rtcp-mux"], true, "198.51.100.9:9000"),
        ("another port", &["a=rtcp:9500"], false, "198.51.100.9:9500"),
        ("another address", &["a=rtcp:9500 IN IP4 198.51.100.10"], false, "198.51.100.10:9500"),
        ("shared beats named", &["a=rtcp:9500", "a=rtcp-mux"], true, "198.51.100.9:9000"),
    ];
    for (what, lines, shared, rtcp) in cases {
        let lines: Vec<_> = ["m=audio 9000 RTP/AVP 0"].iter().chain(*lines).copied().collect();
        let (answer, agreed) = answer(&theirs(&lines), &phone()).unwrap();
        assert_eq!((agreed.rtcp_mux, agreed.remote_rtcp), (*shared, address(rtcp)), "{what}");
        assert_eq!(answer.media[0].rtcp_mux(), *shared, "{what}");
    }
}

#[test]
fn directions_meet_from_both_ends() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let cases = [
        ("we only listen", "sendrecv", RecvOnly, RecvOnly),
        ("a plain call", "sendrecv", SendRecv, SendRecv),
        ("they hold us", "sendonly", SendRecv, RecvOnly),
        ("they only listen", "recvonly", SendRecv, SendOnly),
        ("both only listen", "recvonly", RecvOnly, Inactive),
        ("nothing flows", "inactive", SendRecv, Inactive),
        ("we hold them", "sendrecv", SendOnly, SendOnly),
        ("both only send", "sendonly", SendOnly, Inactive),
    ];
    for (what, offered, ours, agreed) in cases {
        let attribute = format!("a={offered}");
        let offer = theirs(&["m=audio 9000 RTP/AVP 0", &attribute]);
        let local = Local { direction: ours, ..phone() };
        let (answered, negotiated) = answer(&offer, &local).unwrap();
        assert_eq!(negotiated.direction, agreed, "{what}");
        assert_eq!(answered.direction(&answered.media[0]), agreed, "{what}");
    }
}

#[test]
fn the_unspecified_address_holds_as_in_the_old_days() {
    let (_, agreed) = answer(&theirs(&["m=audio 9000 RTP/AVP 0", "c=IN IP4 0.0.0.0"]), &phone()).unwrap();
    assert_eq!(agreed.direction, Direction::RecvOnly);
}

#[test]
fn two_phones_agree_on_the_same_call() {
    let bob = Local {
        address: address("[2001:db8::b]:50000"),
        rtcp: address("[2001:db8::b]:50000"),
        codecs: vec![CodecId::Pcma, CodecId::Opus],
        packet_time: Duration::from_millis(40),
        session_id: 9,
        direction: Direction::SendRecv,
        wishes: Wishes::default(),
        protection: Protection::default(),
        ice: None,
    };
    let alice =
        Local { address: address("[2001:db8::a]:40000"), rtcp: address("[2001:db8::a]:40001"), ..phone() };
    let offered = Description::parse(&offer(&alice).to_bytes()).unwrap();
    let (answered, at_bob) = answer(&offered, &bob).unwrap();
    let answered = Description::parse(&answered.to_bytes()).unwrap();
    let at_alice = accept(&offered, &answered, &alice).unwrap();
    for (what, agreed, remote, millis) in
        [("bob", at_bob, alice.address, 20), ("alice", at_alice, bob.address, 40)]
    {
        assert_eq!(agreed.codec.id, CodecId::Opus, "{what}");
        assert_eq!(
            agreed.codec.packet_time,
            Duration::from_millis(millis),
            "{what} sends as the other likes it"
        );
        assert_eq!((agreed.remote_rtp, agreed.remote_rtcp), (remote, remote), "{what}");
        assert_eq!(agreed.codec.telephone_event, Some(PayloadTypes::both(number(110))), "{what}");
        assert_eq!(agreed.codec.red, Some(PayloadTypes::both(number(63))), "{what}");
        assert!(agreed.rtcp_mux && agreed.codec.inband_fec, "{what}");
    }
}

#[test]
fn an_answer_is_held_against_its_offer() {
    let local = phone();
    let offered = offer(&local);
    let cases: [(&str, &[&str], Result<_, Mismatch>); 7] = [
        (
            "their number to send, ours to receive",
            &["m=audio 9000 RTP/AVP 96", "a=rtpmap:96 opus/48000/2"],
            Ok((CodecId::Opus, 96, 111)),
        ),
        ("the first codec of the answer", &["m=audio 9000 RTP/AVP 8 0"], Ok((CodecId::Pcma, 8, 8))),
        ("refused", &["m=audio 0 RTP/AVP 0"], Err(Mismatch::NoAudio)),
        ("a codec we did not offer", &["m=audio 9000 RTP/AVP 3"], Err(Mismatch::NoCommonCodec)),
        ("a medium too many", &["m=audio 9000 RTP/AVP 0", "m=video 0 RTP/AVP 31"], Err(Mismatch::MediaCount)),
        ("no media", &[], Err(Mismatch::MediaCount)),
        ("another medium", &["m=video 9000 RTP/AVP 0"], Err(Mismatch::MediaCount)),
    ];
    for (what, lines, expected) in cases {
        let agreed = accept(&offered, &theirs(lines), &local).map(|agreed| {
            let codec = agreed.codec;
            (codec.id, codec.send_payload_type.number(), codec.receive_payload_type.number())
        });
        assert_eq!(agreed, expected, "{what}");
    }
}

#[test]
fn a_changed_description_counts_its_version_up() {
    let mut description = offer(&phone());
    description.bump_version();
    assert_eq!((description.origin.session.as_str(), description.origin.version.as_str()), ("7", "8"));
}

#[test]
fn what_goes_with_a_codec_is_agreed_when_both_have_it_for_that_codec() {
    let opus = "a=rtpmap:97 opus/48000/2";
    let red = "a=rtpmap:98 red/48000/2";
    type Case<'a> = (&'a str, &'a [&'a str], [Option<u8>; 3]);
    let cases: [Case<'_>; 9] = [
        ("RED for Opus", &["m=audio 9 RTP/AVP 97 98", opus, red, "a=fmtp:98 97/97"], [Some(98), None, None]),
        ("RED that does not say for what", &["m=audio 9 RTP/AVP 97 98", opus, red], [Some(98), None, None]),
        (
            "RED for another codec",
            &["m=audio 9 RTP/AVP 97 98", opus, red, "a=fmtp:98 97/0"],
            [None, None, None],
        ),
        (
            "RED in one channel is not Opus'",
            &["m=audio 9 RTP/AVP 97 98", opus, "a=rtpmap:98 red/48000", "a=fmtp:98 97/97"],
            [None, None, None],
        ),
        (
            "RED for G.711, which has no bits to spare",
            &["m=audio 9 RTP/AVP 0 98", "a=rtpmap:98 red/8000", "a=fmtp:98 0/0"],
            [None, None, None],
        ),
        (
            "G.711 with keys and static comfort noise",
            &["m=audio 9 RTP/AVP 0 13 101", "a=rtpmap:101 telephone-event/8000"],
            [None, Some(101), Some(13)],
        ),
        ("G.722 by its static number", &["m=audio 9 RTP/AVP 9 13"], [None, None, Some(13)]),
        ("Opus has its own silence", &["m=audio 9 RTP/AVP 97 13", opus], [None, None, None]),
        (
            "keys without parameters",
            &["m=audio 9 RTP/AVP 97 99", opus, "a=rtpmap:99 telephone-event/48000"],
            [None, Some(99), None],
        ),
    ];
    let local = Local { codecs: vec![CodecId::Opus, CodecId::G722, CodecId::Pcmu], ..phone() };
    for (what, lines, expected) in cases {
        let (answer, agreed) = answer(&theirs(lines), &local).expect(what);
        let CodecPlan { id, red, telephone_event, comfort_noise, .. } = agreed.codec;
        let numbers = [red, telephone_event, comfort_noise];
        assert_eq!(numbers.map(|numbers| Some(numbers?.send.number())), expected, "{what}");
        assert!(numbers.iter().flatten().all(|numbers| numbers.send == numbers.receive), "{what}");
        let listed = expected.iter().flatten().map(u8::to_string);
        let speech = agreed.codec.send_payload_type;
        assert!(
            answer.media[0]
                .formats
                .iter()
                .cloned()
                .eq([speech.number().to_string()].into_iter().chain(listed))
        );
        if let Some(red) = red {
            let format = red.receive.number().to_string();
            assert_eq!(answer.media[0].fmtp_text(&format), Some("97/97"), "{what}: {id}");
        }
    }
}

#[test]
fn each_side_keeps_its_own_numbers_for_what_goes_with_the_codec() {
    let local = phone();
    let answer = theirs(&[
        "m=audio 9000 RTP/AVP 96 97 98",
        "a=rtpmap:96 opus/48000/2",
        "a=rtpmap:97 red/48000/2",
        "a=fmtp:97 96/96",
        "a=rtpmap:98 telephone-event/48000",
    ]);
    let codec = accept(&offer(&local), &answer, &local).unwrap().codec;
    let numbers = |send, receive| Some(PayloadTypes { send: number(send), receive: number(receive) });
    assert_eq!(
        (codec.red, codec.telephone_event, codec.comfort_noise),
        (numbers(97, 63), numbers(98, 110), None)
    );
}

#[test]
fn how_the_other_side_likes_opus_lands_in_the_plan() {
    let opus = |lines: &[&str]| {
        let head = ["m=audio 9000 RTP/AVP 97", "a=rtpmap:97 opus/48000/2"];
        let lines: Vec<_> = head.iter().chain(lines).copied().collect();
        answer(&theirs(&lines), &phone()).unwrap().1.codec
    };
    let plain = opus(&[]);
    assert_eq!((plain.stereo, plain.max_playback_rate), (false, None));
    assert_eq!(plain.max_packet_time, Duration::from_millis(60));
    let narrow = opus(&["a=fmtp:97 stereo=1; maxplaybackrate=8000; minptime=40", "a=maxptime:45"]);
    assert_eq!((narrow.stereo, narrow.max_playback_rate), (true, Some(8_000)));
    assert_eq!(
        (narrow.packet_time, narrow.max_packet_time),
        (Duration::from_millis(40), Duration::from_millis(40))
    );
    for absurd in ["0", "7999", "48001", "x"] {
        assert_eq!(
            opus(&[&format!("a=fmtp:97 maxplaybackrate={absurd}")]).max_playback_rate,
            None,
            "{absurd}"
        );
    }
}

#[test]
fn our_wishes_are_told_and_granted() {
    let wishes =
        Wishes { dtx: true, stereo: true, max_playback_rate: Some(16_000), max_bitrate: Some(20_000) };
    let alice = Local { wishes, ..phone() };
    let offered = offer(&alice);
    assert_eq!(
        offered.media[0].fmtp_text("111"),
        Some("minptime=10;useinbandfec=1;maxplaybackrate=16000;maxaveragebitrate=20000;stereo=1;usedtx=1")
    );
    let (answered, at_bob) = answer(&offered, &phone()).unwrap();
    let codec = at_bob.codec;
    assert_eq!((codec.dtx, codec.stereo), (true, true));
    assert_eq!((codec.max_playback_rate, codec.bitrate), (Some(16_000), Some(20_000)));
    assert!(!accept(&offered, &answered, &alice).unwrap().codec.dtx, "bob did not wish for it");
    let telephone = Local { codecs: vec![CodecId::Pcmu], ..alice };
    let (_, agreed) = answer(&offer(&telephone), &telephone).unwrap();
    assert!(agreed.codec.dtx && agreed.codec.comfort_noise.is_some(), "silence by comfort noise");
}
