use super::*;

/// Reads of `each` datagrams every `every`, for a tenth of a second from `from` on; answers how many paused.
fn pauses(moderation: &mut Moderation, from: Duration, every: Duration, each: usize, full: bool) -> usize {
    let reads = (from + Duration::from_millis(100)).as_nanos() / every.as_nanos();
    let first = from.as_nanos() / every.as_nanos();
    let read = |n: u128| {
        let paused = moderation.before_reading().is_some();
        let now = Instant::ZERO + every * u32::try_from(n).unwrap();
        moderation.read(now, each, full);
        paused
    };
    (first..reads).map(read).filter(|paused| *paused).count()
}

const START: Duration = Duration::ZERO;

#[test]
fn few_datagrams_are_read_at_once() {
    assert_eq!(pauses(&mut Moderation::new(), START, Duration::from_millis(1), 2, false), 0);
}

#[test]
fn many_datagrams_gather_before_they_are_read() {
    // 6 000 a second, three a read; reads pause after the first window.
    let paused = pauses(&mut Moderation::new(), START, Duration::from_micros(500), 3, false);
    assert!((150..=165).contains(&paused), "{paused}");
}

#[test]
fn a_peer_that_waits_for_each_answer_is_hardly_ever_kept_waiting() {
    // 10 000 a second one by one: a pause brings no second one.
    let paused = pauses(&mut Moderation::new(), START, Duration::from_micros(100), 1, false);
    assert!((1..=30).contains(&paused), "{paused}");
}

#[test]
fn where_more_waits_than_a_read_takes_nothing_pauses() {
    let paused = pauses(&mut Moderation::new(), START, Duration::from_micros(500), 32, true);
    assert_eq!(paused, 0);
}

#[test]
fn when_it_grows_quiet_reading_is_at_once_again() {
    let mut moderation = Moderation::new();
    pauses(&mut moderation, START, Duration::from_micros(500), 3, false);
    pauses(&mut moderation, Duration::from_millis(100), Duration::from_millis(10), 1, false);
    assert!(moderation.before_reading().is_none());
}
