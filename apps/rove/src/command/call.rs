//! `rove call`: dial, talk, hang up, report.

use std::time::Instant;

use rove_phone::{CallId, CallReport, Phone, PhoneEvent, Progress};

use super::{GLANCE, seconds};
use crate::{
    cli::Call,
    failure::Failure,
    report::Report,
    settings::Settings,
    show::{Show, call_table},
    stop::Stop,
};

pub(crate) fn run(settings: &Settings, args: &Call, stop: &Stop) -> Result<(), Failure> {
    let mut config = settings.phone(&args.phone)?;
    config.audio = settings.audio(&args.audio);
    let talk = args.seconds.map(|value| {
        seconds(value).ok_or_else(|| Failure::usage(format!("--for {value}: not a number of seconds")))
    });
    let talk = talk.transpose()?;
    Report::check(args.json.as_deref())?;
    let phone = Phone::start(config)?;
    let show = Show::new();
    let mut report = Report { seed: args.phone.seed, ..Report::default() };
    for _ in 0..args.count {
        if stop.wanted() {
            break;
        }
        report.calls.push(one(&phone, &args.target, talk, stop, &show)?);
    }
    show.done();
    if let Some(path) = &args.json {
        report.write(path)?;
    }
    conclude(&report.calls, args)
}

/// One call from dialling to its report.
fn one(
    phone: &Phone,
    target: &str,
    talk: Option<core::time::Duration>,
    stop: &Stop,
    show: &Show,
) -> Result<CallReport, Failure> {
    show.say(format!("looking up {target}"));
    let ours: CallId = phone.dial(target)?;
    let mut hang_up_at = None;
    let mut hung_up = false;
    loop {
        if !hung_up && (stop.wanted() || hang_up_at.is_some_and(|at| at <= Instant::now())) {
            phone.hang_up(ours);
            hung_up = true;
        }
        let patience =
            hang_up_at.map_or(GLANCE, |at: Instant| at.saturating_duration_since(Instant::now()).min(GLANCE));
        let Some(event) = phone.next_event(patience) else { continue };
        show.event(&event);
        match event {
            PhoneEvent::Call { call, progress: Progress::Answered { .. } } if call == ours => {
                hang_up_at = talk.map(|talk| Instant::now() + talk);
            }
            PhoneEvent::Call { call, progress: Progress::Incoming { .. } } => phone.refuse_busy(call),
            PhoneEvent::Ended { call, report } if call == ours => return Ok(*report),
            _ => {}
        }
    }
}

fn conclude(calls: &[CallReport], args: &Call) -> Result<(), Failure> {
    match calls {
        [only] => println!("{}", call_table(only)),
        many => {
            let good = many.iter().filter(|call| call.succeeded()).count();
            println!("{good} of {} calls succeeded", many.len());
        }
    }
    if let Some(failed) = calls.iter().find(|call| !call.succeeded()) {
        return Err(Failure::call(failed.cause_text.clone()));
    }
    let Some(threshold) = args.min_mos else { return Ok(()) };
    for call in calls {
        match call.mos {
            Some(mos) if mos >= threshold => {}
            Some(mos) => {
                return Err(Failure::call(format!("MOS {mos:.2} is below the threshold of {threshold}")));
            }
            None => {
                return Err(Failure::call(
                    "the MOS was not measured: the call was too short, or nothing was heard",
                ));
            }
        }
    }
    Ok(())
}
