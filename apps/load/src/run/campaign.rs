//! The loop of a run.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use rove_base::{Instant, Transport};
use rove_driver::Alarm;
use rove_session::{AccountNews, CallId, ErrandNews, Record, Side};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    act::{Act, Key},
    count::{Count, millis, outcome},
    pacer::{self, Due},
    users::Users,
};
use crate::{
    desk::{Desk, Told},
    failure::Failure,
    report::Outputs,
    schedule::Schedule,
    stats::Outcome,
};

/// What is to be run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) act: Act,
    /// Whom each arrival is for; empty for who answers.
    pub(crate) target: String,
    pub(crate) users: Users,
    pub(crate) transport: Option<Transport>,
    pub(crate) schedule: Schedule,
    pub(crate) seed: u64,
    /// So many and no more.
    pub(crate) calls: Option<u64>,
    /// At once.
    pub(crate) most: usize,
    /// How long what was begun may take to end after the last arrival.
    pub(crate) patience: Duration,
}

/// A run under way.
pub(crate) struct Campaign {
    plan: Plan,
    desk: Desk,
    outputs: Outputs,
    count: Count,
    active: HashMap<Key, Begun>,
    /// Calls to be answered, and calls to be ended.
    appointments: BinaryHeap<Reverse<(Instant, CallId, bool)>>,
    begin: Instant,
    next_second: Instant,
    taken: u64,
    /// When the run ends whatever is still under way.
    deadline: Option<Instant>,
    leaving: bool,
    stop: Arc<AtomicBool>,
}

/// Something that was begun.
struct Begun {
    number: u64,
    at: Instant,
    error_ms: Option<f64>,
    target: String,
}

impl Campaign {
    /// A run that has not begun.
    pub(crate) fn new(plan: Plan, desk: Desk, outputs: Outputs, stop: Arc<AtomicBool>) -> Self {
        let begin = desk.now().mono + LEAD;
        Self {
            plan,
            desk,
            outputs,
            count: Count::default(),
            active: HashMap::new(),
            appointments: BinaryHeap::new(),
            begin,
            next_second: begin + SECOND,
            taken: 0,
            deadline: None,
            leaving: false,
            stop,
        }
    }

    /// Runs it to its end.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the system gives no thread, or a report cannot be written.
    pub(crate) async fn run(mut self) -> Result<(Count, Plan, Outputs), Failure> {
        let cpu = cpu_time();
        let (mut due, mut arriving) = (self.pacer()?, true);
        let (mut alarm, mut told, news) = (Alarm::default(), Vec::new(), self.desk.news());
        loop {
            let wake = self.settle(&mut told)?;
            if self.is_over(arriving) {
                break;
            }
            let wake = Some(self.desk.clock.std_instant(wake));
            tokio::select! {
                next = due.recv(), if arriving => match next {
                    Some(due) => self.arrive(due),
                    None => arriving = self.no_more(),
                },
                woken = self.desk.arrival() => self.desk.receive(woken),
                () = news.notified() => {}
                stream = self.outputs.asked() => self.outputs.tell(stream, &self.count, self.active.len()),
                () = alarm.until(wake) => {}
            }
        }
        self.unfinished()?;
        self.count.seconds = self.desk.now().mono.since(self.begin).as_secs_f64();
        self.count.cpu_seconds = cpu_time().saturating_sub(cpu).as_secs_f64();
        self.desk.leave().await;
        Ok((self.count, self.plan, self.outputs))
    }

    fn pacer(&self) -> Result<UnboundedReceiver<Due>, Failure> {
        let Plan { schedule, seed, calls, act, .. } = &self.plan;
        let answers = matches!(act, Act::Answer { .. });
        let calls = if answers { Some(0) } else { *calls };
        let stop = Arc::clone(&self.stop);
        pacer::start(self.desk.clock, self.begin, schedule.clone(), (*seed, calls), stop)
            .map_err(|error| Failure::fatal(format!("no thread for the schedule: {error}")))
    }

    /// No more arrivals. Whoever answers waits for the length of the schedule.
    fn no_more(&mut self) -> bool {
        let now = self.desk.now().mono;
        self.deadline = Some(match self.plan.act {
            Act::Answer { .. } => self.begin + self.plan.schedule.length(),
            _ => now + self.plan.patience,
        });
        false
    }

