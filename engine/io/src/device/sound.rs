//! The sound card, through cpal.

use std::{
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread::JoinHandle,
};

use cpal::{
    BufferSize, FromSample, SampleFormat, SizedSample, StreamConfig, SupportedBufferSize,
    SupportedStreamConfig, SupportedStreamConfigRange,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};

use super::{
    Capture, DeviceError, DeviceEvent, Ends, Render, SoundConfig,
    adapt::{CardCapture, CardRender},
    plug::{Cards, Lost, Plugged, Report},
};
use crate::clock::Clock;

/// A sound card as a list shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CardInfo {
    /// The name that people know it by; one way to choose it.
    pub name: String,
    /// The name that the sound system knows it by, such as `hw:CARD=0`; the other way. Two cards never share it.
    pub id: String,
    /// Whether it has a microphone.
    pub input: bool,
    /// Whether it has a loudspeaker.
    pub output: bool,
    /// Whether the system prefers it for input.
    pub default_input: bool,
    /// Whether the system prefers it for output.
    pub default_output: bool,
}

/// All sound cards of this host.
///
/// # Errors
///
/// [`DeviceError::Card`] when the system's sound service does not answer.
pub fn cards() -> Result<Vec<CardInfo>, DeviceError> {
    let host = cpal::default_host();
    let (input, output) = (host.default_input_device(), host.default_output_device());
    let devices = host.devices()?;
    Ok(devices
        .map(|device| CardInfo {
            name: device.to_string(),
            id: device.id().map_or_else(|_| String::new(), |id| id.id().to_owned()),
            input: device.supports_input(),
            output: device.supports_output(),
            default_input: input.as_ref() == Some(&device),
            default_output: output.as_ref() == Some(&device),
        })
        .filter(|card| card.input || card.output)
        .collect())
}

/// The thread that holds the cards.
#[derive(Debug)]
pub(super) struct Sound {
    stop: Option<Sender<Report>>,
    thread: Option<JoinHandle<Option<String>>>,
    events: Receiver<DeviceEvent>,
}

impl Sound {
    pub(super) fn try_event(&self) -> Option<DeviceEvent> {
        self.events.try_recv().ok()
    }

    pub(super) fn stop(mut self) -> Result<(), DeviceError> {
        self.join().map_or(Ok(()), |why| Err(DeviceError::Card(why)))
    }

    fn join(&mut self) -> Option<String> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(Report::Stop);
        }
        self.thread.take().and_then(|thread| thread.join().ok()).flatten()
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        self.join();
    }
}

/// Whether a card that reported `error` is lost to the call.
fn is_lasting(error: &cpal::Error) -> bool {
    use cpal::ErrorKind::{DeviceChanged, RealtimeDenied, Xrun};
    !matches!(error.kind(), Xrun | RealtimeDenied | DeviceChanged)
}

/// Opens both directions, each as close to the stream's rate as the card has it, and keeps them open.
pub(super) fn start(config: &SoundConfig, clock: Clock, ends: Ends) -> Result<Sound, DeviceError> {
    let names = [config.input.clone(), config.output.clone()];
    let (opened, open) = mpsc::channel();
    let (tell, events) = mpsc::channel();
    // Cards are opened, held and closed on one thread: not every sound system lets them move.
    let thread = std::thread::Builder::new()
        .name("rove-cards".into())
        .spawn(move || {
            let Ends { rate, capture, render } = ends;
            match Plugged::open(System { clock, rate }, names, capture, render) {
                Ok((plugged, reports)) => {
                    let _ = opened.send(Ok(plugged.reporter()));
                    keep(plugged, &reports, clock, &tell)
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                    None
                }
            }
        })
        .map_err(DeviceError::Thread)?;
    match open.recv() {
        Ok(Ok(stop)) => Ok(Sound { stop: Some(stop), thread: Some(thread), events }),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(DeviceError::Card("its thread ended".into())),
    }
}

/// Until it is told to stop; answers why a card is missing then, if one is.
fn keep(
    mut plugged: Plugged<System>,
    reports: &Receiver<Report>,
    clock: Clock,
    events: &Sender<DeviceEvent>,
) -> Option<String> {
    let mut tell = |event: DeviceEvent| {
        tracing::warn!(target: "rove::device", ?event, "sound card");
        let _ = events.send(event);
    };
    loop {
        let wake = plugged.turn(clock.mono(), &mut tell);
        let report = match wake {
            None => reports.recv().ok(),
            Some(wake) => match reports.recv_timeout(wake.since(clock.mono())) {
                Err(RecvTimeoutError::Timeout) => continue,
                report => report.ok(),
            },
        };
        match report {
            Some(Report::Gone(gone)) => plugged.lost(clock.mono(), gone, &mut tell),
            Some(Report::Stop) | None => return plugged.failure().map(str::to_owned),
        }
    }
}

/// The sound system of this host.
struct System {
    clock: Clock,
    /// Samples per second of the ends.
    rate: u32,
}

impl Cards for System {
    type Stream = cpal::Stream;

