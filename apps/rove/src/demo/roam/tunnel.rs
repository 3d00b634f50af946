//! What a home address kept by a tunnel would cost, only to compare: the same packets, straight to the terminal's own
//! address and through its home.

use core::time::Duration;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use serde_json::{Value, json};

use super::{
    counting::{Count, Counters},
    ground::{Ground, NETWORKS, Place, air},
};
use crate::failure::Failure;

/// The address at home that the terminal keeps.
const KEPT: Ipv4Addr = Ipv4Addr::new(10, 10, 0, 50);

/// What was measured.
pub(super) struct Tunnel {
    kind: &'static str,
    direct: Vec<f64>,
    through: Vec<f64>,
    /// Packets at the home's router while they went straight, and through the tunnel.
    home: Option<[Count; 2]>,
}

impl Tunnel {
    /// Stable keys; round trips in ms, `added_ms` one way.
    pub(super) fn to_json(&self) -> Value {
        let (direct, through) = (median(&self.direct), median(&self.through));
        json!({
            "kind": self.kind,
            "packets": self.direct.len(),
            "packets_tunnel": self.through.len(),
            "direct_rtt_ms": direct,
            "tunnel_rtt_ms": through,
            "added_ms": direct.zip(through).map(|(direct, through)| (through - direct) / 2.0),
            "home_router_packets_direct": self.home.map(|home| home[0].packets),
            "home_router_packets_tunnel": self.home.map(|home| home[1].packets),
            "home_router_bytes_tunnel": self.home.map(|home| home[1].bytes),
        })
    }
}

/// Builds the tunnel from the home to visited network `at`, where the terminal has `ip`, and measures both ways from the
/// callers. `None` where the system has no tunnel to offer.
pub(super) fn measure(
    ground: &Ground,
    counters: &Counters,
    at: usize,
    ip: IpAddr,
) -> Result<Option<Tunnel>, Failure> {
    // The kept address is one of IPv4.
    if !ground.is_real() || ground.is_v6() {
        return Ok(None);
    }
    let Some(kind) = dig(ground, at)? else { return Ok(None) };
    lay(ground, at, ip)?;
    let over = Arc::new(AtomicBool::new(false));
    let echoes = [ip, KEPT.into()].map(|ip| ground.at(Place::Terminal, || echo(ip, &over)));
    let mut to = Vec::new();
    for echo in echoes {
        to.push(echo?.map_err(|error| Failure::environment(error.to_string()))?);
    }
    let socket = ground.at(Place::Caller, || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))?;
    let socket = socket.map_err(|error| Failure::environment(error.to_string()))?;
    let mut seen = vec![at_home(counters)];
    let mut times = Vec::new();
    for to in to {
        times.push(round_trips(&socket, to));
        seen.push(settled(counters));
    }
    over.store(true, Ordering::Relaxed);
    let passed = |from: usize| Some(seen[from + 1]?.since(seen[from]?));
    let (Some(through), Some(direct)) = (times.pop(), times.pop()) else { return Ok(None) };
    let home = passed(0).zip(passed(1)).map(|(direct, through)| [direct, through]);
    Ok(Some(Tunnel { kind, direct, through, home }))
}

fn at_home(counters: &Counters) -> Option<Count> {
    counters.now().map(|counts| counts[1])
}

/// What passed the home's router, once its counter, which may be behind, stands still.
fn settled(counters: &Counters) -> Option<Count> {
    let mut seen = at_home(counters);
    for _ in 0..SETTLES {
        std::thread::sleep(SETTLE);
        let now = at_home(counters);
        if now == seen {
            break;
        }
        seen = now;
    }
    seen
}

