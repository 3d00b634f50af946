//! What a pool writes into the journal, and reads back.
//!
//! A record is a sequence of entries, each a kind and fields of fixed or told length, big endian. Deadlines are seconds
//! on the wall, because a journal outlives the clock that only moves forward.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Token;
use crate::{Addresses, Imsi};

/// One thing that happened to addresses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Entry {
    /// These can be given out from now on without a further record.
    Opened(Vec<Ipv4Addr>),
    /// A subscriber has these.
    Leased { holder: Imsi, addresses: Addresses, token: Option<Token>, until: u64, lease: u32 },
    /// Nobody may have this one.
    Rested { address: IpAddr, holder: Option<Imsi>, until: u64 },
}

/// A record that this program cannot have written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a record of the address pool is damaged")]
pub struct DamagedRecord;

impl Entry {
    /// Appends the entry to a record.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Opened(addresses) => {
                out.push(OPENED);
                out.extend_from_slice(&u16::try_from(addresses.len()).unwrap_or(u16::MAX).to_be_bytes());
                for address in addresses.iter().take(usize::from(u16::MAX)) {
                    out.extend_from_slice(&address.octets());
                }
            }
            Self::Leased { holder, addresses, token, until, lease } => {
                out.push(LEASED);
                write_imsi(out, Some(*holder));
                write_address(out, addresses.v4.map(IpAddr::V4));
                write_address(out, addresses.v6.map(IpAddr::V6));
                out.push(u8::from(token.is_some()));
                if let Some(Token(token)) = token {
                    out.extend_from_slice(token);
                }
                out.extend_from_slice(&until.to_be_bytes());
                out.extend_from_slice(&lease.to_be_bytes());
            }
            Self::Rested { address, holder, until } => {
                out.push(RESTED);
                write_address(out, Some(*address));
                write_imsi(out, *holder);
                out.extend_from_slice(&until.to_be_bytes());
            }
        }
    }

    /// The entries of a record.
    pub(super) fn read_all(record: &[u8]) -> Result<Vec<Self>, DamagedRecord> {
        let mut rest = Reader(record);
        let mut entries = Vec::new();
        while !rest.0.is_empty() {
            entries.push(Self::read(&mut rest).ok_or(DamagedRecord)?);
        }
        Ok(entries)
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let [kind] = from.take()?;
        Some(match kind {
            OPENED => {
                let count = u16::from_be_bytes(from.take()?);
                let addresses = (0..count).map(|_| from.take().map(Ipv4Addr::from_octets));
                Self::Opened(addresses.collect::<Option<_>>()?)
            }
            LEASED => Self::Leased {
                holder: from.imsi()??,
                addresses: Addresses {
                    v4: match from.address()? {
                        Some(IpAddr::V4(v4)) => Some(v4),
                        None => None,
                        Some(IpAddr::V6(_)) => return None,
                    },
                    v6: match from.address()? {
                        Some(IpAddr::V6(v6)) => Some(v6),
                        None => None,
                        Some(IpAddr::V4(_)) => return None,
                    },
                },
                token: match from.take()? {
                    [0] => None,
                    [1] => Some(Token(from.take()?)),
                    _ => return None,
                },
                until: u64::from_be_bytes(from.take()?),
                lease: u32::from_be_bytes(from.take()?),
            },
            RESTED => Self::Rested {
                address: from.address()??,
                holder: from.imsi()?,
                until: u64::from_be_bytes(from.take()?),
            },
            _ => return None,
        })
    }
}

fn write_imsi(out: &mut Vec<u8>, imsi: Option<Imsi>) {
    let digits = imsi.as_ref().map(Imsi::as_str).unwrap_or_default();
    out.push(u8::try_from(digits.len()).unwrap_or(0));
    out.extend_from_slice(digits.as_bytes());
}

fn write_address(out: &mut Vec<u8>, address: Option<IpAddr>) {
    match address {
        None => out.push(0),
        Some(IpAddr::V4(v4)) => {
            out.push(4);
            out.extend_from_slice(&v4.octets());
        }
        Some(IpAddr::V6(v6)) => {
            out.push(6);
            out.extend_from_slice(&v6.octets());
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    /// `Some(None)` for nobody.
    #[expect(clippy::option_option, reason = "damaged, or said to be nobody")]
    fn imsi(&mut self) -> Option<Option<Imsi>> {
        let [len] = self.take()?;
        let (digits, rest) = self.0.split_at_checked(usize::from(len))?;
        self.0 = rest;
        if digits.is_empty() {
            return Some(None);
        }
        core::str::from_utf8(digits).ok()?.parse().ok().map(Some)
    }

    /// `Some(None)` for none.
    #[expect(clippy::option_option, reason = "damaged, or said to be none")]
    fn address(&mut self) -> Option<Option<IpAddr>> {
        Some(match self.take()? {
            [0] => None,
            [4] => Some(IpAddr::V4(Ipv4Addr::from_octets(self.take()?))),
            [6] => Some(IpAddr::V6(Ipv6Addr::from_octets(self.take()?))),
            _ => return None,
        })
    }
}

const OPENED: u8 = 1;
const LEASED: u8 = 2;
const RESTED: u8 = 3;
