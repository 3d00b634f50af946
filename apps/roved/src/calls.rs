//! `roved calls`: the calls of the node that runs.

use serde_json::{Value, json};

use crate::{
    cli::{CallsCommand, ControlArgs},
    control::ask,
    failure::Failure,
};

pub(crate) fn run(command: &CallsCommand) -> Result<(), Failure> {
    match command {
        CallsCommand::List(args) => {
            for call in calls(&args.control)? {
                println!("{}", if args.json { call.to_string() } else { line(&call) });
            }
        }
        CallsCommand::Show(args) => {
            let call = the_one(&args.control, &args.id)?;
            println!("{call:#}");
        }
        CallsCommand::Hangup(args) => act(&args.control, &args.id, "hang_up")?,
        CallsCommand::Move(args) => act(&args.control, &args.id, "move")?,
    }
    Ok(())
}

fn act(control: &ControlArgs, id: &str, what: &str) -> Result<(), Failure> {
    let call = the_one(control, id)?;
    let id = call["id"].as_str().unwrap_or_default();
    let said = ask(control, &json!({ "act": { what: id } }))?;
    println!("{id}: {}", said.as_str().unwrap_or("done"));
    Ok(())
}

fn calls(control: &ControlArgs) -> Result<Vec<Value>, Failure> {
    let mut view = ask(control, &json!({ "view": null }))?;
    Ok(view["calls"].as_array_mut().map(std::mem::take).unwrap_or_default())
}

/// The call with this id, or whose id alone begins so.
fn the_one(control: &ControlArgs, id: &str) -> Result<Value, Failure> {
    one_of(calls(control)?, id)
}

fn one_of(all: Vec<Value>, id: &str) -> Result<Value, Failure> {
    let of = |call: &Value| call["id"].as_str().unwrap_or_default().to_owned();
    if let Some(call) = all.iter().find(|call| of(call) == id) {
        return Ok(call.clone());
    }
    let mut found = all.into_iter().filter(|call| of(call).starts_with(id));
    match (found.next(), found.next()) {
        (Some(call), None) => Ok(call),
        (None, _) => Err(Failure::running(format!("{id}: there is no such call"))),
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("{id}: more than one call begins so; give more of it")))
        }
    }
}

/// One call, for people.
fn line(call: &Value) -> String {
    let text = |key: &str| call[key].as_str().unwrap_or("-").to_owned();
    let route = match (call["route"][0].as_str(), call["route"][1].as_str()) {
        (Some(from), Some(to)) => format!("{from} to {to}"),
        _ => "-".into(),
    };
    let seconds = call["seconds"].as_f64().map_or_else(|| "-".into(), |seconds| format!("{seconds:.0} s"));
    format!("{} {} {} {} {seconds} {route}", text("id"), text("state"), text("caller"), text("callee"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_by_as_much_of_its_id_as_is_its_alone() {
        let all = || ["abc", "abd", "ab", "x@y"].map(|id| json!({ "id": id })).to_vec();
        for (id, found) in
            [("abc", Some("abc")), ("ab", Some("ab")), ("x", Some("x@y")), ("a", None), ("q", None)]
        {
            let one = one_of(all(), id).ok();
            assert_eq!(one.as_ref().and_then(|one| one["id"].as_str()), found, "{id}");
        }
    }
}
