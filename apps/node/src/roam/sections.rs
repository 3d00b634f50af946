//! What the sections about roaming say, checked and made into the parts of the machine.

use std::{
    net::{Ipv6Addr, SocketAddr},
    time::Duration,
};

use rove_base::{Entropy, Transport};
use rove_driver::{Certificate, Tls, TlsError, Trust};
use rove_io::raw::{DhcpSocket, RouterSocket};
use rove_roam::{
    E164, HostName, IdentityError, NetworkName, Plmn,
    hlr::{self, AddressPrefix, Hlr, HlrConfig},
    pool::{Pool, PoolConfig, Range4, V4Config, V6Config},
    private::{
        Partner, PartnerId,
        ansi41::Ansi41,
        diameter::{Diameter, DiameterConfig},
        map::{Map, MapConfig},
    },
    vlr::{self, Agreements, NamePolicy, Patience, Terms, Vlr, VlrConfig},
};

use super::{
    Adapter, HomeConfig, NamesPolicy, OURS, PartnerConfig, PartnerTerms, PoolSection, Protocol,
    RoamingConfig, Roles, VisitedConfig, Wire,
};
use crate::{
    config::ConfigError,
    dns::DnsConfig,
    driver::{Access, Router},
    node::NodeError,
};

/// All sections about roaming, as they stand in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoamSections<'a> {
    pub(crate) roaming: &'a RoamingConfig,
    pub(crate) partners: &'a [PartnerConfig],
    pub(crate) home: Option<&'a HomeConfig>,
    pub(crate) visited: Option<(&'a VisitedConfig, &'a PoolSection)>,
    pub(crate) dns: &'a DnsConfig,
}

/// Where such a node listens, ports as bound.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listening {
    pub(crate) attach: Vec<SocketAddr>,
    pub(crate) map: Vec<SocketAddr>,
    pub(crate) dhcp: Vec<SocketAddr>,
    /// Of the interface that terminals are on.
    pub(crate) hardware: Option<[u8; 6]>,
}

/// Says what is wrong with a key's value.
fn wrong(section: &'static str, key: &'static str, what: impl std::fmt::Display) -> ConfigError {
    ConfigError::Roam { section, key, what: what.to_string() }
}

fn parse<T>(section: &'static str, key: &'static str, text: &str) -> Result<T, ConfigError>
where
    T: std::str::FromStr<Err = IdentityError>,
{
    text.parse().map_err(|error| wrong(section, key, error))
}

