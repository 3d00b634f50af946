//! One handshake with one peer, and what is left of it when it is done.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::collections::VecDeque;

use rove_base::{Entropy, Fingerprint, Instant, SrtpKeys, SrtpProfile};
use subtle::ConstantTimeEq;

use super::{
    DtlsFailure, Identity,
    client::Client,
    flight::Outbound,
    identity::fingerprint,
    inbox::Inbox,
    message::{FINISHED, Fragment, HELLO_DONE, HELLO_VERIFY, Message, fragments},
    record::{ALERT, HANDSHAKE, Record, RecordKeys, Replay, records},
    secrets::Secrets,
    server::Server,
};

/// A handshake.
pub(super) struct Association {
    shared: Shared,
    side: Side,
}

enum Side {
    Client(Client),
    Server(Server),
}

/// What both sides of a handshake work on.
pub(super) struct Shared {
    pub(super) now: Instant,
    pub(super) identity: Identity,
    /// Of the peer's certificate.
    pub(super) expected: Fingerprint,
    pub(super) entropy: Entropy,
    pub(super) out: Outbound,
    pub(super) inbox: Inbox,
    /// All messages that count (RFC 6347 §4.2.6).
    pub(super) transcript: Vec<u8>,
    /// With which the peer protects its records.
    pub(super) peer_keys: Option<RecordKeys>,
    /// The worst that was seen on the way: why it may never end well.
    pub(super) complaint: Option<DtlsFailure>,
    replay: Replay,
    /// Agreed; nothing more is to come but a farewell.
    done: bool,
    deadline: Instant,
    events: VecDeque<Event>,
}

/// What an association tells.
pub(super) enum Event {
    Secured(SrtpKeys),
    Failed(DtlsFailure),
    Closed,
}

impl Association {
    /// Begins as the client.
    pub(super) fn connect(now: Instant, identity: Identity, expected: Fingerprint, entropy: Entropy) -> Self {
        let mut shared = Shared::new(now, identity, expected, entropy, 0);
        let client = Client::begin(&mut shared);
        Self { shared, side: Side::Client(client) }
    }

    /// Answers `hello`, which came back with its cookie, as the server.
    ///
    /// # Errors
    ///
    /// [`DtlsFailure`] when the two have nothing in common.
    pub(super) fn accept(
        now: Instant,
        identity: Identity,
        expected: Fingerprint,
        entropy: Entropy,
        hello: &Message,
    ) -> Result<Self, DtlsFailure> {
        let mut shared = Shared::new(now, identity, expected, entropy, 1);
        let server = Server::begin(&mut shared, hello)?;
        Ok(Self { shared, side: Side::Server(server) })
    }

    /// Whether keys are agreed on.
    pub(super) const fn is_done(&self) -> bool {
        self.shared.done
    }

    /// Since when this goes on, in a form that orders associations.
    pub(super) const fn deadline(&self) -> Instant {
        self.shared.deadline
    }

    /// Whether `hello` is the one this association answers; then it does so again, for its answer may be lost.
    pub(super) fn answers(&mut self, now: Instant, hello: &Message) -> bool {
        let answers = matches!(&self.side, Side::Server(server) if server.answers(hello));
        if answers && !self.shared.done {
            self.shared.out.repeat(now);
        }
        answers
    }

    pub(super) fn receive(&mut self, now: Instant, datagram: &[u8]) {
        self.shared.now = now;
        self.shared.inbox.next_datagram();
        let mut fresh = false;
        for record in records(datagram).take(RECORDS) {
            match (record.epoch, record.kind) {
                (0, HANDSHAKE) if !self.shared.done => {
                    for fragment in fragments(record.body) {
                        self.challenge(&fragment);
                        fresh |= self.wants(fragment.kind) && self.shared.inbox.add(&fragment);
                        if fragment.kind == HELLO_DONE
                            && let Side::Client(client) = &mut self.side
                        {
                            client.asked_again(&mut self.shared);
                        }
                    }
                }
                (1, _) => {
                    if core::mem::take(&mut fresh) {
                        // The keys for it may be among what came before it.
                        self.progress();
                    }
                    self.protected(&record);
                }
                // What is not protected and no handshake, alerts above all, anyone may have sent.
                _ => {}
            }
        }
        if fresh {
            self.progress();
        }
    }

    /// A challenge is short enough to come in one piece always, and counts each time it comes.
    fn challenge(&mut self, fragment: &Fragment<'_>) {
        if fragment.kind == HELLO_VERIFY
            && fragment.bytes.len() == fragment.whole
            && let Side::Client(client) = &mut self.side
        {
            client.challenged(&mut self.shared, fragment.bytes);
        }
    }

    fn wants(&self, kind: u8) -> bool {
        match &self.side {
            Side::Client(_) => Client::wants(kind),
            Side::Server(_) => Server::wants(kind),
        }
    }

