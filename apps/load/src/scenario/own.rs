//! Scenarios of our own, in TOML: each step says one thing, and a word that is not known is an error.

use core::time::Duration;

use serde::Deserialize;

use super::{Scenario, ScenarioError, Step, Wanted};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    step: Vec<Row>,
}

/// One of these three.
#[derive(Deserialize)]
#[serde(untagged)]
enum Row {
    Send(Send),
    Receive(Receive),
    Pause(Pause),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    send: String,
    again_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Receive {
    receive: Expected,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    measured: bool,
    timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Code(u16),
    Method(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pause {
    /// A number of ms, or `hold`.
    pause: Length,
    /// What comes again is answered again meanwhile, and the call counts as over.
    #[serde(default)]
    over: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Length {
    Millis(u64),
    Word(String),
}

pub(super) fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    let file: File = toml::from_str(text).map_err(|error| ScenarioError::Toml(error.to_string()))?;
    let steps = file.step.into_iter().map(Row::step).collect::<Result<_, _>>()?;
    Ok(Scenario { name: file.name, steps })
}

impl Row {
    fn step(self) -> Result<Step, ScenarioError> {
        Ok(match self {
            Self::Send(Send { send, again_ms }) => {
                Step::Send { text: send, again: again_ms.map(Duration::from_millis) }
            }
            Self::Receive(Receive { receive, optional, measured, timeout_ms }) => Step::Receive {
                wanted: match receive {
                    Expected::Code(code) if (100..700).contains(&code) => Wanted::Response(code),
                    Expected::Code(code) => {
                        return Err(ScenarioError::Value { what: "status code", value: code.to_string() });
                    }
                    Expected::Method(method) => Wanted::Request(method),
                },
                optional,
                timeout: timeout_ms.map(Duration::from_millis),
                measured,
            },
            Self::Pause(Pause { pause: Length::Millis(millis), over: true }) => {
                Step::Linger(Duration::from_millis(millis))
            }
            Self::Pause(Pause { pause: Length::Millis(millis), over: false }) => {
                Step::Pause(Some(Duration::from_millis(millis)))
            }
            Self::Pause(Pause { pause: Length::Word(word), over: false }) if word == "hold" => {
                Step::Pause(None)
            }
            Self::Pause(Pause { pause: Length::Word(value), .. }) => {
                return Err(ScenarioError::Value { what: "time in ms, or hold", value });
            }
        })
    }
}
