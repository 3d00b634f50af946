use super::*;
use crate::{
    Generation,
    private::{
        ber::Tag as Ber,
        map::{Kind, argument, outcome},
    },
};

/// One value whose length is written so, and which holds these.
fn wrapped(tag: u8, length: Length, contents: &[Vec<u8>]) -> Vec<u8> {
    let contents = contents.concat();
    let [high, low] = u16::try_from(contents.len()).unwrap().to_be_bytes();
    let (head, tail): (&[u8], &[u8]) = match length {
        Length::Short if contents.len() < 0x80 => (&[low], &[]),
        Length::Short => (&[0x82, high, low], &[]),
        Length::Long => (&[0x84, 0, 0, high, low], &[]),
        Length::Indefinite => (&[0x80], &[0, 0]),
    };
    [&[tag], head, &contents, tail].concat()
}

#[derive(Clone, Copy)]
enum Length {
    /// In one octet where it fits.
    Short,
    /// In more octets than it takes.
    Long,
    Indefinite,
}

const LENGTHS: [Length; 3] = [Length::Short, Length::Long, Length::Indefinite];

fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    wrapped(tag, Length::Short, &[contents.to_vec()])
}

/// What a later release, or another maker, may put where an extension may stand.
fn unknown() -> Vec<u8> {
    [value(0x8f, &[1]), value(0xbe, &[]), vec![0x9f, 0x81, 0x01, 1, 7], vec![0xaf, 0x80, 5, 0, 0, 0]].concat()
}

fn around() -> argument::Around<'static> {
    let network = Box::leak(Box::new("visited.example".parse().unwrap()));
    argument::Around { imsi: None, title: "33600000002".parse().unwrap(), network }
}

const IMSI: &[u8] = &[0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0xf1];
const NUMBER: &[u8] = &[0x91, 0x33, 0x06, 0x00];

/// A container with extensions of others before ours, whose names no number of 32 bits can hold, or which hold nothing.
fn container(tag: u8, length: Length) -> Vec<u8> {
    let uuid = [&[0x69], &[0xff; 18][..], &[0x7f]].concat();
    let foreign = wrapped(0x30, length, &[value(6, &uuid), value(0x30, &[2, 1, 1])]);
    let empty = wrapped(0x30, length, &[value(6, &[0x2a, 3])]);
    let fields = wrapped(0x30, length, &[value(0x81, &[7]), unknown()]);
    let ours = wrapped(0x30, length, &[value(6, super::super::extension::OID), fields]);
    wrapped(tag, length, &[wrapped(0xa0, length, &[foreign, empty, ours]), value(0xa1, &[]), unknown()])
}

#[test]
fn what_a_later_release_adds_is_passed_over_however_lengths_are_written() {
    for length in LENGTHS {
        let octets = || value(4, IMSI);
        let purge =
            wrapped(0xa3, length, &[octets(), value(0x80, NUMBER), container(0x30, length), unknown()]);
        let read = argument::read(Kind::PurgeMs, &purge, &around()).unwrap();
        let crate::Operation::PurgeMs { generation, .. } = read else { panic!("{read:?}") };
        assert_eq!(generation, Generation(7), "our extension is found behind those of others");
        let parts = [octets(), value(0x81, NUMBER), value(4, NUMBER), value(0x8a, &[1; 4])];
        let location = wrapped(0x30, length, &[parts.concat(), container(0x30, length), unknown()]);
        assert!(argument::read(Kind::UpdateLocation, &location, &around()).is_ok());
        let status =
            wrapped(0xa7, length, &[value(0xa9, &[]), value(0xa3, &[4, 1, 0x11, 0x84, 1, 5, 0xaf, 0])]);
        let parts =
            [value(0x80, IMSI), value(0x82, &[10]), value(0x83, &[1]), value(0xa4, &[4, 1, 1]), status];
        let insert = wrapped(0x30, length, &[parts.concat(), container(0xae, length), unknown()]);
        let read = argument::read(Kind::InsertSubscriberData, &insert, &around()).unwrap();
        let crate::Operation::InsertSubscriberData { subscription, .. } = read else { panic!("{read:?}") };
        assert!(subscription.profile.services.caller_id, "read behind a service that is not known");
        let located = wrapped(0x30, length, &[value(4, NUMBER), container(0x30, length), unknown()]);
        let read = outcome::read(Kind::UpdateLocation, &located).unwrap();
        let crate::Outcome::Located { generation, .. } = read else { panic!("{read:?}") };
        assert_eq!(generation, Generation(7));
    }
}

#[test]
fn what_is_wrong_is_told_apart() {
    let without = |skip: usize| {
        let parts = [value(0x80, IMSI), value(2, &[1])];
        let parts: Vec<_> = parts.into_iter().enumerate().filter(|(at, _)| *at != skip).collect();
        wrapped(0x30, Length::Short, &parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>())
    };
    let nine = wrapped(0x30, Length::Short, &[value(0x80, IMSI), value(2, &[9])]);
    let no_value = [value(0x80, IMSI), vec![0x02, 0x80, 0, 0]];
    let cases: [(&str, Vec<u8>, BerError); 6] = [
        ("the subscriber is missing", without(0), BerError::Missing(Ber::context(0))),
        ("the number of vectors is missing at the end", without(1), BerError::Missing(Ber::SEQUENCE)),
        ("too many vectors", nine, BerError::Value(Ber::INTEGER)),
        ("another type", value(4, &[]), BerError::Missing(Ber(0x10))),
        ("cut short", without(2).split_last().unwrap().1.to_vec(), BerError::Truncated),
        ("a length that cannot be", wrapped(0x30, Length::Short, &no_value), BerError::Form),
    ];
    for (what, bytes, expected) in cases {
        let read = argument::read(Kind::SendAuthenticationInfo, &bytes, &around());
        assert_eq!(read, Err(expected), "{what}");
    }
}

/// Nobody leads the reader deep or makes it hold more than a small multiple of what they sent: values inside of values,
/// strings of strings, and as many of the smallest elements as a message holds.
#[test]
fn hostile_nesting_and_numbers_end_in_an_error_or_in_order() {
    const DEEP: usize = 100_000;
    let begin = |inner: &[u8]| [&[0x30, 0x80], &value(4, IMSI)[..], inner].concat();
    let strings = begin(&[0x24, 0x80].repeat(DEEP));
    assert!(argument::read(Kind::RestoreData, &[&[0x30, 0x80], &strings[12..]].concat(), &around()).is_err());
    // What is passed over may be as deep as it likes.
    let skipped = begin(&[[0xaf, 0x80].repeat(DEEP), [0, 0].repeat(DEEP + 1)].concat());
    assert!(argument::read(Kind::RestoreData, &skipped, &around()).is_ok());
    let list = [&[0x30, 0x80, 0xa7, 0x80][..], &[0xa1, 0].repeat(DEEP), &[0; 4]].concat();
    assert_eq!(
        argument::read(Kind::InsertSubscriberData, &list, &around()),
        Err(BerError::Missing(Ber::context(0))),
        "read to its end, where the subscriber is missing"
    );
}
