//! Three networks, each home for some and visited by others.

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{Entropy, Transport};
use rove_dns::{server::ServerConfig, wire::Name, zones::ZoneConfig};
use rove_node::roam::{Adapter, OURS, Roam, Roles, Wire};
use rove_roam::{
    NetworkName, VisitedNetwork,
    attach::terminal::Access,
    hlr::{self, Hlr, HlrConfig},
    pool::{Pool, PoolConfig, Range4, V4Config},
    private::{
        Partner, PartnerId,
        map::{Map, MapConfig},
    },
    vlr::{self, Agreements, Terms, Vlr, VlrConfig},
};

pub(crate) const ATTACH: u16 = 4_043;
pub(crate) const LINK: u16 = 2_905;

/// A network: its domain, code, number, node, and the addresses it gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    pub(crate) domain: &'static str,
    pub(crate) plmn: &'static str,
    title: &'static str,
    pub(crate) ip: [u8; 4],
    /// First three bytes of the addresses it gives.
    pool: [u8; 3],
}

pub(crate) const HOME: Network = Network {
    domain: "home.example",
    plmn: "00101",
    title: "46700000001",
    ip: [192, 0, 2, 1],
    pool: [10, 1, 0],
};
pub(crate) const A: Network = Network {
    domain: "a.example",
    plmn: "00102",
    title: "46700000002",
    ip: [192, 0, 2, 2],
    pool: [10, 2, 0],
};
pub(crate) const B: Network = Network {
    domain: "b.example",
    plmn: "00103",
    title: "46700000003",
    ip: [192, 0, 2, 3],
    pool: [10, 3, 0],
};
pub(crate) const ALL: [Network; 3] = [HOME, A, B];

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

impl Network {
    pub(crate) fn at(&self, port: u16) -> SocketAddr {
        (self.ip, port).into()
    }

    pub(crate) fn access(&self) -> Access {
        Access { address: self.at(ATTACH), network: None }
    }

    fn others(&self) -> Vec<Partner> {
        let all = ALL.iter().enumerate().filter(|(_, other)| other.domain != self.domain);
        let partner = |(index, other): (usize, &Self)| Partner {
            id: PartnerId(u16::try_from(index).unwrap()),
            name: other.domain.parse().unwrap(),
            plmn: other.plmn.parse().unwrap(),
            title: other.title.parse().unwrap(),
            address: Some(other.at(LINK)),
            transport: Transport::Tls,
        };
        all.map(partner).collect()
    }

    pub(crate) fn zones(&self) -> ServerConfig {
        let [a, b, c] = self.pool;
        let zone = |origin: String| ZoneConfig {
            origin: name(&origin),
            primary: name(&format!("ns.{}", self.domain)),
            hostmaster: name(&format!("hostmaster.{}", self.domain)),
            ttl: 60,
            negative_ttl: 1,
            records: Vec::new(),
        };
        let zones = vec![zone(self.domain.into()), zone(format!("{c}.{b}.{a}.in-addr.arpa"))];
        ServerConfig::new(zones, Vec::new())
    }

    /// What a home allows whom.
    fn hlr(&self) -> HlrConfig {
        let prefix =
            |of: &Self| format!("{}.{}.{}.0/24", of.pool[0], of.pool[1], of.pool[2]).parse().unwrap();
        let of = |partner: &Partner| *ALL.iter().find(|one| one.domain == partner.name.as_str()).unwrap();
        let mut agreements: Vec<_> = self
            .others()
            .iter()
            .map(|partner| hlr::Agreement {
                partner: partner.id,
                network: partner.name.clone(),
                prefixes: vec![prefix(&of(partner))],
                own: false,
            })
            .collect();
        let network: NetworkName = self.domain.parse().unwrap();
        agreements.push(hlr::Agreement {
            partner: OURS,
            network: network.clone(),
            prefixes: vec![prefix(self)],
            own: true,
        });
        HlrConfig {
            hlr: self.title.parse().unwrap(),
            domain: network,
            plmns: vec![self.plmn.parse().unwrap()],
            agreements,
            ttl: 5,
            limits: hlr::Limits::default(),
        }
    }

    /// Whom a visited network admits.
    fn vlr(&self) -> VlrConfig {
        let agreement = |plmn: &str, partner, terms| vlr::Agreement {
            prefix: plmn.into(),
            partner,
            terms,
            domains: Vec::new(),
        };
        let others = self.others();
        let mut agreements: Vec<_> = others
            .iter()
            .map(|partner| agreement(partner.plmn.as_str(), partner.id, Terms::Roaming))
            .collect();
        agreements.push(agreement(self.plmn, OURS, Terms::SameOperator));
        let (network, title) = (self.domain.parse().unwrap(), self.title.parse().unwrap());
        VlrConfig::new(network, title, Agreements::new(agreements))
    }

    fn addresses(&self) -> PoolConfig {
        let [a, b, c] = self.pool;
        PoolConfig {
            v4: Some(V4Config {
                ranges: vec![Range4 { first: [a, b, c, 10].into(), last: [a, b, c, 99].into() }],
                server: [a, b, c, 1].into(),
                prefix_len: 24,
                router: None,
                dns: Vec::new(),
                server_port: 67,
                client_port: 68,
                to_source: false,
            }),
            v6: None,
            name_ttl: Duration::from_secs(5),
            patience: Duration::from_secs(60),
        }
    }

    /// The node as its partners' questions call it.
    pub(crate) fn asks_as(&self) -> VisitedNetwork {
        VisitedNetwork { vlr: self.title.parse().unwrap(), network: self.domain.parse().unwrap() }
    }

    /// Its wire alone.
    pub(crate) fn map(&self, entropy: Entropy) -> Map {
        let (network, title) = (self.domain.parse().unwrap(), self.title.parse().unwrap());
        Map::new(MapConfig { network, title, point_code: None, partners: self.others() }, entropy)
    }

    /// The whole node, without a journal. Every network is home and visited at once.
    pub(crate) fn roam(&self, seed: u64) -> Roam {
        let mut entropy = Entropy::from_number(seed);
        let ids = self.others().iter().map(|partner| partner.id).collect();
        let adapter = Adapter::Map(Box::new(self.map(entropy.fork())));
        let pool = Pool::new(self.addresses(), entropy.fork()).unwrap();
        Roam::new(Roles {
            zones: self.zones(),
            home: Some(Hlr::new(self.hlr(), entropy.fork())),
            visited: Some((Vlr::new(self.vlr(), entropy.fork()), pool)),
            wires: vec![Wire { adapter, listen: vec![self.at(LINK)], partners: ids }],
            attach: vec![self.at(ATTACH)],
            dhcp: Vec::new(),
        })
        .unwrap()
    }
}
