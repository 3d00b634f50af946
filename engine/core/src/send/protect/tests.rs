use rove_base::{Entropy, Instant};

use super::*;

const ALL: Means = Means { red: true, inband: true, deep: true };
const CONDITIONS: Conditions = Conditions { limit: 34_000, packet_time: Duration::from_millis(20) };

/// A Gilbert channel: loses `loss` of the packets in runs of `burst` on average, independently when that is 1.
struct Gilbert {
    entropy: Entropy,
    loss: f64,
    burst: f64,
    bad: bool,
}

impl Gilbert {
    fn new(seed: u64, loss: f64, burst: f64) -> Self {
        Self { entropy: Entropy::from_number(seed), loss, burst, bad: false }
    }

    fn arrives(&mut self) -> bool {
        let drawn = self.entropy.unit();
        self.bad = if self.burst <= 1.0 {
            drawn < self.loss
        } else if self.bad {
            drawn >= 1.0 / self.burst
        } else {
            drawn < self.loss / (1.0 - self.loss) / self.burst
        };
        !self.bad
    }
}

fn report(fates: Option<Fates>, loss: f32) -> PeerReport {
    PeerReport {
        at: Instant::ZERO,
        loss,
        fates,
        jitter: None,
        round_trip: Some(Duration::from_millis(80)),
        playout_delay: None,
        discarded: None,
    }
}

/// One report over `packets` packets of `channel`.
fn observe(protector: &mut Protector, channel: &mut Gilbert, packets: usize) -> Scheme {
    let mut fates = Fates::default();
    (0..packets).for_each(|_| fates.push(channel.arrives()));
    protector.on_report(&report(Some(fates), 0.0), CONDITIONS, packets)
}

/// What the schemes chosen over `reports` reports leave lost, on packets that the choice did not know yet.
fn residual(loss: f64, burst: f64, seed: u64) -> (f64, Scheme) {
    let mut channel = Gilbert::new(seed, loss, burst);
    let mut protector = Protector::new(ALL);
    let (mut lost, mut reports) = (0.0, 0.0);
    for nth in 0..60 {
        let scheme = protector.scheme();
        let mut fates = Fates::default();
        (0..50).for_each(|_| fates.push(channel.arrives()));
        if nth > 1 {
            lost += replay(&fates, scheme, CONDITIONS.packet_time).lost;
            reports += 1.0;
        }
        protector.on_report(&report(Some(fates), 0.0), CONDITIONS, 50);
    }
    (lost / reports, protector.scheme())
}

#[test]
fn little_is_lost_after_redundancy_whatever_the_pattern() {
    let cases = [
        ("5 % at random", 0.05, 1.0, 0.01),
        ("10 % at random", 0.10, 1.0, 0.02),
        ("20 % at random", 0.20, 1.0, 0.05),
        ("30 % at random", 0.30, 1.0, 0.07),
        ("10 % in twos", 0.10, 2.0, 0.04),
        ("20 % in threes", 0.20, 3.0, 0.085),
    ];
    for (what, loss, burst, most) in cases {
        for seed in 0..5 {
            let (left, scheme) = residual(loss, burst, seed);
            assert!(left <= most, "{what}, seed {seed}: {left} left under {scheme}");
        }
    }
}

#[test]
fn a_clean_path_costs_nothing() {
    let mut protector = Protector::new(ALL);
    assert_ne!(protector.scheme(), Scheme::NONE, "the first second is spared without knowing");
    let mut clean = Gilbert::new(1, 0.0, 1.0);
    let schemes: Vec<_> = (0..6).map(|_| observe(&mut protector, &mut clean, 50)).collect();
    assert_eq!(schemes, [Scheme::NONE; 6]);
}

#[test]
fn copies_stand_further_apart_when_loss_comes_in_bursts() {
    let (_, random) = residual(0.2, 1.0, 7);
    let (_, bursty) = residual(0.2, 3.0, 7);
    assert!(bursty.copies.reach() > random.copies.reach(), "{bursty} against {random}");
}

#[test]
fn loss_is_answered_within_one_report_and_forgotten_over_many() {
    let mut protector = Protector::new(ALL);
    let (mut clean, mut lossy) = (Gilbert::new(1, 0.0, 1.0), Gilbert::new(2, 0.2, 1.0));
    for _ in 0..20 {
        observe(&mut protector, &mut clean, 50);
    }
    assert_eq!(protector.scheme(), Scheme::NONE);
    assert_ne!(observe(&mut protector, &mut lossy, 50), Scheme::NONE, "at once");
    let until_calm = (0..30).take_while(|_| observe(&mut protector, &mut clean, 50) != Scheme::NONE).count();
    assert!((3..=12).contains(&until_calm), "{until_calm} reports");
}

#[test]
fn a_single_lost_packet_changes_nothing() {
    let mut protector = Protector::new(ALL);
    let mut clean = Gilbert::new(1, 0.0, 1.0);
    for _ in 0..10 {
        observe(&mut protector, &mut clean, 50);
    }
    let mut fates = Fates::default();
    (0..50).for_each(|n| fates.push(n != 20));
    assert_eq!(protector.on_report(&report(Some(fates), 0.02), CONDITIONS, 50), Scheme::NONE);
}

#[test]
fn choices_are_steady_on_a_steady_path() {
    for (loss, burst) in
        [(0.0, 1.0), (0.01, 1.0), (0.05, 1.0), (0.1, 1.0), (0.2, 1.0), (0.2, 3.0), (0.3, 1.0)]
    {
        for seed in 0..5 {
            let mut protector = Protector::new(ALL);
            let mut channel = Gilbert::new(seed, loss, burst);
            let mut before = protector.scheme().copies;
            let mut changes = 0;
            for _ in 0..60 {
                let now = observe(&mut protector, &mut channel, 50).copies;
                changes += u32::from(core::mem::replace(&mut before, now) != now);
            }
            assert!(changes <= 15, "{loss} in {burst}, seed {seed}: {changes} changes in 60 reports");
        }
    }
}

