//! A way that gets bad is left, soon and without much that is missed.

use crate::scene::{Bad, End, KNOWN, ROUND_TRIP, Scene, Switch, at, proves, together};

/// So long the wires count after the way got bad, in seconds.
const COUNTED: f64 = 3.4;
/// The call ends then.
const ENDS: f64 = 11.0;

/// What calls lived through whose first way got bad both ways: by what the wires say, in ms and packets.
#[derive(Debug)]
struct Lived {
    gaps: Vec<f64>,
    lost: Vec<f64>,
    /// When the last packet was given to the bad way alone.
    left: Vec<f64>,
    /// The worst of the seconds that began three and more after that.
    mos: Vec<f64>,
    causes: Vec<String>,
}

/// Calls, four at a time, in which that happens. What each end tells of it has to be what the wires say.
fn live(bad: Bad) -> Option<Lived> {
    let batches = if proves() { 5 } else { 1 };
    let mut ends = Vec::new();
    for batch in 0..batches {
        ends.extend(together(4, |round| one(batch * 4 + round, bad))?.into_iter().flatten());
    }
    let of = |figure: &dyn Fn(&End) -> f64| ends.iter().map(figure).collect::<Vec<f64>>();
    let mos = |end: &End| end.each_second("mos", KNOWN + 3.0, ENDS).into_iter().fold(f64::INFINITY, f64::min);
    let lived = Lived {
        gaps: of(&|end| gap(end, bad)),
        // Before, nothing was lost.
        lost: of(&|end| end.truth.lost().max(if bad == Bad::Address { end.lost() } else { 0.0 })),
        left: of(&|end| end.truth.last_alone(0).unwrap_or(0.0)),
        mos: of(&mos),
        causes: ends.iter().flat_map(since_then).map(|one| one.cause).collect(),
    };
    lived.show(bad);
    for end in &ends {
        let told = end.switches();
        let (gap, lost, all) = (end.truth.gap(), end.truth.lost(), end.lost());
        println!("  told {told:?}; by the wires {gap:.0} ms, {lost}; {all} in the whole call");
        if mos(end) < 4.2 {
            let [seconds, losses, delays] =
                ["mos", "loss_percent", "delay_ms"].map(|key| end.each_second(key, KNOWN, ENDS));
            println!("    seconds since: MOS {seconds:.2?}, loss {losses:.0?} %, delay {delays:.0?} ms");
        }
    }
    for end in &ends {
        let told = since_then(end);
        // An end that has not left is counted as late.
        // Where an address is gone, signalling tells the other side so, and ways are looked for anew.
        let most = if matches!(bad, Bad::Down | Bad::Address) && !proves() { 2 } else { 1 };
        assert!(told.len() <= most, "{bad:?}: one switch at each end: {told:?}, {:?}", end.truth);
        assert!(told.first().is_none_or(|told| told.to == "other"), "{told:?}");
    }
    Some(lived)
}

/// The switches since the way got bad. (Those before are counted where nothing gets bad.)
fn since_then(end: &End) -> Vec<Switch> {
    end.switches().into_iter().filter(|one| one.at > KNOWN - 1.0).collect()
}

/// What is sent to an address that is gone passes the wire, and nobody hears it: then the phone is asked.
fn gap(end: &End, bad: Bad) -> f64 {
    let told = since_then(end).first().and_then(|one| one.gap).filter(|_| bad == Bad::Address);
    told.unwrap_or(0.0).max(end.truth.gap())
}

fn one(seed: u64, bad: Bad) -> Option<[End; 2]> {
    let scene = Scene::new(2, seed)?.with(bad.flags());
    Some(scene.call(ENDS, |scene| {
        // Not always at the same place between two packets.
        scene.until(KNOWN + seed as f64 * 0.007);
        scene.wires.mark();
        scene.spoil(0, "both", bad);
        scene.until(KNOWN + COUNTED);
        let truth = scene.wires.truth();
        scene.restore(0, bad);
        truth
    }))
}

impl Lived {
    fn show(&self, bad: Bad) {
        let three = |values: &Vec<f64>| [0.5, 0.95, 1.0].map(|share| at(share, values.clone()));
        let ([gap, gaps, longest], [lost, many, most]) = (three(&self.gaps), three(&self.lost));
        let ([left, later, last], mos) =
            (three(&self.left), [0.0, 0.5].map(|share| at(share, self.mos.clone())));
        println!(
            "{bad:?}, {} ends, p50 p95 max: gap {gap:.0} {gaps:.0} {longest:.0} ms, lost {lost} {many} {most}, \
             left after {left:.0} {later:.0} {last:.0} ms; MOS three seconds later {mos:.2?}; {:?}",
            self.gaps.len(),
            self.causes
        );
    }

    fn median(values: &[f64]) -> f64 {
        at(0.5, values.to_vec())
    }

    /// What holds for a way that carries nothing any more.
    fn was_short(&self) {
        assert!(Self::median(&self.gaps) <= 120.0 + ROUND_TRIP, "{self:?}");
        assert!(Self::median(&self.lost) <= 5.0 + ROUND_TRIP / 20.0, "{self:?}");
        self.is_well();
    }

    fn was_left(&self, within: f64, lost: f64) {
        assert!(Self::median(&self.left) <= within, "{self:?}");
        assert!(Self::median(&self.lost) <= lost, "{self:?}");
        self.is_well();
    }

    fn is_well(&self) {
        assert!(Self::median(&self.mos) >= 4.2, "{self:?}");
    }
}

#[test]
fn b15_a_call_whose_way_is_cut_goes_on_by_the_other_after_120_ms_and_a_round_trip() {
    let Some(lived) = live(Bad::Cut) else { return };
    lived.was_short();
    assert!(lived.causes.iter().all(|cause| cause == "silence"), "{lived:?}");
}

#[test]
fn b15_a_call_whose_interface_goes_down_goes_on_by_the_other_as_soon() {
    let Some(lived) = live(Bad::Down) else { return };
    lived.was_short();
}

#[test]
fn b15_a_call_whose_address_changes_goes_on_by_the_other_as_soon() {
    let Some(lived) = live(Bad::Address) else { return };
    lived.was_short();
}

#[test]
fn b15_a_way_that_loses_a_fifth_of_all_packets_is_left_within_two_seconds_and_eight_packets() {
    let Some(lived) = live(Bad::Loses(0.2)) else { return };
    lived.was_left(2_000.0, 8.0);
    // Of few calls the worst is no twentieth.
    assert!(!proves() || at(0.95, lived.lost.clone()) <= 20.0, "{lived:?}");
}

#[test]
fn b15_a_way_that_loses_half_of_all_packets_is_left_within_a_second_and_ten_packets() {
    let Some(lived) = live(Bad::Loses(0.5)) else { return };
    lived.was_left(1_000.0, 10.0);
}

#[test]
fn b15_a_way_on_which_packets_come_300_ms_later_is_left_within_three_seconds() {
    let Some(lived) = live(Bad::Late(300.0)) else { return };
    lived.was_left(3_000.0, 0.0);
}

#[test]
fn b15_a_way_on_which_packets_come_unevenly_by_40_ms_is_left_within_three_seconds() {
    let Some(lived) = live(Bad::Uneven(40.0)) else { return };
    lived.was_left(3_000.0, 0.0);
}

#[test]
fn b15_a_way_on_which_one_bit_in_ten_thousand_arrives_changed_is_left_within_three_seconds() {
    let Some(lived) = live(Bad::Bits(1e-4)) else { return };
    lived.was_left(3_000.0, 8.0);
}
