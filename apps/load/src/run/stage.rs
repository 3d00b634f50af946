//! The loop of a scenario: many players on one socket, each found by its Call-ID.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use rove_base::{Dscp, Flow, Instant, Scratch, Transmit, UdpFlow};
use rove_driver::{Alarm, Sockets, address_toward};
use rove_io::{clock::Clock, net::UdpSocket};

use super::{
    campaign::cpu_time,
    count::{Count, millis},
    pacer::{self, Due},
    users::Users,
};
use crate::{
    failure::Failure,
    report::Outputs,
    scenario::{Facts, Played, Player, Scenario},
    schedule::Schedule,
    stats::{Outcome, thousandth},
};

/// What is to be played.
#[derive(Debug)]
pub(crate) struct Play {
    pub(crate) scenario: Arc<Scenario>,
    /// Whom to call; `None`: whoever calls is answered.
    pub(crate) target: Option<SocketAddr>,
    pub(crate) service: String,
    pub(crate) users: Users,
    pub(crate) listen: SocketAddr,
    pub(crate) hold: Duration,
    pub(crate) schedule: Schedule,
    pub(crate) seed: u64,
    pub(crate) calls: Option<u64>,
    pub(crate) most: usize,
}

/// A play under way.
pub(crate) struct Stage {
    play: Play,
    clock: Clock,
    sockets: Sockets,
    scratch: Scratch,
    local: SocketAddr,
    players: HashMap<String, Entry>,
    wakes: BinaryHeap<Reverse<(Instant, String)>>,
    outputs: Outputs,
    count: Count,
    begin: Instant,
    next_second: Instant,
    taken: u64,
    stop: Arc<AtomicBool>,
}

struct Entry {
    player: Player,
    number: u64,
    at: Instant,
    error_ms: Option<f64>,
    flow: UdpFlow,
}

impl Stage {
    /// Binds the socket; must be called on the runtime.
    ///
    /// # Errors
    ///
    /// [`Failure`] when it cannot be had.
    pub(crate) fn open(play: Play, outputs: Outputs, stop: Arc<AtomicBool>) -> Result<Self, Failure> {
        let mut listen = play.listen;
        if let Some(target) = play.target.filter(|_| listen.ip().is_unspecified()) {
            let ip = address_toward(target)
                .map_err(|error| Failure::fatal(format!("no route to {target}: {error}")))?;
            listen.set_ip(ip);
        }
        let socket = UdpSocket::bind(listen)
            .map_err(|error| Failure::fatal(format!("{error}; choose another address with --listen")))?;
        let local = socket.local_addr();
        let sockets = Sockets::new(vec![socket])
            .map_err(|error| Failure::fatal(format!("the socket cannot be watched: {error}")))?;
        let clock = Clock::new();
        let begin = clock.mono() + LEAD;
        Ok(Self {
            play,
            clock,
            sockets,
            scratch: Scratch::with_capacity(64 * 1_024),
            local,
            players: HashMap::new(),
            wakes: BinaryHeap::new(),
            outputs,
            count: Count::default(),
            begin,
            next_second: begin + SECOND,
            taken: 0,
            stop,
        })
    }

    /// Where it listens.
    pub(crate) const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Plays to the end.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the system gives no thread, or a report cannot be written.
    pub(crate) async fn run(mut self) -> Result<(Count, Outputs), Failure> {
        let cpu = cpu_time();
        let calls = if self.play.target.is_some() { self.play.calls } else { Some(0) };
        let (schedule, stop) = (self.play.schedule.clone(), Arc::clone(&self.stop));
        let mut due = pacer::start(self.clock, self.begin, schedule, (self.play.seed, calls), stop)
            .map_err(|error| Failure::fatal(format!("no thread for the schedule: {error}")))?;
        let (mut arriving, mut alarm) = (true, Alarm::default());
        loop {
            let wake = self.settle()?;
            if self.is_over(arriving) {
                break;
            }
            let wake = Some(self.clock.std_instant(wake));
            tokio::select! {
                next = due.recv(), if arriving => match next {
                    Some(due) => self.arrive(due),
                    None => arriving = false,
                },
                index = self.sockets.readable() => self.receive(index)?,
                stream = self.outputs.asked() => self.outputs.tell(stream, &self.count, self.players.len()),
                () = alarm.until(wake) => {}
            }
        }
        self.count.seconds = self.clock.mono().since(self.begin).as_secs_f64();
        self.count.cpu_seconds = cpu_time().saturating_sub(cpu).as_secs_f64();
        Ok((self.count, self.outputs))
    }

    fn is_over(&mut self, arriving: bool) -> bool {
        let stopped = self.stop.load(Ordering::Relaxed);
        if self.play.target.is_some() {
            self.count.stopped |= stopped;
            return stopped || !arriving && self.players.is_empty();
        }
        let enough = self.play.calls.is_some_and(|calls| self.count.stats.counted("calls") >= calls);
        let late = self.begin + self.play.schedule.length() <= self.clock.mono();
        stopped || (enough || late) && self.players.is_empty()
    }

