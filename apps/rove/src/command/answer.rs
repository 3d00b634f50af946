//! `rove answer`: wait for calls, answer or refuse them, report.

use core::time::Duration;
use std::{collections::HashMap, time::Instant};

use rove_phone::{
    AccountId, CallId, CallReport, LocalAddress, Phone, PhoneConfig, PhoneEvent, Progress, SipAccount,
    Target, irmv::Status,
};

use serde_json::Value;

use super::{
    GLANCE, accounts,
    chat::Chat,
    irmv::Registered,
    script::{Scripts, message_json},
    seconds,
};
use crate::{
    cli::{Answer, Policy, account::is_sip, transport},
    failure::Failure,
    publish,
    report::{Conference, Refusals, Report},
    settings::Settings,
    sheet::Sheet,
    show::{Show, call_table, message_text},
    stop::Stop,
};

pub(crate) fn run(settings: &Settings, args: &Answer, stop: &Stop) -> Result<(), Failure> {
    let config = phone_config(settings, args)?;
    let registration = args
        .register
        .as_deref()
        .filter(|name| !is_sip(name) && !is_irmv(args))
        .map(|name| publish::registration(settings, &args.publish, &config.dns_servers, name, None))
        .transpose()?;
    let talk = time("--for", args.seconds)?;
    let after = time("--after", args.after)?.unwrap_or_default();
    if let Some(target) = &args.forward {
        Target::parse(target).map_err(|error| Failure::usage(format!("--forward: {error}")))?;
    }
    Report::check(args.json.as_deref())?;
    let sheet = Sheet::new(&args.figures)?;
    let phone = Phone::start(config)?;
    phone.set_available(matches!(args.policy, Policy::Answer | Policy::Ring));
    let show = Show::new();
    if let Some(registration) = registration {
        let name = registration.name.clone();
        phone.register(registration);
        await_registration(&phone, &name, stop)?;
    }
    let irmv = args.register.as_deref().filter(|_| is_irmv(args));
    let irmv =
        irmv.map(|name| Registered::new(&phone, &args.irmv, &args.phone, None, name, stop)).transpose()?;
    let account = sign_in(&phone, args, &show, stop)?;
    accounts::sign_in_all(&phone, settings)?;
    ready(&phone, args, &show);
    let mut desk = Desk {
        args,
        talk,
        after,
        phone: &phone,
        show: &show,
        pick_up_at: HashMap::new(),
        hang_up_at: HashMap::new(),
        up: Vec::new(),
        scripts: args.on_event.clone().map(Scripts::new),
        sheet,
        reports: Vec::new(),
        messages: Vec::new(),
        most_parties: None,
        irmv,
        chat: Chat::begin(args.chat),
    };
    desk.work(stop);
    if let Some(scripts) = desk.scripts.take() {
        scripts.finish();
    }
    let irmv = desk.irmv.take();
    desk.report()?;
    withdraw(&phone, args, account, irmv, &show)?;
    show.done();
    Ok(())
}

/// What the phone is told.
fn phone_config(settings: &Settings, args: &Answer) -> Result<PhoneConfig, Failure> {
    let mut config = settings.phone(&args.phone)?;
    config.audio = settings.audio(&args.audio)?;
    config.most_calls = args.most_calls;
    config.sip_port = SIP_PORT;
    config.disclosure = args.tell.disclosure();
    config.most_watchers = args.most_watchers;
    config.most_requests = args.most_requests;
    config.most_ringing = args.most_ringing.unwrap_or(args.most_calls.div_ceil(2));
    transport::listen(&mut config);
    if let (Some(name), true) = (&args.register, args.phone.identity.is_none()) {
        config.identity = name.clone();
    }
    Ok(config)
}

/// Whether the name is one for an IRMV server.
fn is_irmv(args: &Answer) -> bool {
    args.register.as_ref().is_some_and(|name| args.irmv.takes(name))
}

/// Registers at the SIP server that `--register` names, if it names one.
fn sign_in(phone: &Phone, args: &Answer, show: &Show, stop: &Stop) -> Result<Option<AccountId>, Failure> {
    let Some(name) = args.register.as_deref().filter(|name| is_sip(name) && !is_irmv(args)) else {
        return Ok(None);
    };
    let account = args.account.account(name, args.phone.transport.transport)?;
    let id = phone.sign_in(SipAccount { publish: args.publish_state, ..account })?;
    accounts::await_registration(phone, id, show, stop)?;
    Ok(Some(id))
}

