//! The node's part in the search network, as its roles see it: what is published, what is sought, what is found.

use core::time::Duration;

use futures_util::StreamExt as _;
use libp2p_core::Multiaddr;
use libp2p_identity::{Keypair, PeerId};
use libp2p_swarm::{Swarm, SwarmEvent};
use rove_irmv::{Pointer, SearchKey, UserKey};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

use crate::{
    IrmvConfig, IrmvSearch,
    search::{Me, Search, ShelfLimits, Speech, member, multiaddr, over_tcp, start},
};

/// What a role wants of the network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Seek {
    /// Whoever has this key is here.
    Publish(SearchKey),
    /// It is not any more.
    Withdraw(SearchKey),
    /// Where is whoever has this key? Answers bear the number.
    Find(u64, SearchKey),
}

/// What was found in the search of that number; nothing more when it is `None`.
pub(crate) type Sought = (u64, Option<Pointer>);

/// A hold on the network, and what comes from it.
#[derive(Debug)]
pub(crate) struct Searching {
    search: Search,
    found: UnboundedReceiver<Sought>,
    told: UnboundedSender<Sought>,
}

/// Why a node takes no part in the search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The key cannot be used.
    #[error("[irmv] signing_key: no identity for the search can be made of it")]
    Key,
    /// It cannot listen.
    #[error("[irmv.search] listen: cannot use {0} (TCP); choose another address or port there")]
    Listen(std::net::SocketAddr),
}

impl Searching {
    /// Takes part as `irmv`, which signs with `key`; begins with `peers`. Must be called on the runtime. Answers with how
    /// others begin with this server.
    pub(crate) async fn start(
        irmv: &IrmvConfig,
        config: &IrmvSearch,
        key: UserKey,
        peers: &[(PeerId, Multiaddr)],
    ) -> Result<(Self, Multiaddr), SearchError> {
        let keypair = Keypair::ed25519_from_bytes(key.secret_for("search")).map_err(|_| SearchError::Key)?;
        let carrier = over_tcp(&keypair).map_err(|_| SearchError::Key)?;
        let mut swarm = member(&keypair, carrier, ShelfLimits::default());
        let cannot = || SearchError::Listen(config.listen);
        swarm.listen_on(multiaddr(config.listen)).map_err(|_| cannot())?;
        let at = timeout(PATIENCE, listening(&mut swarm)).await.ok().flatten().ok_or_else(cannot)?;
        let me = Me { domain: irmv.domain.to_ascii_lowercase(), addresses: config.addresses.clone(), key };
        let standing = start(swarm, me, peers, config.neighbours_per_network);
        let shown = at.with_p2p(standing.peer).map_err(|_| SearchError::Key)?;
        let (told, found) = unbounded_channel();
        Ok((Self { search: standing.search, found, told }, shown))
    }

    /// Does what a role wants.
    pub(super) fn seek(&self, seek: Seek) {
        match seek {
            Seek::Publish(key) => self.search.publish(key),
            Seek::Withdraw(key) => self.search.withdraw(key),
            Seek::Find(number, key) => {
                let (told, mut found) = (self.told.clone(), self.search.find(key));
                tokio::spawn(async move {
                    let pass_on = async {
                        while let Some(pointer) = found.recv().await {
                            let _ = told.send((number, Some(pointer)));
                        }
                    };
                    let _ = timeout(PATIENCE, pass_on).await;
                    let _ = told.send((number, None));
                });
            }
        }
    }

    /// What was found next. Waits for ever without a part in the network. May be dropped and asked again.
    pub(super) async fn found(searching: &mut Option<Self>) -> Sought {
        match searching {
            Some(searching) => match searching.found.recv().await {
                Some(sought) => sought,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

/// Where it listens, as soon as it does.
async fn listening(swarm: &mut Swarm<Speech>) -> Option<Multiaddr> {
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => return Some(address),
            SwarmEvent::ListenerError { .. } | SwarmEvent::ListenerClosed { .. } => return None,
            _ => {}
        }
    }
}

/// For a listener to stand, and for a search in all.
const PATIENCE: Duration = Duration::from_secs(5);