    fn settle(&mut self) -> Result<Instant, Failure> {
        let now = self.clock.mono();
        if self.next_second <= now {
            let at = thousandth(now.since(self.begin).as_secs_f64());
            self.count.series.close(at, u64::try_from(self.players.len()).unwrap_or(u64::MAX));
            self.next_second += SECOND;
            self.outputs.second(&self.count, self.players.len())?;
        }
        while let Some(Reverse((at, _))) = self.wakes.peek()
            && *at <= now
        {
            let Some(Reverse((_, id))) = self.wakes.pop() else { break };
            if let Some(entry) = self.players.get_mut(&id) {
                entry.player.tick(now);
                self.drain(&id)?;
            }
        }
        self.sockets.flush(&self.scratch);
        self.scratch.clear();
        let wake = self.wakes.peek().map(|Reverse((at, _))| *at);
        Ok(Instant::earliest(wake, Some(self.next_second)).unwrap_or(self.next_second))
    }

    fn arrive(&mut self, Due { number, at }: Due) {
        let Some(remote) = self.play.target else { return };
        if self.players.len() >= self.play.most {
            self.count.stats.count("dropped_arrivals", 1);
            self.count.series.current.dropped += 1;
            return;
        }
        let id = format!("{number}-{}@{}", std::process::id(), self.local.ip());
        let error_ms = Some(millis(self.clock.mono().since(at)));
        self.begin_player(&id, UdpFlow { local: self.local, remote }, (number, at, error_ms));
    }

    fn begin_player(&mut self, id: &str, flow: UdpFlow, (number, at, error_ms): (u64, Instant, Option<f64>)) {
        let facts = Facts {
            local: flow.local,
            remote: flow.remote,
            // No media are sent: what comes there is refused by the system.
            media: SocketAddr::new(flow.local.ip(), DISCARD),
            service: self.play.users.fill(&self.play.service, number),
            number,
            pid: std::process::id(),
            call_id: id.to_owned(),
            fields: self.play.users.row(number),
        };
        let now = self.clock.mono();
        let player = Player::new(now, Arc::clone(&self.play.scenario), facts, self.play.hold);
        self.count.series.current.begun += 1;
        self.players.insert(id.to_owned(), Entry { player, number, at, error_ms, flow });
        // Nothing is over before something came: what fails here is told with the next message.
        let _ = self.drain(id);
    }

    fn receive(&mut self, index: usize) -> Result<(), Failure> {
        let mut arrived = Vec::new();
        self.sockets.receive(index, self.clock, |received| {
            if !received.truncated {
                arrived.push((received.flow, String::from_utf8_lossy(received.bytes).into_owned()));
            }
        });
        for (flow, message) in arrived {
            let Some(id) = crate::scenario::call_id(&message).map(str::to_owned) else { continue };
            let now = self.clock.mono();
            let is_new = !self.players.contains_key(&id)
                && self.play.target.is_none()
                && message.starts_with("INVITE ");
            if is_new && self.players.len() < self.play.most {
                let number = self.taken;
                self.taken += 1;
                self.begin_player(&id, flow, (number, now, None));
            }
            if let Some(entry) = self.players.get_mut(&id) {
                entry.player.handle(now, &message);
                self.drain(&id)?;
            }
        }
        Ok(())
    }

    /// Does what a player wants.
    fn drain(&mut self, id: &str) -> Result<(), Failure> {
        loop {
            let Some(entry) = self.players.get_mut(id) else { return Ok(()) };
            match entry.player.poll() {
                Played::Send(bytes) => {
                    let range = self.scratch.push(&bytes);
                    let transmit = Transmit { flow: Flow::Udp(entry.flow), range, dscp: Dscp::CS3 };
                    self.sockets.push(transmit, &self.scratch);
                }
                Played::Wait(None) => return Ok(()),
                Played::Wait(Some(at)) => {
                    self.wakes.push(Reverse((at, id.to_owned())));
                    return Ok(());
                }
                Played::Over(how) => {
                    let Some(entry) = self.players.remove(id) else { return Ok(()) };
                    return self.finish(&entry, how);
                }
            }
        }
    }

    fn finish(&mut self, entry: &Entry, how: Result<(), String>) -> Result<(), Failure> {
        let failed = how.is_err();
        let setup_ms = entry.player.measured().map(|at| millis(at.since(entry.at)));
        if let Some(setup) = setup_ms {
            self.count.series.answered(setup);
        }
        let outcome = Outcome {
            number: entry.number,
            side: if self.play.target.is_some() { "caller" } else { "callee" },
            target: entry.flow.remote.to_string(),
            intended_s: thousandth(entry.at.since(self.begin).as_secs_f64()),
            arrival_error_ms: entry.error_ms,
            setup_ms,
            cause: if failed { "failed" } else { "done" }.into(),
            cause_text: how.err().unwrap_or_default(),
            failed,
            ..Outcome::default()
        };
        self.count.add(&outcome);
        self.outputs.row(&outcome)
    }
}

const SECOND: Duration = Duration::from_secs(1);
/// As for other runs: threads start in this time.
const LEAD: Duration = Duration::from_millis(100);
/// The port that discards (RFC 863).
const DISCARD: u16 = 9;
