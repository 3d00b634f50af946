use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::*;

fn word() -> impl Strategy<Value = String> {
    "[!-~]{1,12}"
}

fn connection() -> impl Strategy<Value = Connection> {
    (word(), word(), word()).prop_map(|(network, kind, address)| Connection { network, kind, address })
}

/// Lines of the kinds that `kinds` holds, in the order of the standard.
fn lines(kinds: &'static str) -> impl Strategy<Value = Vec<Line>> {
    let kind = proptest::sample::select(kinds.chars().collect::<Vec<_>>());
    let line = (kind, "[ -~é]{0,30}").prop_map(|(kind, value)| Line { kind, value });
    vec(line, 0..6).prop_map(|mut lines| {
        lines.sort_by_key(|line| parse::rank(line.kind));
        lines
    })
}

prop_compose! {
    fn media()(
        kind in word(), port: u16, port_count in option::of(any::<u16>()), protocol in word(),
        formats in vec(word(), 1..5), connection in option::of(connection()), lines in lines("ibka"),
    ) -> Media {
        Media { kind, port, port_count, protocol, formats, connection, lines }
    }
}

prop_compose! {
    fn description()(
        (user, session, version) in (word(), word(), word()), address in connection(), name in "[ -~]{0,20}",
        connection in option::of(connection()), other in lines("iuepbrzkaX"), media in vec(media(), 0..4),
    ) -> Description {
        let mut lines = other;
        lines.push(Line { kind: 't', value: "0 0".into() });
        lines.sort_by_key(|line| parse::rank(line.kind));
        Description { origin: Origin { user, session, version, address }, name, connection, lines, media }
    }
}

fn ice_chars(least: usize, most: usize) -> impl Strategy<Value = String> {
    let one =
        proptest::sample::select(('a'..='z').chain('0'..='9').chain("+/AZ".chars()).collect::<Vec<_>>());
    vec(one, least..most).prop_map(|chars| chars.into_iter().collect())
}

prop_compose! {
    fn candidate()(
        foundation in ice_chars(1, 32), component in 1..=256_u16, transport in word(), priority: u32,
        address in word(), port: u16, kind in word(), related in option::of((word(), any::<u16>())),
        extensions in vec(("[a-q]{1,8}", word()), 0..3),
    ) -> Candidate {
        Candidate { foundation, component, transport, priority, address, port, kind, related, extensions }
    }
}

prop_compose! {
    fn trickle_media()(
        line in word(), mid in "[!-~]{0,4}", ufrag in ice_chars(4, 9), pwd in ice_chars(22, 30),
        named: bool, candidates in vec(candidate(), 0..4), ended: bool,
    ) -> TrickleMedia {
        let (ufrag, pwd) = if named { (ufrag, pwd) } else { Default::default() };
        TrickleMedia { line, mid, ufrag, pwd, candidates, ended }
    }
}

/// A phone with all that can be offered.
fn everything(seed: u64) -> Local {
    let dtls = Some(Fingerprint([7; 32]));
    let protection = Protection { dtls, ..sdes(seed) };
    Local { protection, ice: Some(Ice { trickle: true, ..ice("abcd") }), ..phone() }
}

proptest! {
    #[test]
    fn candidates_are_read_back_as_written(candidate in candidate()) {
        prop_assert_eq!(candidate.to_string().parse(), Ok(candidate));
    }

    #[test]
    fn fragments_are_read_back_as_written(
        ufrag in ice_chars(4, 9), pwd in ice_chars(22, 30), media in vec(trickle_media(), 0..4)
    ) {
        let fragment = TrickleFragment { ufrag, pwd, media };
        prop_assert_eq!(TrickleFragment::parse(&fragment.to_bytes()), Ok(fragment));
    }

    #[test]
    fn keys_are_read_back_as_written(seed: u64, tag in 0..1_000_000_000_u32) {
        for key in SdesKey::all(&mut Entropy::from_number(seed)) {
            let crypto = Crypto { tag, key };
            let line = crypto.line();
            prop_assert_eq!(line.strip_prefix("crypto:").unwrap().parse(), Ok(crypto));
        }
    }

    #[test]
    fn no_attribute_panics(text in "[ -~é|:=^]{0,80}") {
        let _ = (text.parse::<Crypto>(), text.parse::<Candidate>(), text.parse::<RemoteCandidates>());
        let _ = (text.parse::<Fingerprint>(), TrickleFragment::parse(text.as_bytes()));
        for head in ["1 AES_CM_128_HMAC_SHA1_80 inline:", "1 AEAD_AES_128_GCM inline:AAAA|", "sha-256 "] {
            let text = format!("{head}{text}");
            let _ = (text.parse::<Crypto>(), text.parse::<Fingerprint>());
        }
    }

    #[test]
    fn sessions_agree_whatever_changes_in_them(steps in vec((any::<bool>(), 0..5_u8), 1..12)) {
        let mut sides = [everything(1), Local { session_id: 9, ..everything(2) }];
        let mut sessions = [Session::default(), Session::default()];
        let mut last = [0_u64; 2];
        for (alice, change) in steps {
            let (offerer, answerer) = if alice { (0, 1) } else { (1, 0) };
            sides[offerer].direction = match change {
                0 => Direction::SendOnly,
                1 => Direction::Inactive,
                _ => Direction::SendRecv,
            };
            if change == 3 {
                sides[offerer].codecs.reverse();
            }
            let offer = sessions[offerer].offer(&sides[offerer]);
            if change == 4 {
                sessions[offerer].withdraw();
                continue;
            }
            let (answer, theirs) = sessions[answerer].answer(&offer, &sides[answerer]).unwrap();
            let ours = sessions[offerer].accept(&answer, &sides[offerer]).unwrap();
            prop_assert_eq!(ours.codec.id, theirs.codec.id);
            prop_assert_eq!(SecurityKind::from(&ours.security), SecurityKind::Dtls);
            prop_assert_eq!(ours.direction.sends(), theirs.direction.receives());
            prop_assert_eq!(ours.direction.receives(), theirs.direction.sends());
            prop_assert_eq!(offer.media.len(), answer.media.len());
            for (side, said) in [(offerer, &offer), (answerer, &answer)] {
                let version = said.origin.version.parse().unwrap();
                prop_assert!(version >= last[side]);
                last[side] = version;
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back(description in description()) {
        prop_assert_eq!(Description::parse(&description.to_bytes()), Ok(description));
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..500)) {
        let _ = Description::parse(&bytes);
    }

    #[test]
    fn mutated_offers_are_read_and_answered_or_refused_and_never_panic(
        changes in vec((any::<Index>(), any::<u8>(), 0..3_u8), 1..12)
    ) {
        let all = everything(1);
        let mut bytes = offer(&all).to_bytes();
        for (place, byte, how) in changes {
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => drop(bytes.remove(place)),
            }
        }
        if let Ok(read) = Description::parse(&bytes) {
            prop_assert_eq!(Description::parse(&read.to_bytes()), Ok(read.clone()));
            let theirs = everything(2);
            if let Ok((answered, agreed)) = answer(&read, &theirs) {
                prop_assert_eq!(answered.media.len(), read.media.len());
                prop_assert!(!agreed.remote_rtp.ip().is_multicast());
                prop_assert!((10..=60).contains(&agreed.codec.packet_time.as_millis()));
                let answered = Description::parse(&answered.to_bytes()).unwrap();
                let _ = accept(&offer(&all), &answered, &all);
            }
            let _ = answer(&read, &phone());
            let _ = accept(&offer(&theirs), &read, &theirs);
        }
    }
}
