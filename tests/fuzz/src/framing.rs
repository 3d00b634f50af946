//! Messages in a byte stream.

use rove_sip::transport::{Framer, Piece};

/// The pieces of a stream are the same wherever it is cut, and a message among them is as long as it says. The first
/// byte says how long the cuts are.
///
/// # Panics
///
/// When that does not hold.
pub fn check(bytes: &[u8]) {
    let Some((&cut, stream)) = bytes.split_first() else { return };
    let whole = pieces(stream, stream.len());
    assert_eq!(whole, pieces(stream, usize::from(cut)));
    assert_eq!(whole, pieces(stream, 1));
}

#[derive(Debug, Eq, PartialEq)]
enum Seen {
    Message(Vec<u8>),
    Ping,
    Pong,
    Unframeable(u16),
}

fn pieces(stream: &[u8], cut: usize) -> Vec<Seen> {
    let mut framer = Framer::default();
    let mut seen = Vec::new();
    for chunk in stream.chunks(cut.max(1)) {
        framer.push(chunk);
        while let Some(piece) = framer.next_piece() {
            seen.push(match piece {
                Piece::Message(bytes) => Seen::Message(bytes.to_vec()),
                Piece::Ping => Seen::Ping,
                Piece::Pong => Seen::Pong,
                Piece::Unframeable { status, .. } => {
                    // Nothing more can be understood: whoever uses it closes the stream.
                    seen.push(Seen::Unframeable(status.code()));
                    return seen;
                }
            });
        }
    }
    seen
}
