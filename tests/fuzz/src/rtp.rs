//! RTP packets.

use rove_core::rtp::{FIXED_HEADER_BYTES, RtpHeader, RtpView};

/// What is parsed covers the datagram, and the header is written as it was read.
///
/// # Panics
///
/// When that does not hold.
pub fn check(datagram: &[u8]) {
    let Ok(view) = RtpView::parse(datagram) else { return };
    let csrcs = 4 * view.csrcs().count();
    let extension = view.extension().map_or(0, |(_, data)| 4 + data.len());
    let used = FIXED_HEADER_BYTES + csrcs + extension + view.payload().len();
    let padded = datagram[0] & 0x20 != 0;
    assert!(if padded { used < datagram.len() } else { used == datagram.len() });

    let header = RtpHeader {
        marker: view.marker(),
        payload_type: view.payload_type(),
        seq: view.seq(),
        timestamp: view.timestamp(),
        ssrc: view.ssrc(),
    };
    let mut written = [0; FIXED_HEADER_BYTES];
    assert_eq!(header.write(&mut written), Some(FIXED_HEADER_BYTES));
    assert_eq!(written[1..], datagram[1..FIXED_HEADER_BYTES]);
}
