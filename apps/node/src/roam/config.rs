//! The sections `[roaming]`, `[[partner]]`, `[home]`, `[visited]` and `[pool]`.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use super::{AddressesFrom, KeaSection, NamesAt, Rfc2136Section};

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
    /// The address and UDP port (9899 by custom) of this node for partners that are reached by SCTP; none of them is when
    /// not given. SCTP shows no certificate and hides nothing: it is for a network that is protected by other means, IPsec
    /// or a line of one's own.
    pub sctp_listen: Option<SocketAddr>,
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
    /// In what it is reached: `tls`, or `sctp` in UDP, where whoever has its address is it.
    #[serde(default)]
    pub carrier: PartnerCarrier,
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

/// In what a partner is reached.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum PartnerCarrier {
    /// TLS 1.3 over TCP, with a certificate at each end.
    #[default]
    Tls,
    /// SCTP in UDP (RFC 6951). A partner is known by its address alone, and all is in the clear.
    Sctp,
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
    /// Who keeps its subscribers' names.
    #[serde(default)]
    pub dns: NamesAt,
    /// The existing server that keeps them.
    pub rfc2136: Option<Rfc2136Section>,
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
    /// A socket at which the operator asks for the counters; its owner alone may use it. That of `[home]`, where there is
    /// one, answers the same.
    pub control: Option<PathBuf>,
    /// Who keeps the names of its addresses.
    #[serde(default)]
    pub dns: NamesAt,
    /// The existing server that keeps them.
    pub rfc2136: Option<Rfc2136Section>,
    /// Who hands out its addresses.
    #[serde(default)]
    pub pool: AddressesFrom,
    /// The existing Kea that does.
    pub kea: Option<KeaSection>,
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
    /// What is given out, as `10.1.0.10-10.1.0.250`; only IPv6 when not given.
    #[serde(default)]
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
    /// The network of IPv6 addresses, as `2001:db8:1:2::/64`; none when not given.
    pub prefix6: Option<String>,
    /// Resolvers for terminals, in IPv6.
    #[serde(default)]
    pub dns6: Vec<Ipv6Addr>,
    /// Whether terminals send IPv6 through this node.
    #[serde(default = "yes")]
    pub router6: bool,
    /// The interface that terminals are on: DHCP is answered there, and hosts are told to ask it. Needs the right to use
    /// ports below 1024 and packet sockets.
    pub interface: Option<String>,
    /// Where DHCP is answered without an interface, as on loopback. Nowhere when neither is given, and terminals set their
    /// addresses themselves.
    pub listen: Option<SocketAddr>,
    /// Where terminals listen for DHCP.
    #[serde(default = "default_client_port")]
    pub client_port: u16,
}

impl HomeConfig {
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let secret = self.rfc2136.iter_mut().filter_map(|names| names.key.secret_file.as_mut());
        self.control.iter_mut().chain(secret)
    }
}

impl VisitedConfig {
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let secret = self.rfc2136.iter_mut().filter_map(|names| names.key.secret_file.as_mut());
        let socket = self.kea.iter_mut().map(|kea| &mut kea.socket);
        self.control.iter_mut().chain(secret).chain(socket)
    }
}

impl RoamingConfig {
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.certificate, &mut self.key].into_iter().chain(&mut self.authorities)
    }
}

const fn yes() -> bool {
    true
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
