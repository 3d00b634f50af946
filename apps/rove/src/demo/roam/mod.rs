//! `rove demo --roam`: a home, two visited networks, a terminal that roams between them in mid-call, and two callers.
//!
//! All of it on loopback: each network has a 127.x of its own, and the nodes, phones and the terminal are the real ones.

mod networks;
mod page;

use core::time::Duration;
use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Instant,
};

use rove_phone::{
    Audio, CallId, CallReport, MediaSecurity, Phone, PhoneConfig, PhoneEvent, Progress, Switched,
    roaming::{Access, Attachment, TerminalEvent, first_address},
};
use serde_json::{Value, json};

use self::networks::{Networks, asked};
use super::{SPEECH_ALICE, SPEECH_BOB, folder};
use crate::{
    cli::Demo,
    command::{GLANCE, attach},
    failure::Failure,
    report::Report,
    show::{Show, call_table},
    stop::Stop,
};

/// The terminal's name, at its home.
pub(super) const NAME: &str = "t1.home.example";
/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long is talked before and after the roam.
const TALK: Duration = Duration::from_secs(4);

/// Everyone at work.
struct Stage<'a> {
    stop: &'a Stop,
    networks: Networks,
    terminal: Attachment,
    mobile: Phone,
    callers: Vec<Phone>,
    begun: Instant,
    /// What happened when, for the page.
    timeline: Vec<(f64, String)>,
    reports: Vec<CallReport>,
    /// Of each caller: what became of its last call, the other side's address or why there is none.
    outcomes: [Option<(CallId, Result<IpAddr, String>)>; 2],
    /// Of the first caller: what the roam cost it.
    heard: Option<Switched>,
    /// When the network took the terminal's proof the last time.
    accepted: Option<Instant>,
    show: Show,
}

pub(crate) fn run(args: &Demo, stop: &Stop) -> Result<(), Failure> {
    Report::check(args.json.as_deref())?;
    Report::check(args.html.as_deref())?;
    let dir = folder(args)?;
    let mut stage = Stage::new(&dir, stop)?;
    stage.note(
        "loopback addresses stand for the networks: 127.0.10.x home, 127.0.20.x and 127.0.30.x visited",
    );
    let first = stage.attach(0)?;
    let call = stage.dial(0)?;
    stage.answered(0, call)?;
    stage.talk(TALK)?;
    let (second, resolvable, reverse) = stage.roam(1)?;
    stage.talk(TALK)?;
    let other = stage.dial(1)?;
    let landed = stage.answered(1, other)?;
    stage.note(&format!("the second caller reached the terminal at {landed}"));
    if landed != second.ip {
        return Err(Failure::call(format!("the second caller reached {landed} instead of {}", second.ip)));
    }
    stage.talk(Duration::from_secs(1))?;
    stage.callers.iter().zip([call, other]).for_each(|(caller, call)| caller.hang_up(call));
    stage.over(2)?;
    stage.leave(&[first, second])?;
    let heard = stage.heard;
    let roam = json!({
        "from": first.network, "to": second.network,
        "resolvable_ms": resolvable, "reverse_ms": reverse,
        "audio_gap_ms": heard.and_then(|switched| switched.gap).map(|gap| gap.as_secs_f64() * 1_000.0),
        "packets_lost": heard.map(|switched| switched.lost),
        // Nobody counts packets between networks of one loopback interface.
        "home_router_media_packets": Value::Null,
    });
    stage.conclude(args, roam)
}

/// Where the terminal is.
#[derive(Clone, Copy)]
struct Stay {
    network: &'static str,
    at: usize,
    ip: IpAddr,
}

