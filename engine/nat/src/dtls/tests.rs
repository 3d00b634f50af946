#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use rove_base::{SrtpProfile, UnixTime};

use super::*;

mod forged;

const SERVER: UdpFlow = flow(5_000, 6_000);
const CLIENT: UdpFlow = flow(6_000, 5_000);

const fn flow(local: u16, remote: u16) -> UdpFlow {
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    UdpFlow { local: SocketAddr::new(HERE, local), remote: SocketAddr::new(HERE, remote) }
}

pub(super) fn identity(seed: u64) -> Identity {
    Identity::draw(&mut Entropy::from_number(seed), UnixTime::from_secs(1_800_000_000))
}

/// Both ends of a handshake.
struct World {
    now: Instant,
    client: Dtls,
    server: Dtls,
    chance: Entropy,
    loss: f64,
    keys: [Option<SrtpKeys>; 2],
    failures: Vec<DtlsFailure>,
}

impl World {
    fn new(seed: u64, loss: f64) -> Self {
        let (a, b) = (identity(seed * 2 + 1), identity(seed * 2 + 2));
        let plan = |role, peer: &Identity| DtlsPlan { role, fingerprint: peer.fingerprint() };
        let client = Dtls::new(
            a.clone(),
            plan(DtlsRole::Active, &b),
            Flows::Checked,
            Entropy::from_number(seed + 100),
        );
        let server =
            Dtls::new(b, plan(DtlsRole::Passive, &a), Flows::Told(SERVER), Entropy::from_number(seed + 200));
        Self {
            now: Instant::ZERO,
            client,
            server,
            chance: Entropy::from_number(seed),
            loss,
            keys: [None, None],
            failures: Vec::new(),
        }
    }

    fn start(&mut self) {
        self.client.start(self.now, CLIENT);
        self.server.start(self.now, SERVER);
    }

    /// Carries what waits, once; answers whether there was anything.
    fn carry(&mut self) -> bool {
        let mut any = false;
        while let Some((_, datagram)) = self.client.next_datagram() {
            any = true;
            if self.chance.unit() >= self.loss {
                self.server.receive(self.now, SERVER, &datagram);
            }
        }
        while let Some((_, datagram)) = self.server.next_datagram() {
            any = true;
            if self.chance.unit() >= self.loss {
                self.client.receive(self.now, CLIENT, &datagram);
            }
        }
        self.hear();
        any
    }

    fn hear(&mut self) {
        for (end, keys) in [&mut self.client, &mut self.server].into_iter().zip(&mut self.keys) {
            while let Some(event) = end.next_event() {
                match event {
                    DtlsEvent::Secured { keys: agreed, .. } => *keys = Some(agreed),
                    DtlsEvent::Failed(why) => self.failures.push(why),
                    DtlsEvent::Closed => {}
                }
            }
        }
    }

    fn is_done(&self) -> bool {
        self.keys.iter().all(Option::is_some)
    }

    /// Runs until both have keys, or one has given up, or it is `until`.
    fn run(&mut self, until: Duration) {
        while !self.is_done() && self.failures.is_empty() && self.now < Instant::ZERO + until {
            if !self.carry() {
                let wake = Instant::earliest(self.client.next_wake(), self.server.next_wake());
                self.now = wake.unwrap_or(Instant::ZERO + until).max(self.now + Duration::from_millis(1));
                self.client.tick(self.now);
                self.server.tick(self.now);
            }
        }
    }

    fn assert_agreed(&self, what: &str) {
        let [Some(client), Some(server)] = &self.keys else {
            panic!("{what}: no keys, {:?}", self.failures);
        };
        assert_eq!((client.send(), client.receive()), (server.receive(), server.send()), "{what}");
        assert_eq!(client.profile(), SrtpProfile::AeadAes128Gcm, "{what}");
    }
}

/// A hello that anyone can write who has never seen the peer's.
fn alien_hello(n: u32) -> Vec<u8> {
    let mut random = [0x5a; 32];
    random[..4].copy_from_slice(&n.to_be_bytes());
    let cookie = if n.is_multiple_of(3) { &[1; 20][..] } else { &[] };
    let body = message::write_client_hello(&random, cookie);
    let hello = message::Message::new(message::CLIENT_HELLO, (n % 2) as u16, &body);
    let mut datagram = Vec::new();
    record::write(&mut datagram, record::HANDSHAKE, record::VERSION, u64::from(n % 7) << 40, &hello.bytes);
    datagram
}

/// Aliens' hellos in short, and to prove.
fn aliens() -> u32 {
    if std::env::var_os("ROVE_PROVE").is_some() { 100_000 } else { 1_000 }
}

#[test]
fn two_ends_agree_on_the_same_keys_crosswise_in_three_round_trips() {
    let mut world = World::new(1, 0.0);
    world.start();
    world.run(Duration::from_secs(1));
    world.assert_agreed("no loss");
    assert_eq!(world.now, Instant::ZERO, "no timer was needed");
}

