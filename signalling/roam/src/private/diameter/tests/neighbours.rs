//! What a home says to its neighbours.

use super::*;

/// Steps, and of the messages among them command, whether it is a request, and the result.
type Wants = (Vec<Step<Told>>, Vec<(u32, bool, Option<u32>)>);

/// A home, a stream that `visited.example` has opened, and what the home says on it.
struct Home {
    node: Diameter,
    now: Now,
}

impl Home {
    fn new() -> Self {
        let partner = Partner {
            id: PartnerId(1),
            name: visited().network,
            plmn: "00102".parse().unwrap(),
            title: visited().vlr,
            address: None,
            transport: rove_base::Transport::Tls,
        };
        let config = DiameterConfig {
            network: "home.example".parse().unwrap(),
            plmn: "00101".parse().unwrap(),
            title: "491770000001".parse().unwrap(),
            partners: vec![partner],
        };
        let mut node = Diameter::new(config, Entropy::from_number(1));
        let (stream, end) = (StreamId(1), ([192, 0, 2, 1], 5_658).into());
        let transport = rove_base::Transport::Tls;
        node.handle(Now::default(), Arrival::Connected { stream, local: end, remote: end, transport });
        node.handle(Now::default(), Arrival::Identified { stream, name: "visited.example" });
        Self { node, now: Now::default() }
    }

