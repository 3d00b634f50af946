//! Contents of records: read, checked and uncompressed by `hickory-proto`; compared and taken apart here.

use core::ops::Range;

use hickory_proto::{
    rr::{RData, RecordType},
    serialize::binary::{BinDecoder, BinEncodable as _, BinEncoder, NameEncoding, Restrict},
};

use crate::wire::{Name, WireError, rtype};

/// Reads the contents at `range` of `message` and writes them with names uncompressed.
///
/// # Errors
///
/// [`WireError::Rdata`] when they do not fit the type.
pub(crate) fn uncompress(message: &[u8], range: &Range<usize>, rtype: u16) -> Result<Box<[u8]>, WireError> {
    let fail = WireError::Rdata(rtype);
    let mut decoder = BinDecoder::new(message.get(..range.end).ok_or(fail)?);
    decoder.read_slice(range.start).map_err(|_| fail)?;
    let len = u16::try_from(range.len()).map_err(|_| fail)?;
    let data = RData::read(&mut decoder, RecordType::from(rtype), Restrict::new(len)).map_err(|_| fail)?;
    write(&data).ok_or(fail)
}

/// Writes contents with names uncompressed; `None` when they are larger than a record can be.
pub(super) fn write(data: &RData) -> Option<Box<[u8]>> {
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder).ok()?;
    (bytes.len() <= usize::from(u16::MAX)).then(|| bytes.into())
}

/// Whether two contents of one type are the same, names in them compared without case (RFC 2136 §1.1.1).
pub(crate) fn same(rtype: u16, a: &[u8], b: &[u8]) -> bool {
    if rtype == rtype::SOA {
        // The numbers behind the two names are no letters.
        let apart =
            |soa: &[u8]| soa.split_last_chunk::<20>().map(|(names, n)| (names.to_ascii_lowercase(), *n));
        return apart(a) == apart(b);
    }
    let at = first_name(rtype, a);
    match (a.split_at_checked(at), b.split_at_checked(at)) {
        (Some((a, a_names)), Some((b, b_names))) => a == b && a_names.eq_ignore_ascii_case(b_names),
        _ => a == b,
    }
}

/// The name that `rdata` of a type that has exactly one points to, lowered; `None` for other types.
pub(crate) fn target(rtype: u16, rdata: &[u8]) -> Option<Name> {
    match rtype {
        rtype::NS | rtype::CNAME | rtype::PTR | rtype::MX | rtype::SRV | rtype::NAPTR => {
            Name::from_wire(rdata.get(first_name(rtype, rdata)..)?).ok()
        }
        _ => None,
    }
}

/// Contents of a SOA record.
pub(super) fn soa(primary: &Name, hostmaster: &Name, numbers: [u32; 5]) -> Box<[u8]> {
    let numbers = numbers.map(u32::to_be_bytes);
    [primary.as_wire(), hostmaster.as_wire(), numbers.as_flattened()].concat().into()
}

/// The serial of a SOA record.
pub(crate) fn soa_serial(rdata: &[u8]) -> Option<u32> {
    let (_, numbers) = rdata.split_last_chunk::<20>()?;
    numbers.first_chunk().copied().map(u32::from_be_bytes)
}

/// The TTL of "does not exist" (RFC 2308 §4): the last field of a SOA record.
pub(crate) fn soa_minimum(rdata: &[u8]) -> Option<u32> {
    rdata.last_chunk().copied().map(u32::from_be_bytes)
}

/// The same SOA record with another serial.
pub(crate) fn soa_with_serial(rdata: &[u8], serial: u32) -> Box<[u8]> {
    let mut rdata: Box<[u8]> = rdata.into();
    if let Some((_, numbers)) = rdata.split_last_chunk_mut::<20>()
        && let Some(field) = numbers.first_chunk_mut()
    {
        *field = serial.to_be_bytes();
    }
    rdata
}

/// Where the names in the contents lie; `None` when there are none.
pub(crate) fn names_in(rtype: u16, rdata: &[u8]) -> Option<Range<usize>> {
    let end = if rtype == rtype::SOA { rdata.len().checked_sub(20)? } else { rdata.len() };
    let start = first_name(rtype, rdata);
    (start < end).then_some(start..end)
}

/// Where the names in the contents start; past the end when there are none.
fn first_name(rtype: u16, rdata: &[u8]) -> usize {
    match rtype {
        rtype::NS | rtype::CNAME | rtype::PTR | rtype::DNAME | rtype::SOA => 0,
        rtype::MX => 2,
        rtype::SRV => 6,
        rtype::NAPTR => {
            let after_string = |at: usize| {
                let len = rdata.get(at).copied().unwrap_or_default();
                at.saturating_add(usize::from(len)).saturating_add(1)
            };
            after_string(after_string(after_string(4)))
        }
        _ => usize::MAX,
    }
}
