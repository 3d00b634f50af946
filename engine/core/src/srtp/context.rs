//! The sources under one master key, and packets taken through it.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::fmt;

use super::{
    MasterKey, Profile, SrtpError,
    cipher::{PacketId, RTCP_CLEAR, Session},
    keys::{RTCP_LABELS, RTP_LABELS},
    window::Window,
};
use crate::rtp::FIXED_HEADER_BYTES;

/// How many sources a context keeps, for each of sending and receiving, RTP and RTCP.
///
/// No source is ever forgotten for another: its packets could then be replayed.
pub const MAX_SOURCES: usize = 64;

/// The cryptographic context of one master key (RFC 3711 §3.2): its session keys and what is known of its sources.
///
/// Two peers use a master key each, one per direction; a context can do both directions where they share one.
///
/// # Realtime
///
/// Only [`SrtpContext::new`] allocates.
pub struct SrtpContext {
    profile: Profile,
    rtp: Session,
    rtcp: Session,
    rtp_sent: Sources,
    rtp_received: Sources,
    rtcp_sent: Sources,
    rtcp_received: Sources,
}

impl SrtpContext {
    /// Derives the session keys of `master`, with a key derivation rate of 0 (RFC 3711 §4.3.1).
    ///
    /// # Errors
    ///
    /// [`SrtpError::KeyLength`] when `master` was made for a profile with keys of other lengths.
    pub fn new(profile: Profile, master: &MasterKey) -> Result<Self, SrtpError> {
        let (key, salt) = (master.profile().key_len(), master.profile().salt_len());
        if (key, salt) != (profile.key_len(), profile.salt_len()) {
            return Err(SrtpError::KeyLength { key, salt });
        }
        let rtcp_tag = profile.rtcp_overhead().saturating_sub(4);
        let rtp = master.session(RTP_LABELS, profile.rtp_overhead())?;
        Ok(Self::with_sessions(profile, rtp, master.session(RTCP_LABELS, rtcp_tag)?))
    }

    pub(super) fn with_sessions(profile: Profile, rtp: Session, rtcp: Session) -> Self {
        Self {
            profile,
            rtp,
            rtcp,
            rtp_sent: Sources::new(),
            rtp_received: Sources::new(),
            rtcp_sent: Sources::new(),
            rtcp_received: Sources::new(),
        }
    }

    /// Sources that were not there yet begin with this rollover counter instead of 0, and with this SRTCP index: those of a
    /// session that runs already (RFC 3711 §3.3.1), the same at both ends.
    #[must_use]
    pub fn beginning_at(mut self, rollover: u32, rtcp_index: u32) -> Self {
        let Self { rtp_sent, rtp_received, rtcp_sent, rtcp_received, .. } = &mut self;
        for sources in [rtp_sent, rtp_received] {
            sources.first = u64::from(rollover) << 16;
        }
        for sources in [rtcp_sent, rtcp_received] {
            sources.first = u64::from(rtcp_index);
        }
        self
    }

    /// Goes on where `before` has got to, the context of the same direction under another master key: the rollover counters
    /// are never reset (RFC 3711 §3.3.1).
    ///
    /// # Realtime
    ///
    /// Neither allocates nor frees.
    pub fn succeed(&mut self, before: &Self) {
        let ours = [&mut self.rtp_sent, &mut self.rtp_received];
        for (to, from) in ours.into_iter().zip([&before.rtp_sent, &before.rtp_received]) {
            to.windows.clear();
            to.windows.extend_from_slice(&from.windows);
            to.first = from.first;
        }
    }

    /// Like [`SrtpContext::unprotect_rtp`] for a sender that has begun anew to count with its new key: from rollover counter
    /// 0. Many do, whatever RFC 3711 §3.3.1 says.
    ///
    /// # Errors
    ///
    /// As there; the context is then untouched.
    pub fn unprotect_rtp_anew(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        self.unprotect_rtp_in(packet, true)
    }

