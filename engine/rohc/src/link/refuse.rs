//! What is refused is counted by its cause, and how long it took until a flow was understood again.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Counts, FrameKind, Link, UNAGREED, up};
use crate::{Cids, Received, RohcError, bits::Reader, cid::without_padding};

/// Packets that were refused since the last that was understood, by context; for the first contexts only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Troubles([u32; 256]);

impl Default for Troubles {
    fn default() -> Self {
        Self([0; 256])
    }
}

impl Link {
    pub(super) fn refuse(&mut self, kind: FrameKind, error: RohcError) {
        let refused = &mut self.counts.refused;
        let count = match error {
            _ if kind == FrameKind::Hello => &mut refused.hello,
            RohcError::Checksum => &mut refused.checksum,
            RohcError::NoContext(_) => &mut refused.context,
            RohcError::Repairing => &mut refused.repairing,
            RohcError::Unsupported(UNAGREED) => &mut refused.unagreed,
            _ => &mut refused.malformed,
        };
        up(count, 1);
    }
}

impl Counts {
    /// A packet was given out, or was not.
    pub(super) fn fate(
        &mut self,
        troubles: &mut Troubles,
        packet: &[u8],
        cids: Cids,
        taken: &Result<Received, RohcError>,
    ) {
        let cid = match taken {
            Ok(received) => Some(received.cid),
            Err(_) => cids.read(&mut Reader::new(without_padding(packet), "packet")).ok().map(|(cid, _)| cid),
        };
        match taken {
            Ok(Received { uncompressed: true, .. }) => up(&mut self.other_in, 1),
            Ok(_) => up(&mut self.rtp_in, 1),
            Err(_) => {}
        }
        let Some(trouble) = cid.and_then(|cid| troubles.0.get_mut(usize::from(cid))) else { return };
        if taken.is_err() {
            *trouble = trouble.saturating_add(1);
        } else if *trouble > 0 {
            up(&mut self.repairs, 1);
            up(&mut self.repaired_after, *trouble as usize);
            *trouble = 0;
        }
    }
}
