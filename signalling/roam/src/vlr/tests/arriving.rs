use super::{desk::stay_of, home::Key, *};
use crate::{
    Cause, Services,
    aka::{AkaKeys, Usim},
    attach::{CallId, CallRequest, Reason, SimCredential},
    private::Told,
    vlr::{Input, NamePolicy},
};

#[test]
fn a_terminal_is_bound_at_home_and_in_reverse_before_it_is_told() {
    let (mut desk, imsi, seat) = one();
    desk.attach(seat);
    desk.run(SECOND);
    let order = [
        "ask SendAuthenticationInfo",
        "ask UpdateLocation",
        "answer Ok(Done)",
        "pool Reserve",
        "pool Grant",
        "ask Bind",
        "commit [Reverse { address: 10.1.0.1, name: Some(HostName(t1.home.example))",
        "pool Confirm",
        "attached",
    ];
    assert!(order.map(|what| desk.place(what)).is_sorted(), "{:#?}", desk.trace);
    assert!(attached(&desk.terminals[seat].events), "{:?}", desk.terminals[seat].events);
    assert_eq!(desk.home.bound.get(&imsi).copied(), stay_of(&desk.terminals[seat].events));
    assert_eq!(desk.vlr.metrics().attached, 1);
    assert_eq!(desk.vlr.attaching(), 0);
}

#[test]
fn a_sim_that_is_ahead_of_its_home_is_resynchronised_once() {
    let mut desk = Desk::new(config());
    let keys = AkaKeys::new([1; 16], [2; 16]);
    let imsi = "262011234567890".parse().unwrap();
    desk.home.enter(imsi, "t1.home.example", Key::Sim { keys: keys.clone(), next: 5 });
    let credential = Box::new(SimCredential::new(Usim::restored(keys, [4_000; 32])));
    let seat = desk.terminal(TerminalConfig { imsi, name: None, dhcp: false }, credential);
    desk.attach(seat);
    desk.run(SECOND);
    assert!(attached(&desk.terminals[seat].events), "{:?}", desk.terminals[seat].events);
    assert_eq!(desk.home.count("SendAuthenticationInfo"), 2);
}

#[test]
fn a_sim_of_another_subscriber_is_refused_and_nothing_is_left() {
    let mut desk = Desk::new(config());
    let imsi = "262011234567890".parse().unwrap();
    let keys = AkaKeys::new([1; 16], [2; 16]);
    desk.home.enter(imsi, "t1.home.example", Key::Sim { keys, next: 5 });
    let other = SimCredential::new(Usim::new(AkaKeys::new([3; 16], [2; 16])));
    let seat = desk.terminal(TerminalConfig { imsi, name: None, dhcp: false }, Box::new(other));
    desk.attach(seat);
    desk.run(SECOND);
    assert_eq!(desk.terminals[seat].events, [TerminalEvent::Refused(Reason::Distrusted)]);
    assert_eq!(desk.vlr.metrics().refused(Reason::Distrusted), 1);
    assert_eq!((desk.home.count("UpdateLocation"), desk.pool.held.len(), desk.journal.len()), (0, 0, 0));
}

#[test]
fn a_key_of_another_subscriber_is_refused_and_nothing_is_left() {
    let (mut desk, imsi, _) = one();
    let (_, thief) = desk.home.subscribe("262011234567891", "t2.home.example");
    let seat = desk.terminal(TerminalConfig { imsi, name: None, dhcp: false }, Box::new(thief));
    desk.attach(seat);
    desk.run(SECOND);
    assert_eq!(desk.terminals[seat].events, [TerminalEvent::Refused(Reason::AuthenticationFailed)]);
    assert_eq!((desk.home.count("UpdateLocation"), desk.pool.held.len(), desk.journal.len()), (0, 0, 0));
}

#[test]
fn who_has_no_agreement_is_refused_without_one_packet_on_the_private_network() {
    for (imsi, what) in [("310151234567890", "none"), ("262019234567890", "suspended")] {
        let mut desk = Desk::new(config());
        let (imsi, key) = desk.home.subscribe(imsi, "t1.home.example");
        let seat = desk.terminal(TerminalConfig { imsi, name: None, dhcp: false }, Box::new(key));
        desk.attach(seat);
        desk.run(SECOND);
        let refused = TerminalEvent::Refused(Reason::Home(Cause::NoAgreement));
        assert_eq!(desk.terminals[seat].events, [refused], "{what}");
        assert_eq!(desk.home.asked, [], "{what}");
        assert_eq!(desk.vlr.metrics().refused(Cause::NoAgreement), 1, "{what}");
    }
}

