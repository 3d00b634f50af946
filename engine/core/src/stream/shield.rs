//! SRTP around a stream: what leaves is protected in place, what comes is opened before anything else looks at it.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[cfg(test)]
mod tests;

use rove_base::{Scratch, Span, SrtpKeys};

use super::FirstNumbers;
use crate::{
    demux::Kind,
    srtp::{MasterKey, SrtpContext, SrtpError},
};

/// A context each way, and room for one packet.
///
/// # Realtime
///
/// Only [`Shield::new`] allocates.
pub(super) struct Shield {
    send: SrtpContext,
    receive: SrtpContext,
    opened: [u8; OPENED_BYTES],
}

impl Shield {
    /// # Errors
    ///
    /// [`SrtpError::KeyLength`], which keys that fit their profile do not have.
    pub(super) fn new(keys: &SrtpKeys, first: &FirstNumbers) -> Result<Self, SrtpError> {
        let profile = keys.profile();
        let context = |key| {
            let context = SrtpContext::new(profile, &MasterKey::from_joined(profile, key)?)?;
            Ok::<_, SrtpError>(context.beginning_at(first.rollover, first.srtcp_index))
        };
        Ok(Self { send: context(keys.send())?, receive: context(keys.receive())?, opened: [0; OPENED_BYTES] })
    }

    /// Protects the packet `span`, the last one in `out`. `None` when it cannot be, and then must not be sent.
    pub(super) fn protect(&mut self, kind: Kind, out: &mut Scratch, span: Span) -> Option<Span> {
        let profile = self.send.profile();
        let overhead = if kind == Kind::Rtp { profile.rtp_overhead() } else { profile.rtcp_overhead() };
        let longer = out.extend(span, overhead)?;
        let packet = out.get_mut(longer);
        let protected = match kind {
            Kind::Rtp => self.send.protect_rtp(packet, span.len()),
            Kind::Rtcp => self.send.protect_rtcp(packet, span.len()),
            _ => return None,
        };
        protected.ok().map(|_| longer)
    }

    /// The packet in `datagram`, once it is authentic.
    ///
    /// # Errors
    ///
    /// [`SrtpError`], also when the datagram is longer than [`OPENED_BYTES`] or neither RTP nor RTCP.
    pub(super) fn open(&mut self, kind: Kind, datagram: &[u8]) -> Result<&[u8], SrtpError> {
        let full = SrtpError::NoRoom { need: datagram.len(), have: OPENED_BYTES };
        let packet = self.opened.get_mut(..datagram.len()).ok_or(full)?;
        packet.copy_from_slice(datagram);
        let len = match kind {
            Kind::Rtp => self.receive.unprotect_rtp(packet)?,
            Kind::Rtcp => self.receive.unprotect_rtcp(packet)?,
            _ => return Err(SrtpError::Forged),
        };
        self.opened.get(..len).ok_or(full)
    }
}

/// More than an Ethernet frame holds.
const OPENED_BYTES: usize = 2_048;
