use rove_base::{CodecId, CodecPlan, PayloadType, RouteKind};

use super::*;

fn flow(local: u16, remote: u16) -> UdpFlow {
    UdpFlow { local: ([127, 0, 0, 1], local).into(), remote: ([127, 0, 0, 2], remote).into() }
}

fn route(id: u32, rtp: UdpFlow, rtcp: UdpFlow) -> Route {
    Route { id: RouteId(id), kind: RouteKind::Direct, rtp, rtcp }
}

fn both(id: u32, flow: UdpFlow) -> Route {
    route(id, flow, flow)
}

fn path(routes: &[Route]) -> Path {
    let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::from_header(0));
    let plan = routes.iter().fold(MediaPlan::builder(codec, "x"), |plan, route| plan.route(*route));
    Path::new(&plan.build().unwrap()).unwrap()
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

#[test]
fn a_flow_is_told_by_both_of_its_ends() {
    let path = path(&[route(1, flow(4, 6), flow(5, 7)), both(2, flow(8, 6))]);
    #[allow(clippy::type_complexity)]
    let cases: &[(&str, UdpFlow, Option<(RouteId, Carries)>)] = &[
        ("the active route's media", flow(4, 6), Some((RouteId(1), Carries::Rtp))),
        ("its control", flow(5, 7), Some((RouteId(1), Carries::Rtcp))),
        ("one port for both", flow(8, 6), Some((RouteId(2), Carries::Both))),
        ("a stranger's port", flow(4, 9), None),
        ("our port of another route", flow(5, 6), None),
    ];
    for (what, flow, expected) in cases {
        assert_eq!(path.arrival(flow, at(0)), *expected, "{what}");
    }
    assert_eq!(path.active().id, RouteId(1));
}

#[test]
fn what_is_on_its_way_by_the_route_before_is_believed_for_two_seconds() {
    let mut path = path(&[both(1, flow(4, 6))]);
    path.follow(at(1_000), &self::path(&[both(1, flow(8, 9))]));
    assert_eq!(path.active().rtp, flow(8, 9));
    for (millis, known) in [(1_000, true), (3_000, true), (3_001, false)] {
        assert_eq!(path.arrival(&flow(4, 6), at(millis)).is_some(), known, "{millis}");
        assert!(path.arrival(&flow(8, 9), at(millis)).is_some());
    }
}

#[test]
fn routes_come_and_go_while_packets_flow() {
    let mut path = path(&[both(1, flow(4, 6))]);
    let other = both(2, flow(8, 9));
    assert_eq!(path.switch(at(0), RouteId(2), Why::Better), Err(PathError::NoSuchRoute(RouteId(2))));
    assert_eq!(path.add(other), Ok(()));
    assert_eq!(path.add(other), Err(PathError::Taken(RouteId(2))));
    assert_eq!(path.arrival(&flow(8, 9), at(0)), Some((RouteId(2), Carries::Both)), "it may be used at once");
    assert_eq!(path.remove(at(0), RouteId(1)), Err(PathError::Active(RouteId(1))));
    assert_eq!(path.switch(at(10), RouteId(2), Why::Better), Ok(()));
    assert_eq!(path.active(), &other);
    assert_eq!(path.remove(at(20), RouteId(1)), Ok(()));
    assert!(path.arrival(&flow(4, 6), at(2_020)).is_some());
    assert!(path.arrival(&flow(4, 6), at(2_021)).is_none());
    for id in 3..=9 {
        assert_eq!(path.add(both(id, flow(100, 100 + u16::try_from(id).unwrap()))), Ok(()));
    }
    assert_eq!(path.add(both(10, flow(1, 1))), Err(PathError::Full));
}

/// Packets of 20 ms each on one flow, and the cost that is told in the end.
fn cost(path: &mut Path, heard: &[(UdpFlow, u16, u64)], until: u64) -> Option<Switched> {
    for (flow, seq, millis) in heard {
        path.heard(flow, *seq, at(*millis));
    }
    path.switched(at(until))
}