    /// Does all that is due, and answers when to look again.
    fn settle(&mut self, told: &mut Vec<Told>) -> Result<Instant, Failure> {
        loop {
            let now = self.desk.now().mono;
            if self.next_second <= now {
                self.close_second()?;
            }
            if self.stop.load(Ordering::Relaxed) && !self.leaving {
                self.leave(true);
            }
            while let Some(Reverse((at, call, answers))) = self.appointments.peek().copied()
                && at <= now
            {
                self.appointments.pop();
                let now = self.desk.now();
                if answers { self.desk.board.answer(now, call) } else { self.desk.board.hang_up(now, call) }
            }
            let wake = self.desk.drain(told);
            if told.is_empty() {
                let appointment = self.appointments.peek().map(|Reverse((at, ..))| *at);
                let wake = Instant::earliest(Instant::earliest(wake, appointment), self.deadline);
                return Ok(Instant::earliest(wake, Some(self.next_second)).unwrap_or(self.next_second));
            }
            for told in std::mem::take(told) {
                self.on(told)?;
            }
        }
    }

    fn is_over(&mut self, arriving: bool) -> bool {
        let now = self.desk.now().mono;
        let answers = matches!(self.plan.act, Act::Answer { .. });
        if matches!(self.plan.act, Act::Register { .. })
            && !arriving
            && self.active.is_empty()
            && !self.leaving
        {
            // All bindings stood together; now they are taken back.
            self.leave(false);
        }
        let enough = self.plan.calls.is_some_and(|calls| self.count.stats.counted("calls") >= calls);
        let done = self.leaving || answers && enough || !answers && !arriving;
        if done && self.active.is_empty() && self.desk.board.is_idle() {
            return true;
        }
        match self.deadline {
            Some(deadline) if deadline <= now && (self.leaving || !answers) => true,
            Some(deadline) if deadline <= now => {
                self.leave(false);
                false
            }
            _ => false,
        }
    }

    /// Ends all calls, and soon the run.
    fn leave(&mut self, stopped: bool) {
        let now = self.desk.now();
        self.leaving = true;
        // Who answers without end is stopped in no other way.
        self.count.stopped = stopped && !matches!(self.plan.act, Act::Answer { .. });
        self.deadline = Some(now.mono + FAREWELL);
        for account in self.desk.board.accounts() {
            self.desk.board.sign_out(now, account);
        }
        let running: Vec<CallId> = self.desk.board.running().collect();
        running.into_iter().for_each(|call| self.desk.board.hang_up(now, call));
    }

    fn arrive(&mut self, Due { number, at }: Due) {
        if self.leaving {
            return;
        }
        if self.active.len() >= self.plan.most {
            self.count.stats.count("dropped_arrivals", 1);
            self.count.series.current.dropped += 1;
            return;
        }
        let error_ms = Some(millis(self.desk.now().mono.since(at)));
        let target = self.plan.users.fill(&self.plan.target, number);
        let Plan { act, users, transport, .. } = &self.plan;
        let begun = act.begin(&mut self.desk, users, (number, &target), *transport);
        self.count.series.current.begun += 1;
        let entry = Begun { number, at, error_ms, target };
        match begun {
            Ok(key) => drop(self.active.insert(key, entry)),
            Err(why) => {
                let outcome = self.plain(&entry, Err(&("not_begun", why)));
                let _ = self.finish(&outcome);
            }
        }
    }

    fn on(&mut self, told: Told) -> Result<(), Failure> {
        match told {
            Told::Incoming(call) => self.incoming(call),
            Told::Answered(call) => self.answered(call),
            Told::Ended(call, record) => return self.ended(call, &record),
            Told::Late(late) => {
                late.into_iter().for_each(|late| self.count.stats.value("media_late_ms", late));
            }
            Told::Errand(id, news) => match news {
                ErrandNews::Delivered { .. } => return self.done(Key::Errand(id), Ok(())),
                ErrandNews::Failed { why } => return self.done(Key::Errand(id), Err(&("failed", why))),
                _ => {}
            },
            Told::Account(id, news) => match news {
                AccountNews::Registered { .. } => return self.done(Key::Account(id), Ok(())),
                AccountNews::Failed { why, .. } => {
                    let now = self.desk.now();
                    self.desk.board.sign_out(now, id);
                    return self.done(Key::Account(id), Err(&("failed", why)));
                }
                _ => {}
            },
            Told::LookedUp(id, found) => {
                let found = found.map(drop).map_err(|why| ("failed", why));
                return self.done(Key::LookUp(id), found.as_ref().copied());
            }
        }
        Ok(())
    }

