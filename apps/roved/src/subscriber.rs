//! `roved subscriber`: what the operator of a home asks of the node that runs.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use rove_node::roam::SubscriberForm;
use serde_json::{Value, json};

use crate::{
    cli::{SetArgs, SubscriberArgs, SubscriberCommand},
    control::ask,
    failure::Failure,
};

pub(crate) fn run(command: &SubscriberCommand) -> Result<(), Failure> {
    match command {
        SubscriberCommand::Add(args) => {
            ask(&args.control, &json!({ "add": form(args)? }))?;
            println!("{} is {} now", args.imsi, args.name);
        }
        SubscriberCommand::Change(args) => {
            ask(&args.control, &json!({ "change": form(args)? }))?;
            println!("{} is changed", args.imsi);
        }
        SubscriberCommand::Set(args) => {
            ask(&args.control, &json!({ "set": { "imsi": args.imsi, "changes": changes(args)? } }))?;
            println!("{} is changed", args.imsi);
        }
        SubscriberCommand::Remove(args) => {
            ask(&args.control, &json!({ "remove": args.imsi }))?;
            println!("{} is no subscriber any more", args.imsi);
        }
        SubscriberCommand::Show(args) => {
            let shown = ask(&args.control, &json!({ "show": args.imsi }))?;
            for subscriber in shown.as_array().into_iter().flatten() {
                if args.json {
                    println!("{subscriber}");
                } else {
                    println!("{}", line(subscriber));
                }
            }
        }
    }
    Ok(())
}

/// One subscriber, for people.
fn line(subscriber: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let at = &subscriber["at"];
    let place = match at["network"].as_str() {
        Some(network) => {
            let addresses: Vec<_> = at["addresses"].as_array().into_iter().flatten().map(text).collect();
            format!(
                "in {network} at {}",
                if addresses.is_empty() { "-".into() } else { addresses.join(", ") }
            )
        }
        None => "nowhere".into(),
    };
    let number = subscriber["msisdn"].as_str().map_or_else(|| "-".to_owned(), |number| format!("+{number}"));
    format!(
        "{} {} {number} {place}{}",
        text(&subscriber["imsi"]),
        text(&subscriber["name"]),
        services(subscriber)
    )
}

/// What differs from what subscribers usually may, and where calls go.
fn services(subscriber: &Value) -> String {
    let is = |key: &str, usual: bool| subscriber[key].as_bool().unwrap_or(usual) != usual;
    let mut all: Vec<String> = [
        ("no roaming", is("roaming", true)),
        ("no packet data", is("packet_data", true)),
        ("sees no callers", is("caller_id", true)),
        ("hidden to those it calls", is("caller_id_restricted", false)),
        ("no three-way calls", is("three_way", true)),
    ]
    .into_iter()
    .filter(|(_, differs)| *differs)
    .map(|(text, _)| text.to_owned())
    .collect();
    for (key, when) in [("forward_always", "all calls"), ("forward_busy", "when busy")] {
        all.extend(subscriber[key].as_str().map(|to| format!("{when} to {to}")));
    }
    if let (Some(to), Some(after)) =
        (subscriber["forward_no_answer"][0].as_str(), subscriber["forward_no_answer"][1].as_u64())
    {
        all.push(format!("after {after} s without an answer to {to}"));
    }
    if all.is_empty() { String::new() } else { format!(" ({})", all.join("; ")) }
}

fn form(args: &SubscriberArgs) -> Result<SubscriberForm, Failure> {
    let mut form: SubscriberForm = serde_json::from_value(json!({ "imsi": args.imsi, "name": args.name }))
        .map_err(|error| Failure::usage(error.to_string()))?;
    form.msisdn.clone_from(&args.msisdn);
    form.public_key.clone_from(&args.public_key);
    if let Some(path) = &args.sim {
        let sim = read_sim(path)?;
        (form.k, form.opc) = (sim.k.map(Into::into), sim.opc.map(Into::into));
    }
    form.roaming = !args.no_roaming;
    form.packet_data = !args.no_packet_data;
    form.caller_id = !args.no_caller_id;
    form.caller_id_restricted = args.hide_caller_id;
    form.three_way = !args.no_three_way;
    form.forward_always.clone_from(&args.forward_always);
    form.forward_busy.clone_from(&args.forward_busy);
    form.forward_no_answer = args.forward_no_answer.clone().map(|to| (to, args.forward_after));
    form.networks.clone_from(&args.network);
    form.ttl = args.ttl;
    form.read().map_err(|error| Failure::usage(error.to_string()))?;
    Ok(form)
}

/// What the flags name, as the node is told it.
fn changes(args: &SetArgs) -> Result<Value, Failure> {
    let text = |text: &String| if text == "off" { Value::Null } else { json!(text) };
    let ttl = args.ttl.as_ref().map(|ttl| match ttl.as_str() {
        "off" => Ok(Value::Null),
        ttl => ttl
            .parse::<u32>()
            .map(Value::from)
            .map_err(|_| Failure::usage(format!("--ttl {ttl}: a number of seconds, or off"))),
    });
    let no_answer = args.forward_no_answer.as_ref().map(|to| match to.as_str() {
        "off" => Value::Null,
        to => json!([to, args.forward_after]),
    });
    let named = [
        ("name", args.name.as_ref().map(|name| json!(name))),
        ("msisdn", args.msisdn.as_ref().map(text)),
        ("roaming", args.roaming.map(Value::from)),
        ("packet_data", args.packet_data.map(Value::from)),
        ("caller_id", args.caller_id.map(Value::from)),
        ("caller_id_restricted", args.hide_caller_id.map(Value::from)),
        ("three_way", args.three_way.map(Value::from)),
        ("forward_always", args.forward_always.as_ref().map(text)),
        ("forward_busy", args.forward_busy.as_ref().map(text)),
        ("forward_no_answer", no_answer),
        ("ttl", ttl.transpose()?),
    ];
    let all: serde_json::Map<String, Value> =
        named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    if all.is_empty() {
        return Err(Failure::usage("nothing to set: name at least one of the flags that --help lists"));
    }
    Ok(Value::Object(all))
}

/// The secrets of a SIM, from a file that its owner alone may read.
#[derive(serde::Deserialize)]
struct Sim {
    k: Option<String>,
    opc: Option<String>,
}

fn read_sim(path: &Path) -> Result<Sim, Failure> {
    let fail =
        |error: std::io::Error| Failure::usage(format!("--sim {}: cannot be read: {error}", path.display()));
    let mode = std::fs::metadata(path).map_err(fail)?.permissions().mode();
    if mode & 0o077 != 0 {
        let what = "other users can read this SIM; allow its owner alone (chmod 600)";
        return Err(Failure::usage(format!("--sim {}: {what}", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(fail)?;
    // What is wrong names a place and a key, never a secret.
    toml::from_str(&text).map_err(|_| Failure::usage(format!("--sim {}: no k and opc in it", path.display())))
}
