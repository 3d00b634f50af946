//! The side that begins (RFC 5246 §7.3, RFC 6347 §4.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use p256::{PublicKey, SecretKey, ecdh::diffie_hellman};
use rove_base::{Instant, SrtpProfile};

use super::{
    DtlsFailure,
    association::Shared,
    identity,
    inbox::Inbox,
    message::{
        CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, CLIENT_HELLO, CLIENT_KEY, FINISHED, HELLO_DONE,
        Message, SERVER_HELLO, SERVER_KEY, ServerHello, ServerKey, cookie, leaf, write_certificate,
        write_client_hello, write_client_key, write_signature,
    },
    secrets::{Randoms, Secrets, Suite},
    verify::{OUR_SCHEME, PeerKey},
};

pub(super) struct Client {
    random: [u8; 32],
    secret: SecretKey,
    state: State,
}

enum State {
    Hello {
        /// Those that servers asked to be shown.
        cookies: Vec<Cookie>,
        /// The one in the last hello.
        shown: Vec<u8>,
        /// When it was chosen.
        spoke: Option<Instant>,
    },
    Finished {
        secrets: Secrets,
        profile: SrtpProfile,
        seq: u16,
        trial: Trial,
    },
    Done,
}

/// Which of the flights that the server's signature fits was answered. A signature covers neither the extensions of the
/// hello nor what follows the certificate: who saw them can have forged them, and only Finished tells.
#[derive(Clone)]
struct Trial {
    /// Its place among them.
    place: usize,
    since: Instant,
    /// So long the server may take before another is tried.
    wait: Duration,
    /// What had been said before, and the number of the message after it.
    said: Vec<u8>,
    next: u16,
}

/// A cookie that someone asked to be shown.
struct Cookie {
    bytes: Vec<u8>,
    /// How often it was told.
    told: u32,
    /// How often it was chosen.
    shown: u32,
}

impl Cookie {
    /// The more often it was told, the better; but each time it was shown in vain counts like sixteen times less.
    fn promise(&self) -> i64 {
        let told = i64::from(self.told.checked_ilog2().unwrap_or(0));
        told.saturating_sub(i64::from(self.shown).saturating_mul(4))
    }
}

/// What a server said, once its signature holds.
struct ServerFlight<'a> {
    hello: &'a Message,
    chosen: ServerHello<'a>,
    suite: Suite,
    profile: SrtpProfile,
    certificate: &'a Message,
    key: &'a Message,
    point: PublicKey,
}

impl Client {
    pub(super) fn begin(shared: &mut Shared) -> Self {
        let mut random = [0; 32];
        shared.entropy.fill(&mut random);
        let secret = identity::secret(&mut shared.entropy);
        let state = State::Hello { cookies: Vec::new(), shown: Vec::new(), spoke: None };
        let client = Self { random, secret, state };
        client.hello(shared, 0);
        client
    }

    pub(super) const fn wants(kind: u8) -> bool {
        matches!(kind, SERVER_HELLO | CERTIFICATE | SERVER_KEY | CERTIFICATE_REQUEST | HELLO_DONE)
    }

    pub(super) fn tick(&mut self, shared: &mut Shared) {
        self.show(shared);
    }

    fn hello(&self, shared: &mut Shared, seq: u16) {
        let State::Hello { shown, .. } = &self.state else { return };
        shared.transcript.clear();
        shared.out.begin();
        shared.out.count_from(seq);
        shared.say(CLIENT_HELLO, &write_client_hello(&self.random, shown));
        shared.out.send(shared.now, false);
    }

    pub(super) fn progress(&mut self, shared: &mut Shared) {
        if matches!(self.state, State::Hello { .. }) {
            let (said, next) = (shared.transcript.clone(), shared.out.count());
            let trial = Trial { place: 0, since: shared.now, wait: PAUSE, said, next };
            self.attempt(shared, trial);
        }
    }

    /// Answers the flight of this trial; whether there is one.
    fn attempt(&mut self, shared: &mut Shared, trial: Trial) -> bool {
        let inbox = core::mem::take(&mut shared.inbox);
        let read = self.read(shared, &inbox, trial.place);
        let agreed = read.and_then(|flight| self.answer(shared, &inbox, &flight, trial));
        shared.inbox = inbox;
        let found = agreed.is_some();
        if let Some(state) = agreed {
            self.state = state;
        }
        found
    }

    /// A server asks to be shown a cookie (RFC 6347 §4.2.1). Who floods it with hellos in our name makes it send us
    /// cookies that are not for us, and anyone can write such a message; the one for us comes again for each hello of
    /// ours.
    pub(super) fn challenged(&mut self, shared: &mut Shared, body: &[u8]) {
        let (State::Hello { cookies, .. }, Some(told)) = (&mut self.state, cookie(body)) else { return };
        match cookies.iter_mut().find(|kept| kept.bytes == told) {
            Some(kept) => kept.told = kept.told.saturating_add(1),
            None => {
                if cookies.len() >= COOKIES
                    && let Some((place, _)) =
                        cookies.iter().enumerate().min_by_key(|(_, kept)| kept.promise())
                {
                    cookies.remove(place);
                }
                cookies.push(Cookie { bytes: told.to_vec(), told: 1, shown: 0 });
            }
        }
        self.show(shared);
    }

    /// Says hello with the most promising cookie: the first at once, another when the one before had time to be answered.
    fn show(&mut self, shared: &mut Shared) {
        let State::Hello { cookies, shown, spoke, .. } = &mut self.state else { return };
        if spoke.is_some_and(|spoke| shared.now.since(spoke) < PAUSE) {
            return;
        }
        let Some(best) = cookies.iter_mut().max_by_key(|kept| kept.promise()) else { return };
        best.shown = best.shown.saturating_add(1);
        *spoke = Some(shared.now);
        if best.bytes != *shown {
            best.bytes.clone_into(shown);
            self.hello(shared, 1);
        }
    }

