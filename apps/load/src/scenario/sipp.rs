//! SIPp's XML: the elements of its built-in callers and callees. What is not known is named, never passed over.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{Scenario, ScenarioError, Step, Wanted};

/// An element that is open.
struct Open {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
}

pub(super) fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    let xml = |error: &dyn ToString| ScenarioError::Xml(error.to_string());
    let mut reader = Reader::from_str(text);
    let mut scenario = Scenario { name: String::new(), steps: Vec::new() };
    let mut open: Vec<Open> = Vec::new();
    loop {
        match reader.read_event().map_err(|error| xml(&error))? {
            Event::Start(start) => {
                let element = Open::new(&start)?;
                if open.is_empty() {
                    scenario.name = element.root()?;
                }
                open.push(element);
                if open.len() > DEPTH {
                    return Err(ScenarioError::Xml("it is too deep".into()));
                }
            }
            Event::Empty(start) => {
                let element = Open::new(&start)?;
                if open.is_empty() {
                    element.root()?;
                } else {
                    close(element, open.len(), &mut scenario)?;
                }
            }
            Event::End(_) => {
                let element =
                    open.pop().ok_or_else(|| ScenarioError::Xml("an end without a beginning".into()))?;
                if !open.is_empty() {
                    close(element, open.len(), &mut scenario)?;
                }
            }
            Event::Text(text) => add(&mut open, &text),
            Event::CData(text) => add(&mut open, &text),
            Event::Eof if open.is_empty() => return Ok(scenario),
            Event::Eof => return Err(ScenarioError::Xml("it ends inside an element".into())),
            // The document type names SIPp's own, which is not read; comments say nothing to us.
            _ => {}
        }
    }
}

fn add(open: &mut [Open], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// An element ends; `depth` others are open around it.
fn close(element: Open, depth: usize, scenario: &mut Scenario) -> Result<(), ScenarioError> {
    if depth != 1 {
        return Err(ScenarioError::Element(element.name));
    }
    scenario.steps.extend(element.step()?);
    Ok(())
}

impl Open {
    fn new(start: &BytesStart<'_>) -> Result<Self, ScenarioError> {
        let xml = |error: &dyn ToString| ScenarioError::Xml(error.to_string());
        let name = start.local_name().as_ref().to_owned();
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| xml(&error))?;
            let value = quick_xml::escape::unescape(&attribute.value).map_err(|error| xml(&error))?;
            attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
        }
        Ok(Self { name, attributes, text: String::new() })
    }

    fn root(&self) -> Result<String, ScenarioError> {
        if self.name != "scenario" {
            return Err(ScenarioError::Element(self.name.clone()));
        }
        Ok(self.get("name").unwrap_or("without a name").to_owned())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    fn millis(&self, name: &str) -> Result<Option<Duration>, ScenarioError> {
        let millis = |value: &str| {
            let number = value
                .parse()
                .map_err(|_| ScenarioError::Value { what: "time in ms", value: value.to_owned() });
            number.map(Duration::from_millis)
        };
        self.get(name).map(millis).transpose()
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value != "false")
    }

    fn step(self) -> Result<Option<Step>, ScenarioError> {
        let known: &[&str] = match self.name.as_str() {
            "send" => &["retrans", "crlf", "start_rtd", "rtd"],
            "recv" => &["response", "request", "optional", "timeout", "rtd", "crlf"],
            "pause" => &["milliseconds", "crlf"],
            "timewait" => &["milliseconds"],
            "nop" => &["crlf"],
            // Our own reports have percentiles.
            "ResponseTimeRepartition" | "CallLengthRepartition" => return Ok(None),
            _ => return Err(ScenarioError::Element(self.name)),
        };
        if let Some((attribute, _)) = self.attributes.iter().find(|(name, _)| !known.contains(&name.as_str()))
        {
            return Err(ScenarioError::Attribute { element: self.name, attribute: attribute.clone() });
        }
        Ok(Some(match self.name.as_str() {
            "send" => Step::Send { again: self.millis("retrans")?, text: self.text },
            "recv" => Step::Receive {
                wanted: self.wanted()?,
                optional: self.is_true("optional"),
                timeout: self.millis("timeout")?,
                measured: self.is_true("rtd"),
            },
            "pause" => Step::Pause(self.millis("milliseconds")?),
            "timewait" => Step::Linger(self.millis("milliseconds")?.unwrap_or_default()),
            _ => Step::Nothing,
        }))
    }

    fn wanted(&self) -> Result<Wanted, ScenarioError> {
        match (self.get("response"), self.get("request")) {
            (Some(code), None) => {
                let number = code.parse().ok().filter(|code| (100..700).contains(code));
                let refused = || ScenarioError::Value { what: "status code", value: code.to_owned() };
                number.map(Wanted::Response).ok_or_else(refused)
            }
            (None, Some(method)) => Ok(Wanted::Request(method.to_owned())),
            _ => {
                Err(ScenarioError::Value { what: "response or request, one of them", value: "<recv>".into() })
            }
        }
    }
}

/// A scenario, its steps, and what they are told to do.
const DEPTH: usize = 16;
