//! What a node is told to be: a TOML file, or the same built in code.

use std::{
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use rove_dns::{tsig::KeyError, zones::RecordError};
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
};

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

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file, or one it names, cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text is no TOML, or says something that is not understood.
    #[error("{}: {source}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A record of a zone.
    #[error("[[dns.zone]] {zone}: {source}")]
    Record {
        /// The zone's origin.
        zone: String,
        /// What is wrong.
        source: RecordError,
    },
    /// A key.
    #[error("[[dns.key]] {name}: {source}")]
    Key {
        /// The key's name.
        name: String,
        /// What is wrong.
        source: KeyError,
    },
    /// A key without a secret, or with two.
    #[error("[[dns.key]] {name}: give either secret (in base64) or secret_file")]
    Secret {
        /// The key's name.
        name: String,
    },
    /// A key that may change nothing.
    #[error("[[dns.key]] {name}: scope is empty; list the zones or names it may change")]
    Scope {
        /// The key's name.
        name: String,
    },
    /// A zone that is signed here, and copied to where it would not be.
    #[error(
        "[[dns.zone]] {zone}: a zone with a signing_key is signed as it is asked for, and has no secondary or transfer_keys"
    )]
    SignedCopy {
        /// The zone's origin.
        zone: String,
    },
    /// A file that is no key of a zone.
    #[error("{}: {source}", path.display())]
    ZoneKey {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: rove_dns::dnssec::ZoneKeyError,
    },
    /// A secondary's key that is not there.
    #[error("[[dns.zone]] {zone}: there is no [[dns.key]] named {name}")]
    NoSuchKey {
        /// The zone's origin.
        zone: String,
        /// The key's name.
        name: String,
    },
    /// What a key may change cannot be understood.
    #[error("[[dns.key.allow]] of {name}: {what}")]
    Allow {
        /// The key's name.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// A secret that others can read.
    #[error("{}: other users can read this key; allow its owner alone (chmod 600)", path.display())]
    SecretExposed {
        /// Which file.
        path: PathBuf,
    },
    /// Records that make no zone.
    #[error("[[dns.zone]]: {0}")]
    Zone(#[from] rove_dns::zones::ZoneError),
    /// Something in `[sip]`.
    #[error("[sip] {key}: {value}: not understood")]
    Sip {
        /// The key.
        key: &'static str,
        /// Its value, or what is wrong with it.
        value: String,
    },
    /// A certificate.
    #[error("[sip.tls] {0}")]
    SipTls(rove_driver::TlsError),
    /// A user without a password, or with two.
    #[error("[[sip.user]] {name}: give either password or password_file")]
    SipUser {
        /// The user.
        name: String,
    },
    /// A line of a file of users.
    #[error("{}: line {line}: not user:ALGORITHM:hash", path.display())]
    UsersFile {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// Something about roaming.
    #[error("{section} {key}: {what}")]
    Roam {
        /// The section.
        section: &'static str,
        /// The key.
        key: &'static str,
        /// What is wrong with its value, and what to do.
        what: String,
    },
    /// A certificate of this network or a partner.
    #[error("[roaming] {0}")]
    RoamTls(rove_driver::TlsError),
    /// Something in `[relay]`.
    #[error("[relay] {key}: {what}")]
    Relay {
        /// The key.
        key: &'static str,
        /// What is wrong with its value, and what to do.
        what: String,
    },
    /// Something in `[http]`.
    #[error("[http] {key}: {what}")]
    Http {
        /// The key.
        key: &'static str,
        /// What is wrong with its value, and what to do.
        what: String,
    },
    /// Something in a `[[tenant]]`.
    #[error("[[tenant]] {domain}: {what}")]
    Tenant {
        /// Which one.
        domain: String,
        /// What is wrong.
        what: String,
    },
    /// Users without an address to register at.
    #[error("[sip.listen] names no address; give at least one, for example udp = [\"127.0.0.1:5060\"]")]
    NoSipAddress,
    /// Something in `[irmv]`.
    #[error("[irmv] {key}: {what}")]
    Irmv {
        /// The key.
        key: &'static str,
        /// What is wrong.
        what: String,
    },
    /// Something in `[conference]`.
    #[error("[conference] {key}: {what}")]
    Conference {
        /// The key.
        key: &'static str,
        /// What is wrong.
        what: String,
    },
    /// A certificate of `[irmv]`.
    #[error("[irmv] {0}")]
    IrmvTls(rove_driver::TlsError),
    /// Names without an address to answer on.
    #[error("[dns] listen is empty; give at least one address, for example \"127.0.0.1:5300\"")]
    NoAddress,
    /// Keys without a journal.
    #[error("[[dns.key]] allows changes, but there is no [journal] path to keep them in")]
    NoJournal,
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
