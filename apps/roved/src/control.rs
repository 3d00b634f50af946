//! What the operator asks of the node that runs, at its control socket.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use rove_node::NodeConfig;
use serde_json::{Value, json};

use crate::{cli::ControlArgs, failure::Failure};

/// `roved metrics`: every counter of the node that runs.
pub(crate) fn metrics(control: &ControlArgs) -> Result<(), Failure> {
    let text = ask(control, &json!({ "metrics": null }))?;
    print!("{}", text.as_str().unwrap_or_default());
    Ok(())
}

/// `roved reload`: what has changed, and what will not before the node is started again.
pub(crate) fn reload(control: &ControlArgs) -> Result<(), Failure> {
    let said = ask(control, &json!({ "reload": null }))?;
    let keys = |key: &str| {
        let keys = said[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        keys.collect::<Vec<_>>().join(", ")
    };
    let (changed, later) = (keys("changed"), keys("not_before_a_restart"));
    println!(
        "read again{}",
        if changed.is_empty() { String::new() } else { format!("; changed: {changed}") }
    );
    if !later.is_empty() {
        println!("not before the node is started again: {later}");
    }
    Ok(())
}

pub(crate) fn ask(control: &ControlArgs, order: &Value) -> Result<Value, Failure> {
    let path = socket(control)?;
    let fail = |error: std::io::Error| {
        let what = "is the node running, and are you its user?";
        Failure::environment(format!("{}: {error}; {what}", path.display()))
    };
    let mut stream = UnixStream::connect(&path).map_err(fail)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(fail)?;
    stream.write_all(format!("{order}\n").as_bytes()).map_err(fail)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).map_err(fail)?;
    let answer: Value = serde_json::from_str(&line)
        .map_err(|_| Failure::environment(format!("{}: the node said nothing", path.display())))?;
    match answer["error"].as_str() {
        Some(error) => Err(Failure::running(error)),
        None => Ok(answer["ok"].clone()),
    }
}

fn socket(control: &ControlArgs) -> Result<PathBuf, Failure> {
    if let Some(path) = &control.control {
        return Ok(path.clone());
    }
    let Some(config) = &control.config else {
        return Err(Failure::usage("give --control SOCKET, or the node's --config FILE"));
    };
    let read = NodeConfig::read(config)?;
    let path = read.control.map(|control| control.path);
    let path = path.or_else(|| read.home.and_then(|home| home.control));
    let path = path.or_else(|| read.visited.and_then(|visited| visited.control));
    let path = path.or_else(|| read.relay.and_then(|relay| relay.control));
    path.ok_or_else(|| {
        Failure::usage(format!(
            "{}: no socket is named; add [control] with path = \"control\"",
            config.display()
        ))
    })
}

/// For the node's answer.
const PATIENCE: Duration = Duration::from_secs(30);
