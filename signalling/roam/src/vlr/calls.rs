//! Calls of visitors: each needs the home's word, as the profile has it.

use rove_base::Instant;

use super::{Vlr, locate::admit, metrics::add, visitor::Allowance};
use crate::{
    Cause, Imsi,
    attach::{CallRequest, Reason, ToTerminal},
};

impl Vlr {
    pub(super) fn call(&mut self, imsi: Imsi, call: &CallRequest) {
        let id = call.id;
        match self.authorise(imsi, call) {
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

    /// Whether the caller is to stay unknown, when the call may be made.
    fn authorise(&mut self, imsi: Imsi, call: &CallRequest) -> Result<bool, Reason> {
        let now = self.now.mono;
        let visitor = self.visitors.get_mut(&imsi).ok_or(Cause::NotServing)?;
        admit(visitor)?;
        let services = visitor.subscription.as_ref().map(|subscription| subscription.profile.services);
        let services = services.unwrap_or_default();
        // A home that has let the binding run out does not stand behind the call any more.
        let bound = visitor.bound_mut().filter(|bound| bound.lapses > now).ok_or(Cause::NoAnswer)?;
        if call.third && !services.three_way {
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
