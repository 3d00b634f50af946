//! Codec, keys, certificate, and the way to each other, renewed while the call goes on.

use super::*;

/// The offer that Alice makes when she holds, as text.
fn held_offer(pair: &mut Pair) -> String {
    pair.alice(Fact::Hold(true));
    let offer = pair.alice.asks.iter().find_map(|ask| match ask {
        Ask::Change { offer, .. } => Some(String::from_utf8(offer.clone()).unwrap()),
        _ => None,
    });
    offer.unwrap()
}

fn answer(end: &End) -> String {
    let answer = end.asks.iter().find_map(|ask| match ask {
        Ask::AcceptChange(body) => Some(String::from_utf8(body.clone()).unwrap()),
        _ => None,
    });
    answer.unwrap_or_else(|| panic!("{:?}", end.asks))
}

#[test]
fn other_keys_are_taken_and_ours_stay() {
    let mut pair = Pair::talking();
    let before = pair.bob.changed().cloned();
    assert!(before.is_none());
    let mut offer = held_offer(&mut pair);
    let keys = offer.find("inline:").unwrap();
    offer.replace_range(keys + 7..keys + 15, "AAAAAAAA");
    pair.bob(Fact::Reoffered(offer.into_bytes()));
    let answered = answer(&pair.bob);
    let plan = pair.bob.changed().expect("the stream goes on with them");
    let started = pair.bob.accepted_plan.as_ref().unwrap().srtp().unwrap().clone();
    let keys = plan.srtp().unwrap();
    assert_eq!(keys.send(), started.send(), "ours stay");
    assert_ne!(keys.receive(), started.receive());
    assert!(answered.contains("inline:"));
}

#[test]
fn a_codec_that_is_still_offered_stays_and_else_the_next_is_spoken() {
    for (formats, spoken) in [("8 0", CodecId::Pcmu), ("8", CodecId::Pcma)] {
        let mut pair = Pair::speaking(&[CodecId::Pcmu, CodecId::Pcma]);
        let offer = held_offer(&mut pair);
        let start = offer.find("m=audio").unwrap();
        let (head, media) = offer.split_at(start);
        let line = media.lines().next().unwrap();
        let words: Vec<_> = line.split(' ').take(3).collect();
        let media = media.replace(line, &format!("{} {formats}", words.join(" ")));
        pair.bob(Fact::Reoffered(format!("{head}{media}").into_bytes()));
        let answered = answer(&pair.bob);
        let number = if spoken == CodecId::Pcmu { " 0" } else { " 8" };
        assert!(
            answered.lines().any(|line| line.starts_with("m=audio") && line.contains(number)),
            "{answered}"
        );
        assert_eq!(pair.bob.changed().unwrap().codec().id, spoken, "{formats}");
        let adapted = Progress::Adapted { codec: spoken, security: SecurityKind::Sdes };
        assert_eq!(pair.bob.told().contains(&adapted), spoken == CodecId::Pcma);
        // What we offer ourselves then is what is spoken.
        pair.bob.asks.clear();
        pair.bob(Fact::Hold(true));
        assert!(pair.bob.asks.iter().any(|ask| match ask {
            Ask::Change { offer, .. } => String::from_utf8_lossy(offer).contains(number),
            _ => false,
        }));
    }
}

#[test]
fn no_codec_is_taken_up_whose_clock_is_faster_than_the_device_of_the_call() {
    let mut pair = Pair::speaking(&[CodecId::Pcmu, CodecId::Opus]);
    let offer = held_offer(&mut pair);
    let offer = offer.replace("AVP 0", "AVP 96").replace(":0 PCMU/8000", ":96 opus/48000/2");
    pair.bob(Fact::Reoffered(offer.into_bytes()));
    assert!(pair.bob.asks.iter().any(|ask| matches!(ask, Ask::RejectChange { .. })), "{:?}", pair.bob.asks);
}

