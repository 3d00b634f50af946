//! The section `[irmv]`.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use libp2p_core::{Multiaddr, multiaddr::Protocol};
use libp2p_identity::PeerId;
use rove_driver::{Certificate, NumberAuthorities, Tls, TlsError};
use rove_io::entropy::os_entropy;
use rove_irmv::{
    Name, Number, PROTOCOL, Uid, UserKey,
    server::{Account, ServerConfig},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::relay::{IrmvRelay, Lender};
use crate::{
    config::{ConfigError, read_secret},
    shared::Shared,
};

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
    /// A file with the authorities, in PEM, whose certificates may speak for telephone numbers (RFC 8226); without it this
    /// server's own word alone stands behind numbers.
    pub number_authorities: Option<PathBuf>,
    /// Codes of networks that are believed for any number, where their certificates name no numbers.
    #[serde(default)]
    pub number_networks: Vec<String>,
    /// Whether a name is given to whoever comes first; otherwise to the users below alone.
    #[serde(default)]
    pub open: bool,
    /// Who sees users, and finds where they are: `contacts`, which are those that a user admits, or `anybody`. Who is
    /// listed is seen by anybody.
    #[serde(default)]
    pub shown_to: IrmvShownTo,
    /// No registration lasts longer, in seconds.
    #[serde(default = "default_longest")]
    pub longest: u32,
    /// Users that are registered at a time.
    #[serde(default = "default_users")]
    pub users: usize,
    /// A file for the signatures of their records, which are needed only when a record is sent: so memory holds two thirds
    /// more users. It is made anew at each start. Kept in memory when not given.
    pub signatures: Option<PathBuf>,
    /// Redis or Valkey, where nodes of one domain tell each other who is registered: `redis://ADDRESS:PORT`, over TLS
    /// `rediss://NAME:PORT`, several separated by commas. Nobody waits for it. The nodes have the same signing_key.
    pub store: Option<String>,
    /// Certificates, in a PEM file, of whom its certificate has to be when it is spoken with over TLS. Those of the system
    /// when not given.
    pub store_authorities: Option<PathBuf>,
    /// A file with its password, which its owner alone may read.
    pub store_password_file: Option<PathBuf>,
    /// What one terminal may ask in a second; ten times as much at once.
    #[serde(default = "default_questions")]
    pub questions_per_second: u32,
    /// Whom to ask for the servers of other domains; without any only those below can be asked.
    #[serde(default)]
    pub dns_servers: Vec<SocketAddr>,
    /// A database with the accounts that `roved account` adds and changes while the server runs; made when it is not there.
    /// Servers of one domain have one each.
    pub accounts: Option<PathBuf>,
    /// Users known beforehand, `[[irmv.user]]`.
    #[serde(default)]
    pub user: Vec<IrmvUser>,
    /// Servers that are not looked up, and that are asked for numbers, unique ids and addresses of others, `[[irmv.peer]]`.
    #[serde(default)]
    pub peer: Vec<IrmvPeer>,
    /// Relays that lend users addresses for their calls.
    pub relay: Option<IrmvRelay>,
    /// Taking part in the search network, where servers find each other's users without a domain.
    pub search: Option<IrmvSearch>,
}

/// `[irmv.search]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IrmvSearch {
    /// Where other servers connect, by TCP; port 0 lets the system pick one.
    pub listen: SocketAddr,
    /// Where others find `[irmv]`, beside what the domain's DNS says: at most four.
    #[serde(default)]
    pub addresses: Vec<SocketAddr>,
    /// Servers to begin with, as each shows itself when it starts: `/ip4/ADDRESS/tcp/PORT/p2p/ID`.
    #[serde(default)]
    pub peers: Vec<String>,
    /// Neighbours from one network, /24 or /48, at most.
    #[serde(default = "default_neighbours")]
    pub neighbours_per_network: usize,
}

const fn default_neighbours() -> usize {
    4
}

/// Who sees users.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum IrmvShownTo {
    /// Whom they admit.
    #[default]
    Contacts,
    /// Anybody.
    Anybody,
}

