//! One home, two visited networks, terminals: whole nodes with their journals, in virtual time.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

use rove_base::{Arrival, Entropy, Flow, Instant, Machine as _, Now, Scratch, Ticket, UdpFlow};
use rove_dns::{
    wire::Name,
    zones::{Record, ZoneConfig},
};
use rove_node::roam::{Roam, RoamEvent, SubscriberForm};
use rove_roam::{
    Imsi,
    aka::{AkaKeys, Usim},
    attach::{
        SimCredential,
        terminal::{Terminal, TerminalConfig, TerminalEvent},
    },
    hlr::{Command, RequestId},
    private::sctp::UDP_PORT,
};
use rove_tests::{Handle, Host, Outlet, Taken, World, drain_machine};

use crate::network::name;
pub(crate) use crate::network::{A, ALL, ATTACH, B, HOME, LINK, Network};

/// Until a record is durable.
const DISK: Duration = Duration::from_millis(4);

/// A record in words: TTL, type, and what it says.
fn text(record: &Record) -> String {
    let says = match (record.rtype, record.rdata.as_ref()) {
        (1, [a, b, c, d]) => format!("A {a}.{b}.{c}.{d}"),
        (12, target) => format!("PTR {}", Name::from_wire(target).unwrap()),
        (rtype, rdata) => format!("TYPE{rtype} {rdata:?}"),
    };
    format!("{} {says}", record.ttl)
}

/// A node with a disk.
pub(crate) struct Node {
    network: Network,
    pub(crate) roam: Roam,
    pub(crate) events: Vec<(Instant, RoamEvent)>,
    /// What the disk holds.
    pub(crate) journal: Vec<Vec<u8>>,
    /// On their way to it: when they are there.
    writing: Vec<(Instant, Ticket, Vec<u8>)>,
    lives: u64,
    started: bool,
}

impl Node {
    pub(crate) fn new(network: Network) -> Self {
        let roam = network.roam(u64::from(network.ip[3]));
        let (events, journal, writing) = (Vec::new(), Vec::new(), Vec::new());
        Self { network, roam, events, journal, writing, lives: 1, started: false }
    }

    /// The process is killed and started again; `World::break_streams` does the rest.
    pub(crate) fn crash(&mut self, now: Now) {
        self.lives += 1;
        self.writing.clear();
        self.roam = self.network.roam(u64::from(self.network.ip[3]) + 100 * self.lives);
        for record in &self.journal {
            assert!(self.roam.replay(now, record).unwrap(), "all of it is known");
        }
        self.roam.start(now);
    }

    /// The journal is written anew.
    pub(crate) fn compact(&mut self) {
        self.journal = self.roam.snapshot().expect("nothing waits");
    }

    /// What a name owns in the node's zones.
    pub(crate) fn records(&self, owner: &str) -> Vec<String> {
        let owner = name(owner);
        let zones = self.roam.server().zones();
        let mut records = Vec::new();
        for zone in self.network.zones().zones {
            let all = zones.get(&zone.origin).map(|zone| zone.records()).unwrap_or_default();
            records.extend(all.iter().filter(|record| record.name == owner).map(text));
        }
        records
    }
}

impl Host for Node {
    fn addresses(&self) -> Vec<IpAddr> {
        vec![self.network.ip.into()]
    }

    fn certificate(&self) -> Option<String> {
        Some(self.network.domain.into())
    }

    fn listens(&self, local: SocketAddr) -> bool {
        [ATTACH, LINK, UDP_PORT, 53].contains(&local.port())
    }

    fn receive(&mut self, now: Now, flow: UdpFlow, bytes: &[u8], _: Instant) {
        self.roam.handle(now, Arrival::Datagram { flow: Flow::Udp(flow), bytes });
    }

    fn stream(&mut self, now: Now, arrival: Arrival<'_>) {
        self.roam.handle(now, arrival);
    }

    fn tick(&mut self, now: Now) {
        while self.writing.first().is_some_and(|(at, ..)| *at <= now.mono) {
            let (_, ticket, record) = self.writing.remove(0);
            self.journal.push(record);
            self.roam.handle(now, Arrival::Durable { ticket });
        }
        self.roam.tick(now);
    }

    fn drain(&mut self, now: Now, out: &mut Scratch, net: &mut dyn Outlet) -> Option<Instant> {
        if !std::mem::replace(&mut self.started, true) {
            self.roam.start(now);
        }
        let (events, writing) = (&mut self.events, &mut self.writing);
        let wake = drain_machine(&mut self.roam, out, net, |taken, net| match taken {
            Taken::Event(event) => {
                net.note(format_args!("{event:?}"));
                events.push((now.mono, event));
            }
            Taken::Record { ticket, bytes } => writing.push((now.mono + DISK, ticket, bytes.to_vec())),
        });
        Instant::earliest(wake, self.writing.first().map(|(at, ..)| *at))
    }
}

/// A terminal on some link of a visited network; it has no address of its own before it attached.
pub(crate) struct Mobile {
    pub(crate) terminal: Terminal,
    pub(crate) events: Vec<(Instant, TerminalEvent)>,
    ip: [u8; 4],
}

impl Host for Mobile {
    fn addresses(&self) -> Vec<IpAddr> {
        vec![self.ip.into()]
    }

    fn receive(&mut self, _: Now, _: UdpFlow, _: &[u8], _: Instant) {}