impl RoamSections<'_> {
    /// The parts of the machine.
    pub(crate) fn roles(&self, at: Listening, mut entropy: Entropy) -> Result<Roles, ConfigError> {
        let network: NetworkName = parse("[roaming]", "network", &self.roaming.network)?;
        let title: E164 = parse("[roaming]", "title", &self.roaming.title)?;
        let partners = self.partners()?;
        let home = self.home.map(|home| self.hlr(home, &network, title)).transpose()?;
        let home = home.map(|config| Hlr::new(config, entropy.fork()));
        let visited = match self.visited {
            None => None,
            Some((visited, pool)) => {
                let vlr = self.vlr(visited, &network, title)?;
                let pool = Pool::new(pool.config(visited.ttl, &at)?, entropy.fork());
                let pool = pool.map_err(|error| wrong("[pool]", "ranges", error))?;
                Some((Vlr::new(vlr, entropy.fork()), pool))
            }
        };
        let own = Own { network, title, plmn: parse("[roaming]", "plmn", &self.roaming.plmn)? };
        let wires = self.wires(&own, &partners, &at.map, &mut entropy);
        Ok(Roles { zones: self.dns.server()?, home, visited, wires, attach: at.attach, dhcp: at.dhcp })
    }

    /// A wire for each protocol that a partner speaks, all at the same addresses: who comes is told apart by the
    /// certificate. That of MAP is there in any case, to turn away who is no partner.
    fn wires(
        &self,
        own: &Own,
        partners: &[Partner],
        listen: &[SocketAddr],
        entropy: &mut Entropy,
    ) -> Vec<Wire> {
        let mut wires = Vec::new();
        for protocol in [Protocol::Map, Protocol::Ansi41, Protocol::Diameter] {
            let both = partners.iter().zip(self.partners);
            let speak = both.filter(|(_, config)| config.protocol == protocol);
            let speak: Vec<Partner> = speak.map(|(partner, _)| partner.clone()).collect();
            if speak.is_empty() && protocol != Protocol::Map {
                continue;
            }
            let ids = speak.iter().map(|partner| partner.id).collect();
            let adapter = own.adapter(protocol, speak, entropy.fork());
            wires.push(Wire { adapter, listen: listen.to_vec(), partners: ids });
        }
        wires
    }

    /// Everything that can be checked without a socket.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.home.is_none() && self.visited.is_none() {
            return Err(wrong("[roaming]", "network", "is of no use without [home] or [visited]; add one"));
        }
        if let Some((visited, _)) = self.visited.filter(|(visited, _)| visited.listen.is_empty()) {
            let _ = visited;
            return Err(wrong("[visited]", "listen", "empty; give at least one address"));
        }
        self.check_backends()?;
        self.tls().map_err(ConfigError::RoamTls)?;
        let zones = self.dns.server()?.zones;
        let holds = |name: &rove_dns::wire::Name| zones.iter().any(|zone| name.is_within(&zone.origin));
        if let Some(home) = self.home {
            let domain = self.domain(home)?;
            let holds = |domain: &rove_dns::wire::Name| match home.elsewhere() {
                Some(names) => names.holds(domain),
                None => holds(domain),
            };
            if !domain.as_str().parse().is_ok_and(|domain| holds(&domain)) {
                let what = format!("{domain} is in no [[dns.zone]]; add one, names of subscribers go there");
                return Err(wrong("[home]", "domain", what));
            }
        }
        if let Some((visited, pool)) = self.visited {
            let of4 = pool.ranges()?.into_iter().map(|range| ("ranges", range.first.into()));
            let of6 = pool.prefix6()?.map(|prefix| ("prefix6", prefix.into()));
            for (key, address) in of4.chain(of6) {
                let reverse = rove_dns::update::reverse_name(address);
                if !visited.elsewhere().map_or_else(|| holds(&reverse), |names| names.holds(&reverse)) {
                    let what =
                        format!("{reverse} is in no [[dns.zone]]; add one, names of addresses go there");
                    return Err(wrong("[pool]", key, what));
                }
            }
        }
        let at = Listening::default();
        self.backends(&at, Entropy::from_number(0))?;
        let roles = self.roles(at, Entropy::from_number(0))?;
        super::Roam::new(roles).map(drop).map_err(ConfigError::Zone)
    }

    /// What this node shows to partners and terminals, and whom it believes.
    pub(crate) fn tls(&self) -> Result<Tls, TlsError> {
        let RoamingConfig { certificate, key, authorities, .. } = self.roaming;
        let own = Certificate { chain: certificate.clone(), key: key.clone() };
        let pinned: Vec<_> = self.partners.iter().filter_map(|partner| partner.certificate.clone()).collect();
        let tls = Tls::new(None, Some(&own))?;
        if authorities.is_empty() && pinned.is_empty() {
            // Without partners nobody is to be believed.
            return Ok(tls);
        }
        tls.with_peers(&Trust { authorities: authorities.clone(), pinned }, Some(&own))
    }

    fn domain(&self, home: &HomeConfig) -> Result<HostName, ConfigError> {
        parse("[home]", "domain", home.domain.as_deref().unwrap_or(&self.roaming.network))
    }

    fn partners(&self) -> Result<Vec<Partner>, ConfigError> {
        let partner = |(index, partner): (usize, &PartnerConfig)| {
            Ok(Partner {
                id: id(index)?,
                name: parse("[[partner]]", "name", &partner.name)?,
                plmn: parse("[[partner]]", "plmn", &partner.plmn)?,
                title: parse("[[partner]]", "title", &partner.title)?,
                address: partner.address,
                transport: Transport::Tls,
            })
        };
        self.partners.iter().enumerate().map(partner).collect()
    }

    fn hlr(&self, home: &HomeConfig, network: &NetworkName, title: E164) -> Result<HlrConfig, ConfigError> {
        let agreement = |(index, partner): (usize, &PartnerConfig)| {
            let prefix = |text: &String| {
                text.parse::<AddressPrefix>().map_err(|error| wrong("[[partner]]", "prefixes", error))
            };
            Ok(hlr::Agreement {
                partner: id(index)?,
                network: parse("[[partner]]", "name", &partner.name)?,
                prefixes: partner.prefixes.iter().map(prefix).collect::<Result<_, _>>()?,
                own: partner.terms == PartnerTerms::SameOperator,
            })
        };
        let kept = |(_, partner): &(usize, &PartnerConfig)| partner.terms != PartnerTerms::Suspended;
        let all = self.partners.iter().enumerate().filter(kept);
        let mut agreements = all.map(agreement).collect::<Result<Vec<_>, ConfigError>>()?;
        if let Some((_, pool)) = self.visited {
            let prefix = format!("{}/{}", pool.server, pool.prefix_len);
            let prefix = prefix.parse().map_err(|error| wrong("[pool]", "prefix_len", error))?;
            let prefix6 = pool.prefix6.as_ref().map(|prefix| prefix.parse());
            let prefix6 = prefix6.transpose().map_err(|error| wrong("[pool]", "prefix6", error))?;
            agreements.push(hlr::Agreement {
                partner: OURS,
                network: network.clone(),
                prefixes: [Some(prefix), prefix6].into_iter().flatten().collect(),
                own: true,
            });
        }
        let limits =
            hlr::Limits { longest_lease: Duration::from_secs(home.longest_lease), ..hlr::Limits::default() };
        Ok(HlrConfig {
            hlr: title,
            domain: self.domain(home)?,
            plmns: vec![parse::<Plmn>("[roaming]", "plmn", &self.roaming.plmn)?],
            agreements,
            ttl: home.ttl.max(1),
            limits,
        })
    }

    fn vlr(
        &self,
        visited: &VisitedConfig,
        network: &NetworkName,
        title: E164,
    ) -> Result<VlrConfig, ConfigError> {
        let agreement = |(index, partner): (usize, &PartnerConfig)| {
            Ok(vlr::Agreement {
                prefix: parse::<Plmn>("[[partner]]", "plmn", &partner.plmn)?.as_str().to_owned(),
                partner: id(index)?,
                terms: match partner.terms {
                    PartnerTerms::Roaming => Terms::Roaming,
                    PartnerTerms::SameOperator => Terms::SameOperator,
                    PartnerTerms::Suspended => Terms::Suspended,
                },
                domains: partner.domains.clone(),
            })
        };
        let mut agreements =
            self.partners.iter().enumerate().map(agreement).collect::<Result<Vec<_>, ConfigError>>()?;
        if self.home.is_some() {
            agreements.push(vlr::Agreement {
                prefix: self.roaming.plmn.clone(),
                partner: OURS,
                terms: Terms::SameOperator,
                domains: Vec::new(),
            });
        }
        let secs = |secs: u64| Duration::from_secs(secs.max(1));
        let patience =
            Patience { silence: secs(visited.silence), grace: secs(visited.grace), ..Patience::default() };
        Ok(VlrConfig {
            names: match visited.names {
                NamesPolicy::Home => NamePolicy::HomeWins,
                NamesPolicy::Strict => NamePolicy::Strict,
            },
            lease: secs(visited.lease),
            address_lease: visited.address_lease.max(1),
            reverse_ttl: visited.ttl.max(1),
            patience,
            ..VlrConfig::new(network.clone(), title, Agreements::new(agreements))
        })
    }
}

