use std::sync::{Arc, atomic::AtomicBool};

use assert_no_alloc::assert_no_alloc;

use super::*;
use crate::device::testing::{last, side};

fn same(sample: f32) -> f32 {
    sample
}

#[test]
fn what_is_pushed_is_heard_and_what_is_said_is_pulled() {
    let ports = Arc::new(Ports::new(2));
    let (ends, heard) = side(0.25, 48_000);
    let _running = ports.attach(7, Clock::new(), 48_000, ends).unwrap();
    let mut out = [0.0; 480];
    ports.push(7, &[0.5; 480], same).unwrap();
    ports.pull(7, &mut out, same).unwrap();
    assert_eq!(heard.lock().unwrap().len(), 480);
    assert_eq!((last(&heard), out), (0.5, [0.25; 480]));
}

#[test]
fn a_number_that_has_no_call_is_told_so_and_so_is_one_whose_call_is_over() {
    let ports = Arc::new(Ports::new(1));
    let mut out = [9.0; 8];
    assert_eq!(ports.push(7, &[0.0; 8], same), Err(PortError::Absent));
    assert_eq!(ports.push(0, &[0.0; 8], same), Err(PortError::Absent));
    let running = ports.attach(7, Clock::new(), 48_000, side(0.1, 48_000).0).unwrap();
    assert!(matches!(ports.attach(8, Clock::new(), 48_000, side(0.1, 48_000).0), Err(DeviceError::NoPlace)));
    running.stop().unwrap();
    assert_eq!(ports.pull(7, &mut out, same), Err(PortError::Absent));
    assert_eq!((out, ports.taken()), ([9.0; 8], 0));
}

#[test]
fn a_call_at_another_rate_is_converted() {
    let ports = Arc::new(Ports::new(1));
    let (ends, heard) = side(0.25, 8_000);
    let _running = ports.attach(7, Clock::new(), 48_000, ends).unwrap();
    let mut out = [0.0; 4_800];
    for _ in 0..10 {
        ports.push(7, &[0.5; 480], same).unwrap();
    }
    ports.pull(7, &mut out, same).unwrap();
    let heard = heard.lock().unwrap();
    assert!((780..=800).contains(&heard.len()), "{} samples for a tenth of a second", heard.len());
    assert!((heard.last().unwrap() - 0.5).abs() < 0.01 && (out[4_799] - 0.25).abs() < 0.01);
}

#[test]
fn sound_goes_through_without_allocation() {
    struct Deaf;
    impl crate::device::Capture for Deaf {
        fn capture(&mut self, _: rove_base::Instant, _: &[f32]) {}
    }
    let ports = Arc::new(Ports::new(64));
    let (ends, _) = side(0.25, 8_000);
    let _running = ports.attach(7, Clock::new(), 44_100, Ends { capture: Box::new(Deaf), ..ends }).unwrap();
    let (said, mut out) = ([100_i16; 441], [0_i16; 441]);
    assert_no_alloc(|| {
        for _ in 0..1_000 {
            ports.push(7, &said, |sample| f32::from(sample) / 32_768.0).unwrap();
            ports.pull(7, &mut out, |sample| (sample * 32_767.0) as i16).unwrap();
        }
    });
    assert!(out.iter().all(|sample| (sample - 8_191).abs() < 100));
}

#[test]
fn calls_come_and_go_while_others_push_and_pull() {
    let ports = Arc::new(Ports::new(4));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for key in [1, 2] {
            let (ports, over) = (&ports, &over);
            scope.spawn(move || {
                let mut out = [0.0; 48];
                while !over.load(Ordering::Relaxed) {
                    let _ = ports.push(key, &[0.5; 48], same);
                    if ports.pull(key, &mut out, same).is_ok() {
                        assert_eq!(out, [key as f32; 48], "another call's sound");
                    }
                }
            });
        }
        for _ in 0..2_000 {
            for key in [1, 2] {
                let (ends, _) = side(key as f32, 48_000);
                drop(ports.attach(key, Clock::new(), 48_000, ends).unwrap());
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(ports.taken(), 0);
}
