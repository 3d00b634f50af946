use super::*;

const COUNT: u32 = 100_000;
const SPACING: Duration = Duration::from_millis(20);
const MS: f64 = 0.001;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn link(impairments: Impairments) -> Link {
    Link::new(impairments, Entropy::from_number(7))
}

/// Sends `COUNT` datagrams of a G.711 call and answers what became of them.
fn run(link: &mut Link) -> Vec<(Instant, Fate)> {
    let mut now = Instant::ZERO;
    let mut fates = Vec::with_capacity(COUNT as usize);
    for _ in 0..COUNT {
        fates.push((now, link.send(now, wire_bytes(172, false))));
        now += SPACING;
    }
    fates
}

/// Seconds that each datagram took which arrived.
fn delays(fates: &[(Instant, Fate)]) -> Vec<f64> {
    let arrived = fates.iter().filter_map(|(sent, fate)| match fate {
        Fate::Arrives(at) | Fate::ArrivesTwice(at, _) => Some(at.since(*sent).as_secs_f64()),
        Fate::Cut | Fate::Dropped | Fate::Lost => None,
    });
    arrived.collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn moment(values: &[f64], power: i32) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / values.len() as f64
}

fn correlation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let covariance = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum::<f64>();
    covariance / (values.len() - 1) as f64 / moment(values, 2)
}

fn near(what: &str, value: f64, expected: f64, tolerance: f64) {
    assert!((value - expected).abs() <= tolerance, "{what}: {value} is not {expected} ± {tolerance}");
}

#[test]
fn a_link_without_impairments_does_nothing() {
    let mut link = link(Impairments::default());
    assert!(run(&mut link).iter().all(|(sent, fate)| *fate == Fate::Arrives(*sent)));
    assert_eq!((link.stats().sent, link.stats().delivered), (100_000, 100_000));
    assert_eq!(link.stats().sent_bytes, 100_000 * 200);
    assert_eq!((link.stats().loss(), link.stats().mean_burst()), (Some(0.0), None));
}

#[test]
fn a_fixed_delay_is_exact() {
    let mut link = link(Impairments::delay(ms(150)));
    assert!(run(&mut link).iter().all(|(sent, fate)| *fate == Fate::Arrives(*sent + ms(150))));
    assert_eq!(link.stats().shortest_delay(), Some(ms(150)));
    assert_eq!(link.stats().longest_delay(), Some(ms(150)));
}

#[test]
fn jitter_has_the_distribution_asked_for_whatever_its_correlation() {
    // Mean, deviation and skewness of the delay around 100 ms, from the distributions' formulas.
    let uniform = Spread::Uniform { half_width: ms(30) };
    let normal = Spread::Normal { deviation: ms(10) };
    let gamma = |shape| Spread::Gamma { mean: ms(20), shape };
    let cases: &[(&str, Spread, f64, f64, f64)] = &[
        ("uniform ± 30 ms", uniform, 100.0, 30.0 / 3_f64.sqrt(), 0.0),
        ("normal, 10 ms", normal, 100.0, 10.0, 0.0),
        ("gamma, shape 4", gamma(4.0), 120.0, 10.0, 1.0),
        ("gamma, shape 1: exponential", gamma(1.0), 120.0, 20.0, 2.0),
        ("gamma, shape 0.5", gamma(0.5), 120.0, 20.0 * 2_f64.sqrt(), 2.0 * 2_f64.sqrt()),
    ];
    for &(what, spread, expected, deviation, skewness) in cases {
        for rho in [0.0, 0.5, 0.9] {
            let mut link = link(Impairments::delay(ms(100)).with_jitter(Jitter { spread, correlation: rho }));
            let delays = delays(&run(&mut link));
            // Correlated draws say less about the mean: their effective number is smaller.
            let effective = f64::from(COUNT) * (1.0 - rho) / (1.0 + rho);
            let error = deviation * MS / effective.sqrt();
            near(what, mean(&delays), expected * MS, 4.0 * error);
            let measured = moment(&delays, 2).sqrt();
            near(what, measured / (deviation * MS), 1.0, 0.06);
            near(what, moment(&delays, 3) / measured.powi(3), skewness, 0.1 + 0.15 * skewness);
            near(what, link.stats().mean_delay().unwrap().as_secs_f64(), mean(&delays), 1e-6);
            near(what, link.stats().delay_deviation().unwrap().as_secs_f64(), measured, 1e-5);
        }
    }
}

