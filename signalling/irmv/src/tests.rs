//! Terminals and servers on streams that take their time, in virtual time.

mod accounts;
mod dying;
mod figures;
mod lending;
mod numbers;
mod pointers;
mod privacy;
mod records;
mod registering;
mod registry;
mod search;
mod world;
