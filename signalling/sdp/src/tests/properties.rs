use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::*;

fn word() -> impl Strategy<Value = String> {
    "[!-~]{1,12}"
}

fn connection() -> impl Strategy<Value = Connection> {
    (word(), word(), word()).prop_map(|(network, kind, address)| Connection { network, kind, address })
}

/// Lines of the kinds that `kinds` holds, in the order of the standard.
fn lines(kinds: &'static str) -> impl Strategy<Value = Vec<Line>> {
    let kind = proptest::sample::select(kinds.chars().collect::<Vec<_>>());
    let line = (kind, "[ -~é]{0,30}").prop_map(|(kind, value)| Line { kind, value });
    vec(line, 0..6).prop_map(|mut lines| {
        lines.sort_by_key(|line| parse::rank(line.kind));
        lines
    })
}

prop_compose! {
    fn media()(
        kind in word(), port: u16, port_count in option::of(any::<u16>()), protocol in word(),
        formats in vec(word(), 1..5), connection in option::of(connection()), lines in lines("ibka"),
    ) -> Media {
        Media { kind, port, port_count, protocol, formats, connection, lines }
    }
}

prop_compose! {
    fn description()(
        (user, session, version) in (word(), word(), word()), address in connection(), name in "[ -~]{0,20}",
        connection in option::of(connection()), other in lines("iuepbrzkaX"), media in vec(media(), 0..4),
    ) -> Description {
        let mut lines = other;
        lines.push(Line { kind: 't', value: "0 0".into() });
        lines.sort_by_key(|line| parse::rank(line.kind));
        Description { origin: Origin { user, session, version, address }, name, connection, lines, media }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(description in description()) {
        prop_assert_eq!(Description::parse(&description.to_bytes()), Ok(description));
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..500)) {
        let _ = Description::parse(&bytes);
    }

    #[test]
    fn mutated_offers_are_read_and_answered_or_refused_and_never_panic(
        changes in vec((any::<Index>(), any::<u8>(), 0..3_u8), 1..12)
    ) {
        let mut bytes = offer(&phone()).to_bytes();
        for (place, byte, how) in changes {
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => drop(bytes.remove(place)),
            }
        }
        if let Ok(read) = Description::parse(&bytes) {
            prop_assert_eq!(Description::parse(&read.to_bytes()), Ok(read.clone()));
            if let Ok((answered, agreed)) = answer(&read, &phone()) {
                prop_assert_eq!(answered.media.len(), read.media.len());
                prop_assert!(!agreed.remote_rtp.ip().is_multicast());
                prop_assert!((10..=60).contains(&agreed.codec.packet_time.as_millis()));
                let answered = Description::parse(&answered.to_bytes()).unwrap();
                let _ = accept(&offer(&phone()), &answered, &phone());
            }
            let _ = accept(&offer(&phone()), &read, &phone());
        }
    }
}
