//! What a server is told.

use super::{RateLimit, ZoneTransfer};
use crate::{dnssec::ZoneKey, tsig::TsigKey, wire::Name, zones::ZoneConfig};

/// What a server serves.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The zones it is authoritative for.
    pub zones: Vec<ZoneConfig>,
    /// Who may change them.
    pub keys: Vec<TsigKey>,
    /// Largest datagram it sends, in bytes; [`ServerConfig::UDP_PAYLOAD`] avoids fragments.
    pub udp_payload_max: u16,
    /// Who else serves them.
    pub transfers: Vec<ZoneTransfer>,
    /// How much is answered to whoever does not show that his address is his own; `None`: all.
    pub rate: Option<RateLimit>,
    /// Zones that are signed, and with what.
    pub signing: Vec<(Name, ZoneKey)>,
}

impl ServerConfig {
    /// Zones and who may change them; all else as usual.
    #[must_use]
    pub const fn new(zones: Vec<ZoneConfig>, keys: Vec<TsigKey>) -> Self {
        Self {
            zones,
            keys,
            udp_payload_max: Self::UDP_PAYLOAD,
            transfers: Vec::new(),
            rate: None,
            signing: Vec::new(),
        }
    }

    /// 1 232 bytes fit an unfragmented IPv6 packet on any link.
    pub const UDP_PAYLOAD: u16 = 1_232;
}
