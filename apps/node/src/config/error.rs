//! Why a configuration cannot be used.

use std::{io, path::PathBuf};

use rove_dns::{tsig::KeyError, zones::RecordError};

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
    /// Something in a `[[thin]]`.
    #[error("[[thin]] {tun}: {key}: {what}")]
    Thin {
        /// Its device.
        tun: String,
        /// The key.
        key: &'static str,
        /// What is wrong with its value, and what to do.
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
