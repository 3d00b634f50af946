//! SCCP over M3UA over the streams to partners: whole messages up, whole messages down.

use rove_base::{Arrival, Entropy, Instant, Now, StreamId};

use super::{
    Partner,
    link::{Link, M3ua, News, pieces},
    m3ua,
    sccp::{self, Address, Reassembly, Whole},
};
use crate::{E164, NetworkName};

/// The lower half of an adapter.
#[derive(Debug)]
pub(crate) struct Carrier {
    link: Link<M3ua>,
    /// One for each partner.
    states: Vec<State>,
    point_code: u32,
    /// Names messages in segments.
    reference: u32,
}

#[derive(Debug)]
struct State {
    reassembly: Reassembly,
    /// Its point code: what it calls itself, until then what is made of its number.
    point_code: u32,
}

/// Whence a message came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) peer: usize,
    pub(crate) stream: StreamId,
}

/// Where a message goes: on that stream, while it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) to: Origin,
    pub(crate) called: Address,
    pub(crate) calling: Address,
}

/// What is told of each whole message.
pub(crate) type Receive<'r> = dyn FnMut(&mut Carrier, Origin, &Whole<'_>) + 'r;

impl Carrier {
    pub(crate) fn new(
        own: NetworkName,
        title: &E164,
        point_code: Option<u32>,
        partners: Vec<Partner>,
        entropy: Entropy,
    ) -> Self {
        let state = |partner: &Partner| State {
            reassembly: Reassembly::default(),
            point_code: point_code_of(&partner.title),
        };
        let states = partners.iter().map(state).collect();
        let point_code = point_code.unwrap_or_else(|| point_code_of(title));
        Self { link: Link::new(own, M3ua, partners, entropy), states, point_code, reference: 0 }
    }

    pub(crate) fn handle(&mut self, now: Now, arrival: Arrival<'_>, receive: &mut Receive<'_>) {
        match arrival {
            Arrival::Stream { stream, bytes } => {
                let each = |carrier: &mut Self, peer: usize, message: &[u8]| {
                    carrier.message(now.mono, Origin { peer, stream }, message, receive);
                };
                pieces(self, |carrier| &mut carrier.link, (now.mono, stream), bytes, each);
            }
            other => self.link.arrived(now, other),
        }
    }

    pub(crate) fn tick(&mut self, now: Now) {
        self.link.tick(now.mono);
    }

    pub(crate) fn current(&self, peer: usize) -> Option<StreamId> {
        self.link.current(peer)
    }

    pub(crate) fn news(&mut self) -> Option<News> {
        self.link.news()
    }

    pub(crate) const fn wake(&self) -> Instant {
        self.link.wake()
    }

    pub(crate) fn poll<E>(&mut self, scratch: &mut rove_base::Scratch) -> Option<rove_base::Step<E>> {
        self.link.out.poll(scratch)
    }

    /// Sends `data`; `false` when it is too long, or there is no stream.
    pub(crate) fn send(&mut self, route: &Route, data: &[u8]) -> bool {
        let Some(stream) = self.link.stream_or_current(route.to.peer, route.to.stream) else { return false };
        let Some(state) = self.states.get(route.to.peer) else { return false };
        let codes = (self.point_code, state.point_code);
        self.reference = self.reference.wrapping_add(1) & 0xff_ffff;
        let out = &mut self.link.out;
        sccp::write(&route.called, &route.calling, data, self.reference, |message| {
            out.send(stream, |out| m3ua::write_data(out, codes, message));
        })
    }

    fn message(&mut self, now: Instant, origin: Origin, message: &[u8], receive: &mut Receive<'_>) {
        let Some(data) = self.link.message(now, origin.stream, message) else { return };
        let Some(state) = self.states.get_mut(origin.peer) else { return };
        if data.service != m3ua::SCCP {
            return self.malformed(origin.peer);
        }
        state.point_code = data.origin;
        let whole = sccp::Message::parse(data.user).and_then(|message| state.reassembly.take(now, message));
        match whole {
            Ok(Some(whole)) => receive(self, origin, &whole),
            Ok(None) => {}
            Err(_) => self.malformed(origin.peer),
        }
    }

    pub(crate) fn malformed(&mut self, peer: usize) {
        self.link.note_malformed(peer);
    }
}

/// Between two ends a point code says nothing that the stream does not say, but M3UA wants one: 14 bits made of the
/// node's number, so that two nodes rarely share one.
fn point_code_of(title: &E164) -> u32 {
    let number = title
        .as_str()
        .bytes()
        .fold(0_u64, |number, digit| number.wrapping_mul(10).wrapping_add(u64::from(digit & 0x0f)));
    u32::try_from(number % 16_382).unwrap_or_default().saturating_add(1)
}
