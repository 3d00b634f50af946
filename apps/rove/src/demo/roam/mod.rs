//! `rove demo --roam`: a home, two visited networks, a terminal that roams between them in mid-call, and two callers.
//!
//! Where the system allows it, each has a network of its own with routers between them, else each network is a 127.x on
//! loopback. The nodes, phones and the terminal are the real ones.

mod counting;
mod dhcp;
mod ground;
mod networks;
mod page;
mod resolver;
mod stays;
mod story;
mod tunnel;

use core::time::Duration;
use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Instant,
};

use rove_phone::{
    Audio, CallId, CallReport, MediaSecurity, Phone, PhoneConfig, PhoneEvent, Progress, Rerouted, Switched,
    roaming::Attachment,
};
use serde_json::{Value, json};

use self::{
    counting::Counters,
    ground::{Ground, Place, ROUTERS},
    networks::Networks,
};
use super::{SPEECH_ALICE, SPEECH_BOB, folder};
use crate::{
    cli::Demo,
    command::{GLANCE, attach},
    failure::Failure,
    report::{Conference, Report},
    show::{Show, call_table, rerouted_text},
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
    counters: Counters,
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
    /// Of the first caller: what the roam cost it,
    heard: Option<Switched>,
    /// the call whose way gets worse, and its last move to a better one,
    story: Option<CallId>,
    left: Option<Rerouted>,
    /// and how many are in its conference.
    parties: Option<u32>,
    /// When the network took the terminal's proof the last time.
    accepted: Option<Instant>,
    show: Show,
    /// Where files go.
    dir: PathBuf,
    /// Whether the terminal asks DHCP.
    dhcp: bool,
    /// What does so, while it has an address.
    client: Option<dhcp::Client>,
    /// Last: everybody stands on it.
    ground: Ground,
}

/// `claimed` says whether this program has a network of its own to make more in, or why not.
pub(crate) fn run(args: &Demo, claimed: &std::io::Result<()>, stop: &Stop) -> Result<(), Failure> {
    Report::check(args.json.as_deref())?;
    Report::check(args.html.as_deref())?;
    let dir = folder(args)?;
    let (ground, about) = ground(claimed, args)?;
    let dhcp = args.dhcp && ground.is_real();
    let mut stage = Stage::new(&dir, ground, dhcp, stop)?;
    stage.note(&about);
    let started = stage.counters.now();
    let first = stage.attach(0)?;
    let call = stage.dial(0)?;
    stage.answered(0, call)?;
    stage.talk(TALK)?;
    let before = stage.counters.now();
    let (second, resolvable, reverse) = stage.roam(1)?;
    stage.talk(TALK)?;
    let other = stage.dial(1)?;
    let landed = stage.answered(1, other)?;
    stage.note(&format!("the second caller reached the terminal at {landed}"));
    if landed != second.ip {
        return Err(Failure::call(format!("the second caller reached {landed} instead of {}", second.ip)));
    }
    stage.talk(Duration::from_secs(1))?;
    stage.callers[1].hang_up(other);
    let story = args.story.then(|| stage.tell(call)).transpose()?;
    stage.callers[0].hang_up(call);
    stage.over(if args.story { 3 } else { 2 })?;
    let after = stage.counters.now();
    let tunnel = stage.tunnel(second)?;
    stage.leave(&[first, second])?;
    let heard = stage.heard;
    let roam = json!({
        "from": first.network, "to": second.network,
        "resolvable_ms": resolvable, "reverse_ms": reverse,
        "audio_gap_ms": heard.and_then(|switched| switched.gap).map(|gap| gap.as_secs_f64() * 1_000.0),
        "packets_lost": heard.map(|switched| switched.lost),
        // Nobody counts packets between networks of one loopback interface.
        "home_router_media_packets": started.zip(after).map(|(from, to)| to[1].since(from[1]).packets),
        "home_router_media_bytes": started.zip(after).map(|(from, to)| to[1].since(from[1]).bytes),
        "family": if stage.ground.is_v6() { "IPv6" } else { "IPv4" },
        "addresses_from": if dhcp { dhcp::name(stage.ground.is_v6()) } else { "the attach protocol" },
        "networks": if stage.ground.is_real() { "namespaces" } else { "loopback" },
        "media_security": stage.reports.first().and_then(|report| report.media_security.clone()),
        "path_before": path(started, before),
        "path_after": path(before, after),
        "tunnel": tunnel,
    });
    stage.conclude(args, roam, story)
}

