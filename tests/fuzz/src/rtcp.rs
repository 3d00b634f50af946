//! RTCP compound packets.

use rove_base::Ssrc;
use rove_core::rtcp::{
    self, Packet, ReportBlock, SenderInfo,
    xr::{ExtendedBlock, ExtendedReport, write_extended_report},
};

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
            Packet::ExtendedReport { blocks, .. } => blocks.iter().for_each(|block| again(&block)),
            Packet::Bye { sources, reason } => {
                let bytes = 4 * sources.iter().len() + reason.map_or(0, |text| 1 + text.len());
                assert!(bytes < datagram.len());
            }
            Packet::Unknown { body, .. } => assert!(body.len() < datagram.len()),
            _ => {}
        }
    }
}

/// The same for the blocks of an extended report, which the bytes are the body of.
///
/// # Panics
///
/// When that does not hold.
pub fn extended(body: &[u8]) {
    let mut bytes = Vec::new();
    rtcp::write_report(&mut bytes, Ssrc(1), None, &[], "fuzz");
    let body = body.get(..body.len().min(4 * 0xfffe) / 4 * 4).unwrap_or_default();
    let words = u16::try_from(body.len() / 4 + 1).unwrap_or(u16::MAX).to_be_bytes();
    bytes.extend([0x80, 207, words[0], words[1], 0, 0, 0, 1]);
    bytes.extend(body);
    check(&bytes);
}

/// What a block says is the same after it was written again.
fn again(block: &ExtendedBlock<'_>) {
    let write = |fill: &dyn Fn(&mut ExtendedReport<'_>), right: &dyn Fn(&ExtendedBlock<'_>) -> bool| {
        let mut bytes = Vec::new();
        rtcp::write_report(&mut bytes, Ssrc(1), None, &[], "fuzz");
        write_extended_report(&mut bytes, Ssrc(1), fill);
        let compound = rtcp::parse(&bytes).unwrap_or_else(|error| panic!("{error}"));
        let read = compound.packets().find_map(|packet| match packet {
            Packet::ExtendedReport { blocks, .. } => blocks.iter().next(),
            _ => None,
        });
        assert!(read.as_ref().is_some_and(right), "{block:?} became {read:?}");
    };
    match block {
        ExtendedBlock::LossRle(rle) if rle.thinning == 0 => {
            let told: Vec<_> = rle.fates().take(65_534).collect();
            write(
                &|xr| xr.loss_rle(rle.ssrc, rle.begin, told.iter().map(|(_, received)| *received)),
                &|read| matches!(read, ExtendedBlock::LossRle(read) if read.fates().eq(told.iter().copied())),
            );
        }
        ExtendedBlock::LossRle(rle) => {
            let step = 1 << rle.thinning;
            assert!(rle.fates().all(|(seq, _)| u32::from(seq.0) % step == 0));
        }
        ExtendedBlock::ReferenceTime(ntp) => write(
            &|xr| xr.reference_time(*ntp),
            &|read| matches!(read, ExtendedBlock::ReferenceTime(read) if read == ntp),
        ),
        ExtendedBlock::Dlrr(items) => {
            let items: Vec<_> = items.iter().collect();
            write(
                &|xr| xr.dlrr(&items),
                &|read| matches!(read, ExtendedBlock::Dlrr(read) if read.iter().eq(items.iter().copied())),
            );
        }
        ExtendedBlock::Statistics(summary) => write(
            &|xr| xr.statistics(summary),
            &|read| matches!(read, ExtendedBlock::Statistics(read) if read == summary),
        ),
        ExtendedBlock::VoipMetrics(metrics) => write(
            &|xr| xr.voip_metrics(metrics),
            &|read| matches!(read, ExtendedBlock::VoipMetrics(read) if read == metrics),
        ),
        _ => {}
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
