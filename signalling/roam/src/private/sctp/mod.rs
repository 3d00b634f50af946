//! SCTP in user space, in UDP (RFC 9260, RFC 6951): associations with partners that look like streams from above.
//!
//! ```text
//!  link, by way of the node ── Connect, Send, Close ──▶ Sctp ── packets ──▶ one UDP socket
//!                           ◀── Connected, Message, Closed ──
//! ```
//!
//! It is a subset: one address at each end, no extensions, no partial delivery. SCTP shows no certificate: who a partner
//! is says its address alone. So it is for networks that are protected by other means, IPsec or a line of one's own. What
//! comes from any other address is neither answered nor remembered; of a partner's address nothing is remembered before
//! a cookie has come back from there, and nothing is believed without the tag that was agreed on.

mod association;
mod checksum;
mod cookie;
mod handshake;
mod inbound;
mod init;
mod out;
mod outbound;
pub mod packet;
mod payload;
mod rules;
#[cfg(test)]
mod tests;

use core::net::{IpAddr, SocketAddr};

use rove_base::{
    ClosedBy, Dscp, Entropy, Flow, Instant, Machine, Now, Scratch, Step, StreamId, Transmit, UdpFlow,
};

pub use self::payload::Payload;
use self::{
    association::{Association, End, cause, cause_bytes},
    init::Init,
    out::Out,
    packet::{Chunk, Packet, Writer, kind},
};

/// A partner that is reached by SCTP.
#[derive(Clone, Copy, Debug)]
pub struct SctpPeer {
    /// Its address and port of UDP; the usual port is [`UDP_PORT`].
    pub address: SocketAddr,
    /// What is spoken.
    pub payload: Payload,
}

/// All associations of a node, by one socket.
#[derive(Debug)]
pub struct Sctp {
    local: SocketAddr,
    peers: Vec<Peer>,
    /// Seals cookies.
    secret: [u8; 32],
    entropy: Entropy,
    /// For the names of associations that partners want.
    accepted: u64,
    out: Out,
    counts: SctpCounts,
}

#[derive(Debug)]
struct Peer {
    config: SctpPeer,
    association: Option<Association>,
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub enum SctpInput<'a> {
    /// A datagram has come to its socket.
    Datagram {
        /// Whence.
        from: SocketAddr,
        /// Its payload.
        bytes: &'a [u8],
    },
    /// The owner wants an association.
    Connect {
        /// Its name for it.
        stream: StreamId,
        /// With whom.
        remote: SocketAddr,
    },
    /// The owner sends whole messages, one after the other.
    Send {
        /// On which.
        stream: StreamId,
        /// Those.
        bytes: &'a [u8],
    },
    /// The owner wants no more of one.
    Close(StreamId),
}

/// What the owner is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SctpEvent {
    /// An association stands.
    Connected {
        /// The owner's name for it, or a new one, when the partner has wanted it.
        stream: StreamId,
        /// With whom, by its place in the list.
        peer: usize,
        /// Whether the partner has wanted it.
        accepted: bool,
    },
    /// One whole message.
    Message {
        /// On which.
        stream: StreamId,
        /// The message.
        bytes: Vec<u8>,
    },
    /// One is over, or could not be begun.
    Closed {
        /// Which.
        stream: StreamId,
        /// Whose doing it was.
        by: ClosedBy,
    },
    /// A partner sent what is no message.
    Malformed {
        /// Who, by its place in the list.
        peer: usize,
    },
}

/// What was dropped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SctpCounts {
    /// Datagrams from addresses of no partner.
    pub strangers: u64,
    /// Of a partner's address, but no packet that could be read, or one to another port.
    pub malformed: u64,
    /// Of a partner's address, with a tag or a cookie that is wrong.
    pub forged: u64,
}

impl Sctp {
    /// Associations between `local`, a real address of this host, and `peers`. Those that partners want are called by
    /// odd numbers beyond any that a driver gives.
    #[must_use]
    pub fn new(local: SocketAddr, peers: impl IntoIterator<Item = SctpPeer>, mut entropy: Entropy) -> Self {
        let mut secret = [0; 32];
        entropy.fill(&mut secret);
        let peer = |peer: SctpPeer| {
            let config = SctpPeer { address: plain(peer.address), ..peer };
            Peer { config, association: None }
        };
        let peers = peers.into_iter().map(peer).collect();
        let (out, counts) = (Out::default(), SctpCounts::default());
        Self { local, peers, secret, entropy, accepted: FIRST_ACCEPTED, out, counts }
    }

    /// Where its socket is.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// What was dropped so far.
    #[must_use]
    pub const fn counts(&self) -> SctpCounts {
        self.counts
    }

    /// Whether `stream` is the name of one that is or was wanted here.
    #[must_use]
    pub fn knows(&self, stream: StreamId) -> bool {
        self.find(stream).is_some()
    }

    /// The program ends: partners are told, and are not waited for.
    pub fn leave(&mut self) {
        for peer in &mut self.peers {
            if let Some(association) = peer.association.take() {
                association.abort(cause::BY_USER, &mut self.out);
            }
        }
    }

