//! Whose subscribers are taken in.

use crate::{HostName, Imsi, private::PartnerId};

/// What a network knows of one home, by the first digits of its subscribers' identities.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Agreement {
    /// The first digits: country and network code, or more of them.
    pub prefix: String,
    /// Who is asked about these subscribers.
    pub partner: PartnerId,
    /// On what terms.
    pub terms: Terms,
    /// Domains that names of these subscribers stand below. Any name when there are none.
    pub domains: Vec<String>,
}

/// On what terms subscribers are taken in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Terms {
    /// The home is of the same operator: nothing has to be agreed on, nobody is roaming.
    SameOperator,
    /// The operators have a roaming agreement.
    Roaming,
    /// They had one, or none for these digits: refused.
    Suspended,
}

/// All agreements of a network.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Agreements(Vec<Agreement>);

impl Agreements {
    /// Takes over the list; of several that fit a subscriber the one with the most digits counts.
    #[must_use]
    pub fn new(mut list: Vec<Agreement>) -> Self {
        list.sort_by_key(|agreement| core::cmp::Reverse(agreement.prefix.len()));
        Self(list)
    }

    /// The one that admits a subscriber. `None` when there is none, before anybody was asked.
    #[must_use]
    pub fn admit(&self, imsi: &Imsi) -> Option<&Agreement> {
        self.of(imsi).filter(|agreement| agreement.terms != Terms::Suspended)
    }

    /// Whether `partner` is the home of a subscriber.
    #[must_use]
    pub fn is_home(&self, partner: PartnerId, imsi: &Imsi) -> bool {
        self.of(imsi).is_some_and(|agreement| agreement.partner == partner)
    }

    fn of(&self, imsi: &Imsi) -> Option<&Agreement> {
        self.0.iter().find(|agreement| imsi.as_str().starts_with(&agreement.prefix))
    }
}

impl Agreement {
    /// Whether a subscriber of this home may have this name.
    #[must_use]
    pub fn allows(&self, name: &HostName) -> bool {
        self.domains.is_empty() || self.domains.iter().any(|domain| name.is_below(domain))
    }
}
