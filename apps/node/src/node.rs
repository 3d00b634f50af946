//! Starting and ending a node.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, thread::JoinHandle};

use rove_dns::update::ReplayError;
use rove_driver::{CannotBind, Listener, bind_pair};
use rove_io::{
    journal::{Journal, JournalError, Replay},
    net::{BindFailure, UdpSocket},
};
use tokio::sync::{Notify, mpsc};

use crate::{
    config::{ConfigError, NodeConfig},
    dns::DnsRole,
    driver::{self, Driver, Keeper, Role},
};

/// A node that could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No role is configured.
    #[error("the configuration gives this node nothing to do: add a [dns] section")]
    NoRole,
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
        source: ReplayError,
    },
    /// The journal holds records of a role this program does not have.
    #[error("[journal] path {}: record {number} was written by a later version of this program", path.display())]
    ForeignRecord {
        /// The file.
        path: PathBuf,
        /// Counted from 0.
        number: usize,
    },
    /// The operating system refused a thread or a socket.
    #[error("the node cannot be started: {0}")]
    System(#[from] io::Error),
}

/// Starts nodes.
#[derive(Debug)]
pub struct Node;

/// A node at work. Dropping it ends it in order.
#[derive(Debug)]
pub struct RunningNode {
    dns: Vec<SocketAddr>,
    stop: Stopper,
    thread: Option<JoinHandle<()>>,
}

/// Ends a node from anywhere, a signal handler's thread for example.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<Notify>);

impl Stopper {
    /// Asks the node to end; returns at once.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

impl Node {
    /// Checks `config`, binds its addresses, reads its journal back and starts answering on a thread named `rove-node`.
    ///
    /// # Errors
    ///
    /// [`NodeError`]; then nothing is left behind.
    pub fn start(config: NodeConfig) -> Result<RunningNode, NodeError> {
        config.check()?;
        let dns = config.dns.ok_or(NodeError::NoRole)?;
        let mut role = DnsRole::new(&dns)?;
        let ears = bind(&dns.listen)?;
        let (told, outcomes) = mpsc::unbounded_channel();
        let keeper = match config.journal {
            None => None,
            Some(journal) => {
                let tell = move |outcome| drop(told.send(outcome));
                let opened = Journal::open(&journal.path, tell);
                let (keeper, replay) =
                    opened.map_err(|source| NodeError::Journal { path: journal.path.clone(), source })?;
                let records = read_back(&mut role, replay, &journal.path)?;
                Some(Keeper::new(keeper, outcomes, records, journal.compact_after))
            }
        };
        let addresses = ears.iter().map(|(udp, _)| udp.local_addr()).collect();
        let stop = Stopper(Arc::new(Notify::new()));
        let driver = Driver::new(role, ears, keeper, Arc::clone(&stop.0));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let thread = std::thread::Builder::new()
            .name("rove-node".into())
            .spawn(move || runtime.block_on(driver::run(driver)))?;
        Ok(RunningNode { dns: addresses, stop, thread: Some(thread) })
    }
}

impl RunningNode {
    /// Where names are answered, over UDP and TCP, in the order of the configuration; ports as bound.
    #[must_use]
    pub fn dns_addresses(&self) -> &[SocketAddr] {
        &self.dns
    }

    /// Something to end this node with while [`RunningNode::wait`] waits for its end.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stop.clone()
    }

    /// Waits until the node has ended.
    pub fn wait(mut self) {
        self.join();
    }

    /// Ends the node: what was accepted is written to the journal, then its thread ends.
    pub fn shutdown(self) {
        self.stop.stop();
        self.wait();
    }

    fn join(&mut self) {
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!(target: "rove::node", "the node's thread panicked");
        }
    }
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        self.stop.stop();
        self.join();
    }
}

/// Binds UDP and TCP at each address. Where the system picks the port, both get the same one.
fn bind(addresses: &[SocketAddr]) -> Result<Vec<(UdpSocket, Listener)>, NodeError> {
    let cannot = |address| {
        move |CannotBind { over, what }| NodeError::Bind { option: "[dns] listen", address, over, what }
    };
    addresses.iter().map(|&address| bind_pair(address).map_err(cannot(address))).collect()
}

fn read_back<R: Role>(role: &mut R, mut replay: Replay, path: &std::path::Path) -> Result<usize, NodeError> {
    if let Some(cut) = replay.cut() {
        let (offset, bytes) = (cut.offset, cut.bytes);
        tracing::warn!(target: "rove::journal", offset, bytes, "an unfinished record was removed; nobody was told it stood");
    }
    let (mut number, mut stale) = (0, 0_usize);
    while let Some(record) = replay.next_record() {
        let applied = match record.split_first() {
            Some((&tag, record)) if tag == R::TAG => role
                .replay(record)
                .map_err(|source| NodeError::Record { path: path.to_owned(), number, source })?,
            _ => return Err(NodeError::ForeignRecord { path: path.to_owned(), number }),
        };
        stale += usize::from(!applied);
        number += 1;
    }
    tracing::info!(target: "rove::journal", records = number, stale, "read back");
    Ok(number)
}

#[cfg(test)]
mod tests;