    fn find(&self, stream: StreamId) -> Option<usize> {
        let has =
            |peer: &Peer| peer.association.as_ref().is_some_and(|one| one.wanted && one.stream == stream);
        self.peers.iter().position(has)
    }

    const fn next_stream(&mut self) -> StreamId {
        let stream = StreamId(self.accepted);
        self.accepted = self.accepted.wrapping_add(2);
        stream
    }

    fn connect(&mut self, now: Instant, stream: StreamId, remote: SocketAddr) {
        let (tag, number, tie) = (self.draw_tag(), self.entropy.next_u32(), self.draw_tie());
        let remote = plain(remote);
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.config.address == remote) else {
            return self.out.closed(stream, ClosedBy::Failure);
        };
        match &peer.association {
            Some(one) if one.wanted => return self.out.closed(stream, ClosedBy::Failure),
            // The one before takes its leave still: there is no time for that any more.
            Some(one) => one.abort(cause::BY_USER, &mut self.out),
            None => {}
        }
        let port = peer.config.payload.port();
        let mut one = Association::asking(now, stream, remote, (port, port), Init::own(tag, number), tie);
        one.say_again(now, 0, &mut self.out);
        peer.association = Some(one);
    }

    fn send(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) {
        let Some(index) = self.find(stream) else { return };
        let Some(Peer { config, association: Some(one) }) = self.peers.get_mut(index) else { return };
        let payload = config.payload;
        let mut rest = bytes;
        while let Some((message, after)) = payload.first(rest) {
            rest = after;
            if !one.send(payload.is_management(message), payload.identifier(), message) {
                return self.settle(index, Err(End::Abort(cause::RESOURCE)));
            }
        }
        one.flush(now, &mut self.out);
    }

    fn close(&mut self, now: Instant, stream: StreamId) {
        let Some(index) = self.find(stream) else { return };
        let Some(one) = self.peers.get_mut(index).and_then(|peer| peer.association.as_mut()) else { return };
        let result = one.close(now, &mut self.out);
        self.settle(index, result);
    }

    fn datagram(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        let from = plain(from);
        let Some(index) = self.peers.iter().position(|peer| peer.config.address == from) else {
            self.counts.strangers = self.counts.strangers.saturating_add(1);
            return;
        };
        let port = self.peers.get(index).map(|peer| peer.config.payload.port());
        let packet = Packet::parse(bytes).ok().filter(|packet| Some(packet.destination) == port);
        let Some((packet, first)) = packet.and_then(|packet| Some((packet, packet.chunks().next()?))) else {
            self.counts.malformed = self.counts.malformed.saturating_add(1);
            return;
        };
        match first.kind {
            kind::INIT if packet.tag == 0 && packet.chunks().nth(1).is_none() => {
                self.init(now, index, &packet, first.value);
            }
            kind::COOKIE_ECHO => {
                if self.cookie_echo(now, index, &packet, first.value) {
                    self.told(index);
                    self.heard(now, index, packet.chunks().skip(1));
                }
            }
            _ => self.known(now, index, &packet, first),
        }
    }

    /// A packet of an association, or of none.
    fn known(&mut self, now: Instant, index: usize, packet: &Packet<'_>, first: Chunk<'_>) {
        let Some(peer) = self.peers.get(index) else { return };
        let Some(one) = &peer.association else {
            return self.stray(index, packet, first);
        };
        // Who knows nothing of it any more sends our own tag back (§8.5.1).
        let reflects =
            first.flags & REFLECTED != 0 && matches!(first.kind, kind::ABORT | kind::SHUTDOWN_COMPLETE);
        let tag = if reflects { one.their_tag } else { one.own.tag };
        if packet.tag != tag || tag == 0 || (packet.source != one.ports.1 && one.has_begun()) {
            self.counts.forged = self.counts.forged.saturating_add(1);
            return;
        }
        match first.kind {
            kind::INIT_ACK => self.init_ack(now, index, first.value),
            _ => self.heard(now, index, packet.chunks()),
        }
    }

    fn heard<'a>(&mut self, now: Instant, index: usize, chunks: impl Iterator<Item = Chunk<'a>>) {
        for chunk in chunks {
            let Some(one) = self.peers.get_mut(index).and_then(|peer| peer.association.as_mut()) else {
                return;
            };
            match chunk.kind {
                kind::ABORT => return self.end(index, ClosedBy::Failure),
                kind::SHUTDOWN_COMPLETE if one.state == association::State::Left => {
                    return self.end(index, ClosedBy::Peer);
                }
                0..=14 => {
                    if let Err(end) = one.hears(now, &chunk, &mut self.out) {
                        return self.settle(index, Err(end));
                    }
                }
                unknown => {
                    // The highest two bits say what is wanted (§3.2).
                    if unknown & 0x40 != 0 && chunk.value.len() <= MAX_TOLD {
                        let [high, low] =
                            u16::try_from(chunk.value.len().saturating_add(4)).unwrap_or(4).to_be_bytes();
                        let whole = [&[unknown, chunk.flags, high, low], chunk.value].concat();
                        one.say(kind::ERROR, &cause_bytes(cause::UNKNOWN_CHUNK, &whole), &mut self.out);
                    }
                    if unknown & 0x80 == 0 {
                        break;
                    }
                }
            }
        }
        self.told(index);
        if let Some(one) = self.peers.get_mut(index).and_then(|peer| peer.association.as_mut()) {
            one.end_of_packet(now, &mut self.out);
        }
    }

    /// Tells the owner what has become of an association.
    fn told(&mut self, index: usize) {
        let Some(Peer { config, association: Some(one) }) = self.peers.get_mut(index) else { return };
        let (events, stream) = (&mut self.out.events, one.stream);
        if one.wanted && !one.told && one.has_begun() {
            one.told = true;
            events.push_back(SctpEvent::Connected {
                stream,
                peer: index,
                accepted: stream.0 >= FIRST_ACCEPTED,
            });
        }
        for message in one.ready.drain(..).filter(|_| one.wanted) {
            // One message each, whole (RFC 4666 §1.4.7; RFC 6733 §2.1).
            let is_one = config.payload.first(&message.bytes).is_some_and(|(_, rest)| rest.is_empty());
            events.push_back(if is_one && message.protocol == config.payload.identifier() {
                SctpEvent::Message { stream, bytes: message.bytes }
            } else {
                SctpEvent::Malformed { peer: index }
            });
        }
        if one.is_leaving() && core::mem::take(&mut one.wanted) {
            self.out.closed(stream, ClosedBy::Peer);
        }
    }

    fn settle(&mut self, index: usize, result: Result<(), End>) {
        let Err(end) = result else { return };
        self.told(index);
        match end {
            End::Closed(by) => self.end(index, by),
            End::Abort(cause) => {
                if let Some(one) = self.peers.get(index).and_then(|peer| peer.association.as_ref()) {
                    one.abort(cause, &mut self.out);
                }
                self.end(index, ClosedBy::Failure);
            }
        }
    }

    /// An association is over.
    fn end(&mut self, index: usize, by: ClosedBy) {
        let one = self.peers.get_mut(index).and_then(|peer| peer.association.take());
        if let Some(one) = one.filter(|one| one.wanted) {
            self.out.closed(one.stream, by);
        }
    }

    /// A partner's packet of an association that is not known here: it is told so (§8.4).
    fn stray(&mut self, index: usize, packet: &Packet<'_>, first: Chunk<'_>) {
        self.counts.forged = self.counts.forged.saturating_add(1);
        let Some(peer) = self.peers.get(index) else { return };
        let silent =
            [kind::ABORT, kind::SHUTDOWN_COMPLETE, kind::COOKIE_ACK, kind::ERROR, kind::INIT, kind::INIT_ACK];
        if packet.chunks().any(|chunk| silent.contains(&chunk.kind)) || packet.tag == 0 {
            return;
        }
        let answer = if first.kind == kind::SHUTDOWN_ACK { kind::SHUTDOWN_COMPLETE } else { kind::ABORT };
        let mut writer = Writer::new((packet.destination, packet.source), packet.tag);
        writer.chunk(answer, REFLECTED, &[]);
        self.out.packet(peer.config.address, writer);
    }
}

