//! What the demo's networks stand on: networks of their own where the system allows them, else one loopback interface.
//!
//! ```text
//!   callers ── core ──┬── home
//!                     ├── a ── air-a ──┐
//!                     └── b ── air-b ──┴── terminal
//! ```
//!
//! Each but the callers and the terminal is a router and has its network's node on it; the core's has the root of names.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
    process::{Command, Stdio},
};

use rove_io::spaces::Space;

use super::super::made::free;
use crate::failure::Failure;

/// Somebody's place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Core,
    Home,
    A,
    B,
    Terminal,
    Caller,
}

/// All routers, in the order of the packets' way from a caller.
pub(super) const ROUTERS: [(Place, &str); 4] =
    [(Place::Core, "core"), (Place::Home, "home"), (Place::A, "a"), (Place::B, "b")];

/// The home and the visited networks, in the order of their numbers.
pub(super) const NETWORKS: [Place; 3] = [Place::Home, Place::A, Place::B];

/// Where everybody is.
pub(super) struct Ground {
    /// In the order of [`Place`]; none on loopback.
    spaces: Vec<Space>,
    /// Whether terminals and callers have IPv6 instead.
    v6: bool,
}

fn fail(error: impl std::fmt::Display) -> Failure {
    Failure::environment(error.to_string())
}

impl Ground {
    /// Networks on one loopback interface.
    pub(super) const fn loopback() -> Self {
        Self { spaces: Vec::new(), v6: false }
    }

    /// Six networks with cables between them; the program must have claimed one of its own.
    pub(super) fn spaces(v6: bool) -> Result<Self, Failure> {
        let spaces = (0..6).map(|_| Space::new()).collect::<Result<_, _>>().map_err(fail)?;
        let ground = Self { spaces, v6 };
        ground.prepare()?;
        ground.networks_up()?;
        ground.callers_up()?;
        if v6 {
            ground.v6_up()?;
        }
        Ok(ground)
    }

    /// Routers, and the cables between them.
    fn prepare(&self) -> Result<(), Failure> {
        for place in [Place::Core, Place::Home, Place::A, Place::B, Place::Terminal, Place::Caller] {
            self.at(place, || {
                // Packets may come back another way, as with tunnels.
                let settings = ["ip_forward 1", "conf/all/rp_filter 0", "conf/default/rp_filter 0"];
                settings
                    .iter()
                    .filter_map(|line| line.split_once(' '))
                    .try_for_each(|(key, value)| fs::write(format!("/proc/sys/net/ipv4/{key}"), value))
            })?
            .map_err(fail)?;
            self.ip(place, "link set lo up")?;
        }
        for (from, name, to, other) in [
            (Place::Core, "to-home", Place::Home, "uplink"),
            (Place::Core, "to-a", Place::A, "uplink"),
            (Place::Core, "to-b", Place::B, "uplink"),
            (Place::Core, "to-callers", Place::Caller, "uplink"),
            (Place::A, "air", Place::Terminal, "air-a"),
            (Place::B, "air", Place::Terminal, "air-b"),
        ] {
            self.cable(from, name, to, other)?;
        }
        Ok(())
    }

    /// Home and visited networks, and the ways to them.
    fn networks_up(&self) -> Result<(), Failure> {
        for (network, place) in NETWORKS.into_iter().enumerate() {
            let n = BASES[network];
            let end = ["to-home", "to-a", "to-b"][network];
            for (at, what) in [
                (Place::Core, format!("address add 10.9.{n}.1/30 dev {end}")),
                (Place::Core, format!("link set {end} up")),
                (place, format!("address add 10.9.{n}.2/30 dev uplink")),
                (place, "link set uplink up".into()),
                (Place::Core, format!("route add 10.{n}.0.0/24 via 10.9.{n}.2")),
                (place, format!("route add default via 10.9.{n}.1")),
            ] {
                self.ip(at, &what)?;
            }
            if place == Place::Home {
                self.ip(place, &format!("address add 10.{n}.0.1/24 dev lo"))?;
                continue;
            }
            self.ip(place, &format!("address add 10.{n}.0.1/24 dev air"))?;
            self.ip(place, "address add fe80::1/64 dev air nodad")?;
            self.ip(place, "link set air up")?;
        }
        Ok(())
    }

