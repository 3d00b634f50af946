//! A home against a simple model of what it has to be, over random histories.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "home/desk.rs"]
mod desk;
#[path = "home/figures.rs"]
mod figures;
#[path = "home/fixture.rs"]
mod fixture;
#[path = "home/model.rs"]
mod model;
#[path = "spoofs.rs"]
mod spoofs;
#[path = "home/world.rs"]
mod world;

use world::{Tally, World};

/// How many: a million in the long form, with `ROVE_PROVE=1`.
fn histories() -> u64 {
    if std::env::var_os("ROVE_PROVE").is_some() { 1_000_000 } else { 20_000 }
}

#[test]
fn a7_a21_no_history_loses_a_binding_gives_an_address_to_two_or_leaves_a_stale_name() {
    let mut sum = Tally::default();
    for seed in 0..histories() {
        let tally = std::panic::catch_unwind(|| history(seed));
        let tally = tally.unwrap_or_else(|_| panic!("history {seed} went wrong, see above"));
        sum = add(sum, tally);
    }
    println!("{} histories: {sum:?}", histories());
    let Tally { bound, renewed_or_moved, refused, purged, expired, crashes, half_done, vectors } = sum;
    let each = histories() / 100;
    for (what, count) in [
        ("bound", bound),
        ("renewed or moved", renewed_or_moved),
        ("refused", refused),
        ("purged", purged),
        ("expired", expired),
        ("crashes", crashes),
        ("crashes with a change half done", half_done),
        ("challenges", vectors),
    ] {
        assert!(count > each, "{count} {what} in {} histories prove nothing", histories());
    }
}

fn history(seed: u64) -> Tally {
    let mut world = World::new(seed);
    for _ in 0..80 {
        world.step();
    }
    world.ends_well();
    world.tally
}

fn add(a: Tally, b: Tally) -> Tally {
    Tally {
        bound: a.bound + b.bound,
        renewed_or_moved: a.renewed_or_moved + b.renewed_or_moved,
        refused: a.refused + b.refused,
        purged: a.purged + b.purged,
        expired: a.expired + b.expired,
        crashes: a.crashes + b.crashes,
        half_done: a.half_done + b.half_done,
        vectors: a.vectors + b.vectors,
    }
}
