//! What the operator wants: a line of JSON each.

use serde::Deserialize;
use serde_json::{Value, json};

use super::View;
use crate::irmv::AccountOrder;

/// What a line says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Whether the node does its work.
    Ready(()),
    /// All counters.
    Metrics(()),
    /// What there is, of all or of one tenant.
    View(Option<String>),
    /// Something is to be done to a call.
    Act(Act),
    /// Something about the accounts of `[irmv]`.
    Account(AccountOrder),
    /// The files are to be read again.
    Reload(()),
}

/// What is done to a call, by its id.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    /// It ends.
    HangUp(String),
    /// Its media takes another way.
    Move(String),
    /// All calls of a user end whose credit is spent.
    Spent(String),
}

impl Act {
    /// What is told when nobody knows the call.
    pub(crate) fn unknown(&self) -> Value {
        match self {
            Self::HangUp(id) | Self::Move(id) => json!({ "error": format!("{id}: there is no such call") }),
            Self::Spent(_) => json!({ "ok": 0 }),
        }
    }
}

/// What the node and its relay say together; the relay's word where the node has none.
pub(crate) fn joined(order: &Order, ours: Option<Value>, relays: Option<Value>) -> Value {
    match (order, ours, relays) {
        (Order::Metrics(()), Some(ours), Some(relays)) => {
            let text = |value: &Value| value["ok"].as_str().unwrap_or_default().to_owned();
            json!({ "ok": text(&ours) + &text(&relays) })
        }
        (Order::View(_), Some(ours), Some(relays)) => {
            let read =
                |mut value: Value| serde_json::from_value::<View>(value["ok"].take()).unwrap_or_default();
            let mut view = read(ours);
            view.join(read(relays));
            json!({ "ok": view })
        }
        (Order::Reload(()), Some(ours), Some(relays))
            if relays["error"].is_string() && ours["ok"].is_object() =>
        {
            relays
        }
        (_, Some(ours), _) => ours,
        (Order::Act(act), None, relays) => {
            relays.filter(|said| !said.is_null()).unwrap_or_else(|| act.unknown())
        }
        (_, None, relays) => relays.unwrap_or_else(|| json!({ "error": "nothing came of it" })),
    }
}
