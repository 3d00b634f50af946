#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used)]

use rove_nat::stun::{
    Class, MessageWriter,
    turn::{ChannelData, Method, TurnWriter},
};

use super::*;

/// Data in a channel, as it goes by UDP or, padded, in a stream.
fn data(len: usize, fill: u8, padded: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    ChannelData { channel: 0x4001, data: &vec![fill; len] }.write(&mut bytes, padded);
    bytes
}

fn request(id: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    TurnWriter::new(&mut bytes, Class::Request, Method::Refresh, [id; 12]).lifetime(600).done();
    bytes
}

/// All that leaves, in pieces of `piece` bytes.
fn leave(outbox: &mut Outbox, piece: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(front) = outbox.front() {
        let now = &front[..front.len().min(piece)];
        all.extend_from_slice(now);
        let count = now.len();
        outbox.left(count);
    }
    all
}

/// What comes out where `stream` comes in pieces of `piece` bytes.
fn come(inbox: &mut Inbox, stream: &[u8], piece: usize) -> Result<Vec<Vec<u8>>, Lost> {
    let mut out = Vec::new();
    for bytes in stream.chunks(piece) {
        inbox.room()[..bytes.len()].copy_from_slice(bytes);
        inbox.came(bytes.len(), |message| out.push(message.to_vec()))?;
    }
    Ok(out)
}

#[test]
fn a_datagram_leaves_padded_to_four_bytes_and_the_padding_is_not_what_was_there_before() {
    let mut outbox = Outbox::new();
    for len in 0..9 {
        for fill in [0xff, 0x55] {
            outbox.push(&data(len, fill, false));
            assert_eq!(leave(&mut outbox, 1_600), data(len, fill, true), "{len}");
        }
    }
}

#[test]
fn messages_are_the_same_however_the_stream_cuts_or_joins_them() {
    let messages: Vec<Vec<u8>> = vec![
        data(172, 1, true),
        request(1),
        data(0, 0, true),
        data(1, 2, true),
        data(1_500, 3, true),
        request(2),
    ];
    for piece in [1, 2, 3, 4, 5, 7, 64, 1_000, 16_384] {
        let mut outbox = Outbox::new();
        messages.iter().for_each(|message| outbox.push(message));
        let stream = leave(&mut outbox, piece);
        assert_eq!(stream, messages.concat(), "{piece}");
        assert_eq!(come(&mut Inbox::new(), &stream, piece), Ok(messages.clone()), "{piece}");
    }
}

#[test]
fn more_than_the_room_for_reading_comes_through_in_order() {
    let messages: Vec<Vec<u8>> = (0..200).map(|index| data(1_000, index, true)).collect();
    assert_eq!(come(&mut Inbox::new(), &messages.concat(), 999), Ok(messages));
}

#[test]
fn a_message_that_is_longer_than_a_call_takes_is_passed_over_and_what_comes_behind_it_is_whole() {
    for (len, piece) in [(1_700, 1), (1_700, 4_096), (65_535, 1_460), (65_535, 16_384)] {
        let stream = [data(20, 1, true), data(len, 9, true), data(21, 2, true)].concat();
        let mut inbox = Inbox::new();
        assert_eq!(come(&mut inbox, &stream, piece), Ok(vec![data(20, 1, true), data(21, 2, true)]), "{len}");
        assert!(!inbox.room().is_empty());
    }
}

#[test]
fn what_no_server_says_ends_the_stream() {
    for garbage in [[0x80, 0, 0, 4], [0x01, 0x01, 0, 3], [0xff; 4]] {
        let stream = [&data(20, 1, true), &garbage[..]].concat();
        assert_eq!(come(&mut Inbox::new(), &stream, 64), Err(Lost), "{garbage:?}");
    }
}

#[test]
fn where_the_stream_stalls_the_oldest_media_make_room_and_questions_do_not() {
    let mut outbox = Outbox::new();
    outbox.push(&request(1));
    (0..100).for_each(|index| outbox.push(&data(8, index, false)));
    outbox.push(&request(2));
    assert_eq!(outbox.dropped(), 100 + 2 - 20);
    let kept: Vec<u8> = (82..100).flat_map(|index| data(8, index, true)).collect();
    assert_eq!(leave(&mut outbox, 5), [request(1), kept, request(2)].concat());
}

#[test]
fn a_message_that_has_begun_to_leave_leaves_whole() {
    let mut outbox = Outbox::new();
    outbox.push(&data(8, 0, false));
    let begun = outbox.front().unwrap()[..5].to_vec();
    outbox.left(5);
    (1..100).for_each(|index| outbox.push(&data(8, index, false)));
    let stream = [begun, leave(&mut outbox, 1_600)].concat();
    let messages = come(&mut Inbox::new(), &stream, 64).unwrap();
    assert_eq!(messages.len(), 20);
    assert_eq!(messages[0], data(8, 0, true));
    assert_eq!(messages[1], data(8, 81, true));
}

#[test]
fn where_questions_alone_wait_no_more_is_taken() {
    let mut outbox = Outbox::new();
    (0..40).for_each(|id| outbox.push(&request(id)));
    outbox.push(&data(8, 0, false));
    assert_eq!(outbox.dropped(), 21);
    assert_eq!(leave(&mut outbox, 1_600), (0..20).flat_map(request).collect::<Vec<u8>>());
    // One that was not taken has not been asked.
    outbox.push(&request(30));
    assert_eq!(leave(&mut outbox, 1_600), request(30));
}

#[test]
fn a_question_that_is_asked_again_is_not_passed_on_and_a_word_without_answer_always_is() {
    let mut outbox = Outbox::new();
    let hint = MessageWriter::new(Class::Indication, [0; 12]).fingerprinted();
    for datagram in [request(1), request(1), request(2), request(1), hint.clone(), hint.clone()] {
        outbox.push(&datagram);
    }
    assert_eq!(leave(&mut outbox, 1_600), [request(1), request(2), hint.clone(), hint].concat());
    // Long after, it is another question.
    (10..90).for_each(|id| {
        outbox.push(&request(id));
        leave(&mut outbox, 1_600);
    });
    outbox.push(&request(1));
    assert_eq!(leave(&mut outbox, 1_600), request(1));
}

#[test]
fn what_a_server_would_not_understand_does_not_leave() {
    let mut outbox = Outbox::new();
    let long = data(1_700, 0, false);
    let cut = &data(100, 0, false)[..50];
    let two = [data(8, 0, true), data(8, 0, true)].concat();
    for datagram in [&b""[..], b"x", &[0x80; 40], &[22, 254, 253, 0, 0], &long, cut, &two] {
        outbox.push(datagram);
        assert_eq!(outbox.front(), None, "{datagram:?}");
    }
}
