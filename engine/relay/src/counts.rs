//! What was passed on, and what was not and why.

use core::{fmt, ops::AddAssign};

/// Why something was not done or passed on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// Neither a message, nor data in a channel, nor of a call.
    NotUnderstood,
    /// Asked without a seal; answered by a challenge.
    Unsealed,
    /// The nonce is old, or that of another address.
    StaleNonce,
    /// Wrong name or password, or its time is over.
    Unauthorized,
    /// A question that breaks the standard.
    BadRequest,
    /// An attribute that must be understood and is not.
    UnknownAttribute,
    /// Anything but UDP is wanted toward peers.
    Transport,
    /// A family of addresses that is not lent.
    Family,
    /// A peer of another family than the address lent.
    PeerFamily,
    /// A peer that nothing is sent to.
    Forbidden,
    /// There is an allocation already, or there is none.
    Mismatch,
    /// The allocation is another user's.
    WrongUser,
    /// This user has as many as it may.
    UserQuota,
    /// What this user has paid for is spent.
    NoCredit,
    /// There are as many as there may be, or no port is free.
    Capacity,
    /// One source was answered often enough this second.
    Source,
    /// A client sends to a peer it has no permission for.
    NoPermission,
    /// A peer that the client has given no permission sends.
    Uninvited,
    /// Data for a channel that is not bound, or of nobody's allocation.
    NoChannel,
    /// A call's token is wrong.
    BadToken,
    /// A call's token is over.
    OldToken,
    /// The other end of the call is not here yet.
    HalfCall,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::NotUnderstood,
        Self::Unsealed,
        Self::StaleNonce,
        Self::Unauthorized,
        Self::BadRequest,
        Self::UnknownAttribute,
        Self::Transport,
        Self::Family,
        Self::PeerFamily,
        Self::Forbidden,
        Self::Mismatch,
        Self::WrongUser,
        Self::UserQuota,
        Self::NoCredit,
        Self::Capacity,
        Self::Source,
        Self::NoPermission,
        Self::Uninvited,
        Self::NoChannel,
        Self::BadToken,
        Self::OldToken,
        Self::HalfCall,
    ];
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUnderstood => "not understood",
            Self::Unsealed => "unsealed",
            Self::StaleNonce => "stale nonce",
            Self::Unauthorized => "unauthorized",
            Self::BadRequest => "bad request",
            Self::UnknownAttribute => "unknown attribute",
            Self::Transport => "transport",
            Self::Family => "family",
            Self::PeerFamily => "peer family",
            Self::Forbidden => "forbidden",
            Self::Mismatch => "mismatch",
            Self::WrongUser => "wrong user",
            Self::UserQuota => "user quota",
            Self::NoCredit => "no credit",
            Self::Capacity => "capacity",
            Self::Source => "source",
            Self::NoPermission => "no permission",
            Self::Uninvited => "uninvited",
            Self::NoChannel => "no channel",
            Self::BadToken => "bad token",
            Self::OldToken => "old token",
            Self::HalfCall => "half a call",
        })
    }
}

/// What happened so far.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Datagrams from clients passed on to peers, or between the ends of calls.
    pub packets_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Datagrams of peers passed on to clients.
    pub packets_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Addresses lent, or calls joined, since the start.
    pub begun: u64,
    refused: [u64; Cause::ALL.len()],
}

impl Counts {
    /// How often something was refused for `cause`.
    #[must_use]
    pub fn refused(&self, cause: Cause) -> u64 {
        self.refused.get(cause as usize).copied().unwrap_or_default()
    }

    /// Each cause with its count, those included that never were.
    pub fn refusals(&self) -> impl Iterator<Item = (Cause, u64)> + '_ {
        Cause::ALL.into_iter().map(|cause| (cause, self.refused(cause)))
    }

    pub(crate) fn refuse(&mut self, cause: Cause) {
        if let Some(count) = self.refused.get_mut(cause as usize) {
            *count = count.saturating_add(1);
        }
    }

    pub(crate) fn went_out(&mut self, bytes: usize) {
        self.packets_out = self.packets_out.saturating_add(1);
        self.bytes_out = self.bytes_out.saturating_add(bytes as u64);
    }

    pub(crate) fn came_in(&mut self, bytes: usize) {
        self.packets_in = self.packets_in.saturating_add(1);
        self.bytes_in = self.bytes_in.saturating_add(bytes as u64);
    }
}

impl AddAssign<&Self> for Counts {
    /// What happened at both desks.
    fn add_assign(&mut self, more: &Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.packets_out, more.packets_out);
        add(&mut self.bytes_out, more.bytes_out);
        add(&mut self.packets_in, more.packets_in);
        add(&mut self.bytes_in, more.bytes_in);
        add(&mut self.begun, more.begun);
        self.refused.iter_mut().zip(more.refused).for_each(|(sum, more)| add(sum, more));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_count_and_a_name_of_its_own() {
        let mut counts = Counts::default();
        for (index, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, index);
            (0..=index).for_each(|_| counts.refuse(cause));
        }
        let names: std::collections::HashSet<_> = Cause::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), Cause::ALL.len());
        assert!(counts.refusals().zip(1..).all(|((_, count), expected)| count == expected));
        counts.went_out(7);
        counts.came_in(9);
        let mut both = counts.clone();
        both += &counts;
        assert!(both.refusals().zip(1..).all(|((_, count), expected)| count == 2 * expected));
        assert_eq!((both.packets_out, both.bytes_out, both.packets_in, both.bytes_in), (2, 14, 2, 18));
    }
}