#[test]
fn the_homes_refusals_reach_the_terminal_and_leave_nothing() {
    let cases = [
        ("SendAuthenticationInfo", Cause::UnknownSubscriber, 0),
        ("SendAuthenticationInfo", Cause::Overload, 0),
        ("UpdateLocation", Cause::RoamingNotAllowed, 0),
        ("Bind", Cause::AddressNotAllowed, 1),
        ("Bind", Cause::NameMismatch, 1),
        ("Bind", Cause::StaleGeneration, 0),
    ];
    for (what, cause, purges) in cases {
        let (mut desk, _, seat) = one();
        desk.home.refuses.insert(what, cause);
        desk.attach(seat);
        desk.run(SECOND);
        let refused = TerminalEvent::Refused(Reason::Home(cause));
        assert_eq!(desk.terminals[seat].events.last(), Some(&refused), "{what} {cause:?}");
        assert_eq!(desk.home.count("PurgeMs"), purges, "{what} {cause:?}");
        assert_eq!((desk.pool.held.len(), desk.pool.confirmed.len()), (0, 0), "{what}");
        assert_eq!(desk.vlr.metrics().refused(cause), 1, "{what}");
        assert_eq!(desk.vlr.holders().count(), 0);
    }
}

#[test]
fn a11_the_profile_decides_who_is_admitted() {
    let may = |roaming, packet_data| Services { roaming, packet_data, ..Services::default() };
    let cases = [
        ("26201", may(true, true), None),
        ("26201", may(false, true), Some(Cause::RoamingNotAllowed)),
        ("26201", may(true, false), Some(Cause::NoPacketData)),
        ("26201", may(false, false), Some(Cause::RoamingNotAllowed)),
        ("22801", may(false, true), None),
        ("22801", may(false, false), Some(Cause::NoPacketData)),
    ];
    for (prefix, services, refused) in cases {
        let mut desk = Desk::new(config());
        let (imsi, key) = desk.home.subscribe(&format!("{prefix}1234567890"), "t1.home.example");
        desk.home.subscribers.get_mut(&imsi).unwrap().subscription.profile.services = services;
        let seat = desk.terminal(TerminalConfig { imsi, name: None, dhcp: false }, Box::new(key));
        desk.attach(seat);
        desk.run(SECOND);
        let events = &desk.terminals[seat].events;
        match refused {
            None => assert!(attached(events), "{prefix} {services:?}: {events:?}"),
            Some(cause) => {
                assert_eq!(*events, [TerminalEvent::Refused(cause.into())], "{prefix} {services:?}");
                assert_eq!(desk.pool.held.len(), 0);
                assert_eq!(desk.home.count("PurgeMs"), 1, "the home must not think it is here");
            }
        }
    }
}

#[test]
fn a_home_that_says_nothing_of_the_profile_has_no_visitor_here() {
    let (mut desk, imsi, seat) = one();
    desk.home.subscribers.get_mut(&imsi).unwrap().tells = false;
    desk.attach(seat);
    desk.run(SECOND);
    assert_eq!(desk.terminals[seat].events, [TerminalEvent::Refused(Cause::DataMissing.into())]);
}

