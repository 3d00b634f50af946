//! What two neighbours say to each other (RFC 6733 §5): capabilities, watchdog, leave.
//!
//! The identity of a node is its network's domain, which its certificate carries, as host and as realm.

use core::{net::IpAddr, time::Duration};

use rove_base::Instant;

use super::{
    avp::{AvpError, Avps, VENDOR_3GPP, VENDOR_PRIVATE, Writer},
    codes::{self, S6A},
    message::{self, ERROR, Header, Message, REQUEST},
};
use crate::{
    NetworkName,
    private::link::{Dialect, Outbox, Place, Sign},
};

/// Our side of every connection.
#[derive(Debug)]
pub(crate) struct Base {
    own: NetworkName,
    /// Partners' domains, by their place.
    partners: Vec<NetworkName>,
    /// Names the next request of ours, of those that only the neighbour hears.
    next: u32,
}

impl Base {
    /// `next` is where the names of requests begin.
    pub(crate) const fn new(own: NetworkName, partners: Vec<NetworkName>, next: u32) -> Self {
        Self { own, partners, next }
    }

    /// Who we are, as every message says.
    pub(crate) fn origin(&self, out: &mut Writer<'_>) {
        out.value(codes::ORIGIN_HOST, self.own.as_str().as_bytes());
        out.value(codes::ORIGIN_REALM, self.own.as_str().as_bytes());
    }