/// Networks of their own, else loopback, and what to say of it.
fn ground(claimed: &std::io::Result<()>, args: &Demo) -> Result<(Ground, String), Failure> {
    let made = match claimed {
        Ok(()) => Ground::spaces(args.ipv6).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match made {
        Ok(ground) => {
            if args.dhcp {
                dhcp::find(args.ipv6)?;
            }
            let about = if args.ipv6 {
                "six networks of their own: core fd00:9::, visited fd00:20:: and fd00:30::, callers fd00:40::, home, and \
                 the terminal's"
            } else {
                "six networks of their own: core 10.9.x, home 10.10.0.x, visited 10.20.0.x and 10.30.0.x, callers \
                 10.40.0.x, and the terminal's"
            };
            Ok((ground, about.into()))
        }
        Err(why) => {
            let about = "loopback addresses stand for the networks: 127.0.10.x home, 127.0.20.x and 127.0.30.x visited";
            let without = match (args.ipv6, args.dhcp) {
                (false, false) => "",
                (true, false) => "; they have IPv4 alone",
                (false, true) => "; nobody asks DHCP there",
                (true, true) => "; they have IPv4 alone, and nobody asks DHCP there",
            };
            Ok((Ground::loopback(), format!("{about} ({why}){without}")))
        }
    }
}

/// Which routers the packets of sound passed, and how many; `None` where nobody counts.
fn path(from: Option<[counting::Count; 4]>, to: Option<[counting::Count; 4]>) -> Value {
    let Some((from, to)) = from.zip(to) else { return Value::Null };
    let router = |((place, from), to): ((&(Place, &str), counting::Count), counting::Count)| {
        let count = to.since(from);
        json!({ "router": place.1, "media_packets": count.packets, "media_bytes": count.bytes })
    };
    ROUTERS.iter().zip(from).zip(to).map(router).collect()
}

/// Where the terminal is.
#[derive(Clone, Copy)]
struct Stay {
    network: &'static str,
    at: usize,
    ip: IpAddr,
}

/// What somebody says, and where what is heard is kept.
fn audio(dir: &Path, who: &str, speech: &[u8]) -> Result<Audio, Failure> {
    let play = dir.join(format!("{who}-says.wav"));
    std::fs::write(&play, speech)
        .map_err(|error| Failure::environment(format!("{}: {error}", play.display())))?;
    Ok(Audio::Files { play: Some(play), repeat: true, record: Some(dir.join(format!("{who}-heard.wav"))) })
}

impl<'a> Stage<'a> {
    fn new(dir: &Path, ground: Ground, dhcp: bool, stop: &'a Stop) -> Result<Self, Failure> {
        let show = Show::new();
        show.say("starting a home and two visited networks");
        let networks = Networks::start(dir, &ground, dhcp)?;
        let counters = Counters::start(&ground)?;
        // On loopback every address is there already, and nobody has to say so.
        let sim = attach::read(&networks.sim, ground.is_real())?;
        let authorities = vec![networks.authority.clone()];
        let terminal = ground
            .at(Place::Terminal, || Attachment::start(sim.config, sim.credential, authorities))?
            .map_err(|error| Failure::environment(error.to_string()))?;
        let second = ground.second_address();
        let phone = |who: &str, speech: &[u8], place: Place, listen: SocketAddr| {
            let config = PhoneConfig {
                identity: format!("{who}.home.example"),
                listen: vec![listen],
                dns_servers: vec![networks.resolver],
                audio: audio(dir, who, speech)?,
                media_security: MediaSecurity::Required,
                media_addresses: if who == "alice" { vec![second] } else { Vec::new() },
                // Descriptions with addresses of IPv6 are long, and calls over TCP do not follow a phone that moves.
                sip_tcp: !ground.is_v6(),
                ..PhoneConfig::default()
            };
            ground.at(place, || Phone::start(config))?.map_err(Failure::from)
        };
        let everywhere = ground.everywhere(networks.sip_port);
        let mobile = phone("t1", SPEECH_BOB, Place::Terminal, everywhere)?;
        let callers = vec![
            phone("alice", SPEECH_ALICE, Place::Caller, ground.caller(2))?,
            phone("carol", SPEECH_ALICE, Place::Caller, ground.caller(3))?,
        ];
        Ok(Self {
            stop,
            counters,
            networks,
            terminal,
            mobile,
            callers,
            begun: Instant::now(),
            timeline: Vec::new(),
            reports: Vec::new(),
            outcomes: [None, None],
            heard: None,
            story: None,
            left: None,
            parties: None,
            accepted: None,
            show,
            dir: dir.to_owned(),
            dhcp,
            client: None,
            ground,
        })
    }

    fn note(&mut self, what: &str) {
        self.show.say(what.to_owned());
        self.timeline.push((self.begun.elapsed().as_secs_f64(), what.to_owned()));
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
            PhoneEvent::Call { call, progress: Progress::Incoming { .. } } => {
                self.callers[caller].answer(call);
            }
            PhoneEvent::Rerouted { call, rerouted } if caller == 0 && self.story == Some(call) => {
                self.note(&format!("alice: {}", rerouted_text(&rerouted)));
                self.left = Some(rerouted);
            }
            PhoneEvent::Conference { calls } if caller == 0 && !calls.is_empty() => {
                self.note(&format!("alice mixes {} calls: all three hear each other", calls.len()));
                self.parties = u32::try_from(calls.len() + 1).ok();
            }
            PhoneEvent::Switched { switched, .. } if caller == 0 && self.heard.is_none() => {
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

    fn conclude(self, args: &Demo, roam: Value, story: Option<Conference>) -> Result<(), Failure> {
        self.show.done();
        let mut report = Report { seed: Some(args.seed), calls: self.reports, ..Report::default() };
        println!("roam: {roam}");
        report.roams.push(roam);
        report.conference = story.unwrap_or_default();
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
