//! The section `[sip.limits]`: what others may do.

use rove_sip::{registrar::MemoryLimits, server::Limits};
use serde::Deserialize;

/// `[sip.limits]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SipLimits {
    /// Bindings of one user.
    pub bindings_per_user: usize,
    /// Bindings of all users.
    pub bindings: usize,
    /// Transactions at a time.
    pub transactions: usize,
    /// Requests that are being passed on at a time.
    pub relays: usize,
    /// Calls that are followed to their end at a time.
    pub calls: usize,
    /// Calls at a time, those that ring among them; any number when not given.
    pub admitted: Option<usize>,
    /// Bytes that may be held of what others have sent: half of it for streams, a quarter for bindings
    /// and published state, a quarter for transactions and calls.
    pub memory: usize,
    /// Requests a second from one source in the long run; 0 for any number.
    pub requests_per_second: u32,
    /// Requests from one source at once.
    pub burst: u32,
}

impl Default for SipLimits {
    fn default() -> Self {
        let (limits, memory) = (Limits::default(), MemoryLimits::default());
        Self {
            bindings_per_user: memory.bindings_per_aor,
            bindings: memory.bindings,
            transactions: limits.transactions,
            relays: limits.relays,
            calls: limits.calls,
            admitted: None,
            memory: limits.memory.saturating_mul(4),
            requests_per_second: limits.requests_per_second,
            burst: limits.burst,
        }
    }
}

impl SipLimits {
    /// What the server machine is told of bindings, and of all else.
    pub(super) fn of_server(&self) -> (MemoryLimits, Limits) {
        let Self { bindings_per_user, bindings, transactions, relays, calls, memory, .. } = *self;
        let Self { requests_per_second, burst, admitted, .. } = *self;
        let bytes = memory / 4 - memory / 16;
        let limits = Limits {
            transactions,
            relays,
            calls,
            admitted: admitted.unwrap_or(usize::MAX),
            memory: memory / 4,
            requests_per_second,
            burst,
            ..Limits::default()
        };
        (MemoryLimits { bindings_per_aor: bindings_per_user, bindings, bytes }, limits)
    }
}