    fn progress(&mut self) {
        match &mut self.side {
            Side::Client(client) => client.progress(&mut self.shared),
            Side::Server(server) => server.progress(&mut self.shared),
        }
    }

    fn protected(&mut self, record: &Record<'_>) {
        let Some(keys) = &self.shared.peer_keys else { return };
        if !self.shared.replay.is_new(record.sequence) {
            return;
        }
        let Some(content) = keys.open(record) else { return };
        self.shared.replay.keep(record.sequence);
        match (record.kind, content.as_slice()) {
            (HANDSHAKE, content) => {
                for fragment in fragments(content) {
                    if fragment.kind == FINISHED && fragment.bytes.len() == fragment.whole {
                        self.finished(&Message::new(FINISHED, fragment.seq, fragment.bytes));
                    }
                }
            }
            (ALERT, [level, description]) => self.alert(*level, *description),
            _ => {}
        }
    }

    fn finished(&mut self, message: &Message) {
        if self.shared.done {
            // The peer repeats its last flight: ours was lost.
            return self.shared.out.repeat(self.shared.now);
        }
        match &mut self.side {
            Side::Client(client) => client.finished(&mut self.shared, message),
            Side::Server(server) => server.finished(&mut self.shared, message),
        }
    }

    /// An alert that the peer itself sent.
    fn alert(&mut self, level: u8, description: u8) {
        if self.shared.done {
            if level == FATAL || description == CLOSE_NOTIFY {
                self.shared.events.push_back(Event::Closed);
            }
        } else if level == FATAL {
            self.shared.events.push_back(Event::Failed(DtlsFailure::Alert(description)));
        }
    }

    pub(super) fn tick(&mut self, now: Instant) {
        self.shared.now = self.shared.now.max(now);
        if self.shared.done {
            return;
        }
        if self.shared.deadline <= now {
            let why = self.shared.complaint.unwrap_or(DtlsFailure::Timeout);
            self.shared.events.push_back(Event::Failed(why));
            return;
        }
        if let Side::Client(client) = &mut self.side {
            client.tick(&mut self.shared);
        }
        self.shared.out.tick(now);
    }

    pub(super) fn next_wake(&self) -> Option<Instant> {
        if self.shared.done {
            return None;
        }
        Instant::earliest(self.shared.out.next_wake(), Some(self.shared.deadline))
    }

    pub(super) fn next_datagram(&mut self) -> Option<Vec<u8>> {
        self.shared.out.next_datagram()
    }

    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.shared.events.pop_front()
    }

    /// Says goodbye (RFC 5246 §7.2.1).
    pub(super) fn close(&mut self) {
        if self.shared.done {
            self.shared.out.alert(WARNING, CLOSE_NOTIFY);
        }
    }
}

impl Shared {
    fn new(now: Instant, identity: Identity, expected: Fingerprint, entropy: Entropy, first: u16) -> Self {
        Self {
            now,
            identity,
            expected,
            entropy,
            out: Outbound::new(first),
            inbox: Inbox::default(),
            transcript: Vec::new(),
            peer_keys: None,
            complaint: None,
            replay: Replay::default(),
            done: false,
            deadline: now + DEADLINE,
            events: VecDeque::new(),
        }
    }

    /// Adds a message to the flight and to the transcript.
    pub(super) fn say(&mut self, kind: u8, body: &[u8]) {
        let message = self.out.say(kind, body);
        self.transcript.extend(&message.bytes);
    }

    /// Whether `certificate` is the one that signalling told of; complains when not.
    pub(super) fn expects(&mut self, certificate: &[u8]) -> bool {
        let expected = fingerprint(certificate) == self.expected;
        if !expected {
            self.complaint = Some(DtlsFailure::Fingerprint);
        }
        expected
    }

    /// Whether `message` is the right Finished of the other side; then it counts in the transcript.
    pub(super) fn believes(&mut self, secrets: &Secrets, client: bool, seq: u16, message: &Message) -> bool {
        let verify = secrets.finished(client, &self.transcript);
        let right = message.seq == seq && message.body().ct_eq(verify.as_slice()).into();
        if right {
            self.transcript.extend(&message.bytes);
        }
        right
    }

    /// Hands out the keys: all is agreed.
    pub(super) fn secure(&mut self, secrets: &Secrets, profile: SrtpProfile, client: bool) {
        self.done = true;
        self.inbox.clear();
        self.transcript = Vec::new();
        self.events.push_back(match secrets.srtp(profile, client) {
            Some(keys) => Event::Secured(keys),
            None => Event::Failed(DtlsFailure::NothingInCommon),
        });
    }
}

const WARNING: u8 = 1;
const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
/// Records looked at in one datagram.
const RECORDS: usize = 32;
/// A handshake that takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(30);
