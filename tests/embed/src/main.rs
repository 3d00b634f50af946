//! Makes a call between two phones in virtual time and prints the version of the codec library that is built in.

use std::time::Duration;

use rove_phone::{
    PhoneEvent, Progress,
    virtual_time::{Instant, Now, Scratch, UdpFlow, VirtualConfig, VirtualPhone, Voice},
};

fn main() {
    let voice = Voice::Tone { hertz: 440.0 };
    let config = |host: u8| VirtualConfig { voice: voice.clone(), ..VirtualConfig::at([192, 0, 2, host].into()) };
    let mut phones = [VirtualPhone::new(config(1), 1), VirtualPhone::new(config(2), 2)];
    let mut now = Now::default();
    let call = phones[0].dial(now, "192.0.2.2").expect("an address can be dialled");
    let mut hung_up = false;
    let report = loop {
        exchange(&mut phones, now);
        if let Some(report) = listen(&mut phones, now) {
            break report;
        }
        let wake = exchange(&mut phones, now);
        now = now.later(wake.since(now.mono));
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

/// Carries datagrams between the phones until both wait; answers for when.
fn exchange(phones: &mut [VirtualPhone; 2], now: Now) -> Instant {
    let mut wake = None;
    loop {
        let mut sent = Vec::new();
        for phone in phones.iter_mut() {
            let mut scratch = Scratch::default();
            let until = phone.drain(now, &mut scratch, &mut |flow, bytes| sent.push((flow, bytes.to_vec())));
            wake = Instant::earliest(wake, until);
        }
        if sent.is_empty() {
            return wake.expect("a phone in a call always has something to wait for");
        }
        wake = None;
        for (flow, bytes) in sent {
            let back = UdpFlow { local: flow.remote, remote: flow.local };
            if let Some(phone) = phones.iter_mut().find(|phone| phone.ip() == back.local.ip()) {
                phone.receive(now, back, &bytes, now.mono);
            }
        }
    }
}

/// The callee answers; the caller's report ends the story.
fn listen(phones: &mut [VirtualPhone; 2], now: Now) -> Option<rove_phone::CallReport> {
    while let Some(event) = phones[1].next_event() {
        if let PhoneEvent::Call { call, progress: Progress::Incoming { .. } } = event {
            phones[1].answer(now, call);
        }
    }
    while let Some(event) = phones[0].next_event() {
        if let PhoneEvent::Ended { report, .. } = event {
            return Some(*report);
        }
    }
    None
}