    /// The callers' network, and the root's address.
    fn callers_up(&self) -> Result<(), Failure> {
        for (at, what) in [
            (Place::Core, "address add 10.40.0.1/24 dev to-callers"),
            (Place::Core, "address add 10.9.0.53/32 dev lo"),
            (Place::Core, "link set to-callers up"),
            (Place::Caller, "address add 10.40.0.2/24 dev uplink"),
            (Place::Caller, "address add 10.40.0.3/24 dev uplink"),
            (Place::Caller, "address add 10.40.0.4/24 dev uplink"),
            (Place::Caller, "link set uplink up"),
            (Place::Caller, "route add default via 10.40.0.1"),
        ] {
            self.ip(at, what)?;
        }
        Ok(())
    }

    /// The same with IPv6, beside what the nodes say to each other.
    fn v6_up(&self) -> Result<(), Failure> {
        for place in [Place::Core, Place::Home, Place::A, Place::B] {
            self.at(place, || fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1"))?.map_err(fail)?;
        }
        for (network, place) in NETWORKS.into_iter().enumerate() {
            let n = BASES[network];
            let end = ["to-home", "to-a", "to-b"][network];
            self.ip(Place::Core, &format!("address add fd00:9:{n}::1/64 dev {end} nodad"))?;
            self.ip(place, &format!("address add fd00:9:{n}::2/64 dev uplink nodad"))?;
            self.ip(Place::Core, &format!("-6 route add fd00:{n}::/64 via fd00:9:{n}::2"))?;
            self.ip(place, &format!("-6 route add default via fd00:9:{n}::1"))?;
            if place != Place::Home {
                self.ip(place, &format!("address add fd00:{n}::1/64 dev air nodad"))?;
            }
        }
        for air in [air(1), air(2)] {
            // Its own link-local address is good at once; a DHCP client that finds one that is not ends.
            let at_once = || fs::write(format!("/proc/sys/net/ipv6/conf/{air}/accept_dad"), "0");
            self.at(Place::Terminal, at_once)?.map_err(fail)?;
        }
        self.ip(Place::Core, "address add fd00:40::1/64 dev to-callers nodad")?;
        for caller in [2, 3, 4] {
            self.ip(Place::Caller, &format!("address add fd00:40::{caller}/64 dev uplink nodad"))?;
        }
        self.ip(Place::Caller, "-6 route add default via fd00:40::1").map(drop)
    }

    /// Whether terminals and callers have IPv6.
    pub(super) const fn is_v6(&self) -> bool {
        self.v6
    }

    /// The addresses that a network gives to terminals, where they are of IPv6: 64 bits.
    pub(super) fn prefix6(&self, network: usize) -> Option<String> {
        self.v6.then(|| format!("fd00:{}::/64", BASES[network]))
    }

    /// All addresses of a terminal, at `port`.
    pub(super) fn everywhere(&self, port: u16) -> SocketAddr {
        let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        if self.v6 { (Ipv6Addr::UNSPECIFIED, port).into() } else { v4 }
    }

    /// What a caller listens at.
    pub(super) fn caller(&self, n: u8) -> SocketAddr {
        match (self.is_real(), self.v6) {
            (true, true) => (Ipv6Addr::new(0xfd00, 0x40, 0, 0, 0, 0, 0, u16::from(n)), 0).into(),
            (true, false) => ([10, 40, 0, n], 0).into(),
            (false, _) => ([127, 0, 0, 1], 0).into(),
        }
    }

    /// Another address of the first caller.
    pub(super) fn second_address(&self) -> IpAddr {
        if self.is_real() { self.caller(4).ip() } else { [127, 0, 0, 4].into() }
    }

    /// Whether networks are real ones.
    pub(super) const fn is_real(&self) -> bool {
        !self.spaces.is_empty()
    }

    /// Runs `act` at a place; what it starts stays there.
    pub(super) fn at<T: Send>(&self, place: Place, act: impl FnOnce() -> T + Send) -> Result<T, Failure> {
        match self.spaces.get(place as usize) {
            Some(space) => space.run(act).map_err(fail),
            None => Ok(act()),
        }
    }

    /// `ip` at a place.
    pub(super) fn ip(&self, place: Place, what: &str) -> Result<String, Failure> {
        self.ip_with(place, what, Stdio::null())
    }

    fn ip_with(&self, place: Place, what: &str, input: Stdio) -> Result<String, Failure> {
        let mut command = Command::new("ip");
        command.args(what.split(' ')).stdin(input);
        let done = self.at(place, || command.output())?;
        let done = done.map_err(|error| fail(format!("ip (of iproute2): {error}")))?;
        if !done.status.success() {
            let why = String::from_utf8_lossy(&done.stderr);
            return Err(fail(format!("ip {what}: {}", why.trim())));
        }
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    fn cable(&self, from: Place, name: &str, to: Place, other: &str) -> Result<(), Failure> {
        let Some(space) = self.spaces.get(to as usize) else { return Ok(()) };
        let what = format!("link add {name} type veth peer name {other} netns /proc/self/fd/0");
        self.ip_with(from, &what, space.as_input().map_err(fail)?).map(drop)
    }

    /// The number of an interface.
    fn index(&self, place: Place, name: &str) -> Result<u32, Failure> {
        let shown = self.ip(place, &format!("-o link show dev {name}"))?;
        let number = shown.split(':').next().and_then(|number| number.trim().parse().ok());
        number.ok_or_else(|| fail(format!("{name} has no number: {shown}")))
    }

    /// A network's own address.
    pub(super) const fn address(&self, network: usize) -> Ipv4Addr {
        if self.spaces.is_empty() {
            Ipv4Addr::new(127, 0, BASES[network], 1)
        } else {
            Ipv4Addr::new(10, BASES[network], 0, 1)
        }
    }

    /// Where a network listens for something at `port`, which on loopback is any that is free.
    pub(super) fn listen(&self, network: usize, port: u16) -> Result<SocketAddr, Failure> {
        let ip = self.address(network);
        if self.is_real() { Ok((ip, port).into()) } else { free(ip) }
    }

    /// Where terminals attach to a network, as the network and as the terminal say it.
    pub(super) fn attach(&self, network: usize) -> Result<(SocketAddr, SocketAddr), Failure> {
        if !self.is_real() {
            let at = free(self.address(network))?;
            return Ok((at, at));
        }
        let router = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
        let at = |index| SocketAddr::from(SocketAddrV6::new(router, 4_043, 0, index));
        let here = self.index(NETWORKS[network], "air")?;
        Ok((at(here), at(self.index(Place::Terminal, air(network))?)))
    }

    /// Where the terminal takes calls.
    pub(super) fn sip_port(&self) -> Result<u16, Failure> {
        if self.is_real() { Ok(5_060) } else { free(Ipv4Addr::UNSPECIFIED).map(|at| at.port()) }
    }

    /// The terminal comes to a network, and has no address there yet but the link's own.
    pub(super) fn enter(&self, network: usize) -> Result<(), Failure> {
        if self.is_real() {
            let air = air(network);
            self.ip(Place::Terminal, &format!("link set {air} up"))?;
            self.ip(Place::Terminal, &format!("address add fe80::7/64 dev {air} nodad"))?;
        }
        Ok(())
    }

    /// It sets the address that it was given.
    pub(super) fn settle(&self, network: usize, ip: IpAddr) -> Result<(), Failure> {
        if self.is_real() {
            let air = air(network);
            let rest = if ip.is_ipv6() { "64 nodad" } else { "24" };
            self.ip(Place::Terminal, &format!("address add {ip}/{rest} dev {air}"))?;
            self.route(network, ip)?;
        }
        Ok(())
    }

    /// Its packets go by way of the network.
    pub(super) fn route(&self, network: usize, ip: IpAddr) -> Result<(), Failure> {
        let (air, router) = (air(network), self.address(network));
        let what = match ip {
            IpAddr::V4(_) => format!("route replace default via {router} dev {air}"),
            IpAddr::V6(_) => format!("-6 route replace default via fe80::1 dev {air}"),
        };
        self.ip(Place::Terminal, &what).map(drop)
    }

    /// It is out of reach: nothing of its address there is left.
    pub(super) fn leave(&self, network: usize) -> Result<(), Failure> {
        if self.is_real() {
            let air = air(network);
            self.ip(Place::Terminal, &format!("address flush dev {air}"))?;
            self.ip(Place::Terminal, &format!("link set {air} down"))?;
        }
        Ok(())
    }
}

/// The terminal's interface to a network.
pub(super) const fn air(network: usize) -> &'static str {
    ["", "air-a", "air-b"][network]
}

/// What tells the networks' addresses apart.
const BASES: [u8; 3] = [10, 20, 30];
