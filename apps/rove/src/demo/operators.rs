//! `rove demo --servers`: two operators' servers, three users of theirs who find each other by name, and a conference of the
//! three.
//!
//! ```text
//!  alice ── a.example ──(who is bob@b.example?)── b.example ── bob
//!  carol ──┘
//! ```

use core::time::Duration;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Instant,
};

use rove_node::{Node, NodeConfig, RunningNode};

use super::{
    ENOUGH, PATIENCE, SPEECH_ALICE, SPEECH_BOB,
    child::Child,
    compare, folder, html,
    made::{certificates, free, write},
};
use crate::{
    cli::Demo,
    command::seconds,
    failure::Failure,
    report::Report,
    show::{Show, call_table},
    stop::Stop,
};

const DOMAINS: [&str; 2] = ["a.example", "b.example"];
const A: usize = 0;
const B: usize = 1;

pub(super) fn run(args: &Demo, stop: &Stop) -> Result<(), Failure> {
    if seconds(args.seconds).is_none_or(|s| s > Duration::from_secs(60)) {
        return Err(Failure::usage(format!("--for {}: give 0 to 60 seconds", args.seconds)));
    }
    Report::check(args.json.as_deref())?;
    Report::check(args.html.as_deref())?;
    let dir = folder(args)?;
    let (show, started) = (Show::new(), Instant::now());
    show.say("starting the servers of a.example and b.example on loopback");
    let stage = Stage::new(args, &dir)?;

    show.say("bob registers with b.example, carol with a.example");
    let answers = |who: &str, which, speech| {
        stage.phone("answer --calls 1 --ready-json --register", who, which, speech)
    };
    let mut bob = Child::start("bob's phone", &answers("bob", B, Some(SPEECH_BOB))?, stop)?;
    let _: serde_json::Value = bob.ready(PATIENCE)?;
    let mut carol = Child::start("carol's phone", &answers("carol", A, None)?, stop)?;
    let _: serde_json::Value = carol.ready(PATIENCE)?;

    show.say("alice of a.example looks up bob@b.example, calls him, and joins carol@a.example");
    let mut call = stage.phone(
        "call bob@b.example --join carol@a.example --identity",
        "alice",
        A,
        Some(SPEECH_ALICE),
    )?;
    call.extend(["--for".into(), args.seconds.to_string()]);
    let mut alice = Child::start("alice's phone", &call, stop)?;
    let called = alice.finish(PATIENCE * 2 + Duration::from_secs_f64(args.seconds));
    let answered = [bob.finish(PATIENCE), carol.finish(PATIENCE)];
    show.done();
    called?;
    answered.into_iter().collect::<Result<Vec<()>, Failure>>()?;
    conclude(args, &dir, started.elapsed())
}

/// Both servers at work.
struct Stage<'a> {
    args: &'a Demo,
    dir: &'a Path,
    at: [SocketAddr; 2],
    _servers: Vec<RunningNode>,
}

impl<'a> Stage<'a> {
    fn new(args: &'a Demo, dir: &'a Path) -> Result<Self, Failure> {
        certificates(dir, &DOMAINS)?;
        let at = [free(Ipv4Addr::LOCALHOST)?, free(Ipv4Addr::LOCALHOST)?];
        let mut servers = Vec::new();
        for (own, other) in [(A, B), (B, A)] {
            let (domain, path) = (DOMAINS[own], dir.join(format!("{}.toml", DOMAINS[own])));
            write(&path, &config(domain, at[own], DOMAINS[other], at[other]))?;
            let config = NodeConfig::read(&path).map_err(|error| Failure::environment(error.to_string()))?;
            servers.push(Node::start(config).map_err(|error| Failure::environment(error.to_string()))?);
        }
        Ok(Self { args, dir, at, _servers: servers })
    }

