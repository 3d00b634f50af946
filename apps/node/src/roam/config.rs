//! The sections `[roaming]`, `[[partner]]`, `[home]`, `[visited]` and `[pool]`.

use core::net::Ipv4Addr;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

use rove_base::Entropy;
use rove_driver::{Certificate, Tls, TlsError, Trust};
use rove_roam::{
    E164, HostName, IdentityError, NetworkName, Plmn,
    hlr::{self, AddressPrefix, Hlr, HlrConfig},
    pool::{Pool, PoolConfig, Range4, V4Config},
    private::{Partner, PartnerId, map},
    vlr::{self, Agreements, NamePolicy, Patience, Terms, Vlr, VlrConfig},
};
use serde::Deserialize;

use super::{Adapter, OURS, Roles, Wire};
use crate::{config::ConfigError, dns::DnsConfig};

/// The section `[roaming]`: this network, as its partners know it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoamingConfig {
    /// Its domain, which is in its certificate.
    pub network: String,
    /// Its country and network code, five or six digits.
    pub plmn: String,
    /// Its node's number on the private network, without a plus.
    pub title: String,
    /// Where partners' nodes connect, over TLS; port 0 lets the system pick one.
    #[serde(default)]
    pub listen: Vec<SocketAddr>,
    /// A file with this network's chain of certificates, its own first, in PEM.
    pub certificate: PathBuf,
    /// A file with the private key, in PEM.
    pub key: PathBuf,
    /// Files with the authorities whose certificates are believed, in PEM.
    #[serde(default)]
    pub authorities: Vec<PathBuf>,
}

/// One `[[partner]]`: a network that this one has an agreement with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerConfig {
    /// Its domain, which its certificate must carry.
    pub name: String,
    /// Its country and network code.
    pub plmn: String,
    /// Its node's number.
    pub title: String,
    /// Where its node listens; not given when it always connects to us.
    pub address: Option<SocketAddr>,
    /// What it gives terminals, as `10.1.0.0/16`; names of ours are bound to nothing else there.
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// What is spoken.
    #[serde(default)]
    pub protocol: Protocol,
    /// A file with its certificate, which is then believed as it is, in PEM.
    pub certificate: Option<PathBuf>,
    /// On what terms its subscribers are taken in.
    #[serde(default)]
    pub terms: PartnerTerms,
    /// Domains that its subscribers' names stand below; any name when none is given.
    #[serde(default)]
    pub domains: Vec<String>,
}

/// A wire of the private network.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// GSM-MAP over TCAP, SCCP and M3UA.
    #[default]
    Map,
}

/// On what terms a partner's subscribers are taken in.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum PartnerTerms {
    /// They roam here.
    #[default]
    Roaming,
    /// It is of the same operator: nobody roams.
    SameOperator,
    /// They are refused.
    Suspended,
}

/// The section `[home]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeConfig {
    /// Names of subscribers stand below it; the network's domain when not given.
    pub domain: Option<String>,
    /// Seconds that a roaming terminal's addresses may be cached.
    #[serde(default = "default_ttl")]
    pub ttl: u32,
    /// The longest a binding holds without being renewed, in seconds.
    #[serde(default = "default_longest_lease")]
    pub longest_lease: u64,
    /// A socket at which the operator adds and removes subscribers; its owner alone may use it.
    pub control: Option<PathBuf>,
}

/// The section `[visited]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitedConfig {
    /// Where terminals attach, over TLS; port 0 lets the system pick one.
    pub listen: Vec<SocketAddr>,
    /// What happens when terminal and home name another name.
    #[serde(default)]
    pub names: NamesPolicy,
    /// Seconds that a binding at home holds without being renewed.
    #[serde(default = "default_lease")]
    pub lease: u64,
    /// Seconds of an address lease.
    #[serde(default = "default_address_lease")]
    pub address_lease: u32,
    /// Seconds that a reverse name may be cached.
    #[serde(default = "default_ttl")]
    pub ttl: u32,
    /// Seconds without a sign of life after which an attached terminal is gone.
    #[serde(default = "default_lease")]
    pub silence: u64,
    /// Seconds that a terminal whose stream is lost may take to come back.
    #[serde(default = "default_grace")]
    pub grace: u64,
}

