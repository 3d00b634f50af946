//! The section `[irmv]`.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use rove_driver::{Certificate, Tls, TlsError};
use rove_io::entropy::os_entropy;
use rove_irmv::{
    Name, Number, PROTOCOL, Uid, UserKey,
    server::{Account, ServerConfig},
};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::config::{ConfigError, read_secret};

/// The section `[irmv]`: a registry of users, asked by terminals and by other servers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IrmvConfig {
    /// Where terminals and other servers connect, by QUIC; port 0 lets the system pick one.
    pub listen: Vec<SocketAddr>,
    /// Its domain: names in it belong to this server.
    pub domain: String,
    /// A file with the chain of certificates, the node's own first, in PEM. It has to be of the domain.
    pub certificate: PathBuf,
    /// A file with its private key, in PEM.
    pub key: PathBuf,
    /// A file with the authorities that are believed; those of the system when not given.
    pub authorities: Option<PathBuf>,
    /// A file with the secret that records are signed with; made when it is not there.
    pub signing_key: PathBuf,
    /// Whether a name is given to whoever comes first; otherwise to the users below alone.
    #[serde(default)]
    pub open: bool,
    /// No registration lasts longer, in seconds.
    #[serde(default = "default_longest")]
    pub longest: u32,
    /// What one terminal may ask in a second; ten times as much at once.
    #[serde(default = "default_questions")]
    pub questions_per_second: u32,
    /// Whom to ask for the servers of other domains; without any only those below can be asked.
    #[serde(default)]
    pub dns_servers: Vec<SocketAddr>,
    /// Users known beforehand, `[[irmv.user]]`.
    #[serde(default)]
    pub user: Vec<IrmvUser>,
    /// Servers that are not looked up, `[[irmv.peer]]`.
    #[serde(default)]
    pub peer: Vec<IrmvPeer>,
}

/// One `[[irmv.user]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IrmvUser {
    /// Its name, `user@domain`.
    pub name: String,
    /// Whose key signs for it, as its terminal shows it; whoever comes first when not given.
    pub uid: Option<String>,
    /// The telephone number that this server vouches for: `+` and digits.
    pub number: Option<String>,
}

/// One `[[irmv.peer]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IrmvPeer {
    /// Its domain.
    pub domain: String,
    /// Where it is.
    pub addresses: Vec<SocketAddr>,
}

impl IrmvConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.listen.is_empty() {
            let what = "is empty; give at least one address, for example \"127.0.0.1:5064\"".into();
            return Err(ConfigError::Irmv { key: "listen", what });
        }
        self.server().map(drop)
    }

    pub(super) fn server(&self) -> Result<ServerConfig, ConfigError> {
        let fail = |key, what: String| ConfigError::Irmv { key, what };
        let mut config = ServerConfig::open(&self.domain);
        // A domain is good when it can be part of a name.
        format!("a@{}", self.domain)
            .parse::<Name>()
            .map_err(|_| fail("domain", format!("{}: no domain", self.domain)))?;
        config.open = self.open;
        config.longest = Duration::from_secs(self.longest.into());
        config.limits.questions = self.questions_per_second;
        for user in &self.user {
            let bad = |what: &str| fail("user", format!("{}: {what}", user.name));
            let name: Name = user.name.parse().map_err(|_| bad("not user@domain"))?;
            if name.domain() != config.domain {
                return Err(bad("is of another domain"));
            }
            let uid = user.uid.as_deref().map(str::parse::<Uid>).transpose();
            let number = user.number.as_deref().map(str::parse::<Number>).transpose();
            let account = Account {
                uid: uid.map_err(|error| bad(&error.to_string()))?,
                number: number.map_err(|_| bad("its number is none with + and country code"))?,
            };
            config.accounts.insert(name, account);
        }
        Ok(config)
    }

    pub(crate) fn tls(&self) -> Result<Tls, TlsError> {
        let certificate = Certificate { chain: self.certificate.clone(), key: self.key.clone() };
        Tls::default().with_quic(self.authorities.as_deref(), Some(&certificate), PROTOCOL)
    }

    /// The key that records are signed with.
    pub(super) fn signing_key(&self) -> Result<UserKey, ConfigError> {
        let path = &self.signing_key;
        ensure_seed(path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
        let text = read_secret(path)?;
        let seed: Uid = text.trim().parse().map_err(|_| ConfigError::Irmv {
            key: "signing_key",
            what: format!("{}: holds no key", path.display()),
        })?;
        Ok(UserKey::from_seed(&seed.0))
    }

    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.certificate, &mut self.key, &mut self.signing_key]
            .into_iter()
            .chain(self.authorities.as_mut())
    }

    /// Where a domain's server is, if that need not be looked up.
    pub(super) fn known(&self, domain: &str) -> Option<&[SocketAddr]> {
        let peer = self.peer.iter().find(|peer| peer.domain.eq_ignore_ascii_case(domain))?;
        Some(&peer.addresses)
    }
}

/// Makes a file with a random seed that only its owner can read, unless there is one.
fn ensure_seed(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let mut seed = Zeroizing::new([0; 32]);
            os_entropy()?.fill(&mut *seed);
            // 32 bytes as text, as a unique id is written.
            let text = Zeroizing::new(format!("{}\n", Uid(*seed)));
            file.write_all(text.as_bytes())?;
            file.sync_all()
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

const fn default_longest() -> u32 {
    7_200
}

const fn default_questions() -> u32 {
    100
}
