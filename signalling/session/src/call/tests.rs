//! Two ends whose facts are carried by hand: what both agree on about the protection of media.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

use rove_base::{DtlsPlan, DtlsRole, Fingerprint, IcePlan, IceRole, LocalPath, Security, Transport};
use rove_sdp::Description;
use rove_sip::message::NameAddr;

use super::*;

mod changes;

/// One end of a call.
struct End {
    config: Config,
    record: Record,
    entropy: Entropy,
    asks: Vec<Ask>,
    hop: Hop,
    ports: MediaPorts,
    /// What media began with.
    accepted_plan: Option<MediaPlan>,
}

impl End {
    fn new(host: u8, peer: u8, wanted: MediaSecurity, transport: Transport) -> Self {
        let at = |host: u8, port: u16| SocketAddr::new(IpAddr::from([192, 0, 2, host]), port);
        let target: Target = Target::parse("sip:bob@192.0.2.2").unwrap();
        let config = Config {
            identity: NameAddr::new(target.uri().clone()),
            anonymous: false,
            user_agent: String::new(),
            sip: Vec::new(),
            sip_streams: Vec::new(),
            streams: rove_sip::transport::Limits::default(),
            dns: Vec::new(),
            dns_servers: Vec::new(),
            dns_walk: false,
            codecs: vec![CodecId::Pcmu],
            packet_time: Duration::from_millis(20),
            media_security: wanted,
            stun_server: None,
            ring_for: Duration::from_secs(60),
            cname: format!("end{host}"),
            follow_transfers: true,
            most_calls: 1,
            disclosure: crate::Disclosure::Nothing,
            most_watchers: 1,
            most_requests: 0,
            most_ringing: 1,
        };
        let side = if host == 1 { crate::Side::Caller } else { crate::Side::Callee };
        let record = Record::new(side, "bob".into(), "peer".into(), Instant::ZERO);
        Self {
            config,
            record,
            entropy: Entropy::from_number(host.into()),
            asks: Vec::new(),
            hop: Hop::toward(transport, at(host, 5060), at(peer, 5060)),
            ports: MediaPorts::plain(at(host, 4000), at(host, 4001), at(host, 5060)),
            accepted_plan: None,
        }
    }

