use std::{
    f32::consts::TAU,
    path::Path,
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use hound::{SampleFormat, WavSpec, WavWriter};
use rove_base::Instant;

use super::{
    Clip,
    adapt::{CardCapture, CardRender},
    *,
};

const PATIENCE: Duration = Duration::from_secs(5);

fn sine(hertz: f32, rate: u32, samples: usize) -> Vec<f32> {
    (0..samples).map(|n| 0.5 * (TAU * hertz * n as f32 / rate as f32).sin()).collect()
}

/// How alike two clips are: 1 for the same shape.
fn likeness(a: &[f32], b: &[f32]) -> f32 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn write_wav(path: &Path, spec: WavSpec, mono: &[f32]) {
    let mut writer = WavWriter::create(path, spec).unwrap();
    for &sample in mono {
        for channel in 0..spec.channels {
            // Two thirds on the left, the mean stays the same.
            let weight = if spec.channels == 2 { [4.0 / 3.0, 2.0 / 3.0][usize::from(channel)] } else { 1.0 };
            let sample = sample * weight;
            match spec.sample_format {
                SampleFormat::Float => writer.write_sample(sample).unwrap(),
                SampleFormat::Int => {
                    let full = 2_f32.powi(i32::from(spec.bits_per_sample) - 1) - 1.0;
                    writer.write_sample((sample * full) as i32).unwrap();
                }
            }
        }
    }
    writer.finalize().unwrap();
}

#[test]
fn wav_files_of_every_common_kind_read_as_the_same_sound() {
    let directory = tempfile::tempdir().unwrap();
    let expected = sine(440.0, 48_000, 48_000);
    for (rate, channels, bits, format) in [
        (8_000, 1, 16, SampleFormat::Int),
        (16_000, 1, 8, SampleFormat::Int),
        (22_050, 2, 16, SampleFormat::Int),
        (44_100, 2, 24, SampleFormat::Int),
        (48_000, 2, 32, SampleFormat::Int),
        (96_000, 6, 32, SampleFormat::Float),
        (11_025, 1, 32, SampleFormat::Float),
    ] {
        let what = format!("{rate} Hz, {channels} channels, {bits} bit {format:?}");
        let spec = WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format: format };
        let path = directory.path().join("clip.wav");
        write_wav(&path, spec, &sine(440.0, rate, rate as usize));
        let mono = read_mono(&path, 48_000).unwrap();
        assert!(mono.len().abs_diff(48_000) <= 6, "{what}: {} samples", mono.len());
        let middle = 4_800..43_200;
        let likeness = likeness(&mono[middle.clone()], &expected[middle]);
        assert!(likeness > 0.999, "{what}: likeness {likeness}");
    }
}

#[test]
fn what_is_no_wav_file_is_named_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("speech.wav");
    let error = read_mono(&path, 8_000).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot read {}", path.display())), "{error}");
    std::fs::write(&path, b"RIFF but then nothing that makes sense").unwrap();
    assert!(matches!(read_mono(&path, 8_000), Err(WavError::File { what: "read", .. })));
    let spec =
        WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    write_wav(&path, spec, &[]);
    assert!(matches!(read_mono(&path, 8_000), Err(WavError::Nothing { .. })));
}

#[test]
fn floats_beyond_full_scale_or_no_numbers_are_tamed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wild.wav");
    let spec =
        WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 32, sample_format: SampleFormat::Float };
    write_wav(&path, spec, &[f32::NAN, f32::INFINITY, 7.0, -7.0, 0.25]);
    assert_eq!(read_mono(&path, 8_000).unwrap(), [0.0, 0.0, 1.0, -1.0, 0.25]);
}

#[test]
fn a_recording_is_what_was_written_and_readable_before_it_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.wav");
    let clip = sine(300.0, 8_000, 8_000);
    let mut recorder = WavRecorder::create(&path, 8_000).unwrap();
    for block in clip.chunks(80) {
        recorder.write(block).unwrap();
    }
    let unfinished = read_mono(&path, 8_000).unwrap();
    assert!(unfinished.len() >= 4_000, "{} samples", unfinished.len());
    recorder.finish().unwrap();
    let back = read_mono(&path, 8_000).unwrap();
    assert_eq!(back.len(), clip.len());
    assert!(clip.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1.0 / 16_000.0));
}

