use rove_base::{Band, PacketCounts};

use super::*;

fn second(at: u64, loss: f32) -> Quality {
    let received = 50 - (50.0 * loss) as u64;
    Quality {
        at: Instant::ZERO + Duration::from_secs(at),
        received: 50 * at,
        interval: PacketCounts { expected: 50, received, lost: 50 - received, ..PacketCounts::default() },
        interval_loss: Some(loss),
        ..Quality::nothing(Instant::ZERO, Band::Full)
    }
}

fn judged(tolerance: Tolerance, seconds: impl Iterator<Item = Quality>) -> Vec<(u64, Cause)> {
    let mut judgement = Judgement::new(tolerance, Instant::ZERO);
    let complaints = seconds.filter_map(|second| judgement.on_second(CodecId::Opus, &second, 80));
    complaints.map(|one| (one.second.at.since(Instant::ZERO).as_secs(), one.cause)).collect()
}

#[test]
fn a_way_that_is_bad_two_seconds_of_three_is_complained_of_and_one_that_is_bad_now_and_then_is_not() {
    let often =
        judged(Tolerance::default(), (1..20).map(|at| second(at, if at % 3 == 0 { 0.0 } else { 0.2 })));
    assert_eq!(often, [(4, Cause::Loss), (9, Cause::Loss), (14, Cause::Loss), (19, Cause::Loss)]);
    let rarely =
        judged(Tolerance::default(), (1..60).map(|at| second(at, if at % 3 == 0 { 0.2 } else { 0.0 })));
    assert_eq!(rarely, []);
}

#[test]
fn each_threshold_of_the_user_is_what_is_complained_of() {
    let ms = Duration::from_millis;
    fn seconds(change: impl Fn(&mut Quality)) -> impl Iterator<Item = Quality> {
        (1..5).map(move |at| {
            let mut second = second(at, 0.01);
            change(&mut second);
            second
        })
    }
    let delay = Tolerance { delay: Some(ms(150)), ..Tolerance::default() };
    assert_eq!(judged(delay, seconds(|second| second.one_way = Some(ms(151)))), [(3, Cause::Delay)]);
    assert_eq!(judged(delay, seconds(|second| second.round_trip = Some(ms(302)))), [(3, Cause::Delay)]);
    assert_eq!(judged(delay, seconds(|second| second.round_trip = Some(ms(298)))), []);
    let jitter = Tolerance { jitter: Some(ms(20)), ..Tolerance::default() };
    assert_eq!(judged(jitter, seconds(|second| second.jitter = Some(ms(21)))), [(3, Cause::Delay)]);
    let mos = Tolerance { mos: Some(4.0), loss: Some(0.5), ..Tolerance::default() };
    assert_eq!(judged(mos, seconds(|second| second.mos = Some(3.9))), [(3, Cause::Quality)]);
    let bits = Tolerance { bit_errors: Some(5e-5), ..Tolerance::default() };
    assert_eq!(judged(bits, seconds(|second| second.interval.broken = 3)), [(3, Cause::BitErrors)]);
    assert_eq!(judged(bits, seconds(|second| second.interval.broken = 1)), []);
    assert_eq!(judged(Tolerance::default(), seconds(|second| second.mos = Some(1.0))), []);
}

#[test]
fn two_seconds_without_a_packet_are_enough_and_a_call_in_which_nothing_ever_came_is_not_complained_of() {
    let silent = |from: u64| {
        (1..12).map(move |at| {
            let mut second = second(at, 0.0);
            if at >= from {
                (second.interval, second.interval_loss) = (PacketCounts::default(), None);
            }
            second
        })
    };
    assert_eq!(judged(Tolerance::default(), silent(6)), [(7, Cause::Silence)]);
    let never = silent(1).map(|second| Quality { received: 0, ..second });
    assert_eq!(judged(Tolerance::default(), never), []);
}