/// What happens when a terminal tells another name than its home.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum NamesPolicy {
    /// The home's name is bound.
    #[default]
    Home,
    /// The terminal is refused.
    Strict,
}

/// The section `[pool]`: the addresses of `[visited]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSection {
    /// What is given out, as `10.1.0.10-10.1.0.250`.
    pub ranges: Vec<String>,
    /// This node as its terminals see it.
    pub server: Ipv4Addr,
    /// How many leading bits of an address are its network's.
    #[serde(default = "default_prefix_len")]
    pub prefix_len: u8,
    /// The way out.
    pub router: Option<Ipv4Addr>,
    /// Resolvers for terminals.
    #[serde(default)]
    pub dns: Vec<Ipv4Addr>,
    /// Where DHCP is answered; nowhere when not given, and terminals set their addresses themselves.
    pub listen: Option<SocketAddr>,
    /// The interface that terminals are on.
    pub interface: Option<String>,
    /// Where terminals listen for DHCP.
    #[serde(default = "default_client_port")]
    pub client_port: u16,
}

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
                let pool = Pool::new(pool.config(visited.ttl, at.dhcp.first())?, entropy.fork());
                let pool = pool.map_err(|error| wrong("[pool]", "ranges", error))?;
                Some((Vlr::new(vlr, entropy.fork()), pool))
            }
        };
        let ids = partners.iter().map(|partner| partner.id).collect();
        let config = map::MapConfig { network, title, point_code: None, partners };
        let adapter = Adapter::Map(Box::new(map::Map::new(config, entropy.fork())));
        let wires = vec![Wire { adapter, listen: at.map, partners: ids }];
        Ok(Roles { zones: self.dns.server()?, home, visited, wires, attach: at.attach, dhcp: at.dhcp })
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
        self.tls().map_err(ConfigError::RoamTls)?;
        let zones = self.dns.server()?.zones;
        let holds = |name: &rove_dns::wire::Name| zones.iter().any(|zone| name.is_within(&zone.origin));
        if let Some(home) = self.home {
            let domain = self.domain(home)?;
            if !domain.as_str().parse().is_ok_and(|domain| holds(&domain)) {
                let what = format!("{domain} is in no [[dns.zone]]; add one, names of subscribers go there");
                return Err(wrong("[home]", "domain", what));
            }
        }
        if let Some((_, pool)) = self.visited {
            for range in pool.ranges()? {
                let reverse = rove_dns::update::reverse_name(range.first.into());
                if !holds(&reverse) {
                    let what =
                        format!("{reverse} is in no [[dns.zone]]; add one, names of addresses go there");
                    return Err(wrong("[pool]", "ranges", what));
                }
            }
        }
        let at = Listening::default();
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
            agreements.push(hlr::Agreement {
                partner: OURS,
                network: network.clone(),
                prefixes: vec![prefix],
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

    fn config(&self, name_ttl: u32, dhcp: Option<&SocketAddr>) -> Result<PoolConfig, ConfigError> {
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
        Ok(PoolConfig { v4: Some(v4), v6: None, name_ttl, patience: PATIENCE })
    }
}

impl RoamingConfig {
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.certificate, &mut self.key].into_iter().chain(&mut self.authorities)
    }
}

fn id(index: usize) -> Result<PartnerId, ConfigError> {
    let id = u16::try_from(index).ok().map(PartnerId).filter(|id| *id != OURS);
    id.ok_or_else(|| wrong("[[partner]]", "name", "more than 65535 of them"))
}

/// How long an address waits for its terminal to ask for it.
const PATIENCE: Duration = Duration::from_secs(60);

const fn default_ttl() -> u32 {
    5
}

const fn default_longest_lease() -> u64 {
    300
}

const fn default_lease() -> u64 {
    30
}

const fn default_address_lease() -> u32 {
    300
}

const fn default_grace() -> u64 {
    15
}

const fn default_prefix_len() -> u8 {
    24
}

const fn default_client_port() -> u16 {
    68
}
