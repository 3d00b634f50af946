//! What to do when what is in hand runs out or is too much, as functions of what is known: the policy, without its state.
//!
//! All times are milliseconds of sound.

use super::stretch::Care;

/// What comes after the samples in hand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    /// A frame is here whose time is the end of what is in hand, or was earlier.
    Here,
    /// The frame itself is not here; a later packet carries a full copy of it.
    Copied,
    /// The frame itself is not here; a later packet can tell what it was like.
    Told,
    /// The sender left out time on purpose.
    Silence,
    /// The frame is missing, and one after it is here.
    Missing,
    /// No packet is here.
    Nothing,
}

/// What is known when the frame after those in hand is not here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shortage {
    pub(super) next: Next,
    /// In hand beyond what is asked for now; negative when it does not suffice.
    pub(super) beyond: f64,
    /// In hand.
    pub(super) hand: f64,
    /// What may still be put in, so that nothing lasts longer than twice.
    pub(super) credit: f64,
    /// The chance that the frame comes before more is asked for.
    pub(super) in_time: f64,
    /// The chance that it comes within a [`BRIDGE`] after that, when it does not come before.
    pub(super) soon: f64,
    /// The chance that it comes at all, when it does not come before.
    pub(super) ever: f64,
    /// What stretching costs of what it saves, when it saves.
    pub(super) price: f64,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Relief {
    /// Nothing yet.
    Wait,
    /// Put in up to so much.
    Lengthen(f64),
    /// Go on without it.
    Without,
}

/// Decides whether to bridge the time until a frame comes by slowing down.
pub(super) fn relief(shortage: Shortage) -> Relief {
    let Shortage { next, beyond, hand, credit, in_time, soon, ever, price } = shortage;
    let short = beyond < 0.0;
    if !short && beyond >= GUARD {
        return Relief::Wait;
    }
    let missed = if short { 1.0 } else { 1.0 - in_time };
    let worth = match next {
        // What is put in is not concealed, whenever the frame comes; but slowing down for one that never comes is heard twice.
        Next::Nothing => missed * ever > price,
        // Waiting only pays when it comes.
        Next::Missing => missed * soon > price * RISK,
        Next::Here | Next::Copied | Next::Told | Next::Silence => false,
    };
    if worth && hand >= LEAST_HAND && credit >= LEAST_STRETCH {
        Relief::Lengthen(credit.min(BRIDGE))
    } else if short {
        Relief::Without
    } else {
        Relief::Wait
    }
}

/// How the delay drifts towards its target.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pull {
    /// Delay beyond the target, summed up over time: what it has cost so far, in ms·s.
    paid: f64,
}

/// A change of delay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    None,
    /// By up to so many milliseconds, with so much care.
    Shorten(f64, Care),
    Lengthen(f64, Care),
}

impl Pull {
    /// Decides what to do about `excess` delay after `passed` milliseconds with it. The longer it has cost, the less
    /// good a place will do: waiting for the best place must not cost more than the place is better.
    ///
    /// `ease` says how much cheaper delay is here than usual: by so much a change may wait for a place where nobody hears
    /// it, a `pause` between words at best.
    pub(super) fn decide(&mut self, excess: f64, passed: f64, ease: f64, pause: bool) -> Change {
        let slack = if ease <= 1.0 {
            SLACK
        } else if excess > 0.0 {
            SPARE
        } else {
            SHORT
        };
        if excess.abs() < slack || (excess < 0.0) != (self.paid < 0.0) {
            self.paid = 0.0;
        }
        if excess.abs() < slack {
            return Change::None;
        }
        self.paid += excess * passed / 1_000.0;
        let patience = if ease > 1.0 { ease * AT_EASE } else { 1.0 };
        let owed = self.paid.abs() / patience;
        if excess < 0.0 {
            let care = match self.paid.abs() {
                ..PATIENT if ease > 1.0 && !pause => return Change::None,
                ..PATIENT if ease > 1.0 => Care::AnyRate,
                ..PATIENT => Care::Inaudible,
                _ => Care::Similar(SIMILAR),
            };
            return Change::Lengthen((-excess).max(SLACK), care);
        }
        let care = if excess > HURRY * ease || owed > IMPATIENT {
            Care::Similar(POOR)
        } else if owed > PATIENT {
            Care::Similar(SIMILAR)
        } else if ease > 1.0 {
            if !pause {
                return Change::None;
            }
            Care::AnyRate
        } else {
            Care::Inaudible
        };
        Change::Shorten(excess, care)
    }

    /// A change was made.
    pub(super) fn made(&mut self) {
        self.paid *= 0.5;
    }
}

/// Below this much beyond what is asked for, the next frame is missed already.
const GUARD: f64 = 2.0;
/// What is put in at once, at most: the period of a low voice.
pub(super) const BRIDGE: f64 = 12.5;
const LEAST_HAND: f64 = 2.0;
const LEAST_STRETCH: f64 = 2.5;
/// Waiting for a frame whose successors are here risks a little less than its price.
const RISK: f64 = 0.75;
/// Not worth a change.
const SLACK: f64 = 1.5;
/// The same where delay is cheap: beyond the target, and short of it.
const SPARE: f64 = 20.0;
const SHORT: f64 = 6.0;
const PATIENT: f64 = 4.0;
const IMPATIENT: f64 = 12.0;
/// Where delay is cheap, pauses are waited for so many times longer.
const AT_EASE: f64 = 30.0;
const SIMILAR: f32 = 0.7;
const POOR: f32 = 0.4;
const HURRY: f64 = 60.0;
