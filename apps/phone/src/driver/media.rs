//! The media of all calls: ports, devices and the media thread, from the control thread's side.

mod conference;
mod elsewhere;
mod outside;
mod sound;

pub(super) use outside::Seen;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rove_base::{Candidate, CodecId, Entropy, Fingerprint, Instant, MediaPlan, Quality, RouteKind};
use rove_core::{
    path::Switched,
    playout::PlayoutConfig,
    reroute::{Complaint, Rerouted, Tolerance},
    send::Tripped,
    stream::Digit,
};
use rove_driver::Tls;
use rove_io::{
    bridge::ControlEnds,
    callback::{replacement, wire},
    clock::Clock,
    device::{Clip, Ends, Hall, Joint},
    media_thread::{Continuation, MediaEvent, MediaThread},
};
use rove_nat::dtls::Identity;
use rove_session::{CallId, MediaSecurity};
use tokio::sync::Notify;

use self::{elsewhere::Elsewhere, outside::Open, sound::Device};
use crate::{Audio, PhoneConfig, StartError, turn::TurnServer};

/// Everything the calls of one phone hear and say with.
pub(super) struct Media {
    thread: MediaThread,
    clock: Clock,
    entropy: Entropy,
    audio: Audio,
    /// What every call says, read before the first one.
    clip: Option<Clip>,
    playout: PlayoutConfig,
    /// Whose certificate agrees on keys. `None` where media are never protected.
    fingerprint: Option<Fingerprint>,
    calls: HashMap<CallId, MediaCall>,
    recordings: u32,
    /// Where calls hear each other, if they do nothing else.
    hall: Option<Hall>,
    stun_server: Option<SocketAddr>,
    turn_servers: Vec<TurnServer>,
    /// Who is believed where they are reached in TLS.
    tls: Tls,
    /// Those that a ticket is for, which are asked before.
    tickets: Vec<TurnServer>,
    /// Media may leave from these addresses as well, and from those of all interfaces.
    addresses: Vec<IpAddr>,
    everywhere: bool,
    /// What is put up with in calls, and in those with somebody.
    tolerance: Tolerance,
    tolerances: Vec<(String, Tolerance)>,
    /// Whether devices may run; `None`: they always may.
    awake: Option<bool>,
}

/// One call's part of it.
#[derive(Default)]
struct MediaCall {
    /// Open, and waiting for a plan.
    open: Open,
    device: Option<Device>,
    /// What joins it with other calls.
    joint: Option<Joint>,
    // Held as long as the callbacks run: they look at the knobs.
    control: Option<ControlEnds>,
    running: bool,
    /// What was agreed on, once it runs.
    plan: Option<MediaPlan>,
    /// Samples per second of its device.
    rate: u32,
    /// Where else its media may leave from.
    elsewhere: Elsewhere,
    left: Left,
}

/// What remains of a call's media for its report.
#[derive(Default)]
pub(super) struct Left {
    /// The engine's word of each second.
    pub(super) samples: Vec<Quality>,
    /// Its words of routes.
    pub(super) rerouted: Vec<Rerouted>,
    /// What kind of way media goes, as checks found it.
    pub(super) route: Option<RouteKind>,
    /// Absolute paths of what was heard.
    pub(super) recordings: Vec<PathBuf>,
    /// Absolute paths of what was said.
    pub(super) played: Vec<PathBuf>,
}

/// What the media thread has to say of a call.
pub(super) enum MediaNews {
    FirstAudio(Instant),
    Quality(Quality),
    Digit(Digit),
    SendingStopped(Tripped),
    Switched(Switched),
    Rerouted(Rerouted),
    Complaint(Complaint),
    Route(RouteKind),
    /// This end can be reached there as well; `None`: there is no more.
    Candidate(Option<Candidate>),
    /// There is no way to the peer, or no keys.
    Failed(String),
    Stopped(Quality),
}

impl Media {
    /// Starts the media thread; `wake` is notified when [`Media::next`] has something.
    pub(super) fn new(
        config: &PhoneConfig,
        clock: Clock,
        mut entropy: Entropy,
        tls: Tls,
        wake: Arc<Notify>,
    ) -> Result<Self, StartError> {
        let clip = check(&config.audio, &config.codecs)?;
        let hall = match config.audio {
            Audio::Room { seats } => Some(Hall::start(clock, seats, MOST_HEARD).map_err(StartError::Thread)?),
            _ => None,
        };
        let mut thread = MediaThread::start(clock, move || wake.notify_one()).map_err(StartError::Thread)?;
        let fingerprint = (config.media_security != MediaSecurity::Never).then(|| {
            let identity = Identity::draw(&mut entropy, clock.now().wall);
            let fingerprint = identity.fingerprint();
            thread.identify(identity);
            fingerprint
        });
        Ok(Self {
            thread,
            clock,
            entropy,
            audio: config.audio.clone(),
            clip,
            playout: PlayoutConfig {
                least: config.min_delay,
                most: config.max_delay,
                ..PlayoutConfig::default()
            },
            fingerprint,
            calls: HashMap::new(),
            recordings: 0,
            hall,
            stun_server: config.stun_server,
            turn_servers: config.turn_servers.clone(),
            tls,
            tickets: Vec::new(),
            addresses: config.media_addresses.clone(),
            everywhere: config.every_interface,
            tolerance: config.tolerance,
            tolerances: config.tolerances.clone(),
            awake: config.owns_sound.then_some(false),
        })
    }

