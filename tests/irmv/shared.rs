//! Two servers of one domain, which tell each other by Redis who is registered.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    sync::atomic::{AtomicU8, Ordering},
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, peer, program};

use crate::stage::{PATIENCE, certificates, free, write};

/// Redis at an address of its own, keeping nothing.
fn started(program: &Path, folder: &Path, more: &[&str]) -> (Running, SocketAddr) {
    let at = free(Ipv4Addr::LOCALHOST);
    let port = at.port().to_string();
    let mut args = vec!["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    args.extend(["--dir", folder.to_str().unwrap(), "--repl-diskless-sync-delay", "0"]);
    args.extend(more);
    let mut server = Running::start(program, args);
    server.line_with("eady to accept connections", PATIENCE);
    (server, at)
}

/// A replica of another where one is named.
fn redis(program: &Path, folder: &Path, of: Option<SocketAddr>) -> (Running, SocketAddr) {
    let Some(master) = of.map(|of| of.port().to_string()) else { return started(program, folder, &[]) };
    let (mut server, at) = started(program, folder, &["--replicaof", "127.0.0.1", &master]);
    server.line_with("Finished with success", PATIENCE);
    (server, at)
}

/// Three masters with a replica each, which make one of these a master when its own is gone.
fn cluster(program: &Path, cli: &Path, folder: &Path) -> Vec<(Running, SocketAddr)> {
    let node = |number: usize| {
        let (bus, own) = (free(Ipv4Addr::LOCALHOST).port().to_string(), format!("nodes{number}.conf"));
        let cluster = ["--cluster-enabled", "yes", "--cluster-config-file", &own, "--cluster-port", &bus];
        started(program, folder, &[&cluster[..], &["--cluster-node-timeout", "1000"]].concat())
    };
    let nodes: Vec<_> = (0..6).map(node).collect();
    let addresses = nodes.iter().map(|(_, at)| at.to_string());
    let words = ["--cluster", "create"].map(str::to_owned).into_iter().chain(addresses);
    let words = words.chain(["--cluster-replicas", "1", "--cluster-yes"].map(str::to_owned));
    let (code, said, complaints) = Running::start(cli, words).outcome(PATIENCE);
    assert_eq!(code, 0, "{said} {complaints}");
    let until = Instant::now() + PATIENCE;
    while owner(&nodes).is_none() {
        assert!(Instant::now() < until, "the cluster does not come together");
        std::thread::park_timeout(Duration::from_millis(100));
    }
    nodes
}

/// Which of them has what the servers of the domain share.
fn owner(nodes: &[(Running, SocketAddr)]) -> Option<usize> {
    nodes.iter().position(|(_, at)| asks(*at, "EXISTS rove:{a.example}:").starts_with(':'))
}

/// The first line of what a server answers to a command.
fn asks(server: SocketAddr, command: &str) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
    let mut said = String::new();
    BufReader::new(stream).read_line(&mut said).unwrap();
    said.trim_end().to_owned()
}

/// From now on it takes what is written.
fn promote(replica: SocketAddr) {
    assert_eq!(asks(replica, "REPLICAOF NO ONE"), "+OK");
}

/// Both servers, and phones.
struct Pair {
    folder: tempfile::TempDir,
    at: [SocketAddr; 2],
    nodes: [Option<Running>; 2],
}

impl Pair {
    fn new(store: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        Self::in_folder(folder, store)
    }

    fn in_folder(folder: tempfile::TempDir, store: &str) -> Self {
        static COUNT: AtomicU8 = AtomicU8::new(0);
        let own = COUNT.fetch_add(1, Ordering::Relaxed);
        let at = [50, 60].map(|net| free(Ipv4Addr::new(127, net, own, 1)));
        for (which, at) in at.iter().enumerate() {
            let config = format!(
                "[journal]\npath = \"{which}.journal\"\n\
                 [irmv]\nlisten = [\"{at}\"]\ndomain = \"a.example\"\ncertificate = \"a.pem\"\nkey = \"a.key\"\n\
                 authorities = \"ca.pem\"\nsigning_key = \"a.signing\"\nopen = true\nshown_to = \"anybody\"\n\
                 store = \"{store}\"\n"
            );
            write(&folder.path().join(format!("{which}.toml")), &config);
        }
        let mut pair = Self { folder, at, nodes: [None, None] };
        (0..2).for_each(|which| pair.start(which));
        pair
    }

    fn start(&mut self, which: usize) {
        let config = self.folder.path().join(format!("{which}.toml"));
        let args = ["--config", config.to_str().unwrap(), "--ready-json", "--log", "info"];
        let mut node = Running::start(&program("roved"), args);
        node.ready(PATIENCE);
        self.nodes[which] = Some(node);
    }

    fn complaints(&self, which: usize) -> String {
        self.nodes[which].as_ref().map_or_else(String::new, Running::complaints)
    }

