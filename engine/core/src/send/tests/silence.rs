//! Silence told by comfort noise, where a codec has none of its own.

use super::*;

/// 8 kHz noise of about `level` as amplitude.
fn noise(level: f32, samples: usize) -> Vec<f32> {
    let mut seed = 7_u32;
    let next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1_u32 << 23) as f32 - 1.0
    };
    core::iter::repeat_with(next).map(|sample| sample * level).take(samples).collect()
}

/// What is sent for each 20 ms: v voice, n noise, - nothing.
fn sent_for(pcm: &[f32]) -> String {
    let config = SenderConfig {
        payload_type: PayloadType::from_header(0),
        comfort_noise: Some(PayloadType::from_header(13)),
        telephone_event: None,
        red: None,
        clock: ClockRate::TELEPHONE,
        bitrate: None,
        ..red_config(64_000)
    };
    let mut sender = Sender::new(Box::new(rove_codecs::g711::PcmuEncoder::new()), config);
    let (mut out, mut silent, mut noisy) = (Scratch::default(), false, false);
    let mut kind = |frame: &[f32]| {
        sender.capture(Instant::ZERO, frame);
        let Some(span) = sender.next_packet(&mut out) else {
            (silent, noisy) = (true, false);
            return '-';
        };
        let packet = RtpView::parse(out.get(span)).unwrap();
        let noise = packet.payload_type().number() == 13;
        assert!(noise || packet.payload().len() == 160);
        assert!(!noise || packet.payload().len() <= 13);
        if sender.packets() > 1 {
            assert_eq!(
                packet.marker(),
                !noise && (silent || noisy),
                "a marker on the first voice after a silence"
            );
        }
        (silent, noisy) = (false, noise);
        if noise { 'n' } else { 'v' }
    };
    pcm.chunks(160).map(&mut kind).collect()
}

#[test]
fn background_becomes_comfort_noise_after_a_hangover_and_is_refreshed() {
    let sent = sent_for(&noise(0.003, 8_000 * 4));
    assert!(sent.starts_with("vvvvvvvvvvv"), "open for a while: {sent}");
    let silence = &sent[20..];
    assert!(!silence.contains('v'), "{sent}");
    let told = silence.matches('n').count();
    assert!((6..=20).contains(&told), "{told} in {} frames", silence.len());
}

#[test]
fn digital_silence_needs_next_to_nothing() {
    let sent = sent_for(&[0.0; 8_000 * 4]);
    assert!(sent.matches('v').count() <= 13 && sent.matches('n').count() <= 10, "{sent}");
}

#[test]
fn tones_and_what_stands_out_are_never_cut() {
    let tone: Vec<f32> = (0..8_000 * 20).map(|n| 0.1 * (n as f32 * 0.345).sin()).collect();
    assert!(!sent_for(&tone).contains(['n', '-']), "a tone, however long");
    let dial = |n: usize| 0.05 * ((n as f32 * 0.2749).sin() + (n as f32 * 0.3456).sin());
    let dial: Vec<f32> = (0..8_000 * 20).map(dial).collect();
    assert!(!sent_for(&dial).contains(['n', '-']), "a dial tone");
    let mut sound = noise(0.003, 8_000 * 3);
    sound.extend(noise(0.3, 8_000));
    sound.extend(noise(0.003, 8_000 * 2));
    let sent = sent_for(&sound);
    assert!(!sent[150..200].contains(['n', '-']), "from the first frame on: {sent}");
    assert!(sent[200..210].chars().all(|kind| kind == 'v'), "and the gate does not close at once: {sent}");
    assert!(!sent[220..].contains('v'), "{sent}");
}
