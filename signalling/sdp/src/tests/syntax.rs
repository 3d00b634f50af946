use super::*;

#[test]
fn our_offer_reads_as_it_is_meant() {
    assert_eq!(
        offer(&phone()).to_string().lines().collect::<Vec<_>>(),
        [
            "v=0",
            "o=- 7 7 IN IP4 192.0.2.1",
            "s=-",
            "c=IN IP4 192.0.2.1",
            "t=0 0",
            "m=audio 40000 RTP/AVP 111 0 8 63 110 101 13",
            "a=rtpmap:111 opus/48000/2",
            "a=fmtp:111 minptime=10;useinbandfec=1",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:63 red/48000/2",
            "a=fmtp:63 111/111",
            "a=rtpmap:110 telephone-event/48000",
            "a=fmtp:110 0-15",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=rtpmap:13 CN/8000",
            "a=ptime:20",
            "a=sendrecv",
            "a=rtcp-mux",
        ]
    );
}

#[test]
fn rtcp_is_named_only_where_it_is_not_the_next_port() {
    let rtcp_line = |rtcp: &str| {
        let local = Local { rtcp: address(rtcp), ..phone() };
        offer(&local).media[0].attribute("rtcp").map(str::to_owned)
    };
    let cases = [
        ("the next port", "192.0.2.1:40001", None),
        ("the same port", "192.0.2.1:40000", Some("40000")),
        ("any other port", "192.0.2.1:50000", Some("50000")),
        ("another address", "192.0.2.2:40001", Some("40001 IN IP4 192.0.2.2")),
        ("another address of the other kind", "[2001:db8::1]:9", Some("9 IN IP6 2001:db8::1")),
    ];
    for (what, rtcp, line) in cases {
        assert_eq!(rtcp_line(rtcp).as_deref(), line, "{what}");
    }
}

#[test]
fn every_line_is_kept_in_the_order_of_the_standard() {
    let text = "v=0\r\no=jdoe 2890844526 2890842807 IN IP4 10.47.16.5\r\ns=A Seminar\r\n\
        i=About names\r\nu=http://example.com/x.pdf\r\ne=j@example.com\r\np=+1 617 555-6011\r\n\
        c=IN IP4 224.2.17.12/127\r\nb=AS:128\r\nt=2873397496 2873404696\r\nr=7d 1h 0 25h\r\nz=0 0\r\n\
        k=prompt\r\na=recvonly\r\nX=strange\r\n\
        m=audio 49170/2 RTP/AVP 0\r\ni=sound\r\nc=IN IP6 ff15::101/3\r\nb=TIAS:64000\r\nk=clear:x\r\na=ptime:20\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 99\r\na=rtpmap:99 h263-1998/90000\r\nQ=?\r\n";
    let read = Description::parse(text.as_bytes()).unwrap();
    assert_eq!(read.to_string(), text);
    assert_eq!(read.media[0].port_count, Some(2));
    assert_eq!(read.address(&read.media[1]), Some("224.2.17.12".parse().unwrap()));
    assert_eq!(read.address(&read.media[0]), Some("ff15::101".parse().unwrap()));
    assert_eq!(read.direction(&read.media[0]), Direction::RecvOnly);
}

#[test]
fn what_does_not_matter_is_forgiven() {
    let cases = [
        ("bare line feeds", "v=0\no=- 1 1 IN IP4 192.0.2.9\ns=-\nt=0 0\n"),
        ("no name and no times", "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\n"),
        ("an empty name", "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=\r\n"),
        ("an empty line at the end", "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\n\r\n"),
        ("no line end at the end", "v=0\r\no=- 1 1 IN IP4 192.0.2.9"),
        ("session numbers beyond 64 bits", "v=0\r\no=- 99999999999999999999999 1 IN IP4 192.0.2.9\r\n"),
        ("a host name as origin", "v=0\r\no=- 1 1 IN IP4 host.example.com\r\n"),
    ];
    for (what, text) in cases {
        assert!(Description::parse(text.as_bytes()).is_ok(), "{what}");
    }
    let latin1 = b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=caf\xe9\r\n";
    assert_eq!(Description::parse(latin1).unwrap().name, "caf\u{fffd}");
}

#[test]
fn what_matters_is_refused_with_its_line() {
    let origin = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\n";
    let malformed = |what| ParseError::Malformed { line: 3, what };
    let cases = [
        ("nothing", String::new(), ParseError::Version),
        ("another version", "v=1\r\n".into(), ParseError::Version),
        ("no origin", "v=0\r\ns=-\r\n".into(), ParseError::NoOrigin),
        ("no equals sign", format!("{origin}sx\r\n"), ParseError::Line(3)),
        ("a space before the equals sign", format!("{origin}m =audio 1 RTP/AVP 0\r\n"), ParseError::Line(3)),
        (
            "two origins",
            format!("{origin}o=- 1 1 IN IP4 192.0.2.9\r\n"),
            ParseError::Repeated { line: 3, what: "origin" },
        ),
        ("a port beyond 65 535", format!("{origin}m=audio 65536 RTP/AVP 0\r\n"), malformed("media line")),
        ("a negative port", format!("{origin}m=audio -1 RTP/AVP 0\r\n"), malformed("media line")),
        ("no formats", format!("{origin}m=audio 9 RTP/AVP\r\n"), malformed("media line")),
        (
            "too many formats",
            format!("{origin}m=audio 9 RTP/AVP{}\r\n", " 0".repeat(129)),
            malformed("media line"),
        ),
        (
            "two descriptions in one",
            format!("{origin}v=0\r\n"),
            ParseError::Repeated { line: 3, what: "version" },
        ),
        ("half a connection", format!("{origin}c=IN IP4\r\n"), malformed("connection")),
        (
            "too many media",
            origin.to_owned() + &"m=audio 9 RTP/AVP 0\r\n".repeat(33),
            ParseError::TooMany("media"),
        ),
        ("too many lines", origin.to_owned() + &"a=x\r\n".repeat(2_000), ParseError::TooMany("lines")),
        ("too many bytes", "v".repeat(65_536), ParseError::TooMany("bytes")),
    ];
    for (what, text, error) in cases {
        assert_eq!(Description::parse(text.as_bytes()), Err(error), "{what}");
    }
}

#[test]
fn attributes_are_read_by_their_grammar() {
    let read = theirs(&[
        "m=audio 9 RTP/AVP 0 97 98",
        "a=rtpmap:97 OPUS/48000/2",
        "a=RTPMAP:98 broken",
        "a=fmtp:97 UseInbandFec=1; maxaveragebitrate=24000 ;stereo",
        "a=ptime:20.5",
        "a=maxptime:nan",
        "a=rtcp:53020 IN IP6 2001:db8::7",
    ]);
    let media = &read.media[0];
    assert_eq!(media.rtpmap("97").unwrap().to_string(), "OPUS/48000/2");
    assert_eq!((media.rtpmap("98"), media.rtpmap("99")), (None, None));
    assert_eq!(media.rtpmap("0").unwrap().to_string(), "PCMU/8000");
    let fmtp = media.fmtp("97");
    assert_eq!((fmtp.get("maxaveragebitrate"), fmtp.get("stereo")), (Some("24000"), Some("")));
    assert!(fmtp.is_set("useinbandfec"));
    assert_eq!(media.packet_time(), Some(Duration::from_micros(20_500)));
    assert_eq!(media.max_packet_time(), None);
    assert_eq!(media.rtcp(), Some(RtcpAddress { port: 53020, ip: Some("2001:db8::7".parse().unwrap()) }));
    assert!(!media.rtcp_mux());
}
