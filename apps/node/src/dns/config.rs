//! The section `[dns]`.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use rove_dns::{
    dnssec::ZoneKey,
    server::{RateLimit, Secondary, ServerConfig, ZoneTransfer},
    tsig::{Scope, ScopeNames, TsigKey},
    wire::{Name, NameError, rtype},
    zones::{Record, ZoneConfig},
};
use rove_io::entropy::os_entropy;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::config::{ConfigError, read_secret};

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
    /// The same answer to one network (24 bits of IPv4, 56 of IPv6) in a second, as long as nobody there shows by a cookie,
    /// a signature or TCP that he asked; 0: no limit. All networks are treated alike.
    #[serde(default = "default_rate")]
    pub answers_per_second: u32,
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
    /// Seconds that "does not exist" may be cached, at least 1; when not given, 1 in a zone that some key may change and
    /// 15 in others.
    pub negative_ttl: Option<u32>,
    /// Records that are there from the start, as in a master file: `bob 60 IN A 192.0.2.7`.
    #[serde(default)]
    pub records: Vec<String>,
    /// Other servers of the zone, `[[dns.zone.secondary]]`: told of each change, and allowed to have it.
    #[serde(default)]
    pub secondary: Vec<DnsSecondary>,
    /// Keys whose holders may have the whole zone, from anywhere.
    #[serde(default, deserialize_with = "names")]
    pub transfer_keys: Vec<Name>,
    /// The key that signs the zone (DNSSEC, algorithm 13), as `dnssec-keygen` writes it; made when it is not there.
    pub signing_key: Option<PathBuf>,
}

/// One `[[dns.zone.secondary]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsSecondary {
    /// Where it listens.
    pub address: SocketAddr,
    /// The `[[dns.key]]` that signs what both say; without one its address is believed, over TCP.
    #[serde(default, deserialize_with = "some_name")]
    pub key: Option<Name>,
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
    /// What it may change more closely told, `[[dns.key.allow]]`.
    #[serde(default)]
    pub allow: Vec<DnsAllow>,
}

/// One `[[dns.key.allow]]`: names, and types at them. Give either `zone` or `name`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsAllow {
    /// A zone, or a name with what is below it.
    #[serde(default, deserialize_with = "some_name")]
    pub zone: Option<Name>,
    /// One name alone, or `self`: the name that the key has.
    pub name: Option<String>,
    /// Types of records such as `["A", "AAAA"]`; all when not given.
    pub types: Option<Vec<String>>,
}

impl Default for DnsConfig {
    /// No zone, and nowhere answered.
    fn default() -> Self {
        let (udp_payload, answers_per_second) = (default_udp_payload(), default_rate());
        Self { listen: Vec::new(), udp_payload, answers_per_second, zone: Vec::new(), key: Vec::new() }
    }
}

impl DnsConfig {
    /// What the server machine is told.
    pub(crate) fn server(&self) -> Result<ServerConfig, ConfigError> {
        let keys = self.key.iter().map(|key| key.build(self.is_for_transfers(&key.name)));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let zones = self.zone.iter().map(|zone| zone.build(&keys)).collect::<Result<_, _>>()?;
        let transfers = self.zone.iter().filter_map(DnsZone::transfer).collect();
        self.known_keys(&keys)?;
        Ok(ServerConfig {
            udp_payload_max: self.udp_payload,
            transfers,
            rate: Some(self.answers_per_second).filter(|rate| *rate > 0).map(RateLimit::new),
            signing: self.signing()?,
            ..ServerConfig::new(zones, keys)
        })
    }

    fn signing(&self) -> Result<Vec<(Name, ZoneKey)>, ConfigError> {
        self.zone.iter().filter_map(|zone| zone.key().transpose()).collect()
    }

    /// For each signed zone the DS record that its parent needs, as a line of a master file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] of a key file.
    pub fn ds_records(&self) -> Result<Vec<String>, ConfigError> {
        Ok(self.signing()?.iter().map(|(zone, key)| key.ds(zone)).collect())
    }

    /// Whether a key signs transfers, so that it may be without anything to change.
    fn is_for_transfers(&self, key: &Name) -> bool {
        self.zone.iter().any(|zone| {
            let mut named = zone.secondary.iter().filter_map(|secondary| secondary.key.as_ref());
            zone.transfer_keys.contains(key) || named.any(|name| name == key)
        })
    }

    /// The files it names.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let keys = self.key.iter_mut().filter_map(|key| key.secret_file.as_mut());
        keys.chain(self.zone.iter_mut().filter_map(|zone| zone.signing_key.as_mut()))
    }

    /// Makes sure that the keys which secondaries use are there.
    fn known_keys(&self, keys: &[TsigKey]) -> Result<(), ConfigError> {
        for zone in &self.zone {
            let named = zone.secondary.iter().filter_map(|secondary| secondary.key.as_ref());
            for name in named.chain(&zone.transfer_keys) {
                if !keys.iter().any(|key| key.name() == name) {
                    return Err(ConfigError::NoSuchKey {
                        zone: zone.origin.to_string(),
                        name: name.to_string(),
                    });
                }
            }
        }
        Ok(())
    }
}

