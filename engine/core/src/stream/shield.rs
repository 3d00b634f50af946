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
    /// Under its key nothing has come yet, and the sender may have begun to count anew with it.
    fresh: bool,
}

/// Which keys of a shield are those of the one before.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Same {
    pub(super) send: bool,
    pub(super) receive: bool,
}

impl Same {
    pub(super) fn of(before: &SrtpKeys, after: &SrtpKeys) -> Self {
        let profile = before.profile() == after.profile();
        Self {
            send: profile && before.send() == after.send(),
            receive: profile && before.receive() == after.receive(),
        }
    }
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
        Ok(Self {
            send: context(keys.send())?,
            receive: context(keys.receive())?,
            opened: [0; OPENED_BYTES],
            fresh: false,
        })
    }

    /// Goes on where `before` has got to. A key that stays keeps all it has counted, since a number must never be used
    /// twice with it (RFC 3711 §9.1).
    ///
    /// # Realtime
    ///
    /// Neither allocates nor frees.
    pub(super) fn succeed(&mut self, before: &mut Self, same: Same) {
        if same.send {
            core::mem::swap(&mut self.send, &mut before.send);
        } else {
            self.send.succeed(&before.send);
        }
        if same.receive {
            core::mem::swap(&mut self.receive, &mut before.receive);
            self.fresh = before.fresh;
        } else {
            self.receive.succeed(&before.receive);
            self.fresh = true;
        }
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

    /// Opens the packet in `datagram` and answers its length: [`Shield::opened`] has it, once it is authentic.
    ///
    /// # Errors
    ///
    /// [`SrtpError`], also when the datagram is longer than [`OPENED_BYTES`] or neither RTP nor RTCP.
    pub(super) fn open(&mut self, kind: Kind, datagram: &[u8]) -> Result<usize, SrtpError> {
        let full = SrtpError::NoRoom { need: datagram.len(), have: OPENED_BYTES };
        let packet = self.opened.get_mut(..datagram.len()).ok_or(full)?;
        packet.copy_from_slice(datagram);
        let len = match kind {
            Kind::Rtp => match self.receive.unprotect_rtp(packet) {
                Err(SrtpError::Forged) if self.fresh => {
                    packet.copy_from_slice(datagram);
                    self.receive.unprotect_rtp_anew(packet)?
                }
                other => other?,
            },
            Kind::Rtcp => return self.receive.unprotect_rtcp(packet),
            _ => return Err(SrtpError::Forged),
        };
        self.fresh = false;
        Ok(len)
    }

    /// The packet that was opened last, `len` bytes long.
    pub(super) fn opened(&self, len: usize) -> &[u8] {
        self.opened.get(..len).unwrap_or_default()
    }
}

/// More than an Ethernet frame holds.
const OPENED_BYTES: usize = 2_048;