/// One `[[irmv.user]]`, or one account of the database.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IrmvUser {
    /// Its name, `user@domain`.
    pub name: String,
    /// Whose key signs for it, as its terminal shows it; whoever comes first when not given, which an account of the
    /// database then keeps.
    #[serde(default)]
    pub uid: Option<String>,
    /// The telephone number that this server vouches for: `+` and digits.
    #[serde(default)]
    pub number: Option<String>,
    /// Whether anybody may find it, also by DNS where `[dns]` has the domain's zone.
    #[serde(default)]
    pub listed: bool,
    /// Whom it admits, `user@domain`, beside those of whom its terminal says so.
    #[serde(default)]
    pub contacts: Vec<String>,
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
        if let Some(search) = &self.search {
            search.peers()?;
        }
        Shared::check(self)?;
        self.number_authorities()?;
        self.lender()?;
        self.server().map(drop)
    }

    /// What gives tickets of relays out, where there are some.
    pub(super) fn lender(&self) -> Result<Option<Lender>, ConfigError> {
        self.relay.as_ref().map(IrmvRelay::lender).transpose()
    }

    pub(super) fn server(&self) -> Result<ServerConfig, ConfigError> {
        let fail = |key, what: String| ConfigError::Irmv { key, what };
        let mut config = ServerConfig::open(&self.domain);
        // A domain is good when it can be part of a name.
        format!("a@{}", self.domain)
            .parse::<Name>()
            .map_err(|_| fail("domain", format!("{}: no domain", self.domain)))?;
        config.open = self.open;
        config.asked = self.peer.iter().map(|peer| peer.domain.to_ascii_lowercase()).collect();
        config.asked.truncate(MOST_ASKED);
        config.searches = self.search.is_some();
        config.verifies_numbers = self.number_authorities.is_some();
        config.shown_to_all = self.shown_to == IrmvShownTo::Anybody;
        config.longest = Duration::from_secs(self.longest.into());
        config.limits.questions = self.questions_per_second;
        config.limits.registry.records = self.users;
        config.limits.registry.bytes = self.users.saturating_mul(BYTES_EACH);
        for user in &self.user {
            let (name, account) = user.read(&config.domain).map_err(|what| fail("user", what))?;
            config.accounts.insert(name, account);
        }
        Ok(config)
    }

    pub(crate) fn tls(&self) -> Result<Tls, TlsError> {
        let certificate = Certificate { chain: self.certificate.clone(), key: self.key.clone() };
        Tls::default().with_quic(self.authorities.as_deref(), Some(&certificate), PROTOCOL)
    }

    /// The key that records are signed with.
    pub(crate) fn signing_key(&self) -> Result<UserKey, ConfigError> {
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
            .chain(self.signatures.as_mut())
            .chain(self.accounts.as_mut())
            .chain(self.store_password_file.as_mut())
            .chain(self.store_authorities.as_mut())
            .chain(self.number_authorities.as_mut())
            .chain(self.relay.as_mut().and_then(|relay| relay.secret_file.as_mut()))
    }

    /// Who is believed for numbers.
    pub(super) fn number_authorities(&self) -> Result<Option<NumberAuthorities>, ConfigError> {
        let read = |path: &PathBuf| NumberAuthorities::read(path, self.number_networks.clone());
        let read = self.number_authorities.as_ref().map(read).transpose();
        read.map_err(|error| ConfigError::Irmv { key: "number_authorities", what: error.to_string() })
    }

    /// Where a domain's server is, if that need not be looked up.
    pub(super) fn known(&self, domain: &str) -> Option<&[SocketAddr]> {
        let peer = self.peer.iter().find(|peer| peer.domain.eq_ignore_ascii_case(domain))?;
        Some(&peer.addresses)
    }
}

impl IrmvUser {
    /// The account of a server of `domain`; what cannot be read of it, with its name.
    pub(super) fn read(&self, domain: &str) -> Result<(Name, Account), String> {
        let bad = |what: &str| format!("{}: {what}", self.name);
        let name: Name = self.name.parse().map_err(|_| bad("not user@domain"))?;
        if name.domain() != domain {
            return Err(bad("is of another domain"));
        }
        let uid = self.uid.as_deref().map(str::parse::<Uid>).transpose();
        let number = self.number.as_deref().map(str::parse::<Number>).transpose();
        let contacts = self.contacts.iter().map(|one| one.parse::<Name>()).collect::<Result<_, _>>();
        let account = Account {
            uid: uid.map_err(|error| bad(&error.to_string()))?,
            number: number.map_err(|_| bad("its number is none with + and country code"))?,
            listed: self.listed,
            contacts: contacts.map_err(|_| bad("not all of its contacts are user@domain"))?,
        };
        Ok((name, account))
    }
}

impl IrmvSearch {
    /// Who is there to begin with, and where.
    pub(crate) fn peers(&self) -> Result<Vec<(PeerId, Multiaddr)>, ConfigError> {
        let read = |text: &String| {
            let mut address: Multiaddr = text.parse().ok()?;
            match address.pop() {
                Some(Protocol::P2p(peer)) => Some((peer, address)),
                _ => None,
            }
        };
        let peer = |text| {
            read(text).ok_or_else(|| ConfigError::Irmv {
                key: "search.peers",
                what: format!(
                    "{text}: not /ip4/ADDRESS/tcp/PORT/p2p/ID, as a server shows itself when it starts"
                ),
            })
        };
        self.peers.iter().map(peer).collect()
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

/// What a user may take, on average.
const BYTES_EACH: usize = 512;
/// Servers that one question goes to.
const MOST_ASKED: usize = 16;

const fn default_longest() -> u32 {
    7_200
}

const fn default_users() -> usize {
    1_000_000
}

const fn default_questions() -> u32 {
    100
}
