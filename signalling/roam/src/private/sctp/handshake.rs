//! How an association begins (RFC 9260 §5): INIT, INIT ACK, COOKIE ECHO, COOKIE ACK; at one end, at both at once, and
//! anew where there is one.

use rove_base::{ClosedBy, Instant};

use super::{
    Sctp,
    association::{Association, State, cause, cause_bytes},
    cookie::Cookie,
    init::{self, Init, STATE_COOKIE, UNRECOGNIZED},
    packet::{Packet, Writer, kind, padded},
};

impl Sctp {
    /// INIT of a partner: it gets all back that is known of it, and nothing is kept.
    pub(super) fn init(&mut self, now: Instant, index: usize, packet: &Packet<'_>, value: &[u8]) {
        let Some(peer) = self.peers.get(index) else { return };
        let remote = peer.config.address;
        let ports = (packet.destination, packet.source);
        let Some(read) = init::read(value) else {
            // One that names itself 0 cannot be answered (§3.3.2).
            let tag = value.first_chunk().map(|tag| u32::from_be_bytes(*tag)).filter(|tag| *tag != 0);
            if let Some(tag) = tag {
                let mut answer = Writer::new(ports, tag);
                answer.chunk(kind::ABORT, 0, &[&cause_bytes(cause::INVALID_PARAMETER, &[])]);
                self.out.packet(remote, answer);
            }
            self.counts.malformed = self.counts.malformed.saturating_add(1);
            return;
        };
        let (tag, number, tie) =
            match peer.association.as_ref().map(|association| (&association.state, association)) {
                Some((State::Left, association)) => {
                    return association.say(kind::SHUTDOWN_ACK, &[], &mut self.out);
                }
                // Both begin at once: it is one association (§5.2.1).
                Some((State::Asking | State::Echoing(_), association)) => {
                    (association.own.tag, association.own.number, 0)
                }
                // It may have been started again: that shows when the cookie comes back (§5.2.2).
                Some((_, association)) => {
                    let tie = association.tie;
                    (self.draw_tag(), self.entropy.next_u32(), tie)
                }
                None => (self.draw_tag(), self.entropy.next_u32(), 0),
            };
        let cookie = Cookie { made: now, tag, number, theirs: read.init, port: packet.source, tie };
        let mut body = Init::own(tag, number).to_bytes().to_vec();
        body.extend_from_slice(&cause_bytes(STATE_COOKIE, &cookie.seal(&self.secret, remote)));
        for whole in &read.unknown {
            body.resize(padded(body.len()), 0);
            body.extend_from_slice(&cause_bytes(UNRECOGNIZED, whole));
        }
        let mut answer = Writer::new(ports, read.init.tag);
        answer.chunk(kind::INIT_ACK, 0, &[&body]);
        self.out.packet(remote, answer);
    }

    /// INIT ACK, with the tag that our INIT has given.
    pub(super) fn init_ack(&mut self, now: Instant, index: usize, value: &[u8]) {
        let Some(peer) = self.peers.get_mut(index) else { return };
        let Some(association) = peer.association.as_mut().filter(|one| one.state == State::Asking) else {
            return;
        };
        let Some(read) = init::read(value) else {
            return self.end(index, ClosedBy::Failure);
        };
        let result = association.echo(now, &read, &mut self.out);
        self.settle(index, result);
    }

    /// A cookie has come back: whether there is an association for what follows it in its packet.
    pub(super) fn cookie_echo(
        &mut self,
        now: Instant,
        index: usize,
        packet: &Packet<'_>,
        value: &[u8],
    ) -> bool {
        let Some(peer) = self.peers.get_mut(index) else { return false };
        let remote = peer.config.address;
        let ports = (packet.destination, packet.source);
        let cookie = Cookie::open(value, &self.secret, remote);
        let Some(cookie) = cookie.filter(|cookie| cookie.tag == packet.tag && cookie.port == packet.source)
        else {
            self.counts.forged = self.counts.forged.saturating_add(1);
            return false;
        };
        if cookie.is_stale(now) {
            let mut answer = Writer::new(ports, cookie.theirs.tag);
            answer.chunk(kind::ERROR, 0, &[&cause_bytes(cause::STALE_COOKIE, &[0; 4])]);
            self.out.packet(remote, answer);
            return false;
        }
        match &mut peer.association {
            None => self.accept(now, index, &cookie),
            Some(one) if one.own.tag == cookie.tag && one.their_tag == cookie.theirs.tag => {
                if !one.has_begun() {
                    one.stands(now);
                }
            }
            Some(one) if one.own.tag == cookie.tag && !one.has_begun() => one.open(now, &cookie),
            Some(one)
                if cookie.tie == one.tie
                    && one.own.tag != cookie.tag
                    && one.their_tag != cookie.theirs.tag =>
            {
                if one.state == State::Left {
                    one.say(kind::SHUTDOWN_ACK, &[], &mut self.out);
                    return false;
                }
                // The other end was started again: what it knew is gone, and so is ours.
                self.end(index, ClosedBy::Peer);
                self.accept(now, index, &cookie);
            }
            Some(_) => return false,
        }
        if let Some(one) = self.peers.get(index).and_then(|peer| peer.association.as_ref()) {
            one.say(kind::COOKIE_ACK, &[], &mut self.out);
        }
        true
    }

    /// An association that a partner wants.
    fn accept(&mut self, now: Instant, index: usize, cookie: &Cookie) {
        let (stream, tie) = (self.next_stream(), self.draw_tie());
        let Some(peer) = self.peers.get_mut(index) else { return };
        let (ports, own) = ((peer.config.payload.port(), cookie.port), Init::own(cookie.tag, cookie.number));
        let mut one = Association::asking(now, stream, peer.config.address, ports, own, tie);
        one.open(now, cookie);
        peer.association = Some(one);
    }

    /// Never 0, which is nobody's.
    pub(super) fn draw_tag(&mut self) -> u32 {
        self.entropy.next_u32().max(1)
    }

    /// Never 0, which is said where there is no association.
    pub(super) fn draw_tie(&mut self) -> u64 {
        self.entropy.next_u64().max(1)
    }
}
