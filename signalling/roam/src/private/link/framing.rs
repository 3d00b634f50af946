//! Whole messages out of the pieces that a stream brings.

use rove_base::{Instant, StreamId};

use super::{Dialect, Link};

/// The next bytes of a stream: every whole message in them is worked on where it stands, by `each`, with the partner it
/// comes from; the rest is kept. What cannot be a message ends the stream.
pub(crate) fn pieces<H, D: Dialect>(
    host: &mut H,
    link: fn(&mut H) -> &mut Link<D>,
    (now, stream): (Instant, StreamId),
    bytes: &[u8],
    mut each: impl FnMut(&mut H, usize, &[u8]),
) {
    let Some((peer, mut inbox)) = link(host).take_inbox(now, stream) else { return };
    let kept = !inbox.is_empty();
    if kept {
        inbox.extend_from_slice(bytes);
    }
    let mut rest = if kept { inbox.as_slice() } else { bytes };
    loop {
        match D::length(rest).map(|len| len.and_then(|len| rest.split_at_checked(len))) {
            Ok(Some((message, after))) => {
                rest = after;
                each(host, peer, message);
            }
            Ok(None) => break,
            Err(()) => return link(host).fail(now, stream),
        }
    }
    if kept {
        let done = inbox.len().saturating_sub(rest.len());
        inbox.drain(..done);
    } else {
        let at = bytes.len().saturating_sub(rest.len());
        inbox.extend_from_slice(bytes.get(at..).unwrap_or_default());
    }
    link(host).put_inbox(stream, inbox);
}
