//! What is kept of what the far end hears: from where the first word belongs to where the last one ends.

use rove_base::RtpTimestamp;

use crate::replay::Upsampler;

/// Cuts what was heard to the call: it begins where the first sample sent is played, or would have been, had its packet come;
/// it ends with the last packet, or with the length of what was said if that is later.
pub(super) struct Recording<'a> {
    upsampler: Upsampler,
    write: &'a mut dyn FnMut(&[f32]),
    /// Timestamp of the first packet sent.
    origin: Option<RtpTimestamp>,
    /// Ticks from there to the first of what has arrived.
    missing: Option<u32>,
    /// Samples at the codec's rate for each tick.
    samples_per_tick: usize,
    begun: bool,
    /// What was heard since the last packet was decoded, at the codec's rate.
    held: Vec<f32>,
    /// Samples handed out, at the codec's rate.
    kept: u64,
    converted: Vec<f32>,
}

impl<'a> Recording<'a> {
    pub(super) fn new(
        upsampler: Upsampler,
        samples_per_tick: usize,
        write: &'a mut dyn FnMut(&[f32]),
    ) -> Self {
        Self {
            upsampler,
            write,
            origin: None,
            missing: None,
            samples_per_tick,
            begun: false,
            held: Vec::new(),
            kept: 0,
            converted: Vec::new(),
        }
    }

    /// A packet of the stream was sent.
    pub(super) fn sent(&mut self, timestamp: RtpTimestamp) {
        self.origin.get_or_insert(timestamp);
    }

    /// A packet of the stream arrived.
    pub(super) fn arrived(&mut self, timestamp: RtpTimestamp) {
        let behind = self.origin.and_then(|origin| u32::try_from(timestamp.since(origin)).ok());
        if let (false, Some(behind)) = (self.begun, behind) {
            self.missing = Some(self.missing.map_or(behind, |least| least.min(behind)));
        }
    }

    /// One block was heard. `begins` is the place in it of the first sample of a packet ever played, 0 once that is past, and
    /// `None` before; `decoded` says that a packet was decoded for this block.
    pub(super) fn heard(&mut self, block: &[f32], begins: Option<usize>, decoded: bool) {
        let Some(block) = begins.and_then(|begins| block.get(begins..)) else { return };
        if !self.begun {
            self.begun = true;
            let missing = usize::try_from(self.missing.unwrap_or(0)).unwrap_or(0);
            let missing = missing.saturating_mul(self.samples_per_tick).min(MOST_MISSING);
            self.keep(&vec![0.0; missing]);
        }
        if decoded {
            self.flush(usize::MAX);
        }
        self.held.extend_from_slice(block);
        if self.held.len() > MOST_HELD {
            self.flush(usize::MAX);
        }
    }

    /// All was heard: keeps `tail` samples after the last packet was begun, or as many as make the recording `least` long.
    pub(super) fn finish(mut self, tail: usize, least: u64) {
        let wanted = usize::try_from(least.saturating_sub(self.kept)).unwrap_or(usize::MAX);
        self.flush(tail.max(wanted));
    }

    fn flush(&mut self, most: usize) {
        let mut held = core::mem::take(&mut self.held);
        self.keep(held.get(..most).unwrap_or(&held));
        held.clear();
        self.held = held;
    }

    fn keep(&mut self, pcm: &[f32]) {
        self.kept += pcm.len() as u64;
        self.converted.clear();
        self.upsampler.push(pcm, &mut self.converted);
        (self.write)(&self.converted);
    }
}

/// A call whose first packets are all lost for longer begins with this much silence: 10 s at 48 kHz.
const MOST_MISSING: usize = 480_000;
/// What is heard without a packet for longer is kept as it is: 10 s at 48 kHz.
const MOST_HELD: usize = 480_000;
