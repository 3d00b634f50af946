//! Whole calls in virtual time: names, signalling, media and reports, on networks as bad as a seed makes them.

mod by_name;
mod hour;
mod refused;
mod scene;
