//! How long it takes from dialling a name to a standing call, on loopback.

use rove_tests::loopback::Loopback;

const CALLS: usize = 50;

#[test]
fn fifty_calls_by_name_are_set_up_and_their_times_told() {
    let loopback = Loopback::start();
    let mut times: Vec<f64> = (0..CALLS)
        .map(|_| {
            let report = loopback.call();
            report.resolve_ms.unwrap() + report.setup_ms.unwrap()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let (half, most) = (times[CALLS / 2], times[CALLS * 95 / 100]);
    println!("resolve + set-up over {CALLS} loopback calls: p50 {half:.2} ms, p95 {most:.2} ms");
    assert!(half < 100.0, "a call on loopback takes {half} ms to set up");
}
