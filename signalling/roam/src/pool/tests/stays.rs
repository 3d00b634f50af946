//! From free to reserved to bound to rest to free, and over crashes.

use super::*;

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let with = |change: fn(&mut V4Config)| {
        let mut config = settings(10);
        change(config.v4.as_mut().unwrap());
        Pool::new(config, Entropy::from_number(1)).map(|_| ()).unwrap_err()
    };
    let ip = |last| Ipv4Addr::new(10, 9, 0, last);
    let cases: &[(&str, PoolConfigError, PoolConfigError)] = &[
        (
            "upside down",
            with(|v4| v4.ranges[0].last = Ipv4Addr::new(10, 9, 0, 9)),
            PoolConfigError::EmptyRange { first: ip(10), last: ip(9) },
        ),
        (
            "two ranges meet",
            with(|v4| {
                v4.ranges
                    .push(Range4 { first: Ipv4Addr::new(10, 9, 0, 19), last: Ipv4Addr::new(10, 9, 0, 30) });
            }),
            PoolConfigError::Overlap(ip(19)),
        ),
        (
            "the server's own",
            with(|v4| v4.ranges[0].first = Ipv4Addr::new(10, 9, 0, 1)),
            PoolConfigError::Own(ip(1)),
        ),
        (
            "beyond the network",
            with(|v4| v4.ranges[0].last = Ipv4Addr::new(10, 9, 1, 3)),
            PoolConfigError::Outside(Ipv4Addr::new(10, 9, 1, 3)),
        ),
        (
            "too many",
            with(|v4| {
                v4.ranges[0] =
                    Range4 { first: Ipv4Addr::new(10, 0, 0, 0), last: Ipv4Addr::new(10, 255, 0, 0) }
            }),
            PoolConfigError::TooMany,
        ),
        ("none", with(|v4| v4.ranges.clear()), PoolConfigError::Nothing),
    ];
    for (what, got, expected) in cases {
        assert_eq!(got, expected, "{what}");
    }
}

#[test]
fn a21_an_address_rests_for_a_minute_or_the_ttl_before_somebody_else_has_it() {
    for (ttl, rest) in [(5, 60), (300, 300)] {
        let mut config = settings(1);
        config.name_ttl = Duration::from_secs(ttl);
        let mut network = Network::of(config, 1);
        let address = network.attach(imsi(1), token(1));
        network.bind(imsi(1));
        network.release(imsi(1));
        network.pass(Duration::from_secs(rest) - Duration::from_nanos(1));
        assert_eq!(network.pool.reserve(network.now, imsi(2)), Err(Full), "ttl {ttl}");
        network.pass(Duration::from_nanos(1));
        assert_eq!(network.attach(imsi(2), token(2)), address, "ttl {ttl}");
        assert_eq!(network.pool.counters().starved, 1);
    }
}

#[test]
fn a21_a_subscriber_has_one_address_and_another_in_each_stay() {
    let mut network = Network::new(20);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..4 {
        let first = network.attach(imsi(1), token(1));
        assert_eq!(network.attach(imsi(1), token(2)), first, "a reservation is kept");
        network.bind(imsi(1));
        assert!(seen.insert(first), "{first} came twice");
        assert_eq!(network.pool.occupancy().bound, 1);
        network.release(imsi(1));
    }
}

#[test]
fn who_comes_and_goes_for_ever_holds_five_addresses_at_most() {
    let mut network = Network::new(20);
    for _ in 0..1_000 {
        network.attach(imsi(1), token(1));
        network.bind(imsi(1));
        network.release(imsi(1));
        let occupancy = network.pool.occupancy();
        assert!(occupancy.resting <= 5 && occupancy.free >= 15, "{occupancy:?}");
    }
    network.attach(imsi(2), token(2));
}

#[test]
fn what_was_used_longest_ago_comes_first_and_where_it_begins_is_a_secret() {
    let first_of = |seed| {
        let mut network = Network::of(settings(200), seed);
        network.attach(imsi(1), token(1))
    };
    let firsts = (0..20).map(first_of).collect::<std::collections::BTreeSet<_>>();
    assert!(firsts.len() > 10, "{firsts:?}");

    let mut network = Network::new(6);
    let mut order = Vec::new();
    for number in 0..12 {
        order.push(network.attach(imsi(number), token(1)));
        network.release(imsi(number));
        network.pass(Duration::from_secs(61));
    }
    assert_eq!(order[..6], order[6..]);
}

