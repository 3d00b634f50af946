//! Devices: what voice comes from and goes to. A device drives both ends at its own pace: [`FileConfig`] and silence by
//! a paced thread, the sound card by its callbacks.
//!
//! ```text
//!  device ── 10 ms or so of samples ──▶ Capture     (towards the network)
//!  device ◀── as many as it asks for ── Render      (from the network)
//! ```

mod adapt;
mod clip;
mod drift;
mod hall;
mod joint;
mod paced;
#[cfg(any(feature = "sound-card", test))]
mod plug;
mod port;
#[cfg(feature = "sound-processing")]
mod processing;
mod resample;
mod sleeper;
#[cfg(feature = "sound-card")]
mod sound;
mod wav;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::{io, path::PathBuf};

use rove_base::Instant;

use crate::{
    callback::{Input, Output},
    clock::Clock,
};

pub use clip::Clip;
pub use drift::{Follower, FollowerCounts};
pub use hall::Hall;
pub use joint::{Joint, join};
pub use port::{PortError, Ports};
#[cfg(feature = "sound-processing")]
pub use processing::Processing;
pub use resample::{ChunkedResampler, Fixed, resample};
pub use sleeper::Sleeper;
#[cfg(feature = "sound-card")]
pub use sound::{CardInfo, cards};
pub use wav::{WavError, WavRecorder, read_mono};

/// Takes what a device hears.
pub trait Capture: Send {
    /// Takes mono samples at the rate of [`Ends::rate`], the first of which was heard at `now`.
    ///
    /// # Realtime
    ///
    /// Called from audio callbacks: no allocation, lock, system call or log line.
    fn capture(&mut self, now: Instant, pcm: &[f32]);
}

/// Makes what a device plays.
pub trait Render: Send {
    /// Fills `out` with mono samples at the rate of [`Ends::rate`], to be played from `now` on.
    ///
    /// # Realtime
    ///
    /// As [`Capture::capture`].
    fn render(&mut self, now: Instant, out: &mut [f32]);
}

/// The two ends that a device drives.
pub struct Ends {
    /// Samples per second of both ends.
    pub rate: u32,
    /// Takes what the device hears.
    pub capture: Box<dyn Capture>,
    /// Makes what the device plays.
    pub render: Box<dyn Render>,
}

impl Capture for Input {
    fn capture(&mut self, now: Instant, pcm: &[f32]) {
        Self::capture(self, now, pcm);
    }
}

impl Render for Output {
    fn render(&mut self, now: Instant, out: &mut [f32]) {
        Self::render(self, now, out);
    }
}

/// The two callbacks of a call, at the rate of its codec.
impl From<(Input, Output)> for Ends {
    fn from((input, output): (Input, Output)) -> Self {
        Self { rate: output.sample_rate(), capture: Box::new(input), render: Box::new(output) }
    }
}

/// Which device, as a user chooses it.
#[derive(Clone, Debug, Default)]
pub enum DeviceConfig {
    /// Hears silence and plays to nobody.
    #[default]
    Null,
    /// Hears a file and plays into one.
    File(FileConfig),
    /// The sound card. Needs the feature `sound-card`.
    Sound(SoundConfig),
}

/// Files instead of a sound card.
#[derive(Clone, Debug, Default)]
pub struct FileConfig {
    /// What is heard; `None`: silence.
    pub play: Option<Clip>,
    /// Begins again when it ends; else silence follows.
    pub repeat: bool,
    /// The WAV file that is written: mono, 16 bit, at the stream's rate. An existing one is replaced.
    pub record: Option<PathBuf>,
}

/// Which sound card; `None` is the system's default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SoundConfig {
    /// The microphone, by the name or the identifier that the list of cards gives.
    pub input: Option<String>,
    /// The loudspeaker, likewise.
    pub output: Option<String>,
    /// What is done to captured sound; `None`: nothing. Needs the feature `sound-processing`; all of it unless said
    /// where that is built in.
    pub processing: Option<ProcessingConfig>,
}

impl Default for SoundConfig {
    fn default() -> Self {
        let processing = cfg!(feature = "sound-processing").then(ProcessingConfig::default);
        Self { input: None, output: None, processing }
    }
}

/// What is done to captured sound. All of it unless said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProcessingConfig {
    /// Takes out what the loudspeaker plays.
    pub echo: bool,
    /// Takes out steady noise.
    pub noise: bool,
    /// Brings quiet talkers up and loud ones down.
    pub gain: bool,
}

impl Default for ProcessingConfig {
    fn default() -> Self {
        Self { echo: true, noise: true, gain: true }
    }
}

