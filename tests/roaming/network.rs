//! One operator: home for its own subscribers, visited by those of others; its zones, its pool, its journal.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use rove_base::{Entropy, Instant, Now};
use rove_roam::{
    ChangeId, HostName, Imsi, NameChange, NetworkName,
    hlr::{self, Hlr, HlrConfig},
    pool::{Pool, PoolConfig, Range4, V4Config, V6Config},
    private::PartnerId,
    vlr::{Agreement, Agreements, Terms, Vlr, VlrConfig, reconcile},
};

/// The domains of the networks, by number.
pub(crate) const NAMES: [&str; 3] = ["north.example", "south.example", "west.example"];

/// Who wrote a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    Hlr,
    Vlr,
    Pool,
}

/// What is written at once, and with it what names resolve to.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub parts: Vec<(Source, Vec<u8>)>,
    pub names: Vec<NameChange>,
    pub answer: (Source, ChangeId),
}

/// What resolvers get.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Zone {
    pub forward: BTreeMap<HostName, Vec<IpAddr>>,
    pub reverse: BTreeMap<IpAddr, HostName>,
}

impl Zone {
    pub(crate) fn apply(&mut self, change: &NameChange) {
        match change {
            NameChange::Forward { name, addresses, ttl } => {
                assert!(*ttl > 0);
                if addresses.is_empty() {
                    self.forward.remove(name);
                } else {
                    self.forward.insert(name.clone(), addresses.clone());
                }
            }
            NameChange::Reverse { address, name, ttl } => {
                assert!(*ttl > 0);
                match name {
                    Some(name) => self.reverse.insert(*address, name.clone()),
                    None => self.reverse.remove(address),
                };
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.forward.is_empty() && self.reverse.is_empty()
    }
}

/// One operator's node.
pub(crate) struct Network {
    pub number: u16,
    pub name: NetworkName,
    pub hlr: Hlr,
    pub vlr: Vlr,
    pub pool: Pool,
    pub zone: Zone,
    pub journal: Vec<Entry>,
    /// Written, not yet durable.
    pub writing: VecDeque<Entry>,
    /// Until when the disk is busy.
    pub busy_until: Instant,
    /// How often the process was started.
    pub epoch: u32,
    pub alive: bool,
    /// Nothing can be made durable.
    pub disk_full: bool,
    /// The pool's part of the record that comes next.
    pub prepared: Vec<u8>,
    pub due: Option<Instant>,
    vlr_config: VlrConfig,
    hlr_config: HlrConfig,
}

impl Network {
    /// Network `number`, which has agreements with all others; `change` may change its settings.
    pub(crate) fn new(now: Now, number: u16, change: impl FnOnce(&mut VlrConfig, &mut HlrConfig)) -> Self {
        let (mut vlr_config, mut hlr_config) = (vlr_config(number), hlr_config(number));
        change(&mut vlr_config, &mut hlr_config);
        let mut network = Self {
            number,
            name: vlr_config.network.clone(),
            hlr: Hlr::new(hlr_config.clone(), Entropy::from_number(u64::from(number))),
            vlr: Vlr::new(vlr_config.clone(), Entropy::from_number(100 + u64::from(number))),
            pool: pool(number, 0),
            zone: Zone::default(),
            journal: Vec::new(),
            writing: VecDeque::new(),
            busy_until: Instant::ZERO,
            epoch: 0,
            alive: true,
            disk_full: false,
            prepared: Vec::new(),
            due: None,
            vlr_config,
            hlr_config,
        };
        network.start(now);
        network
    }

    /// The process is gone, and with it all that was not durable.
    pub(crate) fn die(&mut self) {
        self.alive = false;
        self.due = None;
        self.writing.clear();
        self.prepared.clear();
    }

    /// The process is started again and reads its journal.
    pub(crate) fn restart(&mut self, now: Now) {
        self.epoch += 1;
        self.alive = true;
        self.busy_until = now.mono;
        let seed = u64::from(self.number) + 1_000 * u64::from(self.epoch);
        self.hlr = Hlr::new(self.hlr_config.clone(), Entropy::from_number(seed));
        self.vlr = Vlr::new(self.vlr_config.clone(), Entropy::from_number(seed + 100));
        self.pool = pool(self.number, u64::from(self.epoch));
        self.zone = Zone::default();
        for entry in &self.journal {
            for (source, record) in &entry.parts {
                match source {
                    Source::Hlr => self.hlr.replay(record).unwrap(),
                    Source::Vlr => self.vlr.replay(record).unwrap(),
                    Source::Pool => self.pool.replay(now, record).unwrap(),
                }
            }
            entry.names.iter().for_each(|change| self.zone.apply(change));
        }
        self.start(now);
    }

    fn start(&mut self, now: Now) {
        self.pool.replayed(now);
        self.hlr.start(now);
        self.vlr.start(now);
        reconcile(&mut self.vlr, &mut self.pool, now);
    }

    /// Who is here.
    pub(crate) fn holders(&self) -> BTreeSet<Imsi> {
        self.vlr.holders().map(|(imsi, ..)| imsi).collect()
    }
}

fn vlr_config(number: u16) -> VlrConfig {
    let agreement = |(of, domain): (u16, &str)| Agreement {
        prefix: plmn(of),
        partner: PartnerId(of),
        terms: if of == number { Terms::SameOperator } else { Terms::Roaming },
        domains: vec![domain.to_owned()],
    };
    let agreements = Agreements::new((0..).zip(NAMES).map(agreement).collect());
    let name = NAMES[usize::from(number)].parse().unwrap();
    VlrConfig::new(name, format!("49300{number}").parse().unwrap(), agreements)
}

fn hlr_config(number: u16) -> HlrConfig {
    let agreement = |(of, network): (u16, &str)| hlr::Agreement {
        partner: PartnerId(of),
        network: network.parse().unwrap(),
        prefixes: vec![
            format!("10.{of}.0.0/16").parse().unwrap(),
            format!("2001:db8:{of}::/48").parse().unwrap(),
        ],
        own: of == number,
    };
    HlrConfig {
        hlr: format!("49310{number}").parse().unwrap(),
        domain: NAMES[usize::from(number)].parse().unwrap(),
        plmns: vec![plmn(number).parse().unwrap()],
        agreements: (0..).zip(NAMES).map(agreement).collect(),
        ttl: 5,
        limits: hlr::Limits::default(),
    }
}

fn pool(number: u16, epoch: u64) -> Pool {
    let octet = u8::try_from(number).unwrap();
    let range = Range4 { first: Ipv4Addr::new(10, octet, 0, 10), last: Ipv4Addr::new(10, octet, 0, 60) };
    let v4 = V4Config {
        ranges: vec![range],
        server: Ipv4Addr::new(10, octet, 0, 1),
        prefix_len: 16,
        router: None,
        dns: vec![],
        server_port: 67,
        client_port: 68,
        to_source: false,
    };
    let config = PoolConfig {
        v4: Some(v4),
        v6: Some(V6Config {
            prefix: Ipv6Addr::new(0x2001, 0xdb8, number, 0, 0, 0, 0, 0),
            server: [2, 0, 0, 0, 0, octet],
            dns: vec![],
            local: (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), 1),
        }),
        name_ttl: Duration::from_secs(5),
        patience: Duration::from_secs(90),
    };
    Pool::new(config, Entropy::from_number(u64::from(number) * 77 + epoch)).unwrap()
}

/// The network code of a network.
pub(crate) fn plmn(number: u16) -> String {
    format!("0010{}", number + 1)
}
