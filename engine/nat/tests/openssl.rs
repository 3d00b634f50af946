//! OpenSSL's own DTLS at the other end, in both roles, with certificates of both kinds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test with a real peer, which needs a real clock"
)]

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant as Clock},
};

use rove_base::{DtlsPlan, DtlsRole, Entropy, Fingerprint, Instant, SrtpKeys, UdpFlow, UnixTime};
use rove_nat::dtls::{Dtls, DtlsEvent, Flows, Identity};

const PATIENCE: Duration = Duration::from_secs(20);

/// `openssl`, or `None` after saying that the test is skipped.
fn openssl() -> Option<PathBuf> {
    let wanted = std::env::var_os("ROVE_PEERS").is_none_or(|peers| peers != "none");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("openssl")).find(|file| file.is_file());
    if wanted && found.is_some() {
        return found;
    }
    println!("skipped: openssl {}", if wanted { "is not installed" } else { "is a foreign peer" });
    None
}

/// A certificate and its key in `folder`, and the fingerprint.
fn certificate(openssl: &Path, folder: &Path, kind: &[&str]) -> Fingerprint {
    let run = |args: &[&str]| {
        let output = Command::new(openssl).args(args).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let request = [
        "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=peer", "-keyout", "key.pem", "-out", "cert.pem",
    ];
    run(&[&request[..], kind].concat());
    let told = run(&["x509", "-in", "cert.pem", "-noout", "-fingerprint", "-sha256"]);
    format!("sha-256 {}", told.trim().split_once('=').unwrap().1).parse().unwrap()
}

/// OpenSSL, ended when dropped, and what it says line by line.
struct Peer(Child, mpsc::Receiver<String>);

impl Peer {
    fn start(openssl: &Path, folder: &Path, args: &[&str]) -> Self {
        let common =
            "-dtls1_2 -cert cert.pem -key key.pem -keymatexport EXTRACTOR-dtls_srtp -keymatexportlen 56";
        let mut child = Command::new(openssl)
            .args(args)
            .args(common.split(' '))
            .args(["-use_srtp", "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self(child, lines)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs our end on `socket` until it has keys.
fn run(dtls: &mut Dtls, socket: &UdpSocket, remote: Option<SocketAddr>) -> SrtpKeys {
    let start = Clock::now();
    let local = socket.local_addr().unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    if let Some(remote) = remote {
        dtls.start(Instant::ZERO, UdpFlow { local, remote });
    }
    let mut bytes = [0; 2_048];
    while start.elapsed() < PATIENCE {
        let now = Instant::ZERO + start.elapsed();
        dtls.tick(now);
        while let Some((flow, datagram)) = dtls.next_datagram() {
            // Nobody may be there yet.
            let _ = socket.send_to(&datagram, flow.remote);
        }
        while let Some(event) = dtls.next_event() {
            match event {
                DtlsEvent::Secured { keys, .. } => {
                    while let Some((flow, datagram)) = dtls.next_datagram() {
                        socket.send_to(&datagram, flow.remote).unwrap();
                    }
                    return keys;
                }
                other => panic!("{other:?}"),
            }
        }
        if let Ok((count, remote)) = socket.recv_from(&mut bytes) {
            dtls.receive(now, UdpFlow { local, remote }, bytes.get(..count).unwrap());
        }
    }
    panic!("no keys in time");
}

/// The keys that OpenSSL says it exported, as the client's and the server's key and salt.
fn exported(peer: &Peer) -> [Vec<u8>; 2] {
    let until = Clock::now() + PATIENCE;
    loop {
        let left = until.saturating_duration_since(Clock::now());
        let line = peer.1.recv_timeout(left).expect("openssl tells its keying material");
        if let Some(hex) = line.trim().strip_prefix("Keying material: ") {
            let hex = |range| u8::from_str_radix(hex.get(range).unwrap(), 16).unwrap();
            let all: Vec<u8> = (0..56).map(|place| hex(2 * place..2 * place + 2)).collect();
            let [client, server] =
                [(0, 32), (16, 44)].map(|(key, salt)| [&all[key..key + 16], &all[salt..salt + 12]].concat());
            return [client, server];
        }
    }
}

const KINDS: [(&str, &[&str]); 2] = [
    ("ECDSA on P-256", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]),
    ("RSA", &["-newkey", "rsa:2048"]),
];

fn ours(role: DtlsRole, fingerprint: Fingerprint) -> Dtls {
    let mut entropy = Entropy::from_number(u64::from(std::process::id()));
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let identity = Identity::draw(&mut entropy, UnixTime::from_secs(wall.as_secs()));
    Dtls::new(identity, DtlsPlan { role, fingerprint }, Flows::Checked, entropy)
}

#[test]
fn openssl_as_the_client_agrees_on_the_same_keys() {
    let Some(openssl) = openssl() else { return };
    for (what, kind) in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let fingerprint = certificate(&openssl, folder.path(), kind);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let mut peer = Peer::start(&openssl, folder.path(), &["s_client", "-connect", &address]);
        let keys = run(&mut ours(DtlsRole::Passive, fingerprint), &socket, None);
        let [client, server] = exported(&peer);
        assert_eq!((keys.receive(), keys.send()), (&client[..], &server[..]), "{what}");
        let _ = peer.0.stdin.take().unwrap().write_all(b"Q\n");
    }
}

#[test]
fn openssl_as_the_server_agrees_on_the_same_keys() {
    let Some(openssl) = openssl() else { return };
    for (what, kind) in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let fingerprint = certificate(&openssl, folder.path(), kind);
        let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let port = free.port().to_string();
        let peer = Peer::start(&openssl, folder.path(), &["s_server", "-port", &port, "-Verify", "1"]);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let keys = run(&mut ours(DtlsRole::Active, fingerprint), &socket, Some(free));
        let [client, server] = exported(&peer);
        assert_eq!((keys.send(), keys.receive()), (&client[..], &server[..]), "{what}");
    }
}
