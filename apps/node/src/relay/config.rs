//! The section `[relay]`: who may have an address, of which, and whom is sent to.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use rove_base::Dscp;
use rove_driver::{Certificate, Tls};
use rove_relay::{
    accounts::Accounts,
    calls::{CallLimits, Calls, Secret},
    credit::Credits,
    policy::{Policy, Prefix},
    turn::{RelayAddress, TurnConfig, TurnLimits},
};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::config::{ConfigError, read_secret};

/// Passes media on for those who cannot reach each other: TURN, and calls on the same port.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RelayConfig {
    /// Where clients come to, over UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// Where they come to over TLS.
    pub tls: Vec<SocketAddr>,
    /// The certificate for those, in PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// The realm of its users, 32 bytes at most.
    pub realm: String,
    /// Shared with servers that give out names and passwords for a time.
    pub secret: Option<Zeroizing<String>>,
    /// A file with that, which its owner alone may read.
    pub secret_file: Option<PathBuf>,
    /// Shared with servers that let calls in.
    pub call_secret: Option<Zeroizing<String>>,
    /// A file with that, which its owner alone may read.
    pub call_secret_file: Option<PathBuf>,
    /// Users by name.
    pub user: Vec<RelayUser>,
    /// Addresses of this host that ports are lent of, one of each family; those of `listen` when not given.
    pub addresses: Vec<IpAddr>,
    /// The same as peers see them, where a NAT changes them.
    pub told: Vec<IpAddr>,
    /// The first and the last port that is lent.
    pub ports: [u16; 2],
    /// Peers that are sent to though they are not of the public internet.
    pub allow: Vec<String>,
    /// Peers that are not sent to.
    pub deny: Vec<String>,
    /// What leaves is marked for expedited forwarding (DSCP EF, RFC 3246), as in a network that is there for voice.
    pub expedited: bool,
    /// Addresses lent at once.
    pub allocations: usize,
    /// Addresses lent at once to one user.
    pub per_user: usize,
    /// Calls at once.
    pub calls: usize,
    /// Threads that share the UDP ports of `listen`, one for each processor that is to relay. The limits are those of all
    /// together. More than one cannot count credit.
    pub threads: usize,
    /// Minutes paid for beforehand, `[[relay.credit]]`; who has no entry is not counted.
    pub credit: Vec<RelayCredit>,
    /// A file that keeps what of it is spent.
    pub credit_file: Option<PathBuf>,
    /// Where its operator asks for counters.
    pub control: Option<PathBuf>,
}

/// Minutes that were paid for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayCredit {
    /// Whose: a user's name, or `@domain` for all users whose names end so, together.
    pub account: String,
    /// How many were bought, from the beginning on.
    pub minutes: u64,
}

/// A user by name.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RelayUser {
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: Option<Zeroizing<String>>,
    /// A file with that, which its owner alone may read.
    pub password_file: Option<PathBuf>,
}

// Secrets are not shown.
impl fmt::Debug for RelayConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listen, tls, realm, user, .. } = self;
        let mut shown = f.debug_struct("RelayConfig");
        shown.field("listen", listen).field("tls", tls).field("realm", realm).field("user", user);
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for RelayUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayUser").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Default for RelayConfig {
    fn default() -> Self {
        let (turn, calls) = (TurnLimits::default(), CallLimits::default());
        Self {
            listen: Vec::new(),
            tls: Vec::new(),
            certificate: None,
            key: None,
            realm: "rove".into(),
            secret: None,
            secret_file: None,
            call_secret: None,
            call_secret_file: None,
            user: Vec::new(),
            addresses: Vec::new(),
            told: Vec::new(),
            ports: [49_152, 65_535],
            allow: Vec::new(),
            deny: Vec::new(),
            expedited: false,
            allocations: turn.allocations,
            per_user: turn.per_user,
            calls: calls.calls,
            threads: 1,
            credit: Vec::new(),
            credit_file: None,
            control: None,
        }
    }
}

