//! `rove call`: dial, talk, hang up, report.

use core::time::Duration;
use std::time::Instant;

use rove_phone::{AccountId, CallId, CallReport, Phone, PhoneConfig, PhoneEvent, Progress, irmv::Record};

use super::{
    GLANCE, accounts,
    chat::{self, Chat},
    gather::Gathering,
    irmv::{self, Registered},
    seconds,
    stay::Stay,
};
use crate::{
    cli::Call,
    failure::Failure,
    report::Report,
    settings::Settings,
    sheet::Sheet,
    show::{Show, call_table, summary},
    stop::Stop,
};

pub(crate) fn run(settings: &Settings, args: &Call, stop: &Stop) -> Result<(), Failure> {
    let mut config = settings.phone(&args.phone)?;
    config.audio = settings.audio(&args.audio)?;
    let talk = args.seconds.map(|value| {
        seconds(value).ok_or_else(|| Failure::usage(format!("--for {value}: not a number of seconds")))
    });
    let talk = talk.transpose()?;
    Report::check(args.json.as_deref())?;
    let mut sheet = Sheet::new(&args.figures)?;
    let stay = Stay::begin(&args.stay, &args.target, stop)?;
    if let Some(stay) = &stay {
        stay.place(&mut config);
    }
    let called = calls(settings, args, config, (talk, &mut sheet), stop);
    if let Some(stay) = stay {
        stay.end();
    }
    sheet.write()?;
    conclude(&called?, args)
}

/// As many calls as are wanted, from the first to the report.
fn calls(
    settings: &Settings,
    args: &Call,
    config: PhoneConfig,
    (talk, sheet): (Option<Duration>, &mut Sheet),
    stop: &Stop,
) -> Result<Vec<CallReport>, Failure> {
    let phone = Phone::start(config)?;
    let account = accounts::to_use(&phone, settings, &args.account, &args.phone, args.with.as_deref())?;
    let show = Show::new();
    // Asked once: from here on the call is between the two ends alone.
    let record = irmv::look_up(&args.irmv, &args.phone, &args.target, stop)?;
    let target = record.as_deref().and_then(irmv::target).unwrap_or_else(|| args.target.clone());
    let mut way = Way { account, relayed: None };
    if args.together.relayed_setup {
        way.relayed = Some(irmv::call_by(&phone, args, record.as_deref(), stop)?);
    }
    let mut report = Report { seed: args.phone.seed, ..Report::default() };
    if !args.together.join.is_empty() {
        let targets = core::iter::once(Ok(target.clone())).chain(args.together.join.iter().map(|other| {
            let record = irmv::look_up(&args.irmv, &args.phone, other, stop)?;
            Ok(record.as_deref().and_then(irmv::target).unwrap_or_else(|| other.clone()))
        }));
        let targets = targets.collect::<Result<Vec<String>, Failure>>()?;
        (report.calls, report.conference) = Gathering::new(&phone, account, &show, &targets)
            .chatting(args.together.chat)
            .hold(talk, (stop, sheet))?;
    }
    for _ in 0..args.count {
        if stop.wanted() || !args.together.join.is_empty() {
            break;
        }
        let call = one(&phone, args, &target, (&mut way, sheet), talk, stop, &show)?;
        report.calls.push(CallReport { target: args.target.clone(), ..call });
    }
    show.done();
    if let Some(path) = &args.json {
        report.write(path)?;
    }
    Ok(report.calls)
}

