//! What registers want of names, in the words of the zones.

use rove_dns::{
    update::{OwnSet, UpdateError},
    wire::Name,
};
use rove_roam::{HostName, NameChange};

/// The sets of records that `changes` ask for.
///
/// # Errors
///
/// [`UpdateError`]: a name that no zone can hold.
pub(super) fn sets(changes: &[NameChange]) -> Result<Vec<OwnSet>, UpdateError> {
    let mut sets = Vec::with_capacity(changes.len().saturating_mul(2));
    for change in changes {
        match change {
            NameChange::Forward { name, addresses, ttl } => {
                sets.extend(OwnSet::addresses(&domain(name)?, *ttl, addresses));
            }
            NameChange::Reverse { address, name, ttl } => {
                let target = name.as_ref().map(domain).transpose()?;
                sets.push(OwnSet::ptr(*address, *ttl, target.as_ref()));
            }
        }
    }
    Ok(sets)
}

fn domain(name: &HostName) -> Result<Name, UpdateError> {
    // Every host name fits; the error is the zones' for a name that is not theirs.
    name.as_str().parse().map_err(|_| UpdateError::NotOurs { zone: Name::root() })
}
