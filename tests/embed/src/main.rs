//! Makes a call between two phones in virtual time and prints the version of the codec library that is built in.

use std::time::Duration;

use rove_phone::{
    CallReport, PhoneEvent, Progress,
    virtual_time::{Arrival, Flow, Instant, Machine, Now, Scratch, Step, VirtualConfig, VirtualPhone, Voice},
};

fn main() {
    let voice = Voice::Tone { hertz: 440.0 };
    let config =
        |host: u8| VirtualConfig { voice: voice.clone(), ..VirtualConfig::at([192, 0, 2, host].into()) };
    let mut phones = [VirtualPhone::new(config(1), 1), VirtualPhone::new(config(2), 2)];
    let mut now = Now::default();
    let call = phones[0].dial(now, "192.0.2.2").expect("an address can be dialled");
    let mut hung_up = false;
    let report = loop {
        let (wake, report) = exchange(&mut phones, now);
        if let Some(report) = report {
            break report;
        }
        now = now.later(wake.expect("a call always waits for something").since(now.mono));
        assert!(now.mono < Instant::ZERO + Duration::from_secs(30), "the call does not end");
        phones.iter_mut().for_each(|phone| phone.tick(now));
        if now.mono >= Instant::ZERO + Duration::from_secs(5) && !hung_up {
            hung_up = true;
            phones[0].hang_up(now, call);
        }
    };
    println!("{} after {:?} s, lost {:?}, MOS {:?}", report.cause, report.seconds, report.lost, report.mos);
    assert!(report.succeeded() && report.lost == Some(0), "{report:?}");
    let loudest = phones[0].heard(call).iter().fold(0.0_f32, |max, sample| max.max(sample.abs()));
    assert!(loudest > 0.3, "nothing was heard: {loudest}");
    println!("{}", rove_phone::libopus_version());
}

/// Carries datagrams between the phones until both wait. The callee answers; the caller's report ends the story.
fn exchange(phones: &mut [VirtualPhone; 2], now: Now) -> (Option<Instant>, Option<CallReport>) {
    let mut scratch = Scratch::default();
    let mut wakes = [None, None];
    let mut waiting = [false, false];
    while waiting != [true, true] {
        for this in 0..2 {
            waiting[this] = false;
            scratch.clear();
            match phones[this].poll(&mut scratch) {
                Step::Send(transmit) => {
                    let Flow::Udp(flow) = transmit.flow else { continue };
                    let back = Flow::udp(flow.remote, flow.local);
                    let bytes = scratch.get(transmit.range);
                    phones[1 - this].handle(now, Arrival::Datagram { flow: back, bytes });
                    waiting[1 - this] = false;
                }
                Step::Event(PhoneEvent::Call { call, progress: Progress::Incoming { .. } }) => {
                    phones[this].answer(now, call);
                }
                Step::Event(PhoneEvent::Ended { report, .. }) if this == 0 => return (None, Some(*report)),
                Step::Wait(wake) => (wakes[this], waiting[this]) = (wake, true),
                _ => {}
            }
        }
    }
    (Instant::earliest(wakes[0], wakes[1]), None)
}
