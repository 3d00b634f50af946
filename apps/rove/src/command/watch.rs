//! `rove watch`: each state of an event as a line.

use core::time::Duration;
use std::time::Instant;

use rove_phone::{ErrandNews, Phone, PhoneEvent, package::State};
use serde_json::{Value, json};

use super::{GLANCE, accounts, seconds, state::Watched};
use crate::{cli::outside::Watch, failure::Failure, files, settings::Settings, show::Show, stop::Stop};

pub(crate) fn run(settings: &Settings, args: &Watch, stop: &Stop) -> Result<(), Failure> {
    files::check_output(args.json.as_deref(), "the report", &[])?;
    let wanted = args.seconds.map(|value| {
        seconds(value).ok_or_else(|| Failure::usage(format!("--for {value}: not a number of seconds")))
    });
    let until = wanted.transpose()?.map(|time| Instant::now() + time);
    let phone = Phone::start(settings.phone(&args.phone)?)?;
    let show = Show::new();
    let account = accounts::to_use(&phone, settings, &args.account, &args.phone, args.with.as_deref())?;
    let mut watch = Watching { args, known: Watched::new(args.event), states: Vec::new(), left_out: 0 };
    let outcome = watch.work(&phone, account, until, stop, &show);
    show.done();
    if let Some(path) = &args.json {
        let report = json!({
            "target": args.target,
            "event": args.event.name(),
            "states": watch.states,
            "left_out": watch.left_out,
            "over": outcome.as_ref().ok(),
            "error": outcome.as_ref().err().map(ToString::to_string),
        });
        files::write_json(path, &report)?;
    }
    outcome.map(drop)
}

struct Watching<'a> {
    args: &'a Watch,
    known: Watched,
    states: Vec<Value>,
    left_out: u64,
}

impl Watching<'_> {
    /// Watches until it is over, and answers why it is.
    fn work(
        &mut self,
        phone: &Phone,
        account: Option<rove_phone::AccountId>,
        until: Option<Instant>,
        stop: &Stop,
        show: &Show,
    ) -> Result<String, Failure> {
        let every = Duration::from_secs(self.args.every.into());
        let ours = phone.watch(&self.args.target, self.args.event.name(), every, account)?;
        let mut told = 0_u32;
        let mut given_up = None;
        loop {
            let enough = self.args.count.is_some_and(|count| told >= count);
            let late = until.is_some_and(|at| at <= Instant::now());
            if given_up.is_none() && (stop.wanted() || enough || late) {
                phone.unwatch(ours);
                given_up = Some(Instant::now() + FAREWELL);
            }
            if given_up.is_some_and(|at| at <= Instant::now()) {
                return Ok("the other side does not answer any more".into());
            }
            let Some(event) = phone.next_event(GLANCE) else { continue };
            let (id, news) = match event {
                PhoneEvent::Errand { id, news } => (id, news),
                other => {
                    show.event(&other);
                    continue;
                }
            };
            match news {
                _ if id != ours => {}
                ErrandNews::State { state, kind, body } => {
                    told = told.saturating_add(1);
                    if given_up.is_none() || !matches!(state, State::Terminated { .. }) {
                        self.tell(&state, kind.as_deref(), &body);
                    }
                }
                ErrandNews::Over { reason } => {
                    let reason = reason.map(|reason| format!("{reason:?}").to_lowercase());
                    let ours = given_up.is_some();
                    return Ok(if ours { "watched no longer".into() } else { reason.unwrap_or_default() });
                }
                ErrandNews::Failed { .. } if given_up.is_some() => return Ok("watched no longer".into()),
                ErrandNews::Failed { why } => {
                    return Err(Failure::call(format!("{}: {why}", self.args.target)));
                }
                _ => {}
            }
        }
    }

    fn tell(&mut self, state: &State, kind: Option<&str>, body: &[u8]) {
        let told = self.known.take(state, kind, body);
        println!("{}", told.line);
        if self.states.len() < MOST_STATES {
            self.states.push(told.json);
        } else {
            self.left_out += 1;
        }
    }
}

/// How long the other side has to say that it is over.
const FAREWELL: Duration = Duration::from_secs(2);
/// States that a report has; of more, it has their number.
const MOST_STATES: usize = 10_000;