    /// Says something of the base protocol; what is answered.
    fn hear(&mut self, flags: u8, command: u32, avps: impl FnOnce(&mut Writer<'_>)) -> Vec<Step<Told>> {
        let mut bytes = Vec::new();
        message::write(&mut bytes, Header { flags, command, application: 0, hop: 7, end: 8 }, avps);
        self.node.handle(self.now, Arrival::Stream { stream: StreamId(1), bytes: &bytes });
        self.steps().0
    }

    /// All it wants, and the messages among that.
    fn steps(&mut self) -> Wants {
        let (mut steps, mut messages, mut scratch) = (Vec::new(), Vec::new(), Scratch::default());
        loop {
            match self.node.poll(&mut scratch) {
                Step::Wait(_) => return (steps, messages),
                Step::Send(transmit) => {
                    let mut rest = scratch.get(transmit.range);
                    while let Some(len) = message::length(rest).unwrap() {
                        let message = Message::parse(&rest[..len]).unwrap();
                        let code = message.avps.number(codes::RESULT_CODE).unwrap();
                        messages.push((message.header.command, message.header.is_request(), code));
                        rest = &rest[len..];
                    }
                }
                step => steps.push(step),
            }
        }
    }

    /// Capabilities of a node of that name, for that application.
    fn greeted(&mut self, host: &str, application: u32) -> Wants {
        let mut bytes = Vec::new();
        let header = Header { flags: REQUEST, command: 257, application: 0, hop: 1, end: 1 };
        message::write(&mut bytes, header, |out| {
            out.value(codes::ORIGIN_HOST, host.as_bytes());
            out.number(codes::AUTH_APPLICATION_ID, application);
        });
        self.node.handle(self.now, Arrival::Stream { stream: StreamId(1), bytes: &bytes });
        self.steps()
    }
}

#[test]
fn capabilities_are_judged_by_the_certificate_and_the_application() {
    let up = Step::Event(Told::Up(PartnerId(1)));
    let close = Step::Close(StreamId(1));
    for (what, host, application, code, step) in [
        ("a node of S6a", "visited.example", codes::S6A, 2_001, &up),
        ("a relay", "visited.example", codes::RELAY, 2_001, &up),
        ("another than its certificate says", "other.example", codes::S6A, 3_010, &close),
        ("a node of something else", "visited.example", 4, 5_010, &close),
        ("no name at all", "?", codes::S6A, 5_004, &close),
    ] {
        let (steps, messages) = Home::new().greeted(host, application);
        assert_eq!(messages, [(257, false, Some(code))], "{what}");
        assert_eq!(steps, core::slice::from_ref(step), "{what}");
    }
}

#[test]
fn a_silent_partner_is_asked_by_a_watchdog_and_left_when_it_does_not_answer() {
    let mut home = Home::new();
    home.greeted("visited.example", codes::S6A);
    home.now.mono = home.now.mono.later(core::time::Duration::from_secs(11));
    home.node.tick(home.now);
    assert_eq!(home.steps().1, [(280, true, None)]);
    let answered = home.hear(0, 280, |out| out.number(codes::RESULT_CODE, 2_001));
    assert!(answered.is_empty(), "{answered:?}");
    home.now.mono = home.now.mono.later(core::time::Duration::from_secs(11));
    home.node.tick(home.now);
    assert_eq!(home.steps().1, [(280, true, None)]);
    home.now.mono = home.now.mono.later(core::time::Duration::from_secs(6));
    home.node.tick(home.now);
    let (steps, messages) = home.steps();
    assert_eq!(messages, [(282, true, None)], "it takes leave");
    assert_eq!(steps, [Step::Close(StreamId(1)), Step::Event(Told::Down(PartnerId(1)))]);
}

#[test]
fn who_takes_leave_is_answered_and_not_left_again() {
    let mut home = Home::new();
    home.greeted("visited.example", codes::S6A);
    let mut bytes = Vec::new();
    let header = Header { flags: REQUEST, command: 282, application: 0, hop: 2, end: 2 };
    message::write(&mut bytes, header, |out| out.number(codes::DISCONNECT_CAUSE, 0));
    home.node.handle(home.now, Arrival::Stream { stream: StreamId(1), bytes: &bytes });
    let (steps, messages) = home.steps();
    assert_eq!(messages, [(282, false, Some(2_001))]);
    assert_eq!(steps, [Step::Close(StreamId(1)), Step::Event(Told::Down(PartnerId(1)))]);
}

/// What an MME asks, without a pair of ours.
fn mme_asks(plmn: [u8; 3], out: &mut Writer<'_>) {
    out.value(codes::USER_NAME, b"001010000000001");
    out.nest(codes::REQUESTED_EUTRAN_INFO, |out| {
        out.number(codes::NUMBER_OF_REQUESTED_VECTORS, 2);
        // Immediate-Response-Preferred, which is of no use here.
        out.number(Code::of_3gpp(1_412), 0);
    });
    out.value(codes::VISITED_PLMN_ID, &plmn);
}

#[test]
fn a14_an_mme_is_given_vectors_of_eps_for_its_own_network_alone() {
    let ask = |plmn: [u8; 3]| {
        let mut home = Home::new();
        home.greeted("visited.example", codes::S6A);
        let mut bytes = Vec::new();
        let header = Header { flags: REQUEST, command: 318, application: codes::S6A, hop: 7, end: 8 };
        message::write(&mut bytes, header, |out| mme_asks(plmn, out));
        home.node.handle(home.now, Arrival::Stream { stream: StreamId(1), bytes: &bytes });
        let (steps, messages) = home.steps();
        (home, steps, messages)
    };
    let (mut home, steps, messages) = ask([0x00, 0xf1, 0x20]);
    let plmn: Plmn = "00102".parse().unwrap();
    let [Step::Event(Told::Asked { partner, id, operation })] = &steps[..] else { panic!("{steps:?}") };
    let Operation::SendAuthenticationInfo { count: 2, eps, visited: asker, .. } = operation else {
        panic!("{operation:?}")
    };
    assert_eq!((*eps, asker, messages), (Some(plmn), &visited(), vec![]));
    let vector = EpsVector { rand: [1; 16], xres: vec![2; 8].into(), autn: [3; 16], kasme: [4; 32].into() };
    let given = Outcome::AuthenticationInfo(vec![Challenge::Eps(Box::new(vector)); 2]);
    home.node.answer(home.now, *partner, *id, Ok(given));
    assert_eq!(home.steps().1, [(318, false, Some(2_001))]);
    for (what, plmn) in [
        ("of another network, for which it could speak then", [0x00, 0xf1, 0x30]),
        ("no code at all", [0x0a, 0xf1, 0x20]),
    ] {
        let (_, steps, messages) = ask(plmn);
        assert_eq!(messages, [(318, false, Some(5_003))], "{what}");
        assert_eq!(steps, [Step::Event(Told::Malformed(PartnerId(1)))], "{what}: counted, and not handed up");
    }
}
