//! What the operator sees of a registrar and proxy.

use std::time::Duration;

use rove_base::{Now, UnixTime};
use rove_irmv::{Way, Ways};
use rove_sip::server::{CallRecord, CallView};
use serde_json::{Value, json};

use super::{SipConfig, SipRole};
use crate::operate::{Act, CallLine, MOST_LISTED, Registration, View, sip_way};

/// How calls went.
#[derive(Debug, Default)]
pub(super) struct Seen {
    answered: u64,
    unanswered: u64,
    refused: u64,
    /// Of all that were answered.
    setup: Duration,
}

impl Seen {
    pub(super) const fn refused(&mut self) {
        self.refused = self.refused.saturating_add(1);
    }

    /// A call is over.
    pub(super) fn call(&mut self, record: &CallRecord) {
        match setup(record) {
            Some(setup) => {
                self.answered = self.answered.saturating_add(1);
                self.setup = self.setup.saturating_add(setup);
            }
            None => self.unanswered = self.unanswered.saturating_add(1),
        }
    }
}

impl SipRole {
    /// Whether it is a tenant's, and of which.
    pub(super) fn is_shown_to(&self, tenant: Option<&str>) -> bool {
        tenant.is_none() || tenant == self.tenant.as_deref()
    }

    pub(super) fn show(&self, now: Now, tenant: Option<&str>, view: &mut View) {
        if !self.is_shown_to(tenant) {
            return;
        }
        self.list(now, view);
        let mut ours =
            View { answered: self.seen.answered, unanswered: self.seen.unanswered, ..View::default() };
        let mut setups = self.seen.setup;
        for call in self.server.calls() {
            if let Some(setup) = call.record.and_then(setup) {
                ours.answered += 1;
                setups = setups.saturating_add(setup);
            }
            if ours.calls.len() < MOST_LISTED {
                ours.calls.push(self.line(now, &call));
            }
        }
        ours.registered = self.server.bindings() as u64;
        ours.calls_up = self.server.calls_up() as u64;
        #[expect(clippy::cast_precision_loss, reason = "an average of calls")]
        let average = (ours.answered > 0).then(|| setups.as_secs_f64() * 1_000.0 / ours.answered as f64);
        ours.setup_ms = average;
        view.join(ours);
    }

    fn list(&self, now: Now, view: &mut View) {
        let registry = self.server.stored().registry().lock();
        for (name, ways) in registry.all_ways() {
            if !view.lists() {
                return;
            }
            let Ok(ways) = Ways::from_bytes(ways) else { continue };
            let place = |way: Way<'_>| {
                way.place.map_or_else(
                    || "by way of this server".into(),
                    |at| format!("{} {}", at.transport, at.address),
                )
            };
            let Some(until) = ways.iter().map(|way| way.until.as_secs()).max() else { continue };
            view.registrations.push(Registration {
                name: String::from_utf8_lossy(name).into_owned(),
                via: "sip".into(),
                status: "online".into(),
                places: ways.iter().map(place).collect(),
                seconds_left: until.saturating_sub(now.wall.as_secs()),
                tenant: self.tenant.clone(),
            });
        }
    }

    fn line(&self, now: Now, call: &CallView<'_>) -> CallLine {
        let (record, up) = (call.record, call.record.and_then(|record| record.answered));
        let since = |at: UnixTime| now.wall.as_nanos().saturating_sub(at.as_nanos());
        CallLine {
            id: call.call_id.to_owned(),
            caller: record.map(|record| record.caller.clone()),
            callee: record.map(|record| record.callee.clone()),
            state: if up.is_some() { "up" } else { "ringing" }.into(),
            route: call.ways.map(|(from, to)| [sip_way(&from), sip_way(&to)]),
            seconds: up.map(|at| Duration::from_nanos(since(at)).as_secs_f64()),
            setup_ms: record.and_then(setup).map(|setup| setup.as_secs_f64() * 1_000.0),
            media: None,
            tenant: self.tenant.clone(),
        }
    }

    pub(super) fn count(&self, text: &mut String) {
        use std::fmt::Write as _;
        let label = self.tenant.as_ref().map_or_else(String::new, |tenant| format!("{{tenant={tenant:?}}}"));
        for (name, count) in [
            ("bindings", self.server.bindings() as u64),
            ("transactions", self.server.transactions() as u64),
            ("calls", self.server.calls_up() as u64),
            ("calls_answered_total", self.seen.answered),
            ("calls_unanswered_total", self.seen.unanswered),
            ("refused_total", self.seen.refused),
            ("held_bytes", self.server.held() as u64),
        ] {
            let _ = writeln!(text, "rove_sip_{name}{label} {count}");
        }
    }

    /// Does to a call what the operator wants.
    pub(super) fn obey(&mut self, now: Now, act: &Act) -> Option<Value> {
        let known = |id: &str| self.server.calls().any(|call| call.call_id == id);
        match act {
            Act::HangUp(id) if known(id) => Some(match self.server.hang_up(now, id) {
                Ok(()) => {
                    tracing::info!(target: "rove::sip", call_id = id, "ended by the operator");
                    json!({ "ok": "both sides were told" })
                }
                Err(error) => json!({ "error": error.to_string() }),
            }),
            Act::Move(id) if known(id) => Some(json!({
                "error": "its media goes between its sides, or by a relay that they have chosen: this proxy has no part \
                          in it, and cannot move it"
            })),
            Act::HangUp(_) | Act::Move(_) => None,
            Act::Spent(account) => {
                let (user, domain) = account.split_once('@').unwrap_or((account, ""));
                let ours = domain.is_empty()
                    || self.config.domains.iter().any(|one| one.eq_ignore_ascii_case(domain));
                let ended = if ours { self.server.hang_up_user(now, user) } else { 0 };
                if ended > 0 {
                    tracing::info!(target: "rove::sip", user, ended, "calls ended: the credit is spent");
                }
                (ended > 0).then(|| json!({ "ok": ended }))
            }
        }
    }

    /// Takes over what of a configuration takes effect at once.
    pub(super) fn renew(&mut self, config: &SipConfig) {
        if config.auth {
            match config.users() {
                Ok(users) => self.server.set_users(users),
                Err(error) => tracing::error!(target: "rove::sip", %error, "the users stay as they are"),
            }
        }
        let (bindings, limits) = config.limits.of_server();
        self.server.store().set_limits(bindings);
        self.server.set_limits(limits);
        self.server.set_trusted(config.trusted.clone());
        self.config.limits = config.limits;
        self.config.tls.clone_from(&config.tls);
    }
}

/// From the INVITE to its answer.
fn setup(record: &CallRecord) -> Option<Duration> {
    let answered = record.answered?;
    Some(Duration::from_nanos(answered.as_nanos().saturating_sub(record.begun.as_nanos())))
}