impl Machine for Sctp {
    type Input<'a> = SctpInput<'a>;
    type Event = SctpEvent;

    fn handle(&mut self, now: Now, input: SctpInput<'_>) {
        match input {
            SctpInput::Datagram { from, bytes } => self.datagram(now.mono, from, bytes),
            SctpInput::Connect { stream, remote } => self.connect(now.mono, stream, remote),
            SctpInput::Send { stream, bytes } => self.send(now.mono, stream, bytes),
            SctpInput::Close(stream) => self.close(now.mono, stream),
        }
    }

    fn tick(&mut self, now: Now) {
        for index in 0..self.peers.len() {
            let one = self.peers.get_mut(index).and_then(|peer| peer.association.as_mut());
            if let Some(one) = one.filter(|one| one.due() <= now.mono) {
                let result = one.tick(now.mono, &mut self.out);
                self.settle(index, result);
            }
        }
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<SctpEvent> {
        if let Some((remote, bytes)) = self.out.packets.pop_front() {
            let flow = Flow::Udp(UdpFlow { local: self.local, remote });
            return Step::Send(Transmit { flow, range: out.push(&bytes), dscp: Dscp::CS3 });
        }
        if let Some(event) = self.out.events.pop_front() {
            return Step::Event(event);
        }
        Step::Wait(self.peers.iter().filter_map(|peer| peer.association.as_ref()).map(Association::due).min())
    }
}

/// An address of IPv4 within IPv6 is that address.
fn plain(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    }
}

/// Of SCTP in UDP (RFC 6951 §3.2).
pub const UDP_PORT: u16 = 9_899;
/// The T bit of ABORT and SHUTDOWN COMPLETE.
const REFLECTED: u8 = 1;
/// The longest unknown chunk that is told back.
const MAX_TOLD: usize = 512;
/// Drivers count from 1.
const FIRST_ACCEPTED: u64 = (1 << 62) | 1;