#[test]
fn a_restart_of_connectivity_is_answered_by_a_restart_and_the_stream_checks_anew() {
    let mut pair = Pair::checking();
    let started = pair.bob.accepted_plan.as_ref().unwrap().ice().unwrap().clone();
    let offer = held_offer(&mut pair);
    let old = |name: &str| {
        offer.lines().find_map(|line| line.strip_prefix(&format!("a={name}:"))).unwrap().to_owned()
    };
    let offer = offer.replace(&old("ice-ufrag"), "anew").replace(&old("ice-pwd"), "anewanewanewanewanewanew");
    pair.bob(Fact::Reoffered(offer.into_bytes()));
    let answered = answer(&pair.bob);
    let plan = pair.bob.changed().unwrap().ice().unwrap();
    assert_eq!(plan.remote.ufrag(), "anew");
    assert_ne!(plan.local, started.local, "ours are new as well");
    assert!(answered.contains(plan.local.ufrag()) && answered.contains(plan.local.password()));
    assert_eq!(plan.role, started.role);
    assert_eq!(plan.local_candidates, started.local_candidates);
}

#[test]
fn another_certificate_is_taken_and_connectivity_cannot_be_dropped() {
    let mut pair = Pair::checking();
    let offer = held_offer(&mut pair);
    let print = offer.find("a=fingerprint:sha-256 ").unwrap() + 22;
    let mut other = offer.clone();
    other.replace_range(print..print + 5, "AA:BB");
    pair.bob(Fact::Reoffered(other.into_bytes()));
    let [before, after] =
        [pair.bob.accepted_plan.as_ref(), pair.bob.changed()].map(|plan| plan.unwrap().security().clone());
    assert!(matches!((&before, &after), (Security::Dtls(one), Security::Dtls(other)) if one != other));
    pair.bob.asks.clear();
    let without: String = offer
        .split_inclusive("\r\n")
        .filter(|line| !line.contains("ice-") && !line.contains("candidate"))
        .collect();
    pair.bob(Fact::Reoffered(without.into_bytes()));
    assert!(pair.bob.asks.iter().any(|ask| matches!(ask, Ask::RejectChange { .. })), "{:?}", pair.bob.asks);
}

#[test]
fn who_moves_where_connectivity_is_checked_restarts_the_checks_from_its_new_addresses() {
    let mut pair = Pair::checking();
    let started = pair.alice.accepted_plan.as_ref().unwrap().ice().unwrap().clone();
    pair.alice(Fact::Moved);
    assert!(matches!(pair.alice.asks[..], [Ask::OpenMedia(_)]));
    let at = |port| SocketAddr::new(IpAddr::from([192, 0, 2, 9]), port);
    let path = LocalPath::draw(&[at(6000)], Fingerprint([1; 32]), &mut Entropy::from_number(5));
    let ports = MediaPorts { path: Some(path.clone()), ..MediaPorts::plain(at(6000), at(6001), at(5060)) };
    pair.alice(Fact::MediaOpened(ports));
    pair.carry();
    let [ours, theirs] = [&pair.alice, &pair.bob].map(|end| end.changed().unwrap().ice().unwrap().clone());
    assert_eq!((&ours.local, &theirs.remote), (&path.credentials, &path.credentials));
    assert_eq!((&ours.local_candidates, &theirs.remote_candidates), (&path.candidates, &path.candidates));
    assert_ne!(theirs.local, started.remote, "the other side restarts, too");
    assert_eq!(ours.remote, theirs.local);
}

