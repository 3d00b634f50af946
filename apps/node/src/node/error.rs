//! Why a node does not start.

use std::{io, net::SocketAddr, path::PathBuf};

use rove_driver::TlsError;
use rove_io::{journal::JournalError, net::BindFailure, raw::DhcpSocketError};

use crate::{
    config::ConfigError,
    driver::{SearchError, Unreadable},
    irmv::AccountFileError,
};

/// A node that could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No role is configured.
    #[error(
        "the configuration gives this node nothing to do: add a [dns], [sip], [irmv], [relay], [home], [visited] or [[thin]] section"
    )]
    NoRole,
    /// The program was built without them.
    #[cfg(not(feature = "roaming"))]
    #[error(
        "[roaming]: this program is built without home and visited networks; use one with the feature `roaming`"
    )]
    NoRoaming,
    /// An address cannot be used.
    #[error("{option}: cannot use {address} ({over}): {what}; choose another address or port there")]
    Bind {
        /// The option that named it.
        option: &'static str,
        /// The address.
        address: SocketAddr,
        /// UDP or TCP.
        over: &'static str,
        /// What stands against it.
        what: BindFailure,
    },
    /// The journal cannot be opened.
    #[error("[journal] path {}: {source}", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: JournalError,
    },
    /// The journal holds a record this program cannot read.
    #[error("[journal] path {}: record {number}: {source}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Counted from 0.
        number: usize,
        /// What is wrong.
        source: Unreadable,
    },
    /// The journal holds records of a role this program does not have.
    #[error("[journal] path {}: record {number} was written by a later version of this program", path.display())]
    ForeignRecord {
        /// The file.
        path: PathBuf,
        /// Counted from 0.
        number: usize,
    },
    /// The database of accounts cannot be used.
    #[error("[irmv] accounts {}: {source}", path.display())]
    Accounts {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: AccountFileError,
    },
    /// A certificate cannot be used.
    #[error("[sip.tls] {0}")]
    Tls(#[from] TlsError),
    /// A file of the node cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The interface of `[pool]` cannot be served.
    #[error("[pool] interface: {0}")]
    Dhcp(#[from] DhcpSocketError),
    /// A thin link cannot be used.
    #[error(
        "[[thin]] {tun}: {what}: {source}; it takes CAP_NET_ADMIN and CAP_NET_RAW, an interface that is there, and a `tun` of which there is none yet"
    )]
    Thin {
        /// Its device.
        tun: String,
        /// What part of it.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The control socket cannot be made.
    #[error("control {}: {source}", path.display())]
    Control {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot take part in the search.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The operating system refused a thread or a socket.
    #[error("the node cannot be started: {0}")]
    System(#[from] io::Error),
}