/// Takes back what was registered or published.
fn withdraw(
    phone: &Phone,
    args: &Answer,
    account: Option<AccountId>,
    irmv: Option<Registered>,
    show: &Show,
) -> Result<(), Failure> {
    if let Some(irmv) = irmv {
        irmv.leave(show)?;
    } else if let Some(id) = account {
        phone.sign_out(id);
        accounts::await_withdrawal(phone, id)?;
    } else if let Some(name) = &args.register {
        show.say(format!("taking {name} back"));
        phone.unregister();
        await_withdrawal(phone, name)?;
    }
    Ok(())
}

/// The seconds that a flag gives.
fn time(flag: &str, value: Option<f64>) -> Result<Option<Duration>, Failure> {
    let read = |value| {
        seconds(value).ok_or_else(|| Failure::usage(format!("{flag} {value}: not a number of seconds")))
    };
    value.map(read).transpose()
}

/// What happens while calls come and go.
struct Desk<'a> {
    args: &'a Answer,
    talk: Option<Duration>,
    after: Duration,
    phone: &'a Phone,
    show: &'a Show,
    pick_up_at: HashMap<CallId, Instant>,
    hang_up_at: HashMap<CallId, Instant>,
    /// The calls that stand, the newest last: that one is talked with, the others may wait.
    up: Vec<CallId>,
    scripts: Option<Scripts>,
    sheet: Sheet,
    reports: Vec<CallReport>,
    /// What others have said without a call, the first [`MOST_MESSAGES`].
    messages: Vec<Value>,
    /// The most calls that were one conversation.
    most_parties: Option<usize>,
    /// Who is registered with an IRMV server, and told how it is.
    irmv: Option<Registered>,
    chat: Option<Chat>,
}

impl Desk<'_> {
    fn work(&mut self, stop: &Stop) {
        let mut running: Vec<CallId> = Vec::new();
        let mut leaving = false;
        loop {
            let enough = self.args.calls.is_some_and(|most| self.reports.len() >= most as usize);
            if (leaving || enough) && running.is_empty() {
                return;
            }
            if stop.wanted() && !leaving {
                leaving = true;
                running.iter().for_each(|&call| self.phone.hang_up(call));
            }
            self.do_what_is_due();
            if let Some(irmv) = &mut self.irmv {
                irmv.is(if self.up.is_empty() { Status::Online } else { Status::Busy });
                irmv.turn(self.phone);
            }
            self.sheet.turn();
            let Some(event) = self.phone.next_event(GLANCE) else { continue };
            self.sheet.event(&event);
            match &event {
                PhoneEvent::Message { from, kind, body, .. } => self.said(from, kind, body),
                event => self.show.event(event),
            }
            if let Some(irmv) = &mut self.irmv {
                irmv.told(self.phone, &event);
            }
            if let Some(scripts) = &mut self.scripts {
                scripts.tell(&event);
            }
            match event {
                PhoneEvent::Call { call, progress: Progress::Incoming { .. } } => {
                    running.push(call);
                    self.greet(call);
                }
                PhoneEvent::Call { progress: Progress::Referred { call, .. }, .. } => running.push(call),
                PhoneEvent::Call { call, progress: Progress::Answered { .. } } => self.is_up(call),
                PhoneEvent::Conference { calls } if !calls.is_empty() => {
                    self.most_parties = self.most_parties.max(Some(calls.len()));
                }
                PhoneEvent::Ended { call, report } => {
                    running.retain(|&other| other != call);
                    self.is_over(call);
                    self.show.keep(&call_table(&report));
                    self.reports.push(*report);
                }
                _ => {}
            }
        }
    }

    /// Writes what there is to report, where that is wanted.
    fn report(self) -> Result<(), Failure> {
        self.sheet.write()?;
        let Some(path) = &self.args.json else { return Ok(()) };
        let conference = Conference::of(self.most_parties);
        let refused = self.phone.refused().map(Refusals::from);
        let (seed, calls, messages) = (self.args.phone.seed, self.reports, self.messages);
        Report { seed, calls, messages, conference, refused, ..Report::default() }.write(path)
    }

    /// Somebody has sent a message: a line on standard output.
    fn said(&mut self, from: &str, kind: &str, body: &[u8]) {
        let line = message_text(from, kind, body);
        if self.args.ready_json {
            println!("{}", message_json(from, kind, body));
        } else {
            println!("{line}");
        }
        if self.messages.len() < MOST_MESSAGES {
            self.messages.push(message_json(from, kind, body));
        }
    }

    fn greet(&mut self, call: CallId) {
        if let Some(target) = &self.args.forward {
            // It was looked at before the phone started.
            let _ = self.phone.forward(call, target);
            return;
        }
        match self.args.policy {
            Policy::Answer if self.after.is_zero() => self.phone.answer(call),
            Policy::Answer => drop(self.pick_up_at.insert(call, Instant::now() + self.after)),
            Policy::Busy => self.phone.refuse_busy(call),
            Policy::Decline => self.phone.decline(call),
            Policy::Ring => {}
        }
    }

    fn is_up(&mut self, call: CallId) {
        if let Some(talk) = self.talk {
            self.hang_up_at.insert(call, Instant::now() + talk);
        }
        if let Some(&before) = self.up.last().filter(|_| self.args.call_waiting) {
            self.phone.hold(before);
        }
        self.up.push(call);
        if self.args.conference && self.up.len() > 1 {
            self.phone.confer(&self.up);
        }
    }

    fn is_over(&mut self, call: CallId) {
        self.hang_up_at.remove(&call);
        self.pick_up_at.remove(&call);
        let was_heard = self.up.last() == Some(&call);
        self.up.retain(|&other| other != call);
        if let Some(&next) = self.up.last().filter(|_| was_heard && self.args.call_waiting) {
            self.phone.resume(next);
        }
    }

    fn do_what_is_due(&mut self) {
        if let Some(chat) = self.chat.as_ref().filter(|_| !self.up.is_empty()) {
            chat.write_to(self.phone, &self.up);
        }
        if let Some(scripts) = &mut self.scripts {
            scripts.turn();
        }
        let now = Instant::now();
        let phone = self.phone;
        self.pick_up_at.retain(|&call, &mut at| {
            if at <= now {
                phone.answer(call);
            }
            at > now
        });
        self.hang_up_at.retain(|&call, &mut at| {
            if at <= now {
                phone.hang_up(call);
            }
            at > now
        });
    }
}

