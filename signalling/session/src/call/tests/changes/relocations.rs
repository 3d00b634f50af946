//! Media that are to leave from elsewhere, because the way from where they leave is not good enough.

use std::net::{IpAddr, SocketAddr};

use super::*;

fn elsewhere(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::from([198, 51, 100, 7]), port)
}

/// Ports are opened elsewhere, for signalling that stays where it is.
fn relocate(pair: &mut Pair) {
    pair.alice(Fact::Relocate);
    assert!(matches!(pair.alice.asks[..], [Ask::OpenMedia(toward)] if toward == pair.alice.hop.remote));
    let signalling = pair.alice.hop.local;
    pair.alice(Fact::MediaOpened(MediaPorts::plain(elsewhere(7000), elsewhere(7001), signalling)));
}

#[test]
fn the_other_side_is_told_where_media_come_from_and_signalling_stays_where_it_is() {
    let mut pair = Pair::talking();
    relocate(&mut pair);
    assert!(pair.alice.asks.iter().any(|ask| matches!(ask, Ask::Change { hop: None, .. })));
    pair.carry();
    let route = |plan: &MediaPlan| plan.routes()[0].rtp;
    let (ours, theirs) = (route(pair.alice.changed().unwrap()), route(pair.bob.changed().unwrap()));
    assert_eq!((ours.local, theirs.remote), (elsewhere(7000), elsewhere(7000)));
    assert!(matches!(pair.alice.told()[..], [Progress::Moved { .. }]));
    assert_eq!(pair.bob.told(), [Progress::Moved { remote: elsewhere(7000) }]);
}

#[test]
fn a_peer_that_refuses_leaves_all_as_it_was_and_later_offers_say_so() {
    let mut pair = Pair::talking();
    let before = pair.alice.ports.rtp;
    relocate(&mut pair);
    pair.alice.asks.clear();
    pair.alice(Fact::ChangeFailed(refused(StatusCode::NOT_ACCEPTABLE_HERE)));
    assert!(matches!(pair.alice.told()[..], [Progress::Unchanged { .. }]));
    assert!(pair.alice.changed().is_none(), "media go on where they were");
    pair.alice.asks.clear();
    pair.alice(Fact::Hold(true));
    let offer = pair.alice.asks.iter().find_map(|ask| match ask {
        Ask::Change { offer, .. } => Some(String::from_utf8(offer.clone()).unwrap()),
        _ => None,
    });
    let offer = offer.unwrap();
    assert!(
        offer.contains(&format!("m=audio {}", before.port())) && !offer.contains("198.51.100.7"),
        "{offer}"
    );
}

#[test]
fn while_another_change_is_under_way_nothing_is_moved() {
    let mut pair = Pair::talking();
    pair.alice(Fact::Hold(true));
    pair.alice.asks.clear();
    pair.alice(Fact::Relocate);
    assert!(matches!(pair.alice.told()[..], [Progress::Unchanged { .. }]));
    assert!(!pair.alice.asks.iter().any(|ask| matches!(ask, Ask::OpenMedia(_))));
}