#[test]
fn a_handshake_survives_the_loss_of_three_in_ten_datagrams() {
    let mut longest = Duration::ZERO;
    for seed in 0..40 {
        let mut world = World::new(seed, 0.3);
        world.start();
        world.run(Duration::from_secs(60));
        world.assert_agreed(&format!("seed {seed}"));
        longest = longest.max(world.now.since(Instant::ZERO));
    }
    assert!(longest < Duration::from_secs(25), "the longest took {longest:?}");
}

#[test]
fn hellos_of_strangers_during_set_up_harm_nothing() {
    let mut world = World::new(2, 0.0);
    for n in 0..aliens() / 3 {
        world.server.receive(world.now, SERVER, &alien_hello(n));
        while world.server.next_datagram().is_some() {}
    }
    world.start();
    // Their challenges all go to the client, whose address they write on their hellos.
    for turn in 0..60 {
        for n in 0..aliens() / 90 {
            world.server.receive(world.now, SERVER, &alien_hello(n * 61 + turn));
        }
        world.carry();
        world.now += Duration::from_millis(20);
        world.client.tick(world.now);
        world.server.tick(world.now);
    }
    world.run(Duration::from_secs(10));
    world.assert_agreed("among strangers");
    assert!(world.now < Instant::ZERO + Duration::from_secs(4), "{:?}", world.now);
}

/// Everything an attacker can write who knows both addresses and no secret.
fn forgeries() -> Vec<Vec<u8>> {
    let record = |kind: u8, epoch: u64, sequence: u64, body: &[u8]| {
        let mut datagram = Vec::new();
        record::write(&mut datagram, kind, record::VERSION, epoch << 48 | sequence, body);
        datagram
    };
    let message = |kind, seq, body: &[u8]| message::Message::new(kind, seq, body).bytes;
    let mut forged = vec![
        record(record::ALERT, 0, 1, &[2, 40]),
        record(record::ALERT, 0, (1 << 48) - 1, &[1, 0]),
        record(record::ALERT, 1, 3, &[2, 40]),
        record(record::CHANGE_CIPHER, 0, 2, &[1]),
        record(record::HANDSHAKE, 1, 0, &[0x33; 40]),
        record(record::HANDSHAKE, 1, (1 << 48) - 1, &[0x33; 40]),
        record(23, 0, 7, b"data"),
        record(record::HANDSHAKE, 0, 9, &[1, 2, 3]),
        record(record::HANDSHAKE, 0, 9, &message(0, 3, &[])),
        record(record::HANDSHAKE, 0, 9, &message(message::HELLO_VERIFY, 0, &[0xfe, 0xff, 2, 8, 8])),
    ];
    for seq in 0..6 {
        let hello = message::write_server_hello(
            &[9; 32],
            &message::Chosen {
                suite: 0xc02b,
                profile: SrtpProfile::AeadAes128Gcm,
                extended_master: true,
                renegotiation: true,
            },
        );
        let point = identity::point(&identity::secret(&mut Entropy::from_number(3)));
        let key =
            [message::write_key_parameters(&point), message::write_signature(0x0403, &[4; 70])].concat();
        let certificate = message::write_certificate(identity(77).certificate());
        for (kind, body) in [
            (message::SERVER_HELLO, hello),
            (message::CERTIFICATE, certificate),
            (message::SERVER_KEY, key),
            (message::CERTIFICATE_REQUEST, vec![1, 64, 0, 2, 4, 3, 0, 0]),
            (message::CLIENT_KEY, message::write_client_key(&point)),
            (message::CERTIFICATE_VERIFY, message::write_signature(0x0403, &[4; 70])),
            (message::FINISHED, vec![7; 12]),
        ] {
            let bytes = message(kind, seq, &body);
            forged.push(record(record::HANDSHAKE, 0, 20 + u64::from(seq), &bytes));
            forged.push(record(record::HANDSHAKE, 0, 30, &bytes[..bytes.len() - 1]));
        }
    }
    forged
}

#[test]
fn forged_records_between_genuine_ones_harm_nothing() {
    let forged = forgeries();
    for seed in 0..20 {
        let mut world = World::new(seed, 0.0);
        world.start();
        for _ in 0..40 {
            for _ in 0..forged.len() {
                let pick = world.chance.next_u32() as usize % forged.len();
                world.client.receive(world.now, CLIENT, &forged[pick]);
                let pick = world.chance.next_u32() as usize % forged.len();
                world.server.receive(world.now, SERVER, &forged[pick]);
            }
            if !world.carry() {
                break;
            }
        }
        world.run(Duration::from_secs(30));
        world.assert_agreed(&format!("seed {seed}"));
    }
}

