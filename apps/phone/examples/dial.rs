//! Dials a name, talks for five seconds, hangs up: `cargo run --example dial -- bob.home.example`.

use std::time::{Duration, Instant};

use rove_phone::{Phone, PhoneConfig, PhoneEvent, Progress};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = std::env::args().nth(1).ok_or("usage: dial TARGET")?;
    let phone = Phone::start(PhoneConfig::default())?;
    let call = phone.dial(&target)?;
    let mut hang_up_at = None;
    loop {
        match phone.next_event(Duration::from_millis(100)) {
            Some(PhoneEvent::Call { progress: Progress::Answered { .. }, .. }) => {
                hang_up_at = Some(Instant::now() + Duration::from_secs(5));
            }
            Some(PhoneEvent::Ended { report, .. }) => break println!("{}", report.cause_text),
            _ if hang_up_at.is_some_and(|at| at <= Instant::now()) => phone.hang_up(call),
            _ => {}
        }
    }
    Ok(())
}
