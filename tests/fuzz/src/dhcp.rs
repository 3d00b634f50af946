//! Messages to the DHCP servers of an address pool.

use rove_base::{Arrival, Entropy, Flow, Machine, Now, Scratch, Step};
use rove_roam::{
    Imsi,
    pool::{Event, Pool, PoolConfig, Range4, Token, V4Config, V6Config},
};

/// See [`check`].
pub fn v4(datagram: &[u8]) {
    check(datagram, "10.9.0.1:67", "0.0.0.0:68");
}

/// See [`check`].
pub fn v6(datagram: &[u8]) {
    check(datagram, "[ff02::1:2]:547", "[fe80::7%3]:546");
}

/// Whatever a datagram says, only the token of a subscriber lets anything out or changes what the subscriber has.
///
/// # Panics
///
/// When that does not hold.
fn check(datagram: &[u8], local: &str, remote: &str) {
    let Some((mut pool, holder)) = pool() else { panic!("settings that work") };
    let before = (pool.occupancy(), pool.addresses_of(holder));
    let (Ok(local), Ok(remote)) = (local.parse(), remote.parse()) else { panic!("addresses") };
    let arrival = Arrival::Datagram { flow: Flow::udp(local, remote), bytes: datagram };
    pool.handle(Now::default(), arrival);
    let digits = TOKEN.map(|byte| format!("{byte:02x}")).concat();
    let shows = |secret: &[u8]| {
        let lower = datagram.to_ascii_lowercase();
        datagram.windows(secret.len()).any(|part| part == secret)
            || lower.windows(secret.len()).any(|part| part == secret)
    };
    // Options in pieces are joined (RFC 3396), so a token in pieces opens, too.
    let may =
        shows(&TOKEN) || shows(digits.as_bytes()) || datagram.iter().filter(|byte| **byte == 61).count() > 1;
    let (mut sent, mut events) = (0, 0);
    drain(&mut pool, |event| {
        match event {
            None => sent += 1,
            Some(Event::Requested { .. } | Event::Released { .. }) => events += 1,
            Some(_) => {}
        }
        None
    });
    if !may {
        // A stranger that goes on with an address of the pool may be told to stop.
        assert!(sent <= 1 && events == 0);
        assert_eq!((pool.occupancy(), pool.addresses_of(holder)), before);
    }
    assert!(sent <= 1 && events <= 1);
}

/// A pool in which one subscriber has a reservation and a token.
fn pool() -> Option<(Pool, Imsi)> {
    let server = [10, 9, 0, 1].into();
    let config = PoolConfig {
        v4: Some(V4Config {
            ranges: vec![Range4 { first: [10, 9, 0, 10].into(), last: [10, 9, 0, 17].into() }],
            server,
            prefix_len: 24,
            router: Some(server),
            dns: vec![server],
            server_port: 67,
            client_port: 68,
            to_source: false,
        }),
        v6: Some(V6Config {
            prefix: "2001:db8::".parse().ok()?,
            server: [2, 0, 0, 0, 0, 1],
            dns: Vec::new(),
            local: ("fe80::1".parse().ok()?, 3),
        }),
        name_ttl: std::time::Duration::from_secs(5),
        patience: std::time::Duration::from_secs(30),
    };
    let mut pool = Pool::new(config, Entropy::from_number(1)).ok()?;
    let (now, holder) = (Now::default(), "001010000000001".parse().ok()?);
    pool.tick(now);
    drain(&mut pool, |event| match event {
        Some(Event::Commit(change)) => Some(change.id),
        _ => None,
    });
    pool.reserve(now, holder).ok()?;
    pool.grant(now, Token(TOKEN), holder);
    drain(&mut pool, |_| None);
    Some((pool, holder))
}

/// Shows `visit` every event, and `None` for what is sent; commits what it answers.
fn drain(pool: &mut Pool, mut visit: impl FnMut(Option<&Event>) -> Option<rove_roam::ChangeId>) {
    let mut out = Scratch::default();
    loop {
        let done = match pool.poll(&mut out) {
            Step::Wait(_) => return,
            Step::Event(event) => visit(Some(&event)),
            _ => visit(None),
        };
        if let Some(id) = done {
            pool.committed(Now::default(), id, true);
        }
    }
}

const TOKEN: [u8; 16] = *b"a token of ours!";
