//! The side that is called (RFC 5246 §7.3, RFC 6347 §4.2), from the hello that showed its cookie on.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use p256::{PublicKey, SecretKey, ecdh::diffie_hellman};
use rove_base::SrtpProfile;

use super::{
    DtlsFailure,
    association::Shared,
    identity,
    inbox::Inbox,
    message::{
        CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, CLIENT_KEY, Chosen, ClientHello, FINISHED,
        HELLO_DONE, Message, P256, SERVER_HELLO, SERVER_KEY, certificate_verify, client_key, leaf,
        write_certificate, write_certificate_request, write_key_parameters, write_server_hello,
        write_signature,
    },
    secrets::{Randoms, SUITES, Secrets, Suite},
    verify::{OUR_SCHEME, PeerKey},
    wire::pairs,
};

pub(super) struct Server {
    state: State,
    hello: Message,
}

enum State {
    Keys { suite: Suite, profile: SrtpProfile, extended_master: bool, randoms: Randoms, secret: SecretKey },
    Finished { secrets: Secrets, profile: SrtpProfile },
    Done,
}

impl Server {
    pub(super) fn begin(shared: &mut Shared, message: &Message) -> Result<Self, DtlsFailure> {
        let hello = ClientHello::parse(message.body()).ok_or(DtlsFailure::NothingInCommon)?;
        let offered = |suite: &&Suite| !suite.rsa && pairs(hello.suites).any(|id| id == suite.id);
        let suite = *SUITES.iter().find(offered).ok_or(DtlsFailure::NothingInCommon)?;
        let told = &hello.extensions;
        let names =
            |list: Option<&[u8]>, wanted| list.is_none_or(|list| pairs(list).any(|one| one == wanted));
        if !names(told.groups, P256) || !names(told.schemes, OUR_SCHEME) {
            return Err(DtlsFailure::NothingInCommon);
        }
        let profile = told.profile().ok_or(DtlsFailure::NothingInCommon)?;
        let mut random = [0; 32];
        shared.entropy.fill(&mut random);
        let secret = identity::secret(&mut shared.entropy);
        let randoms = Randoms { client: hello.random, server: random };
        let chosen = Chosen {
            suite: suite.id,
            profile,
            extended_master: told.extended_master,
            renegotiation: told.renegotiation || pairs(hello.suites).any(|id| id == 0x00ff),
        };
        shared.transcript.extend(&message.bytes);
        shared.out.begin();
        shared.say(SERVER_HELLO, &write_server_hello(&random, &chosen));
        let certificate = write_certificate(shared.identity.certificate());
        shared.say(CERTIFICATE, &certificate);
        let parameters = write_key_parameters(&identity::point(&secret));
        let signed = [&randoms.client[..], &randoms.server, &parameters].concat();
        let signature = write_signature(OUR_SCHEME, &shared.identity.sign(&signed));
        shared.say(SERVER_KEY, &[parameters, signature].concat());
        shared.say(CERTIFICATE_REQUEST, &write_certificate_request());
        shared.say(HELLO_DONE, &[]);
        shared.out.send(shared.now, false);
        let state = State::Keys { suite, profile, extended_master: told.extended_master, randoms, secret };
        Ok(Self { state, hello: message.clone() })
    }

    pub(super) fn answers(&self, hello: &Message) -> bool {
        self.hello == *hello
    }

    pub(super) const fn wants(kind: u8) -> bool {
        matches!(kind, CERTIFICATE | CLIENT_KEY | CERTIFICATE_VERIFY)
    }

    /// The number of the message that is `after` behind the hello.
    fn seq(&self, after: u16) -> u16 {
        self.hello.seq.wrapping_add(after)
    }

    /// Looks for a certificate that is the peer's, a key, and a signature by the one over the other: only all three
    /// together are believed, whatever strangers sent beside them.
    pub(super) fn progress(&mut self, shared: &mut Shared) {
        let inbox = core::mem::take(&mut shared.inbox);
        match self.read(shared, &inbox) {
            Some(state) => self.state = state,
            None => shared.inbox = inbox,
        }
    }

    fn read(&self, shared: &mut Shared, inbox: &Inbox) -> Option<State> {
        let State::Keys { suite, profile, extended_master, randoms, secret } = &self.state else {
            return None;
        };
        for certificate in inbox.of(CERTIFICATE, self.seq(1)) {
            let Some(leaf) = leaf(certificate.body()).filter(|leaf| shared.expects(leaf)) else { continue };
            let Some(peer) = PeerKey::of(leaf) else { continue };
            for key in inbox.of(CLIENT_KEY, self.seq(2)) {
                let session = [&shared.transcript[..], &certificate.bytes, &key.bytes].concat();
                for verify in inbox.of(CERTIFICATE_VERIFY, self.seq(3)) {
                    let Some((scheme, signature)) = certificate_verify(verify.body()) else { continue };
                    if !peer.verifies(scheme, &session, signature) {
                        continue;
                    }
                    let point =
                        client_key(key.body()).and_then(|point| PublicKey::from_sec1_bytes(point).ok())?;
                    let shared_secret = diffie_hellman(secret.to_nonzero_scalar(), point.as_affine());
                    let hashed = extended_master.then_some(session.as_slice());
                    let secrets = Secrets::derive(*suite, *randoms, shared_secret.raw_secret_bytes(), hashed);
                    let (theirs, ours) = secrets.record_keys()?;
                    shared.transcript = [&session[..], &verify.bytes].concat();
                    shared.peer_keys = Some(theirs);
                    shared.out.begin();
                    shared.out.change_cipher(ours);
                    return Some(State::Finished { secrets, profile: *profile });
                }
            }
        }
        None
    }

    pub(super) fn finished(&mut self, shared: &mut Shared, message: &Message) {
        let State::Finished { secrets, profile } = &self.state else { return };
        if shared.believes(secrets, true, self.seq(4), message) {
            let verify = secrets.finished(false, &shared.transcript);
            shared.out.say_protected(FINISHED, &verify);
            shared.out.send(shared.now, true);
            shared.secure(secrets, *profile, false);
            self.state = State::Done;
        }
    }
}
