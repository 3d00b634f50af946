//! What a key may change: names and, at them, types.

use crate::wire::Name;

/// One thing that a key is allowed to do. A key may do whatever one of its scopes allows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scope {
    /// Which names.
    pub names: ScopeNames,
    /// Which types; `None`: all.
    pub types: Option<Vec<u16>>,
}

/// Which names a scope is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ScopeNames {
    /// A name, a zone's origin for example, and all below it.
    Below(Name),
    /// One name alone.
    Exactly(Name),
    /// The name that the key itself has, and that alone: one scope for the keys of many hosts.
    Own,
}

impl Scope {
    /// All types at `zone` and below it.
    #[must_use]
    pub const fn below(zone: Name) -> Self {
        Self { names: ScopeNames::Below(zone), types: None }
    }

    /// The same for these types alone.
    #[must_use]
    pub fn types(mut self, types: impl IntoIterator<Item = u16>) -> Self {
        self.types = Some(types.into_iter().collect());
        self
    }

    pub(super) fn covers(&self, key: &Name, name: &Name) -> bool {
        match &self.names {
            ScopeNames::Below(zone) => name.is_within(zone),
            ScopeNames::Exactly(only) => name == only,
            ScopeNames::Own => name == key,
        }
    }

    pub(super) fn allows(&self, rtype: u16) -> bool {
        self.types.as_ref().is_none_or(|types| types.contains(&rtype))
    }
}
