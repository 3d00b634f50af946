//! `rove lookup`: where a call to a name would go, and how that was found out.

use rove_phone::{Candidate, LookupError, Phone, PhoneEvent, TraceStep, irmv::Record};

use super::{GLANCE, irmv};
use crate::{cli::tools::Lookup, failure::Failure, files, settings::Settings, stop::Stop};

pub(crate) fn run(settings: &Settings, args: &Lookup, stop: &Stop) -> Result<(), Failure> {
    if let Some(record) = irmv::look_up(&args.irmv, &args.phone, &args.target, stop)? {
        return show_record(args, &record);
    }
    let phone = Phone::start(settings.phone(&args.phone)?)?;
    let ours = phone.look_up(&args.target)?;
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
        let addresses: Vec<_> = found
            .iter()
            .flatten()
            .map(|c| serde_json::json!({ "address": c.address, "transport": c.transport.to_string(), "name": c.name }))
            .collect();
        let steps: Vec<String> = steps.iter().map(line).collect();
        let value = serde_json::json!({
            "target": args.target,
            "addresses": addresses,
            "error": found.as_ref().err().map(ToString::to_string),
            "steps": steps,
        });
        std::fs::write(path, format!("{value:#}\n")).map_err(|error| {
            Failure::environment(format!("{} cannot be written: {error}", path.display()))
        })?;
    }
    let candidates = found.map_err(|error| Failure::call(format!("{}: {error}", args.target)))?;
    for candidate in candidates {
        println!("{} {} {}", candidate.address, candidate.transport, candidate.name);
    }
    Ok(())
}

/// What a registry knows of somebody.
fn show_record(args: &Lookup, record: &Record) -> Result<(), Failure> {
    let (claim, behind) = (&record.claim, &record.attestation);
    if let Some(path) = &args.json {
        let addresses: Vec<_> = claim
            .contacts
            .iter()
            .map(|one| serde_json::json!({ "address": one.address, "transport": one.transport.to_string(), "name": claim.name.as_str() }))
            .collect();
        let value = serde_json::json!({
            "target": args.target,
            "addresses": addresses,
            "error": null,
            "steps": [],
            "name": claim.name.as_str(),
            "uid": claim.uid().to_string(),
            "status": claim.status.to_string(),
            "number": claim.number.map(|number| number.to_string()),
            "number_proof": claim.number.map(|_| behind.number.to_string()),
            "fixed": claim.fixed,
            "fixed_proof": claim.fixed.map(|_| behind.fixed.to_string()),
        });
        files::write(path, &format!("{value:#}\n"))?;
    }
    for contact in &claim.contacts {
        println!("{} {} {}", contact.address, contact.transport, claim.name);
    }
    println!("{} is {}, unique id {}", claim.name, claim.status, claim.uid());
    if let Some(number) = claim.number {
        println!("{number}, behind which is {}", behind.number);
    }
    if let Some(fixed) = claim.fixed {
        println!("{fixed}, behind which is {}", behind.fixed);
    }
    Ok(())
}

fn line(step: &TraceStep) -> String {
    let took = step.took.as_secs_f64() * 1_000.0;
    let server = step.server.map_or_else(|| "cache".into(), |server| server.to_string());
    format!("{} ? {} ({server}, {took:.1} ms)", step.question, step.answer)
}
