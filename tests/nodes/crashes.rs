//! Running nodes are killed at moments of chance, while terminals attach and leave: HLR and zone store with the one, VLR,
//! zone store and pool with the other, or both at once.

use std::{
    collections::BTreeSet,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use rove_base::Entropy;
use rove_tests::programs::{Running, program};

use crate::programs::{HOME, K, OPC, PATIENCE, Stage, VISITED, address, write};

const TERMINALS: usize = 3;
/// As the nodes are configured here: what a binding holds for when nobody renews it, and what its record may be cached for.
const LEASE: Duration = Duration::from_secs(4);
const TTL: Duration = Duration::from_secs(2);

struct Load {
    stage: Stage,
    /// Who was told that it is attached, and where.
    terminals: [Option<(Running, Ipv4Addr)>; TERMINALS],
    acknowledged: usize,
}

/// What is under way when the kill comes.
enum Deed {
    Attach(usize, Running),
    Detach(usize, Running),
}

impl Load {
    fn new() -> Self {
        let mut stage = Stage::new();
        let quick =
            |text: &str, section: &str, more: &str| text.replacen(section, &format!("{section}{more}"), 1);
        let ttl = TTL.as_secs();
        for (which, name, section, more) in [
            (HOME, "home.toml", "[home]\n", format!("ttl = {ttl}\n")),
            (VISITED, "visited.toml", "[visited]\n", format!("ttl = {ttl}\nlease = {}\n", LEASE.as_secs())),
        ] {
            let path = stage.path(name);
            let text = std::fs::read_to_string(&path).unwrap();
            write(&path, &quick(&text, section, &more));
            stage.restart(which);
        }
        for n in 1..=TERMINALS {
            let keys = stage.path("keys.toml").display().to_string();
            let (imsi, name) = (format!("00101000000000{n}"), format!("t{n}.home.example"));
            let (code, said, complaints) = stage.roved(&["subscriber", "add", &imsi, &name, "--sim", &keys]);
            assert_eq!(code, 0, "{said} {complaints}");
            let sim = format!("imsi = \"{imsi}\"\nk = \"{K}\"\nopc = \"{OPC}\"\n");
            write(&stage.path(&format!("sim{n}.toml")), &sim);
        }
        Self { stage, terminals: [const { None }; TERMINALS], acknowledged: 0 }
    }

    fn rove(&self, command: &str, of: usize) -> Running {
        let sim = self.stage.path(&format!("sim{}.toml", of + 1)).display().to_string();
        let authority = self.stage.path("ca.pem").display().to_string();
        let at = self.stage.attach.to_string();
        let args: &[&str] = match command {
            "attach" => &["attach", &at, "--sim", &sim, "--authority", &authority, "--json"],
            _ => &["detach", "--sim", &sim],
        };
        Running::start(&program("rove"), args)
    }

    /// Who is not attached attaches, who is leaves.
    fn begin(&self, of: usize) -> Deed {
        match self.terminals[of] {
            None => Deed::Attach(of, self.rove("attach", of)),
            Some(_) => Deed::Detach(of, self.rove("detach", of)),
        }
    }

    /// What came of it.
    fn end(&mut self, deed: Deed) {
        match deed {
            Deed::Attach(of, mut terminal) => {
                let told = terminal.try_ready(PATIENCE);
                let told = told.filter(|told| told["event"] == "attached");
                if let Some(told) = told {
                    self.acknowledged += 1;
                    self.terminals[of] = Some((terminal, address(&told)));
                }
            }
            Deed::Detach(of, command) => {
                command.outcome(PATIENCE);
                // It has left, or gives up when it is told twice: either way this process is over.
                drop(self.terminals[of].take());
            }
        }
    }

    fn name(of: usize) -> String {
        format!("t{}.home.example", of + 1)
    }

    fn forward(&self, of: usize) -> Vec<Vec<u8>> {
        self.stage.asks(HOME, &Self::name(of), 1)
    }

    /// Whether everybody who was told that it is attached is found both ways.
    fn all_found(&self) -> bool {
        let found = |(of, held): (usize, &Option<(Running, Ipv4Addr)>)| {
            held.as_ref().is_none_or(|(_, ip)| {
                self.forward(of) == [ip.octets().to_vec()] && self.stage.reverse(*ip).len() == 1
            })
        };
        self.terminals.iter().enumerate().all(found)
    }

    /// No address is two terminals': neither of those that hold one, nor in the home's zone.
    fn assert_one_owner_each(&self, what: &str) {
        let held: Vec<_> = self.terminals.iter().flatten().map(|(_, ip)| *ip).collect();
        assert_eq!(held.iter().collect::<BTreeSet<_>>().len(), held.len(), "{what}: {held:?}");
        let named: Vec<_> = (0..TERMINALS).flat_map(|of| self.forward(of)).collect();
        assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len(), "{what}: {named:?}");
    }
}

#[test]
fn a7_a10_kills_at_moments_of_chance_lose_no_acknowledged_binding_and_give_no_address_to_two() {
    let kills = if std::env::var_os("ROVE_PROVE").is_some() { 50 } else { 5 };
    let mut load = Load::new();
    let mut entropy = Entropy::from_number(7);
    let mut longest = Duration::ZERO;
    for of in 0..TERMINALS {
        let deadline = Instant::now() + PATIENCE;
        while load.terminals[of].is_none() {
            assert!(Instant::now() < deadline, "nobody attaches");
            let deed = load.begin(of);
            load.end(deed);
        }
    }
    for kill in 0..kills {
        let of = usize::try_from(entropy.next_u32()).unwrap() % TERMINALS;
        let deed = load.begin(of);
        std::thread::park_timeout(Duration::from_millis(u64::from(entropy.next_u32() % 60)));
        let which: &[usize] = [&[HOME][..], &[VISITED], &[HOME, VISITED]][kill % 3];
        which.iter().for_each(|which| load.stage.kill(*which));
        which.iter().for_each(|which| load.stage.start(*which));
        let what = format!("kill {kill} of {which:?}");
        // Whoever is leaving is promised nothing.
        let leaving = match &deed {
            Deed::Detach(of, _) => load.terminals[*of].take(),
            Deed::Attach(..) => None,
        };
        let took = load.stage.wait_for(&what, |_| load.all_found());
        longest = longest.max(took);
        if let Deed::Detach(of, _) = &deed {
            load.terminals[*of] = leaving;
        }
        load.end(deed);
        load.stage.wait_for(&format!("{what}: who was told since"), |_| load.all_found());
        load.assert_one_owner_each(&what);
    }
    println!(
        "{kills} kills, {} attaches acknowledged, consistent after {longest:?} at most",
        load.acknowledged
    );
    assert!(longest < Duration::from_secs(2), "{longest:?}");
}

#[test]
fn a7_the_name_of_a_dead_visited_network_is_gone_within_its_lease_and_two_seconds() {
    let mut load = Load::new();
    let deadline = Instant::now() + PATIENCE;
    while load.terminals[0].is_none() {
        assert!(Instant::now() < deadline, "nobody attaches");
        let deed = load.begin(0);
        load.end(deed);
    }
    load.stage.kill(VISITED);
    let took = load.stage.wait_for("the name falls", |_| load.forward(0).is_empty());
    println!("gone after {took:?}: a lease is {LEASE:?}, the record's TTL {TTL:?}");
    assert!(took < LEASE + TTL + Duration::from_secs(2), "{took:?}");
}
