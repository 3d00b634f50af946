//! Where a target is asked for.

use std::net::IpAddr;

use rove_base::Now;
use rove_dns::lookup::{LookupId, Query, Resolver};

use super::Switchboard;
use crate::Target;

impl Switchboard {
    /// Looks a target up without calling it; [`Event::LookedUp`](crate::Event::LookedUp) answers.
    pub fn look_up(&mut self, now: Now, target: &Target) -> LookupId {
        find(&mut self.resolver, now, target)
    }

    /// Looks for the names of an address; [`Event::LookedUp`](crate::Event::LookedUp) answers.
    pub fn look_up_names(&mut self, now: Now, address: IpAddr) -> LookupId {
        self.resolver.reverse(now, address)
    }
}

/// Looks for where `target` is called.
pub(crate) fn find(resolver: &mut Resolver, now: Now, target: &Target) -> LookupId {
    match target.number() {
        Some(number) => resolver.number(now, number),
        None => resolver.sip(now, query(target)),
    }
}

pub(crate) fn query(target: &Target) -> Query {
    Query {
        host: target.host(),
        port: target.port(),
        transport: target.transport(),
        secure: target.is_secure(),
    }
}
