//! Running nodes are killed at moments of chance, while terminals stay, leave and attach: HLR and zone store with the one,
//! VLR, zone store and pool with the other, or both at once. What was acknowledged is looked for afterwards.

use std::{
    collections::BTreeSet,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use rove_base::Entropy;
use rove_phone::roaming::{
    Access, AkaKeys, Attachment, Reason, SimCredential, TerminalConfig, TerminalEvent, Usim,
};

use crate::programs::{HOME, K, OPC, PATIENCE, Stage, VISITED, write};

/// Terminals that want to be attached.
const TERMINALS: usize = 16;
/// How many of them are on the move when a kill comes; the others are attached then.
const MOVING: usize = 8;
/// What a name's record may be cached for here.
const TTL: Duration = Duration::from_secs(2);

/// Where a terminal is, as it was told.
#[derive(Clone, Copy, Debug)]
enum Whereabouts {
    /// Nowhere; it tries again at that time.
    Out(Instant),
    Arriving,
    Held(Ipv4Addr),
    Leaving,
}

struct Member {
    attachment: Attachment,
    name: String,
    at: Whereabouts,
    /// Of its stays.
    last: u64,
    /// Why it was last refused.
    refused: Option<Reason>,
}

struct Load {
    stage: Stage,
    members: Vec<Member>,
    /// Stays that terminals were told of.
    attached: usize,
    /// How often one of those was looked for and found: name, address and its one owner.
    checked: usize,
    /// Stays that ended though nobody wanted it.
    lost: Vec<(String, Reason)>,
}

fn bits(text: &str) -> [u8; 16] {
    u128::from_str_radix(text, 16).unwrap().to_be_bytes()
}

impl Load {
    /// With bindings that hold for `lease` when nobody renews them.
    fn new(lease: Duration, terminals: usize) -> Self {
        let mut stage = Stage::new();
        let (ttl, lease) = (TTL.as_secs(), lease.as_secs());
        // An address rests for a minute, and with each kill some that nobody had, so many are needed.
        let more = 21..28;
        let ranges = more.clone().fold("\"127.0.20.100-127.0.20.199\"".to_owned(), |ranges, net| {
            format!("{ranges}, \"127.0.{net}.1-127.0.{net}.254\"")
        });
        let ranges = format!("ranges = [{ranges}]\nprefix_len = 20");
        let zone = |net| format!("[[dns.zone]]\norigin = \"{net}.0.127.in-addr.arpa\"\nnegative_ttl = 1\n");
        let zones: String = more.map(zone).collect();
        let home =
            [("[home]\n", format!("[home]\nttl = {ttl}\n")), ("127.0.20.0/24", "127.0.16.0/20".into())];
        let visited = [
            ("[visited]\n", format!("{zones}[visited]\nttl = {ttl}\nlease = {lease}\n")),
            ("ranges = [\"127.0.20.100-127.0.20.199\"]", ranges),
        ];
        for (which, name, changes) in [(HOME, "home.toml", &home[..]), (VISITED, "visited.toml", &visited)] {
            let path = stage.path(name);
            let mut text = std::fs::read_to_string(&path).unwrap();
            for (old, new) in changes {
                assert!(text.contains(old), "{old} is not in {text}");
                text = text.replacen(old, new, 1);
            }
            write(&path, &text);
            stage.restart(which);
        }
        let members = (1..=terminals).map(|n| Self::member(&stage, n)).collect();
        Self { stage, members, attached: 0, checked: 0, lost: Vec::new() }
    }

    fn member(stage: &Stage, n: usize) -> Member {
        let (imsi, name) = (format!("0010100000000{n:02}"), format!("t{n}.home.example"));
        stage.subscribe_as(&imsi, &name);
        let config = TerminalConfig { imsi: imsi.parse().unwrap(), name: None, dhcp: false };
        let sim = SimCredential::new(Usim::new(AkaKeys::new(bits(K), bits(OPC))));
        let attachment = Attachment::start(config, Box::new(sim), vec![stage.path("ca.pem")]).unwrap();
        Member { attachment, name, at: Whereabouts::Out(Instant::now()), last: 0, refused: None }
    }

    /// Takes what terminals were told, and sends those on that are nowhere.
    fn look(&mut self, attach: bool) {
        for member in &mut self.members {
            while let Some(event) = member.attachment.next_event(Duration::ZERO) {
                match event {
                    TerminalEvent::Attached { addresses, generation, .. } => {
                        let ip = addresses.v4.unwrap();
                        if generation.0 > member.last {
                            (self.attached, member.last) = (self.attached + 1, generation.0);
                        } else if let Whereabouts::Held(held) = member.at {
                            assert_eq!(held, ip, "{} goes on elsewhere in the same stay", member.name);
                        }
                        if !matches!(member.at, Whereabouts::Leaving) {
                            member.at = Whereabouts::Held(ip);
                        }
                    }
                    TerminalEvent::Refused(reason) => {
                        (member.at, member.refused) =
                            (Whereabouts::Out(Instant::now() + PAUSE), Some(reason));
                    }
                    TerminalEvent::Ended(reason) => {
                        if matches!(member.at, Whereabouts::Held(_)) {
                            self.lost.push((member.name.clone(), reason));
                        }
                        member.at = Whereabouts::Out(Instant::now());
                    }
                    TerminalEvent::Detached => member.at = Whereabouts::Out(Instant::now()),
                    _ => {}
                }
            }
            if let Whereabouts::Out(at) = member.at
                && attach
                && at <= Instant::now()
            {
                member.attachment.attach(Access { address: self.stage.attach, network: None });
                member.at = Whereabouts::Arriving;
            }
        }
    }

    /// Until everybody is attached.
    fn settle(&mut self, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.look(true);
            if self.members.iter().all(|member| matches!(member.at, Whereabouts::Held(_))) {
                return;
            }
            let state = |member: &Member| (member.name.clone(), member.at, member.refused);
            let state = || self.members.iter().map(state).collect::<Vec<_>>();
            assert!(Instant::now() < deadline, "{what}: not all attach: {:?}", state());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Some leave and come again, for `time`.
    fn move_about(&mut self, first: usize, time: Duration) {
        let until = Instant::now() + time;
        for moving in 0..MOVING {
            let member = &mut self.members[(first + moving) % TERMINALS];
            member.attachment.detach();
            member.at = Whereabouts::Leaving;
        }
        while Instant::now() < until {
            self.look(true);
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    fn forward(&self, name: &str) -> Vec<Vec<u8>> {
        self.stage.asks(HOME, name, 1)
    }

    /// Who was told that it is attached, and where.
    fn held(&self) -> Vec<(String, Ipv4Addr)> {
        let held = |member: &Member| match member.at {
            Whereabouts::Held(ip) => Some((member.name.clone(), ip)),
            _ => None,
        };
        self.members.iter().filter_map(held).collect()
    }

    /// Waits until all of them are found both ways; how long that took.
    fn find(&mut self, what: &str, held: &[(String, Ipv4Addr)]) -> Duration {
        let found = |stage: &Stage, (name, ip): &(String, Ipv4Addr)| {
            stage.asks(HOME, name, 1) == [ip.octets().to_vec()] && stage.reverse(*ip).len() == 1
        };
        let took = self.stage.wait_for(what, |stage| held.iter().all(|one| found(stage, one)));
        self.checked += held.len();
        took
    }

    /// No address is two terminals': neither of those that hold one, nor in the home's zone, nor in the pool.
    fn assert_one_owner_each(&self, what: &str) {
        let held = self.held();
        assert_eq!(
            held.iter().map(|(_, ip)| ip).collect::<BTreeSet<_>>().len(),
            held.len(),
            "{what}: {held:?}"
        );
        let named: Vec<_> = self.members.iter().flat_map(|member| self.forward(&member.name)).collect();
        assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len(), "{what}: {named:?}");
        let leases = format!("rove_pool_addresses{{state=\"bound\"}} {}\n", held.len());
        self.stage.wait_for(&format!("{what}: a lease for each and no other"), |stage| {
            stage.roved_of(VISITED, &["metrics"]).1.contains(leases.trim())
        });
    }
}

/// Before who was refused tries again.
const PAUSE: Duration = Duration::from_millis(100);

#[test]
fn a7_a10_kills_at_moments_of_chance_lose_no_acknowledged_binding_and_give_no_address_to_two() {
    let kills = if std::env::var_os("ROVE_PROVE").is_some() { 50 } else { 3 };
    let mut load = Load::new(Duration::from_secs(20), TERMINALS);
    let mut entropy = Entropy::from_number(7);
    let mut longest = Duration::ZERO;
    load.settle("at first");
    for kill in 0..kills {
        let first = usize::try_from(entropy.next_u32()).unwrap() % TERMINALS;
        load.move_about(first, Duration::from_millis(u64::from(entropy.next_u32() % 250)));
        let which: &[usize] = [&[HOME][..], &[VISITED], &[HOME, VISITED]][kill % 3];
        which.iter().for_each(|which| load.stage.kill(*which));
        // All that came before the kill counts.
        load.look(false);
        let (what, held) = (format!("kill {kill} of {which:?}"), load.held());
        which.iter().for_each(|which| load.stage.start(*which));
        longest = longest.max(load.find(&what, &held));
        load.settle(&what);
        let held = load.held();
        load.find(&format!("{what}: who was told since"), &held);
        load.assert_one_owner_each(&what);
    }
    println!(
        "{kills} kills, {} stays acknowledged, looked for {} times, consistent after {longest:?} at most",
        load.attached, load.checked
    );
    assert_eq!(load.lost, [], "nobody loses a stay to a kill");
    // Each kill finds some who stay, and makes others attach anew.
    let (attached, checked) = (TERMINALS + kills * MOVING, kills * (TERMINALS + TERMINALS - MOVING));
    assert!(load.attached >= attached, "{} stays acknowledged, {attached} at least", load.attached);
    assert!(load.checked >= checked, "looked for {} times, {checked} at least", load.checked);
    assert!(longest < Duration::from_secs(2), "{longest:?}");
}

#[test]
fn a7_the_name_of_a_dead_visited_network_is_gone_within_its_lease_and_two_seconds() {
    let lease = Duration::from_secs(4);
    let mut load = Load::new(lease, MOVING);
    load.settle("at first");
    let held = load.held();
    load.find("all are there", &held);
    load.stage.kill(VISITED);
    let names: Vec<String> = load.members.iter().map(|member| member.name.clone()).collect();
    let took = load
        .stage
        .wait_for("the names fall", |stage| names.iter().all(|name| stage.asks(HOME, name, 1).is_empty()));
    println!("{} names gone after {took:?}: a lease is {lease:?}, the record's TTL {TTL:?}", names.len());
    assert!(took < lease + TTL + Duration::from_secs(2), "{took:?}");
}
