//! The roles `[home]` and `[visited]`: names that follow terminals, at their home and wherever they are.

mod adapter;
mod calls;
mod config;
mod control;
mod drain;
mod exchange;
mod journal;
mod machine;
mod metrics;
mod names;
mod pool;
mod role;
mod sections;
mod streams;
mod subscriber;

pub use adapter::Adapter;
pub use config::{
    HomeConfig, NamesPolicy, PartnerConfig, PartnerTerms, PoolSection, Protocol, RoamingConfig, VisitedConfig,
};
pub use journal::Unreadable;
pub use machine::{OURS, Roam, RoamEvent, Roles, Wire};
pub use subscriber::{SubscriberError, SubscriberForm};

pub(crate) use role::RoamRole;
pub(crate) use sections::{Listening, RoamSections};
