//! This phone's name in the DNS: published on request, withdrawn when it leaves.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

use rove_base::{Arrival, Entropy, Machine, Now, Scratch, Step};
use rove_dns::{
    tsig::TsigKey,
    updater::{self, Updater, UpdaterConfig},
};

/// What is to be published where.
#[derive(Clone)]
pub struct Registration {
    /// The host name of this phone.
    pub name: String,
    /// The addresses it can be reached at.
    pub addresses: Vec<IpAddr>,
    /// The port its SIP listens on.
    pub sip_port: u16,
    /// The server that takes updates for the name's zone.
    pub server: SocketAddr,
    /// What updates are signed with (RFC 8945).
    pub key: TsigKey,
    /// How long others may remember the address.
    pub ttl: Duration,
}

/// Why a name could not be published or withdrawn. `Display` is a sentence for the person at the phone.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The server said no.
    #[error("the name server refused to change {name}: {why}; check the name, the key and the clock")]
    Refused {
        /// The name.
        name: String,
        /// The server's answer.
        why: String,
    },
    /// The server said nothing.
    #[error("the name server {server} does not answer; check --dns-server and that it is running")]
    Unreachable {
        /// Where it was asked.
        server: SocketAddr,
    },
}

/// What became of a registration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Published { name: String },
    Withdrawn { name: String },
    Failed(RegistrationError),
}

/// A registration at work: a thin owner of the updater.
pub(crate) struct Registrar {
    updater: Updater,
    name: String,
}

impl Registrar {
    /// Starts to publish.
    pub(crate) fn publish(now: Now, local: SocketAddr, wanted: Registration, entropy: Entropy) -> Self {
        let Registration { name, addresses, sip_port, server, key, ttl } = wanted;
        let mut updater =
            Updater::new(UpdaterConfig { ttl, ..UpdaterConfig::new(server, local, key) }, entropy);
        updater.publish(now, &name, addresses, Some(sip_port));
        Self { updater, name }
    }

    /// Starts to withdraw.
    pub(crate) fn withdraw(&mut self, now: Now) {
        self.updater.withdraw(now, &self.name);
    }

    pub(crate) fn handle(&mut self, now: Now, arrival: Arrival<'_>) {
        self.updater.handle(now, arrival);
    }

    pub(crate) fn tick(&mut self, now: Now) {
        self.updater.tick(now);
    }

    pub(crate) fn poll(&mut self, out: &mut Scratch) -> Step<Outcome> {
        self.updater.poll(out).map(|event| match event {
            updater::Event::Published { name, .. } => Outcome::Published { name },
            // Where somebody else has taken the name over, nothing of ours stands any more.
            updater::Event::Withdrawn { name } | updater::Event::Superseded { name } => {
                Outcome::Withdrawn { name }
            }
            updater::Event::Refused { name, why, .. } => {
                Outcome::Failed(RegistrationError::Refused { name, why })
            }
            updater::Event::Unreachable { server, .. } => {
                Outcome::Failed(RegistrationError::Unreachable { server })
            }
            other => Outcome::Failed(RegistrationError::Refused {
                name: self.name.clone(),
                why: format!("{other:?}"),
            }),
        })
    }
}
