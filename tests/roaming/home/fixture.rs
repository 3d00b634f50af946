//! Who there is.

use std::net::IpAddr;

use rove_roam::{
    HostName, Imsi, NetworkName, Profile, Services, Subscriber, VisitedNetwork,
    aka::AkaKeys,
    hlr::{Agreement, HlrConfig, Limits},
    private::PartnerId,
    subscriber::{Credential, Networks},
};

/// The home's own, and two others.
pub(crate) const NETWORKS: usize = 3;

pub(crate) fn network(n: usize) -> NetworkName {
    ["home.example", "a.example", "b.example", "stranger.example"][n].parse().expect("a name")
}

pub(crate) fn network_of(name: &NetworkName) -> usize {
    (0..=NETWORKS).find(|n| network(*n) == *name).expect("a known network")
}

pub(crate) fn visited(n: usize) -> VisitedNetwork {
    VisitedNetwork { vlr: format!("4412{n}").parse().expect("a number"), network: network(n) }
}

pub(crate) fn partner(n: usize) -> PartnerId {
    PartnerId(u16::try_from(n).expect("few"))
}

pub(crate) fn name(who: u32) -> HostName {
    format!("t{who}.home.example").parse().expect("a name")
}

pub(crate) fn imsi(who: u32) -> Imsi {
    format!("00101{who:010}").parse().expect("an IMSI")
}

pub(crate) fn who(imsi: Imsi) -> u32 {
    imsi.as_str()[5..].parse().expect("a number")
}

pub(crate) fn keys(who: u32) -> AkaKeys {
    let mut k = [9; 16];
    k[..4].copy_from_slice(&who.to_be_bytes());
    AkaKeys::new(k, [3; 16])
}

/// Whether names may be bound to `address` in network `n`.
pub(crate) fn holds(n: usize, address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.octets()[..2] == [10, u8::try_from(n).expect("few")])
}

pub(crate) fn subscriber(who: u32) -> Subscriber {
    let services = Services { roaming: true, packet_data: true, ..Services::default() };
    Subscriber {
        imsi: imsi(who),
        msisdn: None,
        name: name(who),
        credential: Credential::Aka { keys: keys(who), amf: [0x80, 0] },
        profile: Profile { services, ..Profile::default() },
        networks: Networks::All,
        gives_name: true,
        ttl: None,
    }
}

pub(crate) fn config() -> HlrConfig {
    let agreement = |n: usize| Agreement {
        partner: partner(n),
        network: network(n),
        prefixes: vec![format!("10.{n}.0.0/16").parse().expect("a prefix")],
        own: n == 0,
    };
    HlrConfig {
        hlr: "49300".parse().expect("a number"),
        domain: network(0),
        plmns: vec!["00101".parse().expect("a network code")],
        agreements: (0..NETWORKS).map(agreement).collect(),
        ttl: 5,
        limits: Limits { sequence_ahead: 10, ..Limits::default() },
    }
}
