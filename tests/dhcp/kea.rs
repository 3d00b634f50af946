//! Debian's Kea before the pool: `udhcpc` gets an address of it by a token alone, and only while its stay is bound.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::Ipv4Addr,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rove_base::{Entropy, Machine as _, Now, Scratch, Step};
use rove_io::Clock;
use rove_roam::pool::{Event, Token, kea::KeaPool};
use rove_tests::programs::{Running, peer};

use crate::{
    place::{NETWORK, Place, TERMINAL},
    server::{PATIENCE, imsi, settings},
    v4::{TOKEN, hex},
};

/// The pool, its Kea and a clock.
struct Behind {
    pool: KeaPool,
    socket: PathBuf,
    clock: Clock,
    events: Vec<Event>,
}

impl Behind {
    /// Everything that waits to be told to Kea is told.
    fn settle(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let mut out = Scratch::default();
        loop {
            let now: Now = self.clock.now();
            self.pool.tick(now);
            while let Step::Event(event) = self.pool.poll(&mut out) {
                match event {
                    Event::Commit(change) => self.pool.committed(now, change.id, true),
                    other => self.events.push(other),
                }
            }
            match self.pool.command(now) {
                Some(command) => {
                    let answer = ask(&self.socket, &command);
                    self.pool.answered(self.clock.now(), answer.as_deref());
                }
                None if self.pool.is_serving() => return,
                None => std::thread::park_timeout(Duration::from_millis(20)),
            }
            assert!(
                Instant::now() < deadline,
                "Kea does not do as it is told: {} failures",
                self.pool.failures()
            );
        }
    }
}

/// One command, one connection.
fn ask(socket: &Path, command: &str) -> Option<Vec<u8>> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(command.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(answer)
}

/// Kea's hook library with the commands for leases; `None`, said aloud, where it is not installed.
fn hook() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let found = folders
        .chain(["/usr/lib".into(), "/usr/local/lib".into()])
        .map(|folder| folder.join("kea/hooks/libdhcp_lease_cmds.so"))
        .find(|file| file.is_file());
    if found.is_none() {
        println!("skipped: libdhcp_lease_cmds.so is not installed");
    }
    found
}

fn start(place: &Place, kea: &Path, hook: &Path, folder: &Path) -> (Running, PathBuf) {
    let socket = folder.join("control");
    let config = serde_json::json!({"Dhcp4": {
        "interfaces-config": {"interfaces": [NETWORK], "dhcp-socket-type": "raw"},
        "control-socket": {"socket-type": "unix", "socket-name": socket},
        "lease-database": {"type": "memfile", "persist": false},
        "hooks-libraries": [{"library": hook}],
        "client-classes": [{"name": "DROP", "test": "(pkt4.msgtype == 7) or (pkt4.msgtype == 4)"}],
        "valid-lifetime": 120, "renew-timer": 60, "rebind-timer": 105,
        "subnet4": [{"id": 1, "subnet": "10.9.0.0/24", "pools": [{"pool": "10.9.0.100 - 10.9.0.199"}]}],
        "loggers": [{"name": "kea-dhcp4", "output_options": [{"output": "stdout"}], "severity": "INFO"}],
    }});
    let file = folder.join("kea.json");
    fs::write(&file, config.to_string()).unwrap();
    let pids = format!("KEA_PIDFILE_DIR={}", folder.display());
    let args =
        ["KEA_LOCKFILE_DIR=none", &pids, &kea.display().to_string(), "-c", &file.display().to_string()]
            .map(str::to_owned);
    (place.network_program(Path::new("/usr/bin/env"), args), socket)
}

/// Whether `udhcpc` gets a lease within four seconds, and what it says.
fn udhcpc(place: &Place, program: &Path, script: &str, id: &str, more: &[&str]) -> (bool, String) {
    let option = format!("0x3d:{id}");
    let args = ["-f", "-i", TERMINAL, "-C", "-s", script, "-n", "-q", "-t", "3", "-T", "1", "-x", &option];
    let (code, said, complaints) = place.terminal(program, args.iter().chain(more)).outcome(PATIENCE);
    (code == 0, format!("{said}\n{complaints}"))
}

#[test]
fn a25_kea_gives_an_address_to_the_token_of_a_bound_stay_and_to_nobody_else() {
    let (Some(kea), Some(client)) = (peer("kea-dhcp4"), peer("udhcpc")) else { return };
    let (Some(hook), Some(place)) = (hook(), Place::new()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    fs::write(&script, "#!/bin/sh\necho \"$1 $ip\"\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let script = script.display().to_string();
    let (_kea, socket) = start(&place, &kea, &hook, folder.path());
    let pool = KeaPool::new(settings(), 1, Entropy::from_number(3)).unwrap();
    let mut behind = Behind { pool, socket, clock: Clock::new(), events: Vec::new() };
    behind.settle();

    let (token, id) = (Token(TOKEN), hex(TOKEN));
    let lease = |id: &str, more: &[&str]| udhcpc(&place, &client, &script, id, more);
    let (got, said) = lease("00112233445566778899aabbccddeeff", &[]);
    assert!(!got, "a stranger: {said}");
    let now = behind.clock.now();
    let address: Ipv4Addr = behind.pool.reserve(now, imsi(1)).unwrap().v4.unwrap();
    behind.pool.grant(now, token, imsi(1));
    behind.settle();
    assert_eq!(behind.events, [Event::Requested { holder: imsi(1), host_name: None }]);
    let (got, said) = lease(&id, &[]);
    assert!(!got, "before the binding is durable: {said}");

    behind.pool.bound(behind.clock.now(), imsi(1), 120);
    behind.settle();
    // The RELEASE at its end is dropped; it gets the same address again.
    for more in [&["-R"][..], &[]] {
        let (got, said) = lease(&id, more);
        assert!(got && said.contains(&format!("bound {address}")), "{said}");
    }
    behind.pool.release(behind.clock.now(), imsi(1));
    behind.settle();
    let (got, said) = lease(&id, &[]);
    assert!(!got, "after the stay: {said}");
}