/// What this node is called on every wire.
struct Own {
    network: NetworkName,
    title: E164,
    plmn: Plmn,
}

impl Own {
    fn adapter(&self, protocol: Protocol, partners: Vec<Partner>, entropy: Entropy) -> Adapter {
        let (network, title, plmn) = (self.network.clone(), self.title, self.plmn);
        match protocol {
            Protocol::Diameter => {
                let config = DiameterConfig { network, plmn, title, partners };
                Adapter::Diameter(Box::new(Diameter::new(config, entropy)))
            }
            Protocol::Map | Protocol::Ansi41 => {
                let config = MapConfig { network, title, point_code: None, partners };
                match protocol {
                    Protocol::Map => Adapter::Map(Box::new(Map::new(config, entropy))),
                    _ => Adapter::Ansi41(Box::new(Ansi41::new(config, entropy))),
                }
            }
        }
    }
}

impl PoolSection {
    fn ranges(&self) -> Result<Vec<Range4>, ConfigError> {
        let range = |text: &String| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            match (first.trim().parse(), last.trim().parse()) {
                (Ok(first), Ok(last)) => Ok(Range4 { first, last }),
                _ => {
                    let what = format!(
                        "{text}: not understood; write the first and the last address, as 10.1.0.10-10.1.0.250"
                    );
                    Err(wrong("[pool]", "ranges", what))
                }
            }
        };
        self.ranges.iter().map(range).collect()
    }

    fn prefix6(&self) -> Result<Option<Ipv6Addr>, ConfigError> {
        let read = |text: &String| {
            let prefix = text.strip_suffix("/64").and_then(|prefix| prefix.trim().parse().ok());
            let what = || format!("{text}: not understood; write a network of 64 bits, as 2001:db8:1:2::/64");
            prefix.ok_or_else(|| wrong("[pool]", "prefix6", what()))
        };
        self.prefix6.as_ref().map(read).transpose()
    }

    /// What terminals on `interface` are given and told.
    pub(crate) fn access(&self, interface: &str) -> Result<Access, NodeError> {
        let mut access = Access::default();
        if !self.ranges.is_empty() {
            access.dhcp.push(DhcpSocket::open(interface, self.server, V4_PORT)?);
        }
        if let Some(prefix) = self.prefix6()? {
            access.dhcp.push(DhcpSocket::open_v6(interface, V6_PORT)?);
            let socket = RouterSocket::open(interface)?;
            let config = self.v6(prefix, Some(rove_io::raw::hardware_address(interface)?));
            let lifetime = if self.router6 { ROUTER_LASTS } else { Duration::ZERO };
            let (advertisement, farewell) =
                (config.advertisement(lifetime), config.advertisement(Duration::ZERO));
            access.router = Some(Router { socket, advertisement, farewell });
        }
        Ok(access)
    }

    fn v6(&self, prefix: Ipv6Addr, hardware: Option<[u8; 6]>) -> V6Config {
        let [a, b, c, d] = self.server.octets();
        // Without an interface nobody asks; the name is then one that no card has.
        let server = hardware.unwrap_or([2, 0, a, b, c, d]);
        V6Config { prefix, server, dns: self.dns6.clone(), local: (Ipv6Addr::UNSPECIFIED, 0) }
    }

    pub(super) fn config(&self, name_ttl: u32, at: &Listening) -> Result<PoolConfig, ConfigError> {
        let dhcp = at.dhcp.iter().find(|at| at.is_ipv4());
        let v4 = V4Config {
            ranges: self.ranges()?,
            server: self.server,
            prefix_len: self.prefix_len.min(32),
            router: self.router,
            dns: self.dns.clone(),
            server_port: dhcp.map_or(67, SocketAddr::port),
            client_port: self.client_port,
            to_source: dhcp.is_some_and(|at| at.ip().is_loopback()),
        };
        let name_ttl = Duration::from_secs(u64::from(name_ttl));
        let v6 = self.prefix6()?.map(|prefix| self.v6(prefix, at.hardware));
        let v4 = Some(v4).filter(|v4| !v4.ranges.is_empty() || v6.is_none());
        Ok(PoolConfig { v4, v6, name_ttl, patience: PATIENCE })
    }
}

fn id(index: usize) -> Result<PartnerId, ConfigError> {
    let id = u16::try_from(index).ok().map(PartnerId).filter(|id| *id != OURS);
    id.ok_or_else(|| wrong("[[partner]]", "name", "more than 65535 of them"))
}

/// Of DHCP servers (RFC 2131 §4.1, RFC 8415 §7.2).
const V4_PORT: u16 = 67;
const V6_PORT: u16 = 547;
/// How long hosts send through this node, unless told again.
const ROUTER_LASTS: Duration = Duration::from_secs(1_800);
/// How long an address waits for its terminal to ask for it.
const PATIENCE: Duration = Duration::from_secs(60);
