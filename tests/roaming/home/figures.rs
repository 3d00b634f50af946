//! How much one core does, in processor time, so that other work on the machine changes nothing.

use std::time::Duration;

use rove_roam::{Operation, Outcome};
use rustix::time::{ClockId, clock_gettime};

use super::{
    desk::Desk,
    fixture::{imsi, subscriber, visited},
};

const SUBSCRIBERS: u32 = 10_000;
const A: usize = 1;

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.try_into().unwrap_or(0))
}

/// Of `ask`, once for each subscriber.
fn per_second(desk: &mut Desk, ask: impl Fn(u32) -> Operation) -> f64 {
    let start = cpu_time();
    for who in 0..SUBSCRIBERS {
        let answer = desk.ask(A, ask(who));
        assert!(matches!(answer, Ok(Outcome::AuthenticationInfo(_) | Outcome::Located { .. })), "{answer:?}");
    }
    f64::from(SUBSCRIBERS) / (cpu_time() - start).as_secs_f64()
}

#[test]
fn one_core_makes_20000_challenges_and_decides_5000_updates_of_locations_a_second() {
    let mut desk = Desk::with((0..SUBSCRIBERS).map(subscriber));
    let visited = || visited(A);
    let challenges = per_second(&mut desk, |who| Operation::SendAuthenticationInfo {
        imsi: imsi(who),
        visited: visited(),
        count: 1,
        resynchronisation: None,
        eps: None,
    });
    let updates =
        per_second(&mut desk, |who| Operation::UpdateLocation { imsi: imsi(who), visited: visited() });
    println!("{challenges:.0} challenges, {updates:.0} updates of locations per processor-second");
    assert!(challenges >= 20_000.0, "{challenges:.0} challenges a second");
    assert!(updates >= 5_000.0, "{updates:.0} updates a second");
}