#[test]
fn jitter_has_the_correlation_asked_for() {
    for rho in [0.0, 0.5, 0.9, 0.99] {
        let normal = Spread::Normal { deviation: ms(10) };
        let jitter = Jitter { spread: normal, correlation: rho };
        let delays = delays(&run(&mut link(Impairments::delay(ms(100)).with_jitter(jitter))));
        near("normal", correlation(&delays), rho, 0.02);
        // Of a uniform distribution it is the rank correlation of the normal one: 6/π asin(ρ/2).
        let jitter = Jitter { spread: Spread::Uniform { half_width: ms(10) }, correlation: rho };
        let delays = self::delays(&run(&mut link(Impairments::delay(ms(100)).with_jitter(jitter))));
        near("uniform", correlation(&delays), 6.0 / core::f64::consts::PI * (rho / 2.0).asin(), 0.02);
    }
}

#[test]
fn no_delay_is_below_zero_and_uniform_jitter_keeps_its_bounds() {
    let wide = Jitter::independent(Spread::Normal { deviation: ms(50) });
    let delays = delays(&run(&mut link(Impairments::delay(ms(10)).with_jitter(wide))));
    assert!(delays.iter().all(|delay| *delay >= 0.0) && delays.contains(&0.0));
    let uniform = Jitter::independent(Spread::Uniform { half_width: ms(10) });
    let mut link = link(Impairments::delay(ms(10)).with_jitter(uniform));
    run(&mut link);
    assert!(link.stats().longest_delay().unwrap() <= ms(20));
}

#[test]
fn independent_loss_has_its_share_and_bursts_of_1_over_1_minus_p() {
    for share in [0.001, 0.02, 0.2, 0.5] {
        let mut link = link(Impairments::default().with_loss(Loss::Independent(share)));
        run(&mut link);
        let error = (share * (1.0 - share) / f64::from(COUNT)).sqrt();
        near("share", link.stats().loss().unwrap(), share, 4.0 * error);
        near("burst", link.stats().mean_burst().unwrap(), 1.0 / (1.0 - share), 0.05);
        assert_eq!(link.stats().lost + link.stats().delivered, u64::from(COUNT));
    }
    for (share, delivered) in [(0.0, 100_000), (1.0, 0)] {
        let mut link = link(Impairments::default().with_loss(Loss::Independent(share)));
        run(&mut link);
        assert_eq!(link.stats().delivered, delivered);
    }
}

#[test]
fn a_gilbert_channel_has_the_loss_and_the_mean_burst_asked_for() {
    for (loss, burst) in [(0.01, 2.0), (0.05, 4.0), (0.2, 10.0)] {
        let channel = GilbertElliott::bursts(loss, burst);
        near("in theory", channel.loss(), loss, 1e-12);
        let mut link = link(Impairments::default().with_loss(Loss::Bursts(channel)));
        run(&mut link);
        near("loss", link.stats().loss().unwrap() / loss, 1.0, 0.1);
        near("burst", link.stats().mean_burst().unwrap() / burst, 1.0, 0.1);
        assert!(link.stats().longest_burst as f64 > burst);
    }
}