/// What a device has to tell while it runs.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DeviceEvent {
    /// The card is gone; the call goes on without it until another is open.
    Lost {
        /// "input" or "output".
        direction: &'static str,
        /// What the system says.
        why: String,
    },
    /// A card is open again.
    Reopened {
        /// "input" or "output".
        direction: &'static str,
        /// The card that was asked for, or the default in its place: `None`.
        name: Option<String>,
    },
}

impl DeviceConfig {
    /// Starts the device on `ends`.
    ///
    /// # Errors
    ///
    /// [`DeviceError`]; nothing runs then.
    pub fn start(&self, clock: Clock, ends: Ends) -> Result<Running, DeviceError> {
        let running = match self {
            Self::Null => Kind::Paced(paced::start(&FileConfig::default(), clock, ends)?),
            Self::File(config) => Kind::Paced(paced::start(config, clock, ends)?),
            #[cfg(feature = "sound-card")]
            Self::Sound(config) => Kind::Sound(sound::start(config, clock, config.process(ends)?)?),
            #[cfg(not(feature = "sound-card"))]
            Self::Sound(_) => return Err(DeviceError::NoSoundCards),
        };
        Ok(Running(running))
    }
}

#[cfg(feature = "sound-card")]
impl SoundConfig {
    fn process(&self, ends: Ends) -> Result<Ends, DeviceError> {
        match self.processing {
            None => Ok(ends),
            #[cfg(feature = "sound-processing")]
            Some(processing) => ends.processed(processing),
            #[cfg(not(feature = "sound-processing"))]
            Some(_) => Err(DeviceError::NoProcessing),
        }
    }
}

/// A device at work. Dropping it stops it.
#[derive(Debug)]
#[must_use]
pub struct Running(Kind);

#[derive(Debug)]
enum Kind {
    Paced(paced::Paced),
    Place(hall::Place),
    // Held as long as the call has its place.
    Port(#[expect(dead_code, reason = "dropping it gives the place up")] port::Berth),
    #[cfg(feature = "sound-card")]
    Sound(sound::Sound),
}

impl Running {
    const fn in_hall(place: hall::Place) -> Self {
        Self(Kind::Place(place))
    }

    const fn place(&self) -> Option<&hall::Place> {
        match &self.0 {
            Kind::Place(place) => Some(place),
            _ => None,
        }
    }

    /// Whether the file to be heard has ended. Never for a device without one, or one that repeats.
    #[must_use]
    pub fn played_out(&self) -> bool {
        match &self.0 {
            Kind::Paced(paced) => paced.played_out(),
            Kind::Place(_) | Kind::Port(_) => false,
            #[cfg(feature = "sound-card")]
            Kind::Sound(_) => false,
        }
    }

    /// What happened since the last look, oldest first; `None` when there is nothing new.
    #[must_use]
    pub fn try_event(&self) -> Option<DeviceEvent> {
        match &self.0 {
            Kind::Paced(_) | Kind::Place(_) | Kind::Port(_) => None,
            #[cfg(feature = "sound-card")]
            Kind::Sound(sound) => sound.try_event(),
        }
    }

    /// Stops the device; its recording is complete on return, and its ends are dropped, by a room's thread with the next
    /// period.
    ///
    /// # Errors
    ///
    /// What went wrong while it ran: a full disk, a card that was unplugged.
    pub fn stop(self) -> Result<(), DeviceError> {
        match self.0 {
            Kind::Paced(paced) => paced.stop(),
            Kind::Place(_) | Kind::Port(_) => Ok(()),
            #[cfg(feature = "sound-card")]
            Kind::Sound(sound) => sound.stop(),
        }
    }
}

/// Why a device does not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The file to be heard, or the one to be written.
    #[error(transparent)]
    Wav(#[from] WavError),
    /// A thread could not be started.
    #[error("cannot start the device's thread: {0}")]
    Thread(io::Error),
    /// This program was built without sound cards.
    #[error("this build has no sound cards: build with the feature `sound-card`, or use files")]
    NoSoundCards,
    /// This program was built without sound processing.
    #[error("this build does not process sound: build with the feature `sound-processing`")]
    NoProcessing,
    /// All places for calls whose sound is pushed and pulled are taken.
    #[error("no place is left for the sound of another call: end one, or make more places")]
    NoPlace,
    /// There is no such card.
    #[error("no sound card {name} for {direction}; `rove devices` lists them")]
    NotFound {
        /// What was asked for, quoted, or "by default".
        name: String,
        /// "input" or "output".
        direction: &'static str,
    },
    /// The card refused or was lost.
    #[error("the sound card failed: {0}")]
    Card(String),
}
