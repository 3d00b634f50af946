//! What the operator asks of the relay, directly or by way of its node.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use rove_base::Instant;
use rove_driver::{Streams, Tls};
use rove_relay::{calls::CallSight, turn::TurnConfig};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{
    RelayConfig,
    desk::Desk,
    metrics::{self, Sums},
    peers::Note,
};
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
        match serde_json::from_str(line) {
            Ok(Order::Metrics(())) => {
                let say = |desks: Vec<Sums>| json!({ "ok": metrics::text(&desks) });
                self.together(self.sums(), Note::Sums, say, reply);
            }
            Ok(Order::View(_)) => self.view(reply),
            Ok(Order::Act(act)) => {
                let answer = self.obey(&act);
                self.tell();
                reply.send(&answer);
            }
            Ok(Order::Reload(path)) => self.renew(&path, streams, reply),
            Err(_) => reply.send(&json!({ "error": "not understood" })),
        }
    }

    /// Answers what this desk and all others say to a question.
    fn together<T: Send + 'static>(
        &self,
        own: T,
        question: impl Fn(oneshot::Sender<T>) -> Note,
        say: impl FnOnce(Vec<T>) -> Value + Send + 'static,
        reply: Reply,
    ) {
        let Some(peers) = &self.peers else { return reply.send(&say(vec![own])) };
        let asked = peers.ask(question);
        drop(tokio::spawn(async move {
            let answers = asked.answers().await;
            let answer = answers.map(|others| say(std::iter::once(own).chain(others).collect()));
            reply
                .send(&answer.unwrap_or_else(|| json!({ "error": "a thread of the relay does not answer" })));
        }));
    }

    fn view(&self, reply: Reply) {
        let now = self.clock.now();
        let own: Vec<CallSight> = self.calls.sights().take(MOST_LISTED).collect();
        let ids: Arc<[[u8; 16]]> = own.iter().map(|call| call.id).collect();
        let say = move |desks| {
            let calls = joined(desks).iter().map(|call| line(now.mono, call)).collect();
            json!({ "ok": View { calls, ..View::default() } })
        };
        self.together(own, move |answer| Note::Sights(Arc::clone(&ids), answer), say, reply);
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

    fn renew(&mut self, path: &Path, streams: &mut Streams, reply: Reply) {
        let (relay, turn, tls) = match self.renewed(path) {
            Ok(Some(renewed)) => renewed,
            Ok(None) => return reply.send(&json!({ "ok": null })),
            Err(error) => return reply.send(&json!({ "error": error })),
        };
        self.turn.reconfigure(turn.clone());
        self.turn.set_credits(relay.credits().after(self.turn.credits()));
        self.calls.set_most(relay.calls);
        self.calls.mark(turn.dscp);
        streams.set_tls(tls);
        let question = |answer| Note::Renew(Box::new(turn.clone()), relay.calls, answer);
        self.together((), question, |_| json!({ "ok": null }), reply);
    }

    /// What is to be taken over; nothing where there is no such section any more.
    fn renewed(&self, path: &Path) -> Result<Option<(RelayConfig, TurnConfig, Tls)>, String> {
        let config = NodeConfig::read(path).map_err(|error| error.to_string())?;
        let Some(relay) = relay_of(&config) else { return Ok(None) };
        if self.peers.is_some() && !relay.credit.is_empty() {
            // What was read is for one thread, which there is after a restart alone.
            return Err(
                "[relay] credit: is counted by one thread alone, and this relay runs with more; start it \
                        again"
                    .into(),
            );
        }
        let turn = relay.turn(Vec::new()).map_err(|error| error.to_string())?;
        let tls = relay.tls().map_err(|error| error.to_string())?;
        Ok(Some((relay, turn, tls)))
    }
}

/// Each call of the first desk, with what all others know of it.
fn joined(desks: Vec<Vec<CallSight>>) -> Vec<CallSight> {
    let mut desks = desks.into_iter();
    let mut calls = desks.next().unwrap_or_default();
    let mut elsewhere: HashMap<[u8; 16], (u64, Instant)> = HashMap::new();
    for call in desks.flatten() {
        let (packets, heard) = elsewhere.entry(call.id).or_default();
        (*packets, *heard) = (*packets + call.packets, call.heard.max(*heard));
    }
    for call in &mut calls {
        let (packets, heard) = elsewhere.get(&call.id).copied().unwrap_or_default();
        (call.packets, call.heard) = (call.packets + packets, call.heard.max(heard));
    }
    calls
}

/// A call as it is shown.
fn line(now: Instant, call: &CallSight) -> CallLine {
    let [first, second] = call.legs;
    CallLine {
        id: call.id.iter().map(|byte| format!("{byte:02x}")).collect(),
        caller: None,
        callee: None,
        state: "relayed".into(),
        route: first
            .zip(second)
            .map(|(first, second)| [first.remote, second.remote].map(|at| format!("udp {at}"))),
        seconds: Some(now.since(call.begun).as_secs_f64()),
        setup_ms: None,
        media: Some(Media {
            packets: call.packets,
            silent_ms: u64::try_from(now.since(call.heard).as_millis()).unwrap_or(u64::MAX),
        }),
        tenant: None,
    }
}

/// A call's id, as it is shown.
fn bytes(hex: &str) -> Option<[u8; 16]> {
    if hex.len() != 32 {
        return None;
    }
    u128::from_str_radix(hex, 16).ok().map(u128::to_be_bytes)
}
