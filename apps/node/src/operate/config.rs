//! The sections `[control]` and `[http]`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use rove_driver::{Certificate, Tls};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::config::{ConfigError, read_secret};

/// `[control]`: where the operator asks, on this machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlConfig {
    /// The socket; its owner alone may use it.
    pub path: PathBuf,
}

/// `[http]`: health and counters for whoever asks, and the dashboard for those who have its token.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct HttpConfig {
    /// Where it listens in clear; with a token at loopback addresses alone.
    pub listen: Vec<SocketAddr>,
    /// Where it listens over TLS.
    pub tls: Vec<SocketAddr>,
    /// The certificate for that, in PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// What opens the dashboard. Without it there is none; a program built without the feature `dashboard` has what it shows
    /// as `/view.json` alone.
    pub token: Option<Zeroizing<String>>,
    /// A file with that, which its owner alone may read.
    pub token_file: Option<PathBuf>,
}

// The token is not shown.
impl std::fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { listen, tls, .. } = self;
        f.debug_struct("HttpConfig").field("listen", listen).field("tls", tls).finish_non_exhaustive()
    }
}

impl HttpConfig {
    /// At one address, with a token or without.
    #[must_use]
    pub fn at(listen: SocketAddr, token: Option<&str>) -> Self {
        let token = token.map(|token| Zeroizing::new(token.to_owned()));
        Self { listen: vec![listen], token, ..Self::default() }
    }

    /// Checks what can be checked; `guarded` where tenants have tokens of their own.
    pub(crate) fn check(&self, guarded: bool) -> Result<(), ConfigError> {
        if self.listen.is_empty() && self.tls.is_empty() {
            return Err(wrong("listen", "names no address; give one, for example \"127.0.0.1:9464\""));
        }
        self.tls()?;
        let shows = self.token()?.is_some() || guarded;
        if shows && self.listen.iter().any(|address| !address.ip().is_loopback()) {
            let what = "with a token it listens in clear at loopback addresses alone; use `tls` for others";
            return Err(wrong("listen", what));
        }
        Ok(())
    }

    /// What opens the dashboard.
    pub(crate) fn token(&self) -> Result<Option<Zeroizing<String>>, ConfigError> {
        secret("token", self.token.as_ref(), self.token_file.as_deref())
    }

    pub(crate) fn tls(&self) -> Result<Tls, ConfigError> {
        let shown = match (&self.certificate, &self.key) {
            (Some(chain), Some(key)) => Certificate { chain: chain.clone(), key: key.clone() },
            (None, None) if self.tls.is_empty() => return Ok(Tls::default()),
            _ => return Err(wrong("tls", "needs certificate and key, each a file in PEM")),
        };
        Tls::new(Some(&shown.chain), Some(&shown)).map_err(|error| wrong("certificate", &error.to_string()))
    }

    /// Files that it names.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.certificate, &mut self.key, &mut self.token_file].into_iter().flatten()
    }
}

/// A token: given as it is, or in a file.
pub(crate) fn secret(
    key: &'static str,
    text: Option<&Zeroizing<String>>,
    file: Option<&Path>,
) -> Result<Option<Zeroizing<String>>, ConfigError> {
    let token = match (text, file) {
        (Some(_), Some(_)) => return Err(wrong(key, "is given twice; give the text or the file")),
        (Some(text), None) => text.clone(),
        (None, Some(file)) => Zeroizing::new(read_secret(file)?.trim().to_owned()),
        (None, None) => return Ok(None),
    };
    if token.len() < LEAST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong(key, "takes 16 visible characters at least: it is all that guards who calls whom"));
    }
    Ok(Some(token))
}

fn wrong(key: &'static str, what: &str) -> ConfigError {
    ConfigError::Http { key, what: what.to_owned() }
}

/// Characters of a token.
const LEAST_TOKEN: usize = 16;