/// The first kind of tunnel that the system knows, at both ends.
fn dig(ground: &Ground, at: usize) -> Result<Option<&'static str>, Failure> {
    let n = ground.address(at).octets()[1];
    let ends = [(Place::Home, "10.9.10.2".to_owned()), (NETWORKS[at], format!("10.9.{n}.2"))];
    let make = |kind: &str, here: usize| {
        let ((place, local), (_, remote)) = (&ends[here], &ends[1 - here]);
        let more = if kind == "vxlan" { " id 7 dstport 4789" } else { "" };
        ground.ip(*place, &format!("link add tunnel type {kind}{more} remote {remote} local {local}"))
    };
    let kinds = ["ipip", "vxlan"];
    let Some(kind) = kinds.into_iter().find(|kind| make(kind, 0).is_ok()) else { return Ok(None) };
    make(kind, 1)?;
    for (here, (place, _)) in ends.iter().enumerate() {
        ground.ip(*place, &format!("address add 10.8.0.{}/30 dev tunnel", here + 1))?;
        ground.ip(*place, "link set tunnel up")?;
    }
    Ok(Some(kind))
}

/// The ways of the kept address, there and back.
fn lay(ground: &Ground, at: usize, ip: IpAddr) -> Result<(), Failure> {
    let router = ground.address(at);
    for (place, what) in [
        (Place::Home, format!("route add {KEPT}/32 via 10.8.0.2 dev tunnel")),
        (NETWORKS[at], format!("route add {KEPT}/32 via {ip} dev air")),
        (Place::Terminal, format!("address add {KEPT}/32 dev lo")),
        (NETWORKS[at], format!("rule add from {KEPT} table 7")),
        (NETWORKS[at], "route add default via 10.8.0.1 dev tunnel table 7".into()),
        (Place::Terminal, format!("rule add from {KEPT} table 7")),
        (Place::Terminal, format!("route add default via {router} dev {} table 7", air(at))),
    ] {
        ground.ip(place, &what)?;
    }
    Ok(())
}

/// Sends back what comes to `ip`, until it is `over`.
fn echo(ip: IpAddr, over: &Arc<AtomicBool>) -> std::io::Result<SocketAddr> {
    let socket = UdpSocket::bind((ip, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let (at, over) = (socket.local_addr()?, Arc::clone(over));
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while !over.load(Ordering::Relaxed) {
            if let Ok((count, from)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(buffer.get(..count).unwrap_or_default(), from);
            }
        }
    });
    Ok(at)
}

/// How long packets of a voice call's size took to `to` and back, in ms; those that did not come back are left out.
fn round_trips(socket: &UdpSocket, to: SocketAddr) -> Vec<f64> {
    let _ = socket.set_read_timeout(Some(PATIENCE));
    let mut times = Vec::new();
    let mut packet = [0; 172];
    // It looks like sound, so it is counted.
    packet[0] = 0x80;
    let mut buffer = [0; 512];
    for number in 0..PACKETS {
        packet[1] = number;
        let sent = Instant::now();
        if socket.send_to(&packet, to).is_err() {
            continue;
        }
        while let Ok((_, from)) = socket.recv_from(&mut buffer) {
            if from == to && buffer[1] == number {
                times.push(sent.elapsed().as_secs_f64() * 1_000.0);
                break;
            }
        }
    }
    times
}

fn median(times: &[f64]) -> Option<f64> {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

const PACKETS: u8 = 200;
const PATIENCE: Duration = Duration::from_millis(200);
const SETTLE: Duration = Duration::from_millis(50);
const SETTLES: u32 = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_null_and_the_rest_is_halved_to_one_way() {
        let count = |packets| Count { packets, bytes: packets * 200 };
        let home = Some([count(0), count(400)]);
        let measured = Tunnel { kind: "vxlan", direct: vec![1.0, 9.0, 1.0], through: vec![3.0; 3], home };
        let told = measured.to_json();
        assert_eq!((&told["added_ms"], &told["home_router_packets_tunnel"]), (&json!(1.0), &json!(400)));
        let lost = Tunnel { through: Vec::new(), home: None, ..measured }.to_json();
        assert!(lost["added_ms"].is_null() && lost["home_router_packets_direct"].is_null(), "{lost}");
    }
}
