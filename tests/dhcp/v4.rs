//! `udhcpc` and `dhclient` get an IPv4 address by their token, keep it, and give it back.

use std::{
    fs, net::Ipv4Addr, os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command, time::Instant,
};

use rove_base::UdpFlow;
use rove_io::raw::DhcpSocket;
use rove_roam::pool::{Event, Token};
use rove_tests::programs::{Running, peer};
use tempfile::TempDir;

use crate::{
    place::{Place, TERMINAL},
    server::{PATIENCE, Server, imsi},
};

pub(crate) const TOKEN: [u8; 16] = *b"a token of ours!";

/// A network with its pool, a client program, and a folder for what it writes.
pub(crate) struct Stage {
    pub(crate) server: Server,
    place: Place,
    program: PathBuf,
    folder: TempDir,
}

impl Stage {
    /// `None` when the program is not there, or namespaces are not allowed.
    pub(crate) fn set(program: &str, lease: u32) -> Option<Self> {
        let program = peer(program)?;
        let place = Place::new()?;
        let server = Server::start(&place, lease);
        Some(Self { server, place, program, folder: tempfile::tempdir().unwrap() })
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// `udhcpc` in the foreground; what it is given it writes into a file, and sets.
    fn udhcpc(&self, client_id: Option<&str>, more: &[&str]) -> Running {
        let log = self.log();
        let script = format!(
            "#!/bin/sh\necho \"$1 $ip $subnet $router $dns $lease\" >> {log}\n\
             case $1 in\nbound|renew) ip address replace $ip/24 dev $interface;;\n\
             deconfig) ip address flush dev $interface scope global;;\nesac\n",
            log = log.display()
        );
        let script = self.file("udhcpc.sh", &script);
        let option = client_id.map(|id| format!("0x3d:{id}"));
        let mut args = vec!["-f", "-i", TERMINAL, "-C", "-s", &script, "-T", "1"];
        args.extend(option.iter().flat_map(|option| ["-x", option.as_str()]));
        self.place.terminal(&self.program, args.iter().chain(more))
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Starts the client.
    pub(crate) fn start<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Running {
        self.place.terminal(&self.program, args)
    }

    /// Waits for a line that begins like this in what the client's script wrote.
    pub(crate) fn wait_for_line(&self, begin: &str, client: &Running) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            if let Some(line) = log.lines().rev().find(|line| line.starts_with(begin)) {
                return line.to_owned();
            }
            let told = || format!("{log:?} {} {}", client.said(), client.complaints());
            assert!(Instant::now() < deadline, "no {begin:?}: {}", told());
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
    }
}

fn signal(process: &Running, name: &str) {
    let sent = Command::new("kill").args([name, &process.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
}

pub(crate) fn hex(bytes: [u8; 16]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).concat()
}

#[test]
fn a3_udhcpc_gets_the_address_reserved_for_its_token_renews_it_and_gives_it_back() {
    let Some(stage) = Stage::set("udhcpc", 3_600) else { return };
    let address = stage.server.attach(imsi(1), Token(TOKEN)).v4.unwrap();
    let client = stage.udhcpc(Some(&hex(TOKEN)), &["-x", "hostname:bob"]);
    let line = stage.wait_for_line("bound", &client);
    assert_eq!(line, format!("bound {address} 255.255.255.0 10.9.0.1 10.9.0.1 3600"));
    let asked = Event::Requested { holder: imsi(1), host_name: Some("bob".to_owned()) };
    assert_eq!(stage.server.with(|state, _| state.events.clone()), std::slice::from_ref(&asked));

    signal(&client, "-USR1");
    stage.wait_for_line("renew", &client);
    signal(&client, "-USR2");
    stage.server.wait("a release", |state| state.events.len() > 1);
    let released = Event::Released { holder: imsi(1) };
    stage.server.with(|state, _| {
        assert_eq!(state.events, [asked, released]);
        let occupancy = state.pool.occupancy();
        // Of two families; and those of the reservation that showed the pool to be open.
        assert_eq!((occupancy.bound, occupancy.resting), (0, 4));
        assert_eq!(state.pool.holder_of(address.into()), None);
    });
}

#[test]
fn a3_udhcpc_without_a_granted_token_gets_no_lease() {
    let Some(stage) = Stage::set("udhcpc", 3_600) else { return };
    stage.server.attach(imsi(1), Token(TOKEN));
    for (what, id) in [("none", None), ("another", Some("00112233445566778899aabbccddeeff"))] {
        let before = stage.server.with(|state, _| (state.pool.occupancy(), state.sent));
        let client = stage.udhcpc(id, &["-n", "-q", "-t", "2"]);
        let (code, said, complaints) = client.outcome(PATIENCE);
        assert_ne!(code, 0, "{what}: {said} {complaints}");
        let after = stage.server.with(|state, _| (state.pool.occupancy(), state.sent));
        assert_eq!(before, after, "{what}");
    }
    let counters = stage.server.with(|state, _| state.pool.counters());
    assert!(counters.without_token >= 2 && counters.unknown_token >= 2, "{counters:?}");
}

#[test]
fn a3_dhclient_gets_renews_and_releases_by_the_same_token() {
    let Some(stage) = Stage::set("dhclient", 8) else { return };
    let address = stage.server.attach(imsi(1), Token(TOKEN)).v4.unwrap();
    let colons = TOKEN.map(|byte| format!("{byte:02x}")).join(":");
    let settings = stage.file(
        "dhclient.conf",
        &format!(
            "send dhcp-client-identifier {colons};\nsend fqdn.fqdn \"bob.home.example.\";\n\
             send fqdn.encoded on;\nsend fqdn.server-update on;\n"
        ),
    );
    let script = format!(
        "#!/bin/sh\necho \"$reason $new_ip_address $new_subnet_mask\" >> {}\ncase $reason in\n\
         BOUND|RENEW) ip address replace $new_ip_address/24 dev $interface;;\n\
         RELEASE) ip address flush dev $interface scope global;;\nesac\n",
        stage.log().display()
    );
    let script = stage.file("dhclient.sh", &script);
    let path = |name: &str| stage.folder.path().join(name).display().to_string();
    let (leases, pid) = (path("leases"), path("pid"));
    let common = ["-4", "-cf", &settings, "-lf", &leases, "-pf", &pid, "-sf", &script, TERMINAL];
    let client = stage.place.terminal(&stage.program, ["-d"].iter().chain(&common));
    let line = stage.wait_for_line("BOUND", &client);
    assert_eq!(line, format!("BOUND {address} 255.255.255.0"));
    let asked = Event::Requested { holder: imsi(1), host_name: Some("bob.home.example".to_owned()) };
    assert_eq!(stage.server.with(|state, _| state.events.clone()), [asked]);
    // It renews by itself after half of its eight seconds.
    stage.wait_for_line("RENEW", &client);
    let mut releasing = stage.place.terminal(&stage.program, ["-r"].iter().chain(&common));
    assert!(releasing.wait(PATIENCE).is_some_and(|status| status.success()), "{}", releasing.complaints());
    stage.server.wait("a release", |state| state.events.contains(&Event::Released { holder: imsi(1) }));
}

#[test]
fn a_thousand_strangers_leave_the_pool_as_it_is_and_a_terminal_is_served_beside_them() {
    let Some(stage) = Stage::set("udhcpc", 3_600) else { return };
    let address = stage.server.attach(imsi(1), Token(TOKEN)).v4.unwrap();
    let before = stage.server.with(|state, _| state.pool.occupancy());
    let none = Ipv4Addr::UNSPECIFIED;
    let mut socket = stage.place.in_terminal(move || DhcpSocket::open(TERMINAL, none, 68).unwrap());
    let flow = UdpFlow { local: (none, 68).into(), remote: (Ipv4Addr::BROADCAST, 67).into() };
    for number in 0..1_000_u32 {
        socket.send(flow, &discover(number)).unwrap();
        // Not more than the socket holds.
        let seen = u64::from(number).saturating_sub(50);
        stage.server.wait("a stranger", |state| state.pool.counters().unknown_token >= seen);
    }
    let strangers = |state: &mut crate::server::State| state.pool.counters().unknown_token >= 1_000;
    stage.server.wait("the last stranger", strangers);
    assert_eq!(stage.server.with(|state, _| (state.pool.occupancy(), state.sent)), (before, 0));
    drop(socket);
    let client = stage.udhcpc(Some(&hex(TOKEN)), &[]);
    assert!(stage.wait_for_line("bound", &client).contains(&address.to_string()));
}

/// A DISCOVER of one of many hardware addresses, each with a token of its own making.
fn discover(number: u32) -> Vec<u8> {
    let mut message = vec![0; 240];
    message[..3].copy_from_slice(&[1, 1, 6]);
    message[4..8].copy_from_slice(&number.to_be_bytes());
    message[28..30].copy_from_slice(&[2, 0]);
    message[30..34].copy_from_slice(&number.to_be_bytes());
    message[236..].copy_from_slice(&[99, 130, 83, 99]);
    message.extend_from_slice(&[53, 1, 1, 61, 16]);
    message.extend_from_slice(&u128::from(number).to_be_bytes());
    message.push(255);
    message
}