    fn rove(&self, which: usize, user: &str, args: &[&str]) -> Running {
        let (server, folder) = (self.at[which].to_string(), self.folder.path());
        let (key, ca) = (folder.join(format!("{user}.key")), folder.join("ca.pem"));
        let own = ["--irmv-server", &server, "--irmv-domain", "a.example", "--listen", "127.0.70.1:0"];
        let own =
            own.into_iter().chain(["--irmv-key", key.to_str().unwrap(), "--tls-ca", ca.to_str().unwrap()]);
        Running::start(&program("rove"), args.iter().copied().chain(own))
    }

    fn registers(&self, which: usize, user: &str) -> Running {
        let name = format!("{user}@a.example");
        let mut phone = self.rove(which, user, &["answer", "--register", &name, "--ready-json"]);
        phone.ready(PATIENCE);
        phone
    }

    fn finds(&self, which: usize, user: &str) -> Result<(), String> {
        let name = format!("{user}@a.example");
        let (code, said, complaints) = self.rove(which, "asker", &["lookup", &name]).outcome(PATIENCE);
        let there = code == 0 && said.contains("is online");
        if there { Ok(()) } else { Err(format!("{code}: {said} {complaints}")) }
    }

    fn comes_to_find(&self, which: usize, user: &str) {
        let until = Instant::now() + PATIENCE;
        while let Err(said) = self.finds(which, user) {
            assert!(Instant::now() < until, "{said}");
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
}

#[test]
fn b20_servers_of_one_domain_find_each_others_users_and_a_master_that_is_killed_fails_no_look_up() {
    let Some(program) = peer("redis-server") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (master, first) = redis(&program, folder.path(), None);
    let (_replica, second) = redis(&program, folder.path(), Some(first));
    let mut pair = Pair::new(&format!("redis://{first},redis://{second}"));
    let _bob = pair.registers(0, "bob");
    pair.comes_to_find(1, "bob");
    // Who comes later reads what is there.
    pair.nodes[1] = None;
    pair.start(1);
    pair.comes_to_find(1, "bob");

    drop(master);
    let rounds = if std::env::var_os("ROVE_PROVE").is_some() { 200 } else { 10 };
    let _carol = pair.registers(0, "carol");
    for round in 0..rounds {
        for (which, user) in [(0, "bob"), (1, "bob"), (0, "carol")] {
            pair.finds(which, user).unwrap_or_else(|said| panic!("{user} in round {round}: {said}"));
        }
    }
    println!("{} look-ups without a master, none failed", rounds * 3);

    // What could not be written has waited.
    promote(second);
    pair.comes_to_find(1, "carol");
    pair.nodes[0] = None;
    pair.finds(1, "bob").unwrap();
}

#[test]
fn b20_the_store_is_spoken_with_over_tls_and_one_of_another_authority_is_told_nothing() {
    let Some(program) = peer("redis-server") else { return };
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let at = free(Ipv4Addr::LOCALHOST);
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (ca, own, key, port) = (file("ca.pem"), file("store.pem"), file("store.key"), at.port().to_string());
    let tls =
        ["--tls-port", &port, "--tls-cert-file", &own, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
    let (_store, plain) =
        started(&program, folder.path(), &[&tls[..], &["--tls-auth-clients", "no"]].concat());
    let store = format!("rediss://localhost:{}\"\nstore_authorities = \"ca.pem", at.port());
    let pair = Pair::in_folder(folder, &store);
    let _bob = pair.registers(0, "bob");
    pair.comes_to_find(1, "bob");
    assert_eq!(asks(plain, "DBSIZE"), ":1");

    // Certificates of somebody else: what would be written is not.
    let stranger = Pair::new(&store);
    let _carol = stranger.registers(0, "carol");
    let until = Instant::now() + PATIENCE;
    while !stranger.complaints(0).contains("the store does not answer") {
        assert!(Instant::now() < until, "{}", stranger.complaints(0));
        std::thread::park_timeout(Duration::from_millis(50));
    }
    assert!(stranger.finds(1, "carol").is_err());
    assert_eq!(asks(plain, "DBSIZE"), ":1", "bob alone");
}

#[test]
fn b20_a_cluster_makes_another_its_master_and_what_could_not_be_written_meanwhile_is_written_there() {
    let (Some(program), Some(cli)) = (peer("redis-server"), peer("redis-cli")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut nodes = cluster(&program, &cli, folder.path());
    // Nodes that do not have the domain's keys are named first: they say who has.
    let owner = owner(&nodes).unwrap();
    nodes.rotate_left(owner + 1);
    let all: Vec<_> = nodes.iter().map(|(_, at)| format!("redis://{at}")).collect();
    let mut pair = Pair::new(&all.join(","));
    let _bob = pair.registers(0, "bob");
    pair.comes_to_find(1, "bob");
    pair.nodes[1] = None;
    pair.start(1);
    pair.comes_to_find(1, "bob");

    drop(nodes.pop());
    let _carol = pair.registers(0, "carol");
    for (which, user) in [(0, "bob"), (1, "bob"), (0, "carol")] {
        pair.finds(which, user).unwrap_or_else(|said| panic!("{user} while nobody is master: {said}"));
    }
    pair.comes_to_find(1, "carol");
    // Who comes later reads it from the new master.
    pair.nodes[1] = None;
    pair.start(1);
    pair.comes_to_find(1, "carol");
}
