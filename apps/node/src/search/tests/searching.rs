//! Row B19: who is registered anywhere is found from anywhere, whoever dies and whoever lies.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::world::World;

/// Searches by servers that live, for users of servers that live; several at a time.
async fn search(
    world: &mut World,
    users: &[(rove_irmv::SearchKey, usize)],
    dead: &[usize],
    count: usize,
) -> Vec<Option<Duration>> {
    let mut wanted = Vec::new();
    let living: Vec<_> = users.iter().filter(|(_, at)| !dead.contains(at)).copied().collect();
    for number in 0..count {
        let (key, at) = living[number % living.len()];
        let from = loop {
            let from = world.any();
            if !dead.contains(&from) && from != at {
                break from;
            }
        };
        wanted.push((from, key, at));
    }
    let world = &*world;
    let all = wanted.into_iter().map(|(from, key, at)| world.find(from, key, at));
    // One that takes long keeps no other from beginning.
    stream::iter(all).buffer_unordered(4).collect().await
}

fn long() -> bool {
    std::env::var_os("ROVE_PROVE").is_some()
}

/// The share that was found, and the time within which 95 of 100 were.
fn told(what: &str, times: &[Option<Duration>]) -> (f64, Duration) {
    let mut found: Vec<Duration> = times.iter().flatten().copied().collect();
    found.sort();
    let share = found.len() as f64 / times.len() as f64;
    let at = |part: f64| found.get((times.len() as f64 * part) as usize).copied().unwrap_or(Duration::MAX);
    println!(
        "{what}: {} searches, {:.2} % found, p50 {:?} p95 {:?} p99 {:?}",
        times.len(),
        share * 100.0,
        at(0.5),
        at(0.95),
        at(0.99)
    );
    (share, at(0.95))
}

#[test]
fn b19_users_are_found_though_a_fifth_of_the_servers_is_dead() {
    run(async {
        let (servers, searches) = if long() { (256, 2_000) } else { (32, 40) };
        let mut world = World::new(servers, 0).await;
        let users = world.publish(servers).await;
        let all = search(&mut world, &users, &[], searches).await;
        let (share, _) = told("all alive", &all);
        assert!(share > 0.999, "{share}");
        let dead = world.kill(0.2);
        let some = search(&mut world, &users, &dead, searches).await;
        let (share, p95) = told("a fifth dead", &some);
        assert!(share >= 0.999, "{share}");
        if long() {
            assert!(p95 <= Duration::from_millis(500), "{p95:?}");
        }
        let counts = world.counts().await;
        let neighbours = counts.iter().map(|counts| counts.neighbours).min();
        println!("neighbours of the one that has fewest: {neighbours:?}");
    });
}

#[test]
fn b19_users_are_found_though_a_fifth_of_the_servers_lies() {
    run(async {
        let (servers, searches) = if long() { (256, 2_000) } else { (32, 40) };
        let mut world = World::new(servers - servers / 5, servers / 5).await;
        let users = world.publish(servers).await;
        let all = search(&mut world, &users, &[], searches).await;
        let (share, _) = told("a fifth lies", &all);
        assert!(share >= 0.99, "{share}");
    });
}

fn run(work: impl Future<Output = ()>) {
    // Two worlds at once take the processor from each other, and what is measured is time.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(work);
}