    /// The server's flight, as soon as its signature holds; the one after `place` others that it fits too. It covers the
    /// randoms, so that what strangers sent is told from what the server did.
    fn read<'a>(&self, shared: &mut Shared, inbox: &'a Inbox, place: usize) -> Option<ServerFlight<'a>> {
        let mut left = place;
        for hello in inbox.of_kind(SERVER_HELLO) {
            let Some(chosen) = ServerHello::parse(hello.body()) else { continue };
            let Some(suite) = Suite::of(chosen.suite) else { continue };
            for certificate in inbox.of(CERTIFICATE, hello.seq.wrapping_add(1)) {
                let Some(leaf) = leaf(certificate.body()).filter(|leaf| shared.expects(leaf)) else {
                    continue;
                };
                let Some(peer) = PeerKey::of(leaf).filter(|peer| peer.is_rsa() == suite.rsa) else {
                    continue;
                };
                for key in inbox.of(SERVER_KEY, hello.seq.wrapping_add(2)) {
                    let Some(told) = ServerKey::parse(key.body()) else { continue };
                    let signed = [&self.random, &chosen.random, told.signed].concat();
                    if !peer.verifies(told.scheme, &signed, told.signature) {
                        continue;
                    }
                    let Some(profile) = chosen.extensions.profile() else {
                        shared.complaint = Some(DtlsFailure::NothingInCommon);
                        continue;
                    };
                    let Ok(point) = PublicKey::from_sec1_bytes(told.point) else { continue };
                    if let Some(fewer) = left.checked_sub(1) {
                        left = fewer;
                        continue;
                    }
                    return Some(ServerFlight { hello, chosen, suite, profile, certificate, key, point });
                }
            }
        }
        None
    }

    /// Answers the server's flight once its end is there.
    fn answer(
        &self,
        shared: &mut Shared,
        inbox: &Inbox,
        flight: &ServerFlight<'_>,
        trial: Trial,
    ) -> Option<State> {
        let after = flight.hello.seq.wrapping_add(3);
        let empty = |message: &&Message| message.body().is_empty();
        let (request, done) = match inbox.of(HELLO_DONE, after).find(empty) {
            Some(done) => (None, done),
            None => {
                let done = inbox.of(HELLO_DONE, after.wrapping_add(1)).find(empty)?;
                (Some(inbox.beside(flight.key, CERTIFICATE_REQUEST, after)?), done)
            }
        };
        shared.transcript.clone_from(&trial.said);
        for message in [Some(flight.hello), Some(flight.certificate), Some(flight.key), request, Some(done)] {
            shared.transcript.extend(message.iter().flat_map(|message| &message.bytes));
        }
        shared.out.begin();
        shared.out.count_from(trial.next);
        if request.is_some() {
            let certificate = write_certificate(shared.identity.certificate());
            shared.say(CERTIFICATE, &certificate);
        }
        let point = identity::point(&self.secret);
        shared.say(CLIENT_KEY, &write_client_key(&point));
        let session = flight.chosen.extensions.extended_master.then_some(shared.transcript.as_slice());
        let randoms = Randoms { client: self.random, server: flight.chosen.random };
        let pre_master = diffie_hellman(self.secret.to_nonzero_scalar(), flight.point.as_affine());
        let secrets = Secrets::derive(flight.suite, randoms, pre_master.raw_secret_bytes(), session);
        let (ours, theirs) = secrets.record_keys()?;
        if request.is_some() {
            let signature = shared.identity.sign(&shared.transcript);
            shared.say(CERTIFICATE_VERIFY, &write_signature(OUR_SCHEME, &signature));
        }
        shared.out.change_cipher(ours);
        let verify = secrets.finished(true, &shared.transcript);
        let finished = shared.out.say_protected(FINISHED, &verify);
        shared.transcript.extend(&finished.bytes);
        shared.peer_keys = Some(theirs);
        shared.out.send(shared.now, false);
        let seq = done.seq.wrapping_add(1);
        Some(State::Finished { secrets, profile: flight.profile, seq, trial })
    }

    /// The server repeats its flight: the answer may be lost, or it was one to a flight that is not the server's.
    pub(super) fn asked_again(&mut self, shared: &mut Shared) {
        let State::Finished { trial, .. } = &mut self.state else { return };
        let waits = shared.now.since(trial.since) < trial.wait;
        if waits {
            return shared.out.repeat(shared.now);
        }
        trial.since = shared.now;
        trial.wait = trial.wait.saturating_mul(2).min(LONGEST_WAIT);
        let (before, mut other) = (trial.place, trial.clone());
        other.place = before.saturating_add(1);
        let first = Trial { place: 0, ..other.clone() };
        // The last one was answered: the first is the next.
        if !self.attempt(shared, other) && (before == 0 || !self.attempt(shared, first)) {
            shared.out.repeat(shared.now);
        }
    }

    pub(super) fn finished(&mut self, shared: &mut Shared, message: &Message) {
        let State::Finished { secrets, profile, seq, .. } = &self.state else { return };
        if shared.believes(secrets, false, *seq, message) {
            shared.secure(secrets, *profile, true);
            shared.out.begin();
            self.state = State::Done;
        }
    }
}

/// Cookies kept, at most.
const COOKIES: usize = 256;
/// So long a server may take to answer a hello before another cookie is tried.
const PAUSE: Duration = Duration::from_millis(400);
/// So long a server may take at most before another of the flights that could be its own is answered.
const LONGEST_WAIT: Duration = Duration::from_millis(3_200);
