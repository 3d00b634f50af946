//! What a node is told to be: a TOML file, or the same built in code.

mod error;

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    conference::ConferenceConfig,
    dns::DnsConfig,
    irmv::IrmvConfig,
    operate::{ControlConfig, HttpConfig},
    relay::RelayConfig,
    roam::{HomeConfig, PartnerConfig, PoolSection, RoamSections, RoamingConfig, VisitedConfig},
    sip::SipConfig,
    tenant::{self, TenantConfig},
    thin::ThinConfig,
};

pub use error::ConfigError;

/// A node's roles. A key that is not known is an error that names file, line and key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NodeConfig {
    /// Answers for names.
    pub dns: Option<DnsConfig>,
    /// Registers users and connects their calls.
    pub sip: Option<SipConfig>,
    /// Knows who is where, and asks other servers.
    pub irmv: Option<IrmvConfig>,
    /// This network, as its partners know it.
    pub roaming: Option<RoamingConfig>,
    /// The networks that there are agreements with.
    #[serde(default)]
    pub partner: Vec<PartnerConfig>,
    /// Keeps subscribers, and their names wherever they are.
    pub home: Option<HomeConfig>,
    /// Takes in other networks' subscribers.
    pub visited: Option<VisitedConfig>,
    /// The addresses that it gives them.
    pub pool: Option<PoolSection>,
    /// Rooms in which everybody hears everybody.
    pub conference: Option<ConferenceConfig>,
    /// Passes media on.
    pub relay: Option<RelayConfig>,
    /// Links on which headers are compressed.
    #[serde(default)]
    pub thin: Vec<ThinConfig>,
    /// Where changes are kept.
    pub journal: Option<JournalConfig>,
    /// Where its operator asks.
    pub control: Option<ControlConfig>,
    /// Health, counters and the dashboard.
    pub http: Option<HttpConfig>,
    /// Servers run on others' behalf.
    #[serde(default)]
    pub tenant: Vec<TenantConfig>,
    /// The file that it was read from.
    #[serde(skip)]
    pub source: Option<PathBuf>,
}

/// Where a node keeps what it must not forget.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalConfig {
    /// The file; made when it is not there.
    pub path: PathBuf,
    /// Records after which it is written anew, with what came of them; more when little can be left out.
    #[serde(default = "default_compact_after")]
    pub compact_after: usize,
}

impl JournalConfig {
    /// A journal at `path`, all else as usual.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path, compact_after: default_compact_after() }
    }
}

const fn default_compact_after() -> usize {
    100_000
}

impl NodeConfig {
    /// Reads the file at `path`. Files it names are looked for beside it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Read`] and [`ConfigError::Syntax`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let mut config = Self::parse(&text, path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.paths().for_each(|file| *file = folder.join(&*file));
        config.source = Some(path.to_owned());
        Ok(config)
    }

    /// Reads `text`, which errors call `path`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Syntax`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let fail = |source| ConfigError::Syntax { path: path.to_owned(), source: Box::new(source) };
        toml::from_str(text).map_err(fail)
    }

    /// Checks everything that can be checked without opening a socket or the journal.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some(sip) = &self.sip {
            sip.check()?;
        }
        if let Some(irmv) = &self.irmv {
            irmv.check()?;
            if self.journal.is_none() {
                let what = "registrations are kept in [journal]: add its path".into();
                return Err(ConfigError::Irmv { key: "journal", what });
            }
        }
        if let Some(relay) = tenant::relay_of(self) {
            relay.check()?;
        }
        if let Some(conference) = &self.conference {
            conference.check()?;
        }
        self.thin.iter().try_for_each(ThinConfig::check)?;
        tenant::check(&self.tenant, self.sip.as_ref())?;
        if let Some(http) = &self.http {
            http.check(
                self.tenant.iter().any(|tenant| tenant.token.is_some() || tenant.token_file.is_some()),
            )?;
        }
        if let Some(sections) = self.roaming_sections()? {
            sections.check()?;
        }
        let Some(dns) = &self.dns else { return Ok(()) };
        if dns.listen.is_empty() {
            return Err(ConfigError::NoAddress);
        }
        if self.journal.is_none() && !dns.key.is_empty() {
            return Err(ConfigError::NoJournal);
        }
        rove_dns::server::Server::new(dns.server()?)?;
        Ok(())
    }

    /// All sections about roaming, when there are some.
    pub(crate) fn roaming_sections(&self) -> Result<Option<RoamSections<'_>>, ConfigError> {
        let missing =
            |section, what: &str| ConfigError::Roam { section, key: "is missing", what: what.into() };
        let Some(roaming) = &self.roaming else {
            let idle = self.home.is_none() && self.visited.is_none() && self.partner.is_empty();
            let what =
                "[home], [visited] and [[partner]] need it: add network, plmn, title, certificate and key";
            return if idle { Ok(None) } else { Err(missing("[roaming]", what)) };
        };
        static NO_ZONES: LazyLock<DnsConfig> = LazyLock::new(DnsConfig::default);
        let elsewhere = self.home.as_ref().is_none_or(|home| home.elsewhere().is_some())
            && self.visited.as_ref().is_none_or(|visited| visited.elsewhere().is_some());
        let dns = self.dns.as_ref().or_else(|| elsewhere.then(|| &*NO_ZONES));
        let dns = dns.ok_or_else(|| missing("[dns]", "names of terminals need a zone: add one"))?;
        if self.journal.is_none() {
            return Err(missing("[journal]", "subscribers and stays are kept in it: add its path"));
        }
        let visited = match (&self.visited, &self.pool) {
            (Some(visited), Some(pool)) => Some((visited, pool)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(missing("[pool]", "[visited] gives addresses: add ranges and server"));
            }
            (None, Some(_)) => {
                return Err(missing("[visited]", "[pool] is of no use without it: add listen"));
            }
        };
        Ok(Some(RoamSections { roaming, partners: &self.partner, home: self.home.as_ref(), visited, dns }))
    }

    fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let journal = self.journal.iter_mut().map(|journal| &mut journal.path);
        let keys = self.dns.iter_mut().flat_map(DnsConfig::paths);
        let sip = self.sip.iter_mut().flat_map(SipConfig::paths);
        let irmv = self.irmv.iter_mut().flat_map(IrmvConfig::paths);
        let roaming = self.roaming.iter_mut().flat_map(RoamingConfig::paths);
        let partners = self.partner.iter_mut().filter_map(|partner| partner.certificate.as_mut());
        let home = self.home.iter_mut().flat_map(HomeConfig::paths);
        let visited = self.visited.iter_mut().flat_map(VisitedConfig::paths);
        let relay = self.relay.iter_mut().flat_map(RelayConfig::paths);
        let control = self.control.iter_mut().map(|control| &mut control.path);
        let http = self.http.iter_mut().flat_map(HttpConfig::paths);
        let tenants = self.tenant.iter_mut().flat_map(TenantConfig::paths);
        let roaming = roaming.chain(partners).chain(home).chain(visited).chain(relay);
        let roaming = roaming.chain(control).chain(http).chain(tenants);
        journal.chain(keys).chain(sip).chain(irmv).chain(roaming)
    }
}

/// The text of a file that its owner alone may read.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let fail = |source| ConfigError::Read { path: path.to_owned(), source };
    let mode = std::fs::metadata(path).map_err(fail)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(ConfigError::SecretExposed { path: path.to_owned() });
    }
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(fail)
}

#[cfg(test)]
mod tests;
