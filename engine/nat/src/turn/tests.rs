#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::*;

/// What a server says to questions, as it is told to.
struct Server {
    key: LongTermKey,
    /// Offers the better way to make keys.
    better: bool,
    nonce: Vec<u8>,
    heard: Vec<(Method, bool)>,
}

fn peer() -> SocketAddr {
    ([192, 0, 2, 9], 5_000).into()
}

fn relayed() -> SocketAddr {
    ([192, 0, 2, 1], 50_000).into()
}

impl Server {
    fn new(better: bool) -> Self {
        let nonce = if better { b"obMatJos2gAAAxyz".to_vec() } else { b"xyz".to_vec() };
        Self { key: LongTermKey::new(b"me", b"r", b"pass"), better, nonce, heard: Vec::new() }
    }

    /// Answers a question: unsealed by a challenge, else by `code`, or as it is wished.
    fn answer(&mut self, question: &[u8], code: Option<u16>) -> Vec<u8> {
        let message = TurnMessage::parse(question).unwrap();
        let told = message.attributes();
        let (method, transaction) = (message.method(), message.transaction());
        self.heard.push((method, message.has_seal()));
        let mut bytes = Vec::new();
        let stale = told.nonce.is_some_and(|nonce| nonce != self.nonce);
        if !message.has_seal() || stale {
            let code = if stale { 438 } else { 401 };
            let mut answer = TurnWriter::new(&mut bytes, Class::Error, method, transaction).error(code);
            answer = answer.realm(b"r").nonce(&self.nonce);
            if self.better {
                answer = answer.algorithms(&[Algorithm::Md5, Algorithm::Sha256]);
            }
            answer.done();
            return bytes;
        }
        let seal = message.is_sealed(&self.key).expect("sealed by its password");
        assert_eq!(matches!(seal, Seal::Sha256(_)), self.better);
        match code {
            Some(code) => {
                TurnWriter::new(&mut bytes, Class::Error, method, transaction)
                    .error(code)
                    .sealed(seal)
                    .done();
            }
            None => TurnWriter::new(&mut bytes, Class::Success, method, transaction)
                .relayed(relayed())
                .lifetime(600)
                .sealed(seal)
                .done(),
        }
        bytes
    }
}

fn client() -> TurnClient {
    let credentials = TurnCredentials { user: "me".into(), password: Zeroizing::new("pass".into()) };
    TurnClient::new(Instant::ZERO, credentials, Entropy::from_number(1))
}

fn at(secs: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(secs)
}

/// Carries questions and answers until there is no question more.
fn settle(client: &mut TurnClient, server: &mut Server, now: Instant, code: Option<u16>) {
    while let Some(question) = client.next_datagram(now) {
        let answer = server.answer(&question, code);
        assert_eq!(client.receive(now, &answer), FromServer::Answer);
    }
}

#[test]
fn an_address_is_lent_and_a_peer_reached_in_the_best_way_that_is_offered() {
    for better in [false, true] {
        let (mut client, mut server) = (client(), Server::new(better));
        settle(&mut client, &mut server, at(0), None);
        assert_eq!(client.news(), Some(TurnNews::Lent { relayed: relayed(), mapped: None }));
        let mut out = Vec::new();
        assert!(client.reach(at(1), peer()) && !client.write(peer(), b"early", &mut out));
        settle(&mut client, &mut server, at(1), None);
        assert_eq!((client.news(), client.news()), (Some(TurnNews::Reached(peer())), None));
        assert!(client.write(peer(), b"voice", &mut out));
        assert_eq!(out, b"\x40\x00\x00\x05voice");
        assert_eq!(client.receive(at(2), &out), FromServer::Data { peer: peer(), bytes: b"voice" });
        let expected = [(Method::Allocate, false), (Method::Allocate, true), (Method::ChannelBind, true)];
        assert_eq!(server.heard, expected);
    }
}

#[test]
fn what_was_lent_and_let_in_is_asked_for_again_in_time_with_the_nonce_of_the_day() {
    let (mut client, mut server) = (client(), Server::new(true));
    settle(&mut client, &mut server, at(0), None);
    client.reach(at(0), peer());
    settle(&mut client, &mut server, at(0), None);
    assert_eq!(client.next_wake(), Some(at(240)));
    server.heard.clear();
    server.nonce = b"obMatJos2gAAAnew".to_vec();
    for minute in 1..=30 {
        settle(&mut client, &mut server, at(60 * minute), None);
    }
    let count = |method| server.heard.iter().filter(|(heard, _)| *heard == method).count();
    assert_eq!((count(Method::ChannelBind), count(Method::Refresh)), (8, 3));
    assert_eq!(
        (client.news(), client.news(), client.news()),
        (Some(TurnNews::Lent { relayed: relayed(), mapped: None }), Some(TurnNews::Reached(peer())), None)
    );
}