#[test]
fn candidates_found_later_are_told_and_taken_and_those_of_another_generation_are_not() {
    let mut pair = Pair::trickling();
    let at = |port| SocketAddr::new(IpAddr::from([198, 51, 100, 7]), port);
    let base = pair.alice.ports.rtp;
    let found = rove_base::Candidate::server_reflexive(at(7000), base, 65_535);
    pair.alice(Fact::Candidate(Some(found)));
    pair.alice(Fact::Candidate(Some(found)));
    pair.alice(Fact::Candidate(None));
    let told: Vec<_> = pair
        .alice
        .asks
        .iter()
        .filter_map(|ask| match ask {
            Ask::Trickle(body) => Some(body.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 2, "told once, and that there are no more");
    for (place, body) in told.iter().enumerate() {
        pair.bob.asks.clear();
        pair.bob(Fact::Trickled(body.clone()));
        let [Ask::AddCandidates { candidates, last }] = &pair.bob.asks[..] else {
            panic!("{:?}", pair.bob.asks)
        };
        assert_eq!((candidates.contains(&found), *last), (true, place == 1));
    }
    pair.bob.asks.clear();
    let late = String::from_utf8(told[0].clone()).unwrap().replace("ice-ufrag:", "ice-ufrag:x");
    pair.bob(Fact::Trickled(late.into_bytes()));
    pair.bob(Fact::Trickled(b"nonsense".to_vec()));
    assert!(pair.bob.asks.is_empty());
}

#[test]
fn candidates_that_appear_in_mid_call_are_passed_over_and_the_call_goes_on_without_checks() {
    let alice = End::new(1, 2, MediaSecurity::Optional, Transport::Tls);
    let mut bob = End::new(2, 1, MediaSecurity::Optional, Transport::Tls);
    let mut entropy = Entropy::from_number(42);
    bob.ports.path = Some(LocalPath::draw(&[bob.ports.rtp], Fingerprint([2; 32]), &mut entropy));
    let mut pair = Pair::join(alice, bob);
    let started = pair.bob.accepted_plan.clone().unwrap();
    assert!(started.ice().is_none(), "the first offer had no candidates");
    let mut offer = held_offer(&mut pair);
    offer.push_str(
        "a=mid:0\r\na=ice-ufrag:late\r\na=ice-pwd:latelatelatelatelatelate\r\na=rtcp-mux\r\n\
         a=candidate:1 1 UDP 2130706431 192.0.2.1 9100 typ host\r\na=end-of-candidates\r\n",
    );
    pair.bob(Fact::Reoffered(offer.into_bytes()));
    let answered = answer(&pair.bob);
    assert!(!answered.contains("ice-") && !answered.contains("candidate"), "{answered}");
    let plan = pair.bob.changed().expect("what else the offer wants takes place");
    assert!(plan.ice().is_none());
    assert_eq!(plan.routes().first().map(|route| route.rtp), started.routes().first().map(|route| route.rtp));
    assert_eq!(plan.srtp().map(|keys| keys.send().to_vec()), started.srtp().map(|keys| keys.send().to_vec()));
    assert!(pair.bob.told().contains(&Progress::Held { by: Party::Peer }));
    // It ends without them as well: what is offered from here has none.
    pair.bob.asks.clear();
    pair.bob(Fact::Hold(true));
    let ours = pair.bob.asks.iter().find_map(|ask| match ask {
        Ask::Change { offer, .. } => Some(String::from_utf8_lossy(offer).into_owned()),
        _ => None,
    });
    assert!(!ours.unwrap().contains("ice-"));
}

#[test]
fn another_association_has_another_name_on_both_sides_and_the_same_name_goes_on() {
    let mut pair = Pair::checking();
    let line = |text: &str, name: &str| {
        text.lines().find_map(|line| line.strip_prefix(&format!("a={name}:"))).unwrap().to_owned()
    };
    let offer = held_offer(&mut pair);
    pair.bob(Fact::Reoffered(offer.clone().into_bytes()));
    let ours = line(&answer(&pair.bob), "tls-id");
    let same = pair.bob.changed().unwrap().clone();
    assert_eq!(same.association(), 0, "the same name: it goes on");
    pair.bob.asks.clear();
    let theirs = line(&offer, "tls-id");
    let renamed = offer.replace(&theirs, "anotheranotheranothe");
    pair.bob(Fact::Reoffered(renamed.clone().into_bytes()));
    let second = line(&answer(&pair.bob), "tls-id");
    assert_ne!(second, ours);
    let plan = pair.bob.changed().expect("with the same certificate, and nothing else that is new");
    assert_eq!((plan.association(), plan.security()), (1, same.security()));
    pair.bob.asks.clear();
    let print = line(&renamed, "fingerprint");
    let renewed = renamed.replace("anotheranotheranothe", "thirdthirdthirdthird");
    let renewed = renewed.replace(&print, &print.replace("sha-256 01:01", "sha-256 AA:BB"));
    assert_ne!(renewed, renamed);
    pair.bob(Fact::Reoffered(renewed.into_bytes()));
    assert!(![ours, second].contains(&line(&answer(&pair.bob), "tls-id")));
    assert_eq!(pair.bob.changed().unwrap().association(), 2);
    assert!(matches!(pair.bob.changed().unwrap().security(), Security::Dtls(_)));
}
