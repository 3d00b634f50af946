//! Datagrams that come to the socket of SCTP.

use rove_base::{Entropy, Flow, Instant, Machine as _, Now, Scratch, Step, StreamId};
use rove_roam::private::sctp::{
    Payload, Sctp, SctpEvent, SctpInput, SctpPeer,
    packet::{Packet, Writer, kind},
};

/// Any bytes are a datagram of a partner, or the chunks of one with a tag and a checksum that are right, before there is an
/// association and while there is one: all that is answered are packets, and all that is handed up are whole messages.
///
/// # Panics
///
/// When that does not hold.
pub fn check(bytes: &[u8]) {
    let mut closed = Peer::new();
    closed.hears(bytes);
    closed.hears(&packet(0, bytes));
    let mut open = Peer::new();
    let tag = open.opens();
    open.hears(bytes);
    open.hears(&packet(tag, bytes));
    // Whatever it was told, what is right is heard after it, or the association is over.
    open.later(60);
}

/// Chunks: kind, flags, length, and so many bytes.
fn packet(tag: u32, bytes: &[u8]) -> Vec<u8> {
    let mut packet = Writer::new((PORT, PORT), tag);
    let mut rest = bytes;
    while let Some((&[kind, flags, len], after)) = rest.split_first_chunk() {
        let (value, after) = after.split_at_checked(usize::from(len)).unwrap_or((after, &[]));
        packet.chunk(kind, flags, &[value]);
        rest = after;
    }
    packet.finish()
}

struct Peer {
    sctp: Sctp,
    now: Now,
    /// The chunk that was said last: its kind and value.
    said: Option<(u8, Vec<u8>)>,
}

impl Peer {
    fn new() -> Self {
        let peer = SctpPeer { address: address(2), payload: Payload::M3ua };
        let now = Now { mono: Instant::ZERO, wall: rove_base::UnixTime::from_secs(1_700_000_000) };
        Self { sctp: Sctp::new(address(1), [peer], Entropy::from_number(1)), now, said: None }
    }

    /// Makes an association; what it wants to be called.
    fn opens(&mut self) -> u32 {
        let init = [[0, 0, 0, 9], [0, 4, 0, 0], [0, 16, 0, 16], [0, 0, 0, 1]].concat();
        let mut first = Writer::new((PORT, PORT), 0);
        first.chunk(kind::INIT, 0, &[&init]);
        self.hears(&first.finish());
        let Some((kind::INIT_ACK, answer)) = self.said.take() else { panic!("no answer to INIT") };
        let tag = u32::from_be_bytes(*answer.first_chunk().expect("a tag"));
        let mut second = Writer::new((PORT, PORT), tag);
        second.chunk(kind::COOKIE_ECHO, 0, &[&answer[20..]]);
        self.hears(&second.finish());
        assert_eq!(self.said.take(), Some((kind::COOKIE_ACK, Vec::new())));
        tag
    }

    fn hears(&mut self, bytes: &[u8]) {
        self.sctp.handle(self.now, SctpInput::Datagram { from: address(2), bytes });
        self.drain();
    }

    fn later(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now = self.now.later(core::time::Duration::from_secs(1));
            self.sctp.tick(self.now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        let mut scratch = Scratch::default();
        for _ in 0..10_000 {
            match self.sctp.poll(&mut scratch) {
                Step::Send(transmit) => {
                    assert_eq!(transmit.flow, Flow::udp(address(1), address(2)));
                    let packet = Packet::parse(scratch.get(transmit.range)).expect("a packet of ours");
                    let last = packet.chunks().last().expect("a chunk");
                    self.said = Some((last.kind, last.value.to_vec()));
                }
                Step::Event(SctpEvent::Message { bytes, .. }) => {
                    assert_eq!(rove_roam::private::m3ua::length(&bytes), Ok(Some(bytes.len())));
                }
                Step::Event(SctpEvent::Connected { stream: StreamId(stream), accepted, .. }) => {
                    assert!(accepted && stream % 2 == 1);
                }
                Step::Event(_) => {}
                Step::Wait(_) => return,
                step => panic!("{step:?}"),
            }
        }
        panic!("it never rests");
    }
}

fn address(end: u8) -> std::net::SocketAddr {
    ([127, 0, 0, end], 9_899).into()
}

const PORT: u16 = 2_905;
