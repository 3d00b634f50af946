//! Sessions that change while they stand: hold, moves, what is refused, who takes over.

use super::*;

mod relocations;
mod renewals;

/// Alice and Bob, who talk.
struct Pair {
    alice: End,
    bob: End,
    at_alice: State,
    at_bob: State,
}

impl Pair {
    fn talking() -> Self {
        Self::speaking(&[CodecId::Pcmu])
    }

    fn speaking(codecs: &[CodecId]) -> Self {
        let mut alice = End::new(1, 2, MediaSecurity::Optional, Transport::Tls);
        let mut bob = End::new(2, 1, MediaSecurity::Optional, Transport::Tls);
        (alice.config.codecs, bob.config.codecs) = (codecs.to_vec(), codecs.to_vec());
        Self::join(alice, bob)
    }

    /// The same with checks of connectivity and keys agreed on in the media path.
    fn checking() -> Self {
        Self::checking_with(None)
    }

    /// The same with somebody to ask how the world sees each.
    fn trickling() -> Self {
        Self::checking_with(Some(SocketAddr::new(IpAddr::from([198, 51, 100, 1]), 3478)))
    }

    fn checking_with(stun_server: Option<SocketAddr>) -> Self {
        let [alice, bob] = [(1, 2), (2, 1)].map(|(host, peer)| {
            let mut end = End::new(host, peer, MediaSecurity::Optional, Transport::Udp);
            end.config.stun_server = stun_server;
            let mut entropy = Entropy::from_number(u64::from(host) + 40);
            let path = LocalPath::draw(&[end.ports.rtp], Fingerprint([host; 32]), &mut entropy);
            end.ports.path = Some(path);
            end
        });
        Self::join(alice, bob)
    }

    fn join(mut alice: End, mut bob: End) -> Self {
        let at_alice = alice.calls();
        let at_bob = bob.is_called(&alice.offer().unwrap());
        let answer = bob.accepted().unwrap();
        let at_alice = alice.act(|cx| at_alice.on(cx, Fact::Answered(answer)));
        (alice.accepted_plan, bob.accepted_plan) = (alice.plan().cloned(), bob.plan().cloned());
        alice.asks.clear();
        bob.asks.clear();
        Self { alice, bob, at_alice, at_bob }
    }

    /// A fact for Alice.
    fn alice(&mut self, fact: Fact) {
        let state = core::mem::replace(&mut self.at_alice, State::Over);
        self.at_alice = self.alice.act(|cx| state.on(cx, fact));
    }

    fn bob(&mut self, fact: Fact) {
        let state = core::mem::replace(&mut self.at_bob, State::Over);
        self.at_bob = self.bob.act(|cx| state.on(cx, fact));
    }

    /// Carries the offer that Alice wants to make, and the answer or the refusal.
    fn carry(&mut self) {
        let offer = self.alice.asks.iter().find_map(|ask| match ask {
            Ask::Change { offer, .. } => Some(offer.clone()),
            _ => None,
        });
        self.bob(Fact::Reoffered(offer.expect("an offer")));
        let answer = self.bob.asks.iter().find_map(|ask| match ask {
            Ask::AcceptChange(answer) => Some(Fact::Changed(answer.clone())),
            Ask::RejectChange { status, .. } => Some(Fact::ChangeFailed(refused(*status))),
            _ => None,
        });
        self.alice(answer.expect("an answer"));
    }
}

fn refused(code: StatusCode) -> Failure {
    Failure::Status { code, reason: "no".into(), warning: None, retry_after: None, contacts: Vec::new() }
}

impl End {
    fn changed(&self) -> Option<&MediaPlan> {
        self.asks.iter().rev().find_map(|ask| match ask {
            Ask::ChangeMedia(plan) => Some(plan),
            _ => None,
        })
    }

    fn told(&self) -> Vec<Progress> {
        let told = self.asks.iter().filter_map(|ask| match ask {
            Ask::Tell(progress) => Some(progress.clone()),
            _ => None,
        });
        told.collect()
    }
}

