//! A playout and what comes to it, in virtual time.

use std::{collections::VecDeque, sync::Arc, sync::Mutex};

use rove_base::{ClockRate, Entropy, Instant, PayloadType, RtpTimestamp, SeqNumber, Ssrc};
use rove_codecs::{CodecError, Decoder};

use super::super::{Formats, Playout, PlayoutConfig, PlayoutMeter};
use crate::{
    jitter::{PacketSource, Slot},
    rtp::{RtpHeader, RtpView},
};

pub(super) const RATE: u32 = 8_000;
pub(super) const FRAME: u32 = 160;
pub(super) const SPEECH: u8 = 0;
pub(super) const RED: u8 = 63;
pub(super) const EVENT: u8 = 101;
/// Just under the wraps of sequence numbers and timestamps.
pub(super) const FIRST_SEQ: u16 = 0xfff0;
pub(super) const FIRST_TIMESTAMP: u32 = 0xffff_f000;

/// Each sample is its own number in the stream, as the payload says the first one's; concealment is -1000.
pub(super) struct Index {
    in_band: bool,
}

impl Decoder for Index {
    fn sample_rate(&self) -> u32 {
        RATE
    }
    fn duration(&self, payload: &[u8]) -> Result<usize, CodecError> {
        if payload.len() == 4 { Ok(FRAME as usize) } else { Err(CodecError::Payload { len: payload.len() }) }
    }
    fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        let samples = self.duration(payload)?;
        fill(u32::from_be_bytes(payload.try_into().unwrap()), &mut out[..samples]);
        Ok(samples)
    }
    fn conceal(&mut self, out: &mut [f32]) {
        assert!(out.len().is_multiple_of(20), "a multiple of 2.5 ms");
        out.fill(-1_000.0);
    }
    fn reach(&mut self, payload: &[u8]) -> usize {
        if self.in_band && payload.len() == 4 { FRAME as usize } else { 0 }
    }
    fn recover(&mut self, from: &[u8], back: usize, out: &mut [f32]) -> bool {
        assert_eq!(out.len(), FRAME as usize);
        fill(u32::from_be_bytes(from.try_into().unwrap()).wrapping_sub(back as u32), out);
        true
    }
    fn reset(&mut self) {}
}

pub(super) fn fill(first: u32, out: &mut [f32]) {
    for (i, sample) in out.iter_mut().enumerate() {
        *sample = first.wrapping_add(i as u32) as f32;
    }
}

#[derive(Clone, Default)]
pub(super) struct Ring(pub(super) Arc<Mutex<VecDeque<Slot>>>);

impl PacketSource for Ring {
    fn drain(&mut self, mut accept: impl FnMut(&Slot)) {
        self.0.lock().unwrap().drain(..).for_each(|slot| accept(&slot));
    }
}

#[derive(Clone, Debug)]
pub(super) struct Packet {
    /// In microseconds.
    pub(super) at: u64,
    pub(super) ssrc: u32,
    pub(super) seq: u16,
    pub(super) timestamp: u32,
    pub(super) payload_type: u8,
    pub(super) payload: Vec<u8>,
}

/// Frame `n` of a stream of 20 ms frames, `late_us` later than the path's 40 ms.
pub(super) fn nth(n: u32, late_us: u64) -> Packet {
    Packet {
        at: 40_000 + u64::from(n) * 20_000 + late_us,
        ssrc: 1,
        seq: FIRST_SEQ.wrapping_add(n as u16),
        timestamp: FIRST_TIMESTAMP.wrapping_add(n * FRAME),
        payload_type: SPEECH,
        payload: (n * FRAME).to_be_bytes().to_vec(),
    }
}

pub(super) fn slot(packet: &Packet) -> Slot {
    let header = RtpHeader {
        marker: false,
        payload_type: PayloadType::from_header(packet.payload_type),
        seq: SeqNumber(packet.seq),
        timestamp: RtpTimestamp(packet.timestamp),
        ssrc: Ssrc(packet.ssrc),
    };
    let mut datagram = vec![0; 12];
    header.write(&mut datagram).unwrap();
    datagram.extend(&packet.payload);
    Slot::new(us(packet.at), &RtpView::parse(&datagram).unwrap()).unwrap()
}

pub(super) fn us(at: u64) -> Instant {
    Instant::from_nanos(at * 1_000)
}