#[test]
fn blocks_are_converted_without_allocation_and_without_losing_time() {
    for (from, to) in [(44_100, 48_000), (48_000, 8_000), (8_000, 48_000), (48_000, 44_100)] {
        let clip = sine(440.0, from, from as usize);
        let mut pushed = ChunkedResampler::new(from, to, from as usize / 100, Fixed::Input).unwrap();
        let mut pulled = ChunkedResampler::new(from, to, to as usize / 100, Fixed::Output).unwrap();
        let (mut made, mut asked, mut got) = (0, 0, 0);
        assert_no_alloc::assert_no_alloc(|| {
            clip.chunks(333).for_each(|block| pushed.push(block, |out| made += out.len()));
            for _ in 0..100 {
                got += pulled.pull(|room| asked += room.len()).len();
            }
        });
        assert!(made.abs_diff(to as usize) <= to as usize / 50, "{from} to {to}: {made} out");
        assert_eq!(got, to as usize);
        assert!(asked.abs_diff(from as usize) <= from as usize / 50, "{from} to {to}: {asked} in");
    }
}

#[test]
fn a_clip_that_is_pushed_in_blocks_keeps_its_shape() {
    let mut resampler = ChunkedResampler::new(44_100, 48_000, 441, Fixed::Input).unwrap();
    let (clip, mut out) = (sine(440.0, 44_100, 44_100), Vec::new());
    clip.chunks(100).for_each(|block| resampler.push(block, |made| out.extend_from_slice(made)));
    let best = (0..200)
        .map(|delay| {
            likeness(&out[4_800 + delay..38_400 + delay], &sine(440.0, 48_000, 48_000)[4_800..38_400])
        })
        .fold(0.0, f32::max);
    assert!(best > 0.999, "{best}");
}

struct Heard(Sender<(Instant, Vec<f32>)>);

impl Capture for Heard {
    fn capture(&mut self, now: Instant, pcm: &[f32]) {
        let _ = self.0.send((now, pcm.to_vec()));
    }
}

/// Plays a saw tooth that counts samples.
struct Counting(u32);

impl Render for Counting {
    fn render(&mut self, _now: Instant, out: &mut [f32]) {
        for sample in out {
            *sample = (self.0 % 1_000) as f32 / 1_000.0;
            self.0 += 1;
        }
    }
}

fn ends() -> (Ends, Receiver<(Instant, Vec<f32>)>) {
    let (heard, hear) = mpsc::channel();
    (Ends { rate: 8_000, capture: Box::new(Heard(heard)), render: Box::new(Counting(0)) }, hear)
}

#[test]
fn a_file_device_hears_its_clip_then_silence_and_records_what_it_plays() {
    let directory = tempfile::tempdir().unwrap();
    let (play, record) = (directory.path().join("in.wav"), directory.path().join("out.wav"));
    let clip = sine(440.0, 8_000, 200);
    let spec =
        WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 32, sample_format: SampleFormat::Float };
    write_wav(&play, spec, &clip);
    let (ends, hear) = ends();
    let config = FileConfig {
        play: Some(Clip::read(&play, &[]).unwrap()),
        repeat: false,
        record: Some(record.clone()),
    };
    let running = DeviceConfig::File(config).start(Clock::new(), ends).unwrap();
    let mut heard = Vec::new();
    while heard.len() < 400 {
        heard.extend(hear.recv_timeout(PATIENCE).unwrap().1);
    }
    assert!(running.played_out());
    running.stop().unwrap();
    assert_eq!(heard[..200], clip);
    assert!(heard[200..].iter().all(|&sample| sample == 0.0));
    let recorded = read_mono(&record, 8_000).unwrap();
    assert!(recorded.len() >= 400);
    assert!(recorded.iter().enumerate().all(|(n, s)| (s - (n % 1_000) as f32 / 1_000.0).abs() < 1e-3));
}

#[test]
fn a_repeated_clip_has_no_seam_and_never_ends() {
    let directory = tempfile::tempdir().unwrap();
    let play = directory.path().join("in.wav");
    let clip: Vec<f32> = (0..70).map(|n| n as f32 / 100.0).collect();
    let spec =
        WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 32, sample_format: SampleFormat::Float };
    write_wav(&play, spec, &clip);
    let (ends, hear) = ends();
    let config = FileConfig { play: Some(Clip::read(&play, &[8_000]).unwrap()), repeat: true, record: None };
    let running = DeviceConfig::File(config).start(Clock::new(), ends).unwrap();
    let mut heard = Vec::new();
    while heard.len() < 320 {
        heard.extend(hear.recv_timeout(PATIENCE).unwrap().1);
    }
    assert!(!running.played_out());
    running.stop().unwrap();
    assert!(heard.iter().zip(clip.iter().cycle()).all(|(a, b)| a == b));
}

