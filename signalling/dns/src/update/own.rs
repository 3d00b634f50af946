//! Changes that the server's owner makes itself: whole sets replaced or deleted, over one or several zones at once.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{UpdateError, draft::Draft, record};
use crate::{
    wire::{Name, rtype},
    zones::{Change, Found, Zone, Zones, is_meta},
};

/// What one name shall own of one type from now on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnSet {
    /// Owner of the set; the zone is the nearest above it.
    pub name: Name,
    /// TYPE.
    pub rtype: u16,
    /// Seconds it may be cached; 0 is taken as 1.
    pub ttl: u32,
    /// Contents of each record in wire form, names in them uncompressed. None at all deletes the set.
    pub rdata: Vec<Box<[u8]>>,
}

impl OwnSet {
    /// The IPv4 addresses of `name` (A), none to delete them.
    pub fn a(name: Name, ttl: u32, addresses: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        let rdata = addresses.into_iter().map(|address| address.octets().into()).collect();
        Self { name, rtype: rtype::A, ttl, rdata }
    }

    /// The IPv6 addresses of `name` (AAAA), none to delete them.
    pub fn aaaa(name: Name, ttl: u32, addresses: impl IntoIterator<Item = Ipv6Addr>) -> Self {
        let rdata = addresses.into_iter().map(|address| address.octets().into()).collect();
        Self { name, rtype: rtype::AAAA, ttl, rdata }
    }

    /// Both kinds of addresses of `name`: these and no others.
    #[must_use]
    pub fn addresses(name: &Name, ttl: u32, addresses: &[IpAddr]) -> [Self; 2] {
        let v4 = addresses.iter().filter_map(|address| match address {
            IpAddr::V4(v4) => Some(*v4),
            IpAddr::V6(_) => None,
        });
        let v6 = addresses.iter().filter_map(|address| match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => Some(*v6),
        });
        [Self::a(name.clone(), ttl, v4), Self::aaaa(name.clone(), ttl, v6)]
    }

    /// The name of `address` (PTR), `None` to delete it.
    #[must_use]
    pub fn ptr(address: IpAddr, ttl: u32, target: Option<&Name>) -> Self {
        let rdata = target.map(|target| target.as_wire().into()).into_iter().collect();
        Self { name: reverse_name(address), rtype: rtype::PTR, ttl, rdata }
    }
}

/// The name below `in-addr.arpa` or `ip6.arpa` that stands for `address` (RFC 1035 §3.5, RFC 3596 §2.5).
#[must_use]
pub fn reverse_name(address: IpAddr) -> Name {
    let mut wire = Vec::with_capacity(74);
    match address {
        IpAddr::V4(v4) => {
            for octet in v4.octets().into_iter().rev() {
                let digits = octet.to_string();
                wire.push(u8::try_from(digits.len()).unwrap_or_default());
                wire.extend_from_slice(digits.as_bytes());
            }
            wire.extend_from_slice(b"\x07in-addr\x04arpa\x00");
        }
        IpAddr::V6(v6) => {
            for octet in v6.octets().into_iter().rev() {
                for nibble in [octet & 0x0f, octet >> 4] {
                    let digit = b"0123456789abcdef".get(usize::from(nibble)).copied().unwrap_or(b'0');
                    wire.extend_from_slice(&[1, digit]);
                }
            }
            wire.extend_from_slice(b"\x03ip6\x04arpa\x00");
        }
    }
    Name::from_lowered(&wire)
}

/// What `sets` change, zone by zone; nothing where all is so already.
///
/// # Errors
///
/// [`UpdateError`]: then nothing of it may be done.
pub(crate) fn evaluate_own(zones: &Zones, sets: &[OwnSet]) -> Result<Vec<Change>, UpdateError> {
    let mut drafts: Vec<(&Zone, Draft<'_>)> = Vec::with_capacity(2);
    for set in sets {
        let name = set.name.as_wire();
        let zone = zones.nearest(name).ok_or_else(|| UpdateError::NotOurs { zone: set.name.clone() })?;
        if let Found::Delegated { cut, .. } = zone.find(name, set.rtype) {
            return Err(UpdateError::NotOurs { zone: Name::from_lowered(cut) });
        }
        let apex = set.name == *zone.origin() && matches!(set.rtype, rtype::SOA | rtype::NS);
        if is_meta(set.rtype) || apex {
            return Err(UpdateError::Form { name: set.name.clone() });
        }
        match drafts.iter_mut().find(|(known, _)| known.origin() == zone.origin()) {
            Some((_, draft)) => draft.replace(set)?,
            None => {
                let mut draft = Draft::new(zone);
                draft.replace(set)?;
                drafts.push((zone, draft));
            }
        }
    }
    let mut changes = Vec::with_capacity(drafts.len());
    for (_, draft) in drafts {
        changes.extend(draft.finish()?);
    }
    let records = changes.iter().flat_map(|change| change.deleted.iter().chain(&change.added));
    if record::weight(records) > record::MAX_CHANGE {
        let zone = changes.first().map_or_else(Name::root, |change| change.zone.clone());
        return Err(UpdateError::TooLarge { zone });
    }
    Ok(changes)
}
