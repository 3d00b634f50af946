//! `rove lookup`: where a call to a name would go, which names an address has, and how that was found out.

use rove_phone::{Candidate, LookupError, Phone, PhoneConfig, PhoneEvent, TraceStep};
use serde_json::{Value, json};

use super::{GLANCE, irmv};
use crate::{cli::lookup::Lookup, failure::Failure, settings::Settings, stop::Stop};

pub(crate) fn run(settings: &Settings, args: &Lookup, stop: &Stop) -> Result<(), Failure> {
    if let Some(target) = &args.target
        && let Some(record) = irmv::look_up(&args.irmv, &args.phone, target, stop)?
    {
        return irmv::show(target, args.json.as_deref(), &record);
    }
    let mut config = settings.phone(&args.phone)?;
    if !args.root.is_empty() {
        config = PhoneConfig { dns_servers: args.root.clone(), dns_walk: true, ..config };
    }
    let phone = Phone::start(config)?;
    let ours = match args.reverse {
        Some(address) => phone.look_up_names(address)?,
        None => phone.look_up(args.target.as_deref().unwrap_or_default())?,
    };
    loop {
        if stop.wanted() {
            return Err(Failure::call("stopped before an answer came"));
        }
        if let Some(PhoneEvent::LookedUp { id, found, steps }) = phone.next_event(GLANCE)
            && id == ours
        {
            return show(args, found, &steps);
        }
    }
}

fn show(
    args: &Lookup,
    found: Result<Vec<Candidate>, LookupError>,
    steps: &[TraceStep],
) -> Result<(), Failure> {
    if args.trace {
        for step in steps {
            println!("{}", line(step));
        }
    }
    if let Some(path) = &args.json {
        let value = report(args, &found, steps);
        std::fs::write(path, format!("{value:#}\n")).map_err(|error| {
            Failure::environment(format!("{} cannot be written: {error}", path.display()))
        })?;
    }
    let target = || match (&args.target, args.reverse) {
        (Some(target), _) => target.clone(),
        (None, address) => address.map(|address| address.to_string()).unwrap_or_default(),
    };
    for candidate in found.map_err(|error| Failure::call(format!("{}: {error}", target())))? {
        match args.reverse {
            Some(_) => println!("{}", candidate.name),
            None => println!("{} {} {}", candidate.address, candidate.transport, candidate.name),
        }
    }
    Ok(())
}

fn report(args: &Lookup, found: &Result<Vec<Candidate>, LookupError>, steps: &[TraceStep]) -> Value {
    let candidates = || found.iter().flatten();
    let addresses: Vec<_> = candidates()
        .map(|c| json!({ "address": c.address, "transport": c.transport.to_string(), "name": c.name }))
        .collect();
    let steps: Vec<_> = steps
        .iter()
        .map(|step| {
            json!({
                "question": step.question,
                "answer": step.answer,
                "server": step.server,
                "zone": step.zone,
                "ms": millis(step),
            })
        })
        .collect();
    let mut value = json!({ "error": found.as_ref().err().map(ToString::to_string), "steps": steps });
    match args.reverse {
        Some(address) => {
            value["reverse"] = json!(address);
            value["names"] = candidates().map(|candidate| candidate.name.clone()).collect();
        }
        None => {
            value["target"] = json!(args.target);
            value["addresses"] = json!(addresses);
        }
    }
    value
}

fn millis(step: &TraceStep) -> f64 {
    step.took.as_secs_f64() * 1_000.0
}

fn line(step: &TraceStep) -> String {
    let server = step.server.map_or_else(|| "cache".into(), |server| server.to_string());
    let of = step.zone.as_ref().map(|zone| format!(" of {zone}")).unwrap_or_default();
    format!("{} ? {} ({server}{of}, {:.1} ms)", step.question, step.answer, millis(step))
}