impl DnsZone {
    /// The zone `origin`, all else as usual.
    #[must_use]
    pub fn at(origin: Name) -> Self {
        let (primary, hostmaster, negative_ttl) = (None, None, None);
        let (records, secondary, transfer_keys) = (Vec::new(), Vec::new(), Vec::new());
        let ttl = default_ttl();
        let signing_key = None;
        Self {
            origin,
            primary,
            hostmaster,
            ttl,
            negative_ttl,
            records,
            secondary,
            transfer_keys,
            signing_key,
        }
    }

    /// The key that signs the zone, drawn when its file is not there.
    fn key(&self) -> Result<Option<(Name, ZoneKey)>, ConfigError> {
        let Some(path) = &self.signing_key else { return Ok(None) };
        if !(self.secondary.is_empty() && self.transfer_keys.is_empty()) {
            // Signatures are made when they are asked for: a copy of the zone would be without them.
            return Err(ConfigError::SignedCopy { zone: self.origin.to_string() });
        }
        let fail = |source| ConfigError::Read { path: path.clone(), source };
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                let key = ZoneKey::draw(&mut os_entropy().map_err(fail)?);
                file.write_all(key.to_file().as_bytes()).map_err(fail)?;
                Ok(Some((self.origin.clone(), key)))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let wrong = |source| ConfigError::ZoneKey { path: path.clone(), source };
                let key = ZoneKey::from_file(&read_secret(path)?).map_err(wrong)?;
                Ok(Some((self.origin.clone(), key)))
            }
            Err(error) => Err(fail(error)),
        }
    }

    fn transfer(&self) -> Option<ZoneTransfer> {
        let secondary = |one: &DnsSecondary| Secondary { address: one.address, key: one.key.clone() };
        let secondaries: Vec<_> = self.secondary.iter().map(secondary).collect();
        let keys = self.transfer_keys.clone();
        let any = !(secondaries.is_empty() && keys.is_empty());
        any.then(|| ZoneTransfer { zone: self.origin.clone(), keys, secondaries })
    }

    fn build(&self, keys: &[TsigKey]) -> Result<ZoneConfig, ConfigError> {
        let changes = keys.iter().flat_map(TsigKey::scopes).any(|scope| match &scope.names {
            ScopeNames::Below(name) => name.is_within(&self.origin) || self.origin.is_within(name),
            ScopeNames::Exactly(name) => name.is_within(&self.origin),
            ScopeNames::Own => keys.iter().any(|key| key.name().is_within(&self.origin)),
        });
        let negative_ttl = if changes { NEGATIVE_TTL_OF_CHANGES } else { NEGATIVE_TTL };
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
            negative_ttl: self.negative_ttl.unwrap_or(negative_ttl),
            records: self.records.iter().map(record).collect::<Result<_, _>>()?,
            origin: self.origin.clone(),
        })
    }
}

impl DnsKey {
    pub(crate) fn build(&self, for_transfers: bool) -> Result<TsigKey, ConfigError> {
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
        if self.scope.is_empty() && self.allow.is_empty() && !for_transfers {
            return Err(ConfigError::Scope { name });
        }
        let key = self.scope.iter().cloned().fold(key, TsigKey::allowing);
        let wrong = |what| ConfigError::Allow { name: name.clone(), what };
        self.allow.iter().try_fold(key, |key, allow| Ok(key.allowing_only(allow.build().map_err(wrong)?)))
    }
}

impl DnsAllow {
    /// What of it is not understood, else the scope.
    fn build(&self) -> Result<Scope, String> {
        let names = match (&self.zone, self.name.as_deref()) {
            (Some(zone), None) => ScopeNames::Below(zone.clone()),
            (None, Some("self")) => ScopeNames::Own,
            (None, Some(name)) => {
                ScopeNames::Exactly(name.parse().map_err(|error: NameError| error.to_string())?)
            }
            _ => return Err("give either zone or name".to_owned()),
        };
        let number = |text: &String| {
            rtype::from_text(text).ok_or_else(|| format!("types: \"{text}\" is no type of records"))
        };
        let types = self.types.as_ref().map(|types| types.iter().map(number).collect()).transpose()?;
        Ok(Scope { names, types })
    }
}

impl std::fmt::Debug for DnsKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DnsKey")
            .field("name", &self.name)
            .field("scope", &self.scope)
            .field("allow", &self.allow)
            .finish_non_exhaustive()
    }
}

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

/// More than any network asks for one name, with a cache in it; a victim bears it.
pub(crate) const fn default_rate() -> u32 {
    1_000
}

const fn default_ttl() -> u32 {
    60
}

/// Seconds that "does not exist" may be cached where names come and go.
const NEGATIVE_TTL_OF_CHANGES: u32 = 1;
/// Seconds that it may be cached elsewhere.
const NEGATIVE_TTL: u32 = 15;
