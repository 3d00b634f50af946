//! The role that answers for names: an authoritative DNS server that takes signed updates.

use core::convert::Infallible;
use std::{net::SocketAddr, path::PathBuf};

use rove_base::{Arrival, Instant, Machine, Now, Scratch, Step};
use rove_dns::{
    server::{Event, Server, ServerConfig},
    tsig::TsigKey,
    update::ReplayError,
    wire::Name,
    zones::{Record, ZoneConfig},
};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    config::{ConfigError, read_secret},
    driver::{Role, eventless},
};

/// The section `[dns]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsConfig {
    /// Addresses to answer on, over UDP and TCP; port 0 lets the system pick one.
    #[serde(default)]
    pub listen: Vec<SocketAddr>,
    /// Largest datagram to send, in bytes.
    #[serde(default = "default_udp_payload")]
    pub udp_payload: u16,
    /// The zones, `[[dns.zone]]`.
    #[serde(default)]
    pub zone: Vec<DnsZone>,
    /// Who may change them, `[[dns.key]]`.
    #[serde(default)]
    pub key: Vec<DnsKey>,
}

/// One `[[dns.zone]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsZone {
    /// Where the zone starts.
    #[serde(deserialize_with = "name")]
    pub origin: Name,
    /// The name of this server; `ns` below the origin when not given.
    #[serde(default, deserialize_with = "some_name")]
    pub primary: Option<Name>,
    /// Who is responsible, with a dot for the @; `hostmaster` below the origin when not given.
    #[serde(default, deserialize_with = "some_name")]
    pub hostmaster: Option<Name>,
    /// Seconds that records may be cached.
    #[serde(default = "default_ttl")]
    pub ttl: u32,
    /// Seconds that "does not exist" may be cached.
    #[serde(default = "default_negative_ttl")]
    pub negative_ttl: u32,
    /// Records that are there from the start, as in a master file: `bob 60 IN A 192.0.2.7`.
    #[serde(default)]
    pub records: Vec<String>,
}

/// One `[[dns.key]]`, for HMAC-SHA256.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsKey {
    /// The name both ends call it by.
    #[serde(deserialize_with = "name")]
    pub name: Name,
    /// The secret in base64.
    pub secret: Option<Zeroizing<String>>,
    /// A file with the secret: in base64, or a key file as `nsupdate -k` reads it. Its owner alone may read it.
    pub secret_file: Option<PathBuf>,
    /// Zones, or names with what is below them, that it may change.
    #[serde(default, deserialize_with = "names")]
    pub scope: Vec<Name>,
}

impl DnsConfig {
    /// What the server machine is told.
    pub(crate) fn server(&self) -> Result<ServerConfig, ConfigError> {
        Ok(ServerConfig {
            zones: self.zone.iter().map(DnsZone::build).collect::<Result<_, _>>()?,
            keys: self.key.iter().map(DnsKey::build).collect::<Result<_, _>>()?,
            udp_payload_max: self.udp_payload,
        })
    }
}

impl DnsZone {
    fn build(&self) -> Result<ZoneConfig, ConfigError> {
        let below =
            |label: &str| format!("{label}.{}", self.origin).parse().unwrap_or_else(|_| self.origin.clone());
        let record = |line: &String| {
            let fail = |source| ConfigError::Record { zone: self.origin.to_string(), source };
            Record::parse(line, &self.origin, self.ttl).map_err(fail)
        };
        Ok(ZoneConfig {
            primary: self.primary.clone().unwrap_or_else(|| below("ns")),
            hostmaster: self.hostmaster.clone().unwrap_or_else(|| below("hostmaster")),
            ttl: self.ttl,
            negative_ttl: self.negative_ttl,
            records: self.records.iter().map(record).collect::<Result<_, _>>()?,
            origin: self.origin.clone(),
        })
    }
}

