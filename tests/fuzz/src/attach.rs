//! The attach protocol: messages, a network that hears any bytes at any point of a stay, and a terminal that does.

use rove_base::{Arrival, Entropy, Instant, Machine as _, Now, Scratch, Step, StreamId, Transport, UnixTime};
use rove_roam::{
    Addresses, Challenge, Generation, Imsi, Outcome, Profile, Proof, Services, Subscription,
    aka::TerminalKey,
    attach::{
        Frames, Identify, Response, ToNetwork, ToTerminal,
        terminal::{Access, Terminal, TerminalConfig},
    },
    private::{DialogueId, PartnerId, Told},
    vlr::{Agreement, Agreements, Event, Input, PoolAsk, PoolTold, Terms, Vlr, VlrConfig},
};

const NOW: Now = Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_700_000_000) };
const STREAM: StreamId = StreamId(1);
const HOME: PartnerId = PartnerId(0);
const NETWORK: &str = "visited.example";
const NONCE: [u8; 32] = [3; 32];

/// What is read is written the same; whatever a network or a terminal hears, what it says can be read, nothing is said on
/// a stream that it has closed, and answers stay in proportion.
///
/// # Panics
///
/// When that does not hold.
pub fn check(bytes: &[u8]) {
    messages(bytes);
    let Some((depth, rest)) = bytes.split_first() else { return };
    network(*depth % 5, rest);
    terminal(rest);
}

fn messages(bytes: &[u8]) {
    if let Ok(message) = ToNetwork::decode(bytes) {
        assert_eq!(ToNetwork::decode(&message.encode()), Ok(message));
    }
    if let Ok(message) = ToTerminal::decode(bytes) {
        assert_eq!(ToTerminal::decode(&message.encode()), Ok(message));
    }
}

fn network(depth: u8, bytes: &[u8]) {
    let mut desk = Desk::new();
    let key = TerminalKey::from_seed(&[7; 32]);
    let network = NETWORK.parse().expect("a name");
    let identify = Identify { imsi: imsi(), name: None, call: None };
    let response = Response::Ed25519(key.sign_nonce(&network, &NONCE));
    let steps = [
        ToNetwork::Identify(identify),
        ToNetwork::Response(response),
        ToNetwork::Prove { proof: Proof(vec![0; 64]) },
        ToNetwork::Ready,
    ];
    for step in steps.iter().take(usize::from(depth)) {
        desk.hears(&Frames::frame(&step.encode()));
    }
    assert!(!desk.closed, "the usual way is open");
    desk.said = 0;
    let half = bytes.len() / 2;
    desk.hears(bytes.get(..half).unwrap_or_default());
    desk.hears(bytes.get(half..).unwrap_or_default());
    assert!(desk.said <= 8 + bytes.len(), "{} messages to {} bytes", desk.said, bytes.len());
}

/// How many frames there are; each of them is a message.
fn frames(mut bytes: &[u8], is_message: impl Fn(&[u8]) -> bool) -> usize {
    let (mut frames, mut count) = (Frames::default(), 0);
    while let Some(frame) = frames.next(&mut bytes).expect("frames of allowed lengths") {
        assert!(is_message(&frame));
        count += 1;
    }
    count
}

/// A network whose home, pool and journal say yes to everything.
struct Desk {
    vlr: Vlr,
    closed: bool,
    said: usize,
}

impl Desk {
    fn new() -> Self {
        let agreement =
            Agreement { prefix: "26201".into(), partner: HOME, terms: Terms::Roaming, domains: vec![] };
        let (network, title) = (NETWORK.parse().expect("a name"), "4179".parse().expect("a number"));
        let config = VlrConfig::new(network, title, Agreements::new(vec![agreement]));
        let mut desk = Self { vlr: Vlr::new(config, Entropy::from_number(1)), closed: false, said: 0 };
        desk.tell(Input::Told(Told::Up(HOME)));
        desk.tell(Input::Arrival(connected()));
        desk
    }

