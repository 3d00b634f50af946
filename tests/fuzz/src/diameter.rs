//! Diameter: messages, what they ask and answer, and the whole adapter.

use rove_base::{Arrival, Entropy, Instant, Machine as _, Now, Scratch, Step, StreamId, Transport};
use rove_roam::{
    Cause,
    private::{
        Partner, PartnerId, PrivateNetwork as _, Told,
        diameter::{
            Diameter, DiameterConfig, answer,
            avp::{Avps, Writer},
            message::{self, Message},
            question::{self, Asker},
        },
        map::Kind,
    },
};

/// Any bytes are a message or an error; what is read of it reads the same when it is written; and whatever a partner
/// sends, an adapter answers in whole messages, and each question it hands up can be answered.
///
/// # Panics
///
/// When that does not hold.
pub fn check(bytes: &[u8]) {
    let title = "33600000002".parse().expect("a number");
    let network = "visited.example".parse().expect("a name");
    if let Ok(message) = Message::parse(bytes) {
        if let Ok(operation) = question::read(message.header.command, message.avps, title, &network) {
            let asker = Asker { plmn: "00202".parse().expect("a network code"), title };
            let mut out = Vec::new();
            question::write(&operation, asker, &mut Writer::new(&mut out));
            let command = question::command(Kind::of(&operation));
            let again = question::read(command, Avps::new(&out), title, &network);
            assert_eq!(again.as_ref(), Ok(&operation));
        }
        let _ = answer::read_refusal(message.avps);
        for kind in [Kind::SendAuthenticationInfo, Kind::UpdateLocation, Kind::Bind, Kind::RestoreData] {
            if let Ok(outcome) = answer::read(kind, message.avps, title) {
                let mut out = Vec::new();
                answer::write(kind, &outcome, &title, &mut Writer::new(&mut out));
                assert_eq!(answer::read(kind, Avps::new(&out), title), Ok(outcome));
            }
        }
    }
    let mut diameter = adapter();
    drain(&mut diameter);
    if !bytes.is_empty() {
        diameter.handle(NOW, Arrival::Stream { stream: STREAM, bytes });
        drain(&mut diameter);
    }
}

fn drain(diameter: &mut Diameter) {
    let mut scratch = Scratch::default();
    loop {
        match diameter.poll(&mut scratch) {
            Step::Wait(_) => return,
            Step::Event(Told::Asked { id, partner, .. }) => {
                diameter.answer(NOW, partner, id, Err(Cause::Overload));
            }
            Step::Send(transmit) => {
                let mut rest = scratch.get(transmit.range);
                while let Some(len) = message::length(rest).expect("a message of ours") {
                    let (message, after) = rest.split_at(len);
                    let mut avps = Message::parse(message).expect("a message of ours").avps;
                    while avps.take().expect("pairs of ours").is_some() {}
                    rest = after;
                }
                assert_eq!(rest, b"");
            }
            _ => {}
        }
    }
}

/// One with a partner that has told what it can.
fn adapter() -> Diameter {
    let partner = Partner {
        id: PartnerId(1),
        name: "visited.example".parse().expect("a name"),
        plmn: "00202".parse().expect("a network code"),
        title: "33600000002".parse().expect("a number"),
        address: None,
        transport: Transport::Tls,
    };
    let config = DiameterConfig {
        network: "home.example".parse().expect("a name"),
        plmn: "00101".parse().expect("a network code"),
        title: "491770000001".parse().expect("a number"),
        partners: vec![partner],
    };
    let mut diameter = Diameter::new(config, Entropy::from_number(1));
    let address = ([127, 0, 0, 1], 1).into();
    let (local, remote, transport) = (address, address, Transport::Tls);
    diameter.handle(NOW, Arrival::Connected { stream: STREAM, local, remote, transport });
    diameter.handle(NOW, Arrival::Identified { stream: STREAM, name: "visited.example" });
    diameter.handle(NOW, Arrival::Stream { stream: STREAM, bytes: CAPABILITIES });
    diameter
}

/// Capabilities-Exchange-Request of visited.example, a relay.
const CAPABILITIES: &[u8] =
    b"\x01\x00\x00\x38\x80\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\
    \x00\x00\x01\x08\x40\x00\x00\x17visited.example\x00\
    \x00\x00\x01\x02\x40\x00\x00\x0c\xff\xff\xff\xff";
const STREAM: StreamId = StreamId(1);
const NOW: Now = Now { mono: Instant::ZERO, wall: rove_base::UnixTime::from_secs(1_700_000_000) };