    /// What was agreed for this context.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Protects the RTP packet in the first `len` bytes of `packet` and answers its new length, longer by
    /// [`Profile::rtp_overhead`].
    ///
    /// Sequence numbers may come in any order within 128 packets, but never twice: the key stream would repeat
    /// (RFC 3711 §9.1).
    ///
    /// # Errors
    ///
    /// Any [`SrtpError`] but [`SrtpError::Forged`]; `packet` is then untouched.
    pub fn protect_rtp(&mut self, packet: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let packet = with_room(packet, len, self.profile.rtp_overhead())?;
        let (header, ssrc, seq) = rtp_header(packet, len)?;
        let window = self.rtp_sent.window(ssrc)?;
        let index = window.estimate(seq)?;
        window.check(index)?;
        self.rtp.seal_rtp(PacketId { ssrc, index }, packet, header).ok_or(truncated(header, len))?;
        self.rtp_sent.keep(ssrc, window.with(index));
        Ok(packet.len())
    }

    /// Checks and decrypts an SRTP packet in place and answers the length of the RTP packet that is now at its front.
    ///
    /// # Errors
    ///
    /// Any [`SrtpError`]; the context is then untouched, and so is `packet` unless the error is [`SrtpError::Forged`]: what
    /// failed to authenticate is fit for nothing.
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        self.unprotect_rtp_in(packet, false)
    }

    fn unprotect_rtp_in(&mut self, packet: &mut [u8], anew: bool) -> Result<usize, SrtpError> {
        let overhead = self.profile.rtp_overhead();
        let need = FIXED_HEADER_BYTES.saturating_add(overhead);
        let len = packet.len().checked_sub(overhead).ok_or(truncated(need, packet.len()))?;
        let (header, ssrc, seq) = rtp_header(packet, len)?;
        let window = self.rtp_received.window(ssrc)?;
        let window = if anew { Window::beginning_at(0) } else { window };
        let index = window.estimate(seq)?;
        window.check(index)?;
        let len = self.rtp.open_rtp(PacketId { ssrc, index }, packet, header).ok_or(SrtpError::Forged)?;
        self.rtp_received.keep(ssrc, window.with(index));
        Ok(len)
    }

    /// Protects the RTCP packet in the first `len` bytes of `packet`, encrypted, and answers its new length, longer
    /// by [`Profile::rtcp_overhead`]. Of a compound packet the first part's source counts.
    ///
    /// # Errors
    ///
    /// Any [`SrtpError`] but [`SrtpError::Forged`] and those of replay; `packet` is then untouched.
    pub fn protect_rtcp(&mut self, packet: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let packet = with_room(packet, len, self.profile.rtcp_overhead())?;
        let ssrc = rtcp_ssrc(packet, len)?;
        let window = self.rtcp_sent.window(ssrc)?;
        let index = window.next(LAST_RTCP_INDEX)?;
        self.rtcp.seal_rtcp(PacketId { ssrc, index }, packet).ok_or(truncated(RTCP_CLEAR, len))?;
        self.rtcp_sent.keep(ssrc, window.with(index));
        Ok(packet.len())
    }

    /// Checks an SRTCP packet, decrypts it in place where it is encrypted, and answers the length of the RTCP packet
    /// that is now at its front.
    ///
    /// # Errors
    ///
    /// Any [`SrtpError`]; the context is then untouched, and so is `packet` unless the error is [`SrtpError::Forged`]: what
    /// failed to authenticate is fit for nothing.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let overhead = self.profile.rtcp_overhead();
        let short = truncated(RTCP_CLEAR.saturating_add(overhead), packet.len());
        let len = packet.len().checked_sub(overhead).ok_or(short)?;
        let ssrc = rtcp_ssrc(packet, len)?;
        let (encrypted, index) = self.rtcp.rtcp_index(packet).ok_or(short)?;
        let window = self.rtcp_received.window(ssrc)?;
        window.check(index)?;
        let id = PacketId { ssrc, index };
        let len = self.rtcp.open_rtcp(id, encrypted, packet).ok_or(SrtpError::Forged)?;
        self.rtcp_received.keep(ssrc, window.with(index));
        Ok(len)
    }

    #[cfg(test)]
    pub(super) fn start_at(&mut self, ssrc: u32, rtp: u64, rtcp: u64) {
        self.rtp_sent.keep(ssrc, Window::starting_at(rtp));
        self.rtp_received.keep(ssrc, Window::starting_at(rtp));
        self.rtcp_sent.keep(ssrc, Window::starting_at(rtcp));
    }

    /// All that packets can change.
    #[cfg(test)]
    pub(super) fn state(&self) -> String {
        let Self { rtp_sent, rtp_received, rtcp_sent, rtcp_received, .. } = self;
        format!("{:?}", [rtp_sent, rtp_received, rtcp_sent, rtcp_received].map(|sources| &sources.windows))
    }
}

