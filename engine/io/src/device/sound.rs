//! The sound card, through cpal.

use std::{
    fmt,
    sync::mpsc::{self, Receiver, Sender},
};

use cpal::{
    BufferSize, FromSample, SampleFormat, SizedSample, StreamConfig, SupportedBufferSize,
    SupportedStreamConfig, SupportedStreamConfigRange,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};

use super::{
    DeviceError, Ends, SoundConfig,
    adapt::{CardCapture, CardRender},
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

/// Both streams of a card at work.
pub(super) struct Sound {
    /// Held for their lives.
    _streams: [cpal::Stream; 2],
    failures: Receiver<cpal::Error>,
}

impl fmt::Debug for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sound(..)")
    }
}

impl Sound {
    pub(super) fn stop(self) -> Result<(), DeviceError> {
        let Self { _streams: streams, failures } = self;
        drop(streams);
        match failures.try_iter().find(is_lasting) {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

/// Whether a card that reported `error` is lost to the call.
fn is_lasting(error: &cpal::Error) -> bool {
    use cpal::ErrorKind::{DeviceChanged, RealtimeDenied, Xrun};
    !matches!(error.kind(), Xrun | RealtimeDenied | DeviceChanged)
}

/// Opens both directions, each as close to the stream's rate as the card has it, and starts them.
pub(super) fn start(config: &SoundConfig, clock: Clock, ends: Ends) -> Result<Sound, DeviceError> {
    let host = cpal::default_host();
    let microphone = find(&host, config.input.as_deref(), true)?;
    let speaker = find(&host, config.output.as_deref(), false)?;
    let (tell, failures) = mpsc::channel();

    let heard = choose(microphone.supported_input_configs()?, ends.rate, 1)?;
    let capture = CardCapture::new(ends.capture, ends.rate, heard.sample_rate(), heard.channels())?;
    let input = match heard.sample_format() {
        SampleFormat::F32 => listen::<f32>(&microphone, &heard, clock, capture, tell.clone()),
        SampleFormat::I32 => listen::<i32>(&microphone, &heard, clock, capture, tell.clone()),
        _ => listen::<i16>(&microphone, &heard, clock, capture, tell.clone()),
    }?;

    let played = choose(speaker.supported_output_configs()?, ends.rate, 2)?;
    let render = CardRender::new(ends.render, ends.rate, played.sample_rate(), played.channels())?;
    let output = match played.sample_format() {
        SampleFormat::F32 => speak::<f32>(&speaker, &played, clock, render, tell),
        SampleFormat::I32 => speak::<i32>(&speaker, &played, clock, render, tell),
        _ => speak::<i16>(&speaker, &played, clock, render, tell),
    }?;

    output.play()?;
    input.play()?;
    Ok(Sound { _streams: [input, output], failures })
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
    failures: Sender<cpal::Error>,
) -> Result<cpal::Stream, DeviceError>
where
    f32: FromSample<T>,
{
    let heard = move |pcm: &[T], _: &cpal::InputCallbackInfo| {
        capture.heard(clock.mono(), pcm, f32::from_sample_);
    };
    let failed = move |error| drop(failures.send(error));
    Ok(device.build_input_stream(config_of(supported), heard, failed, None)?)
}

fn speak<T: SizedSample + FromSample<f32>>(
    device: &cpal::Device,
    supported: &SupportedStreamConfig,
    clock: Clock,
    mut render: CardRender,
    failures: Sender<cpal::Error>,
) -> Result<cpal::Stream, DeviceError> {
    let play = move |pcm: &mut [T], _: &cpal::OutputCallbackInfo| {
        render.play(clock.mono(), pcm, T::from_sample_);
    };
    let failed = move |error| drop(failures.send(error));
    Ok(device.build_output_stream(config_of(supported), play, failed, None)?)
}

impl From<cpal::Error> for DeviceError {
    fn from(error: cpal::Error) -> Self {
        Self::Card(error.to_string())
    }
}

/// Every card of today has it.
const GOOD_RATE: u32 = 48_000;
