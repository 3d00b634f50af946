//! What to play next, as a function of what is known: the whole policy of the playout, without its state.

use core::time::Duration;

/// What is known about the next packet in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Samples from where the timeline is to the packet's first sample; negative when its time has come and gone.
    pub gap: i64,
    /// Samples it decodes to.
    pub samples: usize,
    /// How long ago it came.
    pub waited: Duration,
    /// No packet is missing before it.
    pub next: bool,
    /// Nothing comes after it yet.
    pub alone: bool,
}

/// The settings and the past that a decision rests on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    /// Samples per second.
    pub rate: u32,
    /// Samples of the packet decoded last.
    pub frame: usize,
    /// How long a packet shall wait before it is played.
    pub target: Duration,
    /// Samples invented since then.
    pub dry: u64,
}

/// What to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    /// Decode the packet, and leave out its first `skip` samples, which are past.
    Decode {
        /// Samples left out.
        skip: usize,
    },
    /// Decode the packet whole although its time has come: from here on everything is played that much later.
    Defer,
    /// Invent this many samples.
    Fill {
        /// How many.
        samples: usize,
        /// Why.
        why: Why,
    },
    /// Its time is over: drop it.
    Discard,
    /// The timeline no longer fits the stream: lay it anew through this packet.
    Rebase,
}

/// Why samples are invented.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Why {
    /// A packet is missing, and one after it is here.
    Lost,
    /// No packet is here; whether that is loss, delay or the sender's silence will show later.
    Starving,
    /// The sender left out time on purpose: consecutive packets, with a gap between their timestamps.
    Silence,
}

/// Decides. Every answer but [`Action::Discard`] and [`Action::Rebase`] produces samples.
pub(super) fn decide(head: Option<Head>, context: Context) -> Action {
    let step = usize::try_from(context.rate / 100).unwrap_or(usize::MAX);
    let Some(head) = head else {
        return Action::Fill { samples: context.frame.min(step), why: Why::Starving };
    };
    if let Ok(gap @ 1..) = usize::try_from(head.gap) {
        let planned = head.waited.saturating_add(time(gap, context.rate));
        if planned > context.target.saturating_add(MAX_EXCESS) {
            return Action::Rebase;
        }
        let why = if head.next { Why::Silence } else { Why::Lost };
        return Action::Fill { samples: gap.min(context.frame), why };
    }
    if !head.alone && head.waited > context.target.saturating_add(MAX_LATENESS) {
        return Action::Discard;
    }
    let behind = usize::try_from(head.gap.unsigned_abs()).unwrap_or(usize::MAX);
    if behind == 0 {
        Action::Decode { skip: 0 }
    } else if behind < head.samples {
        if head.waited < context.target { Action::Defer } else { Action::Decode { skip: behind } }
    } else {
        let dry = time(usize::try_from(context.dry).unwrap_or(usize::MAX), context.rate);
        let stuck = head.alone && dry >= PATIENCE;
        let jumped = head.next && time(behind, context.rate) > MAX_LATENESS;
        if stuck || jumped { Action::Rebase } else { Action::Discard }
    }
}

/// The time that `samples` take at `rate`.
pub(super) fn time(samples: usize, rate: u32) -> Duration {
    let samples = u64::try_from(samples).unwrap_or(u64::MAX);
    Duration::from_nanos(samples.saturating_mul(1_000_000_000).checked_div(u64::from(rate)).unwrap_or(0))
}

/// A packet that would wait this much longer than the target is on another timeline, not early.
const MAX_EXCESS: Duration = Duration::from_millis(200);
/// After this long with nothing but late packets, the path has become slower and the timeline moves.
const PATIENCE: Duration = Duration::from_millis(100);
/// A packet in sequence that is this late is not late: the sender's timestamps jumped back. One that waited this much
/// longer than the target was not asked for in time, and is no longer worth hearing.
const MAX_LATENESS: Duration = Duration::from_secs(1);