#[test]
fn an_elliott_channel_loses_in_both_states() {
    let channel = GilbertElliott { p: 0.01, r: 0.1, loss_good: 0.002, loss_bad: 0.6 };
    near("bad", channel.bad_share(), 1.0 / 11.0, 1e-12);
    let mut link = link(Impairments::default().with_loss(Loss::Bursts(channel)));
    run(&mut link);
    near("loss", link.stats().loss().unwrap(), 10.0 / 11.0 * 0.002 + 1.0 / 11.0 * 0.6, 0.004);
}

#[test]
fn duplicates_have_their_share_and_a_delay_of_their_own() {
    let jitter = Jitter::independent(Spread::Uniform { half_width: ms(5) });
    let mut link = link(Impairments::delay(ms(20)).with_jitter(jitter).with_duplicates(0.1));
    let fates = run(&mut link);
    near("share", link.stats().duplicated as f64 / f64::from(COUNT), 0.1, 0.004);
    let apart = fates.iter().filter(|(_, fate)| matches!(fate, Fate::ArrivesTwice(one, two) if one != two));
    assert!(apart.count() as u64 > link.stats().duplicated * 9 / 10);
}

#[test]
fn held_back_datagrams_are_overtaken_and_counted() {
    let mut link = link(Impairments::delay(ms(20)).with_reorder(0.01, ms(50)).kept_in_order());
    run(&mut link);
    near("share", link.stats().reordered as f64 / f64::from(COUNT), 0.01, 0.001);
}

#[test]
fn wide_jitter_reorders_unless_the_order_is_kept() {
    let jitter = Jitter::independent(Spread::Uniform { half_width: ms(40) });
    let mut free = link(Impairments::delay(ms(50)).with_jitter(jitter));
    run(&mut free);
    assert!(free.stats().reordered > 10_000, "{}", free.stats().reordered);
    let mut ordered = link(Impairments::delay(ms(50)).with_jitter(jitter).kept_in_order());
    let arrivals = run(&mut ordered).into_iter().filter_map(|(_, fate)| match fate {
        Fate::Arrives(at) => Some(at),
        _ => None,
    });
    assert_eq!(ordered.stats().reordered, 0);
    assert!(arrivals.is_sorted());
}

#[test]
fn a_rate_spaces_datagrams_by_their_size_on_the_wire() {
    // 172 bytes of RTP make 200 on IPv4 and 220 on IPv6: 20 and 22 ms at 80 kbit/s.
    for (v6, spacing) in [(false, ms(20)), (true, ms(22))] {
        let mut link = link(Impairments::delay(ms(5)).with_rate(80_000, 10_000));
        for nth in 1..=10 {
            let fate = link.send(Instant::ZERO, wire_bytes(172, v6));
            assert_eq!(fate, Fate::Arrives(Instant::ZERO + spacing * nth + ms(5)));
        }
    }
}

#[test]
fn a_full_queue_drops_what_comes_last_and_delays_the_rest_by_its_length() {
    // 80 kbit/s offered to 40 kbit/s, a queue of 2 000 bytes: half gets through, 400 ms late.
    let mut link = link(Impairments::default().with_rate(40_000, 2_000));
    run(&mut link);
    near("share", link.stats().loss().unwrap(), 0.5, 0.001);
    assert_eq!(link.stats().dropped + link.stats().delivered, u64::from(COUNT));
    assert_eq!(link.stats().longest_delay(), Some(ms(400)));
    assert_eq!((link.stats().lost, link.stats().mean_burst()), (0, None), "a full queue is no lossy channel");
}

#[test]
fn a_queue_that_has_emptied_delays_nobody() {
    let mut link = link(Impairments::default().with_rate(80_000, 2_000));
    link.send(Instant::ZERO, 2_000);
    assert_eq!(link.send(Instant::ZERO, 200), Fate::Dropped);
    let later = Instant::ZERO + ms(200);
    assert_eq!(link.send(later, 200), Fate::Arrives(later + ms(20)));
}