    fn act(&mut self, act: impl FnOnce(&mut Context<'_>) -> State) -> State {
        let now = Now::default();
        let Self { config, record, entropy, asks, .. } = self;
        act(&mut Context { now, config, record, asks, session_id: 7, entropy })
    }

    fn calls(&mut self) -> State {
        let (hop, ports) = (self.hop, self.ports.clone());
        let target = Target::parse("sip:bob@192.0.2.2").unwrap();
        self.act(|cx| Offering::start(cx, target, hop, &ports, VecDeque::new()))
    }

    fn is_called(&mut self, offer: &[u8]) -> State {
        let (hop, ports) = (self.hop, self.ports.clone());
        let state = self.act(|cx| Alerting::start(cx, hop, offer));
        let state = self.act(|cx| state.on(cx, Fact::MediaOpened(ports)));
        self.act(|cx| state.on(cx, Fact::Answer))
    }

    fn offer(&self) -> Option<Vec<u8>> {
        self.asks.iter().find_map(|ask| match ask {
            Ask::Invite { offer, .. } => Some(offer.clone()),
            _ => None,
        })
    }

    fn accepted(&self) -> Option<Vec<u8>> {
        self.asks.iter().find_map(|ask| match ask {
            Ask::Accept(body) => Some(body.clone()),
            _ => None,
        })
    }

    fn plan(&self) -> Option<&MediaPlan> {
        self.asks.iter().find_map(|ask| match ask {
            Ask::StartMedia(plan) => Some(plan),
            _ => None,
        })
    }

    /// The status and words of a refusal.
    fn rejected(&self) -> Option<(u16, String)> {
        self.asks.iter().find_map(|ask| match ask {
            Ask::Reject { status, why } => Some((status.code(), why.clone().unwrap_or_default())),
            _ => None,
        })
    }

    fn cause(&self) -> String {
        self.record.cause.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

/// What a call comes to: how both protect, or who ends it and a word of the reason.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Agreed(SecurityKind),
    CallerGivesUp(&'static str),
    CalleeRefuses(&'static str),
}

/// Lets alice call bob and checks that both ends say the same.
fn call(ours: MediaSecurity, theirs: MediaSecurity, transport: Transport) -> Outcome {
    let mut alice = End::new(1, 2, ours, transport);
    let mut bob = End::new(2, 1, theirs, transport);
    let at_alice = alice.calls();
    let Some(offer) = alice.offer() else {
        assert!(
            matches!(at_alice, State::Over) && alice.asks.iter().any(|ask| matches!(ask, Ask::StopMedia))
        );
        return Outcome::CallerGivesUp(word(&alice.cause()));
    };
    let keys = String::from_utf8_lossy(&offer).contains("inline:");
    assert!(!keys || transport.is_secure(), "keys over {transport}");
    let at_bob = bob.is_called(&offer);
    let Some(answer) = bob.accepted() else {
        assert!(matches!(at_bob, State::Over) && bob.plan().is_none());
        assert_eq!(bob.record.cause.as_ref().map(Cause::name), Some("media_security"));
        let (status, why) = bob.rejected().unwrap();
        assert_eq!(status, 488, "{why}");
        return Outcome::CalleeRefuses(word(&why));
    };
    let at_alice = alice.act(|cx| at_alice.on(cx, Fact::Answered(answer)));
    assert!(matches!((at_alice, at_bob), (State::Talking(_), State::Talking(_))));
    let (a, b) = (alice.plan().unwrap(), bob.plan().unwrap());
    match (a.srtp(), b.srtp()) {
        (None, None) => {}
        (Some(a), Some(b)) => {
            assert_eq!((a.send(), a.receive()), (b.receive(), b.send()));
            assert_eq!(a.profile(), b.profile());
        }
        _ => panic!("only one of them protects"),
    }
    assert_eq!(alice.record.security, bob.record.security);
    let told = alice.asks.iter().find_map(|ask| match ask {
        Ask::Tell(Progress::Answered { security, .. }) => Some(*security),
        _ => None,
    });
    assert_eq!(told, alice.record.security);
    assert_eq!(a.srtp().is_some(), told != Some(SecurityKind::None));
    Outcome::Agreed(told.unwrap())
}

/// The word by which a reason is told.
fn word(reason: &str) -> &'static str {
    let words = ["everybody can read", "does not protect", "RTP/SAVP"];
    words.into_iter().find(|word| reason.contains(word)).unwrap_or_else(|| panic!("{reason}"))
}

#[test]
fn the_policy_of_both_and_the_hop_decide_on_keys() {
    use MediaSecurity::{Never, Optional, Required};
    use Outcome::{Agreed, CalleeRefuses, CallerGivesUp};
    let clear = Agreed(SecurityKind::None);
    let sdes = Agreed(SecurityKind::Sdes);
    let in_clear = CallerGivesUp("everybody can read");
    let bare = CalleeRefuses("does not protect");
    //   ours × theirs → over a hop that others can read, over a secure one
    let cases = [
        (Never, Never, clear, clear),
        (Never, Optional, clear, clear),
        (Never, Required, bare, bare),
        (Optional, Never, clear, clear),
        (Optional, Optional, clear, sdes),
        (Optional, Required, bare, sdes),
        (Required, Never, in_clear, CalleeRefuses("RTP/SAVP")),
        (Required, Optional, in_clear, sdes),
        (Required, Required, in_clear, sdes),
    ];
    for (ours, theirs, open, secure) in cases {
        for (transports, expected) in [
            (&[Transport::Udp, Transport::Tcp, Transport::Ws][..], open),
            (&[Transport::Tls, Transport::Wss][..], secure),
        ] {
            for transport in transports {
                assert_eq!(call(ours, theirs, *transport), expected, "{ours:?} {theirs:?} {transport}");
            }
        }
    }
}

#[test]
fn keys_that_come_over_a_clear_hop_are_not_taken() {
    let mut alice = End::new(1, 2, MediaSecurity::Required, Transport::Tls);
    alice.calls();
    let savp = alice.offer().unwrap();
    let avp = String::from_utf8(savp.clone()).unwrap().replace("RTP/SAVP", "RTP/AVP").into_bytes();
    let bob = |wanted, offer: &[u8]| {
        let mut bob = End::new(2, 1, wanted, Transport::Udp);
        bob.is_called(offer);
        bob
    };
    for wanted in [MediaSecurity::Optional, MediaSecurity::Required] {
        let refused = bob(wanted, &savp).rejected().unwrap();
        assert_eq!((refused.0, word(&refused.1)), (488, "everybody can read"), "{wanted:?}");
    }
    let answered = bob(MediaSecurity::Optional, &avp);
    assert!(answered.plan().unwrap().srtp().is_none(), "best effort goes on without");
    assert!(!String::from_utf8(answered.accepted().unwrap()).unwrap().contains("crypto"));
    assert!(bob(MediaSecurity::Required, &avp).rejected().is_some());
}

#[test]
fn an_offer_that_is_left_to_the_callee_is_protected_as_well() {
    let mut bob = End::new(2, 1, MediaSecurity::Required, Transport::Tls);
    let at_bob = bob.is_called(b"");
    let offer = Description::parse(&bob.accepted().unwrap()).unwrap();
    let alice = End::new(1, 2, MediaSecurity::Optional, Transport::Tls);
    let local = {
        let mut alice = alice;
        let (hop, ports) = (alice.hop, alice.ports.clone());
        let mut local = None;
        alice.act(|cx| {
            local = Some(cx.local(&ports, &hop));
            State::Over
        });
        local.unwrap()
    };
    let (answer, agreed) = rove_sdp::answer(&offer, &local).unwrap();
    assert_eq!(SecurityKind::from(&agreed.security), SecurityKind::Sdes);
    let at_bob = bob.act(|cx| at_bob.on(cx, Fact::Acknowledged(Some(answer.to_bytes()))));
    assert!(matches!(at_bob, State::Talking(_)) && bob.plan().unwrap().srtp().is_some());
    let mut bob = End::new(2, 1, MediaSecurity::Required, Transport::Udp);
    assert!(matches!(bob.is_called(b""), State::Over));
    assert_eq!(word(&bob.rejected().unwrap().1), "everybody can read");
}

#[test]
fn a_caller_who_demands_protection_does_not_talk_without_it() {
    let mut alice = End::new(1, 2, MediaSecurity::Required, Transport::Tls);
    let state = alice.calls();
    let plain = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0\r\na=rtcp-mux\r\n";
    let state = alice.act(|cx| state.on(cx, Fact::Answered(plain.into())));
    assert!(matches!(state, State::Ending(_)) && alice.plan().is_none());
    let state = alice.act(|cx| state.on(cx, Fact::Ended { by: Party::Peer, reason: None }));
    assert!(matches!(state, State::Over));
    assert_eq!(alice.record.cause.as_ref().map(Cause::name), Some("media_security"));
    let mut alice = End::new(1, 2, MediaSecurity::Required, Transport::Tls);
    let state = alice.calls();
    let failure = Failure::Status {
        code: StatusCode::NOT_ACCEPTABLE_HERE,
        reason: String::new(),
        warning: None,
        retry_after: None,
        contacts: Vec::new(),
    };
    alice.act(|cx| state.on(cx, Fact::Failed(failure)));
    assert_eq!(alice.record.cause.as_ref().map(Cause::name), Some("media_security"));
}

#[test]
fn what_the_media_can_do_is_offered_and_lands_in_both_plans() {
    let reach = |end: &mut End, print: u8| {
        let path = LocalPath::draw(&[end.ports.rtp], Fingerprint([print; 32]), &mut end.entropy);
        end.ports.path = Some(path);
    };
    let mut alice = End::new(1, 2, MediaSecurity::Required, Transport::Udp);
    let mut bob = End::new(2, 1, MediaSecurity::Optional, Transport::Udp);
    reach(&mut alice, 1);
    reach(&mut bob, 2);
    let at_alice = alice.calls();
    let at_bob = bob.is_called(&alice.offer().unwrap());
    let answer = bob.accepted().unwrap();
    let at_alice = alice.act(|cx| at_alice.on(cx, Fact::Answered(answer)));
    assert!(matches!((at_alice, at_bob), (State::Talking(_), State::Talking(_))));
    assert_eq!(alice.record.security, Some(SecurityKind::Dtls), "over a hop that others can read");
    let ends = [
        (&alice, &bob, DtlsRole::Passive, IceRole::Controlling),
        (&bob, &alice, DtlsRole::Active, IceRole::Controlled),
    ];
    for (end, other, dtls, role) in ends {
        let plan = end.plan().unwrap();
        let (own, theirs) = (end.ports.path.clone().unwrap(), other.ports.path.clone().unwrap());
        let fingerprint = theirs.fingerprint;
        assert_eq!(plan.security(), &Security::Dtls(DtlsPlan { role: dtls, fingerprint }));
        let expected = IcePlan {
            local: own.credentials,
            remote: theirs.credentials,
            local_candidates: own.candidates,
            remote_candidates: theirs.candidates,
            complete: true,
            role,
            lite_peer: false,
            stun_server: None,
        };
        assert_eq!(plan.ice(), Some(&expected));
        let route = plan.routes()[0];
        assert_eq!((route.rtp, route.rtp.remote), (route.rtcp, other.ports.rtp));
    }
}
