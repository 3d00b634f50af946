//! The private network: M3UA with SCCP, TCAP, MAP, and the whole adapter that holds them.

use rove_base::{Arrival, Entropy, Instant, Now, Scratch, Step, StreamId, Transport};
use rove_roam::{
    Cause, NetworkName,
    private::{
        Partner, PartnerId, PrivateNetwork, Told,
        ansi41::{Ansi41, package::Package, parameters},
        ber, m3ua,
        map::{Kind, Map, MapConfig, argument, outcome},
        sccp, tcap,
    },
};

const PARTNER: PartnerId = PartnerId(1);
const STREAM: StreamId = StreamId(1);
const CODES: [u8; 8] = [2, 3, 7, 8, 37, 56, 57, 67];

/// Any bytes are messages of M3UA with SCCP in them, one after the other, or an error; what is read is part of them.
///
/// # Panics
///
/// When that does not hold.
pub fn sccp(bytes: &[u8]) {
    let mut reassembly = sccp::Reassembly::default();
    let mut rest = bytes;
    while let Ok(Some(len)) = m3ua::length(rest) {
        let Some((message, after)) = rest.split_at_checked(len) else { break };
        rest = after;
        if let Ok(data) = m3ua::Message::parse(message).and_then(|message| message.data()) {
            unit(data.user, &mut reassembly);
        }
    }
    unit(bytes, &mut reassembly);
}

fn unit(bytes: &[u8], reassembly: &mut sccp::Reassembly) {
    let Ok(message) = sccp::Message::parse(bytes) else { return };
    assert!(message.data.len() < bytes.len());
    for address in [message.called, message.calling] {
        let again = sccp::Address::parse(&address.to_octets());
        assert_eq!(again, Ok(address), "an address reads back");
    }
    if let Ok(Some(whole)) = reassembly.take(Instant::ZERO, message) {
        assert!(whole.data.len() <= sccp::MAX_SEGMENTS * 255 || message.segment.is_none());
    }
}

/// Any bytes are a message of TCAP or an error.
pub fn tcap(bytes: &[u8]) {
    let _ = tcap::Message::origin(bytes);
    if let Ok(
        tcap::Message::Begin { mut components, .. }
        | tcap::Message::Continue { mut components, .. }
        | tcap::Message::End { mut components, .. },
    ) = tcap::Message::parse(bytes)
    {
        while let Ok(Some(_)) = components.take() {}
    }
}

/// Any bytes are an argument, a result, or an error; an argument that is read reads the same when it is written.
///
/// # Panics
///
/// When that does not hold.
pub fn map(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let code = CODES[usize::from(first) % CODES.len()];
    let kind = Kind::from_code(code).expect("a code");
    let title = "33600000002".parse().expect("a number");
    let network = name();
    let around = argument::Around { imsi: None, title, network: &network };
    if let Ok(operation) = argument::read(kind, rest, &around) {
        let mut out = Vec::new();
        argument::write(&operation, &title, false, &mut ber::Writer::new(&mut out));
        assert_eq!(argument::read(kind, &out, &around).as_ref(), Ok(&operation));
    }
    for kind in [kind, Kind::Bind] {
        if let Ok(result) = outcome::read(kind, rest) {
            let mut out = Vec::new();
            outcome::write(&result, &title, &mut ber::Writer::new(&mut out));
            assert_eq!(outcome::read(kind, &out), Ok(result));
        }
    }
    let _ = outcome::read_error(first, rest);
}

/// Any bytes are a package of ANSI-41 or an error; what is read of its parameters reads the same when it is written.
///
/// # Panics
///
/// When that does not hold.
pub fn ansi41(bytes: &[u8]) {
    let title = "33600000002".parse().expect("a number");
    let network = name();
    if let Ok(Package::Query { operation, parameters, .. }) = Package::parse(bytes)
        && let Ok(operation) = parameters::read(operation, parameters, title, &network)
    {
        let mut out = Vec::new();
        parameters::write(&operation, &mut ber::Writer::new(&mut out));
        let code = parameters::code(Kind::of(&operation));
        assert_eq!(parameters::read(code, &out, title, &network).as_ref(), Ok(&operation));
    }
    for kind in [Kind::SendAuthenticationInfo, Kind::UpdateLocation, Kind::Bind, Kind::RestoreData] {
        if let Ok(outcome) = parameters::read_outcome(kind, bytes) {
            let mut out = Vec::new();
            parameters::write_outcome(kind, &outcome, &title, &mut ber::Writer::new(&mut out));
            assert_eq!(parameters::read_outcome(kind, &out), Ok(outcome));
        }
    }
}

/// Whatever a partner sends, an adapter answers in whole messages, and each question it hands up can be answered.
///
/// # Panics
///
/// When that does not hold.
pub fn map_adapter(bytes: &[u8]) {
    talk(adapter(Map::new), bytes);
}

/// The same of ANSI-41.
///
/// # Panics
///
/// When that does not hold.
pub fn ansi41_adapter(bytes: &[u8]) {
    talk(adapter(Ansi41::new), bytes);
}

fn talk(mut wire: impl PrivateNetwork, bytes: &[u8]) {
    let up = [[1, 0, 3, 1, 0, 0, 0, 8], [1, 0, 4, 1, 0, 0, 0, 8]].concat();
    wire.handle(NOW, Arrival::Stream { stream: STREAM, bytes: &up });
    drain(&mut wire);
    if !bytes.is_empty() {
        wire.handle(NOW, Arrival::Stream { stream: STREAM, bytes });
        drain(&mut wire);
    }
    // The same as user data, so that what is inside need not be framed.
    let mut message = Vec::new();
    m3ua::write_data(&mut message, (1, 2), bytes.get(..255).unwrap_or(bytes));
    wire.handle(NOW, Arrival::Stream { stream: STREAM, bytes: &message });
    drain(&mut wire);
}

fn drain(wire: &mut impl PrivateNetwork) {
    let mut scratch = Scratch::default();
    loop {
        match wire.poll(&mut scratch) {
            Step::Wait(_) => return,
            Step::Event(Told::Asked { id, partner, .. }) => {
                wire.answer(NOW, partner, id, Err(Cause::Overload));
            }
            Step::Send(transmit) => {
                let mut rest = scratch.get(transmit.range);
                while let Some(len) = m3ua::length(rest).expect("a message of ours") {
                    let (message, after) = rest.split_at(len);
                    m3ua::Message::parse(message).expect("a message of ours");
                    rest = after;
                }
                assert_eq!(rest, b"");
            }
            _ => {}
        }
    }
}

fn adapter<N: PrivateNetwork>(new: fn(MapConfig, Entropy) -> N) -> N {
    let partner = Partner {
        id: PARTNER,
        name: name(),
        plmn: "00202".parse().expect("a network code"),
        title: "33600000002".parse().expect("a number"),
        address: None,
        transport: Transport::Tls,
    };
    let config = MapConfig {
        network: "home.example".parse().expect("a name"),
        title: "491770000001".parse().expect("a number"),
        point_code: None,
        partners: vec![partner],
    };
    let mut wire = new(config, Entropy::from_number(1));
    let address = ([127, 0, 0, 1], 1).into();
    let (local, remote, transport) = (address, address, Transport::Tls);
    wire.handle(NOW, Arrival::Connected { stream: STREAM, local, remote, transport });
    wire.handle(NOW, Arrival::Identified { stream: STREAM, name: "visited.example" });
    wire
}

fn name() -> NetworkName {
    "visited.example".parse().expect("a name")
}

const NOW: Now = Now { mono: Instant::ZERO, wall: rove_base::UnixTime::from_secs(1_700_000_000) };
