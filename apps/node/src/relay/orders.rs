//! What the operator asks of the relay, directly or by way of its node.

use std::path::PathBuf;

use rove_driver::Streams;
use rove_relay::calls::CallSight;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{desk::Desk, metrics};
use crate::{
    config::NodeConfig,
    driver::Reply,
    operate::{Act, CallLine, MOST_LISTED, Media, View},
    tenant::relay_of,
};

/// What a line says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    Metrics(()),
    View(serde::de::IgnoredAny),
    Act(Act),
    /// The configuration there is good, and to be taken over.
    Reload(PathBuf),
}

impl Desk {
    pub(super) fn order(&mut self, line: &str, reply: Reply, streams: &mut Streams) {
        let answer = match serde_json::from_str(line) {
            Ok(Order::Metrics(())) => {
                json!({ "ok": metrics::text(&self.turn, &self.calls, self.sent) })
            }
            Ok(Order::View(_)) => json!({ "ok": self.view() }),
            Ok(Order::Act(act)) => self.obey(&act),
            Ok(Order::Reload(path)) => match self.renew(&path, streams) {
                Ok(()) => json!({ "ok": null }),
                Err(error) => json!({ "error": error }),
            },
            Err(_) => json!({ "error": "not understood" }),
        };
        reply.send(&answer);
    }

    fn view(&self) -> View {
        let now = self.clock.now();
        let line = |call: CallSight| {
            let [first, second] = call.legs;
            CallLine {
                id: call.id.iter().map(|byte| format!("{byte:02x}")).collect(),
                caller: None,
                callee: None,
                state: "relayed".into(),
                route: first
                    .zip(second)
                    .map(|(first, second)| [first.remote, second.remote].map(|at| format!("udp {at}"))),
                seconds: Some(now.mono.since(call.begun).as_secs_f64()),
                setup_ms: None,
                media: Some(Media {
                    packets: call.packets,
                    silent_ms: u64::try_from(now.mono.since(call.heard).as_millis()).unwrap_or(u64::MAX),
                }),
                tenant: None,
            }
        };
        View { calls: self.calls.sights().take(MOST_LISTED).map(line).collect(), ..View::default() }
    }

    /// Does to a call what the operator wants; nothing where it is none of its calls.
    fn obey(&mut self, act: &Act) -> Value {
        let (Act::HangUp(id) | Act::Move(id)) = act else { return Value::Null };
        let Some(call) = bytes(id).filter(|call| self.calls.has(call)) else { return Value::Null };
        if let Act::Move(_) = act {
            return json!({ "error": "this relay has one port for all calls, and its ends know no other: it cannot be moved" });
        }
        self.calls.hang_up(&call);
        json!({ "ok": "nothing is passed on any more; its ends were not told, for what they say to each other passes \
                       elsewhere" })
    }

    fn renew(&mut self, path: &std::path::Path, streams: &mut Streams) -> Result<(), String> {
        let config = NodeConfig::read(path).map_err(|error| error.to_string())?;
        let Some(relay) = relay_of(&config) else { return Ok(()) };
        let turn = relay.turn(Vec::new()).map_err(|error| error.to_string())?;
        let tls = relay.tls().map_err(|error| error.to_string())?;
        self.turn.reconfigure(turn);
        self.turn.set_credits(relay.credits().after(self.turn.credits()));
        self.calls.set_most(relay.calls);
        streams.set_tls(tls);
        Ok(())
    }
}

/// A call's id, as it is shown.
fn bytes(hex: &str) -> Option<[u8; 16]> {
    if hex.len() != 32 {
        return None;
    }
    u128::from_str_radix(hex, 16).ok().map(u128::to_be_bytes)
}