    fn stream(&mut self, now: Now, arrival: Arrival<'_>) {
        self.terminal.handle(now, arrival);
    }

    fn tick(&mut self, now: Now) {
        self.terminal.tick(now);
    }

    fn drain(&mut self, now: Now, out: &mut Scratch, net: &mut dyn Outlet) -> Option<Instant> {
        let events = &mut self.events;
        drain_machine(&mut self.terminal, out, net, |taken, net| match taken {
            Taken::Event(event) => {
                net.note(format_args!("{event:?}"));
                events.push((now.mono, event));
            }
            Taken::Record { .. } => unreachable!("terminals keep nothing"),
        })
    }
}

/// The world with three nodes.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) nodes: [Handle<Node>; 3],
    mobiles: u8,
}

impl Scene {
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(seed, ALL)
    }

    /// The same, its nodes reaching each other by SCTP.
    pub(crate) fn by_sctp(seed: u64) -> Self {
        Self::of(seed, ALL.map(Network::by_sctp))
    }

    fn of(seed: u64, networks: [Network; 3]) -> Self {
        let mut world = World::new(seed);
        let nodes = networks.map(|network| world.add(network.domain, Node::new(network)));
        let mut scene = Self { world, nodes, mobiles: 0 };
        scene.world.run_for(Duration::from_secs(5));
        scene
    }

    pub(crate) fn node(&self, of: Network) -> &Node {
        let index = ALL.iter().position(|one| one.domain == of.domain).unwrap();
        self.world.get(self.nodes[index])
    }

    pub(crate) fn handle(&self, of: Network) -> Handle<Node> {
        self.nodes[ALL.iter().position(|one| one.domain == of.domain).unwrap()]
    }

    /// A subscriber of `home`, number `n`, and its terminal.
    pub(crate) fn subscriber(&mut self, home: Network, n: u8) -> Handle<Mobile> {
        let imsi = format!("{}{n:010}", home.plmn);
        let hex = |byte: u8| format!("{byte:02x}").repeat(16);
        let form: SubscriberForm = serde_json::from_value(serde_json::json!({
            "imsi": imsi, "name": format!("t{n}.{}", home.domain), "k": hex(n), "opc": hex(n + 100),
        }))
        .unwrap();
        let handle = self.handle(home);
        let added = form.read().unwrap();
        self.world.act(handle, |node, now| {
            assert!(node.roam.administer(now, RequestId(n.into()), Command::Add(Box::new(added))));
        });
        self.world.run_for(Duration::from_millis(100));
        let config = TerminalConfig { imsi: imsi.parse::<Imsi>().unwrap(), name: None, dhcp: false };
        let usim = Usim::new(AkaKeys::new([n; 16], [n + 100; 16]));
        let credential = Box::new(SimCredential::new(usim));
        let terminal = Terminal::new(config, credential, Entropy::from_number(1_000 + u64::from(n)));
        self.mobiles += 1;
        let mobile = Mobile { terminal, events: Vec::new(), ip: [203, 0, 113, self.mobiles] };
        self.world.add(&format!("t{n}"), mobile)
    }

    /// Attaches and waits for how it ends.
    pub(crate) fn attach(&mut self, mobile: Handle<Mobile>, at: Network) -> TerminalEvent {
        self.begin(mobile, at);
        let over = |event: &TerminalEvent| {
            matches!(
                event,
                TerminalEvent::Attached { .. } | TerminalEvent::Refused(_) | TerminalEvent::Ended(_)
            )
        };
        let patience = Duration::from_secs(30);
        let done = self
            .world
            .wait_for(patience, |world| world.get(mobile).events.iter().any(|(_, event)| over(event)));
        if std::env::var_os("ROVE_TRACE").is_some() {
            self.world.trace().lines().iter().for_each(|line| println!("{line}"));
        }
        assert!(done, "nothing came of it: {:?}", self.world.get(mobile).events);
        let events = &self.world.get(mobile).events;
        events.iter().map(|(_, event)| event).find(|event| over(event)).unwrap().clone()
    }

    /// Begins to attach.
    pub(crate) fn begin(&mut self, mobile: Handle<Mobile>, at: Network) {
        self.world.act(mobile, |mobile, now| {
            mobile.events.clear();
            mobile.terminal.attach(now, at.access());
        });
    }

    pub(crate) fn crash(&mut self, of: Network) {
        let handle = self.handle(of);
        self.world.break_streams(handle);
        self.world.act(handle, |node, now| node.crash(now));
    }

    /// The name of `n` at its home, and that of the address it has, wherever that is.
    pub(crate) fn resolves(&self, home: Network, n: u8) -> Vec<String> {
        self.node(home).records(&format!("t{n}.{}", home.domain))
    }

    pub(crate) fn reverse(&self, of: Network, address: IpAddr) -> Vec<String> {
        let reverse = rove_dns::update::reverse_name(address).to_string();
        self.node(of).records(&reverse)
    }

    /// Everything any network's zones hold beyond what is configured.
    pub(crate) fn bindings(&self) -> usize {
        let dynamic = |network: &Network| {
            let node = self.node(*network);
            let zones = node.roam.server().zones();
            let of = |zone: &ZoneConfig| zones.get(&zone.origin).map_or(0, |zone| zone.records().len() - 2);
            network.zones().zones.iter().map(of).sum::<usize>()
        };
        ALL.iter().map(dynamic).sum()
    }
}
