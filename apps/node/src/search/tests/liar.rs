//! Servers that lie: they know only each other, keep nothing, and say of everybody that they have to be asked.

use std::{borrow::Cow, time::SystemTime};

use futures_util::StreamExt as _;
use libp2p_core::Multiaddr;
use libp2p_identity::{Keypair, PeerId};
use libp2p_kad::{
    self as kad, BucketInserts, Mode, ProviderRecord, Record, RecordKey, StoreInserts,
    store::{Error, RecordStore, Result as StoreResult},
};
use libp2p_swarm::{Config as SwarmConfig, NetworkBehaviour, Swarm};
use rove_base::{Entropy, UnixTime};
use rove_irmv::{Pointer, SearchKey, UserKey};

use super::{
    super::network::PROTOCOL,
    far::Silent,
    world::{address, carrier, seed},
};

/// Answers each key with a pointer of its own.
struct Lies {
    key: UserKey,
}

#[derive(NetworkBehaviour)]
#[behaviour(prelude = "libp2p_swarm::derive_prelude")]
struct Lying {
    kad: kad::Behaviour<Lies>,
    identify: libp2p_identify::Behaviour,
}

/// Starts `count` of them, each known to forty of `honest`.
pub(super) fn start(count: usize, honest: &[(PeerId, Multiaddr)], entropy: &mut Entropy) {
    let all: Vec<(Keypair, Multiaddr)> = (0..count)
        .map(|number| (Keypair::ed25519_from_bytes(seed(4, number)).expect("32 bytes"), address()))
        .collect();
    for (number, (keypair, at)) in all.iter().enumerate() {
        let local = keypair.public().to_peer_id();
        let mut config = kad::Config::new(PROTOCOL);
        config.set_record_filtering(StoreInserts::FilterBoth).set_kbucket_inserts(BucketInserts::Manual);
        let lies = Lies { key: UserKey::from_seed(&seed(5, number)) };
        let mut kad = kad::Behaviour::with_config(local, lies, config);
        kad.set_mode(Some(Mode::Server));
        for (other, address) in &all {
            kad.add_address(&other.public().to_peer_id(), address.clone());
        }
        let identify = libp2p_identify::Config::new("/rove/irmv/1".into(), keypair.public());
        let speech = Lying { kad, identify: libp2p_identify::Behaviour::new(identify) };
        let config = SwarmConfig::with_tokio_executor()
            .with_idle_connection_timeout(std::time::Duration::from_secs(600));
        let mut swarm = Swarm::new(carrier(keypair, &Silent::default()), speech, local, config);
        swarm.listen_on(at.clone()).expect("it listens");
        swarm.add_external_address(at.clone());
        for _ in 0..40.min(honest.len()) {
            let (_, address) = &honest[(entropy.next_u64() % honest.len() as u64) as usize];
            let _ = swarm.dial(address.clone());
        }
        tokio::spawn(async move {
            loop {
                swarm.select_next_some().await;
            }
        });
    }
}

impl RecordStore for Lies {
    type ProvidedIter<'a> = std::iter::Empty<Cow<'a, ProviderRecord>>;
    type RecordsIter<'a> = std::iter::Empty<Cow<'a, Record>>;

    fn get(&self, key: &RecordKey) -> Option<Cow<'_, Record>> {
        let sought = SearchKey(key.as_ref().try_into().ok()?);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        let pointer = Pointer::sign(sought, "liar.example", &[], UnixTime::from_secs(now + 500), &self.key);
        Some(Cow::Owned(Record::new(key.clone(), pointer.encode())))
    }

    fn put(&mut self, _: Record) -> StoreResult<()> {
        Ok(())
    }

    fn remove(&mut self, _: &RecordKey) {}

    fn records(&self) -> Self::RecordsIter<'_> {
        std::iter::empty()
    }

    fn add_provider(&mut self, _: ProviderRecord) -> StoreResult<()> {
        Err(Error::MaxProvidedKeys)
    }

    fn providers(&self, _: &RecordKey) -> Vec<ProviderRecord> {
        Vec::new()
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        std::iter::empty()
    }

    fn remove_provider(&mut self, _: &RecordKey, _: &PeerId) {}
}
