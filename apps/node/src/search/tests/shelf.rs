//! What is kept for others, and what is not.

use libp2p_identity::PeerId;
use libp2p_kad::{Record, RecordKey, store::RecordStore as _};
use rove_base::UnixTime;
use rove_irmv::{BadPointer, Pointer, SearchKey, UserKey};

use super::super::{Neighbours, NotKept, Shelf, ShelfLimits};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn pointer(key: u8, server: u8, left: u64) -> Pointer {
    let expires = UnixTime::from_secs(NOW.as_secs() + left);
    Pointer::sign(SearchKey([key; 32]), "a.example", &[], expires, &UserKey::from_seed(&[server; 32]))
}

fn record(key: u8, pointer: &Pointer) -> Record {
    Record::new(RecordKey::new(&[key; 32]), pointer.encode())
}

fn shelf(limits: ShelfLimits) -> (Shelf, PeerId) {
    (Shelf::new(PeerId::random(), limits), PeerId::random())
}

#[test]
fn a_signed_pointer_is_kept_and_answered_until_its_time_has_passed() {
    let (mut shelf, from) = shelf(ShelfLimits::default());
    let pointer = pointer(1, 1, 100);
    assert_eq!(shelf.keep(&record(1, &pointer), from, NOW), Ok(()));
    let kept = shelf.get(&RecordKey::new(&[1; 32])).expect("it is kept").into_owned();
    assert_eq!(Pointer::decode_all(&kept.value), Ok(vec![pointer]));
    shelf.sweep(UnixTime::from_secs(NOW.as_secs() + 100));
    assert!(shelf.is_empty());
    assert!(shelf.get(&RecordKey::new(&[1; 32])).is_none());
}

#[test]
fn what_is_not_signed_or_for_another_key_or_out_of_date_or_good_for_ever_is_not_kept() {
    let (mut shelf, from) = shelf(ShelfLimits::default());
    let mut forged = pointer(1, 1, 100);
    forged.domain = "b.example".into();
    let cases = [
        (record(1, &forged), BadPointer::Signature),
        (record(2, &pointer(1, 1, 100)), BadPointer::Key),
        (record(1, &pointer(1, 1, 0)), BadPointer::Expiry),
        (record(1, &pointer(1, 1, Pointer::LONGEST + 1)), BadPointer::Expiry),
    ];
    for (record, why) in cases {
        assert_eq!(shelf.keep(&record, from, NOW), Err(NotKept::Bad(why)));
    }
    assert!(shelf.is_empty());
}

#[test]
fn servers_stand_beside_each_other_under_one_key_and_each_replaces_only_its_own() {
    let (mut shelf, from) = shelf(ShelfLimits::default());
    assert_eq!(shelf.keep(&record(1, &pointer(1, 1, 100)), from, NOW), Ok(()));
    assert_eq!(shelf.keep(&record(1, &pointer(1, 2, 100)), from, NOW), Ok(()));
    assert_eq!(shelf.keep(&record(1, &pointer(1, 1, 200)), from, NOW), Ok(()));
    assert_eq!(shelf.keep(&record(1, &pointer(1, 1, 150)), from, NOW), Err(NotKept::Old));
    assert_eq!(shelf.len(), 2);
    for server in 3..=8 {
        assert_eq!(shelf.keep(&record(1, &pointer(1, server, 100)), from, NOW), Ok(()));
    }
    assert_eq!(shelf.keep(&record(1, &pointer(1, 9, 100)), from, NOW), Err(NotKept::Full));
}

#[test]
fn no_server_and_no_neighbour_fills_the_shelf() {
    let (mut shelf, from) = shelf(ShelfLimits { pointers: 5, of_server: 2, from_peer: 3 });
    assert_eq!(shelf.keep(&record(1, &pointer(1, 1, 100)), from, NOW), Ok(()));
    assert_eq!(shelf.keep(&record(2, &pointer(2, 1, 100)), from, NOW), Ok(()));
    assert_eq!(shelf.keep(&record(3, &pointer(3, 1, 100)), from, NOW), Err(NotKept::Full), "of one server");
    assert_eq!(shelf.keep(&record(3, &pointer(3, 2, 100)), from, NOW), Ok(()));
    assert_eq!(
        shelf.keep(&record(4, &pointer(4, 3, 100)), from, NOW),
        Err(NotKept::Full),
        "from one neighbour"
    );
    let others = [PeerId::random(), PeerId::random()];
    assert_eq!(shelf.keep(&record(4, &pointer(4, 3, 100)), others[0], NOW), Ok(()));
    assert_eq!(shelf.keep(&record(5, &pointer(5, 4, 100)), others[1], NOW), Ok(()));
    assert_eq!(
        shelf.keep(&record(6, &pointer(6, 5, 100)), PeerId::random(), NOW),
        Err(NotKept::Full),
        "in all"
    );
    shelf.remove(&RecordKey::new(&[1; 32]));
    assert_eq!(shelf.keep(&record(6, &pointer(6, 1, 100)), from, NOW), Ok(()), "what goes makes room");
}

#[test]
fn one_network_gives_only_so_many_neighbours() {
    let mut neighbours = Neighbours::new(2);
    let at = |text: &str| text.parse().expect("an address");
    let peers: Vec<PeerId> = (0..6).map(|_| PeerId::random()).collect();
    assert!(neighbours.admits(peers[0], &at("/ip4/192.0.2.1/tcp/1")));
    assert!(neighbours.admits(peers[1], &at("/ip4/192.0.2.2/tcp/1")));
    assert!(!neighbours.admits(peers[2], &at("/ip6/::ffff:192.0.2.3/tcp/1")), "mapped is the same network");
    assert!(neighbours.admits(peers[0], &at("/ip4/192.0.2.9/tcp/1")), "who is known stays");
    assert!(
        !neighbours.admits(peers[0], &at("/ip4/198.51.100.1/tcp/1")),
        "but does not count for two networks"
    );
    assert!(neighbours.admits(peers[3], &at("/ip4/198.51.100.1/tcp/1")));
    assert!(neighbours.admits(peers[4], &at("/ip6/2001:db8::1/tcp/1")));
    neighbours.left(&peers[1]);
    assert!(neighbours.admits(peers[2], &at("/ip4/192.0.2.3/tcp/1")));
}