#[test]
fn a_reservation_that_nobody_fetches_falls_by_itself() {
    let mut network = Network::new(5);
    network.attach(imsi(1), token(1));
    network.pass(Duration::from_secs(29));
    assert_eq!(network.take_events(), []);
    network.pass(Duration::from_secs(1));
    assert_eq!(network.take_events(), [Event::Expired { holder: imsi(1) }]);
    assert_eq!(network.pool.occupancy(), Occupancy { free: 4, reserved: 0, bound: 0, resting: 1 });
    network.pass(Duration::from_secs(60));
    assert_eq!(network.pool.occupancy().free, 5);
}

#[test]
fn a_lease_that_nobody_renews_ends_by_itself_and_the_register_is_told() {
    let mut network = Network::new(5);
    let address = network.attach(imsi(1), token(1));
    network.bind(imsi(1));
    network.pass(Duration::from_secs(u64::from(LEASE)) - Duration::from_nanos(1));
    assert_eq!(network.pool.holder_of(address.into()), Some(imsi(1)));
    network.pass(Duration::from_nanos(1));
    assert_eq!(
        (network.take_events(), network.pool.holder_of(address.into())),
        (vec![Event::Expired { holder: imsi(1) }], None)
    );
}

#[test]
fn a_restart_keeps_leases_rests_and_tokens_and_lets_rest_what_may_have_been_bound() {
    let mut network = Network::new(40);
    let bound = network.attach(imsi(1), token(1));
    network.bind(imsi(1));
    let left = network.attach(imsi(2), token(2));
    network.bind(imsi(2));
    network.release(imsi(2));
    // Its binding may be durable at home, whatever became of the record here.
    let reserved = network.attach(imsi(3), token(3));
    network.pass(Duration::from_secs(10));

    for (what, records) in
        [("journal", network.journal.clone()), ("snapshot", network.pool.snapshot(network.now))]
    {
        let mut after = network.restart(settings(40), 2, &records);
        assert_eq!(after.pool.holder_of(bound.into()), Some(imsi(1)), "{what}");
        assert_eq!(after.pool.addresses_of(imsi(3)), None, "{what}");
        let mut given = Vec::new();
        for number in 10..50 {
            match after.pool.reserve(after.now, imsi(number)) {
                Ok(addresses) => given.push(addresses.v4.unwrap()),
                Err(Full) => break,
            }
            after.drain();
        }
        assert!(given.len() >= 25, "{what}: {}", given.len());
        for address in [bound, left, reserved] {
            assert!(!given.contains(&address), "{what}: {address}");
        }
        // 110 seconds of the lease are left; the journal counts whole ones.
        after.pass(Duration::from_secs(109));
        assert_eq!(after.pool.holder_of(bound.into()), Some(imsi(1)), "{what}");
        after.pass(Duration::from_secs(3));
        assert!(after.events.contains(&Event::Expired { holder: imsi(1) }), "{what}");
    }
}

#[test]
fn ten_crashes_in_the_time_of_a_rest_leave_most_of_a_pool() {
    let mut network = Network::new(250);
    for crash in 1..=10 {
        network.attach(imsi(crash), token(1));
        network.bind(imsi(crash));
        network.pass(Duration::from_secs(5));
        network = network.restart(settings(250), u64::from(crash), &network.journal);
    }
    let there = network.pool.occupancy();
    assert_eq!(there.bound, 10);
    assert!(there.free >= 160, "{there:?}");
}

#[test]
fn a_damaged_record_is_refused_and_a_sound_one_reads_back() {
    let mut network = Network::new(5);
    network.attach(imsi(1), token(1));
    let record = network.pool.record(network.now, imsi(1), LEASE);
    for cut in 1..record.len() {
        let mut pool = Network::new(5).pool;
        assert_eq!(pool.replay(network.now, &record[..cut]), Err(DamagedRecord), "cut at {cut}");
    }
    assert_eq!(Network::new(5).pool.replay(network.now, &record), Ok(()));
}

#[test]
fn no_address_leaves_before_the_journal_knows_that_it_may() {
    let mut pool = Pool::new(settings(5), Entropy::from_number(1)).unwrap();
    let now = Now::default();
    pool.tick(now);
    assert_eq!(pool.reserve(now, imsi(1)), Err(Full), "nothing is opened");
    let Step::Event(Event::Commit(change)) = pool.poll(&mut Scratch::default()) else { panic!("no commit") };
    pool.committed(now, change.id, true);
    assert!(pool.reserve(now, imsi(1)).is_ok());
}