#[test]
fn the_homes_name_wins_and_the_terminals_is_counted() {
    let cases = [
        ("the home's alone", Some("t1.home.example"), None, NamePolicy::HomeWins, Some("t1.home.example"), 0),
        (
            "both the same",
            Some("t1.home.example"),
            Some("T1.home.example."),
            NamePolicy::Strict,
            Some("t1.home.example"),
            0,
        ),
        (
            "another",
            Some("t1.home.example"),
            Some("t9.home.example"),
            NamePolicy::HomeWins,
            Some("t1.home.example"),
            1,
        ),
        ("another, strictly", Some("t1.home.example"), Some("t9.home.example"), NamePolicy::Strict, None, 1),
        (
            "the terminal's alone",
            None,
            Some("t1.home.example"),
            NamePolicy::HomeWins,
            Some("t1.home.example"),
            0,
        ),
        ("none", None, None, NamePolicy::HomeWins, None, 0),
        ("not the partner's to give", Some("www.bank.example"), None, NamePolicy::HomeWins, None, 0),
    ];
    for (what, home, told, names, bound, counted) in cases {
        let mut desk = Desk::new(VlrConfig { names, ..config() });
        let (imsi, key) = desk.home.subscribe("262011234567890", home.unwrap_or("-"));
        let name = told.map(|name| name.parse().unwrap());
        let seat = desk.terminal(TerminalConfig { imsi, name, dhcp: false }, Box::new(key));
        desk.attach(seat);
        desk.run(SECOND);
        let holder = desk.vlr.holders().next().map(|(_, name, ..)| name.to_string());
        assert_eq!(holder.as_deref(), bound, "{what}");
        assert_eq!(desk.vlr.metrics().names_refused, counted, "{what}");
    }
}

#[test]
fn dhcp_asks_with_the_token_and_its_name_is_checked() {
    let cases = [
        ("no name", None, NamePolicy::Strict, true, 0),
        ("the label alone", Some("T1"), NamePolicy::Strict, true, 0),
        ("in full", Some("t1.home.example."), NamePolicy::Strict, true, 0),
        ("another", Some("debian"), NamePolicy::HomeWins, true, 1),
        ("another, strictly", Some("debian"), NamePolicy::Strict, false, 1),
    ];
    for (what, told, names, bound, counted) in cases {
        let mut desk = Desk::new(VlrConfig { names, ..config() });
        let (imsi, key) = desk.home.subscribe("262011234567890", "t1.home.example");
        let seat = desk.terminal(TerminalConfig { imsi, name: None, dhcp: true }, Box::new(key));
        desk.terminals[seat].dhcp = Some(told.map(str::to_owned));
        desk.attach(seat);
        desk.run(SECOND);
        assert!(desk.terminals[seat].token.is_some(), "{what}");
        assert_eq!(attached(&desk.terminals[seat].events), bound, "{what}");
        assert_eq!(desk.pool.confirmed.contains(&imsi), bound, "{what}");
        assert_eq!((desk.pool.denied > 0, desk.vlr.metrics().names_refused), (!bound, counted), "{what}");
    }
}

#[test]
fn a_terminal_that_never_fetches_its_address_is_given_up() {
    let mut desk = Desk::new(config());
    let (imsi, key) = desk.home.subscribe("262011234567890", "t1.home.example");
    let seat = desk.terminal(TerminalConfig { imsi, name: None, dhcp: true }, Box::new(key));
    desk.attach(seat);
    desk.run(SECOND * 35);
    assert_eq!(desk.terminals[seat].events.last(), Some(&TerminalEvent::Refused(Reason::Timeout)));
    assert_eq!((desk.pool.held.len(), desk.home.count("PurgeMs"), desk.home.count("Bind")), (0, 1, 0));
}

#[test]
fn a_full_pool_refuses_the_attach_and_the_home_hears_of_it() {
    let (mut desk, _, seat) = one();
    desk.pool.full = true;
    desk.attach(seat);
    desk.run(SECOND);
    assert_eq!(desk.terminals[seat].events, [TerminalEvent::Refused(Cause::Overload.into())]);
    assert_eq!(desk.home.count("PurgeMs"), 1);
}

#[test]
fn a_disk_that_fails_gives_no_lease() {
    let (mut desk, imsi, seat) = one();
    desk.disk_full = true;
    desk.attach(seat);
    desk.run(SECOND);
    assert_eq!(
        desk.terminals[seat].events.last(),
        Some(&TerminalEvent::Refused(Cause::SystemFailure.into()))
    );
    assert!(!desk.home.bound.contains_key(&imsi), "the home was told");
    assert!(desk.pool.confirmed.is_empty() && desk.pool.held.is_empty());
}