    /// What a phone is started with, whose command ends with its user's name.
    fn phone(
        &self,
        command: &str,
        who: &str,
        which: usize,
        speech: Option<&[u8]>,
    ) -> Result<Vec<String>, Failure> {
        let path = |name: String| self.dir.join(name).display().to_string();
        let mut list = super::words(command);
        list.push(format!("{who}@{}", DOMAINS[which]));
        // Nobody is asked for names but the users' own servers.
        list.extend(super::words("--listen 127.0.0.1:0 --dns-server 127.0.0.1:9 --until-stdin-closes"));
        list.extend(["--irmv-server".into(), self.at[which].to_string()]);
        list.extend(["--irmv-domain".into(), DOMAINS[which].into()]);
        list.extend(["--irmv-key".into(), path(format!("{who}.key"))]);
        list.extend(["--tls-ca".into(), path("ca.pem".into())]);
        list.extend(["--record".into(), path(format!("{who}-heard.wav"))]);
        list.extend(["--json".into(), path(format!("{who}.json"))]);
        let number = who.bytes().next().map_or(0, u64::from);
        list.extend(["--seed".into(), self.args.seed.wrapping_mul(256).wrapping_add(number).to_string()]);
        if let Some(speech) = speech {
            let says = self.dir.join(format!("{who}-says.wav"));
            std::fs::write(&says, speech).map_err(|error| {
                Failure::environment(format!("{} cannot be written: {error}", says.display()))
            })?;
            list.extend(["--play".into(), says.display().to_string()]);
        }
        Ok(list)
    }
}

/// A server that anybody may register with, and that knows the other.
fn config(domain: &str, at: SocketAddr, other: &str, there: SocketAddr) -> String {
    format!(
        "[journal]\npath = \"{domain}.journal\"\n[irmv]\nlisten = [\"{at}\"]\ndomain = \"{domain}\"\n\
         certificate = \"{domain}.pem\"\nkey = \"{domain}.key\"\nauthorities = \"ca.pem\"\n\
         signing_key = \"{domain}.signing\"\nopen = true\nshown_to = \"anybody\"\n\
         [[irmv.peer]]\ndomain = \"{other}\"\naddresses = [\"{there}\"]\n"
    )
}

/// Puts the three reports together, compares what was said with what was heard, and tells.
fn conclude(args: &Demo, dir: &Path, took: Duration) -> Result<(), Failure> {
    let read = |who: &str| Report::read(&dir.join(format!("{who}.json")));
    let mut report = Report { seed: Some(args.seed), ..read("alice")? };
    for who in ["bob", "carol"] {
        report.calls.extend(read(who)?.calls);
    }
    if let Some(path) = &args.json {
        report.write(path)?;
    }
    if let Some(path) = &args.html {
        html::write(path, &report)?;
        println!("plots: {}", path.display());
    }
    report.calls.iter().for_each(|call| println!("{}", call_table(call)));
    let mut failed = report.calls.iter().find(|call| !call.succeeded()).map(|call| call.cause_text.clone());
    match report.conference.parties() {
        Some(parties) => println!("{parties} were in the conference"),
        None => drop(failed.get_or_insert("there was no conference".into())),
    }
    let (alice, bob) = (dir.join("alice-says.wav"), dir.join("bob-says.wav"));
    let heard = |who: &str| -> Option<&PathBuf> {
        report.calls.iter().flat_map(|call| &call.recordings).find(|path| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(who))
        })
    };
    for (who, said) in [("bob", vec![&alice]), ("alice", vec![&bob]), ("carol", vec![&alice, &bob])] {
        let likeness = match (heard(who), &*said) {
            (None, _) => Err(format!("{who} has recorded nothing")),
            (Some(heard), [one, other]) => compare::mixed([one, other], heard),
            (Some(heard), _) => compare::files(said[0], heard),
        };
        match likeness {
            Ok(likeness) => {
                println!("{who} heard what was said: correlation {likeness:.3} (at least {ENOUGH} is right)");
                if likeness < ENOUGH {
                    failed.get_or_insert(format!("{who} heard something else than what was said"));
                }
            }
            Err(why) => drop(failed.get_or_insert(why)),
        }
    }
    println!("done in {:.1} s; recordings in {}", took.as_secs_f64(), dir.display());
    failed.map_or(Ok(()), |why| Err(Failure::call(why)))
}
