//! `rove call`: dial, talk, hang up, report.

use std::time::Instant;

use rove_phone::{CallId, CallReport, Phone, PhoneEvent, Progress};

use super::{GLANCE, accounts, seconds};
use crate::{
    cli::Call,
    failure::Failure,
    report::Report,
    settings::Settings,
    show::{Show, call_table, summary},
    stop::Stop,
};

pub(crate) fn run(settings: &Settings, args: &Call, stop: &Stop) -> Result<(), Failure> {
    let mut config = settings.phone(&args.phone)?;
    config.audio = settings.audio(&args.audio)?;
    let talk = args.seconds.map(|value| {
        seconds(value).ok_or_else(|| Failure::usage(format!("--for {value}: not a number of seconds")))
    });
    let talk = talk.transpose()?;
    Report::check(args.json.as_deref())?;
    let phone = Phone::start(config)?;
    let identity = args.phone.identity.as_deref();
    accounts::to_call_with(&phone, &args.account, identity, args.phone.transport.transport)?;
    accounts::sign_in_all(&phone, settings)?;
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
        many => println!("{}", summary(many)),
    }
    let failure = complaint(calls, |call| (!call.succeeded()).then(|| call.cause_text.clone()))
        .or_else(|| complaint(calls, |call| missed(call, args.min_mos?)));
    failure.map_or(Ok(()), |why| Err(Failure::call(why)))
}

/// The first thing that is `wrong` with a call, and with which one when there are several.
fn complaint(calls: &[CallReport], wrong: impl Fn(&CallReport) -> Option<String>) -> Option<String> {
    let (index, why) = calls.iter().enumerate().find_map(|(index, call)| Some((index, wrong(call)?)))?;
    let count = calls.len();
    Some(if count == 1 { why } else { format!("call {} of {count}: {why}", index + 1) })
}

/// How a call missed the threshold.
fn missed(call: &CallReport, threshold: f64) -> Option<String> {
    match call.mos {
        Some(mos) if mos >= threshold => None,
        Some(mos) => Some(format!("MOS {mos:.2} is below the threshold of {threshold}")),
        None => Some("the MOS was not measured: the call was too short, or nothing was heard".into()),
    }
}
