//! A running sender takes up another codec, or other numbers for the one it has.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::PayloadType;
use rove_codecs::Encoder;

use super::{
    Distances, Sender, SenderConfig, budget::Budget, comfort::Comfort, history::History, keys::Keys,
};

/// What of a sender changes, made where allocating is fine. Afterwards it holds what is of no more use.
pub struct Recoding {
    encoder: Option<Box<dyn Encoder>>,
    config: SenderConfig,
    comfort: Option<(PayloadType, Box<Comfort>)>,
    history: History,
}

impl Recoding {
    /// Sends as `config` says from now on, with `encoder` where there is one; else with the one there is. Captured samples
    /// come at `rate` as before. Names and first numbers in `config` count for nothing: the stream is the same.
    #[must_use]
    pub fn new(encoder: Option<Box<dyn Encoder>>, rate: u32, config: SenderConfig) -> Self {
        let comfort = config.comfort_noise.map(|number| (number, Box::new(Comfort::new(rate))));
        Self { encoder, config, comfort, history: History::new() }
    }
}

impl Sender {
    /// Goes on as `recoding` says from the next frame on, under the same name, with the next number; timestamps go on from
    /// where they are, whatever they count (RFC 7160 §4.1).
    ///
    /// # Realtime
    ///
    /// Neither allocates nor frees.
    pub fn recode(&mut self, recoding: &mut Recoding) {
        let Self { framer, line, .. } = self;
        let SenderConfig { ssrc, first_seq, first_timestamp, clock, .. } = line.config;
        line.config = SenderConfig { ssrc, first_seq, first_timestamp, ..recoding.config };
        core::mem::swap(&mut line.comfort, &mut recoding.comfort);
        line.budget = Budget::new(line.config.bitrate);
        let now = line.config.clock;
        if let Some(encoder) = &mut recoding.encoder {
            core::mem::swap(encoder, &mut line.encoder);
            core::mem::swap(&mut recoding.history, &mut line.history);
            let per_tick = line.encoder.sample_rate().checked_div(now.hertz());
            line.samples_per_tick = per_tick.unwrap_or(1).max(1);
            (line.tuned, line.leaving, line.marker) = (None, (Distances::NONE, u8::MAX), true);
        }
        if clock != now {
            line.keys = Keys::new(now);
            let elapsed = u128::from(line.elapsed).saturating_mul(now.hertz().into());
            let elapsed = elapsed.checked_div(clock.hertz().into()).unwrap_or(0);
            line.elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        }
        framer.set_frame(line.samples(line.config.packet_time));
    }
}
