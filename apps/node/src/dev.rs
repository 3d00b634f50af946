//! A node for trying things out: one zone, a fresh key, loopback only.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rove_dns::{
    tsig::{KeyError, TsigKey},
    wire::Name,
};
use rove_io::entropy::os_entropy;
use zeroize::Zeroizing;

use crate::{
    config::{ConfigError, JournalConfig, NodeConfig},
    dns::{DnsConfig, DnsKey, DnsZone},
    sip::SipConfig,
};

/// The zone that a node for trying things out answers for.
pub const ZONE: &str = "home.example";
/// The name of the key that may change it.
pub const KEY_NAME: &str = "update.home.example";

/// What a node for trying things out needs: a configuration, and the key that was made for it.
#[derive(Debug)]
pub struct Dev {
    /// Give this to [`crate::Node::start`].
    pub config: NodeConfig,
    /// Where the key is, as `nsupdate -k` and `rove --key-file` read it.
    pub key_file: PathBuf,
}

/// No node for trying things out can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevError {
    /// It has a key that anyone near can fetch, so it must not be reachable from elsewhere.
    #[error("{0} is not a loopback address; for other networks write a configuration and use --config")]
    NotLoopback(SocketAddr),
    /// The folder cannot be used.
    #[error("{}: {source}", path.display())]
    Folder {
        /// Which one, or which file in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is a key file already, and it is none.
    #[error("{}: {source}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// A name of the zone.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Dev {
    /// Prepares a node that answers at `listen` and keeps its journal and key in `folder`, which is made when it is not
    /// there. A key that is there already is used again.
    ///
    /// # Errors
    ///
    /// [`DevError`].
    pub fn prepare(folder: &Path, listen: Vec<SocketAddr>) -> Result<Self, DevError> {
        if let Some(address) = listen.iter().find(|address| !address.ip().is_loopback()) {
            return Err(DevError::NotLoopback(*address));
        }
        fs::create_dir_all(folder).map_err(|source| DevError::Folder { path: folder.to_owned(), source })?;
        let key_file = folder.join(KEY_FILE);
        ensure_key(&key_file)?;
        let zones = [
            (ZONE, &["ns A 127.0.0.1", "ns AAAA ::1"][..]),
            ("127.in-addr.arpa", &[]),
            ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", &[]),
        ];
        let zone = zones
            .map(|(origin, records)| dev_zone(origin, records))
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?;
        let key = DnsKey {
            name: name(KEY_NAME)?,
            secret: None,
            secret_file: Some(key_file.clone()),
            scope: zone.iter().map(|zone| zone.origin.clone()).collect(),
            allow: Vec::new(),
        };
        let (udp_payload, answers_per_second) = (crate::dns::default_udp_payload(), 0);
        let dns = DnsConfig { listen, udp_payload, answers_per_second, zone, key: vec![key] };
        let journal = JournalConfig::at(folder.join("journal"));
        Ok(Self {
            config: NodeConfig { dns: Some(dns), journal: Some(journal), ..NodeConfig::default() },
            key_file,
        })
    }

    /// Adds a registrar for the zone at `listen`, over UDP and TCP, which believes anybody.
    ///
    /// # Errors
    ///
    /// [`DevError::NotLoopback`].
    pub fn with_sip(mut self, listen: Vec<SocketAddr>) -> Result<Self, DevError> {
        if let Some(address) = listen.iter().find(|address| !address.ip().is_loopback()) {
            return Err(DevError::NotLoopback(*address));
        }
        self.config.sip = Some(SipConfig::open(listen.clone(), listen, ZONE));
        Ok(self)
    }
}

fn dev_zone(origin: &str, records: &[&str]) -> Result<DnsZone, DevError> {
    Ok(DnsZone {
        primary: Some(name("ns.home.example")?),
        hostmaster: Some(name("hostmaster.home.example")?),
        ttl: TTL,
        negative_ttl: Some(NEGATIVE_TTL),
        records: records.iter().map(|&record| record.to_owned()).collect(),
        ..DnsZone::at(name(origin)?)
    })
}

fn name(text: &str) -> Result<Name, DevError> {
    let fail = |source| ConfigError::Key { name: text.to_owned(), source: KeyError::Name(source) };
    Ok(text.parse().map_err(fail)?)
}

/// Makes a key file that only its owner can read, unless there is one.
fn ensure_key(path: &Path) -> Result<(), DevError> {
    let folder = |source| DevError::Folder { path: path.to_owned(), source };
    let wrong = |source| DevError::Key { path: path.to_owned(), source };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let mut secret = Zeroizing::new(vec![0; SECRET_BYTES]);
            os_entropy().map_err(folder)?.fill(&mut secret);
            let key = TsigKey::new(KEY_NAME, secret).map_err(wrong)?;
            file.write_all(key.to_key_file().as_bytes()).map_err(folder)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = Zeroizing::new(fs::read_to_string(path).map_err(folder)?);
            TsigKey::from_key_file(&text).map(drop).map_err(wrong)
        }
        Err(error) => Err(folder(error)),
    }
}

const KEY_FILE: &str = "update.key";
/// As many as the hash has.
const SECRET_BYTES: usize = 32;
/// Short, so that what is tried out shows soon; seconds.
const TTL: u32 = 5;
const NEGATIVE_TTL: u32 = 1;