/// Waits for the name to be published; everything else can wait.
fn await_registration(phone: &Phone, wanted: &str, stop: &Stop) -> Result<(), Failure> {
    loop {
        if stop.wanted() {
            return Err(Failure::call("stopped before the name was published"));
        }
        match phone.next_event(GLANCE) {
            Some(PhoneEvent::Registered { name })
                if name.trim_end_matches('.').eq_ignore_ascii_case(wanted) =>
            {
                return Ok(());
            }
            Some(PhoneEvent::RegistrationFailed(error)) => {
                return Err(Failure::environment(error.to_string()));
            }
            _ => {}
        }
    }
}

/// Waits until the name is gone. A server that does not answer is an error: the name may still stand.
fn await_withdrawal(phone: &Phone, name: &str) -> Result<(), Failure> {
    loop {
        match phone.next_event(WITHDRAWAL) {
            Some(PhoneEvent::Unregistered { .. }) => return Ok(()),
            Some(PhoneEvent::RegistrationFailed(error)) => {
                return Err(Failure::environment(format!("{name} may still lead here: {error}")));
            }
            None => {
                let why = "the name server does not answer";
                return Err(Failure::environment(format!("{name} may still lead here: {why}")));
            }
            Some(_) => {}
        }
    }
}

fn ready(phone: &Phone, args: &Answer, show: &Show) {
    let addresses: Vec<String> = phone.sip_addresses().iter().map(ToString::to_string).collect();
    if args.ready_json {
        let stream = |one: &LocalAddress| serde_json::json!({ "transport": one.transport.to_string(), "address": one.address.to_string() });
        let streams: Vec<_> = phone.sip_streams().iter().map(stream).collect();
        println!("{}", serde_json::json!({ "sip": addresses, "streams": streams, "name": args.register }));
    }
    show.say(format!("waiting for calls at {}", addresses.join(", ")));
}

/// Messages that the report has.
const MOST_MESSAGES: usize = 1_000;
/// Where SIP listens by convention (RFC 3261 §19.1.2).
const SIP_PORT: u16 = 5060;
/// Longer than the phone itself waits for the name server.
const WITHDRAWAL: Duration = Duration::from_secs(20);
