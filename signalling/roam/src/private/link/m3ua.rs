//! M3UA between the two ends of a stream (RFC 4666 §4.3, single exchange between two IP server processes).

use core::time::Duration;

use rove_base::{Instant, StreamId};

use super::{Dialect, Outbox, Place, Sign};
use crate::private::m3ua::{self, Data, ERROR_CODE, HEARTBEAT_DATA, INFO, Kind, Message};

/// Up, active, heartbeat; down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct M3ua;

impl Dialect for M3ua {
    type Data<'a> = Data<'a>;

    const STEPS: u8 = 2;
    const TRIES: u8 = 2;
    /// §4.3.4.1.
    const PATIENCE: Duration = Duration::from_secs(2);

    fn length(bytes: &[u8]) -> Result<Option<usize>, ()> {
        m3ua::length(bytes).map_err(drop)
    }

    fn say(&mut self, step: u8, at: Place, out: &mut Outbox) {
        let kind = if step == UP { Kind::AspUp } else { Kind::AspActive };
        out.send(at.stream, |out| m3ua::write(out, kind, &[]));
    }

    fn beat(&mut self, now: Instant, at: Place, out: &mut Outbox) {
        let data = now.as_nanos().to_be_bytes();
        out.send(at.stream, |out| m3ua::write(out, Kind::Heartbeat, &[(HEARTBEAT_DATA, &data)]));
    }

    fn leave(&mut self, _at: Place, _out: &mut Outbox) {}

    fn hear<'a>(&mut self, at: Place, active: bool, message: &'a [u8], out: &mut Outbox) -> Sign<Data<'a>> {
        let Ok(message) = Message::parse(message) else { return Sign::Malformed };
        let echo = |out: &mut Outbox, kind: Kind, tag: u16| {
            let value = message.parameter(tag);
            out.send(at.stream, |out| m3ua::write(out, kind, value.map(|value| (tag, value)).as_slice()));
        };
        match message.kind {
            Some(Kind::Data) if active => message.data().map_or(Sign::Malformed, Sign::Data),
            Some(Kind::Heartbeat) => {
                echo(out, Kind::HeartbeatAck, HEARTBEAT_DATA);
                Sign::Nothing
            }
            Some(Kind::AspUp) => {
                echo(out, Kind::AspUpAck, INFO);
                Sign::Up
            }
            Some(Kind::AspActive) => {
                echo(out, Kind::AspActiveAck, m3ua::ROUTING_CONTEXT);
                Sign::Active
            }
            Some(Kind::AspUpAck) => Sign::Said(UP),
            Some(Kind::AspActiveAck) => Sign::Said(ACTIVE),
            Some(Kind::AspInactive) => {
                echo(out, Kind::AspInactiveAck, m3ua::ROUTING_CONTEXT);
                Sign::Inactive
            }
            Some(Kind::AspDown) => {
                echo(out, Kind::AspDownAck, INFO);
                Sign::Leave
            }
            Some(Kind::Data) => {
                error(out, at.stream, m3ua::UNEXPECTED_MESSAGE);
                Sign::Malformed
            }
            // Management of a whole network of signalling is nothing between two ends.
            Some(_) => Sign::Nothing,
            None if message.code >> 8 == 2 => Sign::Nothing,
            None => {
                error(out, at.stream, m3ua::UNSUPPORTED_CLASS);
                Sign::Malformed
            }
        }
    }
}

/// §3.8.1.
fn error(out: &mut Outbox, stream: StreamId, code: u32) {
    out.send(stream, |out| m3ua::write(out, Kind::Error, &[(ERROR_CODE, &code.to_be_bytes())]));
}

const UP: u8 = 0;
const ACTIVE: u8 = 1;