    fn ask(&mut self, command: u32, at: Place, out: &mut Outbox, more: impl FnOnce(&Self, &mut Writer<'_>)) {
        self.next = self.next.wrapping_add(1);
        let (hop, end) = (self.next, self.next);
        let header = Header { flags: REQUEST, command, application: 0, hop, end };
        out.send(at.stream, |out| {
            message::write(out, header, |out| {
                self.origin(out);
                more(self, out);
            });
        });
    }

    fn answer(
        &self,
        request: Header,
        code: u32,
        at: Place,
        out: &mut Outbox,
        more: impl FnOnce(&mut Writer<'_>),
    ) {
        let mut header = request.answer();
        header.flags |= if code / 1_000 == 3 { ERROR } else { 0 };
        out.send(at.stream, |out| {
            message::write(out, header, |out| {
                out.number(codes::RESULT_CODE, code);
                self.origin(out);
                more(out);
            });
        });
    }

    /// What we can do (§5.3).
    fn capabilities(local: IpAddr, out: &mut Writer<'_>) {
        let address = match local {
            IpAddr::V4(v4) => [&[0, 1][..], &v4.octets()].concat(),
            IpAddr::V6(v6) => [&[0, 2][..], &v6.octets()].concat(),
        };
        out.value(codes::HOST_IP_ADDRESS, &address);
        out.number(codes::VENDOR_ID, VENDOR_PRIVATE);
        out.value(codes::PRODUCT_NAME, b"rove");
        out.number(codes::SUPPORTED_VENDOR_ID, VENDOR_3GPP);
        application(out);
    }

    /// Whether the other end is who its certificate says, and speaks what we do: success, or why not.
    fn judge(&self, at: Place, avps: Avps<'_>) -> u32 {
        let known = at.peer.and_then(|peer| self.partners.get(peer));
        match (avps.parse::<NetworkName>(codes::ORIGIN_HOST), known, speaks(avps)) {
            (Err(_), ..) | (.., Err(_)) => codes::INVALID_AVP_VALUE,
            (Ok(None), ..) => codes::MISSING_AVP,
            (Ok(Some(host)), Some(known), _) if host != *known => codes::UNKNOWN_PEER,
            (_, None, _) => codes::UNKNOWN_PEER,
            (.., Ok(false)) => codes::NO_COMMON_APPLICATION,
            _ => codes::SUCCESS,
        }
    }

    fn request<T>(&self, at: Place, message: &Message<'_>, out: &mut Outbox) -> Sign<T> {
        let header = message.header;
        match header.command {
            codes::CAPABILITIES_EXCHANGE => {
                let code = self.judge(at, message.avps);
                self.answer(header, code, at, out, |out| Self::capabilities(at.local, out));
                if code == codes::SUCCESS { Sign::Active } else { Sign::Leave }
            }
            codes::DEVICE_WATCHDOG => {
                self.answer(header, codes::SUCCESS, at, out, |_| ());
                Sign::Nothing
            }
            codes::DISCONNECT_PEER => {
                self.answer(header, codes::SUCCESS, at, out, |_| ());
                Sign::Leave
            }
            _ => {
                self.answer(header, codes::COMMAND_UNSUPPORTED, at, out, |_| ());
                Sign::Malformed
            }
        }
    }
}

impl Dialect for Base {
    type Data<'a> = Message<'a>;

    const STEPS: u8 = 1;
    /// §5.6: capabilities are told once.
    const TRIES: u8 = 0;
    const PATIENCE: Duration = Duration::from_secs(10);

    fn length(bytes: &[u8]) -> Result<Option<usize>, ()> {
        message::length(bytes).map_err(drop)
    }

    fn say(&mut self, _step: u8, at: Place, out: &mut Outbox) {
        self.ask(codes::CAPABILITIES_EXCHANGE, at, out, |_, out| Self::capabilities(at.local, out));
    }

    fn beat(&mut self, _now: Instant, at: Place, out: &mut Outbox) {
        self.ask(codes::DEVICE_WATCHDOG, at, out, |_, _| ());
    }

    fn leave(&mut self, at: Place, out: &mut Outbox) {
        self.ask(codes::DISCONNECT_PEER, at, out, |_, out| {
            out.number(codes::DISCONNECT_CAUSE, REBOOTING);
        });
    }

    fn hear<'a>(
        &mut self,
        at: Place,
        active: bool,
        message: &'a [u8],
        out: &mut Outbox,
    ) -> Sign<Message<'a>> {
        let Ok(message) = Message::parse(message) else { return Sign::Malformed };
        let header = message.header;
        if header.application != 0 {
            return if active { Sign::Data(message) } else { Sign::Malformed };
        }
        if header.is_request() {
            return self.request(at, &message, out);
        }
        match (header.command, message.avps.number(codes::RESULT_CODE)) {
            (codes::CAPABILITIES_EXCHANGE, Ok(Some(codes::SUCCESS)))
                if self.judge(at, message.avps) == codes::SUCCESS =>
            {
                Sign::Said(0)
            }
            (codes::CAPABILITIES_EXCHANGE | codes::DISCONNECT_PEER, _) => Sign::Leave,
            (codes::DEVICE_WATCHDOG, Ok(Some(_))) => Sign::Nothing,
            _ => Sign::Malformed,
        }
    }
}

/// The application, as capabilities and every message of it name it.
pub(crate) fn application(out: &mut Writer<'_>) {
    out.nest(codes::VENDOR_SPECIFIC_APPLICATION_ID, |out| {
        out.number(codes::VENDOR_ID, VENDOR_3GPP);
        out.number(codes::AUTH_APPLICATION_ID, S6A);
    });
}

/// Whether the application is among those that capabilities tell.
fn speaks(mut avps: Avps<'_>) -> Result<bool, AvpError> {
    let ours = |number: u32| matches!(number, S6A | codes::RELAY);
    if avps.number(codes::AUTH_APPLICATION_ID)?.is_some_and(ours) {
        return Ok(true);
    }
    while let Some((code, data)) = avps.take()? {
        let number = if code == codes::AUTH_APPLICATION_ID {
            data.try_into().ok().map(u32::from_be_bytes)
        } else if code == codes::VENDOR_SPECIFIC_APPLICATION_ID {
            Avps::new(data).number(codes::AUTH_APPLICATION_ID)?
        } else {
            None
        };
        if number.is_some_and(ours) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// §5.4.3: the one cause after which the other end may open a connection again.
const REBOOTING: u32 = 0;