#[test]
fn a_held_call_sends_nothing_from_either_side_and_goes_on_as_it_was() {
    use rove_base::Direction;
    let mut pair = Pair::talking();
    pair.alice(Fact::Hold(true));
    pair.carry();
    assert_eq!(pair.alice.changed().unwrap().direction(), Direction::Inactive);
    assert_eq!(pair.bob.changed().unwrap().direction(), Direction::RecvOnly);
    assert_eq!(pair.alice.told(), [Progress::Held { by: Party::Us }]);
    assert_eq!(pair.bob.told(), [Progress::Held { by: Party::Peer }]);
    pair.alice.asks.clear();
    pair.bob.asks.clear();
    pair.alice(Fact::Hold(true));
    assert!(pair.alice.asks.is_empty(), "it is held already");
    pair.alice(Fact::Hold(false));
    pair.carry();
    assert_eq!(pair.alice.changed().unwrap().direction(), Direction::SendRecv);
    assert_eq!(pair.bob.changed().unwrap().direction(), Direction::SendRecv);
    assert_eq!(pair.alice.told(), [Progress::Resumed { by: Party::Us }]);
    assert_eq!(pair.bob.told(), [Progress::Resumed { by: Party::Peer }]);
}

#[test]
fn who_moves_offers_its_new_address_and_both_send_to_where_the_other_is() {
    let mut pair = Pair::talking();
    let security = pair.alice.record.security;
    pair.alice(Fact::Moved);
    assert!(matches!(pair.alice.asks[..], [Ask::OpenMedia(toward)] if toward == pair.alice.hop.remote));
    let at = |port| SocketAddr::new(IpAddr::from([192, 0, 2, 9]), port);
    pair.alice(Fact::MediaOpened(MediaPorts::plain(at(6000), at(6001), at(5060))));
    let hop = pair.alice.asks.iter().find_map(|ask| match ask {
        Ask::Change { hop, .. } => *hop,
        _ => None,
    });
    assert_eq!(hop.map(|hop| (hop.local, hop.remote)), Some((at(5060), pair.alice.hop.remote)));
    pair.carry();
    let route = |plan: &MediaPlan| plan.routes()[0].rtp;
    let (ours, theirs) = (route(pair.alice.changed().unwrap()), route(pair.bob.changed().unwrap()));
    assert_eq!((ours.local, theirs.remote), (at(6000), at(6000)));
    assert_eq!((ours.remote, theirs.local), (pair.bob.ports.rtp, pair.bob.ports.rtp));
    assert_eq!(pair.alice.record.security, security, "the keys stay");
    assert_eq!(pair.bob.told(), [Progress::Moved { remote: at(6000) }]);
    assert!(pair.alice.changed().unwrap().srtp().is_some());
}

#[test]
fn what_would_break_the_stream_is_refused_and_the_session_stays() {
    let mut pair = Pair::talking();
    pair.alice(Fact::Hold(true));
    let offer = pair.alice.asks.iter().find_map(|ask| match ask {
        Ask::Change { offer, .. } => Some(String::from_utf8(offer.clone()).unwrap()),
        _ => None,
    });
    let offer = offer.unwrap();
    let cases = [
        (
            "a codec that nobody here speaks",
            offer.replace(" 0 ", " 8 ").replace(" 0\r\n", " 8\r\n").replace(":0 PCMU", ":8 PCMA"),
        ),
        ("no audio any more", offer.replace("m=audio 4000", "m=audio 0")),
        ("nonsense", "v=1\r\n".into()),
    ];
    for (what, offer) in cases {
        pair.bob.asks.clear();
        pair.bob(Fact::Reoffered(offer.into_bytes()));
        let refused = matches!(pair.bob.asks[..], [Ask::RejectChange { status, .. }] if status.code() == 488);
        assert!(refused && pair.bob.changed().is_none(), "{what}: {:?}", pair.bob.asks);
    }
    pair.bob.asks.clear();
    pair.bob(Fact::Reoffered(Vec::new()));
    assert!(matches!(pair.bob.asks[..], [Ask::AcceptChange(_)]), "an offer of ours is what stands");
}

