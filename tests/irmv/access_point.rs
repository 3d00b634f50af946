//! B18: whoever has an access point hosts the server on it.

use std::{
    net::{SocketAddr, UdpSocket},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, example, program, server_for_access_points};

use crate::stage::{PATIENCE, certificates, write};

const TERMINALS: usize = 1_000;

/// A server for one domain, by SIP and by IRMV, and where it is.
fn server(program: &Path, folder: &Path) -> (Running, SocketAddr, SocketAddr) {
    certificates(folder);
    let config = folder.join("a.toml");
    write(
        &config,
        "[journal]\npath = \"a.journal\"\n\
         [irmv]\nlisten = [\"127.0.0.1:0\"]\ndomain = \"a.example\"\ncertificate = \"a.pem\"\nkey = \"a.key\"\n\
         authorities = \"ca.pem\"\nsigning_key = \"a.signing\"\nopen = true\nshown_to = \"anybody\"\n\
         [irmv.search]\nlisten = \"127.0.0.1:0\"\n\
         [relay]\nlisten = [\"127.0.0.1:0\"]\nsecret = \"for-tickets\"\n\
         [sip]\ndomains = [\"a.example\"]\nauth = false\n[sip.listen]\nudp = [\"127.0.0.1:0\"]\n\
         [sip.limits]\nrequests_per_second = 0\n",
    );
    let mut command = Command::new(program);
    // Pages of two megabytes would say nothing of what a terminal takes.
    command.args(["--config", config.to_str().unwrap(), "--ready-json"]).env("MIMALLOC_ALLOW_THP", "0");
    let mut roved = Running::spawn(command);
    let ready = roved.ready(PATIENCE);
    let irmv = ready["irmv"][0].as_str().unwrap().parse().unwrap();
    let sip = ready["sip"][0].as_str().unwrap();
    let sip = sip.trim_start_matches("sip:").split(';').next().unwrap().parse().unwrap();
    (roved, irmv, sip)
}

/// Registers one terminal by SIP, and hears that it is taken.
fn registers(socket: &UdpSocket, server: SocketAddr, number: usize) {
    let own = socket.local_addr().unwrap();
    let request = format!(
        "REGISTER sip:a.example SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKr{number};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:t{number}@a.example>;tag={number}\r\nTo: <sip:t{number}@a.example>\r\nCall-ID: {number}@terminals\r\n\
         CSeq: 1 REGISTER\r\nContact: <sip:t{number}@{own}>\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n"
    );
    let (until, mut buffer) = (Instant::now() + PATIENCE, [0; 4_096]);
    loop {
        socket.send_to(request.as_bytes(), server).unwrap();
        match socket.recv_from(&mut buffer) {
            Ok((length, _)) if buffer[..length].starts_with(b"SIP/2.0 200") => return,
            other => assert!(Instant::now() < until, "terminal {number}: {other:?}"),
        }
    }
}

#[test]
fn b18_a_server_for_access_points_fits_into_8_megabytes_and_holds_a_thousand_terminals_in_16_mebibytes() {
    // Built to be small, which takes minutes, in the long form; in the short one as all programs are for tests, of which a
    // terminal's share alone is bounded.
    let long = std::env::var_os("ROVE_PROVE").is_some();
    let program = if long { server_for_access_points() } else { program("roved") };
    let size = std::fs::metadata(&program).unwrap().len();
    let folder = tempfile::tempdir().unwrap();
    let (roved, _, sip) = server(&program, folder.path());
    let idle = roved.resident_kib().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    (0..TERMINALS).for_each(|number| registers(&socket, sip, number));
    let by_sip = roved.resident_kib().unwrap();
    drop(roved);
    let (roved, irmv, _) = server(&program, folder.path());
    let ca = folder.path().join("ca.pem");
    let [server, ca, users] = [irmv.to_string(), ca.to_str().unwrap().to_owned(), TERMINALS.to_string()];
    let args = ["hold", "--server", &server, "--authority", &ca, "--domain", "a.example", "--users", &users];
    let mut terminals = Running::start(&example("registry_load"), args);
    assert_eq!(terminals.ready(PATIENCE)["held"], TERMINALS);
    let by_links = roved.resident_kib().unwrap();
    println!(
        "{size} bytes on disk; {idle} KiB resident, {by_sip} with {TERMINALS} terminals by SIP, {by_links} with as many on \
         links that stay open"
    );
    assert!(by_sip.saturating_sub(idle) <= 8 * 1_024, "8 KiB a terminal: {idle} to {by_sip} KiB");
    assert!(by_links.saturating_sub(idle) <= 64 * 1_024, "64 KiB a link: {idle} to {by_links} KiB");
    if long {
        assert!(size <= 8_000_000, "{size} bytes");
        assert!(by_sip <= 16 * 1_024, "{by_sip} KiB");
    }
}