    fn listen(
        &mut self,
        name: Option<&str>,
        capture: Box<dyn Capture>,
        lost: Lost,
    ) -> Result<cpal::Stream, DeviceError> {
        let microphone = find(&cpal::default_host(), name, true)?;
        let heard = choose(microphone.supported_input_configs()?, self.rate, 1)?;
        let capture = CardCapture::new(capture, self.rate, heard.sample_rate(), heard.channels())?;
        let stream = match heard.sample_format() {
            SampleFormat::F32 => listen::<f32>(&microphone, &heard, self.clock, capture, lost),
            SampleFormat::I32 => listen::<i32>(&microphone, &heard, self.clock, capture, lost),
            _ => listen::<i16>(&microphone, &heard, self.clock, capture, lost),
        }?;
        stream.play()?;
        Ok(stream)
    }

    fn speak(
        &mut self,
        name: Option<&str>,
        render: Box<dyn Render>,
        lost: Lost,
    ) -> Result<cpal::Stream, DeviceError> {
        let speaker = find(&cpal::default_host(), name, false)?;
        let played = choose(speaker.supported_output_configs()?, self.rate, 2)?;
        let render = CardRender::new(render, self.rate, played.sample_rate(), played.channels())?;
        let stream = match played.sample_format() {
            SampleFormat::F32 => speak::<f32>(&speaker, &played, self.clock, render, lost),
            SampleFormat::I32 => speak::<i32>(&speaker, &played, self.clock, render, lost),
            _ => speak::<i16>(&speaker, &played, self.clock, render, lost),
        }?;
        stream.play()?;
        Ok(stream)
    }
}

fn find(host: &cpal::Host, name: Option<&str>, input: bool) -> Result<cpal::Device, DeviceError> {
    let found = match name {
        None if input => host.default_input_device(),
        None => host.default_output_device(),
        Some(name) => host.devices()?.find(|device| {
            let fits = if input { device.supports_input() } else { device.supports_output() };
            fits && (device.to_string() == name || device.id().is_ok_and(|id| id.id() == name))
        }),
    };
    found.ok_or_else(|| DeviceError::NotFound {
        name: name.map_or_else(|| "by default".into(), |name| format!("\"{name}\"")),
        direction: if input { "input" } else { "output" },
    })
}

/// The configuration with the least conversion: the stream's rate, else 48 kHz, else the card's highest; then the channel
/// count nearest to `channels`; then floats.
fn choose(
    ranges: impl Iterator<Item = SupportedStreamConfigRange>,
    rate: u32,
    channels: u16,
) -> Result<SupportedStreamConfig, DeviceError> {
    let rank = |range: &SupportedStreamConfigRange| {
        let rate = match () {
            () if range.contains_rate(rate) => 0,
            () if range.contains_rate(GOOD_RATE) => 1,
            () => 2,
        };
        let format = match range.sample_format() {
            SampleFormat::F32 => 0,
            SampleFormat::I32 => 1,
            _ => 2,
        };
        (rate, range.channels().abs_diff(channels), format)
    };
    let usable = |range: &SupportedStreamConfigRange| {
        matches!(range.sample_format(), SampleFormat::F32 | SampleFormat::I32 | SampleFormat::I16)
    };
    let range = ranges
        .filter(usable)
        .min_by_key(rank)
        .ok_or_else(|| DeviceError::Card("it offers no sample format of 16 or 32 bits".into()))?;
    let at = |rate| range.try_with_sample_rate(rate);
    Ok(at(rate).or_else(|| at(GOOD_RATE)).unwrap_or_else(|| range.with_max_sample_rate()))
}

/// A fixed buffer of 10 ms, or what comes nearest: a sound service left to itself may choose seconds.
fn config_of(supported: &SupportedStreamConfig) -> StreamConfig {
    let wanted = supported.sample_rate() / 100;
    let frames = match *supported.buffer_size() {
        SupportedBufferSize::Range { min, max } => wanted.max(min).min(max),
        SupportedBufferSize::Unknown => wanted,
    };
    StreamConfig { buffer_size: BufferSize::Fixed(frames), ..supported.config() }
}

fn listen<T: SizedSample>(
    device: &cpal::Device,
    supported: &SupportedStreamConfig,
    clock: Clock,
    mut capture: CardCapture,
    lost: Lost,
) -> Result<cpal::Stream, DeviceError>
where
    f32: FromSample<T>,
{
    let heard = move |pcm: &[T], _: &cpal::InputCallbackInfo| {
        capture.heard(clock.mono(), pcm, f32::from_sample_);
    };
    let failed = move |error| report(&lost, &error);
    Ok(device.build_input_stream(config_of(supported), heard, failed, None)?)
}

fn speak<T: SizedSample + FromSample<f32>>(
    device: &cpal::Device,
    supported: &SupportedStreamConfig,
    clock: Clock,
    mut render: CardRender,
    lost: Lost,
) -> Result<cpal::Stream, DeviceError> {
    let play = move |pcm: &mut [T], _: &cpal::OutputCallbackInfo| {
        render.play(clock.mono(), pcm, T::from_sample_);
    };
    let failed = move |error| report(&lost, &error);
    Ok(device.build_output_stream(config_of(supported), play, failed, None)?)
}

fn report(lost: &Lost, error: &cpal::Error) {
    if is_lasting(error) {
        lost.tell(error.to_string());
    }
}

impl From<cpal::Error> for DeviceError {
    fn from(error: cpal::Error) -> Self {
        Self::Card(error.to_string())
    }
}

/// Every card of today has it.
const GOOD_RATE: u32 = 48_000;
