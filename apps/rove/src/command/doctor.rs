//! `rove doctor`: why a call does not connect, step by step, and what to do.

use rove_phone::{
    Phone, PhoneEvent, Target,
    doctor::{Doctor, Finding, can_connect},
};

use super::GLANCE;
use crate::{cli::tools::Examine, failure::Failure, settings::Settings, stop::Stop};

pub(crate) fn run(settings: &Settings, args: &Examine, stop: &Stop) -> Result<(), Failure> {
    let config = settings.phone(&args.phone)?;
    let target = Target::parse(&args.target).map_err(|error| Failure::usage(error.to_string()))?;
    let target = target.or_over(config.transport);
    let codecs = config.codecs.iter().map(|codec| codec.encoding_name().to_owned()).collect();
    let authorities = config.tls_ca.clone();
    let stun_server = config.stun_server;
    let phone = Phone::start(config)?;
    let ours = phone.look_up(&args.target)?;
    let (found, steps) = loop {
        if stop.wanted() {
            return Err(Failure::call("stopped before an answer came"));
        }
        match phone.next_event(GLANCE) {
            Some(PhoneEvent::LookedUp { id, found, steps }) if id == ours => break (found, steps),
            _ => {}
        }
    };
    drop(phone);
    let doctor = Doctor { target: &target, codecs, tls_ca: authorities.as_deref(), stun_server };
    let findings = doctor.examine(found, &steps).map_err(|error| Failure::usage(error.to_string()))?;
    findings.iter().for_each(|finding| println!("{}", line(finding)));
    if let Some(path) = &args.json {
        let value = json(&args.target, &findings);
        std::fs::write(path, format!("{value:#}\n")).map_err(|error| {
            Failure::environment(format!("{} cannot be written: {error}", path.display()))
        })?;
    }
    if can_connect(&findings) {
        Ok(())
    } else {
        Err(Failure::call(format!("{} cannot be called as things are", args.target)))
    }
}

fn line(finding: &Finding) -> String {
    let Finding { step, subject, verdict, found, advice } = finding;
    let advice = if advice.is_empty() { String::new() } else { format!("\n             → {advice}") };
    format!("{step:<11} {:<10} {subject}: {found}{advice}", verdict.name())
}

fn json(target: &str, findings: &[Finding]) -> serde_json::Value {
    let all: Vec<_> = findings
        .iter()
        .map(|one| {
            let advice = Some(&one.advice).filter(|advice| !advice.is_empty());
            serde_json::json!({
                "step": one.step,
                "subject": one.subject,
                "verdict": one.verdict.name(),
                "found": one.found,
                "advice": advice,
            })
        })
        .collect();
    serde_json::json!({ "target": target, "can_connect": can_connect(findings), "findings": all })
}