/// How many of the reports 5 to 60 found each way chosen.
fn chosen(loss: f64, burst: f64, seed: u64, way: impl Fn(Scheme) -> bool) -> usize {
    let (mut protector, mut channel) = (Protector::new(ALL), Gilbert::new(seed, loss, burst));
    let schemes = (0..60).map(|_| observe(&mut protector, &mut channel, 50));
    schemes.skip(4).filter(|scheme| way(*scheme)).count()
}

#[test]
fn random_loss_is_not_taken_for_bursts() {
    for loss in [0.05, 0.1, 0.2, 0.3] {
        let far: usize =
            (0..20).map(|seed| chosen(loss, 1.0, seed, |scheme| scheme.copies.reach() > 3)).sum();
        assert!(far <= 20 * 56 / 30, "{loss}: {far} of {} reports", 20 * 56);
    }
}

#[test]
fn little_random_loss_is_left_to_the_codec_more_is_copied_once_and_much_twice() {
    let of_ten =
        |loss, way: fn(Scheme) -> bool| (0..10).map(|seed| chosen(loss, 1.0, seed, way)).sum::<usize>();
    let inband = of_ten(0.02, |scheme| matches!(scheme.codec, Redundancy::InBand { .. }));
    assert!(inband >= 450, "{inband} of 560");
    for loss in [0.05, 0.08, 0.1] {
        let thin = of_ten(loss, |scheme| scheme.copies.copies() > 1 || scheme == Scheme::NONE);
        assert!(thin <= 28, "{loss}: {thin} of 560");
    }
    let once = of_ten(0.1, |scheme| scheme.copies.copies() == 1);
    assert!(once >= 450, "{once} of 560");
    for loss in [0.25, 0.3] {
        let times = of_ten(loss, |scheme| scheme.copies.copies() == 2);
        assert!(times >= 500, "{loss}: {times} of 560");
    }
}

#[test]
fn bursts_are_seen_within_three_reports_and_answered_by_a_far_copy_from_then_on() {
    for seed in 0..10 {
        let (mut protector, mut channel) = (Protector::new(ALL), Gilbert::new(seed, 0.2, 3.0));
        let far = |scheme: Scheme| scheme.copies.reach() == 4;
        let first = (1..=20).find(|_| far(observe(&mut protector, &mut channel, 50)));
        assert!(first.is_some_and(|report| report <= 4), "seed {seed}: {first:?}");
        let stays = (0..40).filter(|_| far(observe(&mut protector, &mut channel, 50))).count();
        assert!(stays >= 38, "seed {seed}: {stays} of 40");
    }
}

#[test]
fn what_came_too_late_asks_for_no_redundancy() {
    let mut protector = Protector::new(ALL);
    let mut clean = Gilbert::new(1, 0.0, 1.0);
    for _ in 0..20 {
        let mut fates = Fates::default();
        (0..50).for_each(|_| fates.push(clean.arrives()));
        let late = PeerReport { discarded: Some(0.05), ..report(Some(fates), 0.0) };
        assert_eq!(protector.on_report(&late, CONDITIONS, 50), Scheme::NONE);
    }
}

#[test]
fn a_first_report_of_a_few_packets_decides_nothing_unless_some_were_lost() {
    let mut protector = Protector::new(ALL);
    let (first, mut clean) = (protector.scheme(), Gilbert::new(1, 0.0, 1.0));
    assert_eq!(observe(&mut protector, &mut clean, 10), first);
    assert_eq!(observe(&mut protector, &mut clean, 15), Scheme::NONE);
}

#[test]
fn only_what_was_agreed_is_chosen() {
    let cases = [
        ("nothing", Means::default()),
        ("in-band", Means { inband: true, ..Means::default() }),
        ("RED", Means { red: true, ..Means::default() }),
        ("deep", Means { deep: true, ..Means::default() }),
    ];
    for (what, means) in cases {
        let mut protector = Protector::new(means);
        let mut channel = Gilbert::new(3, 0.2, 1.0);
        let scheme = (0..5).map(|_| observe(&mut protector, &mut channel, 50)).last().unwrap();
        assert_eq!(!scheme.copies.is_empty(), means.red, "{what}: {scheme}");
        assert_eq!(matches!(scheme.codec, Redundancy::InBand { .. }), means.inband, "{what}: {scheme}");
        assert_eq!(matches!(scheme.codec, Redundancy::Deep { .. }), means.deep, "{what}: {scheme}");
    }
}

#[test]
fn without_detail_the_share_alone_is_enough() {
    let mut protector = Protector::new(ALL);
    for _ in 0..3 {
        protector.on_report(&report(None, 0.2), CONDITIONS, 50);
    }
    assert!(protector.scheme().copies.copies() >= 1);
    for _ in 0..15 {
        protector.on_report(&report(None, 0.0), CONDITIONS, 50);
    }
    assert_eq!(protector.scheme(), Scheme::NONE);
}

#[test]
fn a_thin_limit_is_not_spent_on_copies_that_leave_no_speech() {
    let conditions = Conditions { limit: 12_000, ..CONDITIONS };
    let mut protector = Protector::new(Means { red: true, ..Means::default() });
    let mut channel = Gilbert::new(3, 0.1, 1.0);
    for _ in 0..5 {
        let mut fates = Fates::default();
        (0..50).for_each(|_| fates.push(channel.arrives()));
        protector.on_report(&report(Some(fates), 0.0), conditions, 50);
    }
    assert!(protector.scheme().copies.is_empty(), "{}", protector.scheme());
}
