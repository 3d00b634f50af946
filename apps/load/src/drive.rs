//! From what was asked for to what came of it.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use rove_base::CodecId;
use rove_session::MediaSecurity;
use serde_json::json;

use crate::{
    cli::{ArrivalArgs, CommonArgs, MediaArgs, ScenarioArgs},
    desk::{DeskConfig, Opening},
    failure::{Ending, Failure},
    limits::{Machine, Need},
    report::{Outputs, Summary},
    run::{Act, Campaign, Count, Plan, Play, Stage, users::Users},
    scenario::Scenario,
    schedule::Schedule,
};

/// Understands the whole plan, adds it up, and runs it.
///
/// # Errors
///
/// [`Failure`] says what is not understood, does not fit, or cannot be had.
pub(crate) fn drive(
    act: Act,
    target: String,
    media: Option<MediaArgs>,
    arrivals: &ArrivalArgs,
    common: CommonArgs,
    stop: Arc<AtomicBool>,
) -> Result<Ending, Failure> {
    let schedule = Schedule::parse(&arrivals.rate, arrivals.length)
        .map_err(|error| Failure::fatal(error.to_string()))?;
    let users = arrivals.users.as_deref().map(Users::read).transpose()?.unwrap_or_default();
    [target.as_str()].into_iter().chain(act.texts()).try_for_each(|text| users.check(text))?;
    let media = media.filter(|media| !media.no_media);
    let machine = Machine::here();
    let impairments = media.as_ref().and_then(|media| media.impair.clone());
    let codec = media.as_ref().and_then(|media| media.codecs.first().copied());
    let security = media.as_ref().map_or(MediaSecurity::Never, |media| media.srtp.security());
    let calls = match act {
        Act::Call { hold } => schedule.concurrent(hold).min(exact(arrivals.calls.unwrap_or(u64::MAX))),
        Act::Answer { .. } => 0.0,
        _ => schedule.peak(),
    };
    let need = Need {
        calls: common.most.map_or(calls, |most| calls.min(exact(most as u64))),
        rate: schedule.peak(),
        codec,
    };
    if !common.force {
        machine.sum(&need).refuse()?;
    }
    let most = common
        .most
        .unwrap_or_else(|| if codec.is_some() { machine.most_calls() } else { MOST_WITHOUT_MEDIA });
    let config = DeskConfig {
        listen: common.listen,
        identity: common.from.clone(),
        codecs: media.as_ref().map_or_else(|| vec![CodecId::Pcmu], |media| media.codecs.clone()),
        dns_servers: common.dns_server.clone(),
        most_calls: most,
        ring_for: common.ring_for,
        media_threads: media.as_ref().map_or(0, |media| media.media_threads.max(1)),
        play: media.and_then(|media| media.play),
        seed: common.seed,
        impairments,
        tls_ca: common.tls.tls_ca.clone(),
        certificate: common.tls.certificate(),
        security,
        transport: common.transport,
    };
    let opening = Opening::new(config)?;
    let patience =
        common.ring_for + FAREWELL + if let Act::Call { hold } = act { hold } else { Duration::ZERO };
    let (transport, seed) = (common.transport, common.seed);
    let plan = Plan { act, target, users, transport, schedule, seed, calls: arrivals.calls, most, patience };
    runtime()?.block_on(carry_out(plan, opening, common, stop))
}

/// Reads a scenario and plays it.
///
/// # Errors
///
/// [`Failure`] says what is not understood or cannot be had.
pub(crate) fn play(args: ScenarioArgs, stop: Arc<AtomicBool>) -> Result<Ending, Failure> {
    let ScenarioArgs { file, target, service, hold, arrivals, common, .. } = args;
    let scenario = Scenario::read(&file)?;
    if scenario.calls() != target.is_some() {
        let what = if scenario.calls() {
            "begins a call: give the address to call"
        } else {
            "waits for calls: give no target"
        };
        return Err(Failure::fatal(format!("{} {what}", file.display())));
    }
    let length = if scenario.calls() || arrivals.calls.is_none() { arrivals.length } else { FOR_EVER };
    let schedule =
        Schedule::parse(&arrivals.rate, length).map_err(|error| Failure::fatal(error.to_string()))?;
    let users = arrivals.users.as_deref().map(Users::read).transpose()?.unwrap_or_default();
    users.check(&service)?;
    let need = Need { calls: 0.0, rate: schedule.peak(), codec: None };
    if !common.force {
        Machine::here().sum(&need).refuse()?;
    }
    let shown = target.map(|target| target.to_string()).unwrap_or_default();
    let what = format!("scenario {}", scenario.name);
    let most = common.most.unwrap_or(MOST_WITHOUT_MEDIA);
    let (listen, seed, calls) = (common.listen, common.seed, arrivals.calls);
    let scenario = Arc::new(scenario);
    let play = Play { scenario, target, service, users, listen, hold, schedule, seed, calls, most };
    runtime()?.block_on(async {
        let outputs = Outputs::open(common.wanted()).await?;
        let answers = play.target.is_none();
        let stage = Stage::open(play, outputs, stop)?;
        if answers {
            println!("{}", json!({ "ready": true, "sip": [stage.local()] }));
        }
        let (count, outputs) = stage.run().await?;
        conclude(&count, outputs, (&what, &shown), &common)
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::fatal(format!("no runtime: {error}")))
}

/// Tells what came of a run.
fn conclude(
    count: &Count,
    mut outputs: Outputs,
    (what, target): (&str, &str),
    common: &CommonArgs,
) -> Result<Ending, Failure> {
    let CommonArgs { seed, threshold, late_bound, .. } = common;
    let summary =
        Summary { count, what, target, seed: *seed, thresholds: threshold, late_bound: *late_bound };
    outputs.finish(&summary)?;
    Ok(summary.ending())
}

async fn carry_out(
    plan: Plan,
    opening: Opening,
    common: CommonArgs,
    stop: Arc<AtomicBool>,
) -> Result<Ending, Failure> {
    let outputs = Outputs::open(common.wanted()).await?;
    let desk = opening.take_up()?;
    if matches!(plan.act, Act::Answer { .. }) {
        println!(
            "{}",
            json!({ "ready": true, "sip": desk.sip(), "streams": desk.streams_at(), "prometheus": outputs.listens_at() })
        );
    }
    let (count, plan, outputs) = Campaign::new(plan, desk, outputs, stop).run().await?;
    conclude(&count, outputs, (plan.act.name(), &plan.target), &common)
}

#[expect(clippy::cast_precision_loss, reason = "a rough sum is all it is for")]
const fn exact(count: u64) -> f64 {
    count as f64
}

/// A year.
const FOR_EVER: Duration = Duration::from_secs(31_536_000);
/// A lost message is sent again for so long (RFC 3261 §17.1.1.2), and a little more.
const FAREWELL: Duration = Duration::from_secs(35);
/// Requests under way at once, where no sockets are opened for them.
const MOST_WITHOUT_MEDIA: usize = 100_000;
