//! The programs as their users run them, alone and with foreign peers, on loopback.

mod datagrams;
mod demo;
mod failures;
mod names;
mod setup;
mod sipp;
mod sound;
mod stage;