impl fmt::Debug for SrtpContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpContext").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// Windows by SSRC, never more than [`MAX_SOURCES`].
struct Sources {
    windows: Vec<(u32, Window)>,
    /// The index at which the window of a new one begins.
    first: u64,
}

impl Sources {
    fn new() -> Self {
        Self { windows: Vec::with_capacity(MAX_SOURCES), first: 0 }
    }

    /// The window of `ssrc`, empty when it was never there.
    fn window(&self, ssrc: u32) -> Result<Window, SrtpError> {
        match self.windows.iter().find(|(of, _)| *of == ssrc) {
            Some((_, window)) => Ok(*window),
            None if self.windows.len() < MAX_SOURCES => Ok(Window::beginning_at(self.first)),
            None => Err(SrtpError::TooManySources),
        }
    }

    /// Remembers `window` for `ssrc`, for which [`Sources::window`] must have found room.
    fn keep(&mut self, ssrc: u32, window: Window) {
        match self.windows.iter_mut().find(|(of, _)| *of == ssrc) {
            Some((_, kept)) => *kept = window,
            None => self.windows.push((ssrc, window)),
        }
    }
}

/// The front of `packet` that will hold a packet of `len` bytes once it is protected.
fn with_room(packet: &mut [u8], len: usize, overhead: usize) -> Result<&mut [u8], SrtpError> {
    let (need, have) = (len.saturating_add(overhead), packet.len());
    packet.get_mut(..need).ok_or(SrtpError::NoRoom { need, have })
}

/// Length of the header with CSRC list and extension (RFC 3711 §3.1), SSRC and sequence number of the RTP packet in the
/// first `len` bytes.
fn rtp_header(packet: &[u8], len: usize) -> Result<(usize, u32, u16), SrtpError> {
    let packet = packet.get(..len).unwrap_or(packet);
    let Some(([bits, _, s0, s1, _, _, _, _, ssrc @ ..], rest)) =
        packet.split_first_chunk::<FIXED_HEADER_BYTES>()
    else {
        return Err(truncated(FIXED_HEADER_BYTES, len));
    };
    check_version(*bits)?;
    let csrcs = usize::from(bits & 0x0f).saturating_mul(4);
    let mut header = FIXED_HEADER_BYTES.saturating_add(csrcs);
    if bits & 0x10 != 0 {
        let extension = rest.get(csrcs..).and_then(|rest| rest.first_chunk::<4>());
        header = header.saturating_add(4);
        let [_, _, w0, w1] = extension.ok_or(truncated(header, len))?;
        header = header.saturating_add(usize::from(u16::from_be_bytes([*w0, *w1])).saturating_mul(4));
    }
    if header > len {
        return Err(truncated(header, len));
    }
    Ok((header, u32::from_be_bytes(*ssrc), u16::from_be_bytes([*s0, *s1])))
}

fn rtcp_ssrc(packet: &[u8], len: usize) -> Result<u32, SrtpError> {
    let packet = packet.get(..len).unwrap_or(packet);
    let Some(([bits, _, _, _, ssrc @ ..], _)) = packet.split_first_chunk::<RTCP_CLEAR>() else {
        return Err(truncated(RTCP_CLEAR, len));
    };
    check_version(*bits)?;
    Ok(u32::from_be_bytes(*ssrc))
}

const fn check_version(bits: u8) -> Result<(), SrtpError> {
    if bits >> 6 == 2 { Ok(()) } else { Err(SrtpError::Version(bits >> 6)) }
}

const fn truncated(need: usize, have: usize) -> SrtpError {
    SrtpError::Truncated { need, have }
}

/// The highest index of SRTCP, which has 31 bits (RFC 3711 §3.4).
const LAST_RTCP_INDEX: u64 = (1 << 31) - 1;
