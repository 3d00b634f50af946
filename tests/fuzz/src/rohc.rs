//! Header compression of thin links.

use std::time::Duration;

use rove_base::{Instant, Machine as _, Now, Scratch, Step, UnixTime};
use rove_rohc::link::{FrameKind, Link, LinkConfig, LinkEvent, LinkInput, Terms};
use rove_rohc::{Cids, Compressor, Config, Decompressor, Mode, split_feedback};

/// Pieces, each behind its length, are packets of a link, feedback, and IP packets that go over a link of their own and come out
/// as they went in.
///
/// # Panics
///
/// When that does not hold.
pub fn check(data: &[u8]) {
    let Some((&first, mut rest)) = data.split_first() else { return };
    let cids = if first & 1 == 0 { Cids::Small(first >> 4) } else { Cids::Large(u16::from(first) << 4) };
    let config = Config { cids, loss_run: first, refresh: u32::from(first), ..Config::default() };
    let mut stranger = Decompressor::new(cids, Mode::Optimistic);
    let mut compressor = Compressor::new(config);
    let mut decompressor = Decompressor::new(cids, Mode::Optimistic);
    let (mut wire, mut out) = (Vec::new(), Vec::new());
    while let Some((&length, more)) = rest.split_first() {
        let (piece, after) = more.split_at(usize::from(length).min(more.len()));
        rest = after;
        if stranger.decompress(piece, &mut out).is_err() {
            assert!(out.is_empty());
        }
        while let Some(feedback) = stranger.feedback() {
            wire.clear();
            feedback.write(cids, &mut wire);
            let (data, _) = split_feedback(&wire).expect("whole");
            assert_eq!(
                rove_rohc::Feedback::parse(cids, data.expect("feedback")).map(|read| read.cid),
                Ok(feedback.cid)
            );
        }
        // Nothing is lost on the way between these two, so that no feedback can make them differ.
        if let Ok((Some(data), _)) = split_feedback(piece) {
            _ = compressor.on_feedback(data);
        }
        if compressor.compress(piece, &mut wire).is_ok() {
            assert!(decompressor.decompress(&wire, &mut out).is_ok());
            assert_eq!(out, piece);
        }
    }
}

/// Pieces, each behind its kind and its length, are frames and packets that come to an end of a thin link. Whatever they were, it understands
/// a new other end after them, and is understood.
///
/// # Panics
///
/// When that does not hold.
pub fn link(data: &[u8]) {
    let Some((&first, mut rest)) = data.split_first() else { return };
    let terms = Terms { feedback: first & 1 == 0, ..Terms::with_flows(u16::from(first >> 2) + 1) };
    let (loss_run, shortest) = (13, if first & 2 == 0 { 0 } else { 46 });
    let config = LinkConfig { terms, loss_run, renumber: false, drop_checksums: false, shortest };
    let mut now = Instant::ZERO;
    let mut link = Link::new(config, 7);
    while let [kind, length, more @ ..] = rest {
        let (piece, after) = more.split_at(usize::from(*length).min(more.len()));
        rest = after;
        let input = match kind % 4 {
            0 => LinkInput::Frame(FrameKind::Hello, piece),
            1 => LinkInput::Frame(FrameKind::Plain, piece),
            2 => LinkInput::Frame(FrameKind::Rohc, piece),
            _ => LinkInput::Packet(piece),
        };
        now += Duration::from_millis(u64::from(kind >> 2));
        link.handle(at(now), input);
        drain(&mut link);
    }
    let instance = data.iter().fold(1, |sum: u32, byte| sum.rotate_left(7) ^ u32::from(*byte)) | 1;
    let mut other = Link::new(config, instance);
    for _ in 0..8 {
        now += Duration::from_millis(100);
        for (to, frames) in [(1, drain(&mut link).0), (0, drain(&mut other).0)] {
            let to = if to == 0 { &mut link } else { &mut other };
            frames.iter().for_each(|(kind, bytes)| to.handle(at(now), LinkInput::Frame(*kind, bytes)));
        }
        link.tick(at(now));
        other.tick(at(now));
    }
    assert!(link.agreed().is_some() && link.agreed() == other.agreed());
    for _ in 0..20 {
        exchange(now, &mut link, &mut other);
        exchange(now, &mut other, &mut link);
    }
}

/// A packet goes over, and nothing waits on the way.
fn exchange(now: Instant, from: &mut Link, to: &mut Link) {
    let packet = [&[0x60, 0, 0, 0, 0, 3, 59, 64][..], &[0x20; 32], b"abc"].concat();
    from.handle(at(now), LinkInput::Packet(&packet));
    let (frames, _) = drain(from);
    frames.iter().for_each(|(kind, bytes)| to.handle(at(now), LinkInput::Frame(*kind, bytes)));
    assert_eq!(drain(to).1, [packet]);
}

/// Frames that are to be sent.
type Frames = Vec<(FrameKind, Vec<u8>)>;

/// What an end wants sent, and what it gives out.
fn drain(link: &mut Link) -> (Frames, Vec<Vec<u8>>) {
    let mut scratch = Scratch::with_capacity(512);
    let (mut frames, mut packets) = (Vec::new(), Vec::new());
    loop {
        match link.poll(&mut scratch) {
            Step::Event(LinkEvent::Send { kind, range }) => frames.push((kind, scratch.get(range).to_vec())),
            Step::Event(LinkEvent::Deliver { range }) => packets.push(scratch.get(range).to_vec()),
            Step::Wait(_) => return (frames, packets),
            _ => {}
        }
    }
}

fn at(mono: Instant) -> Now {
    Now { mono, wall: UnixTime::default() }
}
