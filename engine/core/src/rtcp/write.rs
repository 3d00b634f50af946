//! Writes compound packets: a report with this end's name, and a farewell.

use rove_base::Ssrc;

use super::{ReportBlock, SDES_CNAME, SenderInfo, VERSION, kind};

/// Appends a compound packet of reports and this end's canonical name (RFC 3550 §6.1).
///
/// With `sender` the first packet is a sender report, else a receiver report; blocks beyond the 31 that one packet holds
/// go into further receiver reports. Of `cname`, 255 bytes are written at most. Allocates only when `out` has to grow.
pub fn write_report(
    out: &mut Vec<u8>,
    ssrc: Ssrc,
    sender: Option<SenderInfo>,
    reports: &[ReportBlock],
    cname: &str,
) {
    let (first, more) = reports.split_at(reports.len().min(MOST_PER_PACKET));
    let kind = if sender.is_some() { kind::SENDER_REPORT } else { kind::RECEIVER_REPORT };
    packet(out, kind, first.len(), |out| {
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        if let Some(info) = &sender {
            write_info(out, info);
        }
        first.iter().for_each(|block| write_block(out, block));
    });
    for blocks in more.chunks(MOST_PER_PACKET) {
        packet(out, kind::RECEIVER_REPORT, blocks.len(), |out| {
            out.extend_from_slice(&ssrc.0.to_be_bytes());
            blocks.iter().for_each(|block| write_block(out, block));
        });
    }
    packet(out, kind::SOURCE_DESCRIPTION, 1, |out| {
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        out.push(SDES_CNAME);
        text(out, cname);
        out.push(0);
    });
}

/// Appends the news that `ssrc` leaves (RFC 3550 §6.6), to be sent behind [`write_report`] in the same compound.
///
/// Of `reason`, 255 bytes are written at most; when empty it is left out.
pub fn write_bye(out: &mut Vec<u8>, ssrc: Ssrc, reason: &str) {
    packet(out, kind::BYE, 1, |out| {
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        if !reason.is_empty() {
            text(out, reason);
        }
    });
}

/// Appends what an application has defined (RFC 3550 §6.7), to be sent behind [`write_report`] in the same compound: five
/// bits of `subtype`, and of `data` whole words.
pub fn write_application(out: &mut Vec<u8>, ssrc: Ssrc, subtype: u8, name: [u8; 4], data: &[u8]) {
    packet(out, kind::APPLICATION, usize::from(subtype & 0x1f), |out| {
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        out.extend_from_slice(&name);
        out.extend_from_slice(data);
    });
}

/// The common header, what `body` appends, and zeros up to a whole word.
pub(super) fn packet(out: &mut Vec<u8>, kind: u8, count: usize, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[VERSION << 6 | count as u8, kind, 0, 0]);
    body(out);
    let len = (out.len() - start).next_multiple_of(4);
    out.resize(start + len, 0);
    // 31 blocks, 255 bytes of text or the fates of 65 534 packets are far from the 2¹⁶ words that fit.
    let words = (len / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

fn write_info(out: &mut Vec<u8>, info: &SenderInfo) {
    out.extend_from_slice(&info.ntp.0.to_be_bytes());
    for word in [info.rtp_timestamp.0, info.packets, info.octets] {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

fn write_block(out: &mut Vec<u8>, block: &ReportBlock) {
    let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff).cast_unsigned() & 0xff_ffff;
    let loss = u32::from(block.fraction_lost) << 24 | lost;
    for word in
        [block.ssrc.0, loss, block.extended_highest, block.jitter, block.last_sr, block.delay_since_last_sr]
    {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    let text = &text[..text.floor_char_boundary(LONGEST_TEXT)];
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
}

/// The count field has five bits.
const MOST_PER_PACKET: usize = 31;
/// The length field has eight.
const LONGEST_TEXT: usize = 255;
