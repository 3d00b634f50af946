//! Where a service of a domain is (RFC 2782).

use hickory_proto::rr::{Name, RecordType, rdata::SRV};
use rove_base::Entropy;

use super::{Facts, Known, MAX_TARGETS, Progress, Target, Taste, addresses, follow, question, srv_of};
use crate::{
    lookup::{LookupError, order},
    query::{Outcome, plain},
};

/// The places of a service, best first; those of `plain_one` where no record says anything.
pub(super) fn found(
    name: &Name,
    plain_one: Target,
    facts: &Facts,
    taste: Taste,
    entropy: &mut Entropy,
) -> Progress {
    let mut targets: Vec<&SRV> = match follow(question(name, RecordType::SRV), facts) {
        Known::Open(open) => return Progress::Need { open: vec![open], found: 0 },
        Known::Is(Ok(Outcome::Records(records))) => srv_of(records).collect(),
        Known::Is(_) | Known::Lost(_) => Vec::new(),
    };
    if targets.is_empty() {
        return addresses(&[plain_one], facts, taste);
    }
    targets.retain(|srv| !srv.target.is_root());
    targets.sort_by_key(|srv| srv.priority);
    targets.truncate(MAX_TARGETS);
    if targets.is_empty() {
        return Progress::Failed(LookupError::NotOffered { name: plain(&plain_one.host) });
    }
    let all = |targets: &[&SRV]| -> Vec<Target> {
        targets.iter().map(|srv| Target::new(&srv.target, srv.port, plain_one.transport)).collect()
    };
    match addresses(&all(&targets), facts, taste) {
        // The weights are drawn once, when all is known.
        Progress::Found(_) => addresses(&all(&order::by_weight(targets, entropy)), facts, taste),
        other => other,
    }
}
