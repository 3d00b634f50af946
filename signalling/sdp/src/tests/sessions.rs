//! Sessions that change: RFC 3264 §8, and what browsers' standards add.

use super::*;

/// Both ends of a session that stands after one exchange.
struct Pair {
    alice: Local,
    bob: Local,
    at_alice: Session,
    at_bob: Session,
}

impl Pair {
    fn new() -> Self {
        let alice = phone();
        let bob = Local {
            address: address("192.0.2.2:50000"),
            rtcp: address("192.0.2.2:50001"),
            session_id: 9,
            ..phone()
        };
        let (at_alice, at_bob) = (Session::default(), Session::default());
        let mut pair = Self { alice, bob, at_alice, at_bob };
        pair.alice_offers();
        pair
    }

    /// Alice offers, bob answers; what each of them then has.
    fn alice_offers(&mut self) -> (Description, Description, Negotiated, Negotiated) {
        let Self { alice, bob, at_alice, at_bob } = self;
        exchange(at_alice, alice, at_bob, bob)
    }

    fn bob_offers(&mut self) -> (Description, Description, Negotiated, Negotiated) {
        let Self { alice, bob, at_alice, at_bob } = self;
        exchange(at_bob, bob, at_alice, alice)
    }
}

fn exchange(
    offerer: &mut Session,
    local: &Local,
    answerer: &mut Session,
    other: &Local,
) -> (Description, Description, Negotiated, Negotiated) {
    let offered = offerer.offer(local);
    assert!(offerer.is_waiting());
    let (answered, theirs) =
        answerer.answer(&Description::parse(&offered.to_bytes()).unwrap(), other).unwrap();
    let ours = offerer.accept(&Description::parse(&answered.to_bytes()).unwrap(), local).unwrap();
    assert!(!offerer.is_waiting());
    (offered, answered, ours, theirs)
}

fn version(description: &Description) -> u64 {
    description.origin.version.parse().unwrap()
}

#[test]
fn the_version_grows_by_one_with_a_change_and_only_then() {
    let mut pair = Pair::new();
    let (again, answer, ..) = pair.alice_offers();
    assert_eq!((version(&again), version(&answer)), (7, 9), "nothing changed");
    pair.alice.direction = Direction::SendOnly;
    let (hold, answer, ..) = pair.alice_offers();
    assert_eq!((version(&hold), version(&answer)), (8, 10), "recvonly is a change as well");
    pair.alice.direction = Direction::SendRecv;
    let (resumed, ..) = pair.alice_offers();
    assert_eq!(version(&resumed), 9, "back is another change");
    let (offer, answer, ..) = pair.bob_offers();
    assert_eq!((version(&offer), version(&answer)), (12, 10), "an offer after an answer counts on");
}

#[test]
fn the_origin_stays_when_the_address_moves() {
    let mut pair = Pair::new();
    let before = pair.at_alice.sent().unwrap().origin.clone();
    pair.alice.address = address("203.0.113.5:41000");
    pair.alice.rtcp = address("203.0.113.5:41001");
    let (offer, _, _, at_bob) = pair.alice_offers();
    assert_eq!(at_bob.remote_rtp, pair.alice.address);
    assert_eq!(offer.origin.address, before.address, "RFC 3264 §8: identical but for the version");
    assert_eq!(offer.origin.session, before.session);
}

#[test]
fn an_offer_that_is_refused_leaves_all_as_it_was_and_its_version_is_not_used_again() {
    let mut pair = Pair::new();
    let stood = pair.at_alice.agreed().cloned();
    pair.alice.direction = Direction::Inactive;
    let refused = pair.at_alice.offer(&pair.alice);
    pair.at_alice.withdraw();
    assert!(!pair.at_alice.is_waiting() && pair.at_alice.agreed() == stood.as_ref());
    assert_eq!(pair.at_alice.accept(&refused, &pair.alice), Err(Mismatch::NoOffer));
    pair.alice.direction = Direction::SendRecv;
    let (next, ..) = pair.alice_offers();
    assert_eq!((version(&refused), version(&next)), (8, 9));
}

