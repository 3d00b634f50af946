//! A stream goes on by another plan: held, resumed, to another address, with other keys, with another codec.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{CodecId, CodecPlan, Direction, MediaPlan, Now, Security};

use super::{FirstNumbers, Stream, StreamError, gate::Rekey, steer::Steering};
use crate::{
    codec,
    jitter::PacketSink,
    path::Path,
    playout::Formats,
    send::{Recoding, SenderConfig},
};

/// What a new plan changes of a running stream. It is made where allocating is fine, handed to [`Stream::replan`], and then
/// holds what is of no more use, to be dropped where dropping is fine.
pub struct Replan<K> {
    path: Path,
    direction: Direction,
    rekey: Rekey,
    codec: Option<Box<Recode<K>>>,
    plan: MediaPlan,
}

/// Another codec, or other numbers or settings for the one there is.
struct Recode<K> {
    recoding: Recoding,
    steering: Option<Steering>,
    formats: Formats,
    sinks: [Option<K>; 2],
}

impl<K: PacketSink> Replan<K> {
    /// From `before` to `after`. Captured samples come at `rate` per second as ever, to which another codec is fitted.
    /// `sink` takes what is received in another format than before; [`Replan::needs_sink`] says whether there has to be one.
    ///
    /// # Errors
    ///
    /// [`StreamError`] when the codec cannot be set up as `after` asks, also where its clock is faster than `rate`.
    pub fn new(
        now: Now,
        before: &MediaPlan,
        after: &MediaPlan,
        rate: u32,
        sink: Option<K>,
    ) -> Result<Self, StreamError> {
        let codec = (before.codec() != after.codec())
            .then(|| Recode::new(now, before, after, rate, sink).map(Box::new))
            .transpose()?;
        Ok(Self {
            path: Path::new(after).ok_or(StreamError::NoRoute)?,
            direction: after.direction(),
            rekey: Rekey::new(before, after)?,
            codec,
            plan: after.clone(),
        })
    }
}

impl<K> Replan<K> {
    /// Whether what is received by `after` needs another playout than by `before`, and so another sink.
    #[must_use]
    pub fn needs_sink(before: &MediaPlan, after: &MediaPlan) -> bool {
        let heard = |plan: &MediaPlan| (plan.codec().id, plan.codec().receive_payload_type);
        heard(before) != heard(after)
    }
}

impl<K> Recode<K> {
    fn new(
        now: Now,
        before: &MediaPlan,
        after: &MediaPlan,
        rate: u32,
        sink: Option<K>,
    ) -> Result<Self, StreamError> {
        let coded = |plan: &CodecPlan| (plan.id, plan.bitrate, plan.max_playback_rate, plan.dtx);
        let (old, new) = (before.codec(), after.codec());
        let encoder = match coded(old) == coded(new) {
            true => None,
            false => Some(codec::encoder_at(after, rate)?),
        };
        let config = sender_config(after, &FirstNumbers::ZERO);
        Ok(Self {
            recoding: Recoding::new(encoder, rate, config),
            steering: (steered(old) != steered(new)).then(|| Steering::of(now.mono, after)),
            formats: Formats::of(after),
            sinks: [sink, None],
        })
    }
}

/// How `plan` is sent, from `first` on.
pub(super) fn sender_config(plan: &MediaPlan, first: &FirstNumbers) -> SenderConfig {
    let codec = plan.codec();
    SenderConfig {
        ssrc: first.ssrc,
        first_seq: first.sendable(*plan.security() != Security::Clear),
        first_timestamp: first.timestamp,
        payload_type: codec.send_payload_type,
        red: codec.red.map(|numbers| numbers.send),
        telephone_event: codec.telephone_event.map(|numbers| numbers.send),
        // Opus has a silence of its own.
        comfort_noise: codec
            .comfort_noise
            .filter(|_| codec.dtx && codec.id != CodecId::Opus)
            .map(|numbers| numbers.send),
        clock: codec.id.clock_rate(),
        packet_time: codec.packet_time,
        bitrate: codec.bitrate,
    }
}

/// What decides how to send.
fn steered(codec: &CodecPlan) -> impl PartialEq {
    let CodecPlan { id, packet_time, max_packet_time, bitrate, inband_fec, deep_redundancy, .. } = *codec;
    (id, packet_time, max_packet_time, bitrate, inband_fec, deep_redundancy, codec.red.is_some())
}

impl<K: PacketSink> Stream<K> {
    /// Goes on as `replan` says. All else stays: names, numbers, keys that are the same, and what is buffered where the
    /// codec stays.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor frees.
    pub fn replan(&mut self, replan: &mut Replan<K>) {
        let now = self.now.mono;
        if !replan.direction.sends() {
            self.steering.pause();
        }
        self.direction = replan.direction;
        if let Some(gate) = &mut self.gate {
            gate.redirect(now, &replan.path);
            gate.rekey(&mut replan.rekey, now);
        }
        let Some(codec) = &mut replan.codec else { return };
        self.guard.recode(codec.formats.clock);
        self.sender.recode(&mut codec.recoding);
        if let Some(steering) = &mut codec.steering {
            steering.succeed(&mut self.steering, now, &mut self.sender);
            core::mem::swap(steering, &mut self.steering);
        }
        self.judge.recode(&replan.plan, &self.sender);
        self.guard.tolerate(self.judgement.tolerance().loss(self.judge.codec()));
        self.reporter.recode(&replan.plan);
        self.receiver.recode(codec.formats, &mut codec.sinks);
    }
}

impl<K> core::fmt::Debug for Replan<K> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Replan").field("direction", &self.direction).finish_non_exhaustive()
    }
}