#[test]
fn a_cut_link_carries_nothing_until_it_is_restored() {
    let (from, until) = (Instant::ZERO + ms(1_000), Instant::ZERO + ms(3_000));
    let mut link = link(Impairments::delay(ms(100)).with_cut(from, Some(until)));
    let fates = run(&mut link);
    for (sent, fate) in &fates {
        assert_eq!(*fate == Fate::Cut, from <= *sent && *sent < until, "{sent:?}");
    }
    assert_eq!(link.stats().cut, 100);
    let mut for_ever = self::link(Impairments::default().with_cut(from, None));
    run(&mut for_ever);
    assert_eq!(for_ever.stats().delivered, 50);
}

#[test]
fn a_seed_repeats_itself_and_another_does_not() {
    let everything = Impairments::delay(ms(30))
        .with_jitter(Jitter { spread: Spread::Gamma { mean: ms(10), shape: 2.0 }, correlation: 0.7 })
        .with_loss(Loss::Bursts(GilbertElliott::bursts(0.05, 3.0)))
        .with_duplicates(0.01)
        .with_reorder(0.01, ms(30))
        .with_rate(200_000, 20_000);
    let with_seed = |seed| run(&mut Link::new(everything.clone(), Entropy::from_number(seed)));
    assert_eq!(with_seed(1), with_seed(1));
    assert_ne!(with_seed(1), with_seed(2));
}

#[test]
fn a_change_keeps_what_was_counted_and_queued() {
    let mut link = link(Impairments::default().with_rate(8_000, 1_000));
    link.send(Instant::ZERO, 1_000);
    link.change(Impairments::delay(ms(1)).with_rate(8_000, 2_000));
    assert_eq!(link.send(Instant::ZERO, 1_000), Fate::Arrives(Instant::ZERO + ms(2_001)));
    assert_eq!(link.stats().sent, 2);
}

#[test]
fn a_trace_says_what_each_datagram_takes_and_begins_again() {
    let trace = DelayTrace::parse("# ms\n40\n\n55.5\nNaN\n").unwrap();
    let mut link = link(Impairments::delay(ms(5)).with_trace(trace));
    let taken: Vec<Option<Duration>> = run(&mut link)[..4]
        .iter()
        .map(|(sent, fate)| match fate {
            Fate::Arrives(at) => Some(at.since(*sent)),
            _ => None,
        })
        .collect();
    assert_eq!(taken, [Some(ms(45)), Some(Duration::from_micros(60_500)), None, Some(ms(45))]);
    assert_eq!(link.stats().lost, u64::from(COUNT) / 3);
}

#[test]
fn a_line_that_is_no_delay_is_named() {
    let cases = [
        ("a word", "40\nfast\n", "line 2: `fast`"),
        ("before it was sent", "-1", "line 1: `-1`"),
        ("never", "# x\n40\ninf", "line 3: `inf`"),
        ("two values", "40 50", "line 1: `40 50`"),
        ("nothing", "\n# only words\n", "no delays"),
    ];
    for (what, text, expected) in cases {
        let error = DelayTrace::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{what}: {error}");
    }
}

#[test]
fn datagrams_beside_share_the_channel_and_change_nothing() {
    let bad = Impairments::delay(ms(30))
        .with_jitter(Jitter::independent(Spread::Gamma { mean: ms(10), shape: 1.0 }))
        .with_loss(Loss::Bursts(GilbertElliott::bursts(0.2, 4.0)));
    let alone = run(&mut link(bad.clone()));
    let (mut link, mut beside) = (link(bad), Entropy::from_number(9));
    let mut lost_together = 0;
    for (sent, fate) in &alone {
        assert_eq!(link.send(*sent, wire_bytes(172, false)), *fate);
        let report = link.send_beside(*sent, wire_bytes(80, false), &mut beside);
        assert_eq!(report == Fate::Lost, *fate == Fate::Lost);
        lost_together += u32::from(report == Fate::Lost);
    }
    assert!(lost_together > COUNT / 10);
    assert_eq!(link.stats().sent, u64::from(COUNT));
}
