//! Records and messages of a handshake.

use std::sync::OnceLock;

use rove_base::{DtlsPlan, DtlsRole, Entropy, Instant, UdpFlow, UnixTime};
use rove_nat::dtls::{Dtls, DtlsEvent, Flows, Identity};

/// Bytes that are not the peer's agree on nothing and end nothing; a handshake among them goes on to its end.
///
/// # Panics
///
/// When that does not hold.
pub fn check(datagram: &[u8]) {
    let [mut active, mut passive] = ends();
    for (end, flow) in [(&mut active, here()), (&mut passive, there())] {
        end.receive(Instant::ZERO, flow, datagram);
        assert!(!end.is_secured() && end.next_event().is_none());
    }
    // A whole handshake costs a hundred times as much: one input in sixteen.
    let sum = datagram.iter().fold(7_u8, |sum, byte| sum.rotate_left(3) ^ byte);
    if sum % 16 == 0 {
        among(active, passive, datagram);
    }
}

fn among(mut active: Dtls, mut passive: Dtls, datagram: &[u8]) {
    let mut secured = 0;
    let mut now = Instant::ZERO;
    for _ in 0..40 {
        for _ in 0..8 {
            for (from, to, flow) in
                [(&mut active, &mut passive, there()), (&mut passive, &mut active, here())]
            {
                to.receive(now, flow, datagram);
                while let Some((_, genuine)) = from.next_datagram() {
                    to.receive(now, flow, &genuine);
                }
            }
        }
        for end in [&mut active, &mut passive] {
            while let Some(event) = end.next_event() {
                assert!(matches!(event, DtlsEvent::Secured { .. }), "{event:?}");
                secured += 1;
            }
        }
        if secured == 2 {
            return;
        }
        now = now + core::time::Duration::from_millis(450);
        active.tick(now);
        passive.tick(now);
    }
    panic!("the handshake did not end");
}

fn ends() -> [Dtls; 2] {
    static IDENTITIES: OnceLock<[Identity; 2]> = OnceLock::new();
    let draw = |seed| Identity::draw(&mut Entropy::from_number(seed), UnixTime::from_secs(1_800_000_000));
    let [one, other] = IDENTITIES.get_or_init(|| [draw(1), draw(2)]);
    let end = |role, ours: &Identity, theirs: &Identity, seed| {
        let plan = DtlsPlan { role, fingerprint: theirs.fingerprint() };
        Dtls::new(ours.clone(), plan, Flows::Checked, Entropy::from_number(seed))
    };
    let mut ends = [end(DtlsRole::Active, one, other, 3), end(DtlsRole::Passive, other, one, 4)];
    for (end, flow) in ends.iter_mut().zip([here(), there()]) {
        end.start(Instant::ZERO, flow);
    }
    ends
}

/// The active end's flow.
fn here() -> UdpFlow {
    UdpFlow { local: ([127, 0, 0, 1], 4_000).into(), remote: ([127, 0, 0, 1], 5_000).into() }
}

/// The passive end's flow.
fn there() -> UdpFlow {
    UdpFlow { local: here().remote, remote: here().local }
}