#[test]
fn a_peer_with_another_certificate_than_was_told_gets_no_keys() {
    for role in [DtlsRole::Active, DtlsRole::Passive] {
        let mut world = World::new(3, 0.0);
        let wrong = DtlsPlan { role, fingerprint: identity(99).fingerprint() };
        let end = if role == DtlsRole::Active { &mut world.client } else { &mut world.server };
        end.plan = wrong;
        world.start();
        world.run(Duration::from_secs(100));
        assert!(!world.is_done(), "{role:?}");
        world.run(Duration::from_secs(100));
        let end = if role == DtlsRole::Active { &mut world.client } else { &mut world.server };
        assert!(!end.is_secured());
        assert!(!world.failures.is_empty(), "{role:?} {:?}", world.failures);
    }
}

#[test]
fn a_peer_that_never_answers_is_given_up_in_time() {
    let mut world = World::new(4, 1.0);
    world.start();
    world.run(Duration::from_secs(100));
    assert_eq!(world.failures, [DtlsFailure::Timeout]);
    assert!(world.now <= Instant::ZERO + PATIENCE);
}

#[test]
fn a_peer_behind_another_address_than_told_is_known_by_its_certificate() {
    let mut world = World::new(5, 0.0);
    world.start();
    let behind = flow(5_000, 7_777);
    // Strangers hold handshakes of their own meanwhile, with certificates of their own.
    for port in 0..20 {
        let from = flow(5_000, 9_000 + port);
        let plan = DtlsPlan { role: DtlsRole::Active, fingerprint: world.server.identity.fingerprint() };
        let mut stranger = Dtls::new(
            identity(500 + u64::from(port)),
            plan,
            Flows::Checked,
            Entropy::from_number(port.into()),
        );
        stranger.start(world.now, from);
        for _ in 0..4 {
            while let Some((_, datagram)) = stranger.next_datagram() {
                world.server.receive(world.now, from, &datagram);
            }
            while let Some((to, datagram)) = world.server.next_datagram() {
                assert_eq!(to, from);
                stranger.receive(world.now, from, &datagram);
            }
        }
        assert!(!world.server.is_secured());
    }
    assert!(world.server.associations.len() <= ASSOCIATIONS);
    for _ in 0..8 {
        while let Some((_, datagram)) = world.client.next_datagram() {
            world.server.receive(world.now, behind, &datagram);
        }
        while let Some((to, datagram)) = world.server.next_datagram() {
            if to == behind {
                world.client.receive(world.now, CLIENT, &datagram);
            }
        }
    }
    let event = world.server.next_event();
    assert!(matches!(event, Some(DtlsEvent::Secured { flow, .. }) if flow == behind), "{event:?}");
}

#[test]
fn the_last_flight_is_sent_again_when_it_was_lost_and_a_farewell_is_heard() {
    let mut world = World::new(6, 0.0);
    world.start();
    // All but the server's last flight arrives.
    for _ in 0..10 {
        while let Some((_, datagram)) = world.client.next_datagram() {
            world.server.receive(world.now, SERVER, &datagram);
        }
        while let Some((_, datagram)) = world.server.next_datagram() {
            if !world.server.is_secured() {
                world.client.receive(world.now, CLIENT, &datagram);
            }
        }
    }
    assert!(world.server.is_secured() && !world.client.is_secured());
    world.run(Duration::from_secs(5));
    world.assert_agreed("after a repetition");
    world.client.close();
    while let Some((_, datagram)) = world.client.next_datagram() {
        world.server.receive(world.now, SERVER, &datagram);
    }
    assert_eq!(world.server.next_event(), Some(DtlsEvent::Closed));
}

#[test]
fn large_certificates_come_in_pieces() {
    let mut world = World::new(7, 0.0);
    world.start();
    // Cut every handshake message of the client into pieces of 50 bytes, each in a datagram of its own.
    let mut sequence = 1 << 20;
    for _ in 0..20 {
        while let Some((_, datagram)) = world.client.next_datagram() {
            for record in record::records(&datagram) {
                if record.epoch != 0 || record.kind != record::HANDSHAKE {
                    continue;
                }
                for fragment in message::fragments(record.body) {
                    for (place, piece) in fragment.bytes.chunks(50).enumerate() {
                        let mut body = Vec::new();
                        message::fragment_header(
                            &mut body,
                            fragment.kind,
                            fragment.whole,
                            fragment.seq,
                            place * 50,
                            piece.len(),
                        );
                        body.extend(piece);
                        let mut out = Vec::new();
                        record::write(&mut out, record::HANDSHAKE, record::VERSION, sequence, &body);
                        sequence += 1;
                        world.server.receive(world.now, SERVER, &out);
                    }
                }
            }
            // What is protected goes as it is.
            world.server.receive(world.now, SERVER, &datagram[datagram.len().saturating_sub(61)..]);
        }
        world.carry();
    }
    world.run(Duration::from_secs(5));
    world.assert_agreed("in pieces");
}
