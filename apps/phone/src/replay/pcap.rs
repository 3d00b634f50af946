//! The two formats that packet sniffers write, read by `pcap-parser`.
#![deny(clippy::arithmetic_side_effects)]

use pcap_parser::{
    Block, PcapBlockOwned, PcapNGSlice, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified,
    parse_pcap_header,
};

use super::capture::CaptureError;

/// One frame as it was captured.
pub(super) struct Frame<'a> {
    /// When, in ns since 1970; `None` when the file does not say.
    pub at: Option<i64>,
    /// The kind of link, as pcap numbers it.
    pub link: u32,
    pub bytes: &'a [u8],
}

/// Shows each frame of a pcap file. `cut_short` tells whether its end is missing.
pub(super) fn read<'a>(
    file: &'a [u8],
    cut_short: &mut bool,
    mut show: impl FnMut(Frame<'a>),
) -> Result<(), CaptureError> {
    let (mut rest, header) = parse_pcap_header(file).map_err(|_| CaptureError::Damaged)?;
    let unit: i64 = if header.is_nanosecond_precision() { 1 } else { 1_000 };
    // The upper bits tell of frame check sequences.
    let link = u32::try_from(header.network.0 & 0xffff).unwrap_or(0);
    let parse = match (header.is_bigendian(), header.is_modified_format()) {
        (_, true) => parse_pcap_frame_modified,
        (true, false) => parse_pcap_frame_be,
        (false, false) => parse_pcap_frame,
    };
    while !rest.is_empty() {
        let Ok((after, block)) = parse(rest) else {
            *cut_short = true;
            break;
        };
        rest = after;
        let fraction = i64::from(block.ts_usec).saturating_mul(unit);
        let at = i64::from(block.ts_sec).saturating_mul(1_000_000_000).saturating_add(fraction);
        show(Frame { at: Some(at), link, bytes: block.data });
    }
    Ok(())
}

/// What an interface of a pcapng file says of its frames.
struct Interface {
    link: u32,
    /// Units per second; `None` when they cannot be counted.
    resolution: Option<u64>,
    /// Seconds to add.
    offset: i64,
}

/// Shows each frame of a pcapng file. `cut_short` tells whether its end is missing.
pub(super) fn read_ng<'a>(
    file: &'a [u8],
    cut_short: &mut bool,
    mut show: impl FnMut(Frame<'a>),
) -> Result<(), CaptureError> {
    let slice = PcapNGSlice::from_slice(file).map_err(|_| CaptureError::Damaged)?;
    let mut interfaces: Vec<Interface> = Vec::new();
    for block in slice {
        let Ok(PcapBlockOwned::NG(block)) = block else {
            *cut_short = true;
            break;
        };
        match block {
            Block::SectionHeader(_) => interfaces.clear(),
            Block::InterfaceDescription(interface) => interfaces.push(Interface {
                link: u32::try_from(interface.linktype.0).unwrap_or(u32::MAX),
                resolution: interface.ts_resolution(),
                offset: interface.ts_offset(),
            }),
            Block::EnhancedPacket(packet) => {
                let Some(interface) = usize::try_from(packet.if_id).ok().and_then(|id| interfaces.get(id))
                else {
                    continue;
                };
                let length = usize::try_from(packet.caplen).unwrap_or(usize::MAX);
                let bytes = packet.data.get(..length).unwrap_or(packet.data);
                let units = (u64::from(packet.ts_high) << 32) | u64::from(packet.ts_low);
                show(Frame { at: interface.nanos(units), link: interface.link, bytes });
            }
            Block::SimplePacket(packet) => {
                let link = interfaces.first().map_or(u32::MAX, |interface| interface.link);
                show(Frame { at: None, link, bytes: packet.data });
            }
            _ => {}
        }
    }
    Ok(())
}

impl Interface {
    fn nanos(&self, units: u64) -> Option<i64> {
        let nanos =
            u128::from(units).checked_mul(1_000_000_000)?.checked_div(u128::from(self.resolution?))?;
        i64::try_from(nanos).ok()?.checked_add(self.offset.checked_mul(1_000_000_000)?)
    }
}
