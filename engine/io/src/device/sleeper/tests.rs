use super::*;
use crate::device::testing::{Heard, side};

fn count(heard: &Heard) -> usize {
    heard.lock().unwrap().len()
}

#[test]
fn ends_are_driven_only_while_the_device_is_awake_and_outlive_its_stops() {
    let (ends, heard) = side(0.5, 48_000);
    let mut sleeper = Sleeper::new(DeviceConfig::Null, Clock::new(), ends);
    let until = |least: usize| {
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while count(&heard) < least && std::time::Instant::now() < patience {
            std::thread::yield_now();
        }
        count(&heard)
    };
    assert_eq!(count(&heard), 0);
    sleeper.wake().unwrap();
    assert!(until(480) >= 480 && sleeper.running().is_some());
    sleeper.sleep().unwrap();
    let asleep = count(&heard);
    sleeper.wake().unwrap();
    sleeper.wake().unwrap();
    assert!(until(asleep + 480) >= asleep + 480);
}
