use super::*;

fn schedule(text: &str, seconds: u64) -> Schedule {
    Schedule::parse(text, Duration::from_secs(seconds)).unwrap()
}

fn millis(text: &str, seconds: u64) -> Vec<u128> {
    schedule(text, seconds).arrivals(1).map(|at| (at + Duration::from_micros(1)).as_millis()).collect()
}

#[test]
fn a_constant_rate_has_even_gaps_and_stops_at_the_end() {
    assert_eq!(millis("4", 2), [0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750]);
    assert_eq!(millis("4/s", 1), [0, 250, 500, 750]);
}

#[test]
fn a_ramp_from_nothing_makes_the_kth_call_at_the_root_of_k() {
    // The rate is t/2 a second after t seconds, so that k calls have begun when t²/4 = k.
    let at: Vec<f64> = schedule("ramp:0..5/10s", 10).arrivals(1).map(|at| at.as_secs_f64()).collect();
    assert_eq!(at.len(), 25);
    for (k, at) in at.into_iter().enumerate() {
        assert!((at - 2.0 * (k as f64).sqrt()).abs() < 1e-6, "call {k} at {at}");
    }
}

#[test]
fn a_ramp_goes_on_at_its_last_rate_until_the_end() {
    let schedule = schedule("ramp:0..10/2s", 5);
    assert_eq!(schedule.length(), Duration::from_secs(5));
    assert!((schedule.expected() - 40.0).abs() < 1e-9);
    assert_eq!(schedule.arrivals(1).filter(|at| *at >= Duration::from_secs(4)).count(), 10);
}

#[test]
fn a_falling_ramp_ends_where_its_rate_does() {
    let at: Vec<Duration> = schedule("ramp:10..0/2s", 2).arrivals(1).collect();
    assert_eq!(at.len(), 10);
    assert!(at.is_sorted() && at.last().unwrap() < &Duration::from_secs(2));
}

#[test]
fn steps_follow_each_other_without_a_call_twice_at_their_border() {
    assert_eq!(millis("steps:2x1s,4x1s", 9), [0, 500, 1_000, 1_250, 1_500, 1_750]);
}

#[test]
fn poisson_arrivals_repeat_with_their_seed_and_have_the_variance_of_their_mean() {
    let schedule = schedule("poisson:100", 200);
    let all: Vec<Duration> = schedule.arrivals(7).collect();
    assert_eq!(all, schedule.arrivals(7).collect::<Vec<_>>());
    assert_ne!(all, schedule.arrivals(8).collect::<Vec<_>>());
    let mut counts = vec![0.0_f64; 200];
    all.iter().for_each(|at| counts[at.as_secs() as usize] += 1.0);
    let mean = counts.iter().sum::<f64>() / 200.0;
    let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 199.0;
    assert!((mean - 100.0).abs() < 3.0, "mean {mean}");
    assert!((0.6..1.6).contains(&(variance / mean)), "variance {variance} of mean {mean}");
}

#[test]
fn a_poisson_ramp_has_as_many_calls_as_its_integral() {
    let count = schedule("poisson:ramp:0..200/100s", 100).arrivals(3).count() as f64;
    assert!((count - 10_000.0).abs() < 400.0, "{count}");
}

#[test]
fn concurrency_is_the_rate_times_the_time_a_call_stands_and_no_more_than_all() {
    assert_eq!(schedule("100", 60).concurrent(Duration::from_secs(20)), 2_000.0);
    assert_eq!(schedule("10", 2).concurrent(Duration::from_secs(60)), 20.0);
}

#[test]
fn what_is_not_understood_is_named() {
    let error = |text: &str| Schedule::parse(text, Duration::from_secs(1)).unwrap_err();
    assert_eq!(error("wave:3"), ScheduleError::Shape("wave:3".into()));
    assert_eq!(error("-3"), ScheduleError::Rate("-3".into()));
    assert_eq!(error("steps:3x5y"), ScheduleError::Time("5y".into()));
    assert_eq!(error("ramp:3/5s"), ScheduleError::Shape("ramp:3/5s".into()));
    assert_eq!(parse_time("250ms"), Ok(Duration::from_millis(250)));
    assert_eq!(parse_time("2m"), Ok(Duration::from_secs(120)));
    assert!(parse_time("NaN").is_err() && parse_time("1e99").is_err());
}