#[test]
fn a_switch_tells_the_gap_and_what_was_lost_in_it() {
    let (old, new) = (flow(4, 6), flow(8, 9));
    type Case = (&'static str, Vec<(UdpFlow, u16, u64)>, Option<u64>, u16);
    let cases: [Case; 5] = [
        ("nothing lost", vec![(new, 3, 60)], Some(20), 0),
        ("three lost", vec![(new, 6, 120)], Some(80), 3),
        ("two of three came late", vec![(new, 6, 120), (old, 4, 121), (old, 3, 125)], Some(80), 1),
        ("some still came by the old way", vec![(old, 3, 60), (new, 4, 90)], Some(30), 0),
        ("across the wrap", vec![(new, 3, 60)], Some(20), 0),
    ];
    for (what, heard, gap, lost) in cases {
        let mut path = path(&[both(1, old)]);
        for (seq, millis) in [(1, 0), (2, 40)] {
            path.heard(&old, seq, at(millis));
        }
        path.follow(at(45), &self::path(&[both(1, new)]));
        assert_eq!(path.next(), Some(at(10_045)));
        let told = cost(&mut path, &heard, 1_000).unwrap();
        assert_eq!((told.gap, told.lost), (gap.map(Duration::from_millis), lost), "{what}");
        assert_eq!((told.from, told.to, told.why, told.at), (RouteId(1), RouteId(1), Why::Told, at(45)));
        assert_eq!((path.switched(at(2_000)), path.next()), (None, None), "told once");
    }
}

#[test]
fn a_peer_that_is_ahead_of_signalling_is_measured_by_its_packets() {
    let (old, new) = (flow(4, 6), flow(4, 9));
    let mut path = path(&[both(1, old)]);
    for (flow, seq, millis) in [(old, 1, 0), (old, 2, 20), (new, 4, 100), (new, 5, 120)] {
        path.heard(&flow, seq, at(millis));
    }
    path.follow(at(130), &self::path(&[both(1, new)]));
    assert_eq!(path.next(), Some(at(330)));
    let told = path.switched(at(330)).unwrap();
    assert_eq!((told.gap, told.lost), (Some(Duration::from_millis(80)), 1));
}

#[test]
fn numbers_wrap_in_the_middle_of_a_switch() {
    let (old, new) = (flow(4, 6), flow(8, 9));
    let mut path = path(&[both(1, old)]);
    path.heard(&old, 65_534, at(0));
    path.take(at(10), new, new, Why::Checked);
    let told = cost(&mut path, &[(new, 1, 60)], 500).unwrap();
    assert_eq!((told.gap, told.lost), (Some(Duration::from_millis(60)), 2));
}

#[test]
fn nobody_who_was_silent_is_said_to_have_been_interrupted() {
    let (old, new) = (flow(4, 6), flow(8, 9));
    let mut path = path(&[both(1, old)]);
    path.heard(&old, 7, at(0));
    path.follow(at(5_000), &self::path(&[both(1, new)]));
    let told = cost(&mut path, &[(new, 8, 6_000)], 7_000).unwrap();
    assert_eq!((told.gap, told.lost), (None, 0));
}

#[test]
fn who_could_not_be_heard_for_long_before_signalling_told_of_it_was_interrupted() {
    let (old, new) = (flow(4, 6), flow(8, 9));
    let mut path = path(&[both(1, old)]);
    path.heard(&old, 7, at(0));
    path.follow(at(1_800), &self::path(&[both(1, new)]));
    let told = cost(&mut path, &[(new, 98, 1_820)], 3_000).unwrap();
    assert_eq!((told.gap, told.lost), (Some(Duration::from_millis(1_820)), 90));
}

#[test]
fn a_switch_after_which_nothing_comes_is_told_after_ten_seconds() {
    let mut path = path(&[both(1, flow(4, 6))]);
    path.heard(&flow(4, 6), 7, at(0));
    path.follow(at(100), &self::path(&[both(1, flow(8, 9))]));
    assert_eq!(path.switched(at(10_099)), None);
    assert_eq!(path.switched(at(10_100)).map(|told| told.gap), Some(None));
}

#[test]
fn two_switches_in_a_row_are_one_gap() {
    let (old, new, newest) = (flow(4, 6), flow(8, 9), flow(10, 11));
    let mut path = path(&[both(1, old)]);
    path.heard(&old, 1, at(0));
    path.follow(at(10), &self::path(&[both(2, new)]));
    path.follow(at(50), &self::path(&[both(3, newest)]));
    assert!(path.arrival(&old, at(60)).is_some(), "both that were left are still believed");
    let told = cost(&mut path, &[(newest, 5, 80)], 500).unwrap();
    assert_eq!((told.from, told.to), (RouteId(1), RouteId(3)));
    assert_eq!((told.gap, told.lost), (Some(Duration::from_millis(80)), 3));
}

#[test]
fn what_signalling_repeats_is_no_switch() {
    let mut path = path(&[both(1, flow(4, 6))]);
    let same = self::path(&[both(1, flow(4, 6))]);
    path.follow(at(10), &same);
    assert_eq!(path.next(), None);
    assert!(path.is_told_as(&same));
}