impl<'a> Stage<'a> {
    fn new(dir: &Path, stop: &'a Stop) -> Result<Self, Failure> {
        let show = Show::new();
        show.say("starting a home and two visited networks on loopback");
        let networks = Networks::start(dir)?;
        let sim = attach::read(&networks.sim, false)?;
        let terminal = Attachment::start(sim.config, sim.credential, vec![networks.authority.clone()])
            .map_err(|error| Failure::environment(error.to_string()))?;
        let audio = |who: &str, speech: &[u8]| {
            let play = dir.join(format!("{who}-says.wav"));
            std::fs::write(&play, speech)
                .map_err(|error| Failure::environment(format!("{}: {error}", play.display())))?;
            Ok::<_, Failure>(Audio::Files {
                play: Some(play),
                repeat: true,
                record: Some(dir.join(format!("{who}-heard.wav"))),
            })
        };
        let phone = |who: &str, speech: &[u8], listen: SocketAddr| {
            let config = PhoneConfig {
                identity: format!("{who}.home.example"),
                listen: vec![listen],
                dns_servers: vec![networks.names[0]],
                audio: audio(who, speech)?,
                // Without checks of connectivity the route is the one that signalling tells, so the new one is told.
                media_security: MediaSecurity::Never,
                ..PhoneConfig::default()
            };
            Phone::start(config).map_err(Failure::from)
        };
        let mobile = phone("t1", SPEECH_BOB, SocketAddr::from(([0, 0, 0, 0], networks.sip_port)))?;
        let fixed = SocketAddr::from(([127, 0, 0, 1], 0));
        let callers = vec![phone("alice", SPEECH_ALICE, fixed)?, phone("carol", SPEECH_ALICE, fixed)?];
        Ok(Self {
            stop,
            networks,
            terminal,
            mobile,
            callers,
            begun: Instant::now(),
            timeline: Vec::new(),
            reports: Vec::new(),
            outcomes: [None, None],
            heard: None,
            accepted: None,
            show,
        })
    }

    fn note(&mut self, what: &str) {
        self.show.say(what.to_owned());
        self.timeline.push((self.begun.elapsed().as_secs_f64(), what.to_owned()));
    }

