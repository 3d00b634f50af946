//! Calls of visitors: each needs the home's word, as the profile has it.

use core::net::IpAddr;

use rove_base::{Instant, Now};

use super::{Vlr, locate::admit, metrics::add, visitor::Allowance};
use crate::{
    Cause, HostName, Imsi,
    attach::{CallRequest, Reason, ToTerminal},
};

impl Vlr {
    pub(super) fn call(&mut self, imsi: Imsi, call: &CallRequest) {
        let id = call.id;
        match self.authorise(imsi, call.third) {
            Ok(anonymous) => {
                add(&mut self.metrics.calls_allowed);
                self.tell_visitor(imsi, &ToTerminal::CallAllowed { id, anonymous });
            }
            Err(reason) => {
                add(&mut self.metrics.calls_refused);
                self.tell_visitor(imsi, &ToTerminal::CallRefused { id, reason });
            }
        }
    }

    /// Who has this address here, and its name.
    #[must_use]
    pub fn visitor_at(&self, address: IpAddr) -> Option<(Imsi, &HostName)> {
        let mut here =
            self.holders().filter(|(_, _, addresses, _)| addresses.iter().any(|one| one == address));
        here.next().map(|(imsi, name, ..)| (imsi, name))
    }

    /// Whether a visitor may make a call that a proxy here carries: on the home's word, as far as it still holds. Answers
    /// whether the caller is to stay unknown.
    ///
    /// # Errors
    ///
    /// [`Reason`], the same that the terminal would hear.
    pub fn may_call(&mut self, now: Now, imsi: Imsi, third: bool) -> Result<bool, Reason> {
        self.now = now;
        let verdict = self.authorise(imsi, third);
        add(match verdict {
            Ok(_) => &mut self.metrics.calls_allowed,
            Err(_) => &mut self.metrics.calls_refused,
        });
        verdict
    }

    /// Whether the caller is to stay unknown, when the call may be made.
    fn authorise(&mut self, imsi: Imsi, third: bool) -> Result<bool, Reason> {
        let now = self.now.mono;
        let visitor = self.visitors.get_mut(&imsi).ok_or(Cause::NotServing)?;
        admit(visitor)?;
        let services = visitor.subscription.as_ref().map(|subscription| subscription.profile.services);
        let services = services.unwrap_or_default();
        // A home that has let the binding run out does not stand behind the call any more.
        let bound = visitor.bound_mut().filter(|bound| bound.lapses > now).ok_or(Cause::NoAnswer)?;
        if third && !services.three_way {
            return Err(Reason::ServiceNotGranted);
        }
        if bound.calls.take(now) { Ok(services.caller_id_restricted) } else { Err(Cause::Overload.into()) }
    }
}

impl Allowance {
    pub(super) const fn full(now: Instant) -> Self {
        Self { left: BURST, since: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        let fresh = u32::try_from(now.since(self.since).as_secs()).unwrap_or(u32::MAX);
        if fresh > 0 {
            self.left = self.left.saturating_add(fresh).min(BURST);
            self.since = now;
        }
        let fair = self.left > 0;
        self.left = self.left.saturating_sub(1);
        fair
    }
}

/// Calls that a visitor may ask about at once; one more each second.
const BURST: u32 = 10;