#[test]
fn a_hold_that_is_refused_did_not_take_place() {
    let mut pair = Pair::talking();
    pair.alice(Fact::Hold(true));
    pair.alice.asks.clear();
    pair.alice(Fact::ChangeFailed(refused(StatusCode::NOT_ACCEPTABLE_HERE)));
    assert_eq!(pair.alice.told(), [Progress::Unchanged { why: "488 no".into() }]);
    pair.alice.asks.clear();
    pair.alice(Fact::Hold(false));
    assert!(pair.alice.asks.is_empty(), "it is not held");
}

#[test]
fn a_call_that_was_handed_over_ends_in_order_and_one_that_was_not_goes_on() {
    let mut pair = Pair::talking();
    pair.alice(Fact::Transfer { status: StatusCode::RINGING, last: false });
    pair.alice(Fact::Transfer { status: StatusCode::BUSY_HERE, last: true });
    let why = "486 Busy Here".to_owned();
    let expected = [Progress::Transferring { status: StatusCode::RINGING }, Progress::TransferFailed { why }];
    assert_eq!(pair.alice.told(), expected);
    assert!(matches!(pair.at_alice, State::Talking(_)));
    pair.alice(Fact::Transfer { status: StatusCode::OK, last: true });
    assert!(matches!(pair.at_alice, State::Ending(_)));
    pair.alice(Fact::Ended { by: Party::Us, reason: None });
    assert_eq!(pair.alice.record.cause, Some(Cause::Transferred));
    for (reason, cause) in [(None, "transferred"), (Some("no ACK"), "vanished"), (Some("no answer"), "lost")]
    {
        let mut pair = Pair::talking();
        pair.bob(Fact::Ended { by: Party::Us, reason: reason.map(str::to_owned) });
        assert_eq!(pair.bob.record.cause.as_ref().map(Cause::name), Some(cause));
    }
}

#[test]
fn early_media_play_before_the_answer_and_go_on_after_it() {
    let mut alice = End::new(1, 2, MediaSecurity::Never, Transport::Udp);
    let mut bob = End::new(2, 1, MediaSecurity::Never, Transport::Udp);
    let state = alice.calls();
    bob.is_called(&alice.offer().unwrap());
    let answer = bob.accepted().unwrap();
    let ringing = || Fact::Ringing { status: StatusCode::SESSION_PROGRESS, body: Some(answer.clone()) };
    let state = alice.act(|cx| state.on(cx, ringing()));
    let state = alice.act(|cx| state.on(cx, ringing()));
    let started = alice.asks.iter().filter(|ask| matches!(ask, Ask::StartMedia(_))).count();
    assert_eq!(started, 1, "once");
    assert_eq!(
        alice.plan().unwrap().routes()[0].rtp.remote,
        bob.ports.rtp,
        "from there and from nowhere else"
    );
    let same = alice.act(|cx| state.on(cx, Fact::Answered(answer.clone())));
    assert!(matches!(same, State::Talking(_)) && alice.changed().is_none());
    let started = alice.asks.iter().filter(|ask| matches!(ask, Ask::StartMedia(_))).count();
    assert_eq!(started, 1, "the stream goes on");

    let mut alice = End::new(1, 2, MediaSecurity::Never, Transport::Udp);
    let state = alice.calls();
    let state = alice.act(|cx| state.on(cx, ringing()));
    let elsewhere = String::from_utf8(answer.clone()).unwrap().replace("192.0.2.2", "192.0.2.3");
    let state = alice.act(|cx| state.on(cx, Fact::Answered(elsewhere.into_bytes())));
    assert!(matches!(state, State::Talking(_)));
    let remote = alice.changed().unwrap().routes()[0].rtp.remote;
    assert_eq!(remote.ip(), IpAddr::from([192, 0, 2, 3]), "another branch of the fork has answered");
}
