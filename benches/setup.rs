//! From dialling a name to a standing call: look-up and INVITE over loopback, with a name server, two phones, four
//! threads and their sockets.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rove_tests::loopback::Loopback;

fn setup(c: &mut Criterion) {
    let loopback = Loopback::start();
    let mut group = c.benchmark_group("call");
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    // What is measured is what the report says of resolve and set-up; starting and closing the phones is not counted.
    group.bench_function("resolve_and_set_up", |b| {
        b.iter_custom(|calls| (0..calls).map(|_| one_call(&loopback)).sum());
    });
    group.finish();
}

fn one_call(loopback: &Loopback) -> Duration {
    let report = loopback.call();
    let millis = report.resolve_ms.unwrap_or_default() + report.setup_ms.unwrap_or_default();
    Duration::from_secs_f64(millis / 1_000.0)
}

criterion_group!(benches, setup);
criterion_main!(benches);
