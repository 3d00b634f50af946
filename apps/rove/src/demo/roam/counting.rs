//! What passes the routers: every packet of sound is counted at each of them.

use core::time::Duration;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use rove_io::raw::PacketWatch;

use super::ground::{Ground, ROUTERS};
use crate::failure::Failure;

/// Packets of sound, and their bytes with IP's headers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Count {
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

impl Count {
    /// What has come since `before`.
    pub(super) const fn since(self, before: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(before.packets),
            bytes: self.bytes.saturating_sub(before.bytes),
        }
    }
}

/// The counters of all routers; none on loopback, where there is no router.
pub(super) struct Counters {
    routers: Vec<Arc<Router>>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Router {
    packets: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    pub(super) fn start(ground: &Ground) -> Result<Self, Failure> {
        let mut counters =
            Self { routers: Vec::new(), over: Arc::new(AtomicBool::new(false)), threads: Vec::new() };
        if !ground.is_real() {
            return Ok(counters);
        }
        for (place, name) in ROUTERS {
            let watch = ground.at(place, PacketWatch::open)?;
            let mut watch =
                watch.map_err(|error| Failure::environment(format!("counting at {name}: {error}")))?;
            let router = Arc::new(Router::default());
            counters.routers.push(Arc::clone(&router));
            let over = Arc::clone(&counters.over);
            counters.threads.push(std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    if let Ok(Some((packet, length))) = watch.next(PATIENCE)
                        && is_sound(packet)
                    {
                        router.packets.fetch_add(1, Ordering::Relaxed);
                        router.bytes.fetch_add(length as u64, Ordering::Relaxed);
                    }
                }
            }));
        }
        Ok(counters)
    }

    /// What passed so far, in the order of [`ROUTERS`]; `None` where nobody counts.
    pub(super) fn now(&self) -> Option<[Count; 4]> {
        let counts = self.routers.iter().map(|router| Count {
            packets: router.packets.load(Ordering::Relaxed),
            bytes: router.bytes.load(Ordering::Relaxed),
        });
        counts.collect::<Vec<_>>().try_into().ok()
    }
}

impl Drop for Counters {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// Whether an IP packet carries RTP or RTCP, protected or not (RFC 7983 §7): neither name service, which can look like it,
/// nor signalling has these ports. What is in a tunnel counts where it comes out.
fn is_sound(packet: &[u8]) -> bool {
    let Some(udp) = udp(packet) else { return false };
    let port = |at: usize| udp.get(at..at + 2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let known = |port: Option<u16>| port.is_none_or(|port| port == 53 || port == 5_060);
    !known(port(0)) && !known(port(2)) && udp.get(8).is_some_and(|first| first >> 6 == 2)
}

/// The UDP datagram in an IP packet, header first.
fn udp(packet: &[u8]) -> Option<&[u8]> {
    let first = *packet.first()?;
    let (protocol, header) = match first >> 4 {
        4 => (*packet.get(9)?, usize::from(first & 15) * 4),
        6 => (*packet.get(6)?, 40),
        _ => return None,
    };
    (protocol == 17).then(|| packet.get(header..)).flatten()
}

/// How long an end of the counting may take.
const PATIENCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(protocol: u8, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 28];
        (packet[0], packet[9]) = (0x45, protocol);
        packet[20..22].copy_from_slice(&ports.0.to_be_bytes());
        packet[22..24].copy_from_slice(&ports.1.to_be_bytes());
        packet.extend_from_slice(payload);
        packet
    }

    #[test]
    fn sound_is_counted_and_nothing_else_is() {
        let rtp = packet(17, (40_000, 40_002), &[0x80, 111]);
        let mut six = vec![0; 40];
        (six[0], six[6]) = (0x60, 17);
        six.extend_from_slice(&rtp[20..]);
        let tunnelled = packet(17, (50_000, 4_789), &[&[8, 0, 0, 0, 0, 0, 7, 0][..], &rtp].concat());
        for (what, packet, counts) in [
            ("rtp", rtp.clone(), true),
            ("the same in IPv6", six, true),
            ("still in a tunnel", tunnelled, false),
            ("stun", packet(17, (40_000, 40_002), &[0, 1]), false),
            ("dtls", packet(17, (40_000, 40_002), &[22, 254]), false),
            ("a name whose number looks like sound", packet(17, (40_000, 53), &[0x80, 0]), false),
            ("an answer", packet(17, (53, 40_000), &[0x80, 0]), false),
            ("a stream", packet(6, (40_000, 40_002), &[0x80, 111]), false),
            ("cut short", rtp[..27].to_vec(), false),
        ] {
            assert_eq!(is_sound(&packet), counts, "{what}");
        }
    }
}
