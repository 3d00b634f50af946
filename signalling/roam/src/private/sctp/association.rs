//! One association (RFC 9260): how far it has come, what it hears, and what it says by itself.

use core::net::SocketAddr;

use rove_base::{ClosedBy, Instant, StreamId};

use super::{
    cookie::Cookie,
    inbound::{Fault, Inbound, Message},
    init::{Init, Read},
    out::Out,
    outbound::Outbound,
    packet::{Chunk, Writer, kind, parameters},
    rules::{HEARTBEATS, MOST_ERRORS},
};

/// With one partner.
#[derive(Debug)]
pub(super) struct Association {
    /// What the owner calls it.
    pub(super) stream: StreamId,
    /// Whether the owner was told that it stands.
    pub(super) told: bool,
    /// Whether the owner wants to hear of it.
    pub(super) wanted: bool,
    remote: SocketAddr,
    pub(super) ports: (u16, u16),
    /// What the other end calls it, and what we do; the former is 0 until it is known.
    pub(super) own: Init,
    pub(super) their_tag: u32,
    /// Names it in cookies, where the tags themselves must not stand.
    pub(super) tie: u64,
    pub(super) state: State,
    inbound: Inbound,
    outbound: Outbound,
    /// When what was said last is said again, and how often it was.
    again: Option<(Instant, u32)>,
    /// When the other end is asked whether it is there, and what it was asked.
    beat: Instant,
    asked: Option<u64>,
    /// Signs of the other end that were waited for in vain, one after the other.
    errors: u32,
    /// Messages that are whole.
    pub(super) ready: Vec<Message>,
    /// Whether the packet at hand has brought DATA.
    brought: bool,
}

/// How far it has come (§4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// COOKIE-WAIT.
    Asking,
    /// COOKIE-ECHOED, with what is echoed.
    Echoing(Vec<u8>),
    /// ESTABLISHED.
    Open,
    /// SHUTDOWN-PENDING.
    Emptying,
    /// SHUTDOWN-SENT.
    Ending,
    /// SHUTDOWN-RECEIVED.
    Leaving,
    /// SHUTDOWN-ACK-SENT.
    Left,
}

/// Why it is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// Nothing more is said.
    Closed(ClosedBy),
    /// The other end is told, with this cause (§3.3.10).
    Abort(u16),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Abort(match fault {
            Fault::Resource => cause::RESOURCE,
            Fault::Empty(_) => cause::NO_DATA,
            Fault::Stream(_) | Fault::Violation => cause::VIOLATION,
        })
    }
}

impl Association {
    /// One that this end wants.
    pub(super) fn asking(
        now: Instant,
        stream: StreamId,
        remote: SocketAddr,
        ports: (u16, u16),
        own: Init,
        tie: u64,
    ) -> Self {
        Self {
            stream,
            told: false,
            wanted: true,
            remote,
            ports,
            own,
            their_tag: 0,
            tie,
            state: State::Asking,
            inbound: Inbound::new(0),
            outbound: Outbound::new(own.number, 1, 0),
            again: None,
            beat: now.later(HEARTBEATS),
            asked: None,
            errors: 0,
            ready: Vec::new(),
            brought: false,
        }
    }

    /// What the other end has told of itself.
    fn know(&mut self, theirs: &Init) {
        self.their_tag = theirs.tag;
        self.inbound = Inbound::new(theirs.number);
        let streams = theirs.inbound.min(self.own.outbound);
        self.outbound = Outbound::new(self.own.number, streams, theirs.window);
    }

    /// INIT ACK has come: its cookie is brought back.
    pub(super) fn echo(&mut self, now: Instant, read: &Read<'_>, out: &mut Out) -> Result<(), End> {
        let Some(cookie) = read.cookie else {
            self.their_tag = read.init.tag;
            return Err(End::Abort(cause::MISSING_PARAMETER));
        };
        self.know(&read.init);
        self.state = State::Echoing(cookie.to_vec());
        self.say_again(now, 0, out);
        Ok(())
    }

    /// A cookie has come back that says all of it: it stands.
    pub(super) fn open(&mut self, now: Instant, cookie: &Cookie) {
        self.own = Init::own(cookie.tag, cookie.number);
        self.ports.1 = cookie.port;
        self.know(&cookie.theirs);
        self.stands(now);
    }

    pub(super) fn stands(&mut self, now: Instant) {
        self.state = State::Open;
        self.again = None;
        self.errors = 0;
        self.beat = now.later(HEARTBEATS);
    }

    pub(super) const fn has_begun(&self) -> bool {
        !matches!(self.state, State::Asking | State::Echoing(_))
    }

    pub(super) fn packet(&self) -> Writer {
        Writer::new(self.ports, self.their_tag)
    }

    pub(super) fn say(&self, kind: u8, value: &[u8], out: &mut Out) {
        let mut packet = self.packet();
        packet.chunk(kind, 0, &[value]);
        out.packet(self.remote, packet);
    }

