//! `dns = "rfc2136"` and `pool = "kea"`: existing servers that a node uses.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use rove_base::Entropy;
use rove_dns::wire::Name;
use rove_roam::pool::kea::KeaPool;
use serde::Deserialize;

use super::{
    Backends, Foreign, ForeignConfig, HomeConfig, Listening, PoolSection, RoamSections, VisitedConfig,
};
use crate::{config::ConfigError, dns::DnsKey};

/// Who keeps names.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum NamesAt {
    /// The zones of `[dns]`.
    #[default]
    BuiltIn,
    /// An existing server, told by signed updates (RFC 2136).
    Rfc2136,
}

/// Who hands out addresses.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum AddressesFrom {
    /// The built-in pool.
    #[default]
    BuiltIn,
    /// An existing Kea.
    Kea,
}

/// The existing server that names are written to: `[home.rfc2136]`, `[visited.rfc2136]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rfc2136Section {
    /// Where it takes updates, over TCP.
    pub server: SocketAddr,
    /// Its zones that the names are in.
    pub zones: Vec<String>,
    /// What it lets change them; its scope is the server's business.
    pub key: DnsKey,
    /// Seconds that a change may take.
    #[serde(default = "default_patience")]
    pub patience: u64,
}

/// The existing Kea that hands out addresses: `[visited.kea]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeaSection {
    /// Its control socket.
    pub socket: PathBuf,
    /// Its number for the network in which the addresses are.
    #[serde(default = "default_subnet")]
    pub subnet: u32,
}

impl Rfc2136Section {
    fn config(&self, section: &'static str) -> Result<ForeignConfig, ConfigError> {
        let wrong = |what: String| ConfigError::Roam { section, key: "zones", what };
        let zone = |text: &String| text.parse::<Name>().map_err(|error| wrong(format!("{text}: {error}")));
        let zones = self.zones.iter().map(zone).collect::<Result<Vec<_>, _>>()?;
        if zones.is_empty() {
            return Err(wrong("empty; list the zones that the names are in".to_owned()));
        }
        let (server, patience) = (self.server, Duration::from_secs(self.patience.max(1)));
        Ok(ForeignConfig { server, zones, key: self.key.build(true)?, patience })
    }

    /// Whether `name` is in one of the zones.
    pub(super) fn holds(&self, name: &Name) -> bool {
        self.zones.iter().any(|zone| zone.parse().is_ok_and(|zone| name.is_within(&zone)))
    }
}

impl HomeConfig {
    /// Who keeps its names, when not the zones of `[dns]`.
    pub(crate) fn elsewhere(&self) -> Option<&Rfc2136Section> {
        self.rfc2136.as_ref().filter(|_| self.dns == NamesAt::Rfc2136)
    }
}

impl VisitedConfig {
    /// Who keeps its names, when not the zones of `[dns]`.
    pub(crate) fn elsewhere(&self) -> Option<&Rfc2136Section> {
        self.rfc2136.as_ref().filter(|_| self.dns == NamesAt::Rfc2136)
    }

    /// Who hands out its addresses, when not the built-in pool.
    pub(crate) fn behind_kea(&self) -> Option<&KeaSection> {
        self.kea.as_ref().filter(|_| self.pool == AddressesFrom::Kea)
    }
}

impl RoamSections<'_> {
    /// What is said of existing servers belongs together.
    pub(super) fn check_backends(&self) -> Result<(), ConfigError> {
        let missing = |section, key, what: &str| ConfigError::Roam { section, key, what: what.into() };
        let pairs = [
            ("[home]", self.home.map(|home| (home.dns, home.rfc2136.is_some()))),
            ("[visited]", self.visited.map(|(visited, _)| (visited.dns, visited.rfc2136.is_some()))),
        ];
        for (section, said) in pairs {
            match said {
                Some((NamesAt::Rfc2136, false)) => {
                    let what = "rfc2136 needs a section of its own, with server, zones and key";
                    return Err(missing(section, "dns", what));
                }
                Some((NamesAt::BuiltIn, true)) => {
                    return Err(missing(section, "rfc2136", "is of no use without dns = \"rfc2136\""));
                }
                _ => {}
            }
        }
        let answers = |pool: &PoolSection| pool.listen.is_some() || pool.interface.is_some();
        match self.visited.map(|(visited, pool)| (visited.pool, visited.kea.is_some(), answers(pool))) {
            Some((AddressesFrom::Kea, false, _)) => {
                Err(missing("[visited]", "pool", "kea needs a section [visited.kea] with its control socket"))
            }
            Some((AddressesFrom::BuiltIn, true, _)) => {
                Err(missing("[visited]", "kea", "is of no use without pool = \"kea\""))
            }
            Some((AddressesFrom::Kea, true, true)) => {
                Err(missing("[pool]", "interface", "Kea answers DHCP; take it and listen out"))
            }
            _ => Ok(()),
        }
    }

    /// The existing servers.
    pub(crate) fn backends(&self, at: &Listening, mut entropy: Entropy) -> Result<Backends, ConfigError> {
        let home = self.home.and_then(HomeConfig::elsewhere).map(|names| names.config("[home.rfc2136]"));
        let visited = self.visited.and_then(|(visited, _)| visited.elsewhere());
        let visited = visited.map(|names| names.config("[visited.rfc2136]"));
        let mut foreign = |config| Foreign::new(config, entropy.fork());
        let (home, visited) = (home.transpose()?.map(&mut foreign), visited.transpose()?.map(foreign));
        let kea = match self.visited.and_then(|(visited, pool)| Some((visited, pool, visited.behind_kea()?)))
        {
            None => None,
            Some((visited, pool, kea)) => {
                let config = pool.config(visited.ttl, at)?;
                let pool = KeaPool::new(config, kea.subnet, entropy.fork());
                let wrong = |error: rove_roam::pool::PoolConfigError| ConfigError::Roam {
                    section: "[pool]",
                    key: "ranges",
                    what: error.to_string(),
                };
                Some(pool.map_err(wrong)?)
            }
        };
        Ok(Backends { home, visited, kea })
    }
}

const fn default_patience() -> u64 {
    5
}

const fn default_subnet() -> u32 {
    1
}