#[test]
fn hold_and_resume_from_both_sides() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let mut pair = Pair::new();
    pair.alice.direction = held(SendRecv);
    let (offer, answer, at_alice, at_bob) = pair.alice_offers();
    assert_eq!((offer.direction(&offer.media[0]), answer.direction(&answer.media[0])), (SendOnly, RecvOnly));
    assert_eq!((at_alice.direction, at_bob.direction), (SendOnly, RecvOnly));
    pair.bob.direction = held(at_bob.direction);
    let (offer, answer, at_bob, at_alice) = pair.bob_offers();
    assert_eq!(offer.direction(&offer.media[0]), Inactive, "RFC 3264 §8.4: both hold");
    assert_eq!(answer.direction(&answer.media[0]), Inactive);
    assert_eq!((at_alice.direction, at_bob.direction), (Inactive, Inactive));
    pair.alice.direction = SendRecv;
    let (_, _, at_alice, _) = pair.alice_offers();
    assert_eq!(at_alice.direction, Inactive, "bob still holds");
    pair.bob.direction = SendRecv;
    let (_, _, at_bob, at_alice) = pair.bob_offers();
    assert_eq!((at_alice.direction, at_bob.direction), (SendRecv, SendRecv));
}

#[test]
fn the_old_way_to_hold_is_understood_and_left_again() {
    let mut pair = Pair::new();
    let mut offer = pair.at_bob.sent().unwrap().clone();
    offer.connection = Some(Connection::new("0.0.0.0".parse().unwrap()));
    let (_, held) = pair.at_alice.answer(&offer, &pair.alice).unwrap();
    assert_eq!((held.direction, held.remote_rtp), (Direction::RecvOnly, address("0.0.0.0:50000")));
    let (_, _, at_bob, at_alice) = pair.bob_offers();
    assert_eq!((at_alice.direction, at_bob.direction), (Direction::SendRecv, Direction::SendRecv));
}

#[test]
fn media_keep_their_places_for_ever() {
    let video = ["m=video 9 RTP/AVP 31", "a=mid:v", "m=audio 9000 RTP/AVP 0", "a=mid:a"];
    let mut session = Session::default();
    let (answer, _) = session.answer(&theirs(&video), &phone()).unwrap();
    let lines = |description: &Description| -> Vec<String> {
        let media = description.media.iter();
        media.map(|media| format!("{} {} {}", media.kind, media.port, media.mid().unwrap_or("-"))).collect()
    };
    assert_eq!(lines(&answer), ["video 0 v", "audio 40000 a"]);
    let ours = session.offer(&phone());
    assert_eq!(lines(&ours), ["video 0 v", "audio 40000 a"], "ours has them, too");
    session.withdraw();
    let more = [&video[..], &["m=audio 9100 RTP/AVP 0", "m=text 9200 RTP/AVP 98"]].concat();
    let (answer, agreed) = session.answer(&theirs(&more), &phone()).unwrap();
    assert_eq!(lines(&answer), ["video 0 v", "audio 40000 a", "audio 0 -", "text 0 -"]);
    assert_eq!(agreed.remote_rtp.port(), 9_000, "the stream that stands is not left for another");
    assert_eq!(session.answer(&theirs(&video), &phone()), Err(Mismatch::MediaCount), "fewer than before");
}

#[test]
fn audio_is_taken_out_and_comes_back_into_its_place() {
    let mut session = Session::default();
    let (_, before) = session.answer(&theirs(&["m=audio 9000 RTP/AVP 0"]), &phone()).unwrap();
    let (answer, gone) = session.answer(&theirs(&["m=audio 0 RTP/AVP 0"]), &phone()).unwrap();
    assert!(gone.removed && gone.direction == Direction::Inactive);
    assert_eq!((answer.media.len(), answer.media[0].port), (1, 0));
    let (answer, back) = session.answer(&theirs(&["m=audio 9000 RTP/AVP 0"]), &phone()).unwrap();
    assert_eq!((back, answer.media[0].port), (before, 40_000));
    session.answer(&theirs(&["m=audio 0 RTP/AVP 0"]), &phone()).unwrap();
    let moved = theirs(&["m=audio 0 RTP/AVP 0", "m=audio 9300 RTP/AVP 0"]);
    let (answer, agreed) = session.answer(&moved, &phone()).unwrap();
    assert_eq!((agreed.remote_rtp.port(), agreed.removed), (9_300, false), "or into a new one");
    assert_eq!(answer.media.iter().map(|media| media.port).collect::<Vec<_>>(), [0, 40_000]);
    let offer = session.offer(&phone());
    assert_eq!(offer.media.iter().map(|media| media.port).collect::<Vec<_>>(), [0, 40_000]);
}

