//! `rove demo`: a name server, a callee and a caller as processes of their own, one call by name, one report.

mod child;
mod compare;
mod html;
mod made;
pub(crate) mod node;
mod operators;
mod roam;

use core::time::Duration;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Deserialize;

use self::child::Child;
use crate::{
    cli::Demo,
    failure::Failure,
    report::Report,
    show::{Show, call_table},
    stop::Stop,
};

/// The callee's name; published in the DNS a moment before it is called.
const BOB: &str = "bob.home.example";
const ALICE: &str = "alice.home.example";
/// What both say, made by `assets/make-speech.sh`.
const SPEECH_ALICE: &[u8] = include_bytes!("../../assets/speech-alice.wav");
const SPEECH_BOB: &[u8] = include_bytes!("../../assets/speech-bob.wav");
/// A child that is not ready by then has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the name server says when it is ready.
#[derive(Debug, Deserialize)]
struct NodeReady {
    dns: Vec<SocketAddr>,
    key_file: PathBuf,
}

/// `claimed` says whether this program has a network of its own to make more in, or why not.
pub(crate) fn run(args: &Demo, claimed: &std::io::Result<()>, stop: &Stop) -> Result<(), Failure> {
    if args.roam || args.story {
        return roam::run(args, claimed, stop);
    }
    if args.servers {
        return operators::run(args, stop);
    }
    if super::command::seconds(args.seconds).is_none_or(|s| s > Duration::from_secs(60)) {
        return Err(Failure::usage(format!("--for {}: give 0 to 60 seconds", args.seconds)));
    }
    Report::check(args.json.as_deref())?;
    Report::check(args.html.as_deref())?;
    let dir = folder(args)?;
    let show = Show::new();
    let started = Instant::now();
    show.say("starting a name server on loopback");
    let mut node = Child::start("the name server", &["demo-node".into()], stop)?;
    let node_ready: NodeReady = node.ready(PATIENCE)?;
    let dns = node_ready
        .dns
        .first()
        .copied()
        .ok_or_else(|| Failure::environment("the name server has no address"))?;
    let stage = Stage { args, dir: &dir, dns, key_file: &node_ready.key_file };

    show.say(format!("starting the callee, which publishes {BOB}"));
    let mut bob = Child::start("the callee", &stage.bob()?, stop)?;
    let _: serde_json::Value = bob.ready(PATIENCE)?;

    show.say(format!("calling {BOB} for {} s", args.seconds));
    let mut alice = Child::start("the caller", &stage.alice()?, stop)?;
    let patience = PATIENCE + Duration::from_secs_f64(args.seconds);
    let called = alice.finish(patience);
    let answered = bob.finish(PATIENCE);
    drop(node);
    show.done();
    called?;
    answered?;
    conclude(args, &dir, started.elapsed())
}

/// What the children need to know.
struct Stage<'a> {
    args: &'a Demo,
    dir: &'a Path,
    dns: SocketAddr,
    key_file: &'a Path,
}

impl Stage<'_> {
    fn bob(&self) -> Result<Vec<String>, Failure> {
        let mut list = words("answer --calls 1 --ready-json --register");
        list.push(BOB.into());
        list.extend(["--key-file".into(), self.key_file.display().to_string()]);
        list.extend(["--update-server".into(), self.dns.to_string()]);
        self.common(list, "bob", SPEECH_BOB, self.args.seed.wrapping_mul(2).wrapping_add(1))
    }

    fn alice(&self) -> Result<Vec<String>, Failure> {
        let mut list = words("call");
        list.extend([
            BOB.into(),
            "--identity".into(),
            ALICE.into(),
            "--for".into(),
            self.args.seconds.to_string(),
        ]);
        self.common(list, "alice", SPEECH_ALICE, self.args.seed.wrapping_mul(2))
    }

    fn common(
        &self,
        mut list: Vec<String>,
        who: &str,
        speech: &[u8],
        seed: u64,
    ) -> Result<Vec<String>, Failure> {
        let path = |name: String| self.dir.join(name).display().to_string();
        let play = self.dir.join(format!("{who}-says.wav"));
        std::fs::write(&play, speech).map_err(|error| {
            Failure::environment(format!("{} cannot be written: {error}", play.display()))
        })?;
        list.extend(words("--listen 127.0.0.1:0 --dns-server"));
        list.push(self.dns.to_string());
        list.extend(["--play".into(), play.display().to_string()]);
        list.extend(["--record".into(), path(format!("{who}-heard.wav"))]);
        list.extend(["--json".into(), path(format!("{who}.json"))]);
        list.extend(["--seed".into(), seed.to_string()]);
        list.push("--until-stdin-closes".into());
        Ok(list)
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn folder(args: &Demo) -> Result<PathBuf, Failure> {
    let dir = args
        .dir
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("rove-demo-{}", std::process::id())));
    std::fs::create_dir_all(&dir).and_then(|()| std::fs::canonicalize(&dir)).map_err(|error| {
        Failure::environment(format!("the folder {} cannot be made: {error}", dir.display()))
    })
}

/// Puts the two reports together, compares what was said with what was heard, and tells.
fn conclude(args: &Demo, dir: &Path, took: Duration) -> Result<(), Failure> {
    let mut report = Report { seed: Some(args.seed), ..Report::default() };
    for who in ["alice", "bob"] {
        report.calls.extend(Report::read(&dir.join(format!("{who}.json")))?.calls);
    }
    if let Some(path) = &args.json {
        report.write(path)?;
    }
    let heard = [
        ("bob", compare::files(&dir.join("alice-says.wav"), &dir.join("bob-heard.wav"))),
        ("alice", compare::files(&dir.join("bob-says.wav"), &dir.join("alice-heard.wav"))),
    ];
    if let Some(path) = &args.html {
        html::write(path, &report)?;
        println!("plots: {}", path.display());
    }
    for call in &report.calls {
        println!("{}", call_table(call));
    }
    let mut failed = report.calls.iter().find(|call| !call.succeeded()).map(|call| call.cause_text.clone());
    for (who, likeness) in heard {
        match likeness {
            Ok(likeness) => {
                println!("{who} heard what was said: correlation {likeness:.3} (at least {ENOUGH} is right)");
                if likeness < ENOUGH {
                    failed.get_or_insert(format!("{who} heard something else than what was said"));
                }
            }
            Err(why) => {
                failed.get_or_insert(why);
            }
        }
    }
    println!("done in {:.1} s; recordings in {}", took.as_secs_f64(), dir.display());
    failed.map_or(Ok(()), |why| Err(Failure::call(why)))
}

/// The least correlation of envelopes that counts as having heard what was said.
const ENOUGH: f64 = 0.9;
