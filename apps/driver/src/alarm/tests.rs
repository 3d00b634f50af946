use core::time::Duration;

use tokio::time::{Instant as Paused, timeout};

use super::*;

fn on_the_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}

/// How long the alarm takes to ring when asked again and again for what `wakes` say, in ms after the start; each but the
/// last is given up at once.
fn rings_after(wakes: &[u64]) -> u128 {
    on_the_runtime(async {
        let began = Paused::now();
        let mut alarm = Alarm::default();
        let (last, first) = wakes.split_last().unwrap();
        let at = |millis: &u64| Some((began + Duration::from_millis(*millis)).into_std());
        for wake in first {
            assert!(timeout(Duration::ZERO, alarm.until(at(wake))).await.is_err());
        }
        alarm.until(at(last)).await;
        began.elapsed().as_millis()
    })
}

#[test]
fn it_rings_when_it_is_told_to() {
    assert!((100..110).contains(&rings_after(&[100])));
}

#[test]
fn an_earlier_deadline_counts_at_once() {
    assert!((50..60).contains(&rings_after(&[5_000, 50])));
}

#[test]
fn a_later_deadline_leaves_it_as_it_is_so_it_rings_early_once() {
    assert!((100..110).contains(&rings_after(&[100, 5_000])));
}

#[test]
fn after_it_has_rung_it_is_set_anew() {
    on_the_runtime(async {
        let began = Paused::now();
        let mut alarm = Alarm::default();
        alarm.until(Some((began + Duration::from_millis(10)).into_std())).await;
        alarm.until(Some((began + Duration::from_millis(300)).into_std())).await;
        assert!((300..310).contains(&began.elapsed().as_millis()));
    });
}

#[test]
fn without_a_deadline_it_never_rings() {
    on_the_runtime(async {
        let mut alarm = Alarm::default();
        assert!(timeout(Duration::from_secs(1_000), alarm.until(None)).await.is_err());
    });
}