#[test]
fn refusals_say_their_code_and_a_wrong_password_ends_it() {
    let (mut one, mut server) = (client(), Server::new(false));
    settle(&mut one, &mut server, at(0), Some(486));
    assert_eq!((one.news(), one.relayed()), (Some(TurnNews::Ended(Some(486))), None));
    let (mut two, mut server) = (client(), Server::new(false));
    settle(&mut two, &mut server, at(0), None);
    two.reach(at(0), peer());
    settle(&mut two, &mut server, at(0), Some(403));
    two.news();
    assert_eq!(two.news(), Some(TurnNews::Unreachable(peer(), Some(403))));
    assert_eq!(two.relayed(), Some(relayed()));
    // Whoever is told 401 again does not know the password.
    let mut three = client();
    for _ in 0..2 {
        let question = three.next_datagram(at(0)).unwrap();
        let mut bytes = Vec::new();
        let transaction = TurnMessage::parse(&question).unwrap().transaction();
        TurnWriter::new(&mut bytes, Class::Error, Method::Allocate, transaction)
            .error(401)
            .realm(b"r")
            .nonce(b"n")
            .done();
        assert_eq!(three.receive(at(0), &bytes), FromServer::Answer);
    }
    assert_eq!((three.news(), three.next_datagram(at(0))), (Some(TurnNews::Ended(Some(401))), None));
}

#[test]
fn nobody_answers_who_does_not_know_the_password() {
    let (mut client, mut server) = (client(), Server::new(true));
    let first = client.next_datagram(at(0)).unwrap();
    let challenge = server.answer(&first, None);
    client.receive(at(0), &challenge);
    let question = client.next_datagram(at(0)).unwrap();
    let transaction = TurnMessage::parse(&question).unwrap().transaction();
    let stranger = LongTermKey::new(b"me", b"r", b"guess");
    for sealed in [false, true] {
        for class in [Class::Success, Class::Error] {
            let mut bytes = Vec::new();
            let mut answer =
                TurnWriter::new(&mut bytes, class, Method::Allocate, transaction).relayed(relayed());
            if class == Class::Error {
                answer = answer.error(486);
            }
            match stranger.by(Algorithm::Sha256).filter(|_| sealed) {
                Some(key) => answer.sealed(Seal::Sha256(key)).done(),
                None => answer.done(),
            }
            assert_eq!(client.receive(at(0), &bytes), FromServer::Other, "{class:?} {sealed}");
        }
    }
    assert_eq!((client.news(), client.relayed()), (None, None));
    let answer = server.answer(&question, None);
    assert_eq!(client.receive(at(0), &answer), FromServer::Answer);
    assert_eq!(client.relayed(), Some(relayed()));
}

#[test]
fn a_server_that_is_silent_is_asked_six_times_and_given_up() {
    let mut client = client();
    let mut asked = 0;
    for tenth in 0..600 {
        let now = Instant::ZERO + Duration::from_millis(100 * tenth);
        asked += usize::from(client.next_datagram(now).is_some());
    }
    assert_eq!((asked, client.news()), (6, Some(TurnNews::Ended(None))));
    assert_eq!(client.next_wake(), None);
}

#[test]
fn peers_that_were_not_let_in_are_not_heard_and_there_are_so_many() {
    let (mut client, mut server) = (client(), Server::new(false));
    settle(&mut client, &mut server, at(0), None);
    let mut bytes = Vec::new();
    TurnWriter::new(&mut bytes, Class::Indication, Method::Data, [1; 12]).peer(peer()).data(b"x").done();
    assert_eq!(client.receive(at(0), &bytes), FromServer::Other);
    assert_eq!(client.receive(at(0), b"\x40\x00\x00\x01x"), FromServer::Other);
    client.reach(at(0), peer());
    assert_eq!(client.receive(at(0), &bytes), FromServer::Data { peer: peer(), bytes: b"x" });
    let more = (1..100).filter(|port| client.reach(at(0), ([192, 0, 2, 10], *port).into())).count();
    assert_eq!(more, PEERS - 1);
    client.end(at(1));
    settle(&mut client, &mut server, at(1), None);
    assert_eq!(server.heard.last(), Some(&(Method::Refresh, true)));
    assert_eq!((client.next_wake(), client.relayed()), (None, None));
}
