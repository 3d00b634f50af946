//! RTCP compound packets.

use rove_base::Ssrc;
use rove_core::rtcp::{self, Packet, ReportBlock, SenderInfo};

/// What is accepted is read whole, and reports are written as they were read.
///
/// # Panics
///
/// When that does not hold.
pub fn check(datagram: &[u8]) {
    let Ok(compound) = rtcp::parse(datagram) else { return };
    assert!(matches!(
        compound.packets().next(),
        Some(Packet::SenderReport { .. } | Packet::ReceiverReport { .. })
    ));
    for packet in compound.packets() {
        match packet {
            Packet::SenderReport { ssrc, info, reports } => {
                rewrite(ssrc, Some(info), &reports.iter().collect::<Vec<_>>());
            }
            Packet::ReceiverReport { ssrc, reports } => {
                rewrite(ssrc, None, &reports.iter().collect::<Vec<_>>());
            }
            Packet::SourceDescription(sdes) => {
                let bytes: usize = sdes.iter().map(|item| 2 + item.text.len()).sum();
                assert!(bytes < datagram.len());
            }
            Packet::Bye { sources, reason } => {
                let bytes = 4 * sources.iter().len() + reason.map_or(0, |text| 1 + text.len());
                assert!(bytes < datagram.len());
            }
            Packet::Unknown { body, .. } => assert!(body.len() < datagram.len()),
            _ => {}
        }
    }
}

fn rewrite(ssrc: Ssrc, sender: Option<SenderInfo>, reports: &[ReportBlock]) {
    let mut bytes = Vec::new();
    rtcp::write_report(&mut bytes, ssrc, sender, reports, "fuzz");
    let compound = rtcp::parse(&bytes).unwrap_or_else(|error| panic!("{error}"));
    let read: Vec<_> = match compound.packets().next() {
        Some(Packet::SenderReport { info, reports, .. }) => {
            assert_eq!(Some(info), sender);
            reports.iter().collect()
        }
        Some(Packet::ReceiverReport { reports, .. }) => reports.iter().collect(),
        other => panic!("{other:?}"),
    };
    assert_eq!(read, reports);
}
