//! How to divide a rate on the wire between headers and voice.

use core::time::Duration;

use super::Bounds;
use crate::send::worth::{clean, delay_cost};

/// How to send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// Bits per second of payload, redundancy included.
    pub bitrate: u32,
    /// Duration of one packet.
    pub packet_time: Duration,
}

/// The pace that is worth most within `target` bits per second on the wire; `present` is kept when it is nearly as good.
pub(super) fn choose(bounds: &Bounds, target: f64, present: Pace, round_trip: Option<Duration>) -> Pace {
    if target >= bounds.wire(bounds.most, bounds.packet_time) {
        return Pace { bitrate: bounds.most as u32, packet_time: bounds.packet_time };
    }
    let path = round_trip.map_or(ASSUMED, |there_and_back| there_and_back / 2).saturating_add(PLAYOUT);
    let value = |packet_time: Duration| {
        let payload = target - bounds.wire(0.0, packet_time);
        let fits = payload >= bounds.least;
        let bitrate = payload.clamp(bounds.least, bounds.most);
        // A packet is as late as it is long, at this end and, by what the playout holds, at the other.
        let worth = clean(bitrate) - delay_cost(path + 2 * packet_time);
        let worth = if fits { worth } else { worth + TOO_MUCH * (payload - bounds.least) / bounds.least };
        (worth, Pace { bitrate: bitrate as u32, packet_time })
    };
    let times = LONGER.iter().map(|ms| bounds.codec.packet_time(Duration::from_millis(*ms)));
    let longer = times.filter(|time| *time > bounds.packet_time && *time <= bounds.longest);
    let best = longer.map(value).fold(
        value(bounds.packet_time),
        |best, other| {
            if other.0 > best.0 { other } else { best }
        },
    );
    let kept = value(present.packet_time);
    if kept.0 + MARGIN >= best.0 && present.packet_time != bounds.packet_time { kept.1 } else { best.1 }
}

/// Packet times beside the plan's own, in milliseconds.
const LONGER: [u64; 5] = [20, 30, 40, 50, 60];
/// One way, until a report tells.
const ASSUMED: Duration = Duration::from_millis(50);
/// What a playout waits at least.
const PLAYOUT: Duration = Duration::from_millis(20);
/// Another packet time must be better by this, so that it does not change to and fro.
const MARGIN: f64 = 0.02;
/// How much a rate beyond the target is worse, per least rate.
const TOO_MUCH: f64 = 20.0;