#[test]
fn the_pace_does_not_drift() {
    let (ends, hear) = ends();
    let clock = Clock::new();
    let before = clock.mono();
    let running = DeviceConfig::Null.start(clock, ends).unwrap();
    let heard: Vec<_> = (0..30).map(|_| hear.recv_timeout(PATIENCE).unwrap()).collect();
    drop(running);
    let (first_sample, pcm) = &heard[29];
    assert_eq!(*pcm, [0.0; 80]);
    let taken = first_sample.since(before);
    assert!(taken >= Duration::from_millis(280), "{taken:?} until the first sample of the thirtieth block");
}

/// Keeps what it hears, in room that is there from the start.
struct Kept {
    pcm: Vec<f32>,
    first: Option<Instant>,
    done: Sender<(Option<Instant>, Vec<f32>)>,
}

impl Capture for Kept {
    fn capture(&mut self, now: Instant, pcm: &[f32]) {
        self.first.get_or_insert(now);
        self.pcm.extend_from_slice(pcm);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.done.send((self.first, std::mem::take(&mut self.pcm)));
    }
}

#[test]
fn a_card_of_two_channels_and_another_rate_hears_the_same_sound() {
    for card_rate in [8_000, 44_100, 48_000] {
        let (done, result) = mpsc::channel();
        let kept = Kept { pcm: Vec::with_capacity(20_000), first: None, done };
        let mut card = CardCapture::new(Box::new(kept), 8_000, card_rate, 2).unwrap();
        let second: Vec<i16> = sine(440.0, card_rate, card_rate as usize)
            .iter()
            .flat_map(|sample| [(sample * 40_000.0) as i16, (sample * 20_000.0) as i16])
            .collect();
        let until = Instant::from_nanos(2_000_000_000);
        assert_no_alloc::assert_no_alloc(|| {
            card.heard(until, &second, |sample| f32::from(sample) / 30_000.0);
        });
        drop(card);
        let (first, pcm) = result.recv_timeout(PATIENCE).unwrap();
        assert_eq!(first.unwrap() + Duration::from_secs(1), until);
        assert!(pcm.len().abs_diff(8_000) <= 100, "{card_rate}: {}", pcm.len());
        let best = (0..40)
            .map(|delay| likeness(&pcm[800 + delay..7_200 + delay], &sine(440.0, 8_000, 8_000)[800..7_200]))
            .fold(0.0, f32::max);
        assert!(best > 0.99, "{card_rate}: {best}");
    }
}

#[test]
fn a_card_plays_every_sample_once_in_all_its_channels_whatever_its_blocks() {
    let mut card = CardRender::new(Box::new(Counting(0)), 8_000, 8_000, 2).unwrap();
    let (mut at, mut played) = (Instant::ZERO, Vec::new());
    for frames in [1, 7, 64, 480, 1_000] {
        let mut out = vec![0.0; frames * 2];
        assert_no_alloc::assert_no_alloc(|| card.play(at, &mut out, |sample| sample));
        played.extend(out.chunks(2).map(|frame| (frame[0], frame[1])));
        at += Duration::from_millis(1);
    }
    for (n, (left, right)) in played.iter().enumerate() {
        assert_eq!((*left, *right), ((n % 1_000) as f32 / 1_000.0, (n % 1_000) as f32 / 1_000.0));
    }
    let mut other = CardRender::new(Box::new(Counting(0)), 8_000, 48_000, 1).unwrap();
    let mut out = vec![9.0_f32; 4_800];
    assert_no_alloc::assert_no_alloc(|| other.play(at, &mut out, |sample| sample));
    assert!(out.iter().all(|sample| (-0.2..1.2).contains(sample)), "all was filled");
}

#[cfg(not(feature = "sound-card"))]
#[test]
fn a_build_without_sound_cards_says_so() {
    let result = DeviceConfig::Sound(SoundConfig::default()).start(Clock::new(), ends().0);
    assert!(matches!(result, Err(DeviceError::NoSoundCards)));
}