impl RelayConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.listen.is_empty() && self.tls.is_empty() {
            return Err(wrong("listen", "names no address; give one, for example \"0.0.0.0:3478\""));
        }
        if self.realm.is_empty() || self.realm.len() > MOST_REALM {
            return Err(wrong(
                "realm",
                "must have 1 to 32 bytes: longer ones would make answers to strangers long",
            ));
        }
        if self.ports[0] > self.ports[1] || self.ports[0] == 0 {
            return Err(wrong("ports", "must be the first port and the last, as in [49152, 65535]"));
        }
        if !self.told.is_empty() && self.told.len() != self.addresses.len() {
            return Err(wrong("told", "must name as many addresses as `addresses`, in their order"));
        }
        self.check_threads()?;
        if !self.credit.is_empty() && self.credit_file.is_none() {
            return Err(wrong("credit_file", "is missing: what is spent would be forgotten at the end"));
        }
        self.tls()?;
        self.turn(Vec::new())?;
        self.call_secret().map(drop)
    }

    fn check_threads(&self) -> Result<(), ConfigError> {
        let ports = usize::from(self.ports[1].abs_diff(self.ports[0])) + 1;
        match self.threads {
            1 => Ok(()),
            0 => Err(wrong("threads", "must be 1 to 64")),
            threads if threads > MOST_THREADS => Err(wrong("threads", "must be 1 to 64")),
            _ if self.listen.is_empty() => Err(wrong(
                "threads",
                "share what comes over UDP; give `listen`, or leave `threads` at 1 for TLS alone",
            )),
            threads if ports < 2 * threads => Err(wrong(
                "threads",
                "each lend a share of `ports`; give two ports for each of them, or more",
            )),
            _ if !self.credit.is_empty() => Err(wrong(
                "threads",
                "must be 1 where minutes are counted: one thread alone counts them; remove `threads`, or \
                 [[relay.credit]] and the tenants' relay_minutes",
            )),
            _ => Ok(()),
        }
    }

    /// Files that it names.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let users = self.user.iter_mut().filter_map(|user| user.password_file.as_mut());
        let own = [
            &mut self.certificate,
            &mut self.key,
            &mut self.secret_file,
            &mut self.call_secret_file,
            &mut self.credit_file,
            &mut self.control,
        ];
        own.into_iter().flatten().chain(users)
    }

    pub(super) fn tls(&self) -> Result<Tls, ConfigError> {
        let shown = match (&self.certificate, &self.key) {
            (Some(chain), Some(key)) => Some(Certificate { chain: chain.clone(), key: key.clone() }),
            (None, None) if self.tls.is_empty() => None,
            _ => return Err(wrong("tls", "needs certificate and key, each a file in PEM")),
        };
        Tls::new(None, shown.as_ref()).map_err(|error| wrong("certificate", &error.to_string()))
    }

    /// The TURN server that clients come to at `own`.
    pub(super) fn turn(&self, own: Vec<SocketAddr>) -> Result<TurnConfig, ConfigError> {
        let mut accounts = Accounts::new(&self.realm);
        if let Some(secret) = secret("secret", self.secret.as_ref(), self.secret_file.as_ref())? {
            accounts.add_secret(&secret);
        }
        for user in &self.user {
            match secret("user", user.password.as_ref(), user.password_file.as_ref())? {
                Some(password) => accounts.add_user(&user.name, &password),
                None => return Err(wrong("user", "give password or password_file")),
            }
        }
        let limits =
            TurnLimits { allocations: self.allocations, per_user: self.per_user, ..TurnLimits::default() };
        Ok(TurnConfig {
            accounts,
            policy: Policy::new(prefixes("allow", &self.allow)?, prefixes("deny", &self.deny)?),
            addresses: self.lent()?,
            ports: self.ports[0]..=self.ports[1],
            own,
            limits,
            dscp: self.dscp(),
        })
    }

    fn lent(&self) -> Result<Vec<RelayAddress>, ConfigError> {
        let listened = self.listen.iter().chain(&self.tls).map(SocketAddr::ip);
        let addresses: Vec<IpAddr> =
            if self.addresses.is_empty() { listened.collect() } else { self.addresses.clone() };
        if addresses.iter().any(IpAddr::is_unspecified) {
            return Err(wrong(
                "addresses",
                "name the addresses that are lent, which cannot be 0.0.0.0 or [::]",
            ));
        }
        let told = self.told.iter().copied().map(Some).chain(std::iter::repeat(None));
        let pair =
            |(bound, told): (IpAddr, Option<IpAddr>)| RelayAddress { bound, told: told.unwrap_or(bound) };
        Ok(addresses.into_iter().zip(told).map(pair).collect())
    }

    pub(super) fn call_server(&self) -> Result<Calls, ConfigError> {
        let limits = CallLimits { calls: self.calls, ..CallLimits::default() };
        let mut calls = Calls::new(self.call_secret()?.into_iter().collect(), limits);
        calls.mark(self.dscp());
        Ok(calls)
    }

    /// How what leaves is marked.
    const fn dscp(&self) -> Dscp {
        if self.expedited { Dscp::EF } else { Dscp::DEFAULT }
    }

    /// What was bought.
    pub(super) fn credits(&self) -> Credits {
        let minutes = |credit: &RelayCredit| Duration::from_secs(credit.minutes.saturating_mul(60));
        Credits::new(self.credit.iter().map(|credit| (credit.account.clone(), minutes(credit))))
    }

    fn call_secret(&self) -> Result<Option<Secret>, ConfigError> {
        let secret = secret("call_secret", self.call_secret.as_ref(), self.call_secret_file.as_ref())?;
        Ok(secret.map(|secret| Secret::new(secret.as_bytes())))
    }
}

fn secret(
    key: &'static str,
    text: Option<&Zeroizing<String>>,
    file: Option<&PathBuf>,
) -> Result<Option<Zeroizing<String>>, ConfigError> {
    shared_secret(text, file, |what| wrong(key, what))
}

/// What two servers share, told by itself or in a file; `wrong` says whose it is.
pub(crate) fn shared_secret(
    text: Option<&Zeroizing<String>>,
    file: Option<&PathBuf>,
    wrong: impl Fn(&str) -> ConfigError,
) -> Result<Option<Zeroizing<String>>, ConfigError> {
    let secret = match (text, file) {
        (Some(_), Some(_)) => return Err(wrong("is given twice; give the text or the file")),
        (Some(text), None) => text.clone(),
        (None, Some(file)) => Zeroizing::new(read_secret(file)?.trim_end().to_owned()),
        (None, None) => return Ok(None),
    };
    if secret.is_empty() { Err(wrong("is empty")) } else { Ok(Some(secret)) }
}

fn prefixes(key: &'static str, texts: &[String]) -> Result<Vec<Prefix>, ConfigError> {
    let read = |text: &String| text.parse::<Prefix>().map_err(|error| wrong(key, &error.to_string()));
    texts.iter().map(read).collect()
}

fn wrong(key: &'static str, what: &str) -> ConfigError {
    ConfigError::Relay { key, what: what.to_owned() }
}

/// Bytes of a realm.
const MOST_REALM: usize = 32;
/// Threads of one relay.
const MOST_THREADS: usize = 64;
