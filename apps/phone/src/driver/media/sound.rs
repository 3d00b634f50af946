//! What the calls of a phone speak with and listen to, and when it runs.

use rove_io::{
    clock::Clock,
    device::{DeviceConfig, Ends, FileConfig, Running, Sleeper, SoundConfig},
};
use rove_session::CallId;

use super::{Media, numbered};
use crate::Audio;

/// A call's device.
pub(super) enum Device {
    Running(Running),
    /// One that runs only while the owner lets it.
    Owned(Sleeper),
}

impl Device {
    /// The device, while it runs.
    pub(super) const fn running(&self) -> Option<&Running> {
        match self {
            Self::Running(running) => Some(running),
            Self::Owned(sleeper) => sleeper.running(),
        }
    }

    /// Stops it, so that its recording is whole.
    pub(super) fn stop(self) -> Result<(), String> {
        let stopped = match self {
            Self::Running(running) => running.stop(),
            Self::Owned(mut sleeper) => sleeper.sleep(),
        };
        stopped.map_err(|error| error.to_string())
    }
}

impl Media {
    /// The device for the next call, and the files it uses.
    pub(super) fn device(&mut self) -> (DeviceConfig, FileConfig) {
        match &self.audio {
            Audio::Null | Audio::Room { .. } | Audio::Ports { .. } => {
                (DeviceConfig::Null, FileConfig::default())
            }
            Audio::Files { repeat, record, .. } => {
                self.recordings += 1;
                let record = record.as_deref().map(|path| numbered(path, self.recordings));
                let files = FileConfig { play: self.clip.clone(), repeat: *repeat, record };
                (DeviceConfig::File(files.clone()), files)
            }
            Audio::SoundCard { input, output } => {
                let card =
                    SoundConfig { input: input.clone(), output: output.clone(), ..SoundConfig::default() };
                (DeviceConfig::Sound(card), FileConfig::default())
            }
        }
    }

    /// Starts what drives `ends` in a call; what the owner has to let run waits for that.
    pub(super) fn begin_sound(
        audio: &Audio,
        awake: Option<bool>,
        (call, clock): (CallId, Clock),
        device: DeviceConfig,
        ends: Ends,
    ) -> Result<Device, String> {
        if let Audio::Ports { ports, first, rate } = audio {
            let running = ports.attach(first.wrapping_add(call.0), clock, *rate, ends);
            return running.map(Device::Running).map_err(|error| error.to_string());
        }
        let Some(awake) = awake else {
            return device.start(clock, ends).map(Device::Running).map_err(|error| error.to_string());
        };
        let mut sleeper = Sleeper::new(device, clock, ends);
        if awake {
            sleeper.wake().map_err(|error| error.to_string())?;
        }
        Ok(Device::Owned(sleeper))
    }

    /// Whether the devices may run, where that is for the owner to say.
    pub(in crate::driver) fn let_sound(&mut self, run: bool) {
        let Some(awake) = &mut self.awake else { return };
        *awake = run;
        for (call, entry) in &mut self.calls {
            let Some(Device::Owned(sleeper)) = &mut entry.device else { continue };
            let done = if run { sleeper.wake() } else { sleeper.sleep() };
            if let Err(error) = done {
                tracing::error!(target: "rove::device", call = call.0, %error, "the device failed");
            }
        }
    }

    /// Whether what this phone hears with is passed on to the other side of a call.
    pub(in crate::driver) fn mute_self(&mut self, call: CallId, muted: bool) {
        if let Some(control) = self.calls.get_mut(&call).and_then(|entry| entry.control.as_mut()) {
            control.input.update(|knobs| knobs.muted = muted);
        }
    }
}
