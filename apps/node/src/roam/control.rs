//! What the operator asks at the control socket, one line of JSON each, and is answered.

use std::collections::HashMap;

use rove_base::Now;
use rove_roam::{
    Imsi,
    hlr::{AdministerError, Command, RequestId},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Roam, SubscriberError, SubscriberForm, metrics};
use crate::driver::Reply;

/// A line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// A new subscriber.
    Add(Box<SubscriberForm>),
    /// A subscriber is different from now on.
    Change(Box<SubscriberForm>),
    /// Some of what a subscriber is, is different from now on.
    Set { imsi: String, changes: serde_json::Map<String, Value> },
    /// A subscriber is none any more.
    Remove(String),
    /// One subscriber, or all.
    Show(Option<String>),
    /// All counters.
    Metrics(()),
}

/// Orders that wait until they are durable. As many as the home lets wait.
#[derive(Debug, Default)]
pub(super) struct Orders {
    last: u64,
    waiting: HashMap<RequestId, Reply>,
}

impl Orders {
    pub(super) fn take(&mut self, roam: &mut Roam, now: Now, line: &str, reply: Reply) {
        let order = match serde_json::from_str(line) {
            Ok(order) => order,
            // What was sent may be a secret; the reason names a place in it and no more.
            Err(error) => return reply.send(&json!({ "error": format!("not understood: {error}") })),
        };
        let command = match order {
            Order::Metrics(_) => return reply.send(&json!({ "ok": metrics::text(roam) })),
            Order::Show(imsi) => return reply.send(&show(roam, imsi.as_deref())),
            Order::Add(form) => form.read().map(|subscriber| Command::Add(Box::new(subscriber))),
            Order::Change(form) => form.read().map(|subscriber| Command::Change(Box::new(subscriber))),
            Order::Set { imsi, changes } => set(roam, &imsi, &changes),
            Order::Remove(imsi) => imsi.parse().map(Command::Remove).map_err(Into::into),
        };
        match command {
            Ok(command) => {
                self.last += 1;
                let request = RequestId(self.last);
                self.waiting.insert(request, reply);
                if !roam.administer(now, request, command)
                    && let Some(reply) = self.waiting.remove(&request)
                {
                    reply.send(&json!({ "error": "this node is no home" }));
                }
            }
            Err(error) => reply.send(&json!({ "error": error.to_string() })),
        }
    }

    pub(super) fn done(&mut self, request: RequestId, result: Result<(), AdministerError>) {
        let Some(reply) = self.waiting.remove(&request) else { return };
        reply.send(&match result {
            Ok(()) => json!({ "ok": null }),
            Err(error) => json!({ "error": error.to_string() }),
        });
    }
}

/// The subscriber as it is, with the changes.
fn set(
    roam: &Roam,
    imsi: &str,
    changes: &serde_json::Map<String, Value>,
) -> Result<Command, SubscriberError> {
    let imsi: Imsi = imsi.parse()?;
    let known = roam.home().and_then(|home| home.subscriber(imsi)).ok_or(SubscriberError::Unknown)?;
    Ok(Command::Change(Box::new(SubscriberForm::patched(known, changes)?)))
}

fn show(roam: &Roam, imsi: Option<&str>) -> Value {
    let Some(home) = roam.home() else { return json!({ "error": "this node is no home" }) };
    let whole = |subscriber: &rove_roam::Subscriber| {
        let mut shown = serde_json::to_value(SubscriberForm::of(subscriber)).unwrap_or_default();
        if let Some(stay) = home.serving(subscriber.imsi) {
            let addresses = stay.binding.map(|binding| binding.addresses);
            let addresses: Vec<_> =
                addresses.iter().flat_map(rove_roam::Addresses::iter).map(|ip| ip.to_string()).collect();
            shown["at"] = json!({
                "network": stay.network.to_string(), "stay": stay.generation.0, "addresses": addresses,
            });
        }
        shown
    };
    match imsi.map(str::parse::<Imsi>) {
        None => json!({ "ok": home.subscribers().map(whole).collect::<Vec<_>>() }),
        Some(Ok(imsi)) => match home.subscriber(imsi) {
            Some(subscriber) => json!({ "ok": [whole(subscriber)] }),
            None => json!({ "error": AdministerError::Unknown.to_string() }),
        },
        Some(Err(error)) => json!({ "error": error.to_string() }),
    }
}
