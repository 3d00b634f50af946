//! Candidates, credentials, fingerprints, and what trickles later.

use super::*;

#[test]
fn candidates_are_read_and_written_as_they_are() {
    let cases = [
        ("a host", "1 1 UDP 2130706431 192.0.2.7 54321 typ host", Some("192.0.2.7:54321")),
        (
            "behind a NAT",
            "842163049 1 udp 1677729535 203.0.113.9 54321 typ srflx raddr 192.0.2.7 rport 54321",
            Some("203.0.113.9:54321"),
        ),
        (
            "as browsers write it",
            "1467250027 1 udp 2122260223 192.0.2.7 46243 typ host generation 0 ufrag Ab+/ network-id 3",
            Some("192.0.2.7:46243"),
        ),
        ("IPv6", "4 1 UDP 1 2001:db8::7 9 typ relay raddr :: rport 9", Some("[2001:db8::7]:9")),
        ("a mapped address", "4 1 UDP 1 ::ffff:192.0.2.7 9 typ host", Some("192.0.2.7:9")),
        ("a name that hides the address", "1 1 UDP 1 0a1b2c.local 54321 typ host", None),
        ("TCP", "3 1 TCP 1 192.0.2.7 9 typ host tcptype active", None),
        ("no port", "3 1 UDP 1 192.0.2.7 0 typ host", None),
        ("no host", "3 1 UDP 1 0.0.0.0 9 typ host", None),
        ("many", "3 1 UDP 1 224.0.0.1 9 typ host", None),
        ("a type to come", "3 1 UDP 1 192.0.2.7 9 typ tunnel", Some("192.0.2.7:9")),
    ];
    for (what, text, socket) in cases {
        let candidate: Candidate = text.parse().expect(what);
        assert_eq!(candidate.to_string(), text, "{what}");
        assert_eq!(candidate.socket(), socket.map(address), "{what}");
    }
}

#[test]
fn what_is_no_candidate_is_passed_over() {
    let long = format!("{} 1 UDP 1 192.0.2.7 9 typ host", "f".repeat(33));
    let cases = [
        ("nothing", ""),
        ("a foundation too long", &*long),
        ("a foundation of other letters", "a-b 1 UDP 1 192.0.2.7 9 typ host"),
        ("component 0", "1 0 UDP 1 192.0.2.7 9 typ host"),
        ("component 257", "1 257 UDP 1 192.0.2.7 9 typ host"),
        ("a priority beyond 32 bits", "1 1 UDP 4294967296 192.0.2.7 9 typ host"),
        ("a port beyond 16 bits", "1 1 UDP 1 192.0.2.7 65536 typ host"),
        ("no type", "1 1 UDP 1 192.0.2.7 9"),
        ("half a related address", "1 1 UDP 1 192.0.2.7 9 typ srflx raddr 192.0.2.8"),
        ("a name without value", "1 1 UDP 1 192.0.2.7 9 typ host generation"),
    ];
    let mut lines = vec!["m=audio 9 RTP/AVP 0".to_owned(), "a=ice-ufrag:abcd".into()];
    lines.push(format!("a=ice-pwd:{PWD}"));
    for (what, text) in cases {
        assert!(text.parse::<Candidate>().is_err(), "{what}");
        lines.push(format!("a=candidate:{text}"));
    }
    lines.push("a=candidate:1 1 UDP 1 192.0.2.7 9 typ host".into());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let read = theirs(&lines);
    assert_eq!(Ice::of(&read, &read.media[0]).unwrap().candidates.len(), 1);
}

#[test]
fn credentials_stand_with_the_medium_or_with_the_session() {
    let pwd = format!("a=ice-pwd:{PWD}");
    let head =
        "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=ice-options:ice2 trickle\r\n";
    let text = format!("{head}a=ice-ufrag:sess\r\n{pwd}\r\nm=audio 9 RTP/AVP 0\r\na=ice-ufrag:media\r\n");
    let read = Description::parse(text.as_bytes()).unwrap();
    let ice = Ice::of(&read, &read.media[0]).unwrap();
    assert_eq!((&*ice.ufrag, &*ice.pwd), ("media", PWD), "each from where it stands");
    assert!(ice.lite && ice.trickle && !ice.ended);
    let bad = [
        ("no password", vec!["a=ice-ufrag:abcd"]),
        ("a short name", vec!["a=ice-ufrag:abc", &pwd]),
        ("a short password", vec!["a=ice-ufrag:abcd", "a=ice-pwd:123456789012345678901"]),
        ("other letters", vec!["a=ice-ufrag:ab-d", &pwd]),
    ];
    for (what, lines) in bad {
        let read = theirs(&[&["m=audio 9 RTP/AVP 0"][..], &lines].concat());
        assert_eq!(Ice::of(&read, &read.media[0]), None, "{what}");
    }
}