impl DnsKey {
    fn build(&self) -> Result<TsigKey, ConfigError> {
        let name = self.name.to_string();
        let fail = |source| ConfigError::Key { name: name.clone(), source };
        let key = match (&self.secret, &self.secret_file) {
            (Some(secret), None) => TsigKey::from_base64(&name, secret).map_err(fail)?,
            (None, Some(path)) => {
                let text = read_secret(path)?;
                if text.contains('{') {
                    let read = TsigKey::from_key_file(&text).map_err(fail)?;
                    if *read.name() != self.name {
                        return Err(ConfigError::Secret { name });
                    }
                    read
                } else {
                    TsigKey::from_base64(&name, &text).map_err(fail)?
                }
            }
            _ => return Err(ConfigError::Secret { name }),
        };
        if self.scope.is_empty() {
            return Err(ConfigError::Scope { name });
        }
        Ok(self.scope.iter().cloned().fold(key, TsigKey::allowing))
    }
}

impl std::fmt::Debug for DnsKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DnsKey").field("name", &self.name).field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// The server with what only a running program does: it tells its log.
pub(crate) struct DnsRole {
    server: Server,
    /// The zones as configured: what the journal starts from.
    start: Vec<ZoneConfig>,
    refusals: Ration,
}

impl DnsRole {
    pub(crate) fn new(config: &DnsConfig) -> Result<Self, ConfigError> {
        let config = config.server()?;
        let start = config.zones.clone();
        Ok(Self { server: Server::new(config)?, start, refusals: Ration::default() })
    }
}

impl DnsRole {
    /// Tells the log.
    fn note(&mut self, now: Now, event: Event) {
        match event {
            Event::Updated { key, zone, names, serial } => {
                tracing::info!(target: "rove::dns", %key, %zone, ?names, serial, "updated");
            }
            Event::Refused { reason, from } => {
                // Anyone can send what is refused; the log is not theirs to fill.
                if let Some(unsaid) = self.refusals.admit(now.mono) {
                    tracing::warn!(target: "rove::dns", %from, %reason, unsaid, "refused");
                }
            }
            _ => {}
        }
    }
}

impl Role for DnsRole {
    fn tag(&self) -> u8 {
        1
    }

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.server.handle(now, input);
    }

    fn tick(&mut self, now: Now) {
        self.server.tick(now);
    }

    fn poll(&mut self, now: Now, out: &mut Scratch) -> Step<Infallible> {
        loop {
            match eventless(self.server.poll(out)) {
                Ok(step) => return step,
                Err(event) => self.note(now, event),
            }
        }
    }

    fn replay(&mut self, record: &[u8]) -> Result<bool, ReplayError> {
        self.server.replay(record)
    }

    fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        self.server.snapshot(&self.start)
    }

    fn journal_failed(&mut self, now: Now) {
        self.server.journal_failed(now);
    }
}

/// Lets a few things through each second and counts the others.
#[derive(Debug, Default)]
pub(crate) struct Ration {
    second: u64,
    said: u32,
    unsaid: u64,
}

impl Ration {
    /// How many went unsaid since the last that was let through; `None` when this one has to stay unsaid too.
    pub(crate) fn admit(&mut self, now: Instant) -> Option<u64> {
        let second = now.as_nanos() / 1_000_000_000;
        if second != self.second {
            (self.second, self.said) = (second, 0);
        }
        if self.said >= SAID_PER_SECOND {
            self.unsaid += 1;
            return None;
        }
        self.said += 1;
        Some(std::mem::take(&mut self.unsaid))
    }
}

/// Refusals in the log each second.
const SAID_PER_SECOND: u32 = 5;

fn name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Name, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(serde::de::Error::custom)
}

fn some_name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Name>, D::Error> {
    name(from).map(Some)
}

fn names<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Name>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
}

pub(crate) const fn default_udp_payload() -> u16 {
    ServerConfig::UDP_PAYLOAD
}

const fn default_ttl() -> u32 {
    60
}

const fn default_negative_ttl() -> u32 {
    15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_a_few_refusals_a_second_and_counts_the_rest() {
        let mut ration = Ration::default();
        let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
        let said: Vec<_> = (0..100).filter_map(|n| ration.admit(at(n))).collect();
        assert_eq!(said, [0; 5]);
        assert_eq!(ration.admit(at(1_000)), Some(95));
        assert_eq!(ration.admit(at(1_001)), Some(0));
    }
}
