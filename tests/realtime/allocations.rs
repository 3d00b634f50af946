//! No allocation in a callback.

use std::process::Command;

use rove_base::{ClockRate, CodecId, Instant, PayloadType};
use rove_codecs::{CodecError, Decoder};
use rove_core::playout::{Formats, Playout, PlayoutConfig};
use rove_io::{
    bridge::{InputKnobs, OutputKnobs, Sizes, crossings},
    callback::Output,
};

use crate::{CALLBACKS, guard::no_alloc, scene::Scene};

#[test]
fn callbacks_do_not_allocate_with_opus() {
    run(CodecId::Opus);
}

#[test]
fn callbacks_do_not_allocate_with_g711() {
    run(CodecId::Pcmu);
    run(CodecId::Pcma);
}

fn run(id: CodecId) {
    let mut scene = Scene::new(id, 11);
    let mut out = vec![0.0; scene.pcm.len()];
    for _ in 0..CALLBACKS {
        scene.advance();
        let (input, output, now, pcm) = (&mut scene.input, &mut scene.output, scene.now, &scene.pcm);
        no_alloc(|| {
            input.capture(now, pcm);
            output.render(now, &mut out);
        });
        assert!(out.iter().all(|sample| sample.is_finite()));
    }
    scene.assert_eventful();
}

/// A decoder that breaks the contract.
struct Careless {
    allocate: fn(),
}

impl Decoder for Careless {
    fn sample_rate(&self) -> u32 {
        8_000
    }
    fn duration(&self, _: &[u8]) -> Result<usize, CodecError> {
        Ok(160)
    }
    fn decode(&mut self, _: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        (self.allocate)();
        out[..160].fill(0.0);
        Ok(160)
    }
    fn conceal(&mut self, out: &mut [f32]) {
        out.fill(0.0);
    }
    fn reset(&mut self) {}
}

fn render_with(allocate: fn()) {
    use rove_core::{jitter::PacketSink, rtp::RtpView};
    let mut ends = crossings(Sizes::default(), InputKnobs::default(), OutputKnobs::default());
    let config = PlayoutConfig::default();
    let playout = Playout::new(
        ends.packets,
        Box::new(Careless { allocate }),
        Formats::speech(PayloadType::from_header(0), ClockRate::TELEPHONE),
        config,
    );
    let mut output = Output::new(Box::new(playout), ends.output);
    let mut datagram = [0; 172];
    datagram[0] = 0x80;
    assert!(ends.media.packets.push(Instant::ZERO, &RtpView::parse(&datagram).unwrap()));
    let mut out = [0.0; 160];
    // Later than any first wait: the packet is decoded now.
    no_alloc(|| output.render(Instant::from_nanos(300_000_000), &mut out));
}

#[test]
fn a_decoder_that_allocates_is_caught_and_one_that_does_not_is_not() {
    render_with(|| ());
    for cheat in ["cheat_in_rust", "cheat_in_c"] {
        if cfg!(not(all(target_os = "linux", target_env = "gnu"))) && cheat == "cheat_in_c" {
            println!("skipped: {cheat}");
            continue;
        }
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", &format!("allocations::{cheat}")])
            .env("RUST_BACKTRACE", "0")
            .output()
            .unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::process::ExitStatusExt;
            assert_eq!(status.status.signal(), Some(libc::SIGABRT), "{cheat}: {status:?}");
        }
        assert!(!status.status.success(), "{cheat}");
    }
}

#[test]
#[ignore = "negative control: must abort; run by the test above"]
fn cheat_in_rust() {
    render_with(|| drop(core::hint::black_box(vec![0_u8; 100])));
}

#[test]
#[ignore = "negative control: must abort; run by the test above"]
#[allow(unsafe_code)]
fn cheat_in_c() {
    render_with(|| {
        // SAFETY: what is allocated is freed, once.
        unsafe { libc::free(core::hint::black_box(libc::malloc(core::hint::black_box(100)))) };
    });
}