    fn hears(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.tell(Input::Arrival(Arrival::Stream { stream: STREAM, bytes }));
        }
    }

    fn tell(&mut self, input: Input<'_>) {
        self.vlr.handle(NOW, input);
        let mut out = Scratch::default();
        loop {
            match self.vlr.poll(&mut out) {
                Step::Send(transmit) => {
                    assert!(!self.closed, "nothing is said on a closed stream");
                    self.said += frames(out.get(transmit.range), |frame| ToTerminal::decode(frame).is_ok());
                }
                Step::Close(_) => self.closed = true,
                Step::Event(event) => self.answer(event),
                Step::Wait(_) => return,
                step => panic!("{step:?}"),
            }
        }
    }

    fn answer(&mut self, event: Event) {
        match event {
            Event::Ask { partner, id, operation } => {
                use rove_roam::Operation as Op;
                let outcome = match operation {
                    Op::SendAuthenticationInfo { .. } => {
                        let public_key = TerminalKey::from_seed(&[7; 32]).public();
                        Outcome::AuthenticationInfo(vec![Challenge::Ed25519 { nonce: NONCE, public_key }])
                    }
                    Op::UpdateLocation { imsi, .. } => {
                        let operation = Op::InsertSubscriberData { imsi, subscription: subscription() };
                        let asked = Told::Asked { partner, id: DialogueId(1 << 40), operation };
                        self.vlr.handle(NOW, Input::Told(asked));
                        Outcome::Located { hlr: "4930".parse().expect("a number"), generation: Generation(1) }
                    }
                    Op::Bind { lease, .. } => Outcome::Bound { lease },
                    _ => Outcome::Done,
                };
                self.vlr.handle(NOW, Input::Told(Told::Answered { partner, id, result: Ok(outcome) }));
            }
            Event::Commit(change) => self.vlr.handle(NOW, Input::Committed(change.id, Ok(()))),
            Event::Pool(PoolAsk::Reserve { holder, attempt }) => {
                let result = Ok(Addresses { v4: Some([10, 1, 0, 1].into()), v6: None });
                self.vlr.handle(NOW, Input::Pool(PoolTold::Reserved { holder, attempt, result }));
            }
            _ => {}
        }
    }
}

fn terminal(bytes: &[u8]) {
    let config = TerminalConfig { imsi: imsi(), name: None, dhcp: false };
    let key = TerminalKey::from_seed(&[7; 32]);
    let mut terminal = Terminal::new(config, Box::new(key), Entropy::from_number(1));
    let access = Access { address: ([127, 0, 0, 1], 4_043).into(), network: NETWORK.parse().ok() };
    terminal.attach(NOW, access);
    let mut out = Scratch::default();
    let Step::Connect(connect) = terminal.poll(&mut out) else { panic!("it connects") };
    let stream = connect.stream;
    let (local, remote) = (([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into());
    terminal.handle(NOW, Arrival::Connected { stream, local, remote, transport: Transport::Tls });
    let mut closed = false;
    for bytes in bytes.chunks(50) {
        terminal.handle(NOW, Arrival::Stream { stream, bytes });
        loop {
            match terminal.poll(&mut out) {
                Step::Send(transmit) => {
                    assert!(!closed, "nothing is said on a closed stream");
                    frames(out.get(transmit.range), |frame| ToNetwork::decode(frame).is_ok());
                }
                Step::Close(_) => closed = true,
                Step::Wait(_) => break,
                _ => {}
            }
        }
    }
}

fn connected() -> Arrival<'static> {
    let (local, remote) = (([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into());
    Arrival::Connected { stream: STREAM, local, remote, transport: Transport::Tls }
}

fn imsi() -> Imsi {
    "262011234567890".parse().expect("an identity")
}

fn subscription() -> Subscription {
    let services = Services { roaming: true, packet_data: true, ..Services::default() };
    let name = "t1.home.example".parse().ok();
    Subscription { msisdn: None, name, profile: Profile { services, ..Profile::default() } }
}