#[test]
fn more_candidates_than_the_limit_are_passed_over() {
    let pwd = format!("a=ice-pwd:{PWD}");
    let mut lines = vec!["m=audio 9 RTP/AVP 0", "a=ice-ufrag:abcd", &pwd];
    lines.extend(["a=candidate:1 1 UDP 1 192.0.2.7 9 typ host"; 500]);
    let read = theirs(&lines);
    assert_eq!(Ice::of(&read, &read.media[0]).unwrap().candidates.len(), MOST_CANDIDATES);
}

#[test]
fn chosen_candidates_are_read_and_written() {
    let text = "1 192.0.2.7 54321 2 192.0.2.7 54322";
    let read: RemoteCandidates = text.parse().unwrap();
    assert_eq!((read.0.len(), read.to_string().as_str()), (2, text));
    for bad in ["", "1", "1 192.0.2.7", "1 192.0.2.7 x", "1 192.0.2.7 9 2"] {
        assert!(bad.parse::<RemoteCandidates>().is_err(), "{bad}");
    }
}

#[test]
fn candidates_of_the_engine_are_written_and_read_back() {
    let base = address("192.0.2.7:54321");
    let cases = [
        rove_base::Candidate::host(base, 65_535),
        rove_base::Candidate::server_reflexive(address("203.0.113.9:777"), base, 3),
    ];
    for one in cases {
        let text = Candidate::from(&one).to_string();
        assert_eq!(text.parse::<Candidate>().unwrap().to_engine(), Some(one), "{text}");
    }
    for unusable in [
        "1 2 UDP 1 192.0.2.7 54321 typ host",
        "1 1 TCP 1 192.0.2.7 54321 typ host",
        "1 1 UDP 1 x.local 54321 typ host",
        "1 1 UDP 1 192.0.2.7 54321 typ tunnel",
    ] {
        assert_eq!(unusable.parse::<Candidate>().unwrap().to_engine(), None, "{unusable}");
    }
}

#[test]
fn candidates_that_trickle_are_read_for_their_medium_and_generation() {
    let text = format!(
        "a=ice-ufrag:8hhY\r\na=ice-pwd:{PWD}\r\na=group:BUNDLE 0 1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
         a=candidate:1 1 UDP 2130706431 192.0.2.7 54321 typ host\r\n\
         a=candidate:broken\r\na=end-of-candidates\r\n\
         m=video 9 RTP/AVP 0\r\na=mid:1\r\na=ice-ufrag:other\r\na=ice-pwd:{PWD}\r\n"
    );
    let fragment = TrickleFragment::parse(text.as_bytes()).unwrap();
    let (candidates, ended) = fragment.of("0", "8hhY").unwrap();
    assert_eq!((candidates.len(), ended), (1, true));
    assert_eq!(fragment.of("1", "other").unwrap(), (&[][..], false));
    assert_eq!(fragment.of("0", "old1"), None, "another generation");
    assert_eq!(fragment.of("2", "8hhY"), None, "no such medium");
    assert_eq!(TrickleFragment::parse(&fragment.to_bytes()), Ok(fragment));
    assert!(TrickleFragment::parse(b"nonsense").is_err());
    assert_eq!(TrickleFragment::parse("m=x\r\n".repeat(33).as_bytes()), Err(ParseError::TooMany("media")));
}

#[test]
fn what_trickles_from_here_names_its_session() {
    let mut local = phone();
    local.ice = Some(Ice { candidates: Vec::new(), trickle: true, ..ice("mine") });
    let mut session = Session::default();
    let offer = session.offer(&local);
    assert_eq!(session.trickle(&local), None, "nobody has said that it may trickle");
    let mut bob = Local { ice: Some(Ice { trickle: true, ..ice("bobs") }), ..phone() };
    bob.address = address("192.0.2.2:50000");
    let mut theirs = Session::default();
    let (answer, _) = theirs.answer(&offer, &bob).unwrap();
    session.accept(&answer, &local).unwrap();
    if let Some(ice) = &mut local.ice {
        ice.candidates.push("1 1 UDP 1 192.0.2.1 40000 typ host".parse().unwrap());
        ice.ended = true;
    }
    let fragment = session.trickle(&local).unwrap();
    assert_eq!(
        fragment.to_string(),
        format!(
            "a=ice-ufrag:mine\r\na=ice-pwd:{PWD}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
             a=candidate:1 1 UDP 1 192.0.2.1 40000 typ host\r\na=end-of-candidates\r\n"
        )
    );
    assert_eq!(theirs.trickled(&fragment).map(|(new, ended)| (new.len(), ended)), Some((1, true)));
    let stranger = TrickleFragment { ufrag: "evil".into(), ..fragment };
    assert_eq!(theirs.trickled(&stranger), None);
}