#[test]
fn a_number_never_gets_another_meaning() {
    let mut session = Session::default();
    let first = theirs(&["m=audio 9000 RTP/AVP 96", "a=rtpmap:96 opus/48000/2"]);
    session.answer(&first, &phone()).unwrap();
    let ours = session.offer(&phone());
    assert_eq!(ours.media[0].formats[0], "96", "Opus keeps the number it has");
    session.withdraw();
    let same = theirs(&["m=audio 9000 RTP/AVP 97 0", "a=rtpmap:97 opus/48000/2"]);
    let (_, agreed) = session.answer(&same, &phone()).unwrap();
    assert_eq!(agreed.codec.send_payload_type, number(97), "two numbers may mean the same");
    let changed = theirs(&["m=audio 9000 RTP/AVP 96 0", "a=rtpmap:96 PCMA/8000"]);
    let (_, agreed) = session.answer(&changed, &phone()).unwrap();
    assert_eq!(agreed.codec.id, CodecId::Pcmu, "what changed its meaning is passed over");
    let mut taken = Session::default();
    let events = theirs(&["m=audio 9000 RTP/AVP 0 111", "a=rtpmap:111 telephone-event/8000"]);
    taken.answer(&events, &phone()).unwrap();
    let ours = taken.offer(&phone());
    let opus = ours.media[0]
        .formats
        .iter()
        .find(|format| ours.media[0].rtpmap(format).is_some_and(|map| map.encoding == "opus"));
    assert_eq!(opus.map(String::as_str), Some("96"), "111 was taken, 96 was free");
    assert_eq!(ours.media[0].rtpmap("111").unwrap().encoding, "telephone-event");
}

#[test]
fn the_times_of_the_answer_are_those_of_the_offer() {
    let text = "v=0\r\no=a 1 1 IN IP4 198.51.100.9\r\ns=-\r\nc=IN IP4 198.51.100.9\r\n\
        t=2873397496 2873404696\r\nm=audio 9000 RTP/AVP 0\r\n";
    let (answer, _) = answer(&Description::parse(text.as_bytes()).unwrap(), &phone()).unwrap();
    assert!(answer.to_string().contains("\r\nt=2873397496 2873404696\r\n"), "{answer}");
}

#[test]
fn one_offer_at_a_time_and_no_answer_without_one() {
    let mut session = Session::default();
    let answer = theirs(&["m=audio 9000 RTP/AVP 0"]);
    assert_eq!(session.accept(&answer, &phone()), Err(Mismatch::NoOffer));
    let _ = session.offer(&phone());
    assert!(session.is_waiting());
    session.accept(&answer, &phone()).unwrap();
    assert_eq!(session.accept(&answer, &phone()), Err(Mismatch::NoOffer), "answered once");
}

#[test]
fn an_offer_left_to_the_callee_is_a_whole_session() {
    let mut pair = Pair::new();
    (pair.at_alice, pair.at_bob) = (Session::default(), Session::default());
    let (_, _, at_bob, at_alice) = pair.bob_offers();
    assert_eq!((at_alice.codec.id, at_bob.codec.id), (CodecId::Opus, CodecId::Opus));
    assert_eq!((at_alice.remote_rtp, at_bob.remote_rtp), (pair.bob.address, pair.alice.address));
}

#[test]
fn new_credentials_mean_that_connectivity_is_checked_anew() {
    let mut pair = Pair::new();
    pair.alice.ice = Some(ice("one1"));
    pair.bob.ice =
        Some(Ice { candidates: vec!["1 1 UDP 1 192.0.2.2 50000 typ host".parse().unwrap()], ..ice("bob1") });
    let (_, _, at_alice, at_bob) = pair.alice_offers();
    let controlling = |agreed: &Negotiated| agreed.ice.as_ref().map(|ice| ice.controlling);
    assert_eq!((controlling(&at_alice), controlling(&at_bob)), (Some(true), Some(false)));
    let same = pair.at_alice.sent().unwrap().clone();
    assert!(!pair.at_bob.restarts_ice(&same));
    pair.alice.ice = Some(ice("two2"));
    let offer = pair.at_alice.offer(&pair.alice);
    assert!(pair.at_bob.restarts_ice(&offer));
    pair.at_alice.withdraw();
    let (_, _, at_bob, at_alice) = pair.bob_offers();
    assert_eq!((controlling(&at_alice), controlling(&at_bob)), (Some(true), Some(false)), "roles stay");
}
