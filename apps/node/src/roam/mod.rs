//! The roles `[home]` and `[visited]`: names that follow terminals, at their home and wherever they are.

mod adapter;
mod backend_sections;
mod backends;
mod calls;
mod config;
mod control;
mod drain;
mod exchange;
mod foreign;
mod journal;
mod machine;
mod metrics;
mod names;
mod pool;
mod role;
mod sctp;
mod sections;
mod streams;
mod subscriber;

pub use adapter::Adapter;
pub use backend_sections::{AddressesFrom, KeaSection, NamesAt, Rfc2136Section};
pub use backends::Backends;
pub use config::{
    HomeConfig, NamesPolicy, PartnerCarrier, PartnerConfig, PartnerTerms, PoolSection, Protocol,
    RoamingConfig, VisitedConfig,
};
pub use foreign::{Foreign, ForeignConfig, ForeignCounts, ForeignError, ForeignEvent, ForeignId};
pub use journal::Unreadable;
pub use machine::{OURS, Roam, RoamEvent, Roles, Wire};
pub use sctp::{Associations, SctpPartner};
pub use subscriber::{SubscriberError, SubscriberForm};

pub(crate) use role::RoamRole;
pub(crate) use sections::{Listening, RoamSections};
