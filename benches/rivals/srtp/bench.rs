//! What does SRTP add to a packet of 172 bytes and to a report of 32, ours beside libsrtp2 on OpenSSL and rtc-srtp?
//!
//! All in one run, turn by turn, so that a busy machine is busy for each; the median of the rounds counts, and in a round
//! the median of its batches, which no interruption moves. A table goes to standard error, the same as JSON to standard
//! output.

mod parties;

use std::{hint::black_box, time::Instant};

use parties::{Make, PARTIES, PROFILES, Packet, Role};
use rove_core::srtp::Profile;

fn main() {
    let mut rows = Vec::new();
    for profile in PROFILES {
        for operation in ["protect", "unprotect", "protect_rtcp", "unprotect_rtcp"] {
            let medians = compare(profile, operation);
            for ((name, _), ns) in PARTIES.iter().zip(medians) {
                rows.push(format!(
                    r#"  {{"profile": "{profile:?}", "operation": "{operation}", "who": "{name}", "ns": {ns:.1}}}"#
                ));
            }
            let cells: String =
                PARTIES.iter().zip(medians).map(|((name, _), ns)| format!("  {name} {ns:6.1} ns")).collect();
            eprintln!("{:<22} {operation:<14}{cells}", format!("{profile:?}"));
        }
    }
    println!("[\n{}\n]", rows.join(",\n"));
}

/// Nanoseconds per packet of each party: the median of [`ROUNDS`].
fn compare(profile: Profile, operation: &str) -> [f64; PARTIES.len()] {
    let mut rounds = [(); PARTIES.len()].map(|()| Vec::new());
    for _ in 0..ROUNDS {
        for ((_, make), taken) in PARTIES.iter().zip(&mut rounds) {
            taken.push(round(*make, profile, operation));
        }
    }
    rounds.map(|mut taken| {
        taken.sort_by(f64::total_cmp);
        taken[ROUNDS / 2]
    })
}

fn round(make: Make, profile: Profile, operation: &str) -> f64 {
    let (mut sender, mut receiver) = (make(profile, Role::Sends), make(profile, Role::Receives));
    let mut seq = 0_u16;
    let mut all = Vec::with_capacity(BATCHES);
    // The first ones, not counted, warm it up.
    for batch in 0..BATCHES + BATCHES / 10 {
        let make = if operation.ends_with("rtcp") { report } else { media };
        let mut packets: Vec<_> = (0..BATCH).map(|n| make(seq.wrapping_add(n as u16))).collect();
        seq = seq.wrapping_add(BATCH as u16);
        let taken = match operation {
            "protect" => timed(&mut packets, |packet| sender.protect_rtp(packet)),
            "protect_rtcp" => timed(&mut packets, |packet| sender.protect_rtcp(packet)),
            "unprotect" => {
                packets.iter_mut().for_each(|packet| assert!(sender.protect_rtp(packet)));
                timed(&mut packets, |packet| receiver.unprotect_rtp(packet))
            }
            _ => {
                packets.iter_mut().for_each(|packet| assert!(sender.protect_rtcp(packet)));
                timed(&mut packets, |packet| receiver.unprotect_rtcp(packet))
            }
        };
        if batch >= BATCHES / 10 {
            all.push(taken);
        }
    }
    all.sort_unstable();
    all[BATCHES / 2] as f64 / BATCH as f64
}

fn timed(packets: &mut [Packet], mut work: impl FnMut(&mut Packet) -> bool) -> u128 {
    let began = Instant::now();
    let mut done = 0;
    for packet in &mut *packets {
        done += usize::from(work(black_box(packet)));
    }
    let taken = began.elapsed().as_nanos();
    assert_eq!(done, packets.len());
    taken
}

/// 20 ms of G.711.
fn media(seq: u16) -> Packet {
    let mut bytes = [0x55; 172];
    bytes[..12].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 3, 0xc0, 0xde, 0xad, 0xbe, 0xef]);
    bytes[2..4].copy_from_slice(&seq.to_be_bytes());
    Packet::new(&bytes)
}

/// A receiver report of one block.
fn report(n: u16) -> Packet {
    let mut bytes = [n as u8; 32];
    bytes[..8].copy_from_slice(&[0x81, 201, 0, 7, 0xde, 0xad, 0xbe, 0xef]);
    Packet::new(&bytes)
}

const ROUNDS: usize = 9;
const BATCHES: usize = 1_000;
const BATCH: usize = 64;
