//! What the payload types of a stream mean to the playout.

use rove_base::{ClockRate, MediaPlan, PayloadType};

/// The payload types a playout understands. What is none of them is dropped and counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Formats {
    /// Speech, for the decoder.
    pub speech: PayloadType,
    /// What the stream's timestamps count.
    pub clock: ClockRate,
    /// Redundant audio data (RFC 2198); its blocks are speech.
    pub red: Option<PayloadType>,
    /// Named telephone events (RFC 4733): time passes, in silence.
    pub telephone_event: Option<PayloadType>,
    /// Comfort noise (RFC 3389).
    pub comfort_noise: Option<PayloadType>,
}

impl Formats {
    /// Speech alone.
    #[must_use]
    pub const fn speech(speech: PayloadType, clock: ClockRate) -> Self {
        Self { speech, clock, red: None, telephone_event: None, comfort_noise: None }
    }

    /// What `plan` receives.
    #[must_use]
    pub fn of(plan: &MediaPlan) -> Self {
        let codec = plan.codec();
        Self {
            speech: codec.receive_payload_type,
            clock: codec.id.clock_rate(),
            red: codec.red.map(|numbers| numbers.receive),
            telephone_event: codec.telephone_event.map(|numbers| numbers.receive),
            comfort_noise: codec.comfort_noise.map(|numbers| numbers.receive),
        }
    }
}
