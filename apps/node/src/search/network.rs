//! The network of servers in which they find each other's users: libp2p's Kademlia, with what it may keep and whom it may
//! know held in check.

use std::{num::NonZeroUsize, time::Duration};

use libp2p_core::{Multiaddr, muxing::StreamMuxerBox, transport::Boxed, upgrade::Version};
use libp2p_identity::{Keypair, PeerId};
use libp2p_kad::{self as kad, BucketInserts, Caching, Mode, StoreInserts};
use libp2p_swarm::{Config as SwarmConfig, NetworkBehaviour, StreamProtocol, Swarm};

use super::shelf::{Shelf, ShelfLimits};

/// How connections are made: authenticated, encrypted, with many streams in each.
pub type Carrier = Boxed<(PeerId, StreamMuxerBox)>;

/// What is spoken in a connection.
#[derive(NetworkBehaviour)]
#[behaviour(prelude = "libp2p_swarm::derive_prelude")]
pub struct Speech {
    pub(super) kad: kad::Behaviour<Shelf>,
    /// How neighbours learn where a server that came to them takes connections itself.
    pub(super) identify: libp2p_identify::Behaviour,
    limits: libp2p_connection_limits::Behaviour,
}

/// Connections over TCP, with Noise and yamux.
///
/// # Errors
///
/// When `key` cannot be used for Noise.
pub fn over_tcp(key: &Keypair) -> Result<Carrier, libp2p_noise::Error> {
    let tcp = libp2p_tcp::tokio::Transport::new(libp2p_tcp::Config::default().nodelay(true));
    Ok(secured(tcp, libp2p_noise::Config::new(key)?))
}

/// The same over any other transport.
pub(super) fn secured<T>(transport: T, noise: libp2p_noise::Config) -> Carrier
where
    T: libp2p_core::Transport + Send + Unpin + 'static,
    T::Output: futures_util::AsyncRead + futures_util::AsyncWrite + Send + Unpin + 'static,
    T::Error: Send + Sync,
    T::Dial: Send,
    T::ListenerUpgrade: Send,
{
    transport
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(libp2p_yamux::Config::default())
        .timeout(CONNECT)
        .boxed()
}

/// A server of the network, that knows nobody yet.
#[must_use]
pub fn member(key: &Keypair, carrier: Carrier, limits: ShelfLimits) -> Swarm<Speech> {
    let local = key.public().to_peer_id();
    let mut config = kad::Config::new(PROTOCOL);
    config
        .disjoint_query_paths(true)
        .set_parallelism(PATHS)
        .set_query_timeout(SEARCH)
        .set_substreams_timeout(ANSWER)
        .set_record_filtering(StoreInserts::FilterBoth)
        .set_record_ttl(Some(Duration::from_secs(rove_irmv::Pointer::LONGEST)))
        // Whoever published a pointer does it again, with a new signature; nobody else has to.
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_provider_publication_interval(None)
        .set_caching(Caching::Disabled)
        .set_max_packet_size(16 * 1_024)
        .set_kbucket_inserts(BucketInserts::Manual);
    let mut kad = kad::Behaviour::with_config(local, Shelf::new(local, limits), config);
    kad.set_mode(Some(Mode::Server));
    let identify = libp2p_identify::Behaviour::new(
        libp2p_identify::Config::new("/rove/irmv/1".into(), key.public()).with_cache_size(0),
    );
    let limits = libp2p_connection_limits::ConnectionLimits::default()
        .with_max_established_incoming(Some(CONNECTIONS))
        .with_max_pending_incoming(Some(CONNECTIONS / 8))
        .with_max_established_per_peer(Some(2));
    let limits = libp2p_connection_limits::Behaviour::new(limits);
    let config = SwarmConfig::with_tokio_executor().with_idle_connection_timeout(IDLE);
    Swarm::new(carrier, Speech { kad, identify, limits }, local, config)
}

/// The address without who is there.
pub(super) fn without_peer(mut address: Multiaddr) -> Multiaddr {
    if let Some(libp2p_core::multiaddr::Protocol::P2p(_)) = address.iter().last() {
        address.pop();
    }
    address
}

/// As it is negotiated in a connection.
pub(super) const PROTOCOL: StreamProtocol = StreamProtocol::new("/rove/irmv/kad/1");
/// Ways that a search goes beside each other, none of which touches another: whoever is in one of them cannot lead all
/// astray.
const PATHS: NonZeroUsize = NonZeroUsize::new(6).expect("six");
/// What a search may take in all.
const SEARCH: Duration = Duration::from_secs(5);
/// What one server may take for an answer.
const ANSWER: Duration = Duration::from_secs(1);
/// For a connection to stand.
const CONNECT: Duration = Duration::from_secs(2);
/// How long a connection that nobody uses is kept: it saves three round trips.
const IDLE: Duration = Duration::from_secs(600);
/// Connections from others.
const CONNECTIONS: u32 = 1_024;
