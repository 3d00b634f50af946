//! Terminals and servers on streams that take their time, in virtual time.

mod figures;
mod lending;
mod pointers;
mod privacy;
mod records;
mod registering;
mod registry;
mod world;