    /// Takes a place in visited network `at`; tries again while the nodes find each other.
    fn attach(&mut self, at: usize) -> Result<Stay, Failure> {
        let network = networks::VISITED[at];
        let address = self.networks.attach[at];
        let access = || Access { address, network: network.parse().ok() };
        self.accepted = None;
        self.terminal.attach(access());
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.terminal.next_event(GLANCE) {
                Some(TerminalEvent::Attached { addresses, .. }) => {
                    let ip = first_address(&addresses)
                        .ok_or_else(|| Failure::call("the terminal has a name and no address"))?;
                    self.mobile.moved_to(ip);
                    self.note(&format!("{NAME} is in {network} at {ip}"));
                    return Ok(Stay { network, at, ip });
                }
                Some(TerminalEvent::Token { .. }) => self.accepted = Some(Instant::now()),
                Some(TerminalEvent::Refused(_)) if Instant::now() < deadline => {
                    std::thread::sleep(GLANCE * 4);
                    self.terminal.attach(access());
                }
                Some(TerminalEvent::Refused(why)) => return Err(Failure::call(format!("{network}: {why}"))),
                _ if Instant::now() > deadline => {
                    return Err(Failure::call(format!("{network} did not take the terminal in")));
                }
                _ => self.look()?,
            }
        }
    }

    /// Leaves for network `at` in the middle of what is going on: where it is then, and how long, from when the network
    /// took the terminal's proof, names took to follow, in ms.
    fn roam(&mut self, at: usize) -> Result<(Stay, f64, f64), Failure> {
        self.note("the terminal leaves for the other network in mid-call");
        let stay = self.attach(at)?;
        let taken_in = self.accepted.unwrap_or_else(Instant::now);
        let servers = self.networks.names;
        let until = |what: &str, follows: &dyn Fn() -> bool| {
            while !follows() {
                if taken_in.elapsed() > PATIENCE {
                    return Err(Failure::call(format!("{what} does not follow the terminal")));
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(taken_in.elapsed().as_secs_f64() * 1_000.0)
        };
        let resolvable = until("the name", &|| asked::forward(servers[0], NAME) == [stay.ip])?;
        let reverse = until("the address", &|| asked::reverse(servers[at + 1], stay.ip) == 1)?;
        self.note(&format!("{NAME} answers {} and {} answers {NAME}", stay.ip, stay.ip));
        Ok((stay, resolvable, reverse))
    }

    fn dial(&mut self, caller: usize) -> Result<CallId, Failure> {
        let who = ["alice", "carol"][caller];
        self.note(&format!("{who} dials {NAME}"));
        self.callers[caller].dial(NAME).map_err(Failure::from)
    }

    /// Waits until the call stands; where the other side's sound is.
    fn answered(&mut self, caller: usize, call: CallId) -> Result<IpAddr, Failure> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(event) = self.callers[caller].next_event(GLANCE) {
                self.take(caller, event);
            }
            self.look()?;
            match self.outcomes[caller].take() {
                Some((which, Ok(ip))) if which == call => {
                    self.note(&format!("answered at {ip}"));
                    return Ok(ip);
                }
                Some((which, Err(why))) if which == call => return Err(Failure::call(why)),
                _ => {}
            }
        }
        Err(Failure::call("nobody answered"))
    }

    fn talk(&mut self, time: Duration) -> Result<(), Failure> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.look()?;
            std::thread::sleep(GLANCE / 2);
        }
        Ok(())
    }

    /// Waits until `calls` calls are over on all sides.
    fn over(&mut self, calls: usize) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        while self.reports.len() < calls * 2 {
            if Instant::now() > deadline {
                return Err(Failure::call("the calls do not end"));
            }
            self.talk(GLANCE)?;
        }
        self.note("the calls are over");
        Ok(())
    }

    /// Ends the stay, and makes sure that nothing is left of it or those before.
    fn leave(&mut self, stays: &[Stay]) -> Result<(), Failure> {
        self.terminal.detach();
        let deadline = Instant::now() + PATIENCE;
        while !matches!(self.terminal.next_event(GLANCE), Some(TerminalEvent::Detached)) {
            if Instant::now() > deadline {
                return Err(Failure::call("the terminal cannot leave"));
            }
        }
        let names = self.networks.names;
        let left = stays.iter().filter(|stay| asked::reverse(names[stay.at + 1], stay.ip) != 0).count();
        let forward = asked::forward(names[0], NAME);
        if left + forward.len() > 0 {
            return Err(Failure::call(format!("left behind: {forward:?}, and {left} reverse names")));
        }
        self.note("the terminal has left: no name and no reverse name is left");
        Ok(())
    }

    /// Deals with what happened at all phones.
    fn look(&mut self) -> Result<(), Failure> {
        if self.stop.wanted() {
            return Err(Failure::call("stopped"));
        }
        while let Some(event) = self.mobile.next_event(Duration::ZERO) {
            match event {
                PhoneEvent::Call { call, progress: Progress::Incoming { .. } } => self.mobile.answer(call),
                PhoneEvent::Ended { report, .. } => self.reports.push(*report),
                _ => {}
            }
        }
        for caller in 0..self.callers.len() {
            while let Some(event) = self.callers[caller].next_event(Duration::ZERO) {
                self.take(caller, event);
            }
        }
        Ok(())
    }

    fn take(&mut self, caller: usize, event: PhoneEvent) {
        match event {
            PhoneEvent::Call { call, progress: Progress::Answered { remote, .. } } => {
                self.outcomes[caller] = Some((call, Ok(remote.ip())));
            }
            PhoneEvent::Switched { switched, .. } if caller == 0 => {
                let gap = switched.gap.map_or(0, |gap| gap.as_millis());
                self.note(&format!("alice hears on: {gap} ms without a packet, {} lost", switched.lost));
                self.heard = Some(switched);
            }
            PhoneEvent::Ended { call, report } => {
                if !report.succeeded() {
                    self.outcomes[caller] = Some((call, Err(report.cause_text.clone())));
                }
                self.reports.push(*report);
            }
            _ => {}
        }
    }

    fn conclude(self, args: &Demo, roam: Value) -> Result<(), Failure> {
        self.show.done();
        let mut report = Report { seed: Some(args.seed), calls: self.reports, ..Report::default() };
        println!("roam: {roam}");
        report.roams.push(roam);
        if let Some(path) = &args.json {
            report.write(path)?;
        }
        if let Some(path) = &args.html {
            page::write(path, &report, &self.timeline)?;
            println!("timeline: {}", path.display());
        }
        for call in &report.calls {
            println!("{}", call_table(call));
        }
        println!("done in {:.1} s", self.begun.elapsed().as_secs_f64());
        let failed = report.calls.iter().find(|call| !call.succeeded());
        failed.map_or(Ok(()), |call| Err(Failure::call(call.cause_text.clone())))
    }
}
