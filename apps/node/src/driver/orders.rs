//! What is asked of the whole node: by its operator, and by its own pages.

use rove_base::Now;
use serde_json::{Value, json};

use super::{Control, Desk, Reply};
use crate::{
    config::NodeConfig,
    irmv::AccountOrder,
    operate::{Order, View, joined},
};

impl Desk {
    /// Does what a line wants, or hands it to the role that takes orders of its own.
    pub(super) fn order(&mut self, line: String, reply: Reply) {
        let now = self.clock.now();
        let Ok(order) = serde_json::from_str::<Order>(&line) else {
            let taker = self.seats.iter_mut().find(|seat| seat.role.takes_orders());
            return match taker {
                Some(seat) => seat.role.order(now, &line, reply),
                None => reply.send(&json!({ "error": "not understood" })),
            };
        };
        let mut for_relay = line;
        let ours = match &order {
            Order::Ready(()) => return reply.send(&json!({ "ok": { "ready": !self.broken } })),
            Order::Metrics(()) => Some(json!({ "ok": self.metrics() })),
            Order::View(tenant) => {
                let view = self.view(tenant.as_deref());
                if tenant.is_some() {
                    // Whose media the relay carries, it does not know.
                    return reply.send(&json!({ "ok": view }));
                }
                Some(json!({ "ok": view }))
            }
            Order::Account(order) => return self.account(now, order, reply),
            Order::Act(act) => self.seats.iter_mut().find_map(|seat| seat.role.act(now, act)),
            Order::Reload(()) => {
                let said = self.reload();
                let source = self.config.source().filter(|_| said["error"].is_null());
                let Some(source) = source else { return reply.send(&said) };
                for_relay = json!({ "reload": source }).to_string();
                Some(said)
            }
        };
        match self.relay.clone() {
            Some(relay) if !matches!(order, Order::Act(_)) || ours.is_none() => {
                tokio::spawn(async move {
                    let theirs = relay.ask(for_relay).await;
                    reply.send(&joined(&order, ours, theirs));
                });
            }
            _ => reply.send(&joined(&order, ours, None)),
        }
    }

    /// Does what is wanted of accounts, where there are some.
    fn account(&mut self, now: Now, order: &AccountOrder, reply: Reply) {
        let mut unheard = Some(reply);
        for seat in &mut self.seats {
            unheard = unheard.and_then(|reply| seat.role.account(now, order, reply));
        }
        if let Some(reply) = unheard {
            let what = "this node keeps no accounts; name a file for them, accounts = \"accounts.db\" in [irmv], and start it \
                        again";
            reply.send(&json!({ "error": what }));
        }
    }

    /// A role asks.
    pub(super) fn ask(&mut self, seat: usize, id: u64, line: String) {
        let (reply, answer) = Reply::pair();
        self.order(line, reply);
        let told = self.told.clone();
        tokio::spawn(async move {
            let _ = told.send((seat, id, answer.await.unwrap_or_default()));
        });
    }

    /// A role is answered.
    pub(super) fn answered(&mut self, seat: usize, id: u64, answer: &str) {
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.role.told(id, answer);
        }
    }

    /// A signal wants the files read again: what came of it stands in the log.
    pub(super) fn reload_for_nobody(&mut self) {
        let (reply, _) = Reply::pair();
        self.order(json!({ "reload": null }).to_string(), reply);
    }

    fn reload(&mut self) -> Value {
        let seats = &self.seats;
        let agree = |config: &NodeConfig| seats.iter().try_for_each(|seat| seat.role.agrees(config));
        match self.config.again(agree) {
            Ok((config, said)) => {
                self.seats.iter_mut().for_each(|seat| seat.reload(&config));
                tracing::info!(target: "rove::node", changes = %said, "read again");
                json!({ "ok": said })
            }
            Err(error) => {
                tracing::error!(target: "rove::node", %error, "everything stays as it is");
                json!({ "error": format!("{error}; everything stays as it is") })
            }
        }
    }

    fn view(&self, tenant: Option<&str>) -> View {
        let (now, mut view) = (self.clock.now(), View::default());
        self.seats.iter().for_each(|seat| seat.role.view(now, tenant, &mut view));
        view
    }

    fn metrics(&self) -> String {
        let mut text = String::from("rove_up 1\n");
        self.seats.iter().for_each(|seat| seat.role.metrics(&mut text));
        text
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Control")
    }
}
