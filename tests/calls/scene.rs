//! The hosts that most calls need.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

use rove_phone::{
    CallReport, DnsRegistration, PhoneEvent,
    virtual_time::{VirtualConfig, VirtualPhone, Voice},
};
use rove_tests::{DnsHost, Handle, Owner, PhoneHost, World, dns};

pub(crate) const DNS: IpAddr = ip(1);
pub(crate) const BOB: &str = "bob.home.example";

pub(crate) const fn ip(host: u8) -> IpAddr {
    IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, host))
}

/// A phone at `host` that asks the name server and says a tone.
pub(crate) fn phone(host: u8) -> VirtualConfig {
    VirtualConfig {
        dns_servers: vec![SocketAddr::new(DNS, 53)],
        voice: Voice::Tone { hertz: 300.0 + f32::from(host) },
        ..VirtualConfig::at(ip(host))
    }
}

/// A name server, a caller and a callee.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) names: Handle<DnsHost>,
    pub(crate) alice: Handle<PhoneHost>,
    pub(crate) bob: Handle<PhoneHost>,
}

impl Scene {
    /// A world in which nothing has happened yet.
    pub(crate) fn new(seed: u64, alice: VirtualConfig, bob: VirtualConfig, owner: Owner) -> Self {
        let mut world = World::new(seed);
        let names = world.add("names", DnsHost::new(dns::home(), vec![DNS]));
        let alice = world.add("alice", PhoneHost::new(VirtualPhone::new(alice, seed ^ 0xa), Owner::IsAway));
        let bob = world.add("bob", PhoneHost::new(VirtualPhone::new(bob, seed ^ 0xb), owner));
        Self { world, names, alice, bob }
    }

    /// Bob publishes his name.
    pub(crate) fn register(&mut self) {
        self.register_at(Vec::new());
    }

    /// Bob publishes his name with these addresses; with none, his own.
    pub(crate) fn register_at(&mut self, addresses: Vec<IpAddr>) {
        let registration = DnsRegistration {
            name: BOB.into(),
            server: SocketAddr::new(DNS, 53),
            key: dns::home_key(),
            addresses,
            port: None,
            ttl: Duration::from_secs(5),
        };
        self.world.act(self.bob, |bob, now| bob.phone.register(now, registration));
        let bob = self.bob;
        let published = self.world.wait_for(Duration::from_secs(20), |world| {
            world.get(bob).saw(|event| matches!(event, PhoneEvent::Registered { .. }))
        });
        assert!(published, "{:#?}", self.world.trace().lines());
    }

    /// Alice calls `target`, talks for `talk` and hangs up; answers her report.
    pub(crate) fn call(&mut self, target: &str, talk: Duration) -> CallReport {
        let call =
            self.world.act(self.alice, |alice, now| alice.phone.dial(now, target)).expect("can be dialled");
        let alice = self.alice;
        self.world.wait_for(Duration::from_secs(100), |world| {
            world.get(alice).saw(|event| {
                matches!(
                    event,
                    PhoneEvent::Call { progress: rove_phone::Progress::Answered { .. }, .. }
                        | PhoneEvent::Ended { .. }
                )
            })
        });
        self.world.run_for(talk);
        self.world.act(alice, |alice, now| alice.phone.hang_up(now, call));
        let over = self
            .world
            .wait_for(Duration::from_secs(100), |world| world.get(alice).reports().next().is_some());
        assert!(over, "{:#?}", self.world.trace().lines());
        self.world.get(alice).reports().next().cloned().expect("the call is over")
    }
}
