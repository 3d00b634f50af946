//! BIND, Knot and Kea, started for a test on loopback.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, peer};
use serde_json::{Value, json};

use crate::programs::free;

/// What every key's secret is; names and zones differ.
pub(crate) const SECRET: &str = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE=";
const PATIENCE: Duration = Duration::from_secs(30);

/// A foreign name server with zones that one key each may change.
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    _process: Running,
}

/// Which one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Make {
    Bind,
    Knot,
}

/// The key that may change `zone`.
pub(crate) fn key_of(zone: &str) -> String {
    format!("update.{zone}")
}

impl NameServer {
    /// `None`, said aloud, where it is not installed.
    pub(crate) fn start(make: Make, ip: Ipv4Addr, folder: &Path, zones: &[&str]) -> Option<Self> {
        let program = peer(match make {
            Make::Bind => "named",
            Make::Knot => "knotd",
        })?;
        let folder = folder.join(format!("{make:?}"));
        fs::create_dir(&folder).unwrap();
        let address = free(ip);
        for zone in zones {
            let text = format!(
                "$ORIGIN {zone}.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 604800 1\n@ NS ns\nns A {ip}\n"
            );
            fs::write(folder.join(zone), text).unwrap();
        }
        let mut command = Command::new(program);
        let config = folder.join("conf");
        match make {
            Make::Bind => {
                fs::write(&config, bind(address, &folder, zones)).unwrap();
                command.args(["-g", "-n", "1", "-c"]).arg(&config);
            }
            Make::Knot => {
                fs::write(&config, knot(address, &folder, zones)).unwrap();
                command.arg("-c").arg(&config);
            }
        }
        command.current_dir(&folder);
        let server = Self { address, _process: Running::spawn(command) };
        let start = Instant::now();
        while !crate::programs::is_answered(address, zones[0]) {
            assert!(start.elapsed() < PATIENCE, "{make:?} does not answer");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Some(server)
    }
}

fn bind(address: SocketAddr, folder: &Path, zones: &[&str]) -> String {
    let (ip, port, here) = (address.ip(), address.port(), folder.display());
    let zone = |zone: &&str| {
        let key = key_of(zone);
        format!(
            "key \"{key}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
             zone \"{zone}\" {{ type primary; file \"{zone}\"; allow-update {{ key \"{key}\"; }}; }};\n"
        )
    };
    let zones: String = zones.iter().map(zone).collect();
    format!(
        "options {{ directory \"{here}\"; pid-file none; listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }};\n\
         recursion no; dnssec-validation no; session-keyfile none; }};\ncontrols {{ }};\n{zones}"
    )
}

fn knot(address: SocketAddr, folder: &Path, zones: &[&str]) -> String {
    let (ip, port, here) = (address.ip(), address.port(), folder.display());
    let each = |line: fn(&str, &str, &str) -> String| -> String {
        zones.iter().map(|zone| line(zone, &key_of(zone), &here.to_string())).collect()
    };
    let keys = each(|_, key, _| format!("  - id: {key}\n    algorithm: hmac-sha256\n    secret: {SECRET}\n"));
    let acls = each(|_, key, _| format!("  - id: {key}\n    key: {key}\n    action: update\n"));
    let zones = each(|zone, key, here| {
        format!(
            "  - domain: {zone}\n    storage: {here}\n    file: {zone}\n    acl: {key}\n    zonefile-load: difference-no-serial\n    journal-content: all\n"
        )
    });
    format!(
        "server:\n  rundir: {here}\n  listen: {ip}@{port}\ndatabase:\n  storage: {here}\n\
         key:\n{keys}acl:\n{acls}zone:\n{zones}"
    )
}

/// A Kea whose leases others rule.
pub(crate) struct Kea {
    pub(crate) socket: PathBuf,
    _process: Running,
}

impl Kea {
    /// `None`, said aloud, where it is not installed.
    pub(crate) fn start(folder: &Path, prefix: &str) -> Option<Self> {
        let program = peer("kea-dhcp4")?;
        let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
        let hook =
            folders.map(|folder| folder.join("kea/hooks/libdhcp_lease_cmds.so")).find(|file| file.is_file());
        let Some(hook) = hook else {
            println!("skipped: libdhcp_lease_cmds.so is not installed");
            return None;
        };
        let folder = folder.join(format!("kea{prefix}"));
        fs::create_dir(&folder).unwrap();
        let socket = folder.join("control");
        let config = json!({"Dhcp4": {
            // Here nobody asks DHCP itself; the test of the address pool does.
            "interfaces-config": {"interfaces": []},
            "control-socket": {"socket-type": "unix", "socket-name": socket},
            "lease-database": {"type": "memfile", "persist": false},
            "hooks-libraries": [{"library": hook}],
            "client-classes": [{"name": "DROP", "test": "(pkt4.msgtype == 7) or (pkt4.msgtype == 4)"}],
            "subnet4": [{"id": 1, "subnet": format!("{prefix}.0/24"),
                "pools": [{"pool": format!("{prefix}.100 - {prefix}.119")}]}],
        }});
        let file = folder.join("kea.json");
        fs::write(&file, config.to_string()).unwrap();
        let mut command = Command::new(program);
        command.env("KEA_LOCKFILE_DIR", "none").env("KEA_PIDFILE_DIR", &folder).arg("-c").arg(&file);
        Some(Self { socket, _process: Running::spawn(command) })
    }

    /// For how many seconds Kea gives this address to one client; for ever to nobody.
    pub(crate) fn lease(&self, address: Ipv4Addr) -> Option<u64> {
        let question =
            json!({"command": "lease4-get", "arguments": {"ip-address": address.to_string()}}).to_string();
        let mut stream = UnixStream::connect(&self.socket).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.write_all(question.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        answer["arguments"]["valid-lft"].as_u64()
    }
}
