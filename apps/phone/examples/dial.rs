//! Dials a name, talks for five seconds, hangs up: `cargo run --example dial -- bob.home.example`.

use std::time::{Duration, Instant};

use rove_phone::{Audio, Phone, PhoneConfig, PhoneEvent, Progress};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = std::env::args().nth(1).ok_or("usage: dial TARGET")?;
    let phone = Phone::start(PhoneConfig { audio: Audio::Null, ..PhoneConfig::default() })?;
    let call = phone.dial(&target)?;
    let mut until = Instant::now() + Duration::from_secs(90);
    loop {
        match phone.next_event(until.saturating_duration_since(Instant::now())) {
            Some(PhoneEvent::Call { progress: Progress::Answered { .. }, .. }) => {
                until = Instant::now() + Duration::from_secs(5);
            }
            Some(PhoneEvent::Ended { report, .. }) => {
                println!("{}", report.cause_text);
                return Ok(());
            }
            Some(_) => {}
            None => {
                phone.hang_up(call);
                until += Duration::from_secs(40);
            }
        }
    }
}