/// One call from dialling to its report.
fn one(
    phone: &Phone,
    args: &Call,
    target: &str,
    (way, sheet): (&mut Way, &mut Sheet),
    talk: Option<Duration>,
    stop: &Stop,
    show: &Show,
) -> Result<CallReport, Failure> {
    show.say(format!("looking up {}", args.target));
    let ours = way.dial(phone, target)?;
    let mut keys = Keys::new(args);
    let chat = Chat::begin(args.together.chat);
    let mut hang_up_at = None;
    let mut hung_up = false;
    loop {
        let due = hang_up_at.is_some_and(|at| at <= Instant::now());
        if !hung_up && (stop.wanted() || due) {
            match args.transfer.as_ref().filter(|_| due && !stop.wanted()) {
                Some(to) => phone.transfer(ours, to)?,
                None => phone.hang_up(ours),
            }
            hung_up = true;
        }
        keys.press_due(phone, ours);
        if let Some((registered, _)) = &mut way.relayed {
            registered.turn(phone);
        }
        if let Some(chat) = chat.as_ref().filter(|_| keys.up) {
            chat.write_to(phone, &[ours]);
        }
        let patience =
            hang_up_at.map_or(GLANCE, |at: Instant| at.saturating_duration_since(Instant::now()).min(GLANCE));
        sheet.turn();
        let Some(event) = phone.next_event(patience) else { continue };
        sheet.event(&event);
        if let Some((registered, _)) = &mut way.relayed {
            registered.told(phone, &event);
        }
        match &event {
            PhoneEvent::Message { body, .. } if chat.is_some() => chat::print(body),
            event => show.event(event),
        }
        match event {
            PhoneEvent::Call { call, progress: Progress::Answered { .. } } if call == ours => {
                hang_up_at = talk.map(|talk| Instant::now() + talk);
                keys.begin();
            }
            PhoneEvent::Call { call, progress: Progress::TransferFailed { .. } } if call == ours => {
                phone.hang_up(ours);
            }
            PhoneEvent::Call { call, progress: Progress::Incoming { .. } } => phone.refuse_busy(call),
            PhoneEvent::Ended { call, report } if call == ours => return Ok(*report),
            _ => {}
        }
    }
}

/// How the other side is called.
struct Way {
    account: Option<AccountId>,
    /// By way of servers: as whom, and where the other side is.
    relayed: Option<(Registered, Box<Record>)>,
}

impl Way {
    fn dial(&mut self, phone: &Phone, target: &str) -> Result<CallId, Failure> {
        Ok(match (&mut self.relayed, self.account) {
            (Some((registered, record)), _) => registered.dial(phone, record)?,
            (None, Some(account)) => phone.dial_with(target, account)?,
            (None, None) => phone.dial(target)?,
        })
    }
}

/// Keys that are pressed one after the other.
struct Keys {
    left: std::vec::IntoIter<char>,
    by_info: bool,
    /// When the next one is due; `None` before the call is up, and when there are no more.
    next: Option<Instant>,
    /// The call is up.
    up: bool,
}

impl Keys {
    fn new(args: &Call) -> Self {
        let keys: Vec<char> = args.keys.as_deref().unwrap_or_default().chars().collect();
        Self { left: keys.into_iter(), by_info: args.keys_by_info, next: None, up: false }
    }

    fn begin(&mut self) {
        (self.next, self.up) = (Some(Instant::now()), true);
    }

    fn press_due(&mut self, phone: &Phone, call: CallId) {
        let now = Instant::now();
        if self.next.is_none_or(|at| at > now) {
            return;
        }
        let key = self.left.next();
        self.next = match key {
            None => None,
            Some(',') => Some(now + PAUSE),
            Some(_) => Some(now + KEY + KEY),
        };
        match key.filter(|key| *key != ',') {
            Some(key) if self.by_info => phone.send_dtmf(call, key, KEY),
            Some(key) => phone.press(call, key, KEY),
            None => {}
        }
    }
}

/// How long a key is pressed, and the pause after it.
const KEY: Duration = Duration::from_millis(120);
/// How long a comma waits.
const PAUSE: Duration = Duration::from_secs(1);

fn conclude(calls: &[CallReport], args: &Call) -> Result<(), Failure> {
    match calls {
        [only] => println!("{}", call_table(only)),
        many => println!("{}", summary(many)),
    }
    let failure = complaint(calls, |call| (!call.succeeded()).then(|| call.cause_text.clone()))
        .or_else(|| complaint(calls, |call| missed(call, args.phone.wishes.min_mos?)));
    failure.map_or(Ok(()), |why| Err(Failure::call(why)))
}

/// The first thing that is `wrong` with a call, and with which one when there are several.
fn complaint(calls: &[CallReport], wrong: impl Fn(&CallReport) -> Option<String>) -> Option<String> {
    let (index, why) = calls.iter().enumerate().find_map(|(index, call)| Some((index, wrong(call)?)))?;
    let count = calls.len();
    Some(if count == 1 { why } else { format!("call {} of {count}: {why}", index + 1) })
}

/// How a call missed the threshold.
fn missed(call: &CallReport, threshold: f64) -> Option<String> {
    match call.mos {
        Some(mos) if mos >= threshold => None,
        Some(mos) => Some(format!("MOS {mos:.2} is below the threshold of {threshold}")),
        None => Some("the MOS was not measured: the call was too short, or nothing was heard".into()),
    }
}
