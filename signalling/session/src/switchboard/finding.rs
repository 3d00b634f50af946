//! Where a target is asked for.

use rove_base::Now;
use rove_dns::lookup::{LookupId, Query, Resolver};

use crate::Target;

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
