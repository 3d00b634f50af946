//! What the two ends of a stream to a partner say to each other before, and beside, what they signal.

use core::{fmt::Debug, net::IpAddr, time::Duration};

use rove_base::{Instant, StreamId};

use super::outbox::Outbox;

/// Where a message goes, and for whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) stream: StreamId,
    /// Our end of it.
    pub(crate) local: IpAddr,
    /// The partner at the other end; `None` until it has shown its certificate.
    pub(crate) peer: Option<usize>,
}

/// What a message is a sign of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sign<T> {
    /// Of nothing but life.
    Nothing,
    /// The other end is there.
    Up,
    /// It takes signalling.
    Active,
    /// It takes none for now.
    Inactive,
    /// It has heard what was said in this step.
    Said(u8),
    /// It takes its leave.
    Leave,
    /// Something for those above.
    Data(T),
    /// Something that makes no sense.
    Malformed,
}

/// The protocol between two ends of a stream. The end that opened it speaks first, in [`Dialect::STEPS`] steps, each of
/// which is answered; then signalling goes both ways.
pub(crate) trait Dialect: Debug {
    /// What one carries for those above.
    type Data<'a>;

    /// How many steps there are.
    const STEPS: u8;
    /// How often one is said again.
    const TRIES: u8;
    /// Until it is.
    const PATIENCE: Duration;

    /// How long the first message of `bytes` is; `None` until that can be told, an error when none stands there.
    fn length(bytes: &[u8]) -> Result<Option<usize>, ()>;

    /// Says what belongs to a step.
    fn say(&mut self, step: u8, at: Place, out: &mut Outbox);

    /// Asks whether the other end is alive.
    fn beat(&mut self, now: Instant, at: Place, out: &mut Outbox);

    /// Takes leave, right before the stream is closed.
    fn leave(&mut self, at: Place, out: &mut Outbox);

    /// Hears one whole message, and answers what is to be answered at once. `active`: signalling may come.
    fn hear<'a>(
        &mut self,
        at: Place,
        active: bool,
        message: &'a [u8],
        out: &mut Outbox,
    ) -> Sign<Self::Data<'a>>;
}