    /// Runs media by `plan` on the ports that were opened, in a call with somebody who has one of these names.
    pub(super) fn start(&mut self, call: CallId, plan: &MediaPlan, with: [&str; 2]) -> Result<(), String> {
        self.thread.tolerate(self.tolerance_with(with));
        let (device, files) = self.device();
        let entry = self.calls.get_mut(&call).filter(|entry| !entry.running).ok_or("no ports were opened")?;
        let wired = wire(plan, self.playout).map_err(|error| error.to_string())?;
        let ports = entry.open.take();
        self.thread
            .add(call.0, plan, ports, wired.media, self.entropy.fork())
            .map_err(|error| error.to_string())?;
        entry.running = true;
        (entry.plan, entry.rate) = (Some(plan.clone()), wired.sample_rate);
        entry.control = Some(wired.control);
        let ends = Ends::from((wired.input, wired.output));
        entry.device = Some(if let Some(hall) = &self.hall {
            Device::Running(hall.enter(ends).ok_or("the codec's rate cannot be mixed")?)
        } else {
            let (ends, joint) = ends.joinable();
            entry.joint = Some(joint);
            Self::begin_sound(&self.audio, self.awake, (call, self.clock), device, ends)?
        });
        entry.left.played.extend(files.play.as_ref().map(Clip::path).and_then(absolute));
        entry.left.recordings.extend(files.record.as_deref().and_then(absolute));
        Ok(())
    }

    /// Goes on by `plan`, on the ports that were opened in the meantime if there are some.
    pub(super) fn change(&mut self, call: CallId, plan: &MediaPlan) -> Result<(), String> {
        let entry = self.calls.get_mut(&call).filter(|entry| entry.running).ok_or("no media run")?;
        let before = entry.plan.as_ref().ok_or("no media run")?;
        let playout = Continuation::needs_playout(before, plan)
            .then(|| replacement(plan, entry.rate, self.playout))
            .transpose()
            .map_err(|error| error.to_string())?;
        let (packets, playout) = playout.unzip();
        let ports = entry.open.take();
        let going_on = Continuation { before, after: plan, rate: entry.rate, packets, ports };
        let control = entry.control.as_mut().ok_or("no media run")?;
        if let Some(playout) = playout {
            control.succeed(playout).map_err(|_| "the device is not there")?;
        } else if before.codec() != plan.codec() {
            control.on_formats(plan);
        }
        self.thread.replan(call.0, going_on, self.entropy.fork()).map_err(|error| error.to_string())?;
        entry.plan = Some(plan.clone());
        Ok(())
    }

    /// The peer can be reached there as well.
    pub(super) fn add_candidates(&self, call: CallId, candidates: Vec<Candidate>, last: bool) {
        let end = last.then_some(None);
        for candidate in candidates.into_iter().map(Some).chain(end) {
            // Fails only when the thread is gone, which the calls' own ends tell.
            let _ = self.thread.add_candidate(call.0, candidate);
        }
    }

