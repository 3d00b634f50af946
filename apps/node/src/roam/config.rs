//! The sections `[roaming]`, `[[partner]]`, `[home]`, `[visited]` and `[pool]`.

use core::net::Ipv4Addr;
use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

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
    /// What is spoken: `map`, `ansi41` or `diameter`. The last two are experimental.
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
    /// ANSI-41 over the same. Experimental: no foreign node has spoken it with ours.
    Ansi41,
    /// Diameter S6a. Experimental: foreign nodes have exchanged capabilities and watchdogs with ours, none has spoken S6a.
    Diameter,
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

impl RoamingConfig {
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.certificate, &mut self.key].into_iter().chain(&mut self.authorities)
    }
}

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
