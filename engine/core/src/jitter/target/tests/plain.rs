//! The sums that are kept and the costs that are looked up, against plain walks over all that came.

use proptest::{collection::vec, prelude::*};
use rove_base::Entropy;

use super::super::{
    costs::Costs,
    histogram::{BINS, Entry, Histogram},
    price::{Pace, Price},
};

/// Every frame that came with its weight, and nothing else; the first ones are those assumed.
struct Plain {
    frames: Vec<(usize, f64)>,
    weight: f64,
}

impl Plain {
    fn new() -> Self {
        let keep = (-1.0_f64 / 11.0).exp();
        let assumed = (1..=150).map(|bin: i32| (bin as usize, 10.0 * (1.0 - keep) * keep.powi(bin - 1)));
        Self { frames: assumed.collect(), weight: 1.0 }
    }

    fn bin(late: f64) -> usize {
        (late - 1e-6).ceil().clamp(0.0, 511.0) as usize
    }

    fn add(&mut self, late: f64) {
        self.frames.push((Self::bin(late), self.weight));
        self.weight *= 1.0 + 1.0 / 1_200.0;
    }

    fn total(&self) -> f64 {
        self.frames.iter().map(|(_, weight)| weight).sum()
    }

    fn share(&self, after: f64, until: f64) -> f64 {
        let within = |bin: usize| bin > Self::bin(after) && bin <= Self::bin(until);
        self.frames.iter().filter(|(bin, _)| within(*bin)).map(|(_, weight)| weight).sum::<f64>()
            / self.total()
    }

    /// Share of what came later than each millisecond; where delay is cheap the latest 3 %, at least 20 frames, fall off
    /// exponentially.
    fn later(&self, cheap: bool) -> Vec<f64> {
        let mut bins = vec![0.0; BINS];
        let total = self.total();
        self.frames.iter().for_each(|(bin, weight)| bins[*bin] += weight / total);
        let mut later: Vec<f64> = (0..BINS).map(|wait| bins[wait + 1..].iter().sum()).collect();
        let enough = (20.0 * self.weight / total).max(0.03);
        if let Some(from) = later.iter().rposition(|later| *later >= enough).filter(|_| cheap) {
            let sum = later[from];
            let mean = (from..BINS).map(|bin| bins[bin] * (bin - from) as f64).sum::<f64>() / sum;
            for (far, later) in later[from..].iter_mut().enumerate().skip(1) {
                *later = later.max(sum * (-(far as f64) / (mean - 1.0).max(0.1)).exp());
            }
        }
        later
    }

    /// The cost of every wait: its own, and of what comes later, concealed or stretched.
    fn costs(&self, path: Option<f64>, pace: Pace) -> Vec<f64> {
        let (percent, stretch) = if path.is_some() { (300.0, 0.6) } else { (42.0, 0.2) };
        let later = self.later(path.is_some());
        let beyond = |at: f64| later.get(at as usize).copied().unwrap_or(0.0);
        let pulls = (pace.frame / pace.pull).ceil() as usize;
        let concealed =
            |from: f64| (0..pulls).map(|n| beyond(from + n as f64 * pace.pull) * pace.pull).sum::<f64>();
        let knee = (177.3 - 40.0 - path.unwrap_or(50.0)).max(0.0);
        let cost = |wait: f64| {
            let bridged = (beyond(wait) + pace.lost) * stretch * 1.25 * 14.0 + concealed(wait + 14.0);
            let heard = concealed(wait).min(bridged);
            wait + (wait - knee).max(0.0) * (percent / 27.0 - 1.0) + 100.0 * percent / pace.frame * heard
        };
        (0..BINS).map(|wait| cost(wait as f64)).collect()
    }
}

fn close(kept: f64, plain: f64) -> bool {
    (kept - plain).abs() <= 1e-6 * plain.abs().max(1.0)
}

/// Adds the frames to both, and moves every `moved`th some frames later.
fn both(late: impl Iterator<Item = f64>, moved: usize) -> (Histogram, Plain) {
    let (mut kept, mut plain) = (Histogram::new(), Plain::new());
    let mut entries: Vec<Entry> = Vec::new();
    for (n, late) in late.enumerate() {
        entries.push(kept.add(late));
        plain.add(late);
        if n % moved == moved - 1 {
            let ago = moved / 2;
            kept.change(entries[n - ago], late * 0.7);
            let place = plain.frames.len() - 1 - ago;
            plain.frames[place].0 = Plain::bin(late * 0.7);
        }
    }
    (kept, plain)
}

fn assert_same(kept: &Histogram, plain: &Plain, path: Option<f64>, pace: Pace) {
    for (after, until) in
        [(0.0, 10.0), (3.5, 20.1), (30.0, f64::INFINITY), (50.0, 62.5), (600.0, 700.0), (9.0, 2.0)]
    {
        let (kept, plain) = (kept.share(after, until), plain.share(after, until));
        assert!((kept - plain).abs() < 1e-9, "{after} to {until}: {kept}, {plain}");
    }
    let mut costs = Costs::new();
    let best = costs.weigh(Price::new(path), kept.later(), pace, true);
    let plain = plain.costs(path, pace);
    for (wait, plain) in plain.iter().enumerate() {
        assert!(close(costs.of(wait), *plain), "{wait} ms: {}, {plain}", costs.of(wait));
    }
    let least = plain.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(close(plain[best as usize], least), "{best} ms: {}, {least}", plain[best as usize]);
}

#[test]
fn an_hour_of_frames_leaves_no_more_than_rounding() {
    let mut entropy = Entropy::from_number(9);
    let late = core::iter::repeat_with(|| -(1.0 - entropy.unit()).max(1e-12).ln() * 15.0);
    let (kept, plain) = both(late.take(60_000), 7);
    assert_same(&kept, &plain, None, Pace { frame: 20.0, pull: 10.0, lost: 0.03 });
    assert_same(&kept, &plain, Some(40.0), Pace { frame: 20.0, pull: 10.0, lost: 0.0 });
}

proptest! {
    #[test]
    fn what_is_kept_is_what_a_walk_finds(
        late in vec(prop_oneof![4 => 0.0_f64..40.0, 1 => 0.0..700.0, 1 => Just(0.0)], 0..400),
        moved in 2_usize..30,
        path in proptest::option::of(0.0_f64..300.0),
        (pieces, pull) in (1_u32..8, 4_u32..16),
        lost in 0.0_f64..0.4,
    ) {
        let (kept, plain) = both(late.into_iter(), moved);
        let (pull, frame) = (f64::from(pull), f64::from(pieces * pull));
        assert_same(&kept, &plain, path, Pace { frame: frame.max(5.0), pull, lost });
    }
}