    /// Ends it at once.
    pub(super) fn abort(&self, cause: u16, out: &mut Out) {
        if self.their_tag != 0 {
            self.say(kind::ABORT, &cause_bytes(cause, &[]), out);
        }
    }

    /// Ends it in order: what waits is brought over first.
    pub(super) fn close(&mut self, now: Instant, out: &mut Out) -> Result<(), End> {
        self.wanted = false;
        match self.state {
            State::Asking => return Err(End::Closed(ClosedBy::Us)),
            State::Echoing(_) => return Err(End::Abort(cause::BY_USER)),
            State::Open => self.state = State::Emptying,
            _ => {}
        }
        self.flush(now, out);
        Ok(())
    }

    /// A message of ours; `false` when it cannot be taken.
    pub(super) fn send(&mut self, management: bool, protocol: u32, message: &[u8]) -> bool {
        let stream = u16::from(!management && self.outbound.streams() > 1);
        self.state == State::Open && self.outbound.push(stream, protocol, message)
    }

    /// When [`Association::tick`] has something to do.
    pub(super) fn due(&self) -> Instant {
        let timers = [self.again.map(|(at, _)| at), self.outbound.due(), self.inbound.due()];
        timers.into_iter().flatten().fold(self.beat, Instant::min)
    }

    pub(super) fn tick(&mut self, now: Instant, out: &mut Out) -> Result<(), End> {
        if let Some((_, tries)) = self.again.filter(|(at, _)| *at <= now) {
            if tries >= MOST_ERRORS {
                return Err(End::Abort(cause::BY_USER));
            }
            self.outbound.back_off();
            self.say_again(now, tries.saturating_add(1), out);
        }
        if self.outbound.due().is_some_and(|due| due <= now) {
            self.errors = self.errors.saturating_add(1);
            self.outbound.timed_out();
        }
        if self.beat <= now {
            self.beats(now, out);
        }
        if self.errors > MOST_ERRORS {
            return Err(End::Abort(cause::BY_USER));
        }
        self.flush(now, out);
        Ok(())
    }

    fn beats(&mut self, now: Instant, out: &mut Out) {
        self.beat = now.later(HEARTBEATS.saturating_add(self.outbound.timeout()));
        if !matches!(self.state, State::Open | State::Emptying | State::Leaving) {
            return;
        }
        if self.asked.is_some() {
            self.errors = self.errors.saturating_add(1);
            self.outbound.back_off();
        }
        // Nobody else can know it: what is not asked cannot be answered (§8.3).
        let asked = self.tie ^ now.as_nanos();
        self.asked = Some(asked);
        let info = [now.as_nanos().to_be_bytes(), asked.to_be_bytes()];
        self.say(kind::HEARTBEAT, &cause_bytes(HEARTBEAT_INFO, info.as_flattened()), out);
    }

    /// What is said now and until it is answered.
    pub(super) fn say_again(&mut self, now: Instant, tries: u32, out: &mut Out) {
        match &self.state {
            State::Asking => self.say(kind::INIT, &self.own.to_bytes(), out),
            State::Echoing(cookie) => self.say(kind::COOKIE_ECHO, cookie, out),
            State::Ending => self.say(kind::SHUTDOWN, &self.inbound.got().to_be_bytes(), out),
            State::Left => self.say(kind::SHUTDOWN_ACK, &[], out),
            State::Open | State::Emptying | State::Leaving => return self.again = None,
        }
        self.again = Some((now.later(self.outbound.timeout()), tries));
    }

    /// One chunk of a packet that carries the right tag.
    pub(super) fn hears(&mut self, now: Instant, chunk: &Chunk<'_>, out: &mut Out) -> Result<(), End> {
        let open = matches!(self.state, State::Open | State::Emptying);
        match chunk.kind {
            kind::DATA if open || self.state == State::Ending => return self.data(now, chunk, out),
            kind::SACK if open || self.state == State::Leaving => {
                self.outbound.acknowledged(now, chunk.value)?;
                self.errors = 0;
            }
            kind::HEARTBEAT if self.state != State::Asking => self.say(kind::HEARTBEAT_ACK, chunk.value, out),
            kind::HEARTBEAT_ACK => self.beaten(now, chunk.value),
            kind::COOKIE_ACK if matches!(self.state, State::Echoing(_)) => self.stands(now),
            kind::SHUTDOWN if self.has_begun() => return self.shutdown(now, chunk.value, out),
            kind::SHUTDOWN_ACK if matches!(self.state, State::Ending | State::Left) => {
                self.say(kind::SHUTDOWN_COMPLETE, &[], out);
                return Err(End::Closed(ClosedBy::Us));
            }
            // That the cookie came too late: whoever wants the association asks again.
            kind::ERROR if matches!(self.state, State::Echoing(_)) && says_stale(chunk.value) => {
                return Err(End::Closed(ClosedBy::Failure));
            }
            _ => {}
        }
        Ok(())
    }

