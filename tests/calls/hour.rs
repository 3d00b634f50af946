//! An hour of talk takes seconds.

use core::time::Duration;

use rove_phone::{CodecId, virtual_time::VirtualConfig};
use rove_tests::Owner;
use rustix::time::{ClockId, clock_gettime};

use crate::scene::{Scene, phone};

/// Time of this thread, whatever else the machine does, for one hour of both parties: codecs, packets, rings, jitter
/// buffers, reports and the network between.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn an_hour_of_a_g711_call_takes_less_than_five_seconds() {
    let config = |host| VirtualConfig { codecs: vec![CodecId::Pcmu], keep_heard: false, ..phone(host) };
    let mut scene = Scene::new(1, config(2), config(3), Owner::Answers);
    let began = worked();
    let report = scene.call("192.0.2.3", Duration::from_secs(3_600));
    let took = worked() - began;
    println!("one hour took {:.2} s", took.as_secs_f64());
    assert!(report.succeeded(), "{report:?}");
    assert_eq!((report.lost, report.received), (Some(0), report.sent));
    assert!((180_000..=180_010).contains(&report.sent.unwrap()), "{:?}", report.sent);
    assert!(took < LIMIT, "{took:?}");
}

/// Processor time of this thread.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