    /// Stops the device, so that its recording is whole, then the stream; [`MediaNews::Stopped`] follows when there
    /// was one.
    pub(super) fn stop(&mut self, call: CallId) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        entry.open = Open::default();
        if let Some(Err(error)) = entry.device.take().map(Device::stop) {
            tracing::error!(target: "rove::device", call = call.0, %error, "the device failed");
        }
        (entry.control, entry.joint) = (None, None);
        if entry.running && self.thread.remove(call.0).is_err() {
            entry.running = false;
        }
    }

    /// Tells the peer that a key was pressed.
    pub(super) fn press(&self, call: CallId, key: char, duration: Duration) {
        // Fails only when the thread is gone, which the calls' own ends tell.
        let _ = self.thread.press(call.0, key, duration);
    }

    /// Whether the call's stream has not had its last word.
    pub(super) fn is_running(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|entry| entry.running)
    }

    /// Whether no stream runs.
    pub(super) fn is_idle(&self) -> bool {
        !self.calls.values().any(|entry| entry.running)
    }

    /// Forgets a call and hands out what is left of it.
    pub(super) fn forget(&mut self, call: CallId) -> Left {
        self.calls.remove(&call).map(|entry| entry.left).unwrap_or_default()
    }

    /// What happened since the last call.
    pub(super) fn next(&mut self) -> Option<(CallId, MediaNews)> {
        loop {
            match self.thread.try_event()? {
                MediaEvent::FirstAudio { call, at } => {
                    return Some((CallId(call), MediaNews::FirstAudio(at)));
                }
                MediaEvent::Quality { call, quality } => {
                    if let Some(entry) = self.calls.get_mut(&CallId(call)) {
                        entry.left.samples.push(quality);
                        if let Some(control) = &mut entry.control {
                            control.on_quality(&quality);
                        }
                    }
                    return Some((CallId(call), MediaNews::Quality(quality)));
                }
                MediaEvent::Candidate { call, candidate } => {
                    return Some((CallId(call), MediaNews::Candidate(candidate)));
                }
                MediaEvent::Digit { call, digit } => return Some((CallId(call), MediaNews::Digit(digit))),
                MediaEvent::LinkFailed { call, why } => {
                    return Some((CallId(call), MediaNews::Failed(why.to_string())));
                }
                MediaEvent::SendingStopped { call, why } => {
                    return Some((CallId(call), MediaNews::SendingStopped(why)));
                }
                MediaEvent::Switched { call, switched } => {
                    return Some((CallId(call), MediaNews::Switched(switched)));
                }
                MediaEvent::Complaint { call, complaint } => {
                    return Some((CallId(call), MediaNews::Complaint(complaint)));
                }
                MediaEvent::Routed { call, kind, .. } => {
                    if let Some(entry) = self.calls.get_mut(&CallId(call)) {
                        entry.left.route = Some(kind);
                    }
                    return Some((CallId(call), MediaNews::Route(kind)));
                }
                MediaEvent::Rerouted { call, rerouted } => {
                    if let Some(entry) = self.calls.get_mut(&CallId(call)) {
                        entry.left.rerouted.push(rerouted);
                        entry.left.route = rerouted.kinds[1].or(entry.left.route);
                    }
                    return Some((CallId(call), MediaNews::Rerouted(rerouted)));
                }
                MediaEvent::Stopped { call, summary, counts } => {
                    tracing::debug!(target: "rove::media", call, ?counts, "media stopped");
                    if let Some(entry) = self.calls.get_mut(&CallId(call)) {
                        entry.running = false;
                    }
                    return Some((CallId(call), MediaNews::Stopped(summary)));
                }
                _ => {}
            }
        }
    }
}

/// Finds out before the first call whether all that is to be said and recorded can be, and reads what is to be said.
fn check(audio: &Audio, codecs: &[CodecId]) -> Result<Option<Clip>, StartError> {
    let (play, record) = match audio {
        Audio::Null | Audio::Room { .. } | Audio::Ports { .. } => return Ok(None),
        Audio::SoundCard { .. } if cfg!(feature = "sound-card") => return Ok(None),
        Audio::SoundCard { .. } => {
            let why = "this build has no sound cards: build with --features sound-card, or use files";
            return Err(StartError::Audio(why.into()));
        }
        Audio::Files { play, record, .. } => (play, record),
    };
    if let Some(path) = record {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return Err(StartError::Audio(format!(
                "{} cannot be recorded: there is no such folder",
                path.display()
            )));
        }
        if path.is_dir() {
            return Err(StartError::Audio(format!("{} cannot be recorded: it is a folder", path.display())));
        }
    }
    let mut rates: Vec<u32> = codecs.iter().map(|codec| codec.clock_rate().hertz()).collect();
    rates.sort_unstable();
    rates.dedup();
    let clip = play.as_deref().map(|path| Clip::read(path, &rates)).transpose();
    clip.map_err(|error| StartError::Audio(error.to_string()))
}

/// Of those who hear each other, so many are mixed.
const MOST_HEARD: usize = 8;

/// `heard.wav` for the first call, `heard-2.wav` for the second.
fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}-{number}{ending}"))
}

fn absolute(path: &Path) -> Option<PathBuf> {
    std::path::absolute(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_recording_gets_a_number_before_its_ending() {
        assert_eq!(numbered(Path::new("a/heard.wav"), 1), Path::new("a/heard.wav"));
        assert_eq!(numbered(Path::new("a/heard.wav"), 2), Path::new("a/heard-2.wav"));
        assert_eq!(numbered(Path::new("heard"), 12), Path::new("heard-12"));
    }

    #[test]
    fn a_file_that_is_missing_is_named_before_any_call() {
        let play = Audio::Files { play: Some("no/such.wav".into()), repeat: false, record: None };
        assert!(check(&play, &[CodecId::Opus]).unwrap_err().to_string().contains("no/such.wav"));
        let record = Audio::Files { play: None, repeat: false, record: Some("no/folder/heard.wav".into()) };
        assert!(check(&record, &[CodecId::Opus]).unwrap_err().to_string().contains("no/folder"));
    }
}
