//! Registrations that several nodes of one domain know of: a store beside them, Redis or Valkey, that none of them waits for.
//!
//! ```text
//!  role ── a record that stands ──▶ queue ── thread ──▶ SET, PUBLISH ─┐
//!                                                                     ▼
//!  role ◀── what others have taken in ── queue ── thread ◀── SCAN, SUBSCRIBE
//! ```
//!
//! Each node answers from its own registry alone; the store brings there what the others know. While none of its servers is
//! there, what is to be written waits, the newest of each user, and nothing else changes.

#[cfg(feature = "redis")]
mod redis;

use std::sync::Arc;

use tokio::sync::mpsc::Receiver;

use crate::{config::ConfigError, irmv::IrmvConfig};

/// A record, as it is sent, of a user; until when it is kept, in seconds of Unix time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Share {
    /// What the user is called.
    pub(crate) name: String,
    /// The last second of it.
    pub(crate) until: u64,
    /// With its signatures.
    pub(crate) record: Arc<[u8]>,
}

/// A hold on the store, and what comes from it.
pub(crate) struct Shared {
    /// Gone before the threads are, so that none of them waits for anybody to hear it.
    heard: Receiver<Vec<u8>>,
    /// Ends both threads when it is gone.
    #[cfg(feature = "redis")]
    store: redis::Store,
}

impl Shared {
    /// Begins to speak with the store that `config` names, if it names one.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    #[cfg(feature = "redis")]
    pub(crate) fn start(config: &IrmvConfig) -> Result<Option<Self>, ConfigError> {
        let Some(servers) = redis::servers(config)? else { return Ok(None) };
        let (told, heard) = tokio::sync::mpsc::channel(WAITING);
        let store = redis::Store::start(servers, &config.domain.to_ascii_lowercase(), told)
            .map_err(|error| unusable(format!("no thread for it: {error}")))?;
        Ok(Some(Self { heard, store }))
    }

    /// This program was built without.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    #[cfg(not(feature = "redis"))]
    pub(crate) fn start(config: &IrmvConfig) -> Result<Option<Self>, ConfigError> {
        match config.store {
            None => Ok(None),
            Some(_) => {
                Err(unusable("this program is built without it; use one with the feature `redis`".into()))
            }
        }
    }

    /// Whether `config` says what can be used.
    pub(crate) fn check(config: &IrmvConfig) -> Result<(), ConfigError> {
        #[cfg(feature = "redis")]
        redis::servers(config)?;
        let _ = config;
        Ok(())
    }

    /// Puts a record there, some time.
    pub(crate) fn share(&self, share: Share) {
        #[cfg(feature = "redis")]
        self.store.share(share);
        #[cfg(not(feature = "redis"))]
        drop(share);
    }

    /// What another node has put there. Waits for ever without a store. May be dropped and asked again.
    pub(crate) async fn heard(shared: &mut Option<Self>) -> Vec<u8> {
        match shared {
            Some(shared) => match shared.heard.recv().await {
                Some(record) => record,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

fn unusable(what: String) -> ConfigError {
    ConfigError::Irmv { key: "store", what }
}

/// Records of others that may wait for the node.
#[cfg(feature = "redis")]
const WAITING: usize = 1_024;