    fn data(&mut self, now: Instant, chunk: &Chunk<'_>, out: &mut Out) -> Result<(), End> {
        self.brought = true;
        match self.inbound.data(now, chunk.flags, chunk.value, &mut self.ready) {
            Err(Fault::Stream(stream)) => {
                let [high, low] = stream.to_be_bytes();
                self.say(kind::ERROR, &cause_bytes(cause::STREAM, &[high, low, 0, 0]), out);
                Ok(())
            }
            result => Ok(result?),
        }
    }

    fn beaten(&mut self, now: Instant, value: &[u8]) {
        let Some((HEARTBEAT_INFO, info, _)) = parameters(value).next() else { return };
        let Some((at, asked)) = info.split_first_chunk::<8>() else { return };
        if asked.first_chunk().map(|asked| u64::from_be_bytes(*asked)) == self.asked && self.asked.is_some() {
            self.asked = None;
            self.errors = 0;
            self.outbound.measure(now.since(Instant::from_nanos(u64::from_be_bytes(*at))));
        }
    }

    /// The other end has nothing more to say (§9.2).
    fn shutdown(&mut self, now: Instant, value: &[u8], out: &mut Out) -> Result<(), End> {
        let got =
            value.first_chunk().map(|got| u32::from_be_bytes(*got)).ok_or(End::Abort(cause::VIOLATION))?;
        self.outbound.all_up_to(now, got)?;
        self.errors = 0;
        match self.state {
            State::Open | State::Emptying => self.state = State::Leaving,
            State::Ending => {
                self.state = State::Left;
                self.say_again(now, 0, out);
            }
            State::Left => self.say(kind::SHUTDOWN_ACK, &[], out),
            _ => {}
        }
        Ok(())
    }

    /// A packet was heard to its end.
    pub(super) fn end_of_packet(&mut self, now: Instant, out: &mut Out) {
        if core::mem::take(&mut self.brought) {
            self.inbound.end_of_packet(now);
            if self.state == State::Ending {
                self.say_again(now, 0, out);
            }
        }
        self.flush(now, out);
    }

    /// Whether the other end takes its leave, and nothing can be asked of it any more.
    pub(super) const fn is_leaving(&self) -> bool {
        matches!(self.state, State::Leaving | State::Left)
    }

    /// Sends what may leave now.
    pub(super) fn flush(&mut self, now: Instant, out: &mut Out) {
        if !self.has_begun() {
            return;
        }
        let sends = matches!(self.state, State::Open | State::Emptying | State::Leaving);
        for _ in 0..Outbound::burst() {
            let mut packet = self.packet();
            let along = sends && self.outbound.has_some();
            if self.inbound.due().is_some_and(|due| due <= now || along) {
                packet.chunk(kind::SACK, 0, &[&self.inbound.acknowledge()]);
            }
            if sends {
                self.outbound.fill(now, &mut packet);
            }
            if packet.is_empty() {
                break;
            }
            out.packet(self.remote, packet);
        }
        match self.state {
            State::Emptying if self.outbound.is_empty() => self.state = State::Ending,
            State::Leaving if self.outbound.is_empty() => self.state = State::Left,
            _ => return,
        }
        self.say_again(now, 0, out);
    }

    #[cfg(test)]
    pub(super) const fn held(&self) -> usize {
        self.inbound.held()
    }
}

fn says_stale(causes: &[u8]) -> bool {
    parameters(causes).any(|(cause, ..)| cause == cause::STALE_COOKIE)
}

/// A cause (§3.3.10), or a parameter, which looks alike.
pub(super) fn cause_bytes(cause: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = cause.to_be_bytes().to_vec();
    let len = u16::try_from(value.len().saturating_add(4)).unwrap_or(u16::MAX);
    bytes.extend_from_slice(&len.to_be_bytes());
    bytes.extend_from_slice(value);
    bytes
}

/// Why something was wrong (§3.3.10).
pub(super) mod cause {
    pub(in super::super) const STREAM: u16 = 1;
    pub(in super::super) const MISSING_PARAMETER: u16 = 2;
    pub(in super::super) const STALE_COOKIE: u16 = 3;
    pub(in super::super) const RESOURCE: u16 = 4;
    pub(in super::super) const UNKNOWN_CHUNK: u16 = 6;
    pub(in super::super) const INVALID_PARAMETER: u16 = 7;
    pub(in super::super) const NO_DATA: u16 = 9;
    pub(in super::super) const BY_USER: u16 = 12;
    pub(in super::super) const VIOLATION: u16 = 13;
}

/// Of a HEARTBEAT (§3.3.5).
const HEARTBEAT_INFO: u16 = 1;