/// One pull of 10 ms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) at: u64,
    /// Sample number after the last one, as the trace has it.
    pub(super) end: Option<i64>,
    pub(super) heard: [f32; 80],
    pub(super) meter: PlayoutMeter,
    pub(super) invented: u64,
}

impl Row {
    /// Delay of what is heard against the fastest path, in ms.
    pub(super) fn delay(&self) -> f64 {
        (self.at as f64 + 10_000.0) / 1_000.0 - self.end.unwrap() as f64 / 8.0 - 40.0
    }
}

pub(super) struct World {
    pub(super) ring: Ring,
    pub(super) playout: Playout<Ring>,
    pub(super) at: u64,
}

impl World {
    pub(super) fn new(config: PlayoutConfig, in_band: bool) -> Self {
        let ring = Ring::default();
        let mut formats = Formats::speech(PayloadType::from_header(SPEECH), ClockRate::TELEPHONE);
        formats.red = PayloadType::new(RED);
        formats.telephone_event = PayloadType::new(EVENT);
        let playout = Playout::new(ring.clone(), Box::new(Index { in_band }), formats, config);
        Self { ring, playout, at: 2_500 }
    }

    pub(super) fn play(&mut self, packets: &[Packet], until_ms: u64) -> Vec<Row> {
        let mut packets: VecDeque<_> = packets.to_vec().into();
        packets.make_contiguous().sort_by_key(|packet| packet.at);
        let mut rows = Vec::new();
        while self.at < until_ms * 1_000 {
            while let Some(packet) = packets.pop_front_if(|packet| packet.at <= self.at) {
                self.ring.0.lock().unwrap().push_back(slot(&packet));
            }
            let mut heard = [f32::NAN; 80];
            self.playout.pull(us(self.at), &mut heard);
            let trace = self.playout.trace();
            let end = trace.timestamp.map(|ts| i64::from(ts.since(RtpTimestamp(FIRST_TIMESTAMP))));
            let meter = self.playout.meter();
            rows.push(Row { at: self.at, end, heard, meter, invented: trace.concealed });
            self.at += 10_000;
        }
        rows
    }
}

pub(super) fn play(packets: &[Packet], until_ms: u64) -> Vec<Row> {
    World::new(PlayoutConfig::default(), false).play(packets, until_ms)
}

pub(super) fn frames(count: u32, late_us: impl Fn(u32) -> u64) -> Vec<Packet> {
    (0..count).map(|n| nth(n, late_us(n))).collect()
}

/// Exponentially distributed, `mean_us` on average.
pub(super) fn jitter(count: u32, mean_us: f64, seed: u64) -> Vec<u64> {
    let mut entropy = Entropy::from_number(seed);
    let mut unit = || (f64::from(entropy.next_u32()) + 1.0) / 4_294_967_297.0;
    (0..count).map(|_| (-unit().ln() * mean_us) as u64).collect()
}

pub(super) fn mean_delay(rows: &[Row]) -> f64 {
    rows.iter().map(Row::delay).sum::<f64>() / rows.len() as f64
}

pub(super) fn last(rows: &[Row]) -> PlayoutMeter {
    rows.last().unwrap().meter
}

/// Media time of what was played, by the samples themselves, is what the trace says, wherever nothing was invented. Where a
/// pull ends inside a seam, between two pitch periods, there is no one answer; right after it there is again.
pub(super) fn assert_exact(rows: &[Row]) {
    // What is faded in after something invented is no clear number yet.
    for some in rows.windows(4) {
        let (before, row) = (&some[0], &some[3]);
        let Some(end) = row.end else { continue };
        let real = row.heard.iter().all(|&sample| sample >= 0.0);
        if before.invented == row.invented && before.end.is_some() && real {
            let heard = f64::from(row.heard[79]) + 1.0;
            let seam = |row: &Row| (row.meter.accelerated, row.meter.preempted);
            let most = if seam(&some[2]) == seam(row) { 8.0 } else { 80.0 };
            assert!((heard - end as f64).abs() <= most, "at {} us: {heard}, not {end}", row.at);
        }
    }
}

/// Every sample played was decoded, put in, or invented; none is forgotten.
pub(super) fn assert_accounted(world: &World) {
    let meter = world.playout.meter();
    let made = meter.decoded + meter.preempted + meter.concealed + meter.starving + meter.silence;
    let held = world.playout.buffer.hand() as u64;
    assert_eq!(meter.played + meter.accelerated + held, made, "{meter:?}");
}
