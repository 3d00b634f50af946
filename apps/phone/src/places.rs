//! Addresses of this host that a call's media may leave from beside the one that leads to the other side's server.

use std::net::IpAddr;

use rove_io::net::{BindError, UdpSocket, bind_pair, bind_pair_at};

/// An address, and the interface that has it, where packets from there are to leave by that one alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    ip: IpAddr,
    interface: Option<String>,
}

impl Place {
    /// An address, from which packets leave as the system thinks best.
    pub(crate) const fn at(ip: IpAddr) -> Self {
        Self { ip, interface: None }
    }

    /// A port there, picked by the system.
    ///
    /// # Errors
    ///
    /// [`BindError`]: the host may have lost the address a moment ago.
    pub(crate) fn bind(&self) -> Result<UdpSocket, BindError> {
        match &self.interface {
            Some(interface) => UdpSocket::bind_at((self.ip, 0).into(), interface),
            None => UdpSocket::bind((self.ip, 0).into()),
        }
    }

    /// A pair of ports there, for RTP and RTCP.
    ///
    /// # Errors
    ///
    /// As [`Place::bind`].
    pub(crate) fn bind_pair(&self) -> Result<(UdpSocket, UdpSocket), BindError> {
        match &self.interface {
            Some(interface) => bind_pair_at(self.ip, interface),
            None => bind_pair(self.ip),
        }
    }

    /// Its address.
    pub(crate) const fn ip(&self) -> IpAddr {
        self.ip
    }
}

/// The addresses of all interfaces, in order, but those of this host or this link alone. One whose link is down keeps its address.
pub(crate) fn present() -> Vec<IpAddr> {
    let found = if_addrs::get_if_addrs().unwrap_or_default().into_iter();
    let found = found.filter(|one| !one.is_loopback() && !one.is_link_local());
    let mut all: Vec<_> = found.map(|one| one.ip()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn interfaces() -> impl Iterator<Item = if_addrs::Interface> {
    let found = if_addrs::get_if_addrs().unwrap_or_default().into_iter();
    found.filter(|one| one.is_oper_up() && !one.is_loopback() && !one.is_link_local())
}

/// The addresses `wanted`, and those of all interfaces where it is to be `everywhere`, without `main`: [`MOST`] of them.
pub(crate) fn others(main: IpAddr, wanted: &[IpAddr], everywhere: bool) -> Vec<Place> {
    let found = everywhere.then(interfaces).into_iter().flatten();
    let found = found.map(|one| Place { ip: one.ip(), interface: Some(one.name) });
    let wanted = wanted.iter().map(|ip| Place { ip: *ip, interface: None });
    let mut places: Vec<Place> = Vec::new();
    for place in wanted.chain(found) {
        if place.ip != main && !places.iter().any(|known| known.ip == place.ip) {
            places.push(place);
        }
    }
    places.truncate(MOST);
    places
}

/// Each is a port of its own for each call, and a candidate for each of the other side's.
const MOST: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_there_once_and_never_the_main_one() {
        let [main, other]: [IpAddr; 2] = [[127, 0, 0, 1].into(), [127, 0, 0, 2].into()];
        let places = others(main, &[other, main, other], false);
        assert_eq!(places, [Place { ip: other, interface: None }]);
        assert_eq!(places[0].bind().unwrap().local_addr().ip(), other);
        assert!(others(main, &[], true).iter().all(|place| !place.ip.is_loopback()));
    }
}
