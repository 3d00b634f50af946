//! The target set: where a request may go, in which order (RFC 3261 §16.5, §16.6, RFC 5393 §5.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::VecDeque;

use crate::{
    message::{NameAddr, Uri},
    registrar::Binding,
    transport::Hop,
};

/// One place where a request may go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) uri: Uri,
    /// Routes on the way, next hop first.
    pub(crate) path: Vec<NameAddr>,
    /// The flow it has to take.
    pub(crate) flow: Option<Hop>,
    /// Copies that may be made of the copy that goes there.
    pub(crate) breadth: u32,
    q: u16,
}

impl Target {
    /// A place that is known by its URI alone.
    pub(crate) const fn at(uri: Uri, flow: Option<Hop>, breadth: u32) -> Self {
        Self { uri, path: Vec::new(), flow, breadth, q: 1_000 }
    }

    /// Where a binding leads. The headers of a contact go into no request: who registers does not write the requests of
    /// others.
    pub(crate) fn of(binding: &Binding) -> Self {
        let mut uri = binding.contact.clone();
        if let Uri::Sip(sip) = &mut uri {
            sip.clear_headers();
            sip.params.remove("method");
        }
        let Binding { path, flow, q, .. } = binding;
        Self { uri, path: path.clone(), flow: *flow, breadth: 0, q: *q }
    }
}

/// Targets of equal preference together, the most preferred first; of several flows to one device one at a time
/// (RFC 5626 §6). No more at once than `breadth` lets.
pub(crate) fn groups(bindings: &[&Binding], breadth: u32) -> VecDeque<Vec<Target>> {
    let mut levels: Vec<u16> = bindings.iter().map(|binding| binding.q).collect();
    levels.sort_unstable_by(|a, b| b.cmp(a));
    levels.dedup();
    let mut groups = VecDeque::new();
    for level in levels {
        let mut rest: Vec<&Binding> = bindings.iter().filter(|binding| binding.q == level).copied().collect();
        // The newest first.
        rest.reverse();
        while !rest.is_empty() {
            let mut group: Vec<&Binding> = Vec::new();
            let limit = usize::try_from(breadth).unwrap_or(usize::MAX);
            rest.retain(|binding| {
                let same = |other: &&Binding| match (&other.instance, &binding.instance) {
                    (Some(a), Some(b)) => a.urn == b.urn,
                    _ => false,
                };
                let waits = group.len() >= limit || group.iter().any(same);
                if !waits {
                    group.push(binding);
                }
                waits
            });
            let each = breadth.checked_div(u32::try_from(group.len()).unwrap_or(u32::MAX)).unwrap_or(0);
            groups.push_back(group.into_iter().map(|b| Target { breadth: each, ..Target::of(b) }).collect());
            if breadth == 0 {
                return groups;
            }
        }
    }
    groups
}

/// Copies a request may become in all where it does not say (RFC 5393 §5.3.3).
pub(crate) const MAX_BREADTH: u32 = 60;