#[test]
fn more_terminals_than_can_be_served_are_refused_before_the_home_is_asked() {
    let mut limited = config();
    limited.limits.attaching = 3;
    let mut desk = Desk::new(limited);
    for number in 0..5 {
        let (imsi, key) =
            desk.home.subscribe(&format!("26201123456789{number}"), &format!("t{number}.home.example"));
        desk.terminal(TerminalConfig { imsi, name: None, dhcp: false }, Box::new(key));
    }
    (0..5).for_each(|seat| desk.attach(seat));
    desk.run(SECOND);
    let overload = TerminalEvent::Refused(Cause::Overload.into());
    let refused = desk.terminals.iter().filter(|seat| seat.events == [overload.clone()]).count();
    let taken = desk.terminals.iter().filter(|seat| attached(&seat.events)).count();
    assert_eq!((refused, taken, desk.home.count("SendAuthenticationInfo")), (2, 3, 3));
    assert_eq!(desk.vlr.metrics().refused(Cause::Overload), 2);
    // Those who were refused may come again.
    (0..5)
        .filter(|seat| !attached(&desk.terminals[*seat].events))
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|seat| desk.attach(seat));
    desk.run(SECOND);
    assert!(desk.terminals.iter().all(|seat| attached(&seat.events)));
}

#[test]
fn one_subscriber_cannot_fill_the_queue() {
    let (mut desk, imsi, _) = one();
    desk.linked = false;
    desk.home.refuses.clear();
    let seats: Vec<_> = (0..6)
        .map(|_| {
            let key = crate::aka::TerminalKey::from_seed(&[9; 32]);
            desk.terminal(TerminalConfig { imsi, name: None, dhcp: false }, Box::new(key))
        })
        .collect();
    seats.iter().for_each(|seat| desk.attach(*seat));
    desk.run(Duration::from_millis(35));
    assert_eq!(desk.vlr.metrics().refused(Cause::Overload), 2);
}

#[test]
fn a_home_that_cannot_be_reached_refuses_at_once() {
    let (mut desk, _, seat) = one();
    desk.tell(Input::Told(Told::Down(HOME)));
    desk.attach(seat);
    desk.run(Duration::from_millis(100));
    assert_eq!(desk.terminals[seat].events, [TerminalEvent::Refused(Cause::NoAnswer.into())]);
    assert_eq!(desk.home.asked, []);
}

#[test]
fn a_network_with_another_certificate_than_its_word_is_not_believed() {
    let (mut desk, _, seat) = one();
    desk.terminals[seat].certificate = "evil.example".into();
    desk.attach(seat);
    desk.run(SECOND);
    assert_eq!(desk.terminals[seat].events, [TerminalEvent::Refused(Reason::Distrusted)]);
    assert_eq!(desk.home.count("UpdateLocation"), 0);
}

#[test]
fn a_call_from_a_detached_terminal_attaches_it_and_is_decided() {
    for (third, restricted, allowed) in [(false, false, true), (false, true, true), (true, false, false)] {
        let (mut desk, imsi, seat) = one();
        let services = &mut desk.home.subscribers.get_mut(&imsi).unwrap().subscription.profile.services;
        services.caller_id_restricted = restricted;
        let call = CallRequest { id: CallId(5), dialled: "+41791112233".parse().unwrap(), third };
        desk.attach_for(seat, call);
        desk.run(SECOND);
        let events = &desk.terminals[seat].events;
        let verdict = match allowed {
            true => TerminalEvent::CallAllowed { id: CallId(5), anonymous: restricted },
            false => TerminalEvent::CallRefused { id: CallId(5), reason: Reason::ServiceNotGranted },
        };
        assert!(attached(events) && events.contains(&verdict), "{events:?}");
        assert_eq!(desk.vlr.metrics().calls_refused, u64::from(!allowed));
    }
}

#[test]
fn a_terminal_that_does_not_wait_leaves_no_stay_at_home() {
    let (mut desk, _, seat) = one();
    desk.attach(seat);
    // The home has been told where it is, and has not answered yet.
    while desk.home.count("UpdateLocation") == 0 {
        desk.run(Duration::from_millis(1));
    }
    desk.with(seat, |terminal, now| terminal.detach(now));
    desk.run(SECOND);
    assert_eq!(desk.home.count("PurgeMs"), 1);
    assert_eq!((desk.vlr.attaching(), desk.pool.held.len()), (0, 0));
    assert_eq!(desk.terminals[seat].events, [TerminalEvent::Detached]);
}