    fn incoming(&mut self, call: CallId) {
        let now = self.desk.now().mono;
        let Act::Answer { after } = self.plan.act else { return };
        let entry = Begun { number: self.taken, at: now, error_ms: None, target: String::new() };
        self.taken += 1;
        self.count.series.current.begun += 1;
        self.active.insert(Key::Call(call), entry);
        self.appointments.push(Reverse((now + after, call, true)));
    }

    fn answered(&mut self, call: CallId) {
        let now = self.desk.now().mono;
        let Some(entry) = self.active.get(&Key::Call(call)) else { return };
        self.count.series.answered(millis(now.since(entry.at)));
        if let Act::Call { hold } = self.plan.act {
            self.appointments.push(Reverse((now + hold, call, false)));
        }
    }

    fn ended(&mut self, call: CallId, record: &Record) -> Result<(), Failure> {
        let entry = self.active.remove(&Key::Call(call));
        let (number, at, error) = entry
            .map_or((self.taken, record.started, None), |entry| (entry.number, entry.at, entry.error_ms));
        let at = if record.side == Side::Callee { record.started } else { at };
        let outcome = outcome(record, (number, error), (at, self.begin));
        self.finish(&outcome)
    }

    /// Something without media is over.
    fn done(&mut self, key: Key, how: Result<(), &(&'static str, String)>) -> Result<(), Failure> {
        // A registration that is refreshed was counted when it came about.
        let Some(entry) = self.active.remove(&key) else { return Ok(()) };
        let outcome = self.plain(&entry, how);
        if let Some(setup) = outcome.setup_ms {
            self.count.series.answered(setup);
        }
        self.finish(&outcome)
    }

    /// What is known of something without media.
    fn plain(&self, entry: &Begun, how: Result<(), &(&'static str, String)>) -> Outcome {
        let took = millis(self.desk.now().mono.since(entry.at));
        let (cause, cause_text) = how.err().map_or(("done", ""), |(cause, text)| (*cause, text.as_str()));
        Outcome {
            number: entry.number,
            side: "caller",
            target: entry.target.clone(),
            intended_s: crate::stats::thousandth(entry.at.since(self.begin).as_secs_f64()),
            arrival_error_ms: entry.error_ms,
            setup_ms: how.is_ok().then_some(took),
            cause: cause.into(),
            cause_text: cause_text.into(),
            failed: how.is_err(),
            ..Outcome::default()
        }
    }

    fn finish(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        self.count.add(outcome);
        self.outputs.row(outcome)
    }

    /// What is still under way at the end has failed.
    fn unfinished(&mut self) -> Result<(), Failure> {
        let left: Vec<Begun> = self.active.drain().map(|(_, entry)| entry).collect();
        for entry in left {
            let why = "it was still under way when the run ended".to_owned();
            let outcome = self.plain(&entry, Err(&("unfinished", why)));
            self.finish(&outcome)?;
        }
        self.close_second()
    }

    fn close_second(&mut self) -> Result<(), Failure> {
        let at = crate::stats::thousandth(self.desk.now().mono.since(self.begin).as_secs_f64());
        let active = u64::try_from(self.active.len()).unwrap_or(u64::MAX);
        self.count.series.close(at, active);
        self.next_second += SECOND;
        self.outputs.second(&self.count, self.active.len())
    }
}

/// Processor time of this program so far.
pub(super) fn cpu_time() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(spent.tv_sec), u32::try_from(spent.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

const SECOND: Duration = Duration::from_secs(1);
/// From the beginning of the program to the first arrival: threads start in this time.
const LEAD: Duration = Duration::from_millis(100);
/// How long leaving may take: a lost BYE is repeated a few times.
const FAREWELL: Duration = Duration::from_secs(5);
