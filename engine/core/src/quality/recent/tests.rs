#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::*;

#[test]
fn what_was_received_is_remembered_for_512_packets() {
    let mut recent = Recent::default();
    let received: Vec<u32> = (0..3_000).filter(|n| n % 3 == 0 || n % 7 == 0).collect();
    let mut highest = 0;
    for &n in &received {
        recent.advance(n - highest);
        highest = n;
        for behind in 0..700 {
            let known =
                behind < RECENT && highest >= behind && received.binary_search(&(highest - behind)).is_ok();
            assert_eq!(recent.has(behind), known, "{behind} behind {highest}");
        }
    }
    recent.advance(512);
    assert!(recent.has(0) && (1..600).all(|behind| !recent.has(behind)));
    recent.mark(511);
    recent.mark(512);
    assert!(recent.has(511) && !recent.has(512));
}
