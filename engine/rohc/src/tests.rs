//! Whole links: packets in, packets out, and what is lost between.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "what a test did not expect must be loud"
)]

mod bytes;
mod clean;
mod feedback;
mod forms;
mod link;
mod lossy;
mod road;
mod voice;

use crate::{Cids, Compressor, Config, Decompressor, Mode, RohcError};

/// A compressor and a decompressor with a link between that loses what it is told to.
struct Link {
    compressor: Compressor,
    decompressor: Decompressor,
    wire: Vec<u8>,
    out: Vec<u8>,
}

impl Link {
    fn new(config: Config, mode: Mode) -> Self {
        let decompressor = Decompressor::new(config.cids, mode);
        Self { compressor: Compressor::new(config), decompressor, wire: Vec::new(), out: Vec::new() }
    }

    /// Compresses a packet; the bytes that are not its payload.
    fn send(&mut self, packet: &[u8]) -> usize {
        self.compressor.compress(packet, &mut self.wire).unwrap().header
    }

    /// Has the packet that was sent last arrive: `Ok` when it is the one that was sent.
    fn arrive(&mut self, packet: &[u8]) -> Result<(), RohcError> {
        self.decompressor.decompress(&self.wire, &mut self.out)?;
        assert!(self.out == packet, "wrong packet:\n{:02x?}\n{packet:02x?}\n{:02x?}", self.out, self.wire);
        Ok(())
    }
}

#[test]
fn packets_that_are_not_rtp_go_as_they_are_beside_those_that_are() {
    for (cids, longest) in [(Cids::Small(15), 1), (Cids::Large(200), 2)] {
        let mut link = Link::new(Config { cids, ..Config::default() }, Mode::Unidirectional);
        let mut voice = voice::Voice::new(voice::Kind::V4, 1);
        let mut long = 0;
        for n in 0..2_000_u16 {
            let mut dns = voice::udp4(&[0x12; 40], n);
            dns[28] = 0x12;
            let added = link.send(&dns);
            link.arrive(&dns).unwrap();
            long += u32::from(added > longest);
            let packet = voice.next();
            link.send(&packet);
            link.arrive(&packet).unwrap();
        }
        // At first, and with each refresh.
        assert!((14..=20).contains(&long), "{long}");
    }
}

#[test]
fn more_flows_than_contexts_share_them_and_stay_right() {
    for cids in [Cids::Small(3), Cids::Large(3), Cids::Large(500)] {
        let mut link = Link::new(Config { cids, ..Config::default() }, Mode::Unidirectional);
        let mut flows: Vec<_> = (0..8).map(|seed| voice::Voice::new(voice::Kind::V6, seed)).collect();
        let mut random = voice::Random(7);
        for _ in 0..4_000 {
            let busy = random.below(100) < 90;
            let index = random.below(if busy { 2 } else { 8 }) as usize;
            let packet = flows[index].next();
            link.send(&packet);
            if random.below(10) > 0 {
                link.arrive(&packet).unwrap();
            }
        }
    }
}
